"""Stepping aside from a matter by one's own word (本人回避): the task goes to the others on its
seat, or where nobody else there may do it to the office; taken back while nobody else has it
before them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import clock
from engine.commands import reasons, tasks, unit_of_work
from engine.commands.tasks import InHand
from engine.db import rows, tables
from engine.db.states import InstanceState, TaskState
from engine.definitions.verbs import HAND_OVER
from engine.errors import Conflict, Refused
from engine.instance import aside, rights, verbs
from engine.instance.rights import Case
from engine.messages import _

if TYPE_CHECKING:
    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.people.organisation import Actor

_task, _opened = tables.task.c, tables.opened.c


def step_aside(session: Session, actor: Actor, task_id: UUID, ground: str) -> UUID:
    """Step aside from the matter of my open task, and say why; gives the instance's id. What I have
    claimed in it goes back to its seat; where nobody else may do the task, to the office.

    Raises NotFound, Conflict (as completing it does; nobody could do it), Refused, Invalid.
    """
    held = tasks.open_task(session, actor, task_id, None)
    work = held.work
    rights.check(Case(work, "step_aside", held.rule.id, task=held.task))
    held.check_bars("step_aside")
    if not held.task.seat and HAND_OVER not in held.rule.verbs:
        own = _("“{title}”须由本人作出，别人不能代替。", title=held.rule.title)
        raise Refused(own, code="verb", instance_id=str(held.task.instance_id))
    plain, task = reasons.plain(ground), held.task
    others = verbs.takers(work, task)
    to = None if others else verbs.stand_in(work, task)
    if to is None and not others:
        nobody = _("同岗位和办公室都没有可以接替您的人，请先与办公室联系。")
        raise Conflict(nobody, code="nobody")
    new = str(to.id) if to else None
    told = {"task": held.rule.id, "at": clock.now().isoformat(), "ground": plain, "to": new}
    work.facts[aside.ASIDE] = {**(work.facts.get(aside.ASIDE) or {}), str(actor.id): told}
    _goes(held, to, reason=plain)
    for other in _claimed(work, actor, task_id):
        _goes(InHand(work, other, work.process.tasks[other.element]), None, reason=plain)
    unit_of_work.save(work)
    return task.instance_id


def step_back(session: Session, actor: Actor, instance_id: UUID) -> UUID:
    """Take it back that I stepped aside, while nobody else has had the task before them since.

    Raises NotFound, Conflict (I did not; too late).
    """
    work = unit_of_work.lock(session, actor, instance_id, InstanceState.RUNNING)
    told = aside.recorded(work, actor.id)
    if told is None:
        raise Conflict(_("您没有对此件回避。"), code="not_aside")
    task = _waiting(work, told["task"])
    taken = task is not None and str(task.assignee_id) not in ("None", str(told["to"]))
    if task is None or taken or _seen_by_others(session, actor, task, told["at"]):
        too_late = _("别人已经接办，不能再收回回避。")
        raise Conflict(too_late, code="too_late")
    left = {k: v for k, v in work.facts[aside.ASIDE].items() if k != str(actor.id)}
    work.facts.pop(aside.ASIDE)
    if left:
        work.facts[aside.ASIDE] = left
    old = task.assignee_id
    holder = None if task.seat else actor.id
    if holder != old:
        tasks.assign(InHand(work, task, work.process.tasks[task.element]), holder)
    about = {"task": task.element, "id": str(task.id), "old": _text(old), "new": _text(holder)}
    work.log.add("aside_withdrawn", actor, **about)
    unit_of_work.save(work)
    return instance_id


def _goes(held: InHand, to: Actor | None, reason: str) -> None:
    """The task goes to a person, or to its seat, on record."""
    old, work = held.task.assignee_id, held.work
    tasks.assign(held, to.id if to else None)
    if to:
        work.shares.add(to.id)
    about: dict[str, Any] = {"id": str(held.task.id), "old": _text(old), "reason": reason}
    about |= {"new": str(to.id), "name": to.name} if to else {"new": None, "name": None}
    work.log.add("stepped_aside", work.actor, task=held.rule.id, **about)


def _claimed(work: UnitOfWork, actor: Actor, but: UUID) -> list[rows.Task]:
    """The other open tasks of the matter that this person claimed from a seat."""
    query = select(*_task).where(
        _task.instance_id == work.row["id"],
        _task.state == TaskState.OPEN,
        _task.assignee_id == actor.id,
        _task.seat.is_not(None),
        _task.id != but,
    )
    return [rows.Task(*each) for each in work.session.execute(query.order_by(_task.id))]


def _waiting(work: UnitOfWork, element: str) -> rows.Task | None:
    query = select(*_task).where(
        _task.instance_id == work.row["id"],
        _task.element == element,
        _task.state == TaskState.OPEN,
    )
    found = work.session.execute(query.order_by(_task.opened_at.desc())).first()
    return rows.Task(*found) if found else None


def _seen_by_others(session: Session, actor: Actor, task: rows.Task, since: str) -> bool:
    """Has somebody else had it before them since, or taken it?"""
    others = (
        _opened.task_id == task.id,
        _opened.member_id != actor.id,
        _opened.at >= datetime.fromisoformat(since),
    )
    return session.execute(select(_opened.at).where(*others).limit(1)).first() is not None


def _text(key: UUID | None) -> str | None:
    return str(key) if key else None
