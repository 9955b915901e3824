"""Rows of units, in any order, parents in the same file or registered: checked, then written from the top down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert, select, update

from engine.commands.imports.lines import Line, may_import, tell_twins
from engine.commands.people import records, superiors, units, words
from engine.db import tables
from engine.errors import Invalid
from engine.messages import _
from engine.people import posts

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

TITLES = {
    "name": "名称",
    "name_en": "英文名称",
    "parent": "上级",
    "owner_type": "举办者类型",
    "city": "城市",
    "guiding": "业务指导",
}


class Tree:
    """The registered units under the rows of the file: what stands under what once all is written."""

    def __init__(self, session: Session, actor: Actor, lines: list[Line]) -> None:
        unit = tables.unit.c
        self.actor = actor
        self.known: dict[str, Any] = {
            row.code: row for row in session.execute(select(tables.unit).order_by(unit.id))
        }
        self.code_of = {row.id: row.code for row in self.known.values()}
        self.wanted: dict[str, dict[str, Any]] = {}
        for line in lines:
            wanted = _clean(line)
            if not line.errors:
                line.plan = wanted
                self.wanted[wanted["code"]] = wanted

    def parent(self, code: str) -> str | None:
        """The code of the parent after the import."""
        if code in self.wanted:
            return str(self.wanted[code]["parent"]) or None
        return self.code_of.get(self.known[code].parent_id) if code in self.known else None

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
                union_id: UUID | None = self.known[at].union_id
                return union_id
        return None

    def unions(self) -> list[tuple[str, str, str]]:
        """(code, kind, city) of the unions that may manage a university's."""
        rows = {
            code: (row.kind, words.city(row.city)) for code, row in self.known.items() if row.active
        }
        rows |= {code: (wanted["kind"], wanted["city"]) for code, wanted in self.wanted.items()}
        return [(code, kind, city) for code, (kind, city) in rows.items() if kind in posts.ABOVE]


def _clean(line: Line) -> dict[str, Any]:
    found: dict[str, Any] = {
        "code": line.take("code", words.code),
        "name": line.take("name", lambda v: words.line("name", v)),
        "name_en": line.take("name_en", lambda v: words.line("name_en", v, 200, 0)),
        "city": line.take("city", words.city),
        "parent": line.values.get("parent_code", "").strip(),
    }
    kind = posts.kinds().unit(line.need("kind", "类型"))
    owner = line.values.get("owner_type", "").strip()
    if kind is None:
        line.errors.append(_("没有“{word}”这种单位。", word=line.values.get("kind", "")[:20]))
    found["kind"] = kind.key if kind else ""
    found["owner_type"] = (
        line.take("owner_type", superiors.owner)
        if owner or found["kind"] == posts.UNIVERSITY
        else ""
    )
    if found["kind"] == "municipal_federation" and not found["city"]:
        line.errors.append(_("市总工会要写城市。"))
    found["guiding"] = ""
    return found


def plan(session: Session, actor: Actor, lines: list[Line]) -> None:
    """Decide for every row what it does; see `Line`."""
    tell_twins(lines, "code", "编码", lambda v: v.strip())
    tree = Tree(session, actor, lines)
    for line in lines:
        if not line.errors:
            _manage(line, tree)
    for line in lines:
        if not line.errors:
            _plan(line, tree)


def _manage(line: Line, tree: Tree) -> None:
    """Give a university's union the unions that manage and guide it."""
    wanted = line.plan
    if wanted["kind"] != posts.UNIVERSITY:
        return
    try:
        said = superiors.ruling(wanted["owner_type"], wanted["city"])
        above = superiors.pick(tree.unions(), said.managing, wanted["city"])
        guide = superiors.pick(tree.unions(), said.guiding, "") if said.guiding else ""
    except Invalid as fault:
        line.errors.append(fault.message)
        return
    if wanted["parent"] and wanted["parent"] != above:
        line.warnings.append(
            f"按规定应由“{above}”管理，文件写的是“{wanted['parent']}”，将以文件为准。（{said.because}）"
        )
    wanted["parent"] = wanted["parent"] or above
    wanted["guiding"] = guide if guide != wanted["parent"] else ""


def _plan(line: Line, tree: Tree) -> None:
    wanted = line.plan
    row = tree.known.get(wanted["code"])
    if row is not None and not may_import(tree.actor, row.union_id):
        line.errors.append(_("这个编码已经使用。"))
        return
    _check_place(line, tree)
    if line.errors:
        return
    if row is None:
        line.do = "create"
    else:
        _plan_change(line, tree, row)


