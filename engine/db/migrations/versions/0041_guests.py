"""Whoever is let in to a confidential matter reads it until a day."""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE IF NOT EXISTS guest ("
        " member_id uuid NOT NULL REFERENCES member (id),"
        " instance_id uuid NOT NULL REFERENCES instance (id),"
        " until date NOT NULL,"
        " PRIMARY KEY (member_id, instance_id))"
    )
