"""Claim, release, complete and reassign user tasks."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, null, select, update

from engine import clock, forms, machine
from engine.commands import advance, meetings, unit_of_work
from engine.commands.attachments import adopt
from engine.db import canonical, tables
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.instance import lanes
from engine.instance.choices import choices
from engine.instance.union_law import OF_INSTANCE
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.definitions.process import TaskRule
    from engine.people.organisation import Actor

_task = tables.task
_READ = (
    select(tables.instance, OF_INSTANCE, *(c.label(f"task_{c.name}") for c in _task.c))
    .join(_task, _task.c.instance_id == tables.instance.c.id)
    .where(_task.c.id == bindparam("key"))
    .with_for_update(of=tables.instance)
)


def open_task(
    session: Session, actor: Actor, task_id: UUID, revision: int | None
) -> tuple[UnitOfWork, Any, TaskRule]:
    """Lock the instance, read the task, refuse whoever may not act on it. Raises NotFound, Refused, Conflict.

    One statement does both; after waiting for the lock the task may be read as it was before, so every change of a task
    names the revision that was read.
    """
    found = access.must_see(session.execute(_READ, {"key": task_id}).mappings().first())
    task = SimpleNamespace(
        **{name[5:]: value for name, value in found.items() if name.startswith("task_")}
    )
    work = unit_of_work.resume(
        session, actor, {k: v for k, v in found.items() if not k.startswith("task_")}
    )
    rule = work.process.tasks[task.element]
    if rule.poll:
        raise NotFound("这是一项表决，请在表决页上作答。")
    if not (actor.id in (task.assignee_id, task.closed_by) or task.seat in actor.seats):
        raise NotFound(instance_id=str(work.row["id"]), verb="complete", element=task.element)
    stale = task.state != "open" or (revision is not None and revision != task.revision)
    if stale or work.row["state"] != "running" or task.assignee_id not in (None, actor.id):
        raise _acted_first(work, task_id)
    return work, task, rule


def _change(work: UnitOfWork, task: Any, **values: Any) -> None:
    """Change a task that is still as it was read. Raises Conflict when a rival was faster."""
    changed = work.session.execute(
        update(_task)
        .where(_task.c.id == task.id, _task.c.state == "open", _task.c.revision == task.revision)
        .values(revision=_task.c.revision + 1, **values)
    )
    if changed.rowcount != 1:
        raise _acted_first(work, task.id)


def _acted_first(work: UnitOfWork, task_id: UUID) -> Conflict:
    """Say who acted, and when, by the task as it is now."""
    task = work.session.execute(select(_task).where(_task.c.id == task_id)).one()
    if task.state == "open" and work.row["state"] == "suspended":
        return Conflict("此件已暂停，恢复后才能办理。", code="suspended")
    who = task.closed_by or task.assignee_id
    name = organisation.names(work.session, [who]).get(who, "") if who else ""
    if task.state == "done":
        at = task.closed_at.astimezone(clock.CHINA)
        return Conflict(f"{name}已于 {at:%m-%d %H:%M} 办理了此项。", code="done", who=name)
    if task.state == "cancelled":
        return Conflict("此项已随流程变化取消，无需办理。", code="cancelled")
    if name and who != (work.actor.id if work.actor else None):
        return Conflict(f"{name}已签收此项，正在办理。", code="claimed", who=name)
    return Conflict("此项刚有变动，请刷新后再办。", code="stale")


def may_act(work: UnitOfWork, rule: TaskRule, given: Mapping[str, Any] | None = None) -> None:
    """Separation of duties and recusal, over the answers too. Raises Refused, which goes into the history."""
    instance = str(work.row["id"])
    if rule.not_by and work.actor:
        done = select(_task.c.id).where(
            _task.c.instance_id == work.row["id"],
            _task.c.element.in_(rule.not_by),
            _task.c.closed_by == work.actor.id,
        )
        if work.session.execute(done.limit(1)).first():
            raise Refused(
                "您已办理过前面的环节，按规定不能再办理此项。",
                code="separated",
                instance_id=instance,
                element=rule.id,
            )
    if rule.recuse and work.value(rule.recuse, {rule.id: given} if given is not None else None):
        raise Refused(
            "您与此件有利害关系，应当回避。", code="recused", instance_id=instance, element=rule.id
        )


def pass_gates(
    work: UnitOfWork, rule: TaskRule, given: Mapping[str, Any], due_at: datetime | None = None
) -> None:
    """What the process demands of an act, beyond its form. Raises Refused with the gate's own words."""
    for gate in rule.gates:
        names = {rule.id: dict(given), "overdue": due_at is not None and clock.now() >= due_at}
        if not work.value(gate.holds, names):
            text = gate.text.in_(work.actor.locale if work.actor else "zh")
            raise Refused(text, code="gate", instance_id=str(work.row["id"]), element=rule.id)


