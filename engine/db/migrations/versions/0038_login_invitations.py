"""Who was entered without a password is invited to come in; who never came in is found quickly."""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    tables.login_invitation.create(op.get_bind(), checkfirst=True)
    op.execute("CREATE INDEX IF NOT EXISTS ix_login_member ON login (member_id)")
