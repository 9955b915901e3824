"""The rules behind a vote or a quorum as a page shows them: in words with their numbers, source, article and confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import expressions
from engine.errors import EngineError
from engine.instance.union_law import UnionLaw, rulebook
from engine.law.rules import amount_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from uuid import UUID

    from engine.db import Session
    from engine.law import Ruling

ASKS = expressions.RULE_READERS


@dataclass(frozen=True)
class Ruled:
    """One rule: `words` is one sentence with source and article."""

    id: str
    words: str
    confidence: str
    level: str
    valid_from: date | None = None
    valid_to: date | None = None


def rulings(
    session: Session, union_id: UUID, on: date, said: str, asked: Iterable[str]
) -> dict[str, Ruling]:
    """What the rules mean to a union that the expressions `asked` name, or that stand as {RULE-ID} in the words `said`."""
    named = [
        str(a[0])
        for text in asked
        if text
        for name, a in expressions.calls_in(text)
        if name in ASKS and a
    ]
    named += [key for key in rulebook().ids if f"{{{key}}}" in said]
    around, found = UnionLaw(session, union_id), {}
    for key in dict.fromkeys(named):
        try:
            found[key] = around.ruling(key, on)
        except (
            EngineError
        ):  # a rule that this day or place does not know; the command says so when it matters
            continue
    return found


def cited(known: Mapping[str, Ruling], lang: str) -> tuple[Ruled, ...]:
    """The rules, each as one sentence."""
    return tuple(
        Ruled(key, r.words(lang), r.confidence, r.level, *valid(r)) for key, r in known.items()
    )


def valid(ruling: Ruling) -> tuple[date | None, date | None]:
    """The first and the last day of what holds: the union's own value, or the rule."""
    held = ruling.setting or ruling.rule
    return held.valid_from, held.valid_to


def filled(said: str, known: Mapping[str, Ruling], frozen: Mapping[str, int], lang: str) -> str:
    """Words with numbers in the place of {RULE-ID}: those that were frozen, else those of the rules."""
    for key, number in frozen.items():
        said = said.replace(f"{{{key}}}", str(number))
    for key, ruling in known.items():
        said = said.replace(f"{{{key}}}", _amount(ruling, lang))
    return said


def _amount(ruling: Ruling, lang: str) -> str:
    """2/3, 60%, 10 个工作日: the amount alone, as the words around it say of what."""
    amount = ruling.value if ruling.value is not None else ruling.share
    return (
        ""
        if amount is None
        else amount_words(amount, ruling.unit, "", 1 if lang.startswith("en") else 0)
    )
