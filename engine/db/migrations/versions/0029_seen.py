"""When a person last looked at a matter, so that its page marks what has changed since.

Whoever looked before the upgrade starts anew: nothing is marked at their first look.
"""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    tables.seen.create(op.get_bind(), checkfirst=True)
