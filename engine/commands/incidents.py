"""Incidents: what broke while nobody sat before it, put on record, and tried again by the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import insert, select, update

from engine import clock
from engine.commands import instances, unit_of_work
from engine.db import queue, tables
from engine.db.states import ALIVE, TimerState
from engine.errors import Conflict, EngineError, ProcessFault
from engine.messages import _, stored
from engine.people import access

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

_timer, _incident = tables.timer, tables.incident
LONGEST = 1000  # of a message that no process fault wrote


def note(session: Session, instance_id: UUID, what: str, fault: Exception) -> None:
    """Register what broke ("command", "timer:<id>", "message:<name>"); a broken timer waits for
    `retry`, the rest goes on.

    Nothing to register when the timer no longer waits: another worker let it happen, or its task is
    done.
    """
    work = unit_of_work.lock(session, None, instance_id, still=True)
    kind, _mark, key = what.partition(":")
    if kind == "timer" and not _broke(session, UUID(key)):
        return
    message = str(fault)[:LONGEST] or type(fault).__name__
    shown = fault.message if isinstance(fault, EngineError) else message
    incident = {
        "id": tables.new_id(),
        "instance_id": instance_id,
        "what": what,
        "message": message,
        "detail": {**_detail(fault), "message": stored(shown)},
        "at": clock.now(),
    }
    session.execute(insert(_incident).values(**incident))
    work.log.add("incident_noted", None, what=kind, message=shown)
    unit_of_work.save(work)


def _broke(session: Session, timer_id: UUID) -> bool:
    """Mark a waiting timer as broken; False when it waits no more."""
    waiting = update(_timer).where(_timer.c.id == timer_id, _timer.c.state == TimerState.WAITING)
    broken = waiting.values(state=TimerState.BROKEN, tries=_timer.c.tries + 1)
    return bool(session.execute(broken).rowcount == 1)


def _detail(fault: Exception) -> dict[str, str]:
    """Where in the process definition it broke, and what its author may do."""
    if not isinstance(fault, ProcessFault):
        return {"element": "", "file": "", "advice": ""}
    return {"element": fault.element, "file": fault.file, "advice": fault.advice}


def retry(session: Session, actor: Actor, incident_id: UUID) -> UUID:
    """Try again what broke; gives the instance's id.

    Raises NotFound, Refused, Conflict when it is settled.
    """
    query = select(_incident).where(_incident.c.id == incident_id)
    found = access.must_see(session.execute(query).first())
    work = instances.desk(session, actor, found.instance_id, "retry", *ALIVE)
    _resolve(session, actor, incident_id)
    kind, _mark, key = found.what.partition(":")
    if kind == "timer":
        _let_wait(session, UUID(key))
    work.log.add("incident_retried", actor, incident=str(incident_id))
    unit_of_work.save(work)
    return work.row["id"]


def _resolve(session: Session, actor: Actor, incident_id: UUID) -> None:
    """Mark an incident as settled by the actor. Raises Conflict when it is already."""
    incident = _incident.c
    open_ = update(_incident).where(incident.id == incident_id, incident.resolved_at.is_(None))
    resolved = open_.values(resolved_at=clock.now(), resolved_by=actor.id)
    if session.execute(resolved).rowcount != 1:
        raise Conflict(_("此异常已处理。"), code="resolved")


def _let_wait(session: Session, timer_id: UUID) -> None:
    """Let a broken timer wait again, and the workers look for it now."""
    broken = update(_timer).where(_timer.c.id == timer_id, _timer.c.state == TimerState.BROKEN)
    session.execute(broken.values(state=TimerState.WAITING))
    queue.defer(session, "sweep", once="sweep:retry")
