"""Mutants of the law: a number that something uses moves by one, and a story must go otherwise than told.

`make mutants LAW=all` plays, for each number and each process that uses it, the stories that look it up, and stops at the
first that fails. Which one it was stands in killers.toml and is played first the next time. A number that only a shared
decision table counts by is noticed by a case of that table.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from engine import definitions, law, scenarios
from engine.definitions import check
from engine.instance import union_law
from tests.engine import table_cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Engine

HOUSE = Path(__file__).resolve().parents[2]
PROCESSES = HOUSE / "processes"
TABLE = "table: "  # how the cases of a shared decision table are recorded
KILLERS = Path(__file__).with_name("killers.toml")
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


@dataclass(frozen=True)
class Trial:
    """A fault, and the name of a process that uses the rule: its own stories must notice."""

    folder: str
    fault: Moved

    def __str__(self) -> str:
        return f"{self.folder} {self.fault}"


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


def read_folders() -> dict[Path, dict[str, str]]:
    """The files of each process."""
    folders = sorted(path.parent for path in PROCESSES.glob("*/process.toml"))
    return {folder: definitions.read(folder) for folder in folders}


class Theatre:
    """Plays stories of the processes under one law or another."""

    def __init__(self, engine: Engine, known: Mapping[str, str] | None = None) -> None:
        """known: as `recorded` gives it; these stories are played first."""
        self.engine = engine
        self.known = known or {}
        self.book = law.load(PROCESSES / "law")
        self.cast = scenarios.standard(PROCESSES)
        self.files = read_folders()
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

    def kills(self, killer: str, fault: Moved) -> bool:
        """Does this story, or table, as it is recorded notice the fault?"""
        if killer.startswith(TABLE):
            return table_notices(killer.removeprefix(TABLE), fault.book(self.book))
        return self.notices(PROCESSES / killer, fault)

    def killer(self, trial: Trial) -> str | None:
        """What notices first: the one recorded, a story, a table's cases. None: the fault survives."""
        candidates = self._candidates(trial)
        return next((each for each in candidates if self.kills(each, trial.fault)), None)

    def _candidates(self, trial: Trial) -> Iterator[str]:
        known = self.known.get(str(trial), "")
        if known.startswith(TABLE) or (PROCESSES / known).is_file():
            yield known
        stories = scenarios.stories(PROCESSES / trial.folder)
        stories.sort(key=lambda story: _order(story, trial.fault.id))
        yield from (str(story.relative_to(PROCESSES)) for story in stories)
        yield from (TABLE + name for name in table_cases.CASES)


def _order(story: Path, rule: str) -> tuple[bool, bool, int]:
    """Those first that say they prove the rule, then those that name it; the short before the long."""
    text = story.read_text("utf-8")
    proves = text.partition("proves = ")[2].partition("\n")[0]
    said = re.compile(rf"(?<![A-Z-]){re.escape(rule)}(?![A-Z-])")
    return not said.search(proves), not said.search(text), len(text)


def table_notices(name: str, book: law.Rulebook) -> bool:
    """Does a case of the shared decision table fall elsewhere under this law?"""
    with in_force(book):
        return not all(table_cases.holds(name, case) for case in table_cases.CASES[name])


def recorded() -> dict[str, str]:
    """What is known to notice each trial, by its words: a story below processes/, or "table: " and its name."""
    return dict(tomllib.loads(KILLERS.read_text("utf-8"))["killers"])


def record(found: Mapping[str, str], trials: Iterable[str]) -> None:
    """Write down what noticed which, beside what is known; of `trials`, all there are, no other stays."""
    known = {**recorded(), **found}
    lines = [f'"{trial}" = "{known[trial]}"' for trial in sorted(set(trials) & set(known))]
    first = (
        "# Written by `make mutants LAW=...`: process and fault, and what notices it.\n[killers]\n"
    )
    KILLERS.write_text(first + "\n".join(lines) + "\n", "utf-8")


def every_fault(book: law.Rulebook) -> list[Moved]:
    """All mutants of all numbers in use."""
    return [fault for number in numbers(book) for fault in moved(book, number)]


def every_trial(book: law.Rulebook, files: Mapping[Path, dict[str, str]]) -> list[Trial]:
    """All mutants, each with each process that uses its rule. files: as `read_folders` gives them."""
    uses = {folder.name: check.used([read]) for folder, read in files.items()}
    return [
        Trial(folder, fault)
        for fault in every_fault(book)
        for folder, rules in uses.items()
        if fault.id in rules
    ]


def survivors(theatre: Theatre, wanted: Sequence[str]) -> list[Trial]:
    """Plays every mutant of the rules wanted (empty: all in use), records what kills it, prints it, gives what survives."""
    everything = every_trial(theatre.book, theatre.files)
    trials = [trial for trial in everything if not wanted or trial.fault.id in wanted]
    found: dict[str, str | None] = {}
    for trial in trials:
        found[str(trial)] = killer = theatre.killer(trial)
        print(f"{killer or 'SURVIVED':<95} {trial}", flush=True)
    killed = {trial: killer for trial, killer in found.items() if killer}
    record(killed, map(str, everything))
    _print_table(trials, found)
    return [trial for trial in trials if found[str(trial)] is None]


def _print_table(trials: Sequence[Trial], found: Mapping[str, str | None]) -> None:
    """A row for each rule and process: how many of its mutants were killed, and by what."""
    rows: dict[tuple[str, str], list[str | None]] = {}
    for trial in trials:
        rows.setdefault((trial.fault.id, trial.folder), []).append(found[str(trial)])
    for (rule, folder), killers in rows.items():
        by = ", ".join(dict.fromkeys(Path(killer).stem for killer in killers if killer))
        killed = sum(killer is not None for killer in killers)
        print(f"{rule:<20} {folder:<24} {killed} of {len(killers)} killed  {by}")
    print(f"{sum(map(bool, found.values()))} of {len(trials)} mutants killed")
