"""A verification of everything is asked for and carried out by a worker."""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    tables.verification.create(op.get_bind(), checkfirst=True)
