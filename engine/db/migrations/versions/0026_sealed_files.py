"""Files of confidential matters are sealed to keys that no database has; names of destroyed keys.

Files of before stay as they are.
"""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.execute("ALTER TABLE blob ADD COLUMN IF NOT EXISTS key text")
    op.execute("CREATE INDEX IF NOT EXISTS ix_blob_key ON blob (key) WHERE key IS NOT NULL")
    tables.spent_key.create(op.get_bind(), checkfirst=True)
