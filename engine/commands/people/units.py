"""Units and unions: enter, change, close.

Where the kind of union names a decision table, that gives the managing one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from engine import clock
from engine.commands.people import records, superiors, terms, words
from engine.db import tables
from engine.errors import Conflict, Invalid
from engine.history import event_log, kinds
from engine.messages import Listed, _
from engine.people import posts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor


def create_unit(
    session: Session,
    actor: Actor | None,
    code: str,
    kind: str,
    name: str,
    *,
    parent_id: UUID | None = None,
    name_en: str = "",
    owner_type: str = "",
    city: str = "",
    affiliation: str = "",
    ruling: str = "",
) -> UUID:
    """Enter a unit under its parent. A union whose kind has a decision table may leave the parent
    out; where the table leaves the case open or says another, the parent needs a `ruling`: by whom,
    number and day.

    Who manages people in the parent's union may do it; the topmost union is entered by the
    operator. Raises Refused, NotFound, Invalid.
    """
    records.queue(session)
    known = unit_kind(kind)
    row: dict[str, Any] = {
        "id": tables.new_id(),
        "code": words.code(code),
        "kind": known.key,
        "name": words.line("name", name),
        "name_en": words.line("name_en", name_en, 200, 0),
        "city": words.city(city),
        "owner_type": superiors.owner(owner_type) if owner_type or known.superiors else "",
        "affiliation": superiors.affiliation(affiliation),
    }
    because = _place(session, actor, row, parent_id, words.line("ruling", ruling, 200, 0))
    if session.execute(select(tables.unit.c.id).where(tables.unit.c.code == row["code"])).first():
        raise Invalid({"code": [_("这个编码已经使用。")]})
    session.execute(insert(tables.unit).values(row))
    event_log.note(session, row["union_id"], "unit_created", actor, **created(row), because=because)
    unit_id: UUID = row["id"]
    return unit_id


def created(row: dict[str, Any]) -> dict[str, Any]:
    """What the history keeps of a new unit."""
    ids = {k: str(row[k]) for k in ("parent_id", "managing_id", "guiding_id") if row.get(k)}
    texts = {k: row[k] for k in ("name_en", "city", "owner_type", "affiliation") if row.get(k)}
    return {
        "unit": str(row["id"]),
        "code": row["code"],
        "name": row["name"],
        "unit_kind": row["kind"],
        **ids,
        **texts,
        "tells": kinds.TELLS,
    }


def unit_kind(kind: str) -> posts.UnitKind:
    """The kind of unit with this key. Raises Invalid."""
    known = posts.kinds().units
    found = known.get(kind)
    if found is None:
        raise Invalid(
            {"kind": [_("没有“{kind}”这种单位；有：{kinds}。", kind=kind, kinds=Listed(known))]}
        )
    return found


def _place(
    session: Session,
    actor: Actor | None,
    row: dict[str, Any],
    parent_id: UUID | None,
    ruling: str,
) -> str | None:
    """Put a new unit under its parent and union; gives the article or ruling that decided it, if
    one did.
    """
    because, kind = None, unit_kind(row["kind"])
    if kind.superiors:
        standing = superiors.Standing(row["owner_type"], row["city"], row["affiliation"])
        above = superiors.settle(session, kind, standing, parent_id, ruling)
        parent_id, row["guiding_id"], because = above
    parent = _parent(session, actor, kind, parent_id)
    row["parent_id"] = parent_id
    row["union_id"] = row["id"] if kind.union or parent is None else parent.union_id
    row["managing_id"] = parent.union_id if kind.union and parent is not None else None
    return because


def _parent(
    session: Session, actor: Actor | None, kind: posts.UnitKind, parent_id: UUID | None
) -> rows.Unit | None:
    if parent_id is not None:
        return _new_parent(session, actor, kind, parent_id)
    if kind.parents or not kind.union:
        raise Invalid({"parent_id": [_("“{title}”要有上级单位。", title=kind.words)]})
    records.allow(actor, "manage_people", None)
    return None


def _new_parent(
    session: Session, actor: Actor | None, kind: posts.UnitKind, parent_id: UUID
) -> rows.Unit:
    parent = records.open_unit(session, actor, parent_id, "parent_id")
    records.allow(actor, "manage_people", parent.union_id)
    must_stand_under(kind, parent.kind)
    return parent


def must_stand_under(kind: posts.UnitKind, parent_kind: str) -> None:
    """Raise Invalid unless such a unit may stand under such a parent."""
    if kind.parents and parent_kind not in kind.parents:
        there = posts.kinds().units.get(parent_kind)
        parent = there.words if there else parent_kind
        wrong = _("“{title}”不能设在“{parent}”之下。", title=kind.words, parent=parent)
        raise Invalid({"parent_id": [wrong]})
    if kind.top:
        raise Invalid({"parent_id": [_("“{title}”没有上级。", title=kind.words)]})


def change_unit(
    session: Session,
    actor: Actor | None,
    unit_id: UUID,
    *,
    name: str | None = None,
    name_en: str | None = None,
    parent_id: UUID | None = None,
    owner_type: str | None = None,
    city: str | None = None,
    affiliation: str | None = None,
    ruling: str = "",
    active: bool | None = None,
) -> bool:
    """Change what is given; with another affiliation, owner, city or parent the superior is decided
    anew, see `create_unit` for `ruling`. False: nothing was new.

    Raises Refused, NotFound, Invalid, Conflict (closing a unit that still has people, posts or
    units).
    """
    records.queue(session)
    unit = records.unit_of(session, actor, unit_id)
    records.allow(actor, "manage_people", unit.union_id)
    texts = {"name": name, "name_en": name_en, "owner_type": owner_type, "city": city}
    texts["affiliation"] = affiliation
    given: dict[str, Any] = {
        field: CHECKS[field](text) for field, text in texts.items() if text is not None
    }
    given |= {"parent_id": parent_id, "active": active}
    wanted = {k: v for k, v in given.items() if v is not None and v != getattr(unit, k)}
    if not wanted:
        return False
    because = _move(session, actor, unit, wanted, words.line("ruling", ruling, 200, 0))
    if wanted.get("active") is False:
        _must_be_empty(session, unit_id)
    session.execute(update(tables.unit).where(tables.unit.c.id == unit_id).values(wanted))
    event_log.note(session, unit.union_id, "unit_changed", actor, **changed(unit, wanted, because))
    return True


CHECKS: Mapping[str, Callable[[str], str]] = {
    "name": lambda text: words.line("name", text),
    "name_en": lambda text: words.line("name_en", text, 200, 0),
    "owner_type": lambda text: superiors.owner(text) if text else "",
    "city": words.city,
    "affiliation": superiors.affiliation,
}


def changed(
    unit: rows.Unit, wanted: Mapping[str, Any], because: str | None = None
) -> dict[str, Any]:
    """What the history keeps of a change, and what decided on another superior."""
    fields = sorted(wanted)
    return {
        **({"because": because} if because else {}),
        "unit": str(unit.id),
        "fields": fields,
        "old": {field: records.plain(getattr(unit, field)) for field in fields},
        "new": {field: records.plain(wanted[field]) for field in fields},
    }


DECIDES = (*superiors.Standing._fields, "parent_id")  # with another of these it is decided anew


def _move(
    session: Session,
    actor: Actor | None,
    unit: rows.Unit,
    wanted: dict[str, Any],
    ruling: str,
) -> str | None:
    """Fill in what follows from a new parent, affiliation, owner or city; gives what decided it."""
    kind, because = unit_kind(unit.kind), None
    if kind.superiors and set(DECIDES) & set(wanted):
        facts = (wanted.get(key, getattr(unit, key)) for key in superiors.Standing._fields)
        standing, named = superiors.Standing(*facts), wanted.get("parent_id")
        above = superiors.settle(session, kind, standing, named, ruling)
        wanted["parent_id"], wanted["guiding_id"], because = above
    if wanted.get("parent_id") == unit.parent_id:
        wanted.pop("parent_id", None)
    if "parent_id" in wanted:
        _move_under(session, actor, unit, wanted)
    return because


def _move_under(
    session: Session, actor: Actor | None, unit: rows.Unit, wanted: dict[str, Any]
) -> None:
    """Check the new parent, and fill in who manages the unit from now on."""
    kind = unit_kind(unit.kind)
    parent = _new_parent(session, actor, kind, wanted["parent_id"])
    if kind.union:
        wanted["managing_id"] = parent.union_id
    elif parent.union_id != unit.union_id:
        raise Invalid(
            {"parent_id": [_("不能移到另一个{tenant}之下，请在那里新建。", tenant=posts.tenant())]}
        )
    if unit.id in _line_above(session, parent.id):
        raise Invalid({"parent_id": [_("上级不能是自己或自己的下级。")]})


def _line_above(session: Session, unit_id: UUID | None) -> list[UUID]:
    found: list[UUID] = []
    while unit_id is not None and unit_id not in found:
        found.append(unit_id)
        unit_id = session.execute(
            select(tables.unit.c.parent_id).where(tables.unit.c.id == unit_id)
        ).scalar()
    return found


def _must_be_empty(session: Session, unit_id: UUID) -> None:
    unit, member = tables.unit.c, tables.member.c
    below = select(func.count()).where(unit.parent_id == unit_id, unit.active)
    people = select(func.count()).where(member.unit_id == unit_id, member.active)
    units = session.execute(below).scalar_one()
    members = session.execute(people).scalar_one()
    terms_left = terms.holders_left(session, [unit_id], clock.today())
    left = (
        units and _("{n} 个下级单位", n=units),
        members and _("{n} 名成员", n=members),
        terms_left and _("{n} 个未满任期的职务", n=terms_left),
    )
    if any(left):
        parts = Listed(part for part in left if part)
        raise Conflict(_("单位还有{left}，不能撤销。", left=parts), code="not_empty")
