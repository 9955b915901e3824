"""A year of a union in numbers, without persons: the matters of a process that ended, by kind and
outcome, with the days they took.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date as day_of
from datetime import datetime, time
from statistics import median_low
from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from engine import clock
from engine.db import tables
from engine.db.states import FINAL
from engine.definitions.store import process_of
from engine.instance.union_law import UnionLaw, rulebook
from engine.people import access
from engine.queries.words import Named, about

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.process import Statistics
    from engine.people.organisation import Actor

SMALL = "STAT-SMALL"  # the rule of how large a group has to be to show its numbers
_instance = tables.instance.c
_Told = tuple[str, str, int]  # kind, outcome, days


@dataclass(frozen=True)
class Group:
    """Matters of a kind with an outcome. `count` and `days` (the median, from launch to end): None
    of fewer than the rule asks for.
    """

    kind: str
    outcome: str
    count: int | None
    days: int | None


@dataclass(frozen=True)
class Figures:
    """The matters of a process that ended in a year. `total`: None where it would tell how large
    the groups are that show no number.
    """

    process: str
    title: str
    groups: tuple[Group, ...]
    total: int | None


@dataclass(frozen=True)
class Yearly:
    """`least`: how many matters a group has at least to show its numbers; None where no rule says
    (then none shows any) or there is no group.
    """

    year: int
    least: int | None
    figures: tuple[Figures, ...]


def yearly(session: Session, actor: Actor, union_id: UUID, year: int, lang: str = "zh") -> Yearly:
    """The numbers of each process that declares `[statistics]`, its confidential matters included:
    they name nobody. Raises NotFound, Refused when the histories of the union are not theirs to
    read.
    """
    access.check_own(actor, "read_history", union_id)
    told: dict[str, list[_Told]] = defaultdict(list)
    titles: dict[str, str] = {}
    ended = and_(_instance.union_id == union_id, _instance.state.in_(FINAL), _in(year))
    for version in session.execute(select(_instance.version).where(ended).distinct()).scalars():
        process = process_of(session, version)
        if process.statistics:
            titles[process.id] = process.title.in_(lang)
            of_version = and_(ended, _instance.version == version)
            told[process.id] += _told(session, process, process.statistics, of_version, lang)
    if not told:
        return Yearly(year, None, ())
    least = _least(UnionLaw.of(session, union_id))
    figures = (_figures(key, titles[key], each, least) for key, each in sorted(told.items()))
    return Yearly(year, least, tuple(figures))


def _least(law: UnionLaw) -> int | None:
    if SMALL not in rulebook().ids:  # an installation with rules of its own, older than this
        return None
    return int(law.ruling(SMALL, clock.today()).value or 1)


def _in(year: int) -> ColumnElement[bool]:
    first, after = (
        datetime.combine(day_of(y, 1, 1), time(), clock.CHINA) for y in (year, year + 1)
    )
    return and_(_instance.ended_at >= first, _instance.ended_at < after)


def _told(
    session: Session, process: Process, rule: Statistics, ended: ColumnElement[bool], lang: str
) -> list[_Told]:
    """Each matter, in the words of its version; what was erased says neither kind nor outcome."""
    kind, outcome = (_instance.facts[tuple(f.split("."))].astext for f in (rule.kind, rule.outcome))
    query = select(kind, outcome, _instance.started_at, _instance.ended_at).where(ended)
    nobody = Named({})

    def named(code: str | None) -> str:
        found = about(process, [(rule.kind, code)], nobody, lang).all if code else ()
        return found[0].text if found else ""

    def came_to(code: str | None) -> str:
        words = rule.outcomes.get(code or "")
        return words.in_(lang) if words else ""

    return [
        (named(row[0]), came_to(row[1]), (clock.day_of(row[3]) - clock.day_of(row[2])).days)
        for row in session.execute(query)
    ]


def _figures(process: str, title: str, told: Iterable[_Told], least: int | None) -> Figures:
    took: dict[tuple[str, str], list[int]] = defaultdict(list)
    for kind, outcome, days in told:
        took[kind, outcome].append(days)
    groups = tuple(_group(*key, days, least) for key, days in sorted(took.items()))
    sizes = [len(days) for days in took.values()]
    silent = sum(size for size in sizes if least and size < least)
    shows = least is not None and not 0 < silent < least
    return Figures(process, title, groups, sum(sizes) if shows else None)


def _group(kind: str, outcome: str, days: list[int], least: int | None) -> Group:
    if least is None or len(days) < least:
        return Group(kind, outcome, None, None)
    return Group(kind, outcome, len(days), median_low(days))
