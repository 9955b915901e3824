"""The notes of auditors on the events of a matter, for the auditors of its union."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.db import tables
from engine.people import access
from engine.queries.history import read_body

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

_event, _instance = tables.event.c, tables.instance.c


@dataclass(frozen=True)
class Note:
    """A note. `about`: the event of the matter; `seq` and `hash`: its own event in the chain of
    the union, as the seal proves it.
    """

    about: int
    who: str
    at: datetime
    text: str
    seq: int
    hash: str


def of_matter(session: Session, actor: Actor, instance_id: UUID) -> tuple[Note, ...]:
    """The notes on a matter by its events, oldest first. Raises NotFound when it is not theirs to
    see, Refused when they are not its auditor.
    """
    mine = select(_instance.union_id).where(_instance.id == instance_id, access.visible(actor))
    union_id: UUID = access.must_see(session.execute(mine).scalar())
    access.check(actor, "annotate", union_id)
    noted = (_event.instance_id == union_id, _event.kind == "matter_annotated")
    query = select(_event.seq, _event.at, _event.hash, _event.body).where(
        *noted, _event.body.contains(str(instance_id))
    )
    found = _notes(session.execute(query.order_by(_event.seq)))
    return tuple(sorted(found, key=lambda note: note.about))


def _notes(rows: Iterable[tuple[int, datetime, bytes, str]]) -> Iterable[Note]:
    for seq, at, digest, text in rows:
        body = read_body(text)
        if body:
            who = str(body["actor"]["name"])
            yield Note(
                about=int(body["about"]),
                who=who,
                at=at,
                text=str(body["note"]),
                seq=seq,
                hash=bytes(digest).hex(),
            )
