"""A task says from which one it was sent back, and whether it leads straight there again."""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.execute("ALTER TABLE task ADD COLUMN IF NOT EXISTS sent_from text")
    op.execute("ALTER TABLE task ADD COLUMN IF NOT EXISTS straight boolean NOT NULL DEFAULT false")
