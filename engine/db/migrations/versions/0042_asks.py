"""Somebody is asked for something beside the decision of a task."""

from __future__ import annotations

from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE IF NOT EXISTS ask (
             id uuid PRIMARY KEY,
             instance_id uuid NOT NULL REFERENCES instance (id),
             task_id uuid NOT NULL REFERENCES task (id),
             by_id uuid NOT NULL REFERENCES member (id),
             to_id uuid NOT NULL REFERENCES member (id),
             asked_at timestamptz NOT NULL,
             answered_at timestamptz,
             withdrawn_at timestamptz,
             what text NOT NULL,
             element text NOT NULL,
             said jsonb,
             answer jsonb,
             salt bytea)"""
    )
    op.execute("CREATE INDEX IF NOT EXISTS ix_ask_instance ON ask (instance_id)")
    op.execute("CREATE INDEX IF NOT EXISTS ix_ask_task ON ask (task_id)")
    op.execute("CREATE INDEX IF NOT EXISTS ix_ask_by ON ask (by_id)")
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_ask_to ON ask (to_id) "
        "WHERE answered_at IS NULL AND withdrawn_at IS NULL"
    )
