"""How many a file brings to each unit, against how many it has of the term before."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from engine.commands.people import terms
from engine.db import tables
from engine.people import spelling

if TYPE_CHECKING:
    from uuid import UUID

    from engine.commands.imports.lines import Line
    from engine.db import Session


class Total(NamedTuple):
    """A unit: how many it had in the term before, and has in the file."""

    unit: str
    before: int
    now: int


def of(session: Session, union_id: UUID, lines: list[Line]) -> tuple[Total, ...]:
    """By unit, those whose number changes first; rows with errors are counted where their unit is
    known.
    """
    now = Counter(line.unit for line in lines if line.unit)
    named = {spelling.term(str(line.plan.get("term", ""))) for line in lines} - {""}
    before = _before(session, union_id, named)
    found = [Total(unit, before[unit], now[unit]) for unit in sorted(now.keys() | before.keys())]
    return tuple(sorted(found, key=lambda total: total.before == total.now))


def _before(session: Session, union_id: UUID, named: set[str]) -> Counter[str]:
    """The people by category of each unit in the latest term that is none of these."""
    post, unit = tables.post.c, tables.unit.c
    here = (
        select(unit.name, post.term, func.count(), func.max(post.from_on))
        .join(tables.unit, unit.id == post.unit_id)
        .where(unit.union_id == union_id, post.kind.in_(terms.by_category()))
        .group_by(unit.name, post.term)
    )
    rows = [row for row in session.execute(here) if spelling.term(row[1]) not in named]
    latest = max(rows, key=lambda row: row[3], default=None)
    if latest is None:
        return Counter()
    last = spelling.term(latest[1])
    found: Counter[str] = Counter()
    for name, term, count, _from in rows:
        if spelling.term(term) == last:
            found[name] += count
    return found
