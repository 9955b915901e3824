"""What did not go the usual way is found by its day."""

from __future__ import annotations

from alembic import op

from engine.db.tables.history import UNUSUAL

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    where = UNUSUAL.removeprefix("event.")
    op.execute(f"CREATE INDEX IF NOT EXISTS ix_event_unusual ON event (at) WHERE {where}")
