"""Which other matters belong to a matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import literal, select, union_all

from engine.db import tables
from engine.definitions.store import process_of
from engine.people import access

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Select

    from engine.db import Session
    from engine.people.organisation import Actor

_instance, _link = tables.instance.c, tables.link.c


@dataclass(frozen=True)
class Linked:
    """Another instance that belongs to this one. `kind`: merged_into, origin_of when that one was
    merged into this, or the name that the process gives the link. `back`: the link was made there,
    and leads here.
    """

    id: UUID
    number: str
    title: str
    kind: str
    process_title: str
    state: str
    back: bool
    at: datetime


def links(session: Session, actor: Actor, instance_id: UUID, lang: str) -> tuple[Linked, ...]:
    """What this matter was linked to and what was linked to it, oldest first; only what this person
    may know of.
    """
    out = _linked(actor, False).where(_link.to_id == _instance.id, _link.from_id == instance_id)
    back = _linked(actor, True).where(_link.from_id == _instance.id, _link.to_id == instance_id)
    both = union_all(out, back).subquery()
    found = []
    for r in session.execute(select(both).order_by(both.c.at)):
        kind = "origin_of" if r.back and r.kind == "merged_into" else r.kind
        title = process_of(session, r.version).title.in_(lang)
        each = Linked(
            id=r.id,
            number=r.number,
            title=r.title,
            kind=kind,
            process_title=title,
            state=r.state,
            back=r.back,
            at=r.at,
        )
        found.append(each)
    return tuple(found)


def _linked(actor: Actor, back: bool) -> Select[Any]:
    return select(
        _instance.id,
        _instance.number,
        _instance.title,
        _instance.version,
        _instance.state,
        _link.kind,
        _link.at,
        literal(back).label("back"),
    ).where(access.visible(actor))
