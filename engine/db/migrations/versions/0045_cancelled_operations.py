"""What is carried out in the background can be cancelled by whoever asked for it."""

from __future__ import annotations

from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE operation ADD COLUMN IF NOT EXISTS cancelled boolean NOT NULL DEFAULT false"
    )
