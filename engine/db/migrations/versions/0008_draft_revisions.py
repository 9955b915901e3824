"""Drafts count their revisions, so that two browsers do not overwrite each other's.

The first step makes the tables as they are today where there were none; this one brings a database
of before along.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE draft ADD COLUMN IF NOT EXISTS revision integer NOT NULL DEFAULT 1")