def complete(
    session: Session,
    actor: Actor,
    task_id: UUID,
    answers: Mapping[str, Any],
    revision: int | None = None,
) -> UUID:
    """Finish a task with answers to its form; gives the instance's id.

    Raises NotFound (not yours), Conflict (someone acted first), Refused (recused, separated), Invalid (answers by field).
    """
    work, task, rule = open_task(session, actor, task_id, revision)
    with work.answering():
        clean = clean_answers(work, rule.form, answers)
        if rule.link:
            clean = {"by_way": "inbox", **clean}
        may_act(work, rule, clean)
        pass_gates(work, rule, clean, task.due_at)
        finish(work, task, rule, clean)
    return UUID(str(work.row["id"]))


def clean_answers(
    work: UnitOfWork, form: forms.Form | None, answers: Mapping[str, Any]
) -> dict[str, Any]:
    """The answers as the form wants them; attachments become part of the instance."""
    if form is None:
        if answers:
            raise Invalid({key: ["没有这一项。"] for key in answers})
        return {}
    clean = forms.clean(
        form,
        answers,
        work.names(),
        choices(work.session, work.row["union_id"], work.row["id"], work.actor),
    )
    adopt(work.session, work.actor, work.row["id"], form, clean)
    return clean


def finish(work: UnitOfWork, task: Any, rule: TaskRule, clean: dict[str, Any]) -> None:
    """Record the answers, move the machine and unit_of_work. The caller has checked everything."""
    salt = os.urandom(16)
    by = work.actor.id if work.actor else None
    held = {"meeting": meetings.close(work, task)} if rule.meeting else {}
    _change(
        work,
        task,
        state="done",
        closed_at=clock.now(),
        closed_by=by,
        answers=clean,
        salt=salt,
        due=null(),
    )
    work.facts[rule.id] = {**clean, **held}
    body = work.log.add(
        "task_completed", work.actor, task=rule.id, answers=canonical.salted(clean, salt)
    )
    if (
        rule.outcomes and not rule.room
    ):  # what is said in a room stands in the history as a digest only
        body["outcome"] = clean.get(rule.outcomes)
    if rule.link:
        body["by_way"] = clean.get("by_way")
    if "outside" in clean:
        body["outside"] = clean["outside"]
    elif task.seat:
        body["seat"] = lanes.short_seat(work, task.seat)
    step = machine.complete(work.process.spec, work.row["machine"], task.ref, work)
    advance.advance(work, step, body, task.ref)


def claim(session: Session, actor: Actor, task_id: UUID) -> UUID:
    """Take a task of one of my seats for myself, so that nobody else starts on it."""
    work, task, rule = open_task(session, actor, task_id, None)
    may_act(work, rule)
    if task.assignee_id != actor.id:
        _change(work, task, assignee_id=actor.id)
        work.log.add("task_claimed", actor, task=rule.id, id=str(task_id))
        unit_of_work.save(work)
    return UUID(str(work.row["id"]))


def release(session: Session, actor: Actor, task_id: UUID) -> UUID:
    """Give a claimed task back to its seat. A person's own task cannot be given back."""
    work, task, rule = open_task(session, actor, task_id, None)
    if task.seat is None or task.assignee_id != actor.id:
        raise Conflict("此项不是您签收的，不能退回。", code="not_claimed")
    _change(work, task, assignee_id=None)
    work.log.add("task_released", actor, task=rule.id, id=str(task_id))
    unit_of_work.save(work)
    return UUID(str(work.row["id"]))
