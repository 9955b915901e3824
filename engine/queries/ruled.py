"""The rules behind a vote or a quorum as a page shows them: in words with their numbers, source,
article and confidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import expressions
from engine.errors import EngineError
from engine.instance.union_law import rulebook
from engine.law.rules import amount_words
from engine.messages import Both

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from engine.definitions.words import Words
    from engine.instance.union_law import UnionLaw
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


def rulings(law: UnionLaw, on: date, text: str, asked: Iterable[str] = ()) -> dict[str, Ruling]:
    """What the rules mean to a union that the expressions `asked` name, or that stand as {RULE-ID}
    in `text`.
    """
    named = [
        str(arguments[0])
        for expression in asked
        if expression
        for name, arguments in expressions.calls_in(expression)
        if name in ASKS and arguments
    ]
    named += [key for key in rulebook().ids if f"{{{key}}}" in text]
    found = {}
    for key in dict.fromkeys(named):
        try:
            found[key] = law.ruling(key, on)
        except EngineError:  # unknown on this day or in this place: a command says so if it matters
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


def filled(text: str, known: Mapping[str, Ruling], frozen: Mapping[str, int], lang: str) -> str:
    """Words with numbers in the place of {RULE-ID}: those that were frozen, else those of the
    rules.
    """
    for key, number in frozen.items():
        text = text.replace(f"{{{key}}}", str(number))
    for key, ruling in known.items():
        text = text.replace(f"{{{key}}}", _amount(ruling, lang))
    return text


def told(words: Words | None, numbers: Mapping[str, object]) -> Both:
    """The rule of a poll as people say it, with the numbers that held when it was put; never as an
    expression.

    A number that an older event does not hold is called by the name of its rule.
    """
    return Both(*(_told(words.in_(lang) if words else "", numbers, lang) for lang in ("zh", "en")))


def _told(text: str, numbers: Mapping[str, object], lang: str) -> str:
    book = rulebook()
    named = [key for key in book.ids if key in numbers or f"{{{key}}}" in text]
    rules = {key: book.get(key)[0] for key in named}
    titles = {key: r.title_en if lang == "en" else r.title for key, r in rules.items()}
    if not text:
        return "; ".join(f"{titles.get(key, key)} {number}" for key, number in numbers.items())
    for key in titles:
        text = text.replace(f"{{{key}}}", str(numbers.get(key, titles[key])))
    return text


def _amount(ruling: Ruling, lang: str) -> str:
    """2/3, 60%, 10 个工作日: the amount alone, as the words around it say of what."""
    amount = ruling.value if ruling.value is not None else ruling.share
    if amount is None:
        return ""
    return amount_words(amount, ruling.unit, "", 1 if lang.startswith("en") else 0)
