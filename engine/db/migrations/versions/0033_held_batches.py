"""A held act says of which act over several tasks it is one."""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.execute("ALTER TABLE held_act ADD COLUMN IF NOT EXISTS batch uuid")
