"""Deadlines computed anew when a holiday notice has come: as of the moment they began, through all
stops since.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import exists, or_, select, update

from engine import calendar, clock
from engine.commands import timers, unit_of_work
from engine.commands.unit_of_work import UnitOfWork
from engine.db import tables
from engine.db.states import ALIVE, PollState, TaskState, TimerState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session, rows
    from engine.definitions.process import PublicationRule

_DAY = len("2026-05-20")
POLL_WINDOW = -1  # the `ref` of a timer that ends the window of a poll
_task, _timer, _instance = tables.task, tables.timer, tables.instance
_publication = tables.publication


def resting_on(session: Session, year: int) -> list[UUID]:
    """The instances under way that have a provisional deadline, or one that falls in that year or
    later, or something published still.
    """
    first = _first_of(year)
    task = exists().where(
        _task.c.instance_id == _instance.c.id,
        _task.c.state == TaskState.OPEN,
        or_(_task.c.due["provisional"].as_boolean(), _task.c.due_at > first),
    )
    timer = exists().where(
        _timer.c.instance_id == _instance.c.id,
        _timer.c.state == TimerState.WAITING,
        or_(_timer.c.provisional, _timer.c.due_at > first),
    )
    shown = exists().where(_publication.c.instance_id == _instance.c.id, *_shown())
    resting = or_(task, timer, shown)
    running = select(_instance.c.id).where(_instance.c.state.in_(ALIVE), resting)
    return list(session.execute(running.order_by(_instance.c.id)).scalars())


def _shown() -> tuple[ColumnElement[bool], ...]:
    """The conditions on `publication` that it can still be objected to."""
    return _publication.c.current, _publication.c.until > clock.now()


def _first_of(year: int) -> datetime:
    return datetime.combine(date(year, 1, 1), time(), clock.CHINA)


def recompute(session: Session, instance_id: UUID) -> int:
    """Compute anew the deadlines of an instance that are provisional, or older than the notice of a
    year they reach into.

    Each from its own expression, as of the moment it began to run, with the vacations registered at
    that moment and the stops and extensions on record since. Gives how many changed; one event
    tells them all. Raises NotFound.
    """
    return len(recomputed(session, instance_id))


def recomputed(session: Session, instance_id: UUID) -> list[dict[str, Any]]:
    """The same; gives what changed: element, what, was, due, provisional."""
    work = unit_of_work.lock(session, None, instance_id)
    if work.row["state"] not in ALIVE:
        return []
    past = _Past(session, work)
    tasks = _open_tasks(session, instance_id)
    changed = [_renew_task(past, task) for task in tasks.values() if past.lacked_for_task(task)]
    changed += [
        _renew_timer(past, timer, tasks.get(timer.task_id) if timer.task_id else None)
        for timer in _waiting_timers(session, instance_id)
        if past.lacked(timer.since, timer.due_at, timer.provisional)
    ]
    changed += [
        _renew_publication(past, shown)
        for shown in _publications(session, instance_id)
        if past.newer_than(shown.opened_at)
    ]
    deadlines = [change for change in changed if change]
    if deadlines:
        work.log.add("deadline_recomputed", None, deadlines=deadlines)
        unit_of_work.save(work)
    return deadlines


def _open_tasks(session: Session, instance_id: UUID) -> dict[UUID, rows.Task]:
    """The open tasks that have a deadline."""
    column = _task.c
    query = select(_task).where(
        column.instance_id == instance_id,
        column.state == TaskState.OPEN,
        column.due_at.is_not(None),
    )
    return {task.id: task for task in cast("Iterable[rows.Task]", session.execute(query).all())}


def _waiting_timers(session: Session, instance_id: UUID) -> Iterable[rows.Timer]:
    column = _timer.c
    query = select(_timer).where(
        column.instance_id == instance_id, column.state == TimerState.WAITING
    )
    return cast("Iterable[rows.Timer]", session.execute(query).all())


def _publications(session: Session, instance_id: UUID) -> Iterable[rows.Publication]:
    query = select(_publication).where(_publication.c.instance_id == instance_id, *_shown())
    return cast("Iterable[rows.Publication]", session.execute(query).all())


class _Happened(NamedTuple):
    """An event that moved clocks or days."""

    kind: str
    at: datetime
    body: dict[str, Any]


class _Past:
    """What has happened to the clocks of an instance, and which holiday notices have come since."""

    def __init__(self, session: Session, work: UnitOfWork) -> None:
        self.session, self.work = session, work
        self.clocks = self._events(work.row["id"], "instance_resumed", "deadline_extended")
        self.began = self._began(work.row["id"])
        self.vacations = self._events(work.row["union_id"], "vacation_added", "vacation_removed")
        notice = tables.notice.c
        self.notices = session.execute(select(notice.year, notice.loaded_at)).all()

    def _events(self, chain_id: UUID, *kinds: str) -> list[_Happened]:
        event = tables.event.c
        query = select(event.kind, event.at, event.body).where(
            event.instance_id == chain_id, event.kind.in_(kinds)
        )
        found = self.session.execute(query.order_by(event.seq))
        return [_Happened(kind, at, json.loads(body)) for kind, at, body in found]

    def _began(self, chain_id: UUID) -> list[_Happened]:
        """The events that opened something."""
        event = tables.event.c
        query = select(event.kind, event.at, event.body).where(
            event.instance_id == chain_id, event.body.op("~")('"(opened|timers)":')
        )
        found = self.session.execute(query.order_by(event.seq))
        return [_Happened(kind, at, json.loads(body)) for kind, at, body in found]

    def as_of(self, deadline: _Deadline) -> date | None:
        """From when a deadline counts, if not from the entry that opened it: a poll is put when it
        is put, and something is published when it is.
        """
        if deadline.shown is not None or deadline.is_poll(self.work):
            return None
        told = [each.body.get("as_of") for each in self.began if each.at <= deadline.start]
        return _when(told[-1]) if told and told[-1] else None

    def newer_than(self, moment: datetime) -> bool:
        """Has a holiday notice come since?"""
        return any(loaded_at > moment for _year, loaded_at in self.notices)

    def lacked(self, since: datetime, due_at: datetime, provisional: bool) -> bool:
        """Was a deadline that began at `since` computed without a holiday notice that it needs?"""
        late = any(
            loaded_at > since and due_at > _first_of(year) for year, loaded_at in self.notices
        )
        return late or provisional

    def lacked_for_task(self, task: rows.Task) -> bool:
        """The same of a task's deadline."""
        return task.due_at is not None and self.lacked(
            task.opened_at, task.due_at, _is_provisional(task)
        )

    def context_at(self, moment: datetime) -> UnitOfWork:
        """What computes as it would have at that moment, but with the holiday notices known now."""
        then = UnitOfWork(self.session, None, self.work.row, self.work.process)
        vacations = set(then.law.calendar.vacations)
        for kind, at, body in reversed(self.vacations):
            if at > moment:
                first, last = date.fromisoformat(body["from_on"]), date.fromisoformat(body["to_on"])
                change = vacations.discard if kind == "vacation_added" else vacations.add
                change((first, last, body["name"]))
        then.law.calendar = replace(then.law.calendar, vacations=tuple(sorted(vacations)))
        return then


