"""Versions of processes, a union's own rule values, holiday notices and vacations."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from engine.db.states import DefinitionState, OwnVersionState, SettingState
from engine.db.tables.base import metadata, moment, ref, state

definition = Table(
    "definition",
    metadata,
    Column("hash", Text, primary_key=True),  # SHA-256 over the folder's files
    Column("process_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column(
        "rank", Integer, nullable=False, server_default="1"
    ),  # of the published ones the highest is in force
    *state(DefinitionState),
    Column("title", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("files", JSONB, nullable=False),  # path -> text
    # the tasks whose table says `batch`, by which lists are sorted
    Column("batch", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # those that a deputy may do (engine/instance/verbs.py)
    Column("lent", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("beside", JSONB, nullable=False, server_default="{}"),  # stories and notes, likewise
    Column("note", Text, nullable=False, server_default=""),
    ref("author_id", "member.id"),
    ref("approver_id", "member.id"),
    moment("created_at", nullable=False),
    moment("decided_at"),
    UniqueConstraint("process_id", "number"),
    Index(
        "ix_definition_published",
        "process_id",
        "number",
        postgresql_where=text("state = 'published'"),
    ),
)

# A version that one union has for itself: two unions may have the same files, each by its own
# people. `based_on`: what was in force for all when it was proposed.
own_version = Table(
    "own_version",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("union_id", "unit.id", nullable=False),
    Column("process_id", Text, nullable=False),
    Column("version", Text, ForeignKey("definition.hash"), nullable=False),
    Column("based_on", Text, ForeignKey("definition.hash"), nullable=False),
    *state(OwnVersionState),
    Column("beside", JSONB, nullable=False),  # stories and notes: path -> text
    Column("note", Text, nullable=False, server_default=""),
    ref("author_id", "member.id", nullable=False),
    ref("approver_id", "member.id"),
    moment("created_at", nullable=False),
    moment("decided_at"),
    moment("ended_at"),
    Index(
        "ix_own_version_in_force",
        "union_id",
        "process_id",
        unique=True,
        postgresql_where=text("state = 'in_force'"),
    ),
    Index("ix_own_version_version", "version"),
)

# How the stories of a version went, or of a union's own one, by its id. No reference to it: a story
# that is being played moves the number of the version, and a row here must not wait for its end.
rehearsal = Table(
    "rehearsal",
    metadata,
    Column("version", Text, primary_key=True),
    Column("file", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("why", JSONB, nullable=False),  # a stored message; "" when it went as told
    moment("at", nullable=False),
)

setting = Table(
    "setting",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("unit_id", "unit.id", nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("value", Integer, nullable=False),
    Column("per", Integer, nullable=False, server_default="1"),  # a share is value/per
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("source", Text, nullable=False),
    *state(SettingState),
    ref("proposer_id", "member.id", nullable=False),
    ref("approver_id", "member.id"),
    moment("created_at", nullable=False),
    moment("decided_at"),
    Index("ix_setting_unit_rule", "unit_id", "rule_id"),
)

notice = (
    Table(  # the State Council's holiday notice of a year that the shipped calendar does not know
        "notice",
        metadata,
        Column("year", Integer, primary_key=True),
        Column("days", JSONB, nullable=False),  # "2027-01-01" -> true (work) | false (rest)
        Column("source", Text, nullable=False),
        ref("member_id", "member.id"),
        moment("loaded_at", nullable=False),
    )
)

vacation = Table(
    "vacation",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("unit_id", "unit.id", nullable=False),
    Column("name", Text, nullable=False),
    Column("from_on", Date, nullable=False),
    Column("to_on", Date, nullable=False),
    Index("ix_vacation_unit", "unit_id"),
)
