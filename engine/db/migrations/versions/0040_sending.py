"""People are told outside of the pages: outbox, messages with their proof, wishes, feeds."""

from __future__ import annotations

from alembic import op

from engine.db.tables.sending import INTO_OUTBOX, TRIGGERS, feed, outbox, sending, wish

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    bind = op.get_bind()
    for table in (outbox, sending, wish, feed):
        table.create(bind, checkfirst=True)
    op.execute(INTO_OUTBOX)
    for name, statement in TRIGGERS.items():
        if name != "copy_came":  # its table comes later: 0051
            op.execute(statement)
