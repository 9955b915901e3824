"""A teller may dissent, and another one may take their place."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"

_COLUMNS = (
    "dissent text",
    "leaves text",
    "successor_id uuid CONSTRAINT fk_teller_successor_id REFERENCES member (id)",
)


def upgrade() -> None:
    for column in _COLUMNS:
        op.execute(f"ALTER TABLE teller ADD COLUMN IF NOT EXISTS {column}")
