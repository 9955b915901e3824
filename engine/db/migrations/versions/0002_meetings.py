"""Meetings, the tellers' count, paper and secret ballots, answers from outside, confidential
matters.

The first step makes the tables as they are today where there were none; this one brings a database
of before along.
"""

from __future__ import annotations

from alembic import op

from engine.db.tables import metadata

revision = "0002"
down_revision = "0001"

_COLUMNS = """
ALTER TABLE instance ADD COLUMN IF NOT EXISTS confidential boolean NOT NULL DEFAULT false;
ALTER TABLE poll ADD COLUMN IF NOT EXISTS secret boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS tellers uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS public_key text,
    ADD COLUMN IF NOT EXISTS meeting_id uuid REFERENCES meeting (id);
ALTER TABLE roll ADD COLUMN IF NOT EXISTS position integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS paper boolean NOT NULL DEFAULT false;
"""


def upgrade() -> None:
    metadata.create_all(op.get_bind(), checkfirst=True)
    op.execute(_COLUMNS)