def _when(told: str) -> date:
    """What an event tells as `as_of`: a moment, or a day."""
    return date.fromisoformat(told) if len(told) == _DAY else datetime.fromisoformat(told)


def _is_provisional(task: rows.Task) -> bool:
    return bool((task.due or {}).get("provisional"))


@dataclass
class _Clock:
    """A deadline on its way from the moment it began: `own` the task's, `due` what is asked for,
    the days stood still.
    """

    own: calendar.Due | None
    due: calendar.Due | None
    extended: str = ""
    stopped: int = 0

    def stand_still(self, days: int) -> None:
        """As `instances.resume` moves a deadline."""
        self.own, self.due = _shifted(self.own, days), _shifted(self.due, days)
        self.stopped += days


def _shifted(due: calendar.Due | None, days: int) -> calendar.Due | None:
    gone = timedelta(days=days)
    return replace(due, moment=due.moment + gone, day=due.day + gone) if due else None


@dataclass(frozen=True)
class _Deadline:
    """What is computed anew: that of a task, of a timer, which may sit on a task, or of what is
    published.
    """

    start: datetime
    task: rows.Task | None
    timer: rows.Timer | None = None
    shown: PublicationRule | None = None

    def is_poll(self, work: UnitOfWork) -> bool:
        """Is it the window of a poll?"""
        if self.timer is not None:
            return self.timer.ref == POLL_WINDOW
        return self.task is not None and work.process.tasks[self.task.element].poll is not None

    def moment(self, context: UnitOfWork, own: calendar.Due | None) -> calendar.Due | None:
        """When it ends; `own`: the deadline of the task."""
        if self.shown is not None:
            return context.moment(self.shown.until)
        if self.timer is None:
            return own
        task_due = context.remember(own) if own else None
        return context.moment(self.timer.expression, {"task_due": task_due})


