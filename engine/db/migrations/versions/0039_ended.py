"""The matters that ended in a year are found without reading all others."""

from __future__ import annotations

from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_instance_ended ON instance (union_id, ended_at) "
        "WHERE ended_at IS NOT NULL"
    )
