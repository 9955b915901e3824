"""Matters that were launched by one act are found by their group."""

from __future__ import annotations

from alembic import op

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_instance_several ON instance "
        "((facts #>> '{launch,several,id}')) WHERE facts #>> '{launch,several,id}' IS NOT NULL"
    )
