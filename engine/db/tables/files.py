"""Files, documents, incidents, replies to repeated requests, imports."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from engine.db.states import BatchState, DocumentState, ProposalState
from engine.db.tables.base import metadata, moment, ref, state

blob = Table(
    "blob",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("key", Text),  # the name of the key to which it is sealed, see engine/db/blobs.py
    Index("ix_blob_key", "key", postgresql_where=text("key IS NOT NULL")),
)

spent_key = Table(  # names of keys that every host that has one destroys
    "spent_key",
    metadata,
    Column("name", Text, primary_key=True),
)

attachment = Table(
    "attachment",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id"),  # empty while only in a draft
    ref("member_id", "member.id", nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("sha256", Text, ForeignKey("blob.sha256"), nullable=False),
    Column("size", BigInteger, nullable=False),
    moment("at", nullable=False),
    Index("ix_attachment_instance", "instance_id"),
)

document = Table(
    "document",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id", nullable=False),
    Column("kind", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("data", JSONB, nullable=False),  # what the template is filled with, frozen when issued
    Column("data_sha256", Text, nullable=False),
    moment("issued_at", nullable=False),
    *state(DocumentState),
    ref("corrects", "document.id"),  # the document in whose place this one stands
    Column("template", Text),  # hash of the version that prints it; empty: that of its instance
    Index("ix_document_instance", "instance_id"),
    Index("ix_document_issued", "issued_at", "id", postgresql_where=text("number <> ''")),
    Index("ix_document_corrects", "corrects", postgresql_where=text("corrects IS NOT NULL")),
)

correction = Table(  # proposed about an issued document: "correct", "void" or "reprint"
    "correction",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("document_id", "document.id", nullable=False),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("template", Text),
    Column("changes", JSONB, nullable=False),  # dotted fact -> what shall stand there
    ref("proposer_id", "member.id", nullable=False),
    moment("created_at", nullable=False),
    ref("approver_id", "member.id"),
    moment("decided_at"),
    *state(ProposalState),
    Index("ix_correction_document", "document_id"),
)

incident = Table(
    "incident",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id", nullable=False),
    Column("what", Text, nullable=False),  # timer:<id> | message | ...
    Column("message", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    moment("at", nullable=False),
    moment("resolved_at"),
    ref("resolved_by", "member.id"),
    Index("ix_incident_open", "instance_id", postgresql_where=text("resolved_at IS NULL")),
)

reply = Table(  # what an Idempotency-Key was answered
    "reply",
    metadata,
    ref("member_id", "member.id", nullable=False),
    Column("key", Text, nullable=False),
    Column("request", Text, nullable=False),  # SHA-256 of method, path and body
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("location", Text, nullable=False, server_default=""),
    moment("at", nullable=False),
    PrimaryKeyConstraint("member_id", "key"),
)

batch = Table(  # an import waiting for its "yes"
    "batch",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("union_id", "unit.id", nullable=False),
    ref("member_id", "member.id", nullable=False),
    Column("kind", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("rows", JSONB, nullable=False),
    Column("report", JSONB, nullable=False),
    *state(BatchState),
    moment("at", nullable=False),
)
