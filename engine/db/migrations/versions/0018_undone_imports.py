"""An import can be taken back."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"

_STATES = "'previewed', 'done', 'undone'"


def upgrade() -> None:
    op.execute("ALTER TABLE batch DROP CONSTRAINT IF EXISTS ck_batch_state")
    op.execute(f"ALTER TABLE batch ADD CONSTRAINT ck_batch_state CHECK (state IN ({_STATES}))")
