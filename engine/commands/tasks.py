"""Claim, release, complete and reassign user tasks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from engine import access, canonical, clock, forms, machine, organisation, tables
from engine.choices import choices
from engine.commands import settle
from engine.commands.attachments import adopt
from engine.errors import Conflict, Invalid, NotFound, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.catalogue.process import TaskRule
    from engine.commands.run import Run
    from engine.db import Session
    from engine.organisation import Actor

_task = tables.task
_WHERE = select(_task.c.instance_id).where(_task.c.id == bindparam("key"))
_READ = select(_task).where(_task.c.id == bindparam("key"))
_FINISH = (
    update(_task)
    .where(_task.c.id == bindparam("key"), _task.c.state == "open", _task.c.revision == bindparam("was"))
    .values(
        state="done", closed_at=bindparam("now"), closed_by=bindparam("by"), answers=bindparam("given"),
        salt=bindparam("grain"), revision=_task.c.revision + 1,
    )
)  # fmt: skip


def _open(session: Session, actor: Actor, task_id: UUID, revision: int | None) -> tuple[Run, Any, TaskRule]:
    """Lock the instance, then read the task and refuse whoever may not act on it. Raises NotFound, Refused, Conflict."""
    instance_id = access.must_see(session.execute(_WHERE, {"key": task_id}).scalar())
    run = settle.lock(session, actor, instance_id)
    task = session.execute(_READ, {"key": task_id}).one()
    rule = run.process.tasks[task.element]
    mine = actor.id in (task.assignee_id, task.closed_by) or task.seat in actor.seats
    if rule.poll:
        raise NotFound("这是一项表决,请在表决页上作答。")
    if not mine:
        raise NotFound(instance_id=str(instance_id), verb="complete", element=task.element)
    if task.state != "open" or (revision is not None and revision != task.revision) or run.row["state"] != "running":
        raise _acted_first(session, task, run)
    if task.assignee_id not in (None, actor.id):
        raise _acted_first(session, task, run)
    return run, task, rule


def _acted_first(session: Session, task: Any, run: Run) -> Conflict:
    """Say who acted, and when."""
    if task.state == "open" and run.row["state"] == "suspended":
        return Conflict("此件已暂停,恢复后才能办理。", code="suspended")
    who = task.closed_by or task.assignee_id
    name = organisation.names(session, [who]).get(who, "") if who else ""
    if task.state == "done":
        at = task.closed_at.astimezone(clock.CHINA)
        return Conflict(f"{name}已于 {at:%m-%d %H:%M} 办理了此项。", code="done", who=name)
    if task.state == "cancelled":
        return Conflict("此项已随流程变化取消,无需办理。", code="cancelled")
    if name and who != (run.actor.id if run.actor else None):
        return Conflict(f"{name}已签收此项,正在办理。", code="claimed", who=name)
    return Conflict("此项刚有变动,请刷新后再办。", code="stale")


def may_act(run: Run, rule: TaskRule, given: Mapping[str, Any] | None = None) -> None:
    """Separation of duties and recusal, over the answers too. Raises Refused, which goes into the history."""
    instance = str(run.row["id"])
    if rule.not_by and run.actor:
        done = select(_task.c.id).where(
            _task.c.instance_id == run.row["id"], _task.c.element.in_(rule.not_by), _task.c.closed_by == run.actor.id
        )
        if run.session.execute(done.limit(1)).first():
            raise Refused(
                "您已办理过前面的环节,按规定不能再办理此项。", code="separated", instance_id=instance, element=rule.id
            )
    if rule.recuse and run.value(rule.recuse, {rule.id: given} if given is not None else None):
        raise Refused("您与此件有利害关系,应当回避。", code="recused", instance_id=instance, element=rule.id)


def pass_gates(run: Run, rule: TaskRule, given: Mapping[str, Any], due_at: datetime | None = None) -> None:
    """What the process demands of an act, beyond its form. Raises Refused with the gate's own words."""
    for gate in rule.gates:
        names = {rule.id: dict(given), "overdue": due_at is not None and clock.now() >= due_at}
        if not run.value(gate.holds, names):
            text = gate.text.in_(run.actor.locale if run.actor else "zh")
            raise Refused(text, code="gate", instance_id=str(run.row["id"]), element=rule.id)


def complete(
    session: Session, actor: Actor, task_id: UUID, answers: Mapping[str, Any], revision: int | None = None
) -> UUID:
    """Finish a task with answers to its form; gives the instance's id.

    Raises NotFound (not yours), Conflict (someone acted first), Refused (recused, separated), Invalid (answers by field).
    """
    run, task, rule = _open(session, actor, task_id, revision)
    clean = clean_answers(run, rule.form, answers)
    may_act(run, rule, clean)
    pass_gates(run, rule, clean, task.due_at)
    finish(run, task, rule, clean)
    return UUID(str(run.row["id"]))


def clean_answers(run: Run, form: forms.Form | None, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers as the form wants them; attachments become part of the instance."""
    if form is None:
        if answers:
            raise Invalid({key: ["没有这一项。"] for key in answers})
        return {}
    clean = forms.clean(form, answers, run.names(), choices(run.session, run.row["union_id"]))
    adopt(run.session, run.actor, run.row["id"], form, clean)
    return clean


def finish(run: Run, task: Any, rule: TaskRule, clean: dict[str, Any]) -> None:
    """Record the answers, move the machine and settle. The caller has checked everything."""
    salt = os.urandom(16)
    done = run.session.execute(
        _FINISH,
        {"key": task.id, "was": task.revision, "now": clock.now(), "by": run.actor.id if run.actor else None,
         "given": clean, "grain": salt},
    )  # fmt: skip
    if done.rowcount != 1:
        raise Conflict
    run.facts[rule.id] = clean
    body = run.ledger.add(
        "task_completed", run.actor, task=rule.id, id=str(task.id), answers=canonical.salted(clean, salt)
    )
    if rule.outcomes:
        body["outcome"] = clean.get(rule.outcomes)
    if task.seat:
        body["seat"] = task.seat
    before = settle.alive(run)
    step = machine.complete(run.process.spec, run.row["machine"], task.ref, run)
    settle.settle(run, before, step, body, task.ref)


def claim(session: Session, actor: Actor, task_id: UUID) -> UUID:
    """Take a task of one of my seats for myself, so that nobody else starts on it."""
    run, task, rule = _open(session, actor, task_id, None)
    may_act(run, rule)
    if task.assignee_id != actor.id:
        session.execute(
            update(_task).where(_task.c.id == task_id).values(assignee_id=actor.id, revision=task.revision + 1)
        )
        run.ledger.add("task_claimed", actor, task=rule.id, id=str(task_id))
        settle.save(run)
    return UUID(str(run.row["id"]))


def release(session: Session, actor: Actor, task_id: UUID) -> UUID:
    """Give a claimed task back to its seat. A person's own task cannot be given back."""
    run, task, rule = _open(session, actor, task_id, None)
    if task.seat is None or task.assignee_id != actor.id:
        raise Conflict("此项不是您签收的,不能退回。", code="not_claimed")
    session.execute(update(_task).where(_task.c.id == task_id).values(assignee_id=None, revision=task.revision + 1))
    run.ledger.add("task_released", actor, task=rule.id, id=str(task_id))
    settle.save(run)
    return UUID(str(run.row["id"]))
