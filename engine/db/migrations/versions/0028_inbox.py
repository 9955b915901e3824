"""The inbox: which steps may be done together, what a person has had before them, saved views.

No version of before allows a step to be done together.
"""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.execute("ALTER TABLE definition ADD COLUMN IF NOT EXISTS batch text[] NOT NULL DEFAULT '{}'")
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_task_closed ON task (closed_by, closed_at) "
        "WHERE closed_by IS NOT NULL"
    )
    for table in (tables.opened, tables.saved_view):
        table.create(op.get_bind(), checkfirst=True)
