"""The rows of the task and timer tables that a step opens.

The workers watch the timers (see engine/jobs/worker.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine import clock, expressions
from engine.calendar.moments import end_of
from engine.db import tables
from engine.db.states import TaskState, TimerState
from engine.messages import stored

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from engine.calendar import Due
    from engine.commands.unit_of_work import UnitOfWork
    from engine.definitions.process import TaskRule
    from engine.machine import Live


def due_json(due: Due | None, expression: str, basis: str) -> dict[str, Any] | None:
    """What a page needs to explain a deadline: by the rule that gave it, where the expression names
    several.
    """
    if due is None:
        return None
    return {
        "rule": basis or due.rule or _first_rule(expression),
        "provisional": due.provisional,
        "on": due.day.isoformat(),
        "steps": [stored(step) for step in due.steps],
    }


def told(due: Due) -> dict[str, str]:
    """How an event tells a time limit: its last day, and `until` when it does not end with the
    day.
    """
    shown = {"due": due.day.isoformat()}
    if due.moment != end_of(due.day):
        shown["until"] = due.moment.isoformat()
    return shown


def _first_rule(expression: str) -> str:
    calls = expressions.calls_in(expression) if expression else []
    named = (args[0] for _, args in calls if args and isinstance(args[0], str))
    return next(named, "")


@dataclass(frozen=True)
class NewTask:
    """A user task that opens, for a seat ("<post>@<unit>"), a person, or nobody (a poll asks its
    roll).
    """

    id: UUID
    ref: int
    rule: TaskRule
    seat: str | None = None
    person: UUID | None = None
    due: Due | None = None
    sent_from: str | None = None
    straight: bool = False

    def row(self, instance_id: UUID, now: datetime) -> dict[str, Any]:
        """Its row in the table, as JSON."""
        return {
            "id": str(self.id),
            "instance_id": str(instance_id),
            "element": self.rule.id,
            "ref": self.ref,
            "state": TaskState.OPEN,
            "seat": self.seat,
            "assignee_id": str(self.person) if self.person else None,
            "opened_at": now.isoformat(),
            "due_at": self.due.moment.isoformat() if self.due else None,
            "due": due_json(self.due, self.rule.due, self.rule.basis),
            "sent_from": self.sent_from,
            "straight": self.straight,
        }


@dataclass(frozen=True)
class NewTimer:
    """A timer that is set. `ref`: its handle in the machine's state, or tables.POLL_WINDOW."""

    element: str
    ref: int
    expression: str
    due: Due
    task_id: UUID | None

    @classmethod
    def of(cls, live: Live, due: Due, task_id: UUID | None) -> NewTimer:
        """The timer of an element that waits."""
        return cls(live.element, live.ref, live.text, due, task_id)

    def told(self) -> dict[str, str]:
        """How an event tells that it was set."""
        return {"timer": self.element, **told(self.due)}

    def row(self, instance_id: UUID, now: datetime) -> dict[str, Any]:
        """Its row in the table, as JSON."""
        return {
            "id": str(tables.new_id()),
            "instance_id": str(instance_id),
            "element": self.element,
            "ref": self.ref,
            "state": TimerState.WAITING,
            "expression": self.expression,
            "task_id": str(self.task_id) if self.task_id else None,
            "due_at": self.due.moment.isoformat(),
            "provisional": self.due.provisional,
            "since": now.isoformat(),
        }


def add(work: UnitOfWork, tasks: Sequence[NewTask], timers: Sequence[NewTimer]) -> None:
    """Store tasks and timers when the work is saved."""
    instance_id, now = work.row["id"], clock.now()
    for task in tasks:
        work.pending.add(tables.task, task.row(instance_id, now))
    for timer in timers:
        work.pending.add(tables.timer, timer.row(instance_id, now))
