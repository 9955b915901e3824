"""Who leads whoever runs a union decides who manages it. Units of before say nothing of it."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("ALTER TABLE unit ADD COLUMN IF NOT EXISTS affiliation text NOT NULL DEFAULT ''")
