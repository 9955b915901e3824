"""A task's completion that waits some seconds, in which its author may take it back.

It is checked at once, by carrying it out on trial, and refused as any other; then it is held, and
nothing follows from it: no number, letter, notice or next task. It is carried out when its time is
over, or before anything else happens to its instance, as of the moment at which it was given.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from engine import clock, db, settings
from engine.commands import drafts, late, registry, tasks, traces, unit_of_work
from engine.db import canonical, tables
from engine.db.states import InstanceState
from engine.errors import Conflict, EngineError, NotFound, Unavailable
from engine.messages import _, stored
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.commands.tasks import InHand
    from engine.db import Session, rows
    from engine.people.organisation import Actor

_held, _instance = tables.held_act, tables.instance
_WAITS = _held.c.why.is_(None)


def submit(
    held: InHand, answers: Mapping[str, Any], seen: str = "", *, seconds: int = 0
) -> datetime | None:
    """Finish a task, as `late.submit` does, or hold that for some seconds where its process allows
    it, at most for as long as the installation does; gives until when its author may take it back,
    None when it is done.

    Raises what `late.submit` raises, at once.
    """
    seconds = min(seconds, settings.load().undo_most) if held.rule.undo else 0
    if seconds <= 0:
        late.submit(held, answers, seen)
        return None
    with db.savepoint(held.work.session, trial=True), traces.on_trial():
        late.submit(held, answers, seen)
    return _hold(held, answers, seconds)


def _hold(held: InHand, answers: Mapping[str, Any], seconds: int) -> datetime:
    """Keep the answers beside the task. The instance is as it was before the trial."""
    task, actor, session = held.task, held.work.actor, held.work.session
    assert actor is not None
    work = unit_of_work.lock(session, actor, task.instance_id, still=True)
    now, salt, kept = clock.now(), os.urandom(canonical.SALT_BYTES), dict(answers)
    until = now + timedelta(seconds=seconds)
    values = {"given_at": now, "until": until, "answers": kept, "salt": salt, "why": None}
    values["batch"] = held.batch
    act = insert(_held).values(
        task_id=task.id, member_id=actor.id, instance_id=task.instance_id, **values
    )
    session.execute(act.on_conflict_do_update(index_elements=["task_id", "member_id"], set_=values))
    _until(session, task.instance_id, until)
    work.log.add(
        "act_held",
        actor,
        task=task.element,
        id=str(task.id),
        digest=canonical.salted(kept, salt),
        given=now.isoformat(),
        until=until.isoformat(),
        **_numbered(held.batch),
        saw=dict(held.saw) if held.saw else None,
    )
    unit_of_work.note(work)
    return until


def _numbered(batch: UUID | None) -> dict[str, str]:
    """What an event says of the act over several tasks of which this is one."""
    return {"batch": str(batch)} if batch else {}


def _until(session: Session, instance_id: UUID, until: datetime | None) -> None:
    """Mark the instance, so that whoever locks it next knows."""
    mine = update(_instance).where(_instance.c.id == instance_id)
    session.execute(mine.values(held_until=until))


def withdraw(session: Session, actor: Actor, task_id: UUID) -> UUID:
    """Its author takes a held act back: the task is open as before, the answers are a draft again.
    Gives the instance's id.

    Raises NotFound, Conflict when its time is over.
    """
    waiting = _held.c.task_id == task_id, _held.c.member_id == actor.id, _WAITS
    key: UUID | None = session.execute(select(_held.c.instance_id).where(*waiting)).scalar()
    if key is None:
        raise _why_not(session, actor, task_id)
    work = unit_of_work.lock(session, actor, key, still=True)
    found = session.execute(select(_held).where(*waiting)).first()
    if found is None or clock.now() >= found.until:
        raise _why_not(session, actor, task_id)
    act = cast("rows.HeldAct", found)
    element = _forget(session, act)
    drafts.put_back(session, actor.id, f"task:{task_id}", act.answers)
    work.log.add("act_withdrawn", actor, task=element, id=str(task_id), **_numbered(act.batch))
    unit_of_work.note(work)
    return key


def _why_not(session: Session, actor: Actor, task_id: UUID) -> EngineError:
    """Why there is nothing to take back; of a task that is not theirs no more than that."""
    task = tables.task.c
    done = select(task.id).where(task.id == task_id, task.closed_by == actor.id)
    held = select(_held.c.task_id).where(_held.c.task_id == task_id, _held.c.member_id == actor.id)
    if session.execute(done.union_all(held)).first() is None:
        return NotFound()
    return too_late()


def too_late() -> Conflict:
    """What was done cannot be taken back any more."""
    return Conflict(_("撤回的时间已过，此项已经办理。"), code="too_late")


def of_batch(session: Session, actor: Actor, batch_id: UUID) -> dict[UUID, datetime]:
    """The tasks whose acts of one batch wait, and until when, the first one first."""
    mine = _held.c.member_id == actor.id, _held.c.batch == batch_id, _WAITS
    query = select(_held.c.task_id, _held.c.until).where(*mine).order_by(_held.c.until)
    return {row.task_id: row.until for row in session.execute(query)}


def dismiss(session: Session, actor: Actor, task_id: UUID) -> None:
    """Its author has read why an act was not carried out. Nothing happens when there is none."""
    mine = _held.c.task_id == task_id, _held.c.member_id == actor.id, ~_WAITS
    session.execute(delete(_held).where(*mine))


def _forget(session: Session, act: rows.HeldAct) -> str:
    """The act is held no more; gives the element of its task."""
    this = _held.c.task_id == act.task_id, _held.c.member_id == act.member_id
    session.execute(delete(_held).where(*this))
    _until(session, act.instance_id, None)
    return tasks.task_row(session, act.task_id).element


# --- carrying it out ------------------------------------------------------------------------------
def wake(session: Session, instance_id: UUID) -> bool:
    """Carry out what is held in an instance when its time is over. False when it is not, or when
    somebody else has the instance, who does it.
    """
    over = _instance.c.id == instance_id, _instance.c.held_until <= clock.now()
    row = select(_instance.c.id).where(*over).with_for_update(skip_locked=True)
    if session.execute(row).first() is None:
        return False
    settle(session, instance_id)
    return True


def settle(session: Session, instance_id: UUID) -> None:
    """Carry out the act that is held in a locked instance, whose time need not be over. What cannot
    be done any more is not done, and its author is told.
    """
    found = session.execute(select(_held).where(_held.c.instance_id == instance_id, _WAITS)).one()
    act = cast("rows.HeldAct", found)
    element = _forget(session, act)
    try:
        with db.savepoint(session):
            _carry_out(session, act)
    except Unavailable:
        raise  # the database went away, which is no fault of the act
    except EngineError as fault:
        _drop(session, act, element, fault)


def _carry_out(session: Session, act: rows.HeldAct) -> None:
    """What was right when it was given is right now: rights, form and gates are asked as of that
    moment.
    """
    with clock.set_to(act.given_at):
        actor = organisation.actor(session, act.member_id)
        held = replace(tasks.open_task(session, actor, act.task_id, None), batch=act.batch)
        held.work.given = act.given_at
        clean = tasks.checked(held, act.answers)
    tasks.finish(held, clean)


def _drop(session: Session, act: rows.HeldAct, element: str, fault: EngineError) -> None:
    """Keep the answers as a draft, and the reason until its author has read it."""
    drafts.put_back(session, act.member_id, f"task:{act.task_id}", act.answers)
    session.execute(insert(_held).values({**act._asdict(), "why": stored(fault.message)}))
    work = unit_of_work.lock(session, None, act.instance_id, still=True)
    told = {"id": str(act.task_id), "member": str(act.member_id), **_numbered(act.batch)}
    work.log.add("act_dropped", None, task=element, why=fault.message, **told)
    unit_of_work.note(work)


registry.HELD.append(settle)


# --- what waits to be carried out -----------------------------------------------------------------
def due(session: Session, most: int) -> list[UUID]:
    """The instances in which the time of a held act is over, the oldest first."""
    over = _instance.c.held_until <= clock.now(), _instance.c.state == InstanceState.RUNNING
    query = select(_instance.c.id).where(*over).order_by(_instance.c.held_until).limit(most)
    return list(session.execute(query).scalars())
