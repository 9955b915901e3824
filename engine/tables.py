"""Every table, in reading order: people, definitions, instances, tasks, polls, history, the rest. No behaviour in here."""

from __future__ import annotations

import os
import time
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def new_id() -> UUID:
    """A UUID version 7: ordered by time, so that new rows land side by side in an index and pages can go by id."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (7 << 76)
    return UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62))


def _moment(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _ref(name: str, target: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, Uuid, ForeignKey(target), nullable=nullable)


# --- people ---------------------------------------------------------------------------------------------------------
unit = Table(
    "unit",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # a key under [units] in processes/posts.toml
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False, server_default=""),
    _ref("parent_id", "unit.id"),
    _ref("union_id", "unit.id"),  # the union whose matters it takes part in; itself for a union
    _ref("managing_id", "unit.id"),  # the next-higher union that manages it
    _ref("guiding_id", "unit.id"),  # the union that only guides its work
    Column("owner_type", Text, nullable=False, server_default=""),  # who runs the university: decides who manages
    Column("city", Text, nullable=False, server_default=""),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Index("ix_unit_union", "union_id", "kind"),
    Index("ix_unit_parent", "parent_id"),
)

member = Table(
    "member",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("username", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password", Text),  # argon2; empty: cannot log in by password
    _ref("unit_id", "unit.id", nullable=False),
    _ref("union_id", "unit.id", nullable=False),
    Column("phone", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("locale", Text, nullable=False, server_default="zh"),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    _moment("created_at", nullable=False),
    Index("ix_member_union", "union_id", "id"),
)

post = Table(
    "post",
    metadata,
    Column("id", Uuid, primary_key=True),
    _ref("member_id", "member.id", nullable=False),
    Column("kind", Text, nullable=False),  # a key in processes/posts.toml
    _ref("unit_id", "unit.id", nullable=False),
    Column("term", Text, nullable=False, server_default=""),  # 届次
    Column("from_on", Date, nullable=False),
    Column("to_on", Date),  # last day; empty: open
    Column("ended_why", Text, nullable=False, server_default=""),
    Index("ix_post_member", "member_id"),
    Index("ix_post_unit_kind", "unit_id", "kind"),
)

login = Table(
    "login",
    metadata,
    Column("id", Text, primary_key=True),  # SHA-256 of the cookie's secret
    _ref("member_id", "member.id", nullable=False),
    _moment("created_at", nullable=False),
    _moment("seen_at", nullable=False),
    _moment("ended_at"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False),  # "user:<name>" or "from:<address>"
    _moment("at", nullable=False),
    Index("ix_attempt_key_at", "key", "at"),
)

token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),  # SHA-256 of the token
    _ref("member_id", "member.id", nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    _moment("created_at", nullable=False),
    _moment("expires_at"),
    _moment("ended_at"),
)

# --- definitions ----------------------------------------------------------------------------------------------------
definition = Table(
    "definition",
    metadata,
    Column("hash", Text, primary_key=True),  # SHA-256 over the folder's files
    Column("process_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),  # proposed | published | refused | retired
    Column("title", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("files", JSONB, nullable=False),  # path -> text
    Column("note", Text, nullable=False, server_default=""),
    _ref("author_id", "member.id"),
    _ref("approver_id", "member.id"),
    _moment("created_at", nullable=False),
    _moment("decided_at"),
    UniqueConstraint("process_id", "number"),
    Index("ix_definition_published", "process_id", "number", postgresql_where=text("state = 'published'")),
)

setting = Table(
    "setting",
    metadata,
    Column("id", Uuid, primary_key=True),
    _ref("unit_id", "unit.id", nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("value", Integer, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),  # proposed | in_force | refused
    _ref("proposer_id", "member.id", nullable=False),
    _ref("approver_id", "member.id"),
    _moment("created_at", nullable=False),
    _moment("decided_at"),
    Index("ix_setting_unit_rule", "unit_id", "rule_id"),
)

notice = Table(  # the State Council's holiday notice of a year that the shipped calendar does not know
    "notice",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("days", JSONB, nullable=False),  # "2027-01-01" -> true (work) | false (rest)
    Column("source", Text, nullable=False),
    _ref("member_id", "member.id"),
    _moment("loaded_at", nullable=False),
)

vacation = Table(
    "vacation",
    metadata,
    Column("id", Uuid, primary_key=True),
    _ref("unit_id", "unit.id", nullable=False),
    Column("name", Text, nullable=False),
    Column("from_on", Date, nullable=False),
    Column("to_on", Date, nullable=False),
    Index("ix_vacation_unit", "unit_id"),
)

# --- instances ------------------------------------------------------------------------------------------------------
instance = Table(
    "instance",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("process_id", Text, nullable=False),
    Column("version", Text, ForeignKey("definition.hash"), nullable=False),
    _ref("union_id", "unit.id", nullable=False),
    _ref("unit_id", "unit.id"),  # where the starter belongs (delegation)
    _ref("starter_id", "member.id", nullable=False),
    Column("number", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("grams", ARRAY(Text), nullable=False),  # two-character pieces of the searched facts
    Column("state", Text, nullable=False),  # running | suspended | ended | withdrawn | terminated | incident
    Column("outcome", Text, nullable=False, server_default=""),  # id of the end event
    Column("stage", ARRAY(Text), nullable=False, server_default=text("'{}'")),  # ids of the open elements
    Column("machine", JSONB),  # gone when ended: the history keeps everything
    Column("facts", JSONB, nullable=False),
    Column("rounds", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # task id -> times finished
    Column("seq", Integer, nullable=False),  # of the last event
    Column("head", LargeBinary, nullable=False),  # hash of the last event
    Column("revision", Integer, nullable=False, server_default=text("1")),
    _moment("started_at", nullable=False),
    _moment("changed_at", nullable=False),
    _moment("ended_at"),
    _moment("suspended_at"),
    Column("stopped_days", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("union_id", "number"),
    Index("ix_instance_union_id", "union_id", "id"),
    Index("ix_instance_alive", "union_id", "id", postgresql_where=text("state IN ('running', 'suspended')")),
    Index("ix_instance_starter", "starter_id", "id"),
    Index("ix_instance_grams", "grams", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
)

share = Table(  # who may see an instance besides the desks of its union and the rolls of its polls
    "share",
    metadata,
    Column("key", Uuid, nullable=False),  # a member's id, or organisation.seat_key of "<post>@<unit>"
    Column("instance_id", Uuid, ForeignKey("instance.id"), nullable=False),
    PrimaryKeyConstraint("key", "instance_id"),
)

link = Table(
    "link",
    metadata,
    Column("from_id", Uuid, ForeignKey("instance.id"), nullable=False),
    Column("to_id", Uuid, ForeignKey("instance.id"), nullable=False),
    Column("kind", Text, nullable=False),
    _moment("at", nullable=False),
    PrimaryKeyConstraint("from_id", "to_id", "kind"),
    Index("ix_link_to", "to_id"),
)

task = Table(  # fixed widths first: no padding between
    "task",
    metadata,
    Column("id", Uuid, primary_key=True),
    _ref("instance_id", "instance.id", nullable=False),
    _moment("opened_at", nullable=False),
    _moment("due_at"),
    _moment("closed_at"),
    Column("ref", Integer, nullable=False),  # handle in the machine's state; 0 for what was said without a task
    Column("revision", Integer, nullable=False, server_default=text("1")),
    _ref("assignee_id", "member.id"),
    _ref("closed_by", "member.id"),
    Column("element", Text, nullable=False),
    Column("state", Text, nullable=False),  # open | done | cancelled
    Column("seat", Text),  # "<post>@<unit>"; empty for a person's own task and for polls
    Column("due", JSONB),  # {"rule","provisional","on","steps","steps_en","extended"}
    Column("answers", JSONB),
    Column("salt", LargeBinary),
    Index("ix_task_instance", "instance_id"),
    Index(
        "ix_task_open_assignee", "assignee_id", "due_at",
        postgresql_where=text("state = 'open' AND assignee_id IS NOT NULL"),
    ),
    Index("ix_task_open_seat", "seat", "due_at", postgresql_where=text("state = 'open' AND assignee_id IS NULL")),
)  # fmt: skip

timer = Table(
    "timer",
    metadata,
    Column("id", Uuid, primary_key=True),
    _ref("instance_id", "instance.id", nullable=False),
    Column("element", Text, nullable=False),  # boundary or catch event; for a poll's window its task
    Column("ref", Integer, nullable=False),  # handle in the machine's state; -1 for a poll's window
    Column("expression", Text, nullable=False),
    _ref("task_id", "task.id"),
    Column("state", Text, nullable=False),  # waiting | fired | cancelled
    _moment("due_at", nullable=False),
    Column("provisional", Boolean, nullable=False, server_default=text("false")),
    _moment("since", nullable=False),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    Index("ix_timer_due", "due_at", postgresql_where=text("state = 'waiting'")),
    Index("ix_timer_instance", "instance_id"),
)

draft = Table(
    "draft",
    metadata,
    _ref("member_id", "member.id", nullable=False),
    Column("key", Text, nullable=False),  # "launch:<process>" or "task:<id>"
    Column("answers", JSONB, nullable=False),
    _moment("saved_at", nullable=False),
    PrimaryKeyConstraint("member_id", "key"),
)

counter = Table(
    "counter",
    metadata,
    _ref("union_id", "unit.id", nullable=False),
    Column("key", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("union_id", "key", "year"),
)

# --- polls ----------------------------------------------------------------------------------------------------------
poll = Table(
    "poll",
    metadata,
    Column("id", Uuid, primary_key=True),
    _ref("instance_id", "instance.id", nullable=False),
    _ref("task_id", "task.id", nullable=False),
    Column("kind", Text, nullable=False),
    Column("choices", ARRAY(Text), nullable=False),
    Column("rule", JSONB, nullable=False),  # {"passes","early","closable","withdrawal", "words"}
    Column("state", Text, nullable=False),  # open | closed | void
    Column("roll_size", Integer, nullable=False),
    Column("roll_hash", Text, nullable=False),
    Column("counts", JSONB, nullable=False),  # choice -> n
    Column("outcome", JSONB),
    _moment("opened_at", nullable=False),
    _moment("closes_at"),
    _moment("closed_at"),
    Index("ix_poll_instance", "instance_id"),
    Index("ix_poll_task", "task_id"),
)

roll = Table(
    "roll",
    metadata,
    _ref("poll_id", "poll.id", nullable=False),
    _ref("member_id", "member.id", nullable=False),
    Column("open", Boolean, nullable=False, server_default=text("true")),  # waiting for this member's answer
    Column("choice", Text),
    Column("comment", Text, nullable=False, server_default=""),
    _moment("at"),
    PrimaryKeyConstraint("poll_id", "member_id"),
    Index("ix_roll_member", "member_id"),
    Index("ix_roll_member_open", "member_id", postgresql_where=text("open")),
)

# --- history --------------------------------------------------------------------------------------------------------
event = Table(
    "event",
    metadata,
    Column("id", BigInteger, Identity(), nullable=False),  # the order in which events are sealed
    Column("leaf_no", BigInteger),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("instance_id", Uuid, nullable=False),  # an instance's id, or a union's for what belongs to no instance
    Column("actor_id", Uuid),
    Column("seq", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # SHA-256(hash before it + body)
    Column("body", Text, nullable=False),  # canonical JSON of everything, the columns beside it included
    PrimaryKeyConstraint("instance_id", "seq"),
    Index("ix_event_unsealed", "id", postgresql_where=text("leaf_no IS NULL")),
)

chain = Table(  # heads of the chains that belong to no instance: a union's own, the installation's (id zero)
    "chain",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("head", LargeBinary, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True),
    Column("root", LargeBinary, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    _moment("at", nullable=False),
    Column("witness", Text, nullable=False, server_default=""),
)

# --- files, faults, replies -----------------------------------------------------------------------------------------
blob = Table(
    "blob",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

attachment = Table(
    "attachment",
    metadata,
    Column("id", Uuid, primary_key=True),
    _ref("instance_id", "instance.id"),  # empty while only in a draft
    _ref("member_id", "member.id", nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("sha256", Text, ForeignKey("blob.sha256"), nullable=False),
    Column("size", BigInteger, nullable=False),
    _moment("at", nullable=False),
    Index("ix_attachment_instance", "instance_id"),
)

document = Table(
    "document",
    metadata,
    Column("id", Uuid, primary_key=True),
    _ref("instance_id", "instance.id", nullable=False),
    Column("kind", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("data", JSONB, nullable=False),  # what the template is filled with, frozen when issued
    Column("data_sha256", Text, nullable=False),
    _moment("issued_at", nullable=False),
    Index("ix_document_instance", "instance_id"),
)

incident = Table(
    "incident",
    metadata,
    Column("id", Uuid, primary_key=True),
    _ref("instance_id", "instance.id", nullable=False),
    Column("what", Text, nullable=False),  # timer:<id> | message | ...
    Column("message", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    _moment("at", nullable=False),
    _moment("resolved_at"),
    _ref("resolved_by", "member.id"),
    Index("ix_incident_open", "instance_id", postgresql_where=text("resolved_at IS NULL")),
)

reply = Table(  # what an Idempotency-Key was answered
    "reply",
    metadata,
    _ref("member_id", "member.id", nullable=False),
    Column("key", Text, nullable=False),
    Column("request", Text, nullable=False),  # SHA-256 of method, path and body
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("location", Text, nullable=False, server_default=""),
    _moment("at", nullable=False),
    PrimaryKeyConstraint("member_id", "key"),
)

batch = Table(  # an import waiting for its "yes"
    "batch",
    metadata,
    Column("id", Uuid, primary_key=True),
    _ref("union_id", "unit.id", nullable=False),
    _ref("member_id", "member.id", nullable=False),
    Column("kind", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("rows", JSONB, nullable=False),
    Column("report", JSONB, nullable=False),
    Column("state", Text, nullable=False),  # previewed | done
    _moment("at", nullable=False),
)
