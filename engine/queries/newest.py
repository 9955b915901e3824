"""The newest instances that somebody may see: some by each way, found without looking through those
of everybody.

The planner guesses badly how far down a list it has to go for a few rows, so the way is laid here:
what somebody takes part in is put in order first, and the instances are looked up one after the
other until there are enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select, true, union

from engine.db import tables
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select, Subquery

    from engine.people.organisation import Actor

    Ids = Select[tuple[UUID]]

_instance = tables.instance.c


class Way:
    """One way to see instances: a condition on `instance` with an index of its own, or a query for
    their ids.
    """

    def __init__(
        self, condition: ColumnElement[bool] | None = None, ids: Ids | None = None
    ) -> None:
        self.condition, self.ids = condition, ids

    def newest(self, many: int, *conditions: ColumnElement[bool]) -> Ids:
        """The ids of the newest `many` that meet the conditions."""
        if self.condition is not None:
            meet = select(_instance.id).where(self.condition, *conditions)
            return meet.order_by(_instance.id.desc()).limit(many)
        return _looked_up(self.in_order().offset(0).subquery(), conditions).limit(many)

    def in_order(self) -> Ids:
        """All its ids, the newest first."""
        if self.condition is not None:
            return select(_instance.id).where(self.condition).order_by(_instance.id.desc())
        assert self.ids is not None
        named = self.ids.subquery().c[0]
        return select(named.label("id")).distinct().order_by(named.desc())

    def admits(self) -> ColumnElement[bool]:
        """The condition on `instance` that it is seen by this way."""
        if self.condition is not None:
            return self.condition
        assert self.ids is not None
        return access.is_among(self.ids)


def first(ways: Sequence[Way], many: int) -> Subquery:
    """The ids of the newest `many` of all ways together, in order."""
    each = (select(way.in_order().limit(many).subquery().c[0]) for way in ways)
    found = union(*each).subquery().c[0]
    return select(found.label("id")).order_by(found.desc()).limit(many).subquery()


def first_among(ids: Subquery, many: int, *conditions: ColumnElement[bool]) -> Ids:
    """Of ids in their order, the first `many` that meet the conditions."""
    return _looked_up(ids, conditions).limit(many)


def first_by_each(ways: Sequence[Way], many: int, *conditions: ColumnElement[bool]) -> Ids:
    """The newest `many` of each way that meet the conditions."""
    found = union(*(way.newest(many, *conditions) for way in ways)).subquery()
    return select(found.c[0])


def first_of_few(ways: Sequence[Way], many: int, *conditions: ColumnElement[bool]) -> Ids:
    """The newest `many` by any way, where the conditions leave few: each is asked about by
    itself.
    """
    seen = or_(*(way.admits() for way in ways))
    found = select(_instance.id).where(*conditions, seen)
    return found.order_by(_instance.id.desc()).limit(many)


def _looked_up(ids: Subquery, conditions: Sequence[ColumnElement[bool]]) -> Ids:
    """Those of the ids, in their order, whose instance meets the conditions. OFFSET 0 keeps the
    planner out of it.
    """
    one = select(_instance.id).where(_instance.id == ids.c.id, *conditions).offset(0).lateral()
    found: Ids = select(one.c.id).select_from(ids.join(one, true()))
    return found.order_by(ids.c.id.desc())


def ways(actor: Actor, *, mine: bool = False, others: bool = False) -> list[Way]:
    """The ways that make up access.visible: with `mine` only to what this actor started, with
    `others` only to what was put before them.
    """
    own = Way(_instance.starter_id == actor.id)
    if mine:
        return [own]
    asked = (ids.offset(0) for ids in access.asked(actor))  # all of few, not the newest of all
    put_before = [Way(ids=ids) for ids in (*_shared(actor), *asked)]
    return put_before if others else [*map(Way, access.desks(actor)), own, *put_before]


def _shared(actor: Actor) -> list[Ids]:
    """What access.shared finds, key by key, as the index has it in order: a desk's key opens nearly
    everything.
    """
    share = tables.share.c
    return [select(share.instance_id).where(share.key == key) for key in actor.keys]


def hanging(actor: Actor, ids: Ids, on: ColumnElement[UUID]) -> Ids:
    """Narrow ids of what hangs on instances, by its column `on`, to what this actor may see.

    A desk sees nearly all, so going down a list soon meets enough; whoever has none begins from the
    few of their own.
    """
    if access.desks(actor):
        return ids.join(tables.instance, _instance.id == on).where(access.visible(actor))
    own = select(_instance.id).where(_instance.starter_id == actor.id)
    return ids.where(on.in_(union(own, access.shared(actor), *access.asked(actor))))
