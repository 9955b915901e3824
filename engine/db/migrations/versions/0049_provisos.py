"""Matters in which somebody agreed on conditions are found by their union."""

from __future__ import annotations

from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_instance_provisos ON instance (union_id) "
        "WHERE facts ? '_provisos'"
    )
