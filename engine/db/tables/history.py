"""Events, the heads of chains that belong to no instance, checkpoints."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
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

from engine.db.tables.base import metadata, moment, ref

event = Table(
    "event",
    metadata,
    Column("id", BigInteger, Identity(), nullable=False),  # the order in which events are sealed
    Column("leaf_no", BigInteger),
    Column("at", DateTime(timezone=True), nullable=False),
    Column(
        "instance_id", Uuid, nullable=False
    ),  # an instance's id, or a union's for what belongs to no instance
    Column("actor_id", Uuid),
    Column("seq", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # SHA-256(hash before it + body)
    Column(
        "body", Text, nullable=False
    ),  # canonical JSON of everything, the columns beside it included
    PrimaryKeyConstraint("instance_id", "seq"),
    Index("ix_event_unsealed", "id", postgresql_where=text("leaf_no IS NULL")),
)

# heads of the chains that belong to no instance: a union's own, the installation's (id zero)
chain = Table(
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
    moment("at", nullable=False),
    Column("witness", Text, nullable=False, server_default=""),
)

verification = Table(  # of everything, asked for in a page and carried out by a worker
    "verification",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("member_id", "member.id", nullable=False),
    moment("asked_at", nullable=False),
    moment("begun_at"),
    moment("ended_at"),
    Column("done", BigInteger, nullable=False, server_default="0"),  # events read, of `total`
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("verdict", JSONB),  # see engine/commands/verifications.py: told
)
