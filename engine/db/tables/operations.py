"""What takes long is asked for in a request, carried out by a worker, and looked at meanwhile."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from engine.db.tables.base import metadata, moment, ref

OPERATION_KEPT = timedelta(days=3)  # how long what came of it can be fetched
OPERATION_KINDS = (
    *("import_preview", "import_confirmation", "export", "papers", "booklet"),
    *("entry_trial", "entry", "acts", "packs"),
)
OPERATION_FILES = ("export", "papers", "booklet", "packs")  # the kinds of which a file comes

operation = Table(
    "operation",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("member_id", "member.id", nullable=False),  # who asked: nobody else sees it
    Column("kind", Text, nullable=False),  # of OPERATION_KINDS
    Column("given", JSONB, nullable=False),
    moment("asked_at", nullable=False),
    moment("begun_at"),
    moment("told_at", nullable=False),  # the last sign of whoever carries it out
    moment("ended_at"),
    Column("done", Integer, nullable=False, server_default="0"),  # rows, of `total`
    Column("total", Integer, nullable=False, server_default="0"),
    Column("data", LargeBinary),  # the file that came in until it is read, or the one that came out
    Column("result", JSONB),
    Column("cancelled", Boolean, nullable=False, server_default=text("false")),  # by who asked
    Column("refused", JSONB),  # why nothing came of it; see engine/messages.py: stored
    Index("ix_operation_member_id", "member_id"),
)
