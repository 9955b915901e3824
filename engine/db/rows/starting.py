"""The rows of what the calendar starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID


class CalendarStart(NamedTuple):
    """A start that fell due in a union: see tables.calendar_start."""

    id: UUID
    union_id: UUID
    process_id: str
    key: str
    day: date
    state: str
    instance_id: UUID | None
    why: object
    at: datetime
