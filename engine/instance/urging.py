"""Urging whoever has an open task: how often a day, and who is told besides when it was in vain.

A day's quota is the rule URGE-DAILY of the union; who is told is declared at the lane of the task,
rung by rung. A task that comes anew, sent back or put again, begins at the first urging.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from sqlalchemy import select

from engine import clock, legacy
from engine.db import tables
from engine.db.states import TaskState
from engine.errors import EngineError
from engine.instance import aside
from engine.instance.union_law import rulebook
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.definitions.process import Lane
    from engine.instance.context import Context

DAILY = "URGE-DAILY"
_task, _member = tables.task.c, tables.member.c


@dataclass(frozen=True)
class Planned:
    """What urging now would be for an open task: the how manieth of it; `today`: how often it was
    urged today, of `most` times; `told`: who is told besides, in the order of the rungs.
    """

    id: UUID
    element: str
    nth: int
    today: int
    most: int
    told: tuple[UUID, ...]

    @property
    def may(self) -> bool:
        """Is there anything left of the day's quota?"""
        return self.today < self.most


def urged(due: Mapping[str, Any] | None) -> list[datetime]:
    """When a task was urged, the first time first; of one from before that was told, the day."""
    told = due or {}
    if "urged" in told:
        return [datetime.fromisoformat(at) for at in told["urged"]]
    day = told.get("reminded")
    return [clock.midnight(date.fromisoformat(day))] if day else []


class Waiting(Protocol):
    """An open task, as a statement or a page has it."""

    @property
    def id(self) -> UUID: ...
    @property
    def element(self) -> str: ...
    @property
    def due(self) -> Mapping[str, Any] | None: ...
    @property
    def assignee_id(self) -> UUID | None: ...
    @property
    def seat(self) -> str | None: ...


def waiting(context: Context) -> list[Waiting]:
    """The open tasks of a matter."""
    query = select(tables.task).where(
        _task.instance_id == context.row["id"], _task.state == TaskState.OPEN
    )
    return list(context.session.execute(query.order_by(_task.id)))


def planned(context: Context, tasks: Iterable[Waiting]) -> list[Planned]:
    """What urging this matter now would be, task by task."""
    most = _value(context, DAILY, legacy.URGED_A_DAY)
    return [_plan(context, task, most) for task in tasks]


def _plan(context: Context, row: Waiting, most: int) -> Planned:
    before = urged(row.due)
    today = sum(clock.day_of(at) == clock.today() for at in before)
    told = _told(context, row, len(before))
    nth = len(before) + 1
    return Planned(row.id, row.element, nth=nth, today=today, most=most, told=told)


def _value(context: Context, rule: str, otherwise: int) -> int:
    """The number of a rule that binds the union of this matter today."""
    if rule not in rulebook().ids:  # an installation with rules of its own, older than this
        return otherwise
    return int(context.law.ruling(rule, clock.today()).value or 0)


def _told(context: Context, row: Waiting, before: int) -> tuple[UUID, ...]:
    """Whom the rungs reach that so many urgings in vain have passed, but those who have the task
    or stepped aside from it. Of a confidential matter nobody else is told.
    """
    rule = context.process.tasks.get(row.element)
    lane = context.process.lanes.get(rule.lane) if rule else None
    if lane is None or context.row["confidential"]:
        return ()
    found: dict[UUID, None] = {}
    for rung in lane.urging:
        if rung.after in rulebook().ids and before >= _value(context, rung.after, 0):
            found |= dict.fromkeys(_members(context, context.process.lanes[rung.lane]))
    having = _holding(context, row) if found else set()
    return tuple(
        each for each in found if each not in having and aside.recorded(context, each) is None
    )


def _holding(context: Context, row: Waiting) -> set[UUID]:
    if row.assignee_id is not None:
        return {row.assignee_id}
    if row.seat is None:
        return set()
    kind, _at, unit = row.seat.partition("@")
    units = [UUID(unit)] if unit else []
    return set(organisation.holders(context.session, kind, units, clock.today()))


def _members(context: Context, lane: Lane) -> list[UUID]:
    """Who is in a lane today: whoever has left their post, or the union, is not."""
    try:
        if lane.person:
            said = context.value(lane.person)
            ids = said if isinstance(said, list) else [said] if said else []
            here = select(_member.id).where(_member.id.in_(ids), _member.active)
            return list(context.session.execute(here).scalars())
        unit = context.row["union_id"] if lane.of_union else context.value(lane.unit)
    except EngineError:
        return []
    units = unit if isinstance(unit, list) else [unit] if unit else []
    return organisation.holders(context.session, lane.post, units, clock.today())
