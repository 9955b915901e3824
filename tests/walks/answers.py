"""Answers to a form as somebody might give them: drawn from its fields, and corrected when they are refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engine import clock
from engine.commands import attachments, edge
from engine.instance.choices import choices

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Mapping

    from engine.forms import Form
    from engine.forms.form import Field
    from engine.people.organisation import Actor
    from engine.scenarios.progress import Progress

SHAPED = ("13800000000", "a@b.cn", "20260001", "2026-09-01", "09:00", "001")
DAYS = (
    0,
    0,
    0,
    0,
    -1,
    -3,
    -30,
    1,
    1,
    5,
    9,
    20,
    60,
    400,
)  # from today; most of what is told is of today
WORDS = "依法民主管理，"
FREE = 12  # how far a number without an upper limit goes beyond its lower one
FAR = 500
MOST = 6  # ticks in a list


@dataclass(frozen=True)
class Answers:
    """Draws answers by chance, on the day and from the people of a story."""

    progress: Progress
    chance: random.Random

    def given(self, form: Form | None, actor: Actor) -> dict[str, Any]:
        """Answers to all required fields and to most of the others."""
        asked = form.asked if form else ()
        return self._filled(
            [each for each in asked if each.required or self.chance.random() < 0.75], actor
        )

    def corrected(
        self, form: Form | None, actor: Actor, before: Mapping[str, Any], wrong: Collection[str]
    ) -> dict[str, Any]:
        """The answers before, with the `wrong` fields now left out, now filled otherwise; without names, any half of all."""
        asked = form.asked if form else ()
        again = [
            each for each in asked if (each.key in wrong if wrong else self.chance.random() < 0.5)
        ]
        kept = {key: value for key, value in before.items() if key not in {a.key for a in again}}
        filled = [each for each in again if each.required or self.chance.random() < 0.6]
        return kept | self._filled(filled, actor)

    def _filled(self, asked: Collection[Field], actor: Actor) -> dict[str, Any]:
        found = {each.key: self._one(each, actor) for each in asked}
        return {key: value for key, value in found.items() if value is not None}

    def _one(self, asked: Field, actor: Actor) -> Any:
        match asked.kind:
            case "textfield" | "textarea":
                return self._text(asked)
            case "number":
                return self._number(asked)
            case "select" | "radio":
                return self._choice(self._offered(asked))
            case "checklist":
                return self._ticks(self._offered(asked))
            case "checkbox":
                return self.chance.random() < 0.85
            case "datetime":
                today = clock.day_of(self.progress.now)
                days = 0 if asked.fact else self.chance.choice(DAYS)
                return (today + timedelta(days=days)).isoformat()
            case "filepicker":
                return [self._file(actor)]
        return None

    def _text(self, asked: Field) -> str:
        limits = asked.limits
        if limits.pattern:
            return self.chance.choice(SHAPED)
        least = limits.min_length or 1
        most = min(limits.max_length or least + FREE, max(least, FREE))
        return (WORDS * (most // len(WORDS) + 1))[:most]

    def _number(self, asked: Field) -> int:
        low = asked.limits.minimum or 0
        high = low + FREE if asked.limits.maximum is None else asked.limits.maximum
        return self.chance.randint(low, min(high, low + FAR))

    def _choice(self, offered: list[str]) -> str | None:
        """Any of them; the first, which forms give to the ordinary way, more often than not."""
        if offered and self.chance.random() < 0.5:
            return offered[0]
        return self.chance.choice(offered) if offered else None

    def _ticks(self, offered: list[str]) -> list[str]:
        few = min(len(offered), MOST)
        many = len(offered) if self.chance.random() < 0.3 else self.chance.randint(min(1, few), few)
        return self.chance.sample(offered, many)

    def _offered(self, asked: Field) -> list[str]:
        if not asked.source:
            return [each.value for each in asked.choices]
        offer = choices(self.progress.session, self.progress.world.union_id)
        return [value for value, _ in offer(asked.source)]

    def _file(self, actor: Actor) -> str:
        def upload(session: Any) -> Any:
            return attachments.add(session, actor, "扫描件.pdf", b"%PDF-1.4 scan")

        with clock.set_to(self.progress.now):
            return str(edge.carry_out(self.progress.engine, actor, upload))
