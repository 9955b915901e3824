"""Rows of units, in any order, parents in the same file or registered: checked, then written from
the top down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import insert, select, update

from engine.commands.imports.columns import title_of
from engine.commands.imports.lines import Line, may_import, replaced, tell_twins
from engine.commands.people import records, superiors, units, words
from engine.db import tables
from engine.db.progress import Tell, silent, told
from engine.errors import Invalid
from engine.messages import _
from engine.people import posts, spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.db import Session, rows
    from engine.messages import Message
    from engine.people.organisation import Actor

TITLES = {
    "name": _("名称"),
    "name_en": _("英文名称"),
    "parent": _("上级"),
    "owner_type": _("举办者类型"),
    "city": _("城市"),
    "guiding": _("业务指导"),
}


def _titles() -> dict[str, Message]:
    return {**TITLES, "affiliation": title_of("affiliation")}


SAID = ("code", "name", "name_en", "kind", "owner_type", "affiliation", "city")
KEPT = {"name_en", "owner_type", "affiliation", "city"}  # a blank does not clear them


class Tree:
    """The registered units under the rows of the file: what stands under what once all is
    written.
    """

    def __init__(self, session: Session, actor: Actor, lines: list[Line]) -> None:
        registered = session.execute(select(tables.unit).order_by(tables.unit.c.id))
        self.actor = actor
        self.known = {unit.code: unit for unit in cast("Iterable[rows.Unit]", registered)}
        self.code_of = {unit.id: unit.code for unit in self.known.values()}
        self.wanted: dict[str, dict[str, Any]] = {}
        for line in lines:
            wanted = _clean(line)
            if not line.errors:
                line.plan = wanted
                self.wanted[wanted["code"]] = wanted
        for line in lines:
            if not line.errors:
                line.plan["parent"] = self._parent_meant(line)

    def _parent_meant(self, line: Line) -> str:
        """The code of the parent that a row names by its code or, where one only has it, its
        name.
        """
        text = str(line.plan["parent"])
        if not text or text in self.known or text in self.wanted:
            return text
        named = {code for code, wanted in self.wanted.items() if wanted["name"] == text}
        named |= {
            unit.code
            for unit in self.known.values()
            if spelling.words(unit.name) == text and may_import(self.actor, unit.union_id)
        }
        if len(named) != 1:
            return text
        (code,) = named
        line.read_as(title_of("parent_code"), text, code)
        return code

    def code(self, unit_id: UUID | None) -> str:
        """The code of a registered unit; "" for none."""
        return self.code_of[unit_id] if unit_id else ""

    def parent(self, code: str) -> str | None:
        """The code of the parent after the import."""
        if code in self.wanted:
            return str(self.wanted[code]["parent"]) or None
        return (self.code(self.known[code].parent_id) or None) if code in self.known else None

    def kind(self, code: str) -> str | None:
        """The kind of a unit after the import."""
        if code in self.wanted:
            return str(self.wanted[code]["kind"])
        return self.known[code].kind if code in self.known else None

    def above(self, code: str) -> list[str]:
        """The codes from a unit to the top. Raises Invalid on a circle."""
        found: list[str] = []
        at: str | None = code
        while at is not None:
            if at in found:
                raise Invalid({"parent": [_("上级关系成了一个圈。")]})
            found.append(at)
            at = self.parent(at)
        return found

    def answers(self, code: str) -> UUID | None:
        """The registered union that a unit, or the new branch it belongs to, hangs under."""
        for at in self.above(code):
            if at in self.known:
                return self.known[at].union_id
        return None

    def unions(self) -> list[tuple[str, str, str]]:
        """(code, kind, city) of the unions that may manage others."""
        rows = {
            code: (row.kind, words.city(row.city)) for code, row in self.known.items() if row.active
        }
        rows |= {code: (wanted["kind"], wanted["city"]) for code, wanted in self.wanted.items()}
        managing = posts.kinds().managing
        return [(code, kind, city) for code, (kind, city) in rows.items() if kind in managing]


def _clean(line: Line) -> dict[str, Any]:
    kind = _kind(line)
    city = line.take("city", words.city)
    if kind and kind.city and not city:
        line.errors.append(_("“{title}”要写城市。", title=kind.words))
    owned = (kind and kind.superiors) or line.text("owner_type")
    return {
        "code": line.take("code", words.code),
        "name": line.take("name", lambda v: words.line("name", v)),
        "name_en": line.take("name_en", lambda v: words.line("name_en", v, 200, 0)),
        "city": city,
        "parent": line.text("parent_code"),
        "kind": kind.key if kind else "",
        "owner_type": line.take("owner_type", superiors.owner) if owned else "",
        "affiliation": line.take("affiliation", superiors.affiliation),
        "ruling": line.take("ruling", lambda v: words.line("ruling", v, 200, 0)),
        "because": "",
        "guiding": "",
    }


def _kind(line: Line) -> posts.UnitKind | None:
    word = line.need("kind")
    kind = posts.kinds().unit(word)
    if kind is None:
        line.errors.append(_("没有“{word}”这种单位。", word=word[:20]))
    return kind


def plan(session: Session, actor: Actor, lines: list[Line], tell: Tell = silent) -> None:
    """Decide for every row what it does; see `Line`."""
    tell_twins(lines, "code", str.strip)
    tree = Tree(session, actor, lines)
    for line in lines:
        if line.errors:
            continue
        kind = posts.kinds().units[line.plan["kind"]]
        if kind.superiors:
            _manage(line, kind, tree)
    for line in told(lines, tell):
        if not line.errors:
            _plan(line, tree)
    _refuse_below_refused(lines, tree)


def _refuse_below_refused(lines: list[Line], tree: Tree) -> None:
    """A new unit under one that is not taken is not taken either."""
    refused = {line.plan.get("code") or line.text("code") for line in lines if line.errors}
    waiting = True
    while waiting:
        waiting = False
        for line in lines:
            parent = line.plan.get("parent")
            if line.do == "create" and parent in refused and parent not in tree.known:
                line.errors.append(_("上级“{parent}”一行有错误。", parent=parent))
                line.do = ""
                refused.add(line.plan["code"])
                waiting = True


def _manage(line: Line, kind: posts.UnitKind, tree: Tree) -> None:
    """Give a union the unions that manage and guide it: by the decision table of its kind, by a
    ruling, or as they are registered where the row says nothing new of it.
    """
    wanted, unit = line.plan, tree.known.get(line.plan["code"])
    standing = _standing(wanted, unit)
    if unit is not None and _as_registered(tree, unit, wanted, standing):
        wanted["parent"], wanted["guiding"] = tree.code(unit.parent_id), tree.code(unit.guiding_id)
        return
    try:
        found = superiors.settled(
            kind, standing, tree.unions(), wanted["parent"] or None, wanted["ruling"]
        )
        ruling = found.ruling
        guide = superiors.pick(tree.unions(), ruling.guiding, "") if ruling.guiding else ""
    except Invalid as fault:
        line.refuse(fault)
        return
    if wanted["ruling"]:
        by = _("由“{above}”管理。（{because}）", above=found.above, because=ruling.because)
        line.warnings.append(by)
    wanted["parent"], wanted["guiding"] = found.above, guide if guide != found.above else ""
    wanted["because"] = str(ruling.because)


def _standing(wanted: Mapping[str, Any], unit: rows.Unit | None) -> superiors.Standing:
    """What decides, with what is registered where a row is blank."""
    names = superiors.Standing._fields
    return superiors.Standing(*(wanted[n] or (getattr(unit, n) if unit else "") for n in names))


def _as_registered(
    tree: Tree, unit: rows.Unit, wanted: Mapping[str, Any], standing: superiors.Standing
) -> bool:
    registered = superiors.Standing(*(getattr(unit, name) for name in standing._fields))
    stays = wanted["parent"] in ("", tree.code(unit.parent_id))
    return stays and standing == registered and not wanted["ruling"]


def _plan(line: Line, tree: Tree) -> None:
    unit = tree.known.get(line.plan["code"])
    if unit is not None and not may_import(tree.actor, unit.union_id):
        line.errors.append(_("这个编码已经使用。"))
        return
    if line.plan["parent"]:
        _check_parent(line, tree, unit)
    else:
        _check_top(line, unit)
    if line.errors:
        return
    if unit is None:
        line.do = "create"
    else:
        _plan_change(line, tree, unit)


def _check_top(line: Line, unit: rows.Unit | None) -> None:
    """Only a registered union of a kind that has no superior stands under none."""
    kind = posts.kinds().units[line.plan["kind"]]
    if kind.parents or not kind.union:
        line.errors.append(_("“{title}”要写上级编码。", title=kind.words))
    elif unit is None:
        line.errors.append(_("最高一级的{tenant}由系统操作员登记。", tenant=posts.tenant()))


def _check_parent(line: Line, tree: Tree, unit: rows.Unit | None) -> None:
    """The parent is there, one's own to write under, in use, of a fitting kind, and no circle comes
    about.
    """
    code, parent = line.plan["code"], line.plan["parent"]
    line.take("parent_code", lambda _text: tree.above(code))
    if line.errors:
        return
    kind, above = posts.kinds().units[line.plan["kind"]], tree.kind(parent)
    stays = unit is not None and tree.code(unit.parent_id) == parent
    if not stays and (above is None or not may_import(tree.actor, tree.answers(parent))):
        line.errors.append(_("没有编码为“{parent}”的上级单位。", parent=parent))
        return
    line.take("parent_code", lambda _text: units.must_stand_under(kind, str(above)))
    if parent in tree.known and not tree.known[parent].active:
        line.errors.append(_("上级单位已撤销。"))


def _plan_change(line: Line, tree: Tree, unit: rows.Unit) -> None:
    wanted, union = line.plan, posts.kinds().units[line.plan["kind"]].union
    old = _registered(tree, unit)
    new = {k: v for k, v in wanted.items() if k in old and v != old[k] and (v or k not in KEPT)}
    if not unit.active:
        line.errors.append(_("这个单位已撤销。"))
    if unit.kind != wanted["kind"]:
        line.errors.append(_("单位的类型不能更改。"))
    if "parent" in new and not union and tree.answers(new["parent"]) != unit.union_id:
        wrong = _("不能移到另一个{tenant}之下。", tenant=posts.tenant())
        line.errors.append(wrong)
    if line.errors:
        return
    if not new:
        line.skip()
        return
    line.do = "change"
    line.plan = {"id": str(unit.id), "code": unit.code, "union": union, "old": old, "new": new}
    line.plan["because"] = wanted["because"]
    line.warnings += [
        replaced(title, old[key], new[key]) for key, title in _titles().items() if key in new
    ]


def _registered(tree: Tree, unit: rows.Unit) -> dict[str, str]:
    """What a row may change, as it is registered."""
    return {
        "name": unit.name,
        "name_en": unit.name_en,
        "owner_type": unit.owner_type,
        "affiliation": unit.affiliation,
        "city": unit.city,
        "parent": tree.code(unit.parent_id),
        "guiding": tree.code(unit.guiding_id),
    }


class Place(NamedTuple):
    """A unit and the union it belongs to."""

    id: UUID
    union_id: UUID


def write(session: Session, _actor: Actor, lines: list[Line]) -> list[records.Note]:
    """Carry out the plan of every row, parents first; gives the events."""
    unit = tables.unit.c
    every = session.execute(select(unit.code, unit.id, unit.union_id))
    places = {code: Place(id_, union_id) for code, id_, union_id in every}
    plans = {line.plan["code"]: line.plan for line in lines if line.do == "create"}
    new = _parents_first(plans, places)
    if new:
        session.execute(insert(tables.unit), list(new.values()))
    for code, row in new.items():
        if guide := plans[code]["guiding"]:  # it may have come after the guided one
            row["guiding_id"] = places[guide].id
            guided = update(tables.unit).where(unit.id == row["id"])
            session.execute(guided.values(guiding_id=row["guiding_id"]))
    notes = []
    for code, row in new.items():
        because = plans[code]["because"]
        made = {**units.created(row), **({"because": because} if because else {})}
        notes.append(records.Note(row["union_id"], "unit_created", made))
    return notes + [_change(session, line.plan, places) for line in lines if line.do == "change"]


def _parents_first(
    plans: Mapping[str, dict[str, Any]], places: dict[str, Place]
) -> dict[str, dict[str, Any]]:
    """The rows of the new units by code, in an order in which they can be written; `places` gets
    theirs.
    """
    waiting, made = dict(plans), dict[str, dict[str, Any]]()
    while waiting:
        ready = [code for code, plan in waiting.items() if plan["parent"] not in waiting]
        assert ready, "a circle was let through"
        for code in ready:
            row = made[code] = _row(waiting.pop(code), places)
            places[code] = Place(row["id"], row["union_id"])
    return made


def _row(plan: dict[str, Any], places: dict[str, Place]) -> dict[str, Any]:
    new_id, parent = tables.new_id(), places[plan["parent"]]
    union = posts.kinds().units[plan["kind"]].union
    return {
        **{k: plan[k] for k in SAID},
        "id": new_id,
        "parent_id": parent.id,
        "union_id": new_id if union else parent.union_id,
        "managing_id": parent.union_id if union else None,
    }


def _change(session: Session, plan: dict[str, Any], places: dict[str, Place]) -> records.Note:
    wanted = plan["new"]
    new = {k: v for k, v in wanted.items() if k not in ("parent", "guiding")}
    if "parent" in wanted:
        above = places[wanted["parent"]]
        new |= {"parent_id": above.id}
        if plan["union"]:
            new |= {"managing_id": above.union_id}
    if "guiding" in wanted:
        new |= {"guiding_id": places[wanted["guiding"]].id if wanted["guiding"] else None}
    query = select(tables.unit).where(tables.unit.c.id == UUID(plan["id"]))
    unit = cast("rows.Unit", session.execute(query).one())
    session.execute(update(tables.unit).where(tables.unit.c.id == unit.id).values(new))
    return records.Note(unit.union_id, "unit_changed", units.changed(unit, new, plan["because"]))
