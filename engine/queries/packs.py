"""The evidence packs that were asked for: how far each is, and until when it can be fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.instance import packs
from engine.instance.context import COLUMNS, context_from
from engine.messages import restored
from engine.people import access
from engine.queries import signs

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session, rows
    from engine.instance.context import Context
    from engine.messages import Message
    from engine.people.organisation import Actor

_pack, _instance, _member = tables.pack.c, tables.instance.c, tables.member.c
_SHOWN = (
    "id",
    "instance_id",
    "asked_at",
    "begun_at",
    "told_at",
    "ended_at",
    "done",
    "total",
    "size",
)


@dataclass(frozen=True)
class Pack:
    """`done` of `total` papers and files are in; `size` in bytes, 0 until it is ready. `refused`:
    why there is none, or none yet.
    """

    id: UUID
    instance_id: UUID
    who: str
    asked_at: datetime
    begun_at: datetime | None
    told_at: datetime
    ended_at: datetime | None
    done: int
    total: int
    size: int
    refused: Message | str

    @property
    def state(self) -> str:
        """waiting, running, stalled, ready or refused."""
        return signs.state(self)

    @property
    def until(self) -> datetime | None:
        """The end of the time in which it can be fetched."""
        return self.ended_at + packs.KEPT if self.state == "ready" and self.ended_at else None


def newest(session: Session, actor: Actor, instance_id: UUID) -> Pack | None:
    """The one of an instance that was asked for last and that this person may read. Raises
    NotFound, Refused.
    """
    return newest_of(_seen(session, actor, instance_id))


def newest_of(context: Context) -> Pack | None:
    """The same of an instance that was read before. Raises Refused."""
    query = _query(packs.readable(context)).order_by(_pack.id.desc())
    found = context.session.execute(query.limit(1)).first()
    return None if found is None else _read(found)


def one(session: Session, actor: Actor, instance_id: UUID, key: UUID) -> Pack:
    """One by its id. Raises NotFound, Refused."""
    readable = packs.readable(_seen(session, actor, instance_id))
    query = _query(readable).where(_pack.id == key)
    return _read(access.must_see(session.execute(query).first()))


def _seen(session: Session, actor: Actor, instance_id: UUID) -> Context:
    seen = select(*COLUMNS).where(_instance.id == instance_id, access.visible(actor))
    values = access.must_see(session.execute(seen).first())
    return context_from(session, actor, tuple(values))


def _query(condition: ColumnElement[bool]) -> Any:
    shown = [_pack[name] for name in _SHOWN]
    query = select(*shown, _pack.refused, _member.name.label("who"))
    return query.join(tables.member, _member.id == _pack.member_id).where(condition)


def _read(row: rows.Selected) -> Pack:
    told = {name: getattr(row, name) for name in _SHOWN}
    return Pack(**told, who=row.who, refused=restored(row.refused or ""))
