"""A saved view belongs to the inbox or to the table of a process, and may be shared in a union."""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.execute("ALTER TABLE saved_view ADD COLUMN IF NOT EXISTS place text NOT NULL DEFAULT ''")
    op.execute(
        "ALTER TABLE saved_view ADD COLUMN IF NOT EXISTS shared_in uuid "
        "CONSTRAINT fk_saved_view_shared_in REFERENCES unit (id)"
    )
    op.execute("ALTER TABLE saved_view DROP CONSTRAINT IF EXISTS pk_saved_view")
    key = "CONSTRAINT pk_saved_view PRIMARY KEY (member_id, place, name)"
    op.execute(f"ALTER TABLE saved_view ADD {key}")
