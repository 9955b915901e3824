"""What a matter shows to a circle, whose members may object."""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    tables.publication.create(op.get_bind(), checkfirst=True)
