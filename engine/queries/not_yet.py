"""Things of an inbox that cannot be done yet, and from when they can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.db import tables
from engine.instance import context
from engine.queries import foresight

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.inbox import Item


def not_yet(session: Session, actor: Actor, items: Sequence[Item]) -> dict[UUID, date]:
    """The day from which each of them can be done that cannot be done today for want of time
    alone; nothing is read where no process has such a task.
    """
    timed = [item for item in items if item.timed]
    if not timed:
        return {}
    matters = {item.instance_id for item in timed}
    query = select(*context.COLUMNS).where(tables.instance.c.id.in_(matters))
    read = [context.context_from(session, actor, tuple(row)) for row in session.execute(query)]
    found = {each.row["id"]: each for each in read}
    days = {i.id: foresight.possible_from(found[i.instance_id], i.element) for i in timed}
    return {key: day for key, day in days.items() if day}
