"""Whoever is named to act for somebody is told outside of the pages, too."""

from __future__ import annotations

from alembic import op

from engine.db.tables.sending import DEPUTY_CAME, OF_NO_INSTANCE

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    op.execute("ALTER TABLE outbox ALTER COLUMN instance_id DROP NOT NULL")
    op.execute(OF_NO_INSTANCE)
    op.execute(DEPUTY_CAME)
