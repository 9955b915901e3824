"""When a person looked at a matter, so that its page can mark what has changed since."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case
from sqlalchemy.dialects.postgresql import insert

from engine import clock
from engine.db import tables

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

SITTING = timedelta(minutes=30)  # looks that follow each other so soon are one sitting
_seen = tables.seen.c


def note(session: Session, actor: Actor, instance_id: UUID) -> datetime:
    """Note that this person looks at a matter now; gives the moment after which what has changed is
    news to them: their last look before this sitting, so that a mark does not vanish with the next
    click. At the first look it is now: nothing is news.

    The caller has made sure that the matter is this person's to see.
    """
    now = clock.now()
    since = case((_seen.at < now - SITTING, _seen.at), else_=_seen.since)
    looked = insert(tables.seen).values(
        member_id=actor.id, instance_id=instance_id, at=now, since=now
    )
    found: datetime = session.execute(
        looked.on_conflict_do_update(
            index_elements=["member_id", "instance_id"], set_={"at": now, "since": since}
        ).returning(_seen.since)
    ).scalar_one()
    return found
