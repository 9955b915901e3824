"""Whom somebody names to act for them while they are away (代理人), and who ends it.

What a deputy may do is decided anew whenever they do it (engine/instance/deputies.py).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import and_, insert, or_, select, update

from engine import clock
from engine.commands.people import records
from engine.db import rows, tables
from engine.errors import Conflict, Invalid
from engine.messages import _
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

LONGEST = timedelta(days=366)
_deputy = tables.deputy.c


def name(
    session: Session,
    actor: Actor,
    to: UUID,
    from_on: date,
    to_on: date,
    processes: Iterable[str],
    *,
    due_only: bool = False,
) -> UUID:
    """Name somebody of my union to act for me, from one day to another, in these processes;
    `due_only`: only in what falls due by then. Gives the id.

    Raises Invalid (the days, the person, the processes; somebody else has one of them on one of
    these days).
    """
    records.queue(session)
    chosen = sorted(set(processes))
    faults = _faults(session, actor, to, chosen) | _wrong_days(from_on, to_on)
    if not faults and (other := _overlapping(session, actor, from_on, to_on, chosen)):
        faults = {"processes": [_("这些日子已由{name}代理其中的流程。", name=other)]}
    if faults:
        raise Invalid(faults)
    key, now = tables.new_id(), clock.now()
    row: dict[str, Any] = {"id": key, "member_id": actor.id, "deputy_id": to, "named_at": now}
    row |= {"union_id": actor.union_id, "from_on": from_on, "to_on": to_on}
    session.execute(insert(tables.deputy).values(**row, processes=chosen, due_only=due_only))
    told: dict[str, Any] = {
        "id": str(key),
        "member": str(actor.id),
        "deputy": str(to),
        "processes": chosen,
    }
    told |= {"from_on": from_on.isoformat(), "to_on": to_on.isoformat(), "due_only": due_only}
    told |= {"named_at": _text(now), "name": organisation.names(session, [to])[to]}
    records.record(session, actor, [records.Note(actor.union_id, "deputy_named", told)])
    return key


def end(session: Session, actor: Actor, deputy_id: UUID) -> None:
    """End it before its last day: who named the deputy, or the deputy.

    Raises NotFound (neither), Conflict (over).
    """
    records.queue(session)
    query = select(tables.deputy).where(_deputy.id == deputy_id)
    found = cast("rows.Deputy | None", session.execute(query).first())
    row = access.must_see(found)
    access.must_see(True if actor.id in (row.member_id, row.deputy_id) else None)
    if row.ended_at is not None or row.to_on < clock.today():
        raise Conflict(_("这项代理已经终止。"), code="ended")
    _end(session, actor, [row])


def leave(session: Session, actor: Actor | None, member_id: UUID) -> None:
    """Somebody leaves: nobody acts for them any more, and they for nobody."""
    theirs = or_(_deputy.member_id == member_id, _deputy.deputy_id == member_id)
    here = theirs, _deputy.ended_at.is_(None), _deputy.to_on >= clock.today()
    query = select(tables.deputy).where(*here).order_by(_deputy.id)
    _end(session, actor, [rows.Deputy(*each) for each in session.execute(query)])


def _end(session: Session, actor: Actor | None, found: Iterable[rows.Deputy]) -> None:
    now, notes, ids = clock.now(), [], []
    for row in found:
        ids.append(row.id)
        called = organisation.names(session, [row.deputy_id])[row.deputy_id]
        told = {"id": str(row.id), "member": str(row.member_id), "deputy": str(row.deputy_id)}
        told |= {"name": called, "ended_at": _text(now)}
        notes.append(records.Note(row.union_id, "deputy_ended", told))
    if ids:
        change = {"ended_at": now, "ended_by": actor.id if actor else None}
        session.execute(update(tables.deputy).where(_deputy.id.in_(ids)).values(change))
        records.record(session, actor, notes)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _wrong_days(from_on: date, to_on: date) -> dict[str, list[str]]:
    if from_on < clock.today():
        return {"from_on": [_("不能早于今天。")]}
    if to_on < from_on:
        return {"to_on": [_("不能早于开始的日子。")]}
    if to_on - from_on > LONGEST:
        return {"to_on": [_("一次最长一年。")]}
    return {}


def _faults(session: Session, actor: Actor, to: UUID, processes: list[str]) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    member = tables.member.c
    there = and_(member.id == to, member.active, member.union_id == actor.union_id)
    if to == actor.id or session.execute(select(member.id).where(there)).first() is None:
        faults["to"] = [_("请选择本单位的另一个人。")]
    if not processes or not set(processes) <= lendable(session):
        faults["processes"] = [_("请选择允许代理的流程。")]
    return faults


def lendable(session: Session) -> set[str]:
    """The processes of which some version has a task that a deputy may do."""
    version = tables.definition.c
    query = select(version.process_id).where(version.lent != []).distinct()
    return set(session.execute(query).scalars())


def _overlapping(
    session: Session, actor: Actor, from_on: date, to_on: date, processes: list[str]
) -> str:
    """Who has one of these processes on one of these days already; ""."""
    member = tables.member.c
    query = (
        select(member.name)
        .join(tables.deputy, _deputy.deputy_id == member.id)
        .where(_deputy.member_id == actor.id, _deputy.ended_at.is_(None))
        .where(_deputy.from_on <= to_on, _deputy.to_on >= from_on)
        .where(_deputy.processes.op("&&")(processes))
    )
    return session.execute(query.limit(1)).scalar() or ""
