"""The completion of a task may be held for some seconds, in which its author may take it back."""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.execute("ALTER TABLE instance ADD COLUMN IF NOT EXISTS held_until timestamptz")
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_instance_held ON instance (held_until) "
        "WHERE held_until IS NOT NULL"
    )
    tables.held_act.create(op.get_bind(), checkfirst=True)
