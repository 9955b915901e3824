"""An evidence pack is asked for, and made by a worker."""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    tables.pack.create(op.get_bind(), checkfirst=True)
