"""Whoever has a task is told of each urging, of a second one on the same day too."""

from __future__ import annotations

from alembic import op

from engine.db.tables.sending import TRIGGERS

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    op.execute(TRIGGERS["task_urged"])
