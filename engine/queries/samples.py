"""A year of a union for its auditor: what each matter has to show, each vote with its quorum, and
what did not go the usual way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from engine import clock
from engine.db import tables
from engine.definitions.store import process_of
from engine.instance.context import COLUMNS, context_from
from engine.people import access
from engine.queries import claims, unusual
from engine.queries.history import read_body
from engine.queries.unusual import Matter, Unusual

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session
    from engine.definitions.words import Words
    from engine.people.organisation import Actor

MOST = 300  # lines of a table: the newest
_event, _instance, _poll = tables.event.c, tables.instance.c, tables.poll.c
_LOUD = ("presence_noted", "poll_answered")  # many, and no answer rests on them alone


@dataclass(frozen=True)
class Shown:
    """A claim of a matter, answered."""

    matter: Matter
    answer: claims.Answer


@dataclass(frozen=True)
class Voted:
    """A vote of a matter. `over`: how many more were there, at the fewest, than had to be."""

    matter: Matter
    title: Words
    vote: claims.Vote

    @property
    def over(self) -> int | None:
        """None of a vote that was not held under a meeting."""
        least, needed = (self.vote.outcome.get(k) for k in ("present_least", "present_needed"))
        return least - needed if isinstance(least, int) and isinstance(needed, int) else None


@dataclass(frozen=True)
class Sample:
    """`unusual`: what did not go the usual way; `repairs`: where the history itself goes on from
    something else than what came before. `cut`: there are more than are shown.
    """

    year: int
    shown: tuple[Shown, ...]
    voted: tuple[Voted, ...]
    unusual: tuple[Unusual, ...]
    repairs: tuple[Unusual, ...]
    cut: bool

    @property
    def closest(self) -> Shown | None:
        """The claim that holds with the fewest days to spare."""
        dated = (s for s in self.shown if s.answer.verdict == "yes" and s.answer.spare is not None)
        return min(dated, key=lambda s: s.answer.spare or 0, default=None)

    @property
    def tightest(self) -> Voted | None:
        """The vote with the fewest people above its quorum."""
        held = (v for v in self.voted if v.over is not None and v.vote.void is None)
        return min(held, key=lambda v: v.over or 0, default=None)


def sample(session: Session, actor: Actor, union_id: UUID, year: int) -> Sample:
    """The matters begun, the votes closed and what went another way in a year (in China), of what
    this actor may see, newest first. Raises Refused when the histories of the union are not theirs
    to read.
    """
    access.check_own(actor, "read_history", union_id)
    theirs = and_(_instance.union_id == union_id, access.visible(actor))
    shown, more = _claims(session, actor, theirs, year)
    voted, others = _votes(session, theirs, year)
    when = _within(_event.at, year)
    odd = unusual.of_matters(session, actor, theirs, when)
    repairs = unusual.of_history(session, when)
    cut = more or others or len(odd) == unusual.MOST
    return Sample(year, shown, voted, odd, repairs, cut=cut)


def _within(column: ColumnElement[datetime], year: int) -> ColumnElement[bool]:
    starts = (datetime.combine(date(y, 1, 1), time(), clock.CHINA) for y in (year, year + 1))
    first, after = starts
    return and_(column >= first, column < after)


def _claims(
    session: Session, actor: Actor, theirs: ColumnElement[bool], year: int
) -> tuple[tuple[Shown, ...], bool]:
    begun = and_(theirs, _within(_instance.started_at, year))
    versions = session.execute(select(_instance.version).where(begun).distinct()).scalars()
    asked = [each for each in versions if process_of(session, each).claims]
    query = select(*COLUMNS).where(begun, _instance.version.in_(asked))
    rows = session.execute(query.order_by(_instance.started_at.desc()).limit(MOST + 1)).all()
    contexts = [context_from(session, actor, tuple(row)) for row in rows[:MOST]]
    told = _bodies(session, [context.row["id"] for context in contexts])
    shown = tuple(
        Shown(Matter(row["id"], row["number"], row["title"]), answer)
        for context in contexts
        for row in (context.row,)
        for answer in claims.answers(context, told.get(row["id"], ()))
    )
    return shown, len(rows) > MOST


def _votes(
    session: Session, theirs: ColumnElement[bool], year: int
) -> tuple[tuple[Voted, ...], bool]:
    closed = (
        select(_poll.id, _instance.id, _instance.number, _instance.title, _instance.version)
        .select_from(tables.poll.join(tables.instance, _poll.instance_id == _instance.id))
        .where(theirs, _poll.kind.in_(claims.VOTES), _within(_poll.closed_at, year))
        .order_by(_poll.closed_at.desc(), _poll.id.desc())
        .limit(MOST + 1)
    )
    rows = session.execute(closed).all()
    told = _bodies(session, {row[1] for row in rows[:MOST]}, claims.OF_VOTES)
    found = (_voted(session, told.get(row[1], ()), *row) for row in rows[:MOST])
    return tuple(each for each in found if each is not None), len(rows) > MOST


def _voted(
    session: Session, bodies: Iterable[Mapping[str, Any]], poll: UUID, *matter: Any
) -> Voted | None:
    """A vote as its events tell it; None of one that nothing came of."""
    *about, version = matter
    process, own = process_of(session, version), [b for b in bodies if b.get("poll") == str(poll)]
    for vote in claims.votes(process, own):
        return Voted(Matter(*about), process.tasks[vote.element].title, vote)
    return None


def _bodies(
    session: Session, ids: Iterable[UUID], kinds: Sequence[str] = ()
) -> dict[UUID, list[Mapping[str, Any]]]:
    """The events of these instances, oldest first: of these kinds, or all but the loud ones."""
    wanted = _event.kind.in_(kinds) if kinds else _event.kind.not_in(_LOUD)
    query = select(_event.instance_id, _event.body).where(_event.instance_id.in_(ids), wanted)
    found: dict[UUID, list[Mapping[str, Any]]] = {}
    for row in session.execute(query.order_by(_event.instance_id, _event.seq)):
        found.setdefault(row.instance_id, []).append(read_body(row.body))
    return found
