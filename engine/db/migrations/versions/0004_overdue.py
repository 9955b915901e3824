"""An index on open deadlines, so that what is overdue is found without reading every task.

The first step makes the tables as they are today where there were none; this one brings a database
of before along.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_task_due ON task (due_at) WHERE state = 'open' AND due_at IS NOT NULL"
    )
