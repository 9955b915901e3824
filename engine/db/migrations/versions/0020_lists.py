"""Lists of what somebody may see are found in indexes alone."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute("DROP INDEX IF EXISTS ix_roll_member")
    op.execute("CREATE INDEX ix_roll_member ON roll (member_id, poll_id)")
    op.execute("DROP INDEX IF EXISTS ix_instance_union_id")
    op.execute(
        "CREATE INDEX ix_instance_union_id ON instance (union_id, id) INCLUDE (confidential)"
    )
