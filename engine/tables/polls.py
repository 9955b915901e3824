"""Polls and their rolls."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from engine.tables.base import metadata, moment, ref

poll = Table(
    "poll",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id", nullable=False),
    ref("task_id", "task.id", nullable=False),
    Column("kind", Text, nullable=False),
    Column("choices", ARRAY(Text), nullable=False),
    Column("rule", JSONB, nullable=False),  # {"passes","early","closable","withdrawal", "words"}
    Column("state", Text, nullable=False),  # open | closed | void
    Column("roll_size", Integer, nullable=False),
    Column("roll_hash", Text, nullable=False),
    Column("counts", JSONB, nullable=False),  # choice -> n
    Column("outcome", JSONB),
    moment("opened_at", nullable=False),
    moment("closes_at"),
    moment("closed_at"),
    Index("ix_poll_instance", "instance_id"),
    Index("ix_poll_task", "task_id"),
)

roll = Table(
    "roll",
    metadata,
    ref("poll_id", "poll.id", nullable=False),
    ref("member_id", "member.id", nullable=False),
    Column("open", Boolean, nullable=False, server_default=text("true")),  # waiting for this member's answer
    Column("choice", Text),
    Column("comment", Text, nullable=False, server_default=""),
    moment("at"),
    PrimaryKeyConstraint("poll_id", "member_id"),
    Index("ix_roll_member", "member_id"),
    Index("ix_roll_member_open", "member_id", postgresql_where=text("open")),
)
