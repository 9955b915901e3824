"""When a person last had an open task before them: by this the inbox marks what has come since,
and the spot check of a batch sees what was read. It is no part of the history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Boolean, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from engine import clock
from engine.db import tables

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.sql.dml import ReturningInsert

    from engine.people.organisation import Actor

_NEW = literal_column("xmax = 0", Boolean)  # of a row that was put in, not changed
_opened, _task, _instance = tables.opened, tables.task.c, tables.instance.c


def noting(actor: Actor, task_id: UUID) -> ReturningInsert[tuple[bool]]:
    """The statement that they have it before them now; it gives whether for the first time, as
    `new`. The caller has made sure that it is theirs to see; nothing is written again while its
    matter stands as they saw it.
    """
    row = insert(_opened).values(member_id=actor.id, task_id=task_id, at=clock.now())
    changed = (
        select(_instance.changed_at)
        .join(tables.task, _task.instance_id == _instance.id)
        .where(_task.id == task_id)
        .scalar_subquery()
    )
    noted = row.on_conflict_do_update(
        index_elements=["member_id", "task_id"],
        set_={"at": row.excluded.at},
        where=_opened.c.at < changed,
    )
    return noted.returning(_NEW.label("new"))
