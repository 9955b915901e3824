"""Words of persons in confidential matters stand beside the history, which keeps their digests.

Events of before stay as they were hashed.
"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.execute("ALTER TABLE event ADD COLUMN IF NOT EXISTS words jsonb")