def _check_place(line: Line, tree: Tree) -> None:
    wanted = line.plan
    kind = posts.kinds().units[wanted["kind"]]
    if not wanted["parent"]:
        registered = wanted["code"] in tree.known
        if kind.parents or not kind.union:
            line.errors.append(_("“{title}”要写上级编码。", title=kind.title))
        elif not registered:
            line.errors.append(_("最高一级的工会由系统操作员登记。"))
        return
    above = tree.kind(wanted["parent"])
    line.take("parent_code", lambda _: tree.above(wanted["code"]))
    if line.errors:
        return
    row = tree.known.get(wanted["code"])
    stays = row is not None and tree.code_of.get(row.parent_id) == wanted["parent"]
    if not stays and (above is None or not may_import(tree.actor, tree.answers(wanted["parent"]))):
        line.errors.append(_("没有编码为“{parent}”的上级单位。", parent=wanted["parent"]))
        return
    line.take("parent_code", lambda _: units.must_stand_under(kind, str(above)))
    registered_parent = tree.known.get(wanted["parent"])
    if registered_parent is not None and not registered_parent.active:
        line.errors.append(_("上级单位已撤销。"))


def _plan_change(line: Line, tree: Tree, row: Any) -> None:
    wanted = line.plan
    if not row.active:
        line.errors.append(_("这个单位已撤销。"))
    if row.kind != wanted["kind"]:
        line.errors.append(_("单位的类型不能更改。"))
    old = {
        "name": row.name,
        "name_en": row.name_en,
        "owner_type": row.owner_type,
        "city": row.city,
        "parent": tree.code_of.get(row.parent_id, ""),
        "guiding": tree.code_of.get(row.guiding_id, ""),
    }
    kept = {"name_en", "owner_type", "city"}  # a blank does not clear them
    new = {k: wanted[k] for k in old if wanted[k] != old[k] and not (k in kept and not wanted[k])}
    union = posts.kinds().units[wanted["kind"]].union
    if "parent" in new and not union and tree.answers(new["parent"]) != row.union_id:
        line.errors.append(_("不能移到另一个工会之下。"))
    if line.errors:
        return
    if not new:
        line.skip(_("已登记，内容相同，跳过。"))
        return
    line.do, line.plan = (
        "change",
        {"id": str(row.id), "code": row.code, "union": union, "old": old, "new": new},
    )
    line.warnings.extend(
        _("已登记，{title}将由“{old}”改为“{new}”。", title=title, old=old[key], new=new[key])
        for key, title in TITLES.items()
        if key in new
    )


def write(session: Session, lines: list[Line]) -> list[records.Note]:
    """Carry out the plan of every row, parents first; gives the events."""
    unit = tables.unit.c
    ids = {
        row.code: (row.id, row.union_id)
        for row in session.execute(select(unit.code, unit.id, unit.union_id))
    }
    waiting = {line.plan["code"]: line.plan for line in lines if line.do == "create"}
    guides = {code: plan["guiding"] for code, plan in waiting.items() if plan["guiding"]}
    rows: list[dict[str, Any]] = []
    while waiting:
        ready = [plan for plan in waiting.values() if plan["parent"] not in waiting]
        assert ready, "a circle was let through"
        for made in [_row(plan, ids) for plan in ready]:
            ids[made["code"]] = (made["id"], made["union_id"])
            rows.append(made)
            del waiting[made["code"]]
    if rows:
        session.execute(insert(tables.unit), rows)
    notes: list[records.Note] = []
    for row in rows:
        if row["code"] in guides:  # it may have come after the guided one
            row["guiding_id"] = ids[guides[row["code"]]][0]
            session.execute(
                update(tables.unit).where(unit.id == row["id"]).values(guiding_id=row["guiding_id"])
            )
        notes.append((row["union_id"], "unit_created", units.created(row)))
    return notes + [_change(session, line.plan, ids) for line in lines if line.do == "change"]


def _row(plan: dict[str, Any], ids: dict[str, tuple[UUID, UUID]]) -> dict[str, Any]:
    new_id = tables.new_id()
    parent_id, parents_union = ids[plan["parent"]]
    union = posts.kinds().units[plan["kind"]].union
    return {
        **{k: plan[k] for k in ("code", "name", "name_en", "kind", "owner_type", "city")},
        "id": new_id,
        "parent_id": parent_id,
        "union_id": new_id if union else parents_union,
        "managing_id": parents_union if union else None,
    }


def _change(
    session: Session, plan: dict[str, Any], ids: dict[str, tuple[UUID, UUID]]
) -> records.Note:
    unit = tables.unit.c
    new = {k: v for k, v in plan["new"].items() if k not in ("parent", "guiding")}
    if "parent" in plan["new"]:
        new["parent_id"], above = ids[plan["new"]["parent"]]
        if plan["union"]:
            new["managing_id"] = above
    if "guiding" in plan["new"]:
        new["guiding_id"] = ids[plan["new"]["guiding"]][0] if plan["new"]["guiding"] else None
    row = session.execute(select(tables.unit).where(unit.id == UUID(plan["id"]))).one()
    session.execute(update(tables.unit).where(unit.id == row.id).values(new))
    return row.union_id, "unit_changed", units.changed(row, new)
