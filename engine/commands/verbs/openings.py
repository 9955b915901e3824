"""Who has opened a task: for the marks of the inbox, and where what came before may be taken back, on
record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from engine.commands import opened, unit_of_work
from engine.db import tables
from engine.instance import context

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

_task, _instance = tables.task.c, tables.instance
_LOCK = (
    select(_task.element, *context.COLUMNS)
    .select_from(_instance)
    .join(tables.task, _task.instance_id == _instance.c.id)
    .where(_task.id == bindparam("key"))
    .with_for_update(of=_instance)
)


def note(session: Session, actor: Actor, task_id: UUID, *, recorded: bool) -> None:
    """They have it before them now; the first time it is `recorded` that they have. The caller has
    made sure that it is theirs to see.
    """
    noting = opened.noting(actor, task_id)
    if not recorded:
        session.execute(noting)
        return
    first = select(noting.cte("noted").c.new).scalar_subquery()
    found = session.execute(_LOCK.where(first), {"key": task_id}).first()
    if found is None:
        return
    element, *values = found
    work = unit_of_work.resume(session, actor, context.row_of(tuple(values)))
    work.log.add("task_opened", actor, task=element, id=str(task_id))
    unit_of_work.note(work)