def _replay(past: _Past, deadline: _Deadline) -> _Clock:
    """A deadline through all stops and extensions since it began."""
    context, task = past.context_at(deadline.start), deadline.task
    context.happened = past.as_of(deadline)
    rule = past.work.process.tasks[task.element] if task is not None else None
    with clock.set_to(deadline.start):
        own = context.moment(rule.due) if rule is not None and rule.due else None
        found = _Clock(own, deadline.moment(context, own))
    since = deadline.start.replace(microsecond=0)  # events tell whole seconds
    for event in (event for event in past.clocks if event.at >= since):
        if event.kind == "instance_resumed":
            found.stand_still(int(event.body["stopped_days"]))
        elif found.own and task is not None and event.body["task"] == task.element:
            by = str(event.body["rule"])
            own = _extended(context, found.own, by)
            with clock.set_to(event.at):
                found = _Clock(own, deadline.moment(context, own), by)
    return found


def _extended(context: UnitOfWork, due: calendar.Due, rule_id: str) -> calendar.Due:
    """As the action `extend` moves a deadline."""
    ruling = context.law.ruling(rule_id, context.decisive_on)
    end = due.moment - timedelta(seconds=1)
    return context.law.calendar.add(end, int(ruling.value or 0), ruling.unit)


def _renew_task(past: _Past, task: rows.Task) -> dict[str, Any] | None:
    """Compute a task's deadline anew; gives the change, None when there is none."""
    found = _replay(past, _Deadline(task.opened_at, task))
    due, was = found.due, task.due_at
    if due is None or was is None:
        return None
    if (due.moment, due.provisional) == (was, _is_provisional(task)):
        return None
    rule = past.work.process.tasks[task.element]
    shown = timers.due_json(due, rule.due, found.extended or rule.basis) or {}
    if found.extended:
        shown["extended"] = True
    if found.stopped:
        shown["stopped_days"] = found.stopped
    renewed = update(_task).where(_task.c.id == task.id)
    past.session.execute(renewed.values(due_at=due.moment, due=shown))
    return _change(task.element, "task", was, due)


def _renew_timer(past: _Past, timer: rows.Timer, task: rows.Task | None) -> dict[str, Any] | None:
    """Compute a timer anew, for a poll's window the window too."""
    due = _replay(past, _Deadline(timer.since, task, timer)).due
    if due is None or (due.moment, due.provisional) == (timer.due_at, timer.provisional):
        return None
    renewed = update(_timer).where(_timer.c.id == timer.id)
    past.session.execute(renewed.values(due_at=due.moment, provisional=due.provisional))
    if timer.ref != POLL_WINDOW:
        return _change(timer.element, "timer", timer.due_at, due)
    poll = tables.poll.c
    window = update(tables.poll).where(poll.task_id == timer.task_id, poll.state == PollState.OPEN)
    past.session.execute(window.values(closes_at=due.moment))
    return _change(timer.element, "poll", timer.due_at, due)


def _renew_publication(past: _Past, row: rows.Publication) -> dict[str, Any] | None:
    """Compute anew until when something is published."""
    rule = past.work.process.publications[row.element]
    due = _replay(past, _Deadline(row.opened_at, None, shown=rule)).due
    if due is None or due.moment == row.until:
        return None
    renewed = update(_publication).where(_publication.c.id == row.id)
    past.session.execute(renewed.values(until=due.moment))
    return _change(row.element, "publication", row.until, due)


def _change(element: str, what: str, was: datetime, due: calendar.Due) -> dict[str, Any]:
    """One line of the event: the last day as it was and as it is."""
    return {
        "element": element,
        "what": what,
        "was": clock.day_of(was - timedelta(seconds=1)).isoformat(),
        **timers.told(due),
        "provisional": due.provisional,
    }
