"""What a claim of a process comes to by the facts as they are: which premises hold, on which days.

Facts change: what a claim rests on is judged when its event is written, and kept with the event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from engine import clock
from engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from engine.definitions.process import Claim
    from engine.instance.context import Context


@dataclass(frozen=True)
class Judged:
    """A claim by the facts: the day of what the premises had to precede, and of each premise
    whether it holds and its day. A day is None where the claim names no fact for it, or none is
    known.
    """

    day: date | None
    given: tuple[tuple[bool, date | None], ...]


def judge(context: Context, claim: Claim) -> Judged:
    """By the facts of now; an expression over facts that are missing does not hold."""
    with context.aside():
        given = tuple((_value(context, n.holds) is True, _day(context, n.on)) for n in claim.needs)
        return Judged(_day(context, claim.on), given)


def kept(context: Context, reached: Collection[str]) -> dict[str, Any]:
    """What the body of an event that reaches these elements keeps: by its place in process.toml
    each claim that one of them is about, as `told` reads it; nothing where none is.
    """
    found = {}
    for place, claim in enumerate(context.process.claims):
        if claim.at & set(reached):
            judged = judge(context, claim)
            given = [[holds, _iso(day)] for holds, day in judged.given]
            found[str(place)] = {"day": _iso(judged.day), "given": given}
    return {"claims": found} if found else {}


def told(body: Mapping[str, Any], place: int) -> Judged | None:
    """The claim at a place as the body of its event keeps it; None in those of before."""
    found = body.get("claims", {}).get(str(place))
    if found is None:
        return None
    given = tuple((bool(holds), _read(day)) for holds, day in found["given"])
    return Judged(_read(found["day"]), given)


def _value(context: Context, expression: str) -> Any:
    try:
        return context.value(expression)
    except EngineError:
        return None


def _day(context: Context, fact: str) -> date | None:
    found = _value(context, fact) if fact else None
    if isinstance(found, datetime):
        return found.astimezone(clock.CHINA).date()
    return _read(str(found)[:10]) if found else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _read(day: str | None) -> date | None:
    try:
        return date.fromisoformat(day) if day else None
    except ValueError:
        return None
