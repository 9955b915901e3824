"""Claim, release and complete user tasks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import bindparam, null, select, update

from engine import clock, forms, machine
from engine.commands import advance, meetings, unit_of_work
from engine.commands.attachments import adopt
from engine.db import canonical, rows, tables
from engine.db.states import InstanceState, TaskState
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.instance import lanes, rights
from engine.instance.choices import choices
from engine.instance.rights import Case
from engine.instance.union_law import OF_INSTANCE
from engine.messages import Listed, _
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.definitions.process import TaskRule
    from engine.people.organisation import Actor

_task = tables.task
_INSTANCE = (*tables.instance.c, OF_INSTANCE)
_READ = (
    select(*_INSTANCE, *(_task.c[name] for name in rows.Task._fields))
    .join(_task, _task.c.instance_id == tables.instance.c.id)
    .where(_task.c.id == bindparam("key"))
    .with_for_update(of=tables.instance)
)


@dataclass(frozen=True)
class InHand:
    """An open task that the actor has before them, in a unit of work on its locked instance."""

    work: UnitOfWork
    task: rows.Task
    rule: TaskRule

    @property
    def waits(self) -> bool:
        """Is it still to be done, in an instance that runs?"""
        running = self.work.row["state"] == InstanceState.RUNNING
        return running and self.task.state == TaskState.OPEN


def open_task(session: Session, actor: Actor, task_id: UUID, revision: int | None) -> InHand:
    """Lock the instance, read the task, refuse whoever may not act on it.

    Raises NotFound, Refused, Conflict.

    One statement does both; after waiting for the lock the task may be read as it was before, so
    every change of a task names the revision that was read.
    """
    found = tuple(access.must_see(session.execute(_READ, {"key": task_id}).first()))
    instance, task = found[: len(_INSTANCE)], rows.Task._make(found[len(_INSTANCE) :])
    names = (column.name for column in _INSTANCE)
    work = unit_of_work.resume(session, actor, dict(zip(names, instance, strict=True)))
    held = InHand(work, task, work.process.tasks[task.element])
    if held.rule.poll:
        raise NotFound(_("这是一项表决，请在表决页上作答。"))
    if not rights.may(Case(work, "complete", task.element, task=task)):
        raise NotFound(instance_id=str(work.row["id"]), verb="complete", element=task.element)
    stale = revision not in (None, task.revision) or task.assignee_id not in (None, actor.id)
    if stale or not held.waits:
        raise _acted_first(work, task_id)
    return held


def _change(work: UnitOfWork, task: rows.Task, **values: Any) -> None:
    """Change a task that is still as it was read. Raises Conflict when a rival was faster."""
    as_read = (
        _task.c.id == task.id,
        _task.c.state == TaskState.OPEN,
        _task.c.revision == task.revision,
    )
    change = update(_task).where(*as_read).values(revision=task.revision + 1, **values)
    if work.session.execute(change).rowcount != 1:
        raise _acted_first(work, task.id)


def _acted_first(work: UnitOfWork, task_id: UUID) -> Conflict:
    """Say who acted, and when, by the task as it is now."""
    task = task_row(work.session, task_id)
    if task.state == TaskState.CANCELLED:
        return Conflict(_("此项已随流程变化取消，无需办理。"), code="cancelled")
    if task.state == TaskState.DONE:
        return _done(work, task)
    if work.row["state"] == InstanceState.SUSPENDED:
        return Conflict(_("此件已暂停，恢复后才能办理。"), code="suspended")
    who = task.assignee_id
    if who and who != (work.actor.id if work.actor else None):
        name = _name(work, who)
        return Conflict(_("{name}已签收此项，正在办理。", name=name), code="claimed", who=name)
    return Conflict(_("此项刚有变动，请刷新后再办。"), code="stale")


def _done(work: UnitOfWork, task: rows.Task) -> Conflict:
    who = task.closed_by or task.assignee_id
    name, moment = _name(work, who) if who else "", task.closed_at or clock.now()
    at = f"{moment.astimezone(clock.CHINA):%m-%d %H:%M}"
    return Conflict(_("{name}已于 {at} 办理了此项。", name=name, at=at), code="done", who=name)


def _name(work: UnitOfWork, member_id: UUID) -> str:
    return organisation.names(work.session, [member_id]).get(member_id, "")


def task_row(session: Session, task_id: UUID) -> rows.Task:
    """A task as it is now."""
    return cast("rows.Task", session.execute(select(_task).where(_task.c.id == task_id)).one())


def pass_gates(
    work: UnitOfWork, rule: TaskRule, given: Mapping[str, Any], due_at: datetime | None = None
) -> None:
    """What the process demands of an act, beyond its form.

    Raises Refused with the gate's own words.
    """
    overdue = due_at is not None and clock.now() >= due_at
    names = {rule.id: dict(given), "overdue": overdue}
    for gate in rule.gates:
        if not work.value(gate.holds, names):
            where = {"instance_id": str(work.row["id"]), "element": rule.id}
            raise Refused(Listed([gate.text]), code="gate", **where)


def complete(
    session: Session,
    actor: Actor,
    task_id: UUID,
    answers: Mapping[str, Any],
    revision: int | None = None,
) -> UUID:
    """Finish a task with answers to its form; gives the instance's id.

    Raises NotFound (not yours), Conflict (someone acted first), Refused (recused, separated),
    Invalid (answers by field).
    """
    held = open_task(session, actor, task_id, revision)
    work, rule = held.work, held.rule
    with work.answering():
        clean = clean_answers(work, rule.form, answers)
        if rule.link:
            clean = {"by_way": "inbox", **clean}
        rights.check_bars(Case(work, "complete", rule.id, answers=clean))
        pass_gates(work, rule, clean, held.task.due_at)
        finish(held, clean)
    return work.row["id"]


def clean_answers(
    work: UnitOfWork, form: forms.Form | None, answers: Mapping[str, Any]
) -> dict[str, Any]:
    """The answers as the form wants them; attachments become part of the instance."""
    if form is None:
        if answers:
            raise Invalid({key: [_("没有这一项。")] for key in answers})
        return {}
    row = work.row
    offered = choices(work.session, row["union_id"], row["id"], work.actor)
    clean = forms.clean(form, answers, work.names(), offered)
    adopt(work.session, work.actor, row["id"], form, clean)
    return clean


def finish(held: InHand, clean: dict[str, Any]) -> None:
    """Record the answers, move the machine and save. The caller has checked everything."""
    work, task, rule = held.work, held.task, held.rule
    salt = os.urandom(16)
    meeting = {"meeting": meetings.close(work, task)} if rule.meeting else {}
    done = {
        "state": TaskState.DONE,
        "closed_at": clock.now(),
        "closed_by": work.actor.id if work.actor else None,
        "answers": clean,
        "salt": salt,
        "due": null(),
    }
    _change(work, task, **done)
    work.facts[rule.id] = {**clean, **meeting}
    digest = canonical.salted(clean, salt)
    body = work.log.add("task_completed", work.actor, task=rule.id, answers=digest)
    body.update(_noted(held, clean))
    step = machine.complete(work.process.spec, work.position, task.ref, work)
    advance.advance(work, step, body, task.ref)


def _noted(held: InHand, clean: Mapping[str, Any]) -> dict[str, Any]:
    """What the history says in plain words of a finished task: its outcome, by which way and for
    which seat it came.
    """
    rule, seat = held.rule, held.task.seat
    noted: dict[str, Any] = {}
    if rule.outcomes and not rule.room:  # what is said in a room stands there as a digest only
        noted["outcome"] = clean.get(rule.outcomes)
    if rule.link:
        noted["by_way"] = clean.get("by_way")
    if "outside" in clean:
        noted["outside"] = clean["outside"]
    elif seat:
        noted["seat"] = lanes.short_seat(held.work, seat)
    return noted


def claim(session: Session, actor: Actor, task_id: UUID) -> UUID:
    """Take a task of one of my seats for myself, so that nobody else starts on it."""
    held = open_task(session, actor, task_id, None)
    work, task = held.work, held.task
    rights.check_bars(Case(work, "claim", task.element))
    if task.assignee_id != actor.id:
        _change(work, task, assignee_id=actor.id)
        work.log.add("task_claimed", actor, task=task.element, id=str(task_id))
        unit_of_work.save(work)
    return work.row["id"]


def release(session: Session, actor: Actor, task_id: UUID) -> UUID:
    """Give a claimed task back to its seat. A person's own task cannot be given back."""
    held = open_task(session, actor, task_id, None)
    work, task = held.work, held.task
    if task.seat is None or task.assignee_id != actor.id:
        raise Conflict(_("此项不是您签收的，不能退回。"), code="not_claimed")
    _change(work, task, assignee_id=None)
    work.log.add("task_released", actor, task=task.element, id=str(task_id))
    unit_of_work.save(work)
    return work.row["id"]
