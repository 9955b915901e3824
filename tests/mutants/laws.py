"""Mutants of the law: a number that something uses moves by one, and a story must go otherwise than told.

`make mutants LAW=all` plays, for each number, the stories that look it up, and stops at the first that fails.
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from engine import definitions, law, scenarios
from engine.definitions import check
from engine.instance import union_law

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Engine

HOUSE = Path(__file__).resolve().parents[2]
PROCESSES = HOUSE / "processes"
_TODAY = date(2026, 3, 2)  # most stories play in that spring
_STRICTER = {">=": ">", ">": ">="}  # the border itself: a majority is not a half
_CITIES = ("", "杭州", "宁波")


@dataclass(frozen=True)
class Moved:
    """All entries of law of one rule that say the same, with another number or border in their place."""

    id: str
    before: tuple[law.Rule, ...]
    after: tuple[law.Rule, ...]

    def __str__(self) -> str:
        return f"{self.id}: {_said(self.before[0])} -> {_said(self.after[0])}"

    def book(self, book: law.Rulebook) -> law.Rulebook:
        """The rulebook with this one fault in it."""
        swapped = dict(zip(self.before, self.after, strict=True))
        rules = [swapped.get(rule, rule) for rule in book.rules]
        return law.Rulebook(rules, book.places, book.subjects)


def _said(rule: law.Rule) -> str:
    amount = rule.value if rule.value is not None else f"{rule.numerator}/{rule.denominator}"
    return f"{rule.op} {amount} {rule.unit}"


def numbers(book: law.Rulebook) -> list[tuple[law.Rule, ...]]:
    """The numbers of law that are in use: entries of one rule that say the same stand together."""
    entries = [
        rule
        for rule in book.rules
        if rule.level == "LAW" and rule.op != "must" and not rule.unused and rule.valid_to is None
    ]
    entries.sort(key=lambda rule: (rule.id, _said(rule)))
    groups = itertools.groupby(entries, key=lambda rule: (rule.id, _said(rule)))
    return [tuple(group) for _, group in groups]


def moved(book: law.Rulebook, number: tuple[law.Rule, ...]) -> list[Moved]:
    """The number one less, one more, and at its other border; without what changes nothing anywhere.

    Where another source is stricter anyway, a looser number beside it holds for nobody.
    """
    first = number[0]
    faults = [Moved(first.id, number, tuple(map(_by(step), number))) for step in (-1, 1)]
    if first.op in _STRICTER:
        crossed = tuple(replace(rule, op=_STRICTER[rule.op]) for rule in number)
        faults.append(Moved(first.id, number, crossed))
    return [fault for fault in faults if _holds(fault.book(book), book, first.id)]


def _by(step: int) -> Callable[[law.Rule], law.Rule]:
    def move(rule: law.Rule) -> law.Rule:
        if rule.value is not None:
            return replace(rule, value=max(0, rule.value + step))
        assert rule.numerator is not None
        return replace(rule, numerator=rule.numerator + step)

    return move


def _holds(one: law.Rulebook, other: law.Rulebook, rule: str) -> bool:
    """Whether the two say different things of the rule in some city."""
    return any(_ruled(one, rule, city) != _ruled(other, rule, city) for city in _CITIES)


def _ruled(book: law.Rulebook, rule: str, city: str) -> object:
    places = book.jurisdictions(city)
    if not book.in_force(rule, _TODAY, places):
        return None
    found = book.ruling(rule, _TODAY, places)
    limits = [(limit.amount, limit.unit, limit.op) for limit in found.limits]
    return found.value, found.share, found.op, limits


@contextmanager
def in_force(book: law.Rulebook) -> Iterator[None]:
    """Meanwhile this is the law of the installation."""
    kept = union_law._rulebook
    union_law._rulebook = lambda processes: book  # type: ignore[assignment]
    try:
        yield
    finally:
        union_law._rulebook = kept


class _Watched(law.Rulebook):
    """Remembers which rules were looked up."""

    def __init__(self, book: law.Rulebook) -> None:
        super().__init__(book.rules, book.places, book.subjects)
        self.asked: set[str] = set()

    def get(self, id: str) -> tuple[law.Rule, ...]:
        self.asked.add(id)
        return super().get(id)


class Theatre:
    """Plays stories of the processes under one law or another."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.book = law.load(PROCESSES / "law")
        self.cast = scenarios.standard(PROCESSES)
        folders = sorted(path.parent for path in PROCESSES.glob("*/process.toml"))
        self.files = {folder: definitions.read(folder) for folder in folders}
        self.asked: dict[Path, set[str]] = {}  # of stories that went as told: the rules looked up
        self.sound: set[Path] = set()  # those known to go as told under the law as it is

    def fails(self, story: Path, book: law.Rulebook) -> bool:
        """Does the story go otherwise than told? What it looks up when it does not is remembered."""
        watched, folder = _Watched(book), story.parent.parent
        with in_force(watched):
            ok = scenarios.play(self.engine, story, self.files[folder], self.cast).ok
        if ok:
            self.asked[story] = watched.asked
        return not ok

    def notices(self, story: Path, fault: Moved) -> bool:
        """Does the story fail for this fault? Whatever never looks the rule up is not played again.

        AssertionError: it fails without the fault too.
        """
        if fault.id not in self.asked.get(story, {fault.id}):
            return False
        if not self.fails(story, fault.book(self.book)):
            return False
        if story not in self.sound:
            assert not self.fails(story, self.book), f"{story} fails without a mutant"
            self.sound.add(story)
        return True

    def killer(self, fault: Moved) -> Path | None:
        """The first story that notices; those first that say they prove the rule. None: it survives."""
        folders = [f for f, files in self.files.items() if fault.id in check.used([files])]
        stories = [story for folder in folders for story in scenarios.stories(folder)]
        stories.sort(key=lambda story: _order(story, fault.id))
        return next((story for story in stories if self.notices(story, fault)), None)


def _order(story: Path, rule: str) -> tuple[bool, int]:
    text = story.read_text("utf-8")
    return f"{rule}:" not in text and rule not in text, len(text)


def survivors(theatre: Theatre, wanted: Sequence[str]) -> list[Moved]:
    """Plays every mutant of the rules wanted (empty: all in use), says what kills it, gives what survives."""
    chosen = [n for n in numbers(theatre.book) if not wanted or n[0].id in wanted]
    faults = [fault for number in chosen for fault in moved(theatre.book, number)]
    alive = []
    for fault in faults:
        killer = theatre.killer(fault)
        print(f"{killer.stem if killer else 'SURVIVED':<60} {fault}", flush=True)
        if killer is None:
            alive.append(fault)
    print(f"{len(faults) - len(alive)} of {len(faults)} mutants of {len(chosen)} numbers killed")
    return alive
