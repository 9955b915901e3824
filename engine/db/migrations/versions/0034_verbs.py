"""Comments on a matter; a task says who handed it to whoever has it."""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.execute("ALTER TABLE task ADD COLUMN IF NOT EXISTS handed_by uuid REFERENCES member (id)")
    op.execute(
        """CREATE TABLE IF NOT EXISTS comment (
             id uuid PRIMARY KEY,
             instance_id uuid NOT NULL REFERENCES instance (id),
             member_id uuid NOT NULL REFERENCES member (id),
             at timestamptz NOT NULL,
             withdrawn_at timestamptz,
             element text NOT NULL,
             text text,
             salt bytea,
             mentions uuid[] NOT NULL,
             read_by uuid[] NOT NULL DEFAULT '{}')"""
    )
    op.execute("CREATE INDEX IF NOT EXISTS ix_comment_instance ON comment (instance_id)")
    op.execute("CREATE INDEX IF NOT EXISTS ix_comment_mentions ON comment USING gin (mentions)")
