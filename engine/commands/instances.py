"""Launch instances and move them by timers and the secretary's hand."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import insert, select, text, update

from engine import clock, forms, machine
from engine.commands import (
    advance,
    dates,
    finding,
    messages,
    polls,
    reasons,
    unit_of_work,
    urgings,
)
from engine.commands.attachments import adopt
from engine.commands.numbers import next_number
from engine.commands.registry import on_desk
from engine.commands.unit_of_work import UnitOfWork
from engine.db import canonical, tables
from engine.db.states import ALIVE, InstanceState, TimerState
from engine.definitions.several import SAID
from engine.definitions.store import in_force, process_of
from engine.errors import Conflict, Invalid, NotFound
from engine.history import kinds
from engine.instance import lanes, launching, rights
from engine.instance.choices import choices
from engine.instance.rights import Case
from engine.messages import _
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session, rows
    from engine.definitions import Process
    from engine.instance.launching import Opened
    from engine.people.organisation import Actor, Held

_instance, _timer = tables.instance, tables.timer
_ACTED = text(
    "SELECT 1 FROM event WHERE instance_id = :id "
    "AND kind IN ('task_completed', 'poll_answered', 'poll_closed', 'message_sent') LIMIT 1"
)


_POSTPONE = (
    text("UPDATE timer SET due_at = due_at + :days WHERE instance_id = :id AND state = 'waiting'"),
    text(
        "UPDATE task SET due_at = due_at + :days, due = due || jsonb_build_object('on', (due->>'on')::date + :stopped, "
        "'stopped_days', coalesce((due->>'stopped_days')::int, 0) + :stopped) "
        "WHERE instance_id = :id AND state = 'open' AND due_at IS NOT NULL"
    ),
    text(
        "UPDATE poll SET closes_at = closes_at + :days WHERE instance_id = :id AND state = 'open'"
    ),
    text(
        "UPDATE publication SET until = until + :days "
        "WHERE instance_id = :id AND current AND until > :since"
    ),
)


def current(session: Session, process_id: str, union_id: UUID) -> Process:
    """The version of a process that new instances of this union get. Raises NotFound."""
    version = in_force(session, [union_id], process_id).of(process_id, union_id)
    return process_of(session, access.must_see(version))


def launch(
    session: Session,
    actor: Actor,
    process_id: str,
    answers: Mapping[str, Any],
    origin: Mapping[str, str] | None = None,
) -> UUID:
    """Start an instance of the version in force in the union of the post that opens it; gives its
    id.

    `origin` says which instance began it, and how.

    Raises NotFound, Refused, Invalid.
    """
    return begin(session, actor, process_id, answers, origin).row["id"]


def begin(
    session: Session,
    actor: Actor,
    process_id: str,
    answers: Mapping[str, Any],
    origin: Mapping[str, str] | None = None,
) -> UnitOfWork:
    """The same; gives the unit of work, which is saved."""
    opened = launching.check(session, actor, process_id)
    return begin_opened(session, actor, opened, Entered(answers, origin=origin))


@dataclass(frozen=True)
class Entered:
    """What a launch says. `owner`: for whom it was entered, None for the actor themselves;
    `source`: of a table, the file and the line from which it comes, "" for a paper with its scan;
    `group`: with which others it was launched, see engine/commands/several.py.
    """

    answers: Mapping[str, Any]
    owner: Actor | None = None
    source: str = ""
    origin: Mapping[str, str] | None = None
    group: Mapping[str, Any] | None = None

    @property
    def told(self) -> dict[str, str]:
        """What the event says of whom it was entered for."""
        return {"name": self.owner.name, "for": str(self.owner.id)} if self.owner else {}


def enter(
    session: Session, actor: Actor, process_id: str, owner_id: UUID, entered: Entered
) -> UnitOfWork:
    """Start an instance for somebody who handed it in on paper, or in a table: they own it, the
    actor is on record as who entered it. `entered.owner` is looked up here.

    Raises NotFound, Refused, Invalid; Invalid also for a paper without its scan.
    """
    owner = organisation.actor(session, owner_id)
    opened = launching.entered(session, actor, process_id, owner)
    rule = opened.process.entry
    if rule is None:
        raise NotFound
    if not entered.source and not entered.answers.get(rule.scan):
        raise Invalid({rule.scan: [_("请附上原件的扫描件。")]})
    return begin_opened(session, actor, opened, replace(entered, owner=owner))


def begin_opened(session: Session, actor: Actor, opened: Opened, entered: Entered) -> UnitOfWork:
    """The same, by a post that is known already. Raises Invalid."""
    process, held = opened.process, opened.held
    work = UnitOfWork(session, actor, _new_row(process, held, actor), process)
    _insert(work, entered, actor)
    body = work.log.add(
        "instance_launched",
        actor,
        process=process.id,
        version=process.hash,
        whose="union" if opened.own else "common",
        number=work.row["number"],
        seat=lanes.short_seat(work, f"{held.kind}@{held.unit_id}"),
        answers=unit_of_work.record_answers(work, "launch", work.facts["launch"]),
        origin=dict(entered.origin) if entered.origin else None,
        tells=kinds.TELLS,
        **entered.told,
        **dates.noted(work, process.tasks["launch"], work.facts["launch"]),
    )
    advance.advance(work, work.drive(machine.start(process.spec)), body)
    return work


def _insert(work: UnitOfWork, entered: Entered, actor: Actor) -> None:
    """Store a new instance with the answers of its launch, and number it. Raises Invalid."""
    session, row, process = work.session, work.row, work.process
    offered = choices(session, row["union_id"], actor=actor)
    clean = forms.clean(process.launch_form, entered.answers, work.names(), offered)
    dates.settle(work, process.tasks["launch"], clean)
    dates.check(work, process.tasks["launch"], clean)
    row["number"] = next_number(session, row["union_id"], process.number_key, process.numbering)
    owner = process.owner_key
    asked = process.owner_asked and clean.get(owner)
    launch = clean if asked else {**clean, owner: str((entered.owner or actor).id)}
    if entered.owner:
        launch["entered_by"] = str(actor.id)
        launch |= {"entered_from": entered.source} if entered.source else {}
    if entered.group:
        launch[SAID] = dict(entered.group)
    if asked or entered.owner:
        work.show(UUID(launch[owner]))
    work.say("launch", launch)
    row["grams"] = finding.search_grams(work)
    session.execute(insert(_instance).values(**{**row, "facts": work.facts}))
    adopt(session, actor, row["id"], process.launch_form, launch)


def _new_row(process: Process, held: Held, actor: Actor) -> rows.Instance:
    """The row of an instance before anything has happened; its number comes when the answers are
    right.
    """
    assert held.union_id is not None
    now, key = clock.now(), tables.new_id()
    return {
        "id": key,
        "process_id": process.id,
        "version": process.hash,
        "union_id": held.union_id,
        "unit_id": held.unit_id,
        "starter_id": actor.id,
        "number": "",
        "title": process.title.zh,
        "grams": [],
        "state": InstanceState.RUNNING,
        "outcome": "",
        "stage": [],
        "machine": None,
        "facts": {},
        "salt": os.urandom(canonical.SALT_BYTES),
        "rounds": {},
        "seq": 0,
        "head": canonical.genesis(key),
        "revision": 1,
        "started_at": now,
        "changed_at": now,
        "ended_at": None,
        "suspended_at": None,
        "held_until": None,
        "stopped_days": 0,
        "confidential": process.confidentiality == "named",
    }


def withdraw(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """The starter takes it back: by the process's own message for it, else only while nobody has
    acted.
    """
    work = unit_of_work.lock(session, actor, instance_id, InstanceState.RUNNING)
    taken_back = (m for m in work.process.messages.values() if m.state == InstanceState.WITHDRAWN)
    message = next((m for m in taken_back if messages.waiting_for(work, m.name)), None)
    if message is not None:
        form = message.form
        asks = form is not None and any(field.key == "reason" for field in form.fields)
        return messages.send(
            session, actor, instance_id, message.name, {"reason": reason} if asks else {}
        )
    if work.row["starter_id"] != actor.id:
        raise NotFound(instance_id=str(instance_id), verb="withdraw")
    if session.execute(_ACTED, {"id": instance_id}).first():
        raise Conflict(_("已有人办理，不能直接撤回。"), code="acted")
    _end(work, InstanceState.WITHDRAWN, "instance_withdrawn", reasons.plain(reason))
    return instance_id


def desk(session: Session, actor: Actor, instance_id: UUID, verb: str, *states: str) -> UnitOfWork:
    """Lock for a verb of the desk.

    Raises NotFound, Refused, Conflict when the instance is in none of `states`.
    """
    work = unit_of_work.lock(session, actor, instance_id)
    rights.check(Case(work, verb))
    if work.row["state"] not in states:
        now = unit_of_work.STATES[work.row["state"]]
        raise Conflict(_("此件{state}，不能进行这项操作。", state=now), code="state")
    return work


def _end(work: UnitOfWork, state: InstanceState, kind: str, reason: str) -> None:
    body = work.log.add(kind, work.actor, reason=reason)
    work.row["closing"] = state
    before = unit_of_work.live(work)
    advance.advance(work, machine.Step(None, (), (), ended=state, before=before), body)


@on_desk(
    hint=_(
        "正在办理的人会在待办中看到催办和您写的话，记录在案；每天几次、几次无效后告知谁，按规则。"
    ),
    done=_("已催办，办理人的待办中会显示。"),
    states=(InstanceState.RUNNING,),
    weight="primary",
)
def remind(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """Urge those for whom a matter waits, as often a day as the union's rule says; it shows in
    their inboxes. After some urgings in vain those above them are told, as the process says.

    Raises NotFound, Refused, Invalid, Conflict when it was done often enough today or nobody has a
    task.
    """
    work = desk(session, actor, instance_id, "remind", InstanceState.RUNNING)
    urgings.urge(work, actor, reasons.plain(reason))
    unit_of_work.save(work)
    return instance_id


@on_desk(
    title=_("暂停办理"),
    hint=_("各项期限停止计算，恢复后顺延；暂停的天数记录在案。"),
    done=_("已暂停，各项期限停止计算。"),
    states=(InstanceState.RUNNING,),
)
def suspend(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """Stop a matter and its clocks."""
    work = desk(session, actor, instance_id, "suspend", InstanceState.RUNNING)
    work.log.add("instance_suspended", actor, reason=reasons.plain(reason))
    work.row["state"] = InstanceState.SUSPENDED
    mine = _instance.c.id == instance_id
    session.execute(update(_instance).where(mine).values(suspended_at=clock.now()))
    unit_of_work.save(work)
    return instance_id


@on_desk(
    title=_("恢复办理"),
    button=_("恢复办理"),
    done=_("已恢复办理，各项期限相应顺延。"),
    states=(InstanceState.SUSPENDED,),
    weight="primary",
    reasoned=False,
)
def resume(session: Session, actor: Actor, instance_id: UUID) -> UUID:
    """Let a stopped matter go on; its deadlines move by the days it stood still.

    The days are put on record. Raises NotFound, Refused, Conflict.
    """
    work = desk(session, actor, instance_id, "resume", InstanceState.SUSPENDED)
    since = work.row["suspended_at"]
    assert since is not None
    stopped = (clock.today() - clock.day_of(since)).days
    moved_by = {"id": instance_id, "days": timedelta(days=stopped), "stopped": stopped}
    moved_by["since"] = since
    for statement in _POSTPONE:  # what waits for a moment: timers, tasks, the windows of polls …
        session.execute(statement, moved_by)
    work.log.add("instance_resumed", actor, stopped_days=stopped)
    work.row["state"] = InstanceState.RUNNING
    moved = {"suspended_at": None, "stopped_days": _instance.c.stopped_days + stopped}
    session.execute(update(_instance).where(_instance.c.id == instance_id).values(**moved))
    unit_of_work.save(work)
    return instance_id


@on_desk(
    title=_("终止本件"),
    hint=_("终止后不能恢复。理由对所有办理人可见。"),
    done=_("已终止。"),
    states=ALIVE,
    weight="danger",
)
def terminate(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """End a matter for good, with a reason that everybody in it can read.

    Raises Refused once it binds others: then it ends only as its process provides.
    """
    work = desk(session, actor, instance_id, "terminate", *ALIVE)
    rights.check_bars(Case(work, "terminate"))
    _end(work, InstanceState.TERMINATED, "instance_terminated", reasons.plain(reason))
    return instance_id


def wake(session: Session, timer_id: UUID) -> bool:
    """Let one due timer happen; an act that was given before and is held comes first.

    False when the timer is not due any more or its instance is busy or still.
    """
    found = session.execute(select(_timer).where(_timer.c.id == timer_id)).first()
    if found is None:
        return False
    timer = cast("rows.Timer", found)
    work = _if_free(session, timer.instance_id)
    if work is None or not _fired(session, timer_id):
        return False
    if work.process.dated:  # whenever the workers come to it, it happens when it is due
        work.stand_on(timer.due_at)
    if timer.ref == tables.POLL_WINDOW:
        assert timer.task_id is not None
        polls.end_window(work, timer.task_id)
        return True
    body = work.log.add("timer_fired", None, element=timer.element, due=timer.due_at.isoformat())
    step = work.drive(machine.fire(work.process.spec, work.position, timer.ref))
    advance.advance(work, step, body, timer.ref)
    return True


def _if_free(session: Session, instance_id: UUID) -> UnitOfWork | None:
    """The unit of work on a running instance that nobody else has locked."""
    query = select(_instance).where(_instance.c.id == instance_id)
    free = query.with_for_update(skip_locked=True)
    row = session.execute(free).mappings().first()
    if row is not None and unit_of_work.settled(session, row):
        row = session.execute(free).mappings().first()
    if row is None or row["state"] != InstanceState.RUNNING:
        return None
    return unit_of_work.resume(session, None, row)


def _fired(session: Session, timer_id: UUID) -> bool:
    """Mark a timer as fired; False when it waits no more, or for a later moment."""
    waiting = _timer.c.id == timer_id, _timer.c.state == TimerState.WAITING
    due = update(_timer).where(*waiting, _timer.c.due_at <= clock.now())
    return bool(session.execute(due.values(state=TimerState.FIRED)).rowcount == 1)
