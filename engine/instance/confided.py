"""What was confided: said in a room to those who were in it then, and to no successor of theirs
unless whoever said it lets them read it (`confided`, `handed_on`).

Since when each of them is there is a fact of the matter, which no expression of a process can read
or write. It begins with the first words said in their presence: what was said before is kept from
them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.errors import EngineError
from engine.instance import lanes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.definitions.process import TaskRule
    from engine.instance.context import Context

HEARD = "_heard"  # element -> {member id: since when they hear it}; no element can have this name
_LAST = "last"  # beside the members: when something was said there last
_NEVER = datetime.max.replace(tzinfo=UTC)


class Doors(NamedTuple):
    """What is kept from a reader. `shut`: rooms that they may not enter; `since`: the rooms in
    which something was confided before they came, and from when on they read what was said there.
    """

    shut: frozenset[str]
    since: Mapping[str, datetime]

    @property
    def all(self) -> frozenset[str]:
        """The rooms of which anything is kept from them."""
        return self.shut | self.since.keys()

    def at(self, moment: datetime | None) -> frozenset[str]:
        """The rooms that are closed to them for what was said at this moment; None: now."""
        when = moment or _NEVER
        return self.shut | {key for key, first in self.since.items() if when < first}


def note(context: Context, rule: TaskRule) -> None:
    """Something is being said there: whoever is in a lane to which it is confided hears it."""
    there = [key for lane in rule.confided for key in _in_lane(context, lane)]
    moment, heard = context.entered.isoformat(), dict(context.facts.get(HEARD) or {})
    new = dict.fromkeys(there, moment)
    heard[rule.id] = {**new, **heard.get(rule.id, {}), _LAST: moment}
    context.facts[HEARD] = heard


def _in_lane(context: Context, key: str) -> list[str]:
    try:
        return lanes.people_of(context, context.process.lanes[key]).persons
    except EngineError:  # a lane that means nobody yet
        return []


def since(context: Context, rule: TaskRule) -> datetime | None:
    """From when on the actor reads what was said in a room that they may enter; None: all of it."""
    heard = dict(_heard(context, rule.id))
    heard.pop(_LAST, None)
    if not rule.confided or not heard or context.actor is None:
        return None
    own = (context.process.lanes[key] for key in rule.room if key not in rule.confided)
    if any(lanes.may_include_actor(context, lane) for lane in own):
        return None
    mine = heard.get(str(context.actor.id))
    if mine == min(heard.values()) or _handed_on(context, rule):
        return None
    return datetime.fromisoformat(mine) if mine else _NEVER


def _handed_on(context: Context, rule: TaskRule) -> bool:
    try:
        return bool(rule.handed_on) and context.value(rule.handed_on) is True
    except EngineError:  # it asks for what is not known yet
        return False


def said_last(context: Context, element: str) -> datetime | None:
    """When the words that are a fact now were said, where they were confided."""
    last = _heard(context, element).get(_LAST)
    return datetime.fromisoformat(last) if last else None


def _heard(context: Context, element: str) -> Mapping[str, Any]:
    found = context.facts.get(HEARD)
    return found.get(element, {}) if isinstance(found, dict) else {}
