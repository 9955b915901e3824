"""The newest instances that somebody may see: some by each way, found without looking through those
of everybody.

The planner guesses badly how far down a list it has to go for a few rows, so the way is laid here:
what somebody takes part in is put in order first, and the instances are looked up one after the
other until there are enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, true, union, union_all

from engine.db import tables
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select, Subquery

    from engine.people.organisation import Actor

_instance = tables.instance.c


class Way:
    """One way to see instances: a condition on `instance` with an index of its own, or a query for
    their ids.
    """

    def __init__(
        self,
        condition: ColumnElement[bool] | None = None,
        ids: Select[tuple[UUID]] | None = None,
    ) -> None:
        self.condition, self.ids = condition, ids

    def newest(self, many: int, *conditions: ColumnElement[bool]) -> Select[tuple[UUID]]:
        """The ids of the newest `many` that meet the conditions."""
        if self.condition is not None:
            meet = select(_instance.id).where(self.condition, *conditions)
            return meet.order_by(_instance.id.desc()).limit(many)
        return _looked_up(self._in_order().offset(0).subquery(), conditions).limit(many)

    def newest_among(
        self, few: int, many: int, *conditions: ColumnElement[bool]
    ) -> Select[tuple[UUID]]:
        """The same of not more than the newest `few` instances of this way."""
        return _looked_up(self._in_order().limit(few).subquery(), conditions).limit(many)

    def beyond(self, few: int) -> Select[tuple[UUID]]:
        """The id of an instance behind the newest `few`, if there are more of them."""
        return self._in_order().offset(few).limit(1)

    def _in_order(self) -> Select[tuple[UUID]]:
        if self.condition is not None:
            return select(_instance.id).where(self.condition).order_by(_instance.id.desc())
        assert self.ids is not None
        named = self.ids.subquery().c[0]
        return select(named.label("id")).distinct().order_by(named.desc())


def _looked_up(ids: Subquery, conditions: Sequence[ColumnElement[bool]]) -> Select[tuple[UUID]]:
    """Those of the ids, in their order, whose instance meets the conditions. OFFSET 0 keeps the
    planner out of it.
    """
    one = select(_instance.id).where(_instance.id == ids.c.id, *conditions).offset(0).lateral()
    found: Select[tuple[UUID]] = select(one.c.id).select_from(ids.join(one, true()))
    return found.order_by(ids.c.id.desc())


def ways(actor: Actor, *, mine: bool = False, others: bool = False) -> list[Way]:
    """The ways that make up access.visible: with `mine` only to what this actor started, with
    `others` only to what was put before them.
    """
    own = Way(_instance.starter_id == actor.id)
    if mine:
        return [own]
    put_before = [Way(ids=ids) for ids in (_shared(actor), *access.asked(actor))]
    return put_before if others else [*map(Way, access.desks(actor)), own, *put_before]


def _shared(actor: Actor) -> Select[tuple[UUID]]:
    """What access.shared finds, key by key, as the index has it: a desk's key opens nearly
    everything.
    """
    share = tables.share.c
    keys = [select(share.instance_id).where(share.key == key) for key in actor.keys]
    every: ColumnElement[UUID] = union_all(*keys).subquery().c[0]
    return select(every)


def hanging(actor: Actor, ids: Select[tuple[UUID]], on: ColumnElement[UUID]) -> Select[tuple[UUID]]:
    """Narrow ids of what hangs on instances, by its column `on`, to what this actor may see.

    A desk sees nearly all, so going down a list soon meets enough; whoever has none begins from the
    few of their own.
    """
    if access.desks(actor):
        return ids.join(tables.instance, _instance.id == on).where(access.visible(actor))
    own = select(_instance.id).where(_instance.starter_id == actor.id)
    return ids.where(on.in_(union(own, access.shared(actor), *access.asked(actor))))
