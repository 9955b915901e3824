"""Launch instances and move them by messages, timers and the secretary's hand."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert, select, text, update

from engine import clock, forms, machine
from engine.commands import (
    advance,
    polls,
    reasons,
    tasks,
    unit_of_work,
)
from engine.commands.attachments import adopt
from engine.commands.numbers import next_number
from engine.commands.unit_of_work import UnitOfWork
from engine.db import canonical, queue, tables
from engine.definitions.store import process_of
from engine.errors import Conflict, NotFound, Refused
from engine.instance import lanes
from engine.instance.choices import choices
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session
    from engine.definitions import Process
    from engine.machine import Live
    from engine.people.organisation import Actor

_instance, _timer = tables.instance, tables.timer
_ACTED = text(
    "SELECT 1 FROM event WHERE instance_id = :id "
    "AND kind IN ('task_completed', 'poll_answered', 'poll_closed', 'message_sent') LIMIT 1"
)


def current(session: Session, process_id: str) -> Process:
    """The version of a process that new instances get. Raises NotFound."""
    definition = tables.definition.c
    version = session.execute(
        select(definition.hash)
        .where(definition.process_id == process_id, definition.state == "published")
        .order_by(definition.number.desc())
        .limit(1)
    ).scalar()
    return process_of(session, access.must_see(version))


_REMIND = text("""
UPDATE task SET due = coalesce(due, '{}') || jsonb_build_object('reminded', CAST(:today AS text))
 WHERE instance_id = :id AND state = 'open' AND coalesce(due->>'reminded', '') <> :today
""")


def launching_post(actor: Actor, process: Process) -> organisation.Held:
    """The post by which this actor may launch this process. Raises Refused."""
    for held in actor.posts:
        if held.kind in process.launch and held.union_id is not None:
            return held
    if access.ANYBODY in process.launch:
        return organisation.Held(access.ANYBODY, actor.unit_id, actor.union_id)
    raise Refused("只有规定职务的人员可以发起此流程。", verb="launch")


def launch(
    session: Session,
    actor: Actor,
    process_id: str,
    answers: Mapping[str, Any],
    origin: Mapping[str, str] | None = None,
) -> UUID:
    """Start an instance of the current version; gives its id. `origin` says which matter began it, and how.

    Raises NotFound, Refused, Invalid.
    """
    process = current(session, process_id)
    held = launching_post(actor, process)
    union_id = held.union_id
    assert union_id is not None
    now, key = clock.now(), tables.new_id()
    row: dict[str, Any] = {
        "id": key,
        "process_id": process.id,
        "version": process.hash,
        "union_id": union_id,
        "unit_id": held.unit_id,
        "starter_id": actor.id,
        "number": "",
        "title": process.title.zh,
        "grams": [],
        "state": "running",
        "outcome": "",
        "stage": [],
        "machine": None,
        "facts": {},
        "rounds": {},
        "seq": 0,
        "head": canonical.genesis(key),
        "revision": 1,
        "started_at": now,
        "changed_at": now,
        "ended_at": None,
        "suspended_at": None,
        "stopped_days": 0,
        "confidential": process.confidentiality == "named",
    }
    work = UnitOfWork(session, actor, row, process)
    clean = forms.clean(
        process.launch_form, answers, work.names(), choices(session, union_id, actor=actor)
    )
    row["number"] = next_number(session, union_id, process.number_key, process.numbering)
    work.facts["launch"] = {**clean, "mover": str(actor.id)}
    row["grams"] = unit_of_work.search_grams(work)
    session.execute(insert(_instance).values(**{**row, "facts": work.facts}))
    adopt(session, actor, key, process.launch_form, work.facts["launch"])
    body = work.log.add(
        "instance_launched",
        actor,
        process=process.id,
        version=process.hash,
        number=row["number"],
        seat=lanes.short_seat(work, f"{held.kind}@{held.unit_id}"),
        answers=unit_of_work.record_answers(work, "launch", work.facts["launch"]),
        **({"origin": dict(origin)} if origin else {}),
    )
    step = machine.start(process.spec, work)
    advance.advance(work, step, body)
    return key


def send(
    session: Session, actor: Actor, instance_id: UUID, name: str, answers: Mapping[str, Any]
) -> UUID:
    """A person lets a message event happen (withdraw, ask for an extension ...).

    Raises NotFound when the instance is not theirs to see, Conflict when it does not wait for this message, Refused when
    the message is not theirs to send, Invalid for its form.
    """
    work = unit_of_work.lock(session, actor, instance_id, "running")
    rule = work.process.messages.get(name)
    live = _waiting_for(work, name)
    if rule is None or live is None or not rule.lane:
        raise Conflict("现在不能进行这项操作。", code="not_waiting")
    if not lanes.includes_actor(work, work.process.lanes[rule.lane]):
        raise Refused(verb=f"message:{name}", instance_id=str(instance_id))
    with work.answering():
        clean = tasks.clean_answers(work, rule.form, answers)
        tasks.pass_gates(work, work.process.tasks[name], clean)
        deliver(work, live, name, clean)
    return instance_id


def deliver(work: UnitOfWork, live: Live, name: str, answers: dict[str, Any]) -> None:
    """Let a message happen with these answers as a fact."""
    if name == "withdraw":
        work.row["closing"] = "withdrawn"
    work.facts[name] = answers
    said = (
        unit_of_work.record_answers(work, name, answers) if name in work.process.messages else None
    )
    body = work.log.add("message_sent", work.actor, message=name, answers=said)
    step = machine.fire(work.process.spec, work.row["machine"], live.ref, work)
    advance.advance(work, step, body, live.ref)


def _waiting_for(work: UnitOfWork, name: str) -> Live | None:
    return next(
        (w for w in unit_of_work.live(work) if w.kind == "message" and w.text == name), None
    )


def receive(session: Session, instance_id: UUID, name: str, answers: dict[str, Any]) -> bool:
    """A message from another instance; False when this one does not wait for it (any more), and nothing is written."""
    work = unit_of_work.lock(session, None, instance_id)
    live = _waiting_for(work, name)
    if work.row["state"] != "running" or live is None:
        return False
    deliver(work, live, name, answers)
    return True


def withdraw(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """The starter takes the matter back: by the process's own `withdraw` message, else only while nobody has acted."""
    work = unit_of_work.lock(session, actor, instance_id, "running")
    if _waiting_for(work, "withdraw") is not None:
        form = work.process.messages["withdraw"].form
        answers = {"reason": reason} if form and any(f.key == "reason" for f in form.fields) else {}
        return send(session, actor, instance_id, "withdraw", answers)
    if work.row["starter_id"] != actor.id:
        raise NotFound(instance_id=str(instance_id), verb="withdraw")
    if session.execute(_ACTED, {"id": instance_id}).first():
        raise Conflict("已有人办理，不能直接撤回。", code="acted")
    _end(work, "withdrawn", "instance_withdrawn", reasons.plain(reason))
    return instance_id


