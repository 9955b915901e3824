"""What somebody asked a worker to do: how far it is, and what came of it. Nobody else sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.messages import restored
from engine.people import access
from engine.queries import signs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session, rows
    from engine.messages import Message
    from engine.people.organisation import Actor

LISTED = 20
KINDS = tables.OPERATION_KINDS
STATES = ("waiting", "running", "stalled", "ready", "refused", "cancelled")
KEPT_DAYS = tables.OPERATION_KEPT.days
_operation = tables.operation.c
_SHOWN = (
    *("id", "kind", "given", "asked_at", "begun_at", "told_at", "ended_at"),
    *("done", "total", "cancelled"),
)


@dataclass(frozen=True)
class Operation:
    """`done` of `total` rows are done; `result` is what came of it, empty until then; `refused`:
    why nothing did.
    """

    id: UUID
    kind: str
    given: Mapping[str, Any]
    asked_at: datetime
    begun_at: datetime | None
    told_at: datetime
    ended_at: datetime | None
    done: int
    total: int
    cancelled: bool
    result: Mapping[str, Any]
    refused: Message | str

    @property
    def state(self) -> str:
        """waiting, running, stalled, ready, refused or cancelled."""
        return "cancelled" if self.cancelled else signs.state(self)

    @property
    def has_file(self) -> bool:
        """Is what came of it a file?"""
        return self.kind in tables.OPERATION_FILES and self.state == "ready"

    @property
    def until(self) -> datetime | None:
        """The end of the time in which it is kept."""
        return self.ended_at + tables.OPERATION_KEPT if self.ended_at else None


def one(session: Session, actor: Actor, key: UUID) -> Operation:
    """One that this person asked for. Raises NotFound."""
    found = session.execute(_query(actor, _operation.id == key)).first()
    return _read(access.must_see(found))


def mine(session: Session, actor: Actor) -> tuple[Operation, ...]:
    """The last twenty that this person asked for, the newest first."""
    query = _query(actor).order_by(_operation.id.desc()).limit(LISTED)
    return tuple(_read(row) for row in session.execute(query))


def _query(actor: Actor, *more: ColumnElement[bool]) -> Any:
    shown = [_operation[name] for name in _SHOWN]
    gone = _operation.ended_at < clock.now() - tables.OPERATION_KEPT
    kept = _operation.ended_at.is_(None) | ~gone
    query = select(*shown, _operation.result, _operation.refused)
    return query.where(_operation.member_id == actor.id, kept, *more)


def _read(row: rows.Selected) -> Operation:
    told = {name: getattr(row, name) for name in _SHOWN}
    result = (row.result or {}) if row.ended_at else {}
    return Operation(**told, result=result, refused=restored(row.refused or ""))
