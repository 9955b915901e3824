"""A matter is sent to somebody for information, and they read it."""

from __future__ import annotations

from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE IF NOT EXISTS copy (
             id uuid PRIMARY KEY,
             instance_id uuid NOT NULL REFERENCES instance (id),
             by_id uuid NOT NULL REFERENCES member (id),
             to_id uuid NOT NULL REFERENCES member (id),
             at timestamptz NOT NULL,
             read_at timestamptz,
             withdrawn_at timestamptz,
             element text NOT NULL,
             text text,
             salt bytea)"""
    )
    op.execute("CREATE INDEX IF NOT EXISTS ix_copy_instance ON copy (instance_id)")
    op.execute("CREATE INDEX IF NOT EXISTS ix_copy_to ON copy (to_id) WHERE withdrawn_at IS NULL")
