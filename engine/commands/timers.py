"""The rows of the task and timer tables that a step opens. The workers watch the timers (see engine/jobs.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import expressions
from engine.db import tables
from engine.db.states import TaskState, TimerState

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from engine.calendar import Due
    from engine.commands.unit_of_work import UnitOfWork


def due_json(due: Due | None, expression: str, basis: str) -> dict[str, Any] | None:
    """What a page needs to explain a deadline: by the rule that gave it, where the expression names several."""
    if due is None:
        return None
    calls = expressions.calls_in(expression) if expression else []
    rules = [str(args[0]) for _, args in calls if args and isinstance(args[0], str)]
    return {
        "rule": basis or due.rule or (rules[0] if rules else ""),
        "provisional": due.provisional,
        "on": due.day.isoformat(),
        "steps": list(due.steps),
        "steps_en": list(due.steps_en),
    }


def timer_row(
    work: UnitOfWork,
    element: str,
    ref: int,
    expression: str,
    due: Due,
    task_id: UUID | None,
    now: datetime,
) -> dict[str, Any]:
    """One row of the timer table, as JSON."""
    return {
        "id": str(tables.new_id()),
        "instance_id": str(work.row["id"]),
        "element": element,
        "ref": ref,
        "state": TimerState.WAITING,
        "expression": expression,
        "task_id": str(task_id) if task_id else None,
        "due_at": due.moment.isoformat(),
        "provisional": due.provisional,
        "since": now.isoformat(),
    }


def task_row(
    work: UnitOfWork,
    element: str,
    ref: int,
    who: tuple[str | None, UUID | None],
    due: Due | None,
    told: dict[str, Any] | None,
    now: datetime,
) -> dict[str, Any]:
    """One row of the task table, as JSON; `who` is its seat and its person, `told` explains its deadline."""
    seat, person = who
    return {
        "id": str(tables.new_id()),
        "instance_id": str(work.row["id"]),
        "element": element,
        "ref": ref,
        "state": TaskState.OPEN,
        "seat": seat,
        "assignee_id": str(person) if person else None,
        "opened_at": now.isoformat(),
        "due_at": due.moment.isoformat() if due else None,
        "due": told,
    }


def add(work: UnitOfWork, tasks: list[dict[str, Any]], timers: list[dict[str, Any]]) -> None:
    """Store tasks and timers when the work is saved."""
    for row in tasks:
        work.add(tables.task, row)
    for row in timers:
        work.add(tables.timer, row)
