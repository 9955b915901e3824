"""What takes two people and waits for the second one."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from engine.db.states import ProposalState
from engine.db.tables.base import metadata, moment, ref, state

proposal = Table(
    "proposal",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),  # see engine/commands/deciding.py
    Column("scope", Uuid, nullable=False),  # the union it belongs to; zero: the installation
    Column("subject", Text, nullable=False),  # of one kind only one proposal waits about a subject
    Column("body", JSONB, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    *state(ProposalState),
    ref("proposer_id", "member.id"),  # none: proposed on the command line
    ref("approver_id", "member.id"),
    moment("created_at", nullable=False),
    moment("decided_at"),
    Index(
        "ix_proposal_waiting",
        "kind",
        "subject",
        unique=True,
        postgresql_where=text("state = 'proposed'"),
    ),
)
