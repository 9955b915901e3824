"""Evidence packs that a worker has made: whom they serve, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_

from engine import clock
from engine.db import tables
from engine.instance import rights, rooms
from engine.instance.rights import Case

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from engine.instance.context import Context

KEPT = timedelta(days=3)  # how long a pack can be fetched after it was made
_pack = tables.pack.c


def closed(context: Context) -> list[str]:
    """Rooms and fields that the actor may not enter: what their pack must not tell."""
    return sorted(rooms.closed(context) | rooms.closed_fields(context))


def kept() -> ColumnElement[bool]:
    """The condition on `pack` that its time is not over."""
    return or_(_pack.ended_at.is_(None), _pack.ended_at > clock.now() - KEPT)


def readable(context: Context) -> ColumnElement[bool]:
    """The condition on `pack` under which the actor, who sees this instance, may read one of it.

    Whoever may export it now, and enters every room that the pack tells of; of a confidential
    instance only who asked. Raises Refused.
    """
    rights.check(Case(context, "export"))
    conditions = [
        _pack.instance_id == context.row["id"],
        _pack.closed.contains(closed(context)),
        kept(),
    ]
    if context.row["confidential"] and context.actor is not None:
        conditions.append(_pack.member_id == context.actor.id)
    return and_(*conditions)
