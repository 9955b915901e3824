"""How a person wants to be told, that they read a message, and the secret address of their
calendar.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from engine import clock
from engine.db import tables
from engine.db.states import SendingState
from engine.errors import Conflict, NotFound
from engine.messages import _
from engine.people import wishes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

_sending, _outbox = tables.sending.c, tables.outbox.c


def wish(session: Session, actor: Actor, given: Mapping[str, Any]) -> wishes.Wishes:
    """Keep how this person wants to be told. Raises Invalid."""
    wanted = wishes.read(given)
    values = {"wanted": wanted.stored(), "changed_at": clock.now()}
    row = insert(tables.wish).values(member_id=actor.id, **values)
    session.execute(row.on_conflict_do_update(index_elements=["member_id"], set_=values))
    return wanted


def read(session: Session, actor: Actor, sending_id: UUID) -> tuple[str, UUID | None]:
    """Note that its person came by the link of a message; gives what it is about ("task", "poll",
    "meeting", "" for the inbox) and its id. Raises NotFound for a message to somebody else.
    """
    mine = _sending.id == sending_id, _sending.member_id == actor.id
    first = update(tables.sending).where(*mine, _sending.read_at.is_(None))
    session.execute(first.values(read_at=clock.now()))
    query = (
        select(_outbox.what, _outbox.thing_id)
        .select_from(tables.sending.outerjoin(tables.outbox, _outbox.id == _sending.outbox_id))
        .where(*mine)
    )
    row = session.execute(query).first()
    if row is None:
        raise NotFound(sending_id=str(sending_id))
    return {"urged": "task", None: ""}.get(row.what, row.what), row.thing_id


def again(session: Session, actor: Actor, sending_id: UUID) -> None:
    """Let a message that was given up be tried once more. Raises Conflict for any other."""
    mine = _sending.id == sending_id, _sending.member_id == actor.id
    asked = update(tables.sending).where(*mine, _sending.state == SendingState.FAILED)
    values = {"state": SendingState.WAITING, "next_at": clock.now(), "tries": 0}
    if not session.execute(asked.values(**values)).rowcount:
        raise Conflict(_("这条通知没有失败，不用再发。"))


def feed(session: Session, actor: Actor) -> str:
    """A new secret for the address of this person's calendar; the one before it ends. It is shown
    this once.
    """
    secret = secrets.token_urlsafe(24)
    values = {"id": feed_key(secret), "created_at": clock.now(), "read_at": None}
    row = insert(tables.feed).values(member_id=actor.id, **values)
    session.execute(row.on_conflict_do_update(index_elements=["member_id"], set_=values))
    return secret


def note_feed(session: Session, secret: str) -> str:
    """Note that the calendar of an address is read; gives by what the address is known."""
    key = feed_key(secret)
    session.execute(update(tables.feed).where(tables.feed.c.id == key).values(read_at=clock.now()))
    return key


def end_feed(session: Session, actor: Actor) -> None:
    """End the address of this person's calendar; nothing happens without one."""
    session.execute(tables.feed.delete().where(tables.feed.c.member_id == actor.id))


def feed_key(secret: str) -> str:
    """By which an address is known: nothing in the database opens a calendar."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
