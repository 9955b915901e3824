"""What a person had before them when they decided, in one mark: another mark, another state."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.db import rows


def mark(matter: rows.Instance, task: rows.Task) -> str:
    """Of a task: it changes with its matter's facts and text, with who has it, and with its time
    limit.
    """
    until = task.due_at.timestamp() if task.due_at else 0
    return f"{matter['revision']}.{task.revision}.{until:.0f}"
