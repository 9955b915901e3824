"""The verifications of the whole history that were asked for: how far each is, and what it
found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine.db import tables
from engine.history.seals import Verdict
from engine.messages import restored
from engine.people import access

if TYPE_CHECKING:
    from datetime import datetime

    from engine.db import Session, rows
    from engine.messages import Message
    from engine.people.organisation import Actor

_asked, _member = tables.verification.c, tables.member.c


@dataclass(frozen=True)
class Verification:
    """`done` of `total` events were read. `verdict`: what was found, None while it runs, or when
    it was `refused`.
    """

    id: UUID
    who: str
    asked_at: datetime
    begun_at: datetime | None
    ended_at: datetime | None
    done: int
    total: int
    verdict: Verdict | None
    refused: Message | str

    @property
    def state(self) -> str:
        """waiting, running or ended."""
        if self.ended_at:
            return "ended"
        return "running" if self.begun_at else "waiting"


def newest(session: Session, actor: Actor) -> Verification | None:
    """The one asked for last. Raises Refused."""
    access.unions(actor, "read_installation")
    found = session.execute(_query().order_by(_asked.id.desc()).limit(1)).first()
    return None if found is None else _read(found)


def one(session: Session, actor: Actor, key: UUID) -> Verification:
    """One by its id. Raises Refused, NotFound."""
    access.unions(actor, "read_installation")
    return _read(access.must_see(session.execute(_query().where(_asked.id == key)).first()))


def _query() -> Any:
    return select(tables.verification, _member.name.label("who")).join(
        tables.member, _member.id == _asked.member_id
    )


def _read(row: rows.Selected) -> Verification:
    found = row.verdict or {}
    return Verification(
        id=row.id,
        who=row.who,
        asked_at=row.asked_at,
        begun_at=row.begun_at,
        ended_at=row.ended_at,
        done=row.done,
        total=row.total,
        verdict=Verdict.restored(found) if "events" in found else None,
        refused=restored(found.get("refused", "")),
    )
