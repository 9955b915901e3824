"""Units and unions: enter, change, close. A university's union gets its managing union from the decision table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from engine import clock
from engine.commands.people import records, superiors, terms, words
from engine.db import tables
from engine.errors import Conflict, Invalid
from engine.history import event_log
from engine.messages import _
from engine.people import posts

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
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
) -> UUID:
    """Enter a unit under its parent. A university's union may leave the parent out: the decision table gives it.

    Who manages people in the parent's union may do it; the topmost union is entered by the operator.
    Raises Refused, NotFound, Invalid.
    """
    records.queue(session)
    kind_of = unit_kind(kind)
    row: dict[str, Any] = {
        "id": tables.new_id(),
        "code": words.code(code),
        "kind": kind_of.key,
        "name": words.line("name", name),
        "name_en": words.line("name_en", name_en, 200, 0),
        "city": words.city(city),
        "owner_type": superiors.owner(owner_type) if owner_type or kind == posts.UNIVERSITY else "",
    }
    because = _place(session, actor, row, kind_of, parent_id)
    if session.execute(select(tables.unit.c.id).where(tables.unit.c.code == row["code"])).first():
        raise Invalid({"code": [_("这个编码已经使用。")]})
    session.execute(insert(tables.unit).values(row))
    event_log.note(session, row["union_id"], "unit_created", actor, **created(row), because=because)
    unit_id: UUID = row["id"]
    return unit_id


def created(row: dict[str, Any]) -> dict[str, Any]:
    """What the history keeps of a new unit."""
    ids = {k: str(row[k]) for k in ("parent_id", "managing_id", "guiding_id") if row.get(k)}
    return {
        "unit": str(row["id"]),
        "code": row["code"],
        "name": row["name"],
        "unit_kind": row["kind"],
        **ids,
    }


def unit_kind(kind: str) -> posts.UnitKind:
    """The kind of unit with this key. Raises Invalid."""
    found = posts.kinds().units.get(kind)
    if found is None:
        raise Invalid({"kind": [_("没有这种单位。")]})
    return found


def _place(
    session: Session,
    actor: Actor | None,
    row: dict[str, Any],
    kind: posts.UnitKind,
    parent_id: UUID | None,
) -> str | None:
    """Put a new unit under its parent and union; gives the article that decided it, if one did."""
    because = None
    if kind.key == posts.UNIVERSITY:
        above, guide = superiors.managing(session, row["owner_type"], row["city"])
        said = superiors.ruling(row["owner_type"], row["city"])
        because = said.because if parent_id in (None, above) else "上级由登记人指定"
        parent_id = parent_id or above
        row["guiding_id"] = guide if guide != parent_id else None
    parent = _parent(session, actor, kind, parent_id)
    row["parent_id"] = parent_id
    row["union_id"] = row["id"] if kind.union or parent is None else parent.union_id
    row["managing_id"] = parent.union_id if kind.union and parent is not None else None
    return because


def _parent(
    session: Session, actor: Actor | None, kind: posts.UnitKind, parent_id: UUID | None
) -> Any:
    if parent_id is None:
        if kind.parents or not kind.union:
            raise Invalid({"parent_id": [_("“{title}”要有上级单位。", title=kind.title)]})
        records.allow(actor, "manage_people", None)
        return None
    parent = records.open_unit(session, actor, parent_id, "parent_id")
    records.allow(actor, "manage_people", parent.union_id)
    must_stand_under(kind, parent.kind)
    return parent


def must_stand_under(kind: posts.UnitKind, parent_kind: str) -> None:
    """Raise Invalid unless such a unit may stand under such a parent."""
    if kind.parents and parent_kind not in kind.parents:
        there = posts.kinds().units.get(parent_kind)
        raise Invalid(
            {
                "parent_id": [
                    _(
                        "“{title}”不能设在“{parent}”之下。",
                        title=kind.title,
                        parent=there.title if there else parent_kind,
                    )
                ]
            }
        )
    if kind.key == posts.TOP:
        raise Invalid({"parent_id": [_("“{title}”没有上级。", title=kind.title)]})


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
    active: bool | None = None,
) -> bool:
    """Change what is given; another owner or city of a university is decided anew. False: nothing was new.

    Raises Refused, NotFound, Invalid, Conflict (closing a unit that still has people, posts or units).
    """
    records.queue(session)
    row = records.unit_of(session, actor, unit_id)
    records.allow(actor, "manage_people", row.union_id)
    given: dict[str, Any] = {
        "name": None if name is None else words.line("name", name),
        "name_en": None if name_en is None else words.line("name_en", name_en, 200, 0),
        "owner_type": None
        if owner_type is None
        else superiors.owner(owner_type)
        if owner_type
        else "",
        "city": None if city is None else words.city(city),
        "parent_id": parent_id,
        "active": active,
    }
    wanted = {k: v for k, v in given.items() if v is not None and v != getattr(row, k)}
    if not wanted:
        return False
    _move(session, actor, row, wanted)
    if wanted.get("active") is False:
        _must_be_empty(session, unit_id)
    session.execute(update(tables.unit).where(tables.unit.c.id == unit_id).values(wanted))
    event_log.note(session, row.union_id, "unit_changed", actor, **changed(row, wanted))
    return True


def changed(row: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    """What the history keeps of a change."""
    fields = sorted(wanted)
    return {
        "unit": str(row.id),
        "fields": fields,
        "old": {f: _plain(getattr(row, f)) for f in fields},
        "new": {f: _plain(wanted[f]) for f in fields},
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | str) or value is None else str(value)


def _move(session: Session, actor: Actor | None, row: Any, wanted: dict[str, Any]) -> None:
    """Fill in what follows from a new parent, owner or city."""
    kind = unit_kind(row.kind)
    if row.kind == posts.UNIVERSITY and {"owner_type", "city"} & set(wanted):
        facts = wanted.get("owner_type", row.owner_type), wanted.get("city", row.city)
        above, guide = superiors.managing(session, *facts)
        parent_id = wanted.get("parent_id", above)
        wanted |= {"parent_id": parent_id, "guiding_id": guide if guide != parent_id else None}
    if "parent_id" not in wanted:
        return
    if wanted["parent_id"] == row.parent_id:
        del wanted["parent_id"]
        return
    parent = records.open_unit(session, actor, wanted["parent_id"], "parent_id")
    records.allow(actor, "manage_people", parent.union_id)
    must_stand_under(kind, parent.kind)
    if kind.union:
        wanted["managing_id"] = parent.union_id
    elif parent.union_id != row.union_id:
        raise Invalid({"parent_id": [_("不能移到另一个工会之下，请在那里新建。")]})
    if row.id in _line_above(session, parent.id):
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
    left = {
        "个下级单位": session.execute(below).scalar_one(),
        "名成员": session.execute(people).scalar_one(),
        "个未满任期的职务": terms.holders_left(session, [unit_id], clock.today()),
    }
    if any(left.values()):
        words_left = "、".join(f"{n} {what}" for what, n in left.items() if n)
        raise Conflict(
            _("单位还有{words_left}，不能撤销。", words_left=words_left), code="not_empty"
        )
