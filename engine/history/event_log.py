"""The append-only history: one hash chain per instance, and one per union for what belongs to no
instance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import clock, messages
from engine.db import aside, canonical, tables
from engine.messages import Message, _
from engine.people.organisation import (
    INSTALLATION as INSTALLATION,
)  # the chain of what is no union's

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from engine.db import Session
    from engine.people.organisation import Actor

_INSERT = insert(tables.event)
_MOVE_HEAD = update(tables.chain)


@dataclass
class EventLog:
    """The events of one command on one chain whose row is locked. `add` in order, `flush` once."""

    chain_id: UUID
    seq: int
    head: bytes
    apart: bool = False  # words of persons stand beside the chain
    pending: list[tuple[str, datetime, UUID | None, dict[str, Any]]] = field(default_factory=list)

    def add(self, kind: str, actor: Actor | None, **details: Any) -> dict[str, Any]:
        """Note an event; the returned body may still be filled until `flush`. Values: plain JSON
        without floats, messages.
        """
        at = clock.now().replace(microsecond=0)  # the column beside the body says the same moment
        body: dict[str, Any] = {"kind": kind, "at": at.isoformat()}
        if actor is not None:
            body["actor"] = {"id": str(actor.id), "name": actor.name}
        body.update({k: _stored(v) for k, v in details.items() if v is not None})
        self.pending.append((kind, at, actor.id if actor else None, body))
        return body

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """Of the events noted so far, to be filled until they are hashed."""
        return [body for *_beside, body in self.pending]

    def rows(self) -> list[dict[str, Any]]:
        """The noted events as rows of the table, hashed in order; afterwards seq and head are those
        of the last one.
        """
        rows = []
        for kind, at, actor_id, body in self.pending:
            self.seq += 1
            body.update(chain=str(self.chain_id), seq=self.seq)
            said, words = aside.parted(body) if self.apart else (body, None)
            data = canonical.dumps(said)
            self.head = canonical.event_hash(self.head, data)
            rows.append(
                {
                    "instance_id": self.chain_id,
                    "seq": self.seq,
                    "kind": kind,
                    "actor_id": actor_id,
                    "at": at,
                    "body": data.decode(),
                    "hash": self.head,
                    "words": words,
                }
            )
        self.pending.clear()
        return rows

    def flush(self, session: Session) -> None:
        """Write the noted events."""
        rows = self.rows()
        if rows:
            session.execute(_INSERT, rows)


def _stored(value: object) -> Any:
    """A value with its messages as source texts and values, so that every reader has them in his
    own language.
    """
    if isinstance(value, Message):
        return messages.stored(value)
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, dict):
        return {key: _stored(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_stored(each) for each in value]
    return messages.stored(value) if messages.is_bilingual(value) else value


def note(session: Session, chain_id: UUID, kind: str, actor: Actor | None, **details: Any) -> None:
    """Append one event to the chain of a union or of the installation; its head row is locked until
    the commit.
    """
    chain = tables.chain.c
    session.execute(
        upsert(tables.chain)
        .values(id=chain_id, seq=0, head=canonical.genesis(chain_id))
        .on_conflict_do_nothing()
    )
    row = session.execute(
        select(chain.seq, chain.head).where(chain.id == chain_id).with_for_update()
    ).one()
    log = EventLog(chain_id, row.seq, row.head)
    log.add(kind, actor, **details)
    log.flush(session)
    session.execute(_MOVE_HEAD.where(chain.id == chain_id).values(seq=log.seq, head=log.head))


@dataclass(frozen=True)
class Break:
    """The first false line of a chain."""

    chain_id: UUID
    seq: int
    why: Message


def first_broken(
    chain_id: UUID, rows: Iterable[Any], seq: int | None = None, head: bytes | None = None
) -> Break | None:
    """Check a chain's events, given in order (seq, body, hash), against itself and, when given, the
    head its owner holds.
    """
    last, previous = 0, canonical.genesis(chain_id)
    for row in rows:
        number, told = row.seq, bytes(row.hash)
        if number != last + 1:
            return Break(chain_id, last + 1, _("缺少这一条记录"))
        if canonical.event_hash(previous, row.body.encode()) != told:
            return Break(chain_id, number, _("内容与散列不符"))
        last, previous = number, told
    if seq is not None and (last != seq or previous != head):
        return Break(chain_id, last + 1, _("记录比在册的少或多"))
    return None
