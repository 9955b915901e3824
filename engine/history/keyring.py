"""The signing keys of this installation, one after another, as its history tells: `key_introduced`
has the public half of each, what it follows, and the old key's signature over the new one.

A key that was lost cannot sign for its successor; then the repair that introduced the new one waits
for two people (engine/history/resumed.py), and until they have confirmed it nothing is proved.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.db import tables
from engine.history import keys
from engine.history.event_log import INSTALLATION

if TYPE_CHECKING:
    from engine.db import Session

INTRODUCED = "key_introduced"
_event = tables.event.c


@dataclass(frozen=True)
class Introduced:
    """A key and its days: since when it signs, what it follows ("" for the first), and by which
    signature of that one; `lost`: why that one could not sign.
    """

    key_id: str
    public: bytes
    at: datetime
    before: str = ""
    signature: bytes = b""
    lost: str = ""
    until: datetime | None = None  # when the next one was introduced

    def handed_over_by(self, older: Introduced) -> bool:
        """Did the older key name this one, or is it on record that it was lost?"""
        if self.before != older.key_id or keys.key_id(older.public) != older.key_id:
            return False
        if self.lost:
            return True
        text = keys.handover_text(self.public, self.at, older.key_id)
        return keys.verify(older.public, self.signature, text)


def introduced(session: Session) -> list[Introduced]:
    """All keys in the order in which they came."""
    query = select(_event.body).where(_event.instance_id == INSTALLATION, _event.kind == INTRODUCED)
    found = [_read(body) for body in session.execute(query.order_by(_event.seq)).scalars()]
    next_ = {each.before: each.at for each in found if each.before}
    return [Introduced(**{**vars(each), "until": next_.get(each.key_id)}) for each in found]


def _read(body: str) -> Introduced:
    said = json.loads(body)
    return Introduced(
        key_id=said["key"],
        public=bytes.fromhex(said["public"]),
        at=datetime.fromisoformat(said["at"]),
        before=said.get("before", ""),
        signature=bytes.fromhex(said.get("signature", "")),
        lost=said.get("lost", ""),
    )


def trusted(session: Session, public: bytes) -> dict[str, bytes]:
    """The keys that may have signed, oldest first, up to the one whose public half this is: each
    handed over to the next.
    """
    known = {each.key_id: each for each in introduced(session)}
    chain = [known.get(keys.key_id(public))]
    while (last := chain[-1]) is not None and last.before and len(chain) <= len(known):
        older = known.get(last.before)
        chain.append(older if older is not None and last.handed_over_by(older) else None)
    older_ones = [each for each in reversed(chain[1:]) if each is not None]
    return {each.key_id: each.public for each in older_ones} | {keys.key_id(public): public}


def follows(session: Session, key_id: str, named: str) -> bool:
    """Was this key introduced as the one after the key that signed last?"""
    known = {each.key_id: each for each in introduced(session)}
    new, old = known.get(key_id), known.get(named)
    return new is not None and old is not None and new.handed_over_by(old)


def is_retired(session: Session, key_id: str) -> bool:
    """Has another one taken its place?"""
    every = introduced(session)
    old = next((each for each in every if each.key_id == key_id), None)
    return old is not None and any(each.handed_over_by(old) for each in every)
