"""Polls and their rolls."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from engine.db.states import PollState
from engine.db.tables.base import metadata, moment, ref, state

poll = Table(
    "poll",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id", nullable=False),
    ref("task_id", "task.id", nullable=False),
    Column(
        "kind", Text, nullable=False
    ),  # vote, election, seconding, rating, countersign or consent
    Column("choices", ARRAY(Text), nullable=False),  # of an election the candidates' ids
    Column("rule", JSONB, nullable=False),  # rows.PollTerms
    *state(PollState),
    # sealed envelopes, see tables/ballots.py
    Column("secret", Boolean, nullable=False, server_default=text("false")),
    Column("tellers", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("public_key", Text),  # of the envelopes, in base64
    ref("meeting_id", "meeting.id"),
    Column("roll_size", Integer, nullable=False),
    Column("roll_hash", Text, nullable=False),  # see ballots/rolls.py: digest
    # choice -> ballots cast in the system; an election has "answered" beside; a secret poll has
    # them when it is counted
    Column("counts", JSONB, nullable=False),
    Column("outcome", JSONB),  # see instance/counting.py: Outcome.stored
    moment("opened_at", nullable=False),  # of a called one, when it was called
    moment("closes_at"),  # the end of the window, if it has one
    moment("closed_at"),  # when the answers stopped, before any counting
    Index("ix_poll_instance", "instance_id"),
    Index("ix_poll_task", "task_id"),
    Index(
        "ix_poll_running",
        "instance_id",
        postgresql_where=text("state IN ('called', 'open', 'counting')"),
    ),
)

roll = Table(
    "roll",
    metadata,
    ref("poll_id", "poll.id", nullable=False),
    ref("member_id", "member.id", nullable=False),
    Column(
        "open", Boolean, nullable=False, server_default=text("true")
    ),  # waiting for this member's answer
    Column("position", Integer, nullable=False, server_default=text("0")),
    Column(
        "paper", Boolean, nullable=False, server_default=text("false")
    ),  # was given a paper ballot
    Column(
        "choice", Text
    ),  # of an election: the ids chosen, in order of the ballot, with spaces between
    Column("comment", Text, nullable=False, server_default=""),
    moment("at"),
    PrimaryKeyConstraint("poll_id", "member_id"),
    Index("ix_roll_member", "member_id", "poll_id"),
    Index("ix_roll_member_open", "member_id", postgresql_where=text("open")),
)

write_in = Table(  # who may be written in on the ballots of an election, beside its candidates
    "write_in",
    metadata,
    ref("poll_id", "poll.id", nullable=False),
    ref("member_id", "member.id", nullable=False),
    PrimaryKeyConstraint("poll_id", "member_id"),
)

teller = Table(  # who counts a poll and signs its numbers
    "teller",
    metadata,
    ref("poll_id", "poll.id", nullable=False),
    ref("member_id", "member.id", nullable=False),
    moment("signed_at"),
    Column("dissent", Text),  # why they do not sign
    Column("leaves", Text),  # why they count no longer, or ask not to
    ref("successor_id", "member.id"),  # who took their place; none: they count
    PrimaryKeyConstraint("poll_id", "member_id"),
    Index("ix_teller_member", "member_id"),
)

paper = Table(  # what a teller counted of the paper ballots; two must agree
    "paper",
    metadata,
    ref("poll_id", "poll.id", nullable=False),
    ref("teller_id", "member.id", nullable=False),
    Column("issued", Integer, nullable=False),
    Column("returned", Integer, nullable=False),
    Column("invalid", Integer, nullable=False),
    Column("counts", JSONB, nullable=False),
    moment("at", nullable=False),
    PrimaryKeyConstraint("poll_id", "teller_id"),
)
