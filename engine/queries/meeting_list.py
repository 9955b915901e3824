"""Meetings in a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.definitions.store import process_of
from engine.queries import newest
from engine.queries.meetings import MOST

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Select

    from engine.db import Session, rows
    from engine.people.organisation import Actor

_meeting, _instance, _task = tables.meeting.c, tables.instance.c, tables.task.c


@dataclass(frozen=True)
class Brief:
    """A meeting in a list."""

    id: UUID
    instance_id: UUID
    task_id: UUID
    number: str
    subject: str
    title: str
    state: str
    due: int
    present: int
    opened_at: datetime | None
    closed_at: datetime | None


def _briefs() -> Select[Any]:
    return (
        select(
            _meeting.id,
            _meeting.instance_id,
            _meeting.task_id,
            _meeting.state,
            _meeting.due,
            _meeting.present,
            _meeting.opened_at,
            _meeting.closed_at,
            _task.element,
            _instance.number,
            _instance.title,
            _instance.version,
        )
        .join(tables.task, _task.id == _meeting.task_id)
        .join(tables.instance, _instance.id == _meeting.instance_id)
    )


def _brief(session: Session, row: rows.Selected, lang: str) -> Brief:
    return Brief(
        id=row.id,
        instance_id=row.instance_id,
        task_id=row.task_id,
        number=row.number,
        subject=row.title,
        title=process_of(session, row.version).tasks[row.element].title.in_(lang),
        state=row.state,
        due=row.due,
        present=row.present,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def meetings(
    session: Session,
    actor: Actor,
    *,
    instance_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
    lang: str = "zh",
) -> tuple[tuple[Brief, ...], str | None]:
    """The meetings that this person may see, of one matter or of all, newest first."""
    ids = newest.hanging(actor, select(_meeting.id), _meeting.instance_id)
    if instance_id is not None:
        ids = ids.where(_meeting.instance_id == instance_id)
    if after is not None:
        ids = ids.where(_meeting.id < after)
    size = max(1, min(limit, MOST))
    query = _briefs().where(_meeting.id.in_(ids.order_by(_meeting.id.desc()).limit(size + 1)))
    read = session.execute(query.order_by(_meeting.id.desc()).limit(size + 1)).all()
    found = tuple(_brief(session, r, lang) for r in read[:size])
    return found, str(found[-1].id) if len(read) > size else None
