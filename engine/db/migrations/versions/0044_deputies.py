"""Somebody acts for another who is away."""

from __future__ import annotations

from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE IF NOT EXISTS deputy (
             id uuid PRIMARY KEY,
             member_id uuid NOT NULL REFERENCES member (id),
             deputy_id uuid NOT NULL REFERENCES member (id),
             union_id uuid NOT NULL REFERENCES unit (id),
             from_on date NOT NULL,
             to_on date NOT NULL,
             processes text[] NOT NULL,
             due_only boolean NOT NULL DEFAULT false,
             named_at timestamptz NOT NULL,
             ended_at timestamptz,
             ended_by uuid REFERENCES member (id))"""
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_deputy_deputy ON deputy (deputy_id) WHERE ended_at IS NULL"
    )
    op.execute("CREATE INDEX IF NOT EXISTS ix_deputy_member ON deputy (member_id)")
    op.execute("ALTER TABLE definition ADD COLUMN IF NOT EXISTS lent text[] NOT NULL DEFAULT '{}'")
