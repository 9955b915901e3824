"""What the calendar started, or could not."""

from __future__ import annotations

from alembic import op

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE IF NOT EXISTS calendar_start (
             id uuid CONSTRAINT pk_calendar_start PRIMARY KEY,
             union_id uuid NOT NULL
               CONSTRAINT fk_calendar_start_union_id REFERENCES unit (id),
             process_id text NOT NULL,
             key text NOT NULL,
             day date NOT NULL,
             state text NOT NULL
               CONSTRAINT ck_calendar_start_state CHECK (state IN ('begun', 'missed', 'dropped')),
             instance_id uuid
               CONSTRAINT fk_calendar_start_instance_id REFERENCES instance (id),
             why jsonb,
             at timestamptz NOT NULL,
             CONSTRAINT uq_calendar_start_union_id_process_id_key_day
               UNIQUE (union_id, process_id, key, day))"""
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_calendar_start_instance ON calendar_start (instance_id)"
    )
