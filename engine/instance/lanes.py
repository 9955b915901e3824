"""Whom a lane means: a seat ("<post>@<unit>"), or persons named by the facts. The one answer to "who is in a lane"."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.errors import EngineError, ProcessFault
from engine.messages import _

if TYPE_CHECKING:
    from engine.definitions.process import Lane
    from engine.instance.context import Context


class LanePeople(NamedTuple):
    """Whom a lane means: a seat, or the ids of persons."""

    seat: str | None
    persons: list[str]


def people_of(context: Context, lane: Lane) -> LanePeople:
    """Whom the lane means now. Raises ProcessFault when it means no unit."""
    if lane.person:
        named = context.value(lane.person)
        persons = named if isinstance(named, list) else [named] if named else []
        return LanePeople(None, [str(person) for person in persons])
    union_id = context.row["union_id"]
    unit = union_id if lane.unit == "union" else context.value(lane.unit)
    if not unit:
        message = _("泳道“{lane}”没有对应的单位。", lane=lane.title)
        raise ProcessFault(message, file="process.toml", element=lane.key)
    return LanePeople(f"{lane.post}@{unit}", [])


def includes_actor(context: Context, lane: Lane) -> bool:
    """Does the lane mean the actor? A post of the union may be held in any of its units. Raises ProcessFault."""
    actor = context.actor
    if actor is None:
        return False
    if lane.unit == "union":
        return actor.holds(lane.post, context.row["union_id"])
    people = people_of(context, lane)
    return people.seat in actor.seats if people.seat else str(actor.id) in people.persons


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
    """A seat as the history says it: "<post>@<unit>", or the post alone when it is one of the union itself."""
    return seat.removesuffix(f"@{context.row['union_id']}")
