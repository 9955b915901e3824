"""What all hosts of an installation share, encrypted."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE IF NOT EXISTS shared_secret "
        "(name text NOT NULL CONSTRAINT pk_shared_secret PRIMARY KEY, sealed bytea NOT NULL)"
    )
