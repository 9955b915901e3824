"""What somebody can do who has the whole database and knows the rules, but not the key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from engine.db import canonical, tables

if TYPE_CHECKING:
    from uuid import UUID

    from engine import db


def unprotect(session: db.Session) -> None:
    """The triggers that keep the history as it is are turned off."""
    for table in ("event", "checkpoint"):
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def rechain(session: db.Session, chain_id: UUID) -> None:
    """Compute all hashes of a chain anew and move its head."""
    event = tables.event.c
    head, seq = canonical.genesis(chain_id), 0
    rows = session.execute(
        select(tables.event).where(event.instance_id == chain_id).order_by(event.seq)
    ).all()
    for seq, row in enumerate(rows, 1):
        body = canonical.dumps({**json.loads(row.body), "seq": seq})
        head = canonical.event_hash(head, body)
        session.execute(
            tables.event.update()
            .where(event.id == row.id)
            .values(seq=seq, body=body.decode(), hash=head)
        )
    for table in (tables.instance, tables.chain):
        session.execute(table.update().where(table.c.id == chain_id).values(seq=seq, head=head))
