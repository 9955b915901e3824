"""Going back: sending a task back (退回) to an earlier step, and taking back (拿回) what one has
done.

The machine itself goes back; tasks and timers that are left end as by any step, and what opens is
opened as by any step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import machine
from engine.commands import advance, drafts, provisos, reasons, tasks, unit_of_work
from engine.commands.unit_of_work import Anew
from engine.db import tables
from engine.db.states import InstanceState, TaskState
from engine.definitions.verbs import RECALL, SEND_BACK
from engine.errors import Conflict, Invalid
from engine.instance import deputies, going_back, verbs
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from uuid import UUID

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session, rows
    from engine.instance.going_back import Target
    from engine.machine import Step
    from engine.people.organisation import Actor

_task = tables.task.c


def send_back(
    session: Session,
    actor: Actor,
    task_id: UUID,
    to: str,
    reason: str,
    *,
    straight: bool = False,
    revision: int | None = None,
) -> UUID:
    """Send my open task back to an earlier step, with a reason; gives the instance's id. What has
    been opened since on its branch ends, and its time limit begins anew. Once done it goes the
    whole way again, or `straight` back to me.

    Raises NotFound, Conflict (as completing it does; a vote or meeting runs beside it), Refused
    (not from this task; recused, separated; a guard), Invalid (the reason; no such step).
    """
    held = tasks.open_task(session, actor, task_id, revision)
    work = held.work
    verbs.check(work, held.rule, SEND_BACK)
    held.check_bars(SEND_BACK)
    plain = reasons.plain(reason)
    target = _target(going_back.targets(work, held.task), to, straight=straight)
    told: dict[str, Any] = {"id": str(task_id), "to": to}
    told |= {"how": "straight" if straight else "again", **tasks.in_place(held)}
    tasks.stand_for(held)
    body = work.log.add("task_sent_back", actor, task=held.rule.id, reason=plain, passed=[], **told)
    work.anew = Anew(to, sent_from=held.rule.id, straight=straight)
    _stand(work, to, body)
    if target.done_by is not None:
        _as_draft(work, to, target.done_by, tasks.task_row(session, target.task_id))
    return held.task.instance_id


def _target(found: tuple[Target, ...], to: str, *, straight: bool) -> Target:
    target = next((each for each in found if each.element == to), None)
    if target is None:
        raise Invalid({"to": [_("不能退回到这一环节。")]})
    if straight and not target.straight:
        raise Invalid({"straight": [_("其间经过表决，或者不在同一支上，改后须重走。")]})
    return target


def take_back(session: Session, actor: Actor, task_id: UUID) -> UUID:
    """Take back what I have done, while nobody else has opened what came next: the task is open
    again within its time limit, its answers are my draft, what it had opened ends. Gives the
    instance's id.

    Raises NotFound (not mine), Refused (not of this task), Conflict (too late, or something
    followed that cannot be called back).
    """
    mine = _task.id == task_id, _task.closed_by == actor.id
    key: UUID = access.must_see(session.execute(select(_task.instance_id).where(*mine)).scalar())
    work = unit_of_work.lock(session, actor, key, InstanceState.RUNNING)
    task = tasks.task_row(session, task_id)
    verbs.check(work, work.process.tasks[task.element], RECALL)
    if why := going_back.against(work, task):
        raise Conflict(why, code="too_late")
    _forget(work, task)
    work.anew = Anew(task.element, since=task.opened_at, due_at=task.due_at)
    told = {"task": task.element, "id": str(task_id)}
    body = work.log.add("task_taken_back", actor, **told, passed=[])
    _stand(work, task.element, body)
    _as_draft(work, task.element, actor.id, task)
    return key


def _forget(work: UnitOfWork, task: rows.Task) -> None:
    """The answers are no fact any more: the fact is what was said before, or none."""
    element = task.element
    provisos.drop(work, task.id)
    if str(task.id) in (told := dict(deputies.recorded(work))):
        del told[str(task.id)]
        work.facts.pop(deputies.DEPUTIES)
        if told:
            work.facts[deputies.DEPUTIES] = told
    earlier = select(_task.answers).where(
        _task.instance_id == task.instance_id,
        _task.element == element,
        _task.state == TaskState.DONE,
        _task.closed_at < task.closed_at,
    )
    before = work.session.execute(earlier.order_by(_task.closed_at.desc()).limit(1)).scalar()
    work.facts.pop(element, None)
    if before is not None:
        work.facts[element] = before
    left = work.rounds.get(element, 0) - 1
    work.rounds.pop(element, None)
    if left > 0:
        work.rounds[element] = left
    work.reworded = True


def _stand(work: UnitOfWork, element: str, body: dict[str, Any]) -> None:
    """Let the machine stand there anew, and save. No vote or meeting ends by that."""
    step = work.drive(machine.again(work.process.spec, work.position, element))
    _ends_no_vote(work, step)
    advance.advance(work, step, body)


def _ends_no_vote(work: UnitOfWork, step: Step) -> None:
    for live in advance.Change(step, None).left:
        rule = work.process.tasks.get(live.element)
        if rule is not None and (rule.poll or rule.meeting):
            busy = _("并行的“{title}”正在进行，不能因此中止。", title=rule.title)
            raise Conflict(busy, code="vote_running")


def _as_draft(work: UnitOfWork, element: str, member_id: UUID, former: rows.Task) -> None:
    """What was answered before is a draft of the task that is open again, without its files."""
    form = work.process.tasks[element].form
    here = _task.instance_id == work.row["id"], _task.element == element
    query = select(_task.id).where(*here, _task.state == TaskState.OPEN)
    key = work.session.execute(query.order_by(_task.opened_at.desc()).limit(1)).scalar_one()
    kept = {field.key for field in form.asked if field.kind != "filepicker"} if form else set()
    answers = {name: value for name, value in (former.answers or {}).items() if name in kept}
    if answers:
        drafts.put_back(work.session, member_id, f"task:{key}", answers)
