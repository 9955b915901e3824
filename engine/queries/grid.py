"""The table of a process: all instances of a filter that somebody may see, with the columns that
the process declares, and what of each is this person's own to do.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, or_, select

from engine import clock
from engine.db import tables
from engine.db.states import InstanceState, TaskState
from engine.definitions.store import in_force, process_of
from engine.people import access
from engine.people.ordering import on_screen
from engine.queries import cells
from engine.queries import instances as lists
from engine.queries.standing import standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from engine.db import Session
    from engine.definitions import Process
    from engine.people.organisation import Actor
    from engine.queries.standing import Standing

MOST = 1000  # lines of a table; of more, the newest
_instance, _task, _held = tables.instance.c, tables.task.c, tables.held_act.c
STAGE, HANDLER = "stage", "who"  # columns of every table that can be narrowed
URGED = "urged"  # one that says how often who has it was urged
SORTS = (
    "number",
    "title",
    STAGE,
    HANDLER,
    URGED,
    "due",
    "started",
    "ended",
)  # besides the declared ones


@dataclass(frozen=True)
class Wanted:
    """Which lines, in which order. `said`: a column's key -> what must stand in it; `sort`: a
    column's key, with "-" before it from the last to the first; "" by lateness.
    """

    words: str = ""
    state: str = ""
    overdue: bool = False
    said: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""


@dataclass(frozen=True)
class Own:
    """A task of a line that this person may do now. `alike`: does the process allow one act over
    several of it?
    """

    id: UUID
    element: str
    title: str
    alike: bool


@dataclass(frozen=True)
class Line:
    """An instance in the table. `cells`: what each declared column says, several things in it
    apart; `waits`: what is open in it, soonest due first.
    """

    row: lists.Row
    cells: Mapping[str, tuple[str, ...]]
    waits: tuple[Standing, ...]
    own: tuple[Own, ...]

    @property
    def due_at(self) -> datetime | None:
        """When the next thing in it is due."""
        return min((each.due_at for each in self.waits if each.due_at), default=None)

    @property
    def late(self) -> bool:
        """Does somebody in it have something to do that is overdue?"""
        return self.row.state == InstanceState.RUNNING and bool(
            self.due_at and self.due_at <= clock.now()
        )

    def of(self, column: str) -> tuple[str, ...]:
        """What stands in a column, be it declared or one of every table."""
        row = self.row
        if column == STAGE:
            return row.stage if row.ended_at is None else (row.outcome_title,)
        if column == HANDLER:
            return tuple(dict.fromkeys(each.who for each in self.waits))
        if column == URGED:
            times = max((len(each.urged) for each in self.waits), default=0)
            return (str(times),) if times else ()
        plain = {"number": row.number, "title": row.title}
        days = {"due": self.due_at, "started": row.started_at, "ended": row.ended_at}
        if column in days:
            at = days[column]
            return (at.isoformat(),) if at else ()
        return (plain[column],) if column in plain else self.cells.get(column, ())


@dataclass(frozen=True)
class Column:
    """A declared column. `offers`: what it can be narrowed to, with how many lines each."""

    key: str
    title: str
    offers: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Grid:
    """The table. `offers`: what the columns of every table can be narrowed to; `kinds`: the tasks
    of this person in its lines, "process.element" -> title and number, those that one act may do;
    `more`: there are more lines than a table holds; `of`: how many before columns narrowed it;
    `apart`: the confidential ones of the filter that this person sees, which stand in no table.
    """

    process_id: str
    title: str
    columns: tuple[Column, ...]
    offers: Mapping[str, tuple[tuple[str, int], ...]]
    lines: tuple[Line, ...]
    of: int
    late: int
    more: bool
    apart: tuple[UUID, ...]

    @property
    def kinds(self) -> dict[str, tuple[str, int]]:
        """The kinds of tasks that one act may do several of: their titles and how many."""
        mine = [own for line in self.lines for own in line.own if own.alike]
        counts, titles = Counter(each.element for each in mine), {e.element: e.title for e in mine}
        return {f"{self.process_id}.{key}": (titles[key], n) for key, n in counts.items()}


def grid(session: Session, actor: Actor, process_id: str, wanted: Wanted, lang: str = "zh") -> Grid:
    """The table of a process. Raises NotFound for one that is not in force where this person
    belongs, Invalid for a wrong filter.
    """
    process = process_for(session, actor, process_id)
    found, more = _rows(session, actor, process_id, wanted, lang)
    every = _lines(session, actor, process, found, lang)
    kept = [line for line in every if holds(line, wanted)]
    return Grid(
        process_id=process_id,
        title=process.title.in_(lang),
        columns=tuple(
            Column(c.key, c.title.in_(lang), _offers(every, c.key) if c.filter else ())
            for c in process.columns
        ),
        offers={key: _offers(every, key) for key in (STAGE, HANDLER)},
        lines=tuple(_sorted(kept, wanted.sort)),
        of=len(every),
        late=sum(line.late for line in kept),
        more=more,
        apart=tuple({row.id for row in found} - {line.row.id for line in every}),
    )


def columns(session: Session, actor: Actor, process_id: str, lang: str = "zh") -> dict[str, str]:
    """The keys of the declared columns with their titles. Raises as `grid`."""
    process = process_for(session, actor, process_id)
    return {column.key: column.title.in_(lang) for column in process.columns}


def must_be(session: Session, actor: Actor, process_id: str) -> None:
    """Raise NotFound when there is no table of this process for this person."""
    process_for(session, actor, process_id)


def process_for(session: Session, actor: Actor, process_id: str) -> Process:
    """The version whose columns the table has: that of the union in which this person belongs."""
    known = in_force(session, [actor.union_id], process_id)
    return process_of(session, access.must_see(known.of(process_id, actor.union_id)))


def processes(session: Session, actor: Actor, lang: str = "zh") -> tuple[tuple[str, str], ...]:
    """The processes in force where this person belongs that declare columns: ids and titles."""
    known = in_force(session, [actor.union_id])
    keys = sorted({*known.common, *(key for key, _union in known.own)})
    versions = ((key, known.of(key, actor.union_id)) for key in keys)
    found = [(key, process_of(session, version)) for key, version in versions if version]
    return tuple((key, process.title.in_(lang)) for key, process in found if process.columns)


def _rows(
    session: Session, actor: Actor, process_id: str, wanted: Wanted, lang: str
) -> tuple[list[lists.Row], bool]:
    """The rows of the list, as far as a table goes, and whether there are more."""
    asked = lists.Wanted(
        words=wanted.words or None,
        process=process_id,
        state=wanted.state or None,
        overdue=wanted.overdue,
    )
    rows: list[lists.Row] = []
    after: str | None = ""
    while after is not None and len(rows) < MOST:
        page = lists.instances(
            session, actor, asked, after=after or None, limit=lists.MOST, lang=lang
        )
        rows += page.items
        after = page.next
    return rows[:MOST], after is not None


# --- lines ----------------------------------------------------------------------------------------
def _lines(
    session: Session, actor: Actor, process: Process, rows: Sequence[lists.Row], lang: str
) -> list[Line]:
    """Each row with its cells. Confidential matters stand in no table."""
    told = {row.id: row for row in _facts(session, [row.id for row in rows])}
    shown = [row for row in rows if row.id in told]
    ids = [row.id for row in shown]
    waits, own = standing(session, ids, lang), _own(session, actor, ids, lang)
    said = cells.of(session, actor, process.columns, list(told.values()), lang)
    return [
        Line(
            row,
            said[row.id],
            waits.get(row.id, ()) if row.state == InstanceState.RUNNING else (),
            own.get(row.id, ()),
        )
        for row in shown
    ]


def _facts(session: Session, ids: Sequence[UUID]) -> Sequence[Any]:
    """What the cells of these instances are told from."""
    query = select(
        _instance.id, _instance.version, _instance.facts, _instance.unit_id, _instance.starter_id
    ).where(_instance.id.in_(ids), ~_instance.confidential)
    return session.execute(query).all()


def _own(
    session: Session, actor: Actor, ids: Sequence[UUID], lang: str
) -> dict[UUID, tuple[Own, ...]]:
    """The open tasks in these instances that are this person's, or of a seat of theirs that nobody
    has taken, and that they have not done already.
    """
    mine = or_(
        _task.assignee_id == actor.id,
        and_(_task.assignee_id.is_(None), _task.seat.in_(sorted(actor.seats))),
    )
    done = select(_held.task_id).where(
        _held.task_id == _task.id, _held.member_id == actor.id, _held.why.is_(None)
    )
    query = (
        select(_task.id, _task.element, _task.instance_id, _instance.version)
        .join(tables.instance, _instance.id == _task.instance_id)
        .where(_task.instance_id.in_(ids), _task.state == TaskState.OPEN, mine, ~done.exists())
        .where(_instance.state == InstanceState.RUNNING)
        .order_by(_task.id)
    )
    found: dict[UUID, tuple[Own, ...]] = {}
    for row in session.execute(query):
        rule = process_of(session, row.version).tasks[row.element]
        if rule.poll is None:
            own = Own(row.id, row.element, rule.title.in_(lang), rule.batch)
            found[row.instance_id] = (*found.get(row.instance_id, ()), own)
    return found


# --- narrowing and order --------------------------------------------------------------------------
def holds(line: Line, wanted: Wanted) -> bool:
    """Does each column say what it is narrowed to?"""
    return all(value in line.of(column) for column, value in wanted.said.items() if value)


def _offers(lines: Iterable[Line], column: str) -> tuple[tuple[str, int], ...]:
    counted = Counter(part for line in lines for part in line.of(column) if part)
    return tuple(on_screen(counted.items(), lambda pair: pair[0]))


def _sorted(lines: Sequence[Line], sort: str) -> list[Line]:
    """By a column, what is empty last; else what is late or due first, then the newest."""
    if not sort:
        far = clock.now().replace(year=9999)
        return sorted(lines, key=lambda line: line.due_at or far)
    key = sort.removeprefix("-")
    known = [line for line in lines if line.of(key)]
    ordered = _ordered(known, lambda line: "、".join(line.of(key)))
    if sort.startswith("-"):
        ordered.reverse()
    return [*ordered, *(line for line in lines if not line.of(key))]


def _ordered(lines: Sequence[Line], text: Callable[[Line], str]) -> list[Line]:
    """Numbers by their size, everything else as lists are looked through."""
    if all(text(line).isdecimal() for line in lines):
        return sorted(lines, key=lambda line: int(text(line)))
    return on_screen(lines, text)


def chosen(found: Grid, ids: Iterable[UUID]) -> Grid:
    """The same table with these lines only; of none all."""
    kept = set(ids)
    return (
        replace(found, lines=tuple(x for x in found.lines if x.row.id in kept)) if kept else found
    )


# --- views ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class View:
    """A saved filter of a table. `mine`: this person keeps it; `owner`: whoever does."""

    name: str
    wanted: Mapping[str, str]
    mine: bool
    shared: bool
    owner: str


def views(session: Session, actor: Actor, process_id: str) -> tuple[View, ...]:
    """The views of a table that this person keeps, then those that others of the union share."""
    view, member = tables.saved_view.c, tables.member.c
    known = or_(view.member_id == actor.id, view.shared_in == actor.union_id)
    query = (
        select(view.name, view.wanted, view.member_id, view.shared_in, member.name.label("owner"))
        .join(tables.member, member.id == view.member_id)
        .where(view.place == place(process_id), known)
        .order_by(view.member_id != actor.id, view.name, view.member_id)
    )
    return tuple(
        View(v.name, v.wanted, v.member_id == actor.id, v.shared_in is not None, v.owner)
        for v in session.execute(query)
    )


def place(process_id: str) -> str:
    """Where the views of a table are kept, see commands/views.py."""
    return f"grid:{process_id}"
