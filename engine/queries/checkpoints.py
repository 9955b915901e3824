"""The signed checkpoints over the whole history, and the log of what belongs to no union."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from engine.db import tables
from engine.errors import NotFound
from engine.history import event_log, keyring, keys, resumed, witnesses
from engine.history.verification import uncompared as unproved
from engine.people import access
from engine.queries.history import ALL, Happened, Which, _happened, log_of

if TYPE_CHECKING:
    from datetime import datetime

    from engine.db import Session, rows
    from engine.history.keyring import Introduced
    from engine.history.resumed import Resumed
    from engine.history.witnesses import Held, Witness
    from engine.messages import Message
    from engine.people.organisation import Actor

_point, _event = tables.checkpoint.c, tables.event.c


@dataclass(frozen=True)
class Point:
    """A checkpoint; `text` is what is signed, with its signature: to print, to mail, to compare."""

    size: int
    root: str
    at: datetime
    key_id: str
    witness: str  # a name that somebody typed: it proves nothing
    text: str
    held: tuple[Held, ...] = ()  # what came back from outside, checked


@dataclass(frozen=True)
class Seal:
    """The newest checkpoints first, the size of the largest one that is proved to be held outside
    (0: none; a typed name proves nothing), and how many events wait for a leaf.
    """

    points: tuple[Point, ...]
    witnessed: int
    unsealed: int
    resumed: Resumed | None  # a restoration or a repair that waits for two people
    mine: bool  # this person has confirmed it
    witnesses: tuple[Witness, ...] = ()  # who is registered
    keys: tuple[Introduced, ...] = ()  # all signing keys with their days, oldest first


def checkpoints(session: Session, actor: Actor, before: int | None = None, limit: int = 30) -> Seal:
    """What is sealed. Raises Refused."""
    access.unions(actor, "read_installation")  # hashes only: of no union in particular
    query = select(tables.checkpoint).order_by(_point.size.desc()).limit(max(1, min(limit, 200)))
    if before is not None:
        query = query.where(_point.size < before)
    outside = witnesses.held(session)
    points = tuple(
        replace(_read(row), held=tuple(each for each in outside if each.size == row.size))
        for row in session.execute(query)
    )
    held = witnesses.newest(session)
    waiting = session.execute(
        select(func.count()).select_from(tables.event).where(_event.leaf_no.is_(None))
    ).scalar_one()
    last = resumed.newest(session)
    open_ = last if last is not None and not last.confirmed else None
    mine = open_ is not None and str(actor.id) in open_.people
    known = tuple(witnesses.registered(session).values())
    own = tuple(keyring.introduced(session))
    return Seal(points, held, int(waiting), open_, mine, witnesses=known, keys=own)


def outgoing(session: Session, actor: Actor, size: int) -> str:
    """A checkpoint to be sent outside, with the proofs that it goes on from those that witnesses
    countersigned before. Raises Refused, NotFound.
    """
    found = checkpoints(session, actor, size + 1, 1).points
    if not found or found[0].size != size:
        raise NotFound
    since = witnesses.countersigned_sizes(session)
    return witnesses.outgoing(session, found[0].text, size, since)


def _read(row: rows.Selected) -> Point:
    text = keys.note(
        keys.checkpoint_text(row.size, bytes(row.root), row.at, row.key_id), bytes(row.signature)
    )
    return Point(
        size=row.size,
        root=bytes(row.root).hex(),
        at=row.at,
        key_id=row.key_id,
        witness=row.witness,
        text=text.decode(),
    )


def installation_log(
    session: Session, actor: Actor, which: Which = ALL, limit: int = 100
) -> tuple[Happened, ...]:
    """What happened to the whole installation (definitions, notices, checkpoints), newest first.
    Raises Refused.
    """
    access.unions(actor, "read_installation")
    rows = session.execute(log_of(event_log.INSTALLATION, which, limit)).all()
    return tuple(_happened(row) for row in rows)


def uncompared() -> list[tuple[str, Message]]:
    """Tables and columns that verification cannot compare with any event, and why."""
    return unproved.shown()
