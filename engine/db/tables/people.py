"""Units, members, their posts, and how they log in."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    Identity,
    Index,
    Table,
    Text,
    Uuid,
    text,
)

from engine.db.tables.base import metadata, moment, ref

unit = Table(
    "unit",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # a key under [units] in processes/posts.toml
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False, server_default=""),
    ref("parent_id", "unit.id"),
    ref("union_id", "unit.id"),  # the union whose matters it takes part in; itself for a union
    ref("managing_id", "unit.id"),  # the next-higher union that manages it
    ref("guiding_id", "unit.id"),  # the union that only guides its work
    Column(
        "owner_type", Text, nullable=False, server_default=""
    ),  # who runs it: decides who manages
    # to which line of leadership it belongs: decides before the owner who manages
    Column("affiliation", Text, nullable=False, server_default=""),
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
    # the password was set by another: its owner changes it first
    Column("must_change", Boolean, nullable=False, server_default=text("false")),
    ref("unit_id", "unit.id", nullable=False),
    ref("union_id", "unit.id", nullable=False),
    Column("phone", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("locale", Text, nullable=False, server_default="zh"),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    moment("created_at", nullable=False),
    Index("ix_member_union", "union_id", "id"),
    Index("ix_member_union_name", "union_id", "name", "id"),
    Index("ix_member_active_unit", "union_id", "unit_id", postgresql_where=text("active")),
)

post = Table(
    "post",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("member_id", "member.id", nullable=False),
    Column("kind", Text, nullable=False),  # a key in processes/posts.toml
    ref("unit_id", "unit.id", nullable=False),
    Column("term", Text, nullable=False, server_default=""),  # 届次
    Column("from_on", Date, nullable=False),
    Column("to_on", Date),  # last day; empty: open
    Column("ended_why", Text, nullable=False, server_default=""),
    Index("ix_post_member", "member_id"),
    Index("ix_post_unit_kind", "unit_id", "kind"),
)

deputy = Table(  # who acts for somebody who is away, from one day to another; both days count
    "deputy",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("member_id", "member.id", nullable=False),  # who is away
    ref("deputy_id", "member.id", nullable=False),
    ref("union_id", "unit.id", nullable=False),
    Column("from_on", Date, nullable=False),
    Column("to_on", Date, nullable=False),
    Column("processes", ARRAY(Text), nullable=False),
    # only what falls due by the last day
    Column("due_only", Boolean, nullable=False, server_default=text("false")),
    moment("named_at", nullable=False),
    moment("ended_at"),  # before its last day
    ref("ended_by", "member.id"),
    Index("ix_deputy_deputy", "deputy_id", postgresql_where=text("ended_at IS NULL")),
    Index("ix_deputy_member", "member_id"),
)

login = Table(
    "login",
    metadata,
    Column("id", Text, primary_key=True),  # SHA-256 of the cookie's secret
    ref("member_id", "member.id", nullable=False),
    moment("created_at", nullable=False),
    moment("seen_at", nullable=False),
    moment("ended_at"),
    Index("ix_login_member", "member_id"),
)

login_invitation = Table(  # the first way in of who has no password
    "login_invitation",
    metadata,
    Column("id", Text, primary_key=True),  # SHA-256 of the secret on the slip
    ref("member_id", "member.id", nullable=False),
    ref("union_id", "unit.id", nullable=False),  # whose office invited
    moment("created_at", nullable=False),
    moment("expires_at", nullable=False),
    moment("used_at"),
    moment("ended_at"),
    Index(
        "ux_login_invitation_open",
        "member_id",
        unique=True,
        postgresql_where=text("used_at IS NULL AND ended_at IS NULL"),
    ),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False),  # "user:<name>" or "from:<address>"
    moment("at", nullable=False),
    Index("ix_attempt_key_at", "key", "at"),
)

token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),  # SHA-256 of the token
    ref("member_id", "member.id", nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    moment("created_at", nullable=False),
    moment("expires_at"),
    moment("ended_at"),
)