def terminate(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """The secretary ends a matter for good, with a reason that everybody in it can read."""
    work = _desk(session, actor, instance_id, "terminate", "running", "suspended")
    _end(work, "terminated", "instance_terminated", reasons.plain(reason))
    return instance_id


def _desk(session: Session, actor: Actor, instance_id: UUID, verb: str, *states: str) -> UnitOfWork:
    """Lock for the desk. Into a confidential matter a desk reaches only as far as it acts in it; what broke there is tried
    again by whoever acts in it by a post, for nobody else knows of it."""
    work = unit_of_work.lock(session, actor, instance_id)
    may = access.may(actor, verb, work.row["union_id"])
    if work.row["confidential"]:
        may = (may or verb == "retry") and access.acts_by_post(session, actor, instance_id)
    if not may:
        raise Refused(verb=verb, instance_id=str(instance_id))
    if work.row["state"] not in states:
        raise Conflict(
            f"此件{unit_of_work.STATES.get(work.row['state'], '')}，不能进行这项操作。",
            code="state",
        )
    return work


def _end(work: UnitOfWork, state: str, kind: str, reason: str) -> None:
    body = work.log.add(kind, work.actor, reason=reason)
    work.row["closing"] = state
    advance.advance(work, machine.Step(None, (), (), state, unit_of_work.live(work)), body)


def remind(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """Urge those for whom a matter waits: their tasks say so in the inbox. Once a day; Conflict when it was done today."""
    work = _desk(session, actor, instance_id, "remind", "running")
    plain, today = reasons.plain(reason), clock.today().isoformat()
    marked = session.execute(_REMIND, {"id": instance_id, "today": today}).rowcount
    if not marked:
        raise Conflict("今天已经催办过，或者现在没有等待办理的环节。", code="reminded")
    work.log.add("matter_reminded", actor, reason=plain)
    unit_of_work.save(work)
    return instance_id


def suspend(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """Stop a matter and its clocks."""
    work = _desk(session, actor, instance_id, "suspend", "running")
    work.log.add("instance_suspended", actor, reason=reasons.plain(reason))
    work.row["state"] = "suspended"
    session.execute(
        update(_instance).where(_instance.c.id == instance_id).values(suspended_at=clock.now())
    )
    unit_of_work.save(work)
    return instance_id


def resume(session: Session, actor: Actor, instance_id: UUID) -> UUID:
    """Let a stopped matter go on; every deadline moves by the days that it stood still, which are put on record."""
    work = _desk(session, actor, instance_id, "resume", "suspended")
    stopped = (clock.today() - clock.day_of(work.row["suspended_at"])).days
    shift = {"id": instance_id, "days": timedelta(days=stopped), "stopped": stopped}
    for statement in (
        "UPDATE timer SET due_at = due_at + :days WHERE instance_id = :id AND state = 'waiting'",
        "UPDATE task SET due_at = due_at + :days, due = due || jsonb_build_object('on', (due->>'on')::date + :stopped, "
        "'stopped_days', coalesce((due->>'stopped_days')::int, 0) + :stopped) "
        "WHERE instance_id = :id AND state = 'open' AND due_at IS NOT NULL",
        "UPDATE poll SET closes_at = closes_at + :days WHERE instance_id = :id AND state = 'open'",
    ):
        session.execute(text(statement), shift)
    work.log.add("instance_resumed", actor, stopped_days=stopped)
    work.row["state"] = "running"
    session.execute(
        update(_instance)
        .where(_instance.c.id == instance_id)
        .values(suspended_at=None, stopped_days=_instance.c.stopped_days + stopped)
    )
    unit_of_work.save(work)
    return instance_id


def wake(session: Session, timer_id: UUID) -> bool:
    """Let one due timer happen. False, and nothing written, when it is not due any more or its instance is busy or still."""
    timer = session.execute(select(_timer).where(_timer.c.id == timer_id)).first()
    if timer is None:
        return False
    locked = (
        session.execute(
            select(_instance)
            .where(_instance.c.id == timer.instance_id)
            .with_for_update(skip_locked=True)
        )
        .mappings()
        .first()
    )
    fired = update(_timer).where(
        _timer.c.id == timer_id, _timer.c.state == "waiting", _timer.c.due_at <= clock.now()
    )
    if (
        locked is None
        or locked["state"] != "running"
        or session.execute(fired.values(state="fired")).rowcount != 1
    ):
        return False
    work = unit_of_work.resume(session, None, dict(locked))
    if timer.ref == -1:
        asked = select(tables.poll).where(
            tables.poll.c.task_id == timer.task_id, tables.poll.c.state == "open"
        )
        poll = session.execute(asked).one()
        task = session.execute(select(tables.task).where(tables.task.c.id == timer.task_id)).one()
        polls.finish_poll(work, poll, task, "window_ended")
        return True
    body = work.log.add("timer_fired", None, element=timer.element, due=timer.due_at.isoformat())
    step = machine.fire(work.process.spec, work.row["machine"], timer.ref, work)
    advance.advance(work, step, body, timer.ref)
    return True


def note_incident(session: Session, instance_id: UUID, what: str, fault: Exception) -> None:
    """Register what broke; a broken timer waits for `retry`, the rest of the instance goes on.

    Nothing to register when the timer no longer waits: another worker let it happen, or its task is done.
    """
    work = unit_of_work.lock(session, None, instance_id)
    if what.startswith("timer:"):
        waiting = update(_timer).where(_timer.c.id == UUID(what[6:]), _timer.c.state == "waiting")
        if session.execute(waiting.values(state="broken", tries=_timer.c.tries + 1)).rowcount != 1:
            return
    message = str(fault)[:1000] or type(fault).__name__
    detail = {
        "element": getattr(fault, "element", ""),
        "file": getattr(fault, "file", ""),
        "advice": getattr(fault, "advice", ""),
    }
    session.execute(
        insert(tables.incident).values(
            id=tables.new_id(),
            instance_id=instance_id,
            what=what,
            message=message,
            detail=detail,
            at=clock.now(),
        )
    )
    work.log.add("incident_noted", None, what=what.partition(":")[0], message=message)
    unit_of_work.save(work)


def retry(session: Session, actor: Actor, incident_id: UUID) -> UUID:
    """Try again what broke."""
    incident = tables.incident.c
    found = access.must_see(
        session.execute(select(tables.incident).where(incident.id == incident_id)).first()
    )
    work = _desk(session, actor, found.instance_id, "retry", "running", "suspended")
    open_still = update(tables.incident).where(
        incident.id == incident_id, incident.resolved_at.is_(None)
    )
    if (
        session.execute(open_still.values(resolved_at=clock.now(), resolved_by=actor.id)).rowcount
        != 1
    ):
        raise Conflict("此异常已处理。", code="resolved")
    if found.what.startswith("timer:"):
        broken = update(_timer).where(
            _timer.c.id == UUID(found.what[6:]), _timer.c.state == "broken"
        )
        session.execute(broken.values(state="waiting"))
        queue.defer(session, "sweep", once="sweep:retry")
    work.log.add("incident_retried", actor, incident=str(incident_id))
    unit_of_work.save(work)
    return UUID(str(found.instance_id))
