"""Polls in a list, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.db.states import PollState
from engine.definitions.store import process_of
from engine.instance import context as instance
from engine.instance import rooms
from engine.queries import newest
from engine.queries.poll_rows import VOTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

_poll, _task, _instance = tables.poll.c, tables.task.c, tables.instance.c


@dataclass(frozen=True)
class Listed:
    """A poll in a list. The counts are left out while a vote runs, and for whom its room is
    closed.
    """

    id: UUID
    instance_id: UUID
    element: str
    kind: str
    state: str
    roll_size: int
    counts: Mapping[str, int]
    opened_at: datetime
    closes_at: datetime | None
    closed_at: datetime | None
    number: str
    title: str


def polls(
    session: Session, actor: Actor, after: UUID | None = None, limit: int = 50
) -> tuple[tuple[Listed, ...], str | None]:
    """Polls of instances that this person may see, newest first, and the cursor of the next
    page.
    """
    own = [c for c in _poll if c.name not in ("rule", "outcome")]  # large, and not in the list
    query = (
        select(*own, _task.element, _instance.number, _instance.title, _instance.version)
        .join(tables.task, _task.id == _poll.task_id)
        .join(tables.instance, _instance.id == _poll.instance_id)
    )
    size = max(1, min(limit, 200))
    ids = newest.hanging(actor, select(_poll.id), _poll.instance_id)
    if after is not None:
        ids = ids.where(_poll.id < after)
    query = query.where(_poll.id.in_(ids.order_by(_poll.id.desc()).limit(size + 1)))
    found = session.execute(query.order_by(_poll.id.desc()).limit(size + 1)).all()
    shown = found[:size]
    shut = _shut(session, actor, shown)
    items = tuple(_listed(row, row.id in shut) for row in shown)
    return items, str(items[-1].id) if len(found) > size else None


def _shut(session: Session, actor: Actor, found: Iterable[Any]) -> set[UUID]:
    """Those of these polls that are held in a room which is closed to this person."""
    inside = [row for row in found if process_of(session, row.version).tasks[row.element].room]
    if not inside:
        return set()
    query = select(*instance.COLUMNS).where(_instance.id.in_({row.instance_id for row in inside}))
    contexts = [instance.context_from(session, actor, tuple(v)) for v in session.execute(query)]
    by_id = {context.row["id"]: context for context in contexts}
    return {r.id for r in inside if not rooms.may_read(by_id[r.instance_id], r.element)}


def _listed(row: rows.Selected, shut: bool) -> Listed:
    silent = shut or (row.kind in VOTES and row.state != PollState.CLOSED)
    return Listed(
        id=row.id,
        instance_id=row.instance_id,
        element=row.element,
        kind=row.kind,
        state=row.state,
        roll_size=row.roll_size,
        counts={} if silent else row.counts,
        opened_at=row.opened_at,
        closes_at=row.closes_at,
        closed_at=row.closed_at,
        number=row.number,
        title=row.title,
    )
