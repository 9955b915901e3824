"""The ledger of duties reads one kind of event of a union."""

from __future__ import annotations

from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_event_duty ON event ((body::jsonb ->> 'union')) "
        "WHERE kind = 'duty_noted'"
    )
