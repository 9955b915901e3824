"""Whoever is sent a matter for information is told outside of the pages, too."""

from __future__ import annotations

from alembic import op

from engine.db.tables.sending import TRIGGERS

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    op.execute(TRIGGERS["copy_came"])
