"""A deadline in words: how long is left in working days, how it was computed, and the rule behind
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engine import clock
from engine.instance.union_law import rulebook
from engine.messages import restored
from engine.queries.ruled import valid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from engine.instance.union_law import UnionLaw


@dataclass(frozen=True)
class Deadline:
    """`working_left` and `days_left` are negative when it has passed; `rule` is one sentence with
    source and confidence.
    """

    at: datetime
    on: str
    working_left: int
    days_left: int
    provisional: bool
    extended: bool
    steps: tuple[str, ...]
    rule_id: str
    rule: str
    confidence: str
    level: str
    valid_from: date | None
    valid_to: date | None


def deadline(
    law: UnionLaw,
    decisive_on: date,
    due_at: datetime | None,
    due: Mapping[str, Any] | None,
    lang: str = "zh",
) -> Deadline | None:
    """What a page says about a deadline; None when there is none. `due`: how it was computed, see
    tables.task.
    """
    if due_at is None:
        return None
    computed = due or {}
    working, days = law.calendar.remaining(clock.now(), due_at)
    last = computed.get("on") or clock.day_of(due_at - timedelta(microseconds=1))
    rule_id = str(computed.get("rule", ""))
    ruling = law.ruling(rule_id, decisive_on) if rule_id in rulebook().ids else None
    valid_from, valid_to = valid(ruling) if ruling else (None, None)
    return Deadline(
        at=due_at,
        on=str(last),
        working_left=working,
        days_left=days,
        provisional=bool(computed.get("provisional")),
        extended=bool(computed.get("extended")),
        steps=_steps(computed, lang),
        rule_id=rule_id,
        rule=ruling.words(lang) if ruling else "",
        confidence=ruling.confidence if ruling else "",
        level=ruling.level if ruling else "",
        valid_from=valid_from,
        valid_to=valid_to,
    )


def _steps(about: Mapping[str, Any], lang: str) -> tuple[str, ...]:
    """How it was computed; older deadlines kept finished sentences, in both languages."""
    steps_en = about.get("steps_en") if lang == "en" else None
    return tuple(restored(step) for step in steps_en or about.get("steps", ()))
