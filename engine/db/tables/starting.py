"""What the calendar started, or could not."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Table, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from engine.db.states import StartState
from engine.db.tables.base import metadata, moment, ref, state

calendar_start = Table(
    "calendar_start",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("union_id", "unit.id", nullable=False),
    Column("process_id", Text, nullable=False),
    Column("key", Text, nullable=False),  # under [[starts]] of the process
    Column("day", Date, nullable=False),  # on which it was due
    *state(StartState),
    ref("instance_id", "instance.id"),  # what it started
    Column("why", JSONB),  # that nothing was started; see engine/messages.py: stored
    moment("at", nullable=False),  # of its state
    UniqueConstraint("union_id", "process_id", "key", "day"),
    Index("ix_calendar_start_instance", "instance_id"),
)
