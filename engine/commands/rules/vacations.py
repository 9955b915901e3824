"""A union's vacations: days that are no working days for it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import delete, insert, select

from engine import clock
from engine.commands.rules.fields import MOST_AHEAD, Faults, line
from engine.db import tables
from engine.errors import Conflict, Invalid
from engine.history import event_log
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

LONGEST = 120  # days; a slip in a year must not stop every clock
_vacation = tables.vacation


def add_vacation(
    session: Session, actor: Actor, union_id: UUID, name: str, from_on: date, to_on: date
) -> UUID:
    """Register a vacation of the union, both days included; it counts for deadlines that are
    computed from now on.

    Raises NotFound, Refused, Invalid by field, Conflict when it meets another one.
    """
    access.check_own(actor, "manage_vacations", union_id)
    faults: Faults = {}
    name = line("name", name, 30, faults)
    faults |= _day_faults(from_on, to_on)
    if faults:
        raise Invalid(faults)
    _must_not_meet(session, union_id, from_on, to_on)
    row: dict[str, Any] = {"id": tables.new_id(), "name": name, "from_on": from_on, "to_on": to_on}
    session.execute(insert(_vacation).values(**row, unit_id=union_id))
    event_log.note(session, union_id, "vacation_added", actor, **_details(**row))
    vacation_id: UUID = row["id"]
    return vacation_id


def _day_faults(from_on: date, to_on: date) -> Faults:
    faults: Faults = {}
    if to_on < from_on:
        faults["to_on"] = [_("结束日早于开始日。")]
    elif (to_on - from_on).days >= LONGEST:
        faults["to_on"] = [_("一个假期最长 {most} 天。", most=LONGEST)]
    if abs((from_on - clock.today()).days) > MOST_AHEAD:
        faults["from_on"] = [_("日期离今天太远，请在五年之内。")]
    return faults


def _must_not_meet(session: Session, union_id: UUID, from_on: date, to_on: date) -> None:
    column = _vacation.c
    meets = select(column.name).where(
        column.unit_id == union_id, column.from_on <= to_on, column.to_on >= from_on
    )
    if other := session.execute(meets.limit(1)).scalar():
        raise Conflict(_("与已登记的“{other}”重叠。", other=other), code="overlap")


def remove_vacation(session: Session, actor: Actor, vacation_id: UUID) -> UUID:
    """Take a vacation out again; deadlines already computed stay. Gives the union's id. Raises
    NotFound, Refused.
    """
    its = _vacation.c.id == vacation_id
    found = session.execute(select(_vacation).where(its).with_for_update()).first()
    own = found if found and access.is_own_union(actor, found.unit_id) else None
    row = cast("rows.Vacation", access.must_see(own))
    access.check(actor, "manage_vacations", row.unit_id)
    session.execute(delete(_vacation).where(its))
    details = _details(id=row.id, name=row.name, from_on=row.from_on, to_on=row.to_on)
    event_log.note(session, row.unit_id, "vacation_removed", actor, **details)
    return row.unit_id


def _details(*, id: UUID, name: str, from_on: date, to_on: date) -> dict[str, str]:
    """What the history keeps of a vacation."""
    return {
        "vacation": str(id),
        "name": name,
        "from_on": from_on.isoformat(),
        "to_on": to_on.isoformat(),
    }
