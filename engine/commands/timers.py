"""The rows of the timer table, and asking the workers to look when one falls due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from engine import expressions, queue, tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from engine.calendar import Due
    from engine.commands.run import Run
    from engine.db import Session

_NEW = insert(tables.timer)


def due_json(due: Due | None, expression: str, basis: str) -> dict[str, Any] | None:
    """What a page needs to explain a deadline."""
    if due is None:
        return None
    calls = expressions.calls_in(expression) if expression else []
    rules = [str(args[0]) for _, args in calls if args and isinstance(args[0], str)]
    return {
        "rule": basis or (rules[0] if rules else ""), "provisional": due.provisional, "on": due.day.isoformat(),
        "steps": list(due.steps), "steps_en": list(due.steps_en),
    }  # fmt: skip


def timer_row(
    run: Run, element: str, ref: int, expression: str, due: Due, task_id: UUID | None, now: datetime
) -> dict[str, Any]:
    """One row of the timer table."""
    return {
        "id": tables.new_id(), "instance_id": run.row["id"], "element": element, "ref": ref, "expression": expression,
        "task_id": task_id, "state": "waiting", "due_at": due.moment, "provisional": due.provisional,
        "since": now,
    }  # fmt: skip


def add_timers(run: Run, rows: list[dict[str, Any]]) -> None:
    """Store timers and ask the workers, in this transaction, to look when the first of them falls due."""
    if not rows:
        return
    run.session.execute(_NEW, rows)
    look_at(run.session, (row["due_at"] for row in rows))


def look_at(session: Session, moments: Iterable[datetime]) -> None:
    """Ask the workers, in this transaction, to look for due timers at these moments."""
    for moment in sorted(set(moments)):
        queue.defer(session, "sweep", at=moment, once=f"sweep:{moment:%Y%m%d%H%M%S}")
