"""A post that opens a confidential matter waits for a second person; what was proposed can be taken
back, and the command line proposes too.
"""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"

_STATES = "'proposed', 'done', 'refused', 'withdrawn'"


def upgrade() -> None:
    op.execute("ALTER TABLE proposal ALTER COLUMN proposer_id DROP NOT NULL")
    for table in ("proposal", "correction"):
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_state")
        op.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_state CHECK (state IN ({_STATES}))"
        )
