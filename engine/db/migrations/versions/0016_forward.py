"""An event that is more than two seconds earlier than the one before it in its chain is refused."""

from __future__ import annotations

from alembic import op

from engine.db.tables.history import FORWARD_FUNCTION, FORWARD_TRIGGER

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(FORWARD_FUNCTION.replace("%", "%%"))
    op.get_bind().exec_driver_sql(FORWARD_TRIGGER)
