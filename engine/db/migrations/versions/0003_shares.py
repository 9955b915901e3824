"""A union's own value for a share, kept as a numerator and a denominator.

The first step makes the tables as they are today where there were none; this one brings a database
of before along.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE setting ADD COLUMN IF NOT EXISTS per integer NOT NULL DEFAULT 1")
