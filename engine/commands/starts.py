"""What the calendar starts: an instance begins on its day, in the hands of whoever holds the post
that its process names. Where it cannot, that stands on the desk with the reason, and is tried again
until it can or somebody says that nothing has to be started.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from engine import clock, db
from engine.commands import instances, reasons
from engine.db import tables
from engine.db.states import StartState
from engine.errors import Conflict, Invalid, NotFound, ProcessFault, Refused
from engine.history import event_log
from engine.instance import starting
from engine.instance.launching import Opened
from engine.messages import _, stored
from engine.people import access, organisation

if TYPE_CHECKING:
    from engine.db import Session, rows
    from engine.instance.starting import Occasion
    from engine.messages import Message
    from engine.people.organisation import Actor

BACK = timedelta(days=366)  # for so long a start is made up for that no worker was there for
_start = tables.calendar_start.c


@dataclass(frozen=True)
class Due:
    """A start that is due, by the keys of its occasion."""

    union_id: UUID
    process_id: str
    key: str
    day: date


def due(session: Session, process_id: str | None = None) -> list[Due]:
    """What has to be started by now and was not; of one process or of every one."""
    today = clock.today()
    settled = {
        tuple(row)
        for row in session.execute(
            select(_start.union_id, _start.process_id, _start.key, _start.day).where(
                _start.state != StartState.MISSED
            )
        )
    }
    found = starting.occasions(session, starting.unions(session), today - BACK, today)
    told = (Due(each.union_id, each.process.id, each.rule.key, each.day) for each in found)
    wanted = (each for each in told if process_id in (None, each.process_id))
    return [
        each
        for each in wanted
        if (each.union_id, each.process_id, each.key, each.day) not in settled
    ]


def start(session: Session, of: Due) -> UUID | None:
    """Start it, or keep why it could not be; gives the instance, None where there is none, or where
    another worker was here.
    """
    row = _locked(session, of)
    same = starting.occasions(session, [of.union_id], of.day, of.day)
    occasion = next(
        (o for o in same if (o.process.id, o.rule.key) == (of.process_id, of.key)), None
    )
    if row.state != StartState.MISSED or occasion is None:
        return None
    holder = _holder(session, occasion)
    if holder is None:
        _miss(session, row, _("没有人担任承办的职务。"))
        return None
    try:
        with db.savepoint(session):
            key = _begin(session, holder, occasion)
    except (Refused, NotFound, Invalid, Conflict, ProcessFault, ValueError) as fault:
        _miss(session, row, _why(fault))
        return None
    values = {"state": StartState.BEGUN, "instance_id": key, "why": None, "at": clock.now()}
    session.execute(update(tables.calendar_start).where(_start.id == row.id).values(**values))
    return key


def _locked(session: Session, of: Due) -> rows.CalendarStart:
    """The row of a start, new if need be, locked until the commit."""
    same = {"union_id": of.union_id, "process_id": of.process_id, "key": of.key, "day": of.day}
    new = {**same, "id": tables.new_id(), "state": StartState.MISSED, "at": clock.now()}
    session.execute(insert(tables.calendar_start).values(**new).on_conflict_do_nothing())
    here = (_start[name] == value for name, value in same.items())
    found = session.execute(select(tables.calendar_start).where(*here).with_for_update()).one()
    return cast("rows.CalendarStart", found)


def _holder(session: Session, occasion: Occasion) -> Actor | None:
    """Who has it in hand: the first who took the post."""
    post, union_id = occasion.rule.by, occasion.union_id
    found = organisation.seats(session, post, union_id, clock.today())
    actors = (organisation.actor(session, member) for member in found)
    return next((actor for actor in actors if actor.holds(post, union_id)), None)


def _begin(session: Session, holder: Actor, occasion: Occasion) -> UUID:
    rule, union_id = occasion.rule, occasion.union_id
    held = next(p for p in holder.posts if (p.kind, p.union_id) == (rule.by, union_id))
    told = {"calendar": rule.key, "day": occasion.day.isoformat()}
    entered = instances.Entered(occasion.answers(session), origin=told)
    opened = Opened(occasion.process, held, occasion.own)
    return instances.begin_opened(session, holder, opened, entered).row["id"]


def _why(fault: Exception) -> Message | str:
    if isinstance(fault, Invalid):
        names = "、".join(sorted(fault.fields))
        return _("发起的表单不接受：{fields}。", fields=names)
    return getattr(fault, "message", "") or str(fault)


def _miss(session: Session, row: rows.CalendarStart, why: Message | str) -> None:
    """Nothing could be started: once for each reason it goes on record."""
    if row.why == stored(why):
        return
    values = {"why": stored(why), "at": clock.now()}
    session.execute(update(tables.calendar_start).where(_start.id == row.id).values(**values))
    _note(session, "start_missed", None, row, why=stored(why))


def drop(session: Session, actor: Actor, start_id: UUID, reason: str) -> None:
    """Nothing has to be started for this day: it was done otherwise, or is not needed. Raises
    NotFound, Refused, Invalid without a reason, Conflict when it has begun or was dropped.
    """
    said = reasons.plain(reason)
    query = select(tables.calendar_start).where(_start.id == start_id).with_for_update()
    row = cast("rows.CalendarStart", access.must_see(session.execute(query).first()))
    access.check_own(actor, "drop_start", row.union_id)
    if row.state != StartState.MISSED:
        raise Conflict(_("这一项已经发起，或者已经写明不再发起。"), code="state")
    values = {"state": StartState.DROPPED, "why": stored(said), "at": clock.now()}
    session.execute(update(tables.calendar_start).where(_start.id == row.id).values(**values))
    _note(session, "start_dropped", actor, row, reason=said)


def _note(
    session: Session, kind: str, actor: Actor | None, row: rows.CalendarStart, **more: Any
) -> None:
    about = {"process": row.process_id, "start": row.key, "day": row.day.isoformat()}
    event_log.note(session, row.union_id, kind, actor, **about, **more)
