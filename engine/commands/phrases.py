"""What a person writes often, for them alone: kept, forgotten, and listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from engine import clock
from engine.db import tables
from engine.errors import Invalid
from engine.messages import _

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

_phrase = tables.phrase
MOST, LONGEST = 30, 200  # phrases of a person, characters of one


def keep(session: Session, actor: Actor, text: str) -> None:
    """Keep a phrase. Raises Invalid for one that is empty, too long or not to be printed, and for
    one more than a person may have.
    """
    text = " ".join(text.split())
    if not text or len(text) > LONGEST or not text.isprintable():
        raise Invalid({"text": [_("常用语应为 1 至 {most} 个字。", most=LONGEST)]})
    others = _phrase.c.member_id == actor.id, _phrase.c.text != text
    counted = select(func.count()).select_from(_phrase).where(*others)
    if session.execute(counted).scalar_one() >= MOST:
        raise Invalid({"text": [_("常用语最多 {most} 条，请先删去一些。", most=MOST)]})
    row = insert(_phrase).values(member_id=actor.id, text=text, at=clock.now())
    session.execute(row.on_conflict_do_nothing())


def drop(session: Session, actor: Actor, text: str) -> None:
    """Forget a phrase; nothing happens when it was not kept."""
    session.execute(delete(_phrase).where(_phrase.c.member_id == actor.id, _phrase.c.text == text))
