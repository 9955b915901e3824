"""Whom a lane means: a seat ("<post>@<unit>"), or persons named by the facts. The one answer to
"who is in a lane".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from engine import clock
from engine.errors import EngineError, ProcessFault
from engine.instance import deputies
from engine.messages import _
from engine.people import organisation

if TYPE_CHECKING:
    from engine.db import rows
    from engine.definitions.process import Lane
    from engine.instance.context import Context


class LanePeople(NamedTuple):
    """Whom a lane means: a seat, or the ids of persons."""

    seat: str | None
    persons: list[str]


def people_of(context: Context, lane: Lane) -> LanePeople:
    """Whom the lane means now. Raises ProcessFault when it means no unit."""
    if lane.person:
        return LanePeople(None, _persons(context, lane))
    return LanePeople(f"{lane.post}@{_unit(context, lane)}", [])


def includes_actor(context: Context, lane: Lane) -> bool:
    """Does the lane mean the actor? A post of the union may be held in any of its units; of several
    units, in one.

    Raises ProcessFault when the lane means nobody.
    """
    actor = context.actor
    if actor is None:
        return False
    if lane.person:
        return str(actor.id) in _persons(context, lane) and has_its_post(context, lane)
    if lane.of_union:
        return actor.holds(lane.post, context.row["union_id"])
    unit = _unit(context, lane)
    units = unit if isinstance(unit, list) else [unit]
    return any(f"{lane.post}@{each}" in actor.seats for each in units)


def has_its_post(context: Context, lane: Lane) -> bool:
    """Does the actor hold a post by which persons of this lane act? Power ends with the post."""
    actor, union = context.actor, context.row["union_id"]
    if not lane.holding or actor is None:
        return True
    return any(actor.holds(post, union) for post in lane.holding)


def _persons(context: Context, lane: Lane) -> list[str]:
    found = context.value(lane.person)
    persons = found if isinstance(found, list) else [found] if found else []
    return [str(person) for person in persons]


def _unit(context: Context, lane: Lane) -> Any:
    """The unit of a lane, or several. Raises ProcessFault for none."""
    unit = context.row["union_id"] if lane.of_union else context.value(lane.unit)
    if not unit:
        message = _("泳道“{lane}”没有对应的单位。", lane=lane.title)
        raise ProcessFault(message, file="process.toml", element=lane.key)
    return unit


def taken_by_another(context: Context, task: rows.Task) -> bool:
    """Has somebody else taken a task, and may still do it? What was taken by a post goes back to
    it when the post, or the account, has ended.
    """
    actor, holder = context.actor, task.assignee_id
    if holder is None or (actor is not None and holder == actor.id):
        return False
    if deputies.lender(context, task) is not None:
        return False
    if not task.seat:
        return True
    kind, _at, unit = task.seat.partition("@")
    return holder in organisation.holders(context.session, kind, [UUID(unit)], clock.today())


def may_include_actor(context: Context, lane: Lane) -> bool:
    """The same, for a reader: a lane that means nobody yet does not mean the actor either."""
    try:
        return includes_actor(context, lane)
    except EngineError:
        return False


def runs_task(context: Context, element: str) -> bool:
    """Does the actor belong to the lane of a task, as a reader may know it?"""
    lane = context.process.lanes.get(context.process.tasks[element].lane)
    return lane is not None and may_include_actor(context, lane)


def short_seat(context: Context, seat: str) -> str:
    """A seat as the history says it: "<post>@<unit>", or the post alone when it is one of the union
    itself.
    """
    return seat.removesuffix(f"@{context.row['union_id']}")
