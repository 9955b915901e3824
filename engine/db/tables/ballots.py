"""Secret ballots. No column here says when, and none but `envelope` joins a voter to anything; see
docs/adr/0008.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from engine.db.tables.base import metadata, ref

box = Table(
    "box",
    metadata,
    ref("poll_id", "poll.id", nullable=False),
    Column("needed", Integer, nullable=False),  # tellers that open it together
    Column("size", Integer, nullable=False),  # bytes inside each envelope
    Column("least", Integer, nullable=False),  # choices on a ballot
    Column("most", Integer, nullable=False),
    Column("voters", Integer),  # from here on written at the close
    Column("board_hash", Text),
    Column("urn_hash", Text),  # written when it is opened
    Column("invalid", Integer),
    # the public half of the key of the outer envelopes, and the host whose home has the other half;
    # none in the scheme of before
    Column("outer_key", LargeBinary),
    Column("keeper", Text),
    PrimaryKeyConstraint("poll_id"),
)

teller_key = Table(  # the public half of what a teller's passphrase gives
    "teller_key",
    metadata,
    ref("poll_id", "poll.id", nullable=False),
    ref("member_id", "member.id", nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("joined", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("poll_id", "member_id"),
)

# a teller's part of the poll's key, sealed to a holder: to the teller, then by joining to the
# others
teller_part = Table(
    "teller_part",
    metadata,
    Column("poll_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("holder_id", Uuid, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("poll_id", "member_id", "holder_id"),
    ForeignKeyConstraint(
        ["poll_id", "holder_id"],
        ["teller_key.poll_id", "teller_key.member_id"],
        "fk_part_of_holder",
    ),
)

envelope = Table(
    "envelope",
    metadata,
    ref("poll_id", "poll.id", nullable=False),
    ref("member_id", "member.id", nullable=False),
    Column("receipt", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("poll_id", "member_id"),
    UniqueConstraint("poll_id", "receipt"),  # a copy of somebody's envelope would spoil theirs
)

board = Table(
    "board",
    metadata,
    ref("poll_id", "poll.id", nullable=False),
    Column("receipt", Text, nullable=False),
    PrimaryKeyConstraint("poll_id", "receipt"),
)

urn = Table(
    "urn",
    metadata,
    ref("poll_id", "poll.id", nullable=False),
    Column("code", Text, nullable=False),
    Column("choices", ARRAY(Text), nullable=False),
    PrimaryKeyConstraint("poll_id", "code"),
)
