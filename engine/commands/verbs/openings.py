"""Who has opened a task: for the marks of the inbox, and where what came before may be taken back, on
record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.commands import opened, tasks, unit_of_work

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor


def note(session: Session, actor: Actor, task_id: UUID, *, recorded: bool) -> None:
    """They have it before them now; the first time it is `recorded` that they have. The caller has
    made sure that it is theirs to see.
    """
    if not opened.note(session, actor, task_id) or not recorded:
        return
    task = tasks.task_row(session, task_id)
    work = unit_of_work.lock(session, actor, task.instance_id, still=True)
    work.log.add("task_opened", actor, task=task.element, id=str(task_id))
    unit_of_work.note(work)
