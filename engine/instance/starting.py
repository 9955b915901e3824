"""The days on which the calendar starts something in a union: for whoever starts it, and whoever
looks ahead.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.definitions.starts import YEAR
from engine.definitions.store import in_force, once_in_force, process_of
from engine.errors import EngineError
from engine.instance.context import Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.starts import StartRule

log = logging.getLogger("yixing.starts")
_definition, _unit = tables.definition.c, tables.unit.c


@dataclass(frozen=True)
class Occasion:
    """A start that falls on a day. `own`: by the version that the union has for itself."""

    union_id: UUID
    process: Process
    rule: StartRule
    day: date
    year: str
    own: bool

    def answers(self, session: Session) -> dict[str, Any]:
        """The answers with which it starts. Raises ProcessFault."""
        context = before_launch(session, self.union_id, self.process)
        told = self.rule.answers.items()
        return {key: context.value(text, {YEAR: self.year}) for key, text in told}


def before_launch(session: Session, union_id: UUID, process: Process) -> Context:
    """What can be asked before there is an instance: days, rules, what other ones say."""
    row: Any = {
        "id": None,
        "facts": {},
        "rounds": {},
        "union_id": union_id,
        "unit_id": union_id,
        "starter_id": None,
        "number": "",
        "title": "",
        "started_at": clock.now(),
    }
    return Context(session, None, row, process)


def unions(session: Session) -> list[UUID]:
    """The unions of the installation that are in use."""
    query = select(_unit.id).where(_unit.id == _unit.union_id, _unit.active).order_by(_unit.id)
    return list(session.execute(query).scalars())


def occasions(session: Session, ids: Iterable[UUID], first: date, last: date) -> Iterator[Occasion]:
    """What falls on one of these days in these unions by the versions in force, but for days before
    a version with this start came into force: nobody starts again what was done before.
    """
    asked = list(ids)
    known = in_force(session, asked)
    for union_id in asked:
        own = {process for process, union in known.own if union == union_id}
        for process_id in sorted(known.common.keys() | own):
            version = known.of(process_id, union_id)
            process = process_of(session, version) if version else None
            for rule in process.starts if process else ():
                assert process is not None
                since = _since(session, process_id, union_id, rule.key)
                context = before_launch(session, union_id, process)
                for day, year in _days(context, rule, max(first, since), last):
                    yield Occasion(
                        union_id=union_id,
                        process=process,
                        rule=rule,
                        day=day,
                        year=year,
                        own=process_id in own,
                    )


def _since(session: Session, process_id: str, union_id: UUID, key: str) -> date:
    """The day on which the first version that starts this came into force."""
    once = once_in_force(process_id, union_id).add_columns(
        _definition.decided_at, _definition.created_at
    )
    found: list[datetime] = []
    for version, _number, decided_at, created_at in session.execute(once).tuples():
        if any(rule.key == key for rule in process_of(session, version).starts):
            found.append(decided_at or created_at)
    return min(map(clock.day_of, found), default=clock.today())


def _days(context: Context, rule: StartRule, first: date, last: date) -> Iterator[tuple[date, str]]:
    """The days of a start within these, each with the year whose day it is: that of the years
    before and after may lie among them. A fault of the folder is logged; others go on.
    """
    seen: set[date] = set()
    for year in map(str, range(first.year - 1, last.year + 2)):
        try:
            day = _day(context, rule, year)
        except (EngineError, ValueError, TypeError):
            log.exception("the day of start %s cannot be computed", rule.key)
            continue
        if day is not None and first <= day <= last and day not in seen:
            seen.add(day)
            yield day, year


def _day(context: Context, rule: StartRule, year: str) -> date | None:
    """The day of a start in a year; None when it has none."""
    with context.aside():  # a day that is computed is no time limit of anything
        told = {YEAR: year}
        if rule.when and not context.value(rule.when, told):
            return None
        found = context.value(rule.on, told)
        day = context.functions()["day"](found) if found is not None else None
    return date.fromisoformat(day) if day else None
