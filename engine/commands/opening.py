"""What a step opens: user tasks for their seats or persons, polls, meetings, timers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine import clock
from engine.calendar.moments import ending_day
from engine.commands import meetings, poll_lifecycle, timers
from engine.commands.timers import NewTask, NewTimer
from engine.db import tables
from engine.errors import ProcessFault
from engine.instance import lanes
from engine.messages import _
from engine.people import organisation

if TYPE_CHECKING:
    from datetime import datetime

    from engine.calendar import Due
    from engine.commands.unit_of_work import Anew, UnitOfWork
    from engine.definitions.process import TaskRule
    from engine.machine import Live


def open_all(work: UnitOfWork, opened: list[Live], body: dict[str, Any]) -> None:
    """Open the user tasks of a step with their polls and meetings, and set its timers; `body` says
    of whom it waits now.
    """
    tasks = [_task(work, live) for live in opened if live.kind == "task"]
    for task in tasks:
        _share(work, task)
        body.setdefault("opened", []).append(_noted(work, task))
    timers.add(work, tasks, [])
    for task in tasks:
        if task.rule.poll:
            poll_lifecycle.put(work, task.id, task.rule.id, task.rule.poll)
        if task.rule.meeting:
            meetings.call(work, task.id, task.rule.id, task.rule.meeting)
    waiting = _timers(work, opened, tasks)
    timers.add(work, [], waiting)
    _tell(body, opened, waiting)


def _tell(body: dict[str, Any], opened: list[Live], waiting: list[NewTimer]) -> None:
    """Note timers, and what else stands for itself in the diagram and waits: then the event says
    which way the instance went.
    """
    if waiting:
        body["timers"] = [timer.told() for timer in waiting]
    told = {timer.element for timer in waiting}
    alone = [live.element for live in opened if live.kind != "task" and not live.boundary]
    if waits := [element for element in alone if element not in told]:
        body["waits"] = waits


def _task(work: UnitOfWork, live: Live) -> NewTask:
    rule = work.process.tasks[live.element]
    due = _due(work, rule) if rule.due else None
    seat, person = (None, None) if rule.poll else _who(work, rule.lane, rule.id)
    new = NewTask(tables.new_id(), live.ref, rule, seat=seat, person=person, due=due)
    anew = work.anew
    if anew is None or anew.element != rule.id:
        return new
    new = replace(new, sent_from=anew.sent_from, straight=anew.straight)
    return replace(new, due=_as_before(work, rule, anew)) if anew.since and due else new


def _as_before(work: UnitOfWork, rule: TaskRule, anew: Anew) -> Due | None:
    """The time limit of a task that was taken back: as it was, an extension included."""
    assert anew.since is not None
    with work.counted_from(anew.since):
        due = work.moment(rule.due)
    if due is None or anew.due_at is None or due.moment == anew.due_at:
        return due
    return replace(due, moment=anew.due_at, day=ending_day(anew.due_at))


def _due(work: UnitOfWork, rule: TaskRule) -> Due | None:
    if not rule.poll:
        return work.moment(rule.due)
    with work.as_entered():  # as its window is
        return work.moment(rule.due)


def _who(work: UnitOfWork, lane_key: str, element: str) -> tuple[str | None, UUID | None]:
    """The seat of a task, or its only person. Raises ProcessFault."""
    lane = work.process.lanes.get(lane_key)
    if lane is None:
        outside = _("环节 {element} 不在任何泳道里。", element=element)
        raise ProcessFault(outside, file="process.bpmn", element=element)
    seat, persons = lanes.people_of(work, lane)
    if seat:
        return seat, None
    if len(persons) != 1:
        title = work.process.tasks[element].title
        raise ProcessFault(_("环节“{title}”找不到唯一的办理人。", title=title), element=element)
    return None, UUID(persons[0])


def _share(work: UnitOfWork, task: NewTask) -> None:
    """Whoever gets the task may see the instance from now on."""
    if task.seat:
        work.shares.add(organisation.seat_key(task.seat))
    elif task.person:
        work.shares.add(task.person)


def _noted(work: UnitOfWork, task: NewTask) -> dict[str, str]:
    """What the history says of a task that opens."""
    noted = {"task": task.rule.id}
    if task.seat:
        noted["seat"] = lanes.short_seat(work, task.seat)
    elif task.person:
        noted["for"] = str(task.person)
    if task.due:
        noted |= timers.told(task.due)
    if task.sent_from:
        noted |= {"from": task.sent_from} | ({"straight": "yes"} if task.straight else {})
    return noted


def _ends(work: UnitOfWork, live: Live, task_due: datetime | None) -> Due | None:
    """When a timer ends. One on a task that was taken back counts on; what has happened by then
    does not happen again.
    """
    since = work.anew.since if work.anew and work.anew.element == live.on else None
    if since is None:
        return work.moment(live.text, {"task_due": task_due})
    with work.counted_from(since):
        due = work.moment(live.text, {"task_due": task_due})
    return due if due is not None and due.moment > clock.now() else None


def _timers(work: UnitOfWork, opened: list[Live], tasks: list[NewTask]) -> list[NewTimer]:
    """The timers of a step; on a boundary, `task_due` is the due moment of the task they sit on."""
    by_element = {task.rule.id: task for task in tasks}
    found = []
    for live in opened:
        if live.kind != "timer":
            continue
        task = by_element.get(live.on)
        task_due = work.remember(task.due) if task and task.due else None
        due = _ends(work, live, task_due)
        if due is not None:
            found.append(NewTimer.of(live, due, task.id if task else None))
    return found
