"""Meetings: who is due, who is in the hall, and the ledger of arrivals and departures."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from engine.db.states import MeetingState
from engine.db.tables.base import metadata, moment, ref, state

meeting = Table(
    "meeting",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id", nullable=False),
    ref("task_id", "task.id", nullable=False),
    *state(MeetingState),
    Column("code", Text, nullable=False, unique=True),  # stands in the QR code at the door
    Column(
        "due", Integer, nullable=False
    ),  # formal members on the roll: the denominator of the quorum
    Column("present", Integer, nullable=False),  # formal members in the hall
    Column("roll_hash", Text, nullable=False),
    moment("called_at", nullable=False),
    moment("opened_at"),
    moment("closed_at"),
    Index("ix_meeting_instance", "instance_id"),
    Index("ix_meeting_task", "task_id"),
)

attendance = Table(
    "attendance",
    metadata,
    ref("meeting_id", "meeting.id", nullable=False),
    ref("member_id", "member.id", nullable=False),
    Column("kind", Text, nullable=False),  # formal | observer | guest
    Column("here", Boolean, nullable=False),
    PrimaryKeyConstraint("meeting_id", "member_id"),
    Index("ix_attendance_member", "member_id"),
)

presence = Table(  # nothing in it is ever changed
    "presence",
    metadata,
    Column("no", Integer, Identity(always=True), primary_key=True),
    ref("meeting_id", "meeting.id", nullable=False),
    ref("member_id", "member.id", nullable=False),
    Column("came", Boolean, nullable=False),
    Column("way", Text, nullable=False),  # code | list | import
    ref("by_id", "member.id", nullable=False),
    moment("at", nullable=False),
    Index("ix_presence_meeting", "meeting_id", "no"),
)
