"""What runs of a process, stage by stage with its age; how much each unit or person has; and what
earlier years suggest where something is not decided yet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from statistics import median_low
from typing import TYPE_CHECKING

from engine import clock
from engine.instance.union_law import UnionLaw
from engine.queries import grid as reading
from engine.queries.grid import HANDLER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from engine.calendar import Calendar
    from engine.db import Session
    from engine.definitions import Process
    from engine.people.organisation import Actor
    from engine.queries.grid import Line, Wanted


@dataclass(frozen=True)
class Hint:
    """What the column `title` mostly was in `year` where another column said the same: `said` in
    `n` of `of` matters.
    """

    title: str
    said: str
    year: int
    n: int
    of: int


@dataclass(frozen=True)
class Card:
    """A matter at a stage: for so many working `days`, with whom."""

    line: Line
    who: str
    days: int
    late: bool
    hints: tuple[Hint, ...]


@dataclass(frozen=True)
class Stage:
    """What stands at one step, the longest there first; `median` of the working days."""

    title: str
    cards: tuple[Card, ...]

    @property
    def late(self) -> int:
        return sum(card.late for card in self.cards)

    @property
    def median(self) -> int:
        return median_low([card.days for card in self.cards])


@dataclass(frozen=True)
class Load:
    """What somebody has: so many matters, so many of them late, the longest for so many days."""

    who: str
    count: int
    late: int
    longest: int


@dataclass(frozen=True)
class Board:
    """`version`: that in force. `by`: the column by whose words the loads are told; `ways`: those
    it could be.
    """

    process_id: str
    version: str
    title: str
    stages: tuple[Stage, ...]
    loads: tuple[Load, ...]
    by: str
    ways: tuple[str, ...]
    more: bool

    @property
    def count(self) -> int:
        """How many matters stand on it."""
        return len({card.line.row.id for stage in self.stages for card in stage.cards})


def board(
    session: Session, actor: Actor, process_id: str, wanted: Wanted, by: str = "", lang: str = "zh"
) -> Board:
    """The board of a process. Raises as `grid.grid`."""
    process = reading.process_for(session, actor, process_id)
    every = reading.grid(session, actor, process_id, replace(wanted, said={}, state=""), lang)
    running = replace(wanted, state="running")
    found = [line for line in every.lines if line.waits and reading.holds(line, running)]
    calendar = UnionLaw.of(session, actor.union_id).calendar
    hints = {line.row.id: _hints(process, every.lines, line, lang) for line in found}
    cards = _cards(found, calendar, hints)
    ways = tuple(c.key for c in process.columns if c.filter)
    shown = by if by in ways else HANDLER
    return Board(
        process_id=process_id,
        version=process.hash,
        title=every.title,
        stages=_stages(process, cards, lang),
        loads=_loads([card for each in cards.values() for card in each], shown),
        by=shown,
        ways=ways,
        more=every.more,
    )


def _cards(
    lines: Iterable[Line], calendar: Calendar, hints: Mapping[UUID, tuple[Hint, ...]]
) -> dict[str, list[Card]]:
    """By the title of each step what is open there."""
    found: dict[str, list[Card]] = defaultdict(list)
    now = clock.now()
    for line in lines:
        for open_ in line.waits:
            late = bool(open_.due_at and open_.due_at <= now)
            days = _working(calendar, open_.since, now)
            found[open_.title].append(Card(line, open_.who, days, late, hints[line.row.id]))
    return found


def _working(calendar: Calendar, since: datetime, now: datetime) -> int:
    first: date = clock.day_of(since)
    return calendar.working_days_between(first, clock.day_of(now))


def _stages(process: Process, cards: Mapping[str, list[Card]], lang: str) -> tuple[Stage, ...]:
    """In the order of the diagram; what an older version called otherwise comes last."""
    order = {rule.title.in_(lang): n for n, rule in enumerate(process.tasks.values())}
    titles = sorted(cards, key=lambda title: (order.get(title, len(order)), title))
    return tuple(Stage(title, _oldest_first(cards[title])) for title in titles)


def _oldest_first(cards: Iterable[Card]) -> tuple[Card, ...]:
    return tuple(sorted(cards, key=lambda card: (-card.days, card.line.row.number)))


def _loads(cards: Sequence[Card], by: str) -> tuple[Load, ...]:
    """Each matter once for everybody whom its column names."""
    longest: dict[str, dict[UUID, Card]] = defaultdict(dict)
    for card in sorted(cards, key=lambda card: (card.late, card.days)):
        for who in card.line.of(by):
            longest[who][card.line.row.id] = card
    loads = (
        Load(
            who=who,
            count=len(had),
            late=sum(card.late for card in had.values()),
            longest=max(card.days for card in had.values()),
        )
        for who, had in longest.items()
        if who
    )
    return tuple(sorted(loads, key=lambda load: (-load.count, -load.late, load.who)))


def _hints(process: Process, lines: Iterable[Line], line: Line, lang: str) -> tuple[Hint, ...]:
    """For each column that is still empty and is decided alike where another says the same."""
    found = (
        _hint(column.title.in_(lang), column.key, column.like, lines, line)
        for column in process.columns
        if column.like and not line.of(column.key) and line.of(column.like)
    )
    return tuple(hint for hint in found if hint)


def _hint(title: str, key: str, like: str, lines: Iterable[Line], line: Line) -> Hint | None:
    """From the newest of the earlier years that has any such matter."""
    before: dict[int, Counter[str]] = defaultdict(Counter)
    for other in lines:
        year = clock.day_of(other.row.started_at).year
        if other.of(like) == line.of(like) and other.of(key):
            before[year][other.of(key)[0]] += 1
    this = clock.day_of(line.row.started_at).year
    years = [year for year in before if year < this]
    if not years:
        return None
    year = max(years)
    ((said, n),) = before[year].most_common(1)
    return Hint(title, said, year, n, before[year].total())
