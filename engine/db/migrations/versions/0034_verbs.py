"""Comments on a matter; a task says who handed it to whoever has it."""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE task ADD COLUMN IF NOT EXISTS handed_by uuid "
        "CONSTRAINT fk_task_handed_by REFERENCES member (id)"
    )
    tables.comment.create(op.get_bind(), checkfirst=True)
