"""Envelopes of secret ballots lie in outer ones, whose key is destroyed with the count. Polls that
are open keep the scheme with which they opened.
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("ALTER TABLE box ADD COLUMN IF NOT EXISTS outer_key bytea")
    op.execute("ALTER TABLE box ADD COLUMN IF NOT EXISTS keeper text")
