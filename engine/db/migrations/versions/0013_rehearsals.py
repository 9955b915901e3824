"""A version keeps the stories and notes that it was handed in with, and how its stories went."""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("ALTER TABLE definition ADD COLUMN IF NOT EXISTS beside jsonb NOT NULL DEFAULT '{}'")
    tables.rehearsal.create(op.get_bind(), checkfirst=True)
