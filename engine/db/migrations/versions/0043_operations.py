"""What takes long is asked for in a request and carried out by a worker."""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    tables.operation.create(op.get_bind(), checkfirst=True)
