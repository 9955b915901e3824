"""What a person writes often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.db import tables

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

_phrase = tables.phrase.c


def phrases(session: Session, actor: Actor) -> tuple[str, ...]:
    """Those that this person kept, the oldest first."""
    mine = select(_phrase.text).where(_phrase.member_id == actor.id)
    return tuple(session.execute(mine.order_by(_phrase.at, _phrase.text)).scalars())
