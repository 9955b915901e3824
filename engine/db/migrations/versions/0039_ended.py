"""The matters that ended in a year are found without reading all others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    ended = sa.text("ended_at IS NOT NULL")
    columns = ["union_id", "ended_at"]
    op.create_index("ix_instance_ended", "instance", columns, postgresql_where=ended)
