"""What waits in the unions whose office somebody keeps: at which step, with whom, what became
late today, what the next days bring.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy import Date, Text, Uuid, and_, case, cast, func, literal, select, text, true

from engine import clock
from engine.db import tables
from engine.db.states import InstanceState, TaskState
from engine.definitions.store import process_of
from engine.people import access, posts
from engine.queries import plans, starts
from engine.queries.standing import lane_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Select

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.plans import Coming

AHEAD = timedelta(days=7)  # so far the desk looks ahead
MOST = 12  # lines of each list
_task, _instance = tables.task.c, tables.instance.c
_member, _unit = tables.member.c, tables.unit.c


@dataclass
class Waiting:
    """So many tasks wait, `late` of them beyond their time. `key`: by which a list narrows to
    them.
    """

    title: str
    process_id: str
    key: str
    count: int = 0
    late: int = 0

    def add(self, group: _Group) -> None:
        """Count a group of tasks among them."""
        self.count += group.size
        self.late += group.size if group.late else 0


@dataclass(frozen=True)
class Late:
    """A task that became late today."""

    instance_id: UUID
    number: str
    subject: str
    title: str


@dataclass(frozen=True)
class Desk:
    """`stages` by process and step and `people` with most late first; `days`: how many tasks come
    due on each of the next days; `coming`: what is planned back from a day still ahead; `missed`:
    how many the calendar could not start.
    """

    tasks: int
    late: int
    stages: tuple[Waiting, ...]
    people: tuple[Waiting, ...]
    today: tuple[Late, ...]
    days: tuple[tuple[date, int], ...]
    coming: tuple[Coming, ...]
    missed: int


class _Group(NamedTuple):
    """Tasks that are alike: `person` or `unit` by name, `due` the day in China where it is near,
    `today` those that became late today, as Late has them.
    """

    process_id: str
    version: str
    element: str
    seat: str | None
    assignee_id: UUID | None
    person: str | None
    unit: str | None
    late: bool
    due: date | None
    size: int
    today: Sequence[Sequence[str]]


def desk(session: Session, actor: Actor, lang: str = "zh") -> Desk | None:
    """What waits in the unions of this office, without confidential matters; None for whoever keeps
    no office.
    """
    unions = access.desk_unions(actor, posts.OFFICE)
    if not unions:
        return None
    missed, groups = _read(session, actor, unions)
    return Desk(
        tasks=sum(group.size for group in groups),
        late=sum(group.size for group in groups if group.late),
        stages=_most(_by_stage(session, groups, lang)),
        people=_most(_by_person(session, groups, lang)),
        today=tuple(_late_today(session, groups, lang))[:MOST],
        days=_days(groups),
        coming=_coming(session, actor, unions, groups, lang),
        missed=missed,
    )


def _read(session: Session, actor: Actor, unions: Iterable[UUID]) -> tuple[int, list[_Group]]:
    """What the calendar could not start, and the groups of open tasks, in one read."""
    alike, one = _groups(unions).subquery(), select(literal(1)).subquery()
    query = select(starts.missed(actor), alike).select_from(one.outerjoin(alike, true()))
    rows = session.execute(query).all()
    groups = [_Group(*tuple(row)[1:]) for row in rows]
    return rows[0][0], [group for group in groups if group.process_id is not None]


def _groups(unions: Iterable[UUID]) -> Select[Any]:
    """The open tasks of what runs in these unions, those that are alike in one line."""
    now = clock.now()
    midnight = datetime.combine(clock.today(), time(), clock.CHINA)
    late = func.coalesce(_task.due_at <= now, literal(False))
    near = and_(_task.due_at > now, _task.due_at <= now + AHEAD)
    # a limit ends with the midnight after its last day
    last = cast(func.timezone("Asia/Shanghai", _task.due_at - timedelta(seconds=1)), Date)
    alike = (
        *(_instance.process_id, _instance.version, _task.element, _task.seat, _task.assignee_id),
        _member.name,
        _unit.name,
        late.label("late"),
        case((near, last)).label("due"),
    )
    named = func.jsonb_build_array(cast(_instance.id, Text), _instance.number, _instance.title)
    today = func.jsonb_agg(named).filter(and_(_task.due_at >= midnight, _task.due_at <= now))
    of_seat = cast(func.nullif(func.split_part(_task.seat, "@", 2), ""), Uuid)
    running = and_(
        _instance.union_id.in_(list(unions)),
        _instance.state == InstanceState.RUNNING,
        ~_instance.confidential,
        _task.state == TaskState.OPEN,
    )
    return (
        select(*alike, func.count(), func.coalesce(today, text("'[]'::jsonb")))
        .select_from(tables.task.join(tables.instance))
        .outerjoin(tables.member, _member.id == _task.assignee_id)
        .outerjoin(tables.unit, _unit.id == of_seat)
        .where(running)
        .group_by(*alike)
    )


def _by_stage(session: Session, groups: Iterable[_Group], lang: str) -> Iterable[Waiting]:
    found: dict[tuple[str, str], Waiting] = {}
    for group in groups:
        key = (group.process_id, group.element)
        if key not in found:
            process = process_of(session, group.version)
            title = f"{process.title.in_(lang)} · {process.tasks[group.element].title.in_(lang)}"
            found[key] = Waiting(title, group.process_id, group.element)
        found[key].add(group)
    return found.values()


def _by_person(session: Session, groups: Iterable[_Group], lang: str) -> Iterable[Waiting]:
    """By whoever has the task, or the seat it waits for."""
    found: dict[str, Waiting] = {}
    for group in groups:
        key = str(group.assignee_id or group.seat or "")
        if not key:  # of a poll: its roll
            continue
        if key not in found:
            found[key] = Waiting(group.person or _seat(session, group, lang), "", key)
        found[key].add(group)
    return found.values()


def _seat(session: Session, group: _Group, lang: str) -> str:
    process = process_of(session, group.version)
    lane = process.lanes.get(process.tasks[group.element].lane)
    return lane_words(lane, group.unit or "", lang)


def _most(waiting: Iterable[Waiting]) -> tuple[Waiting, ...]:
    ordered = sorted(waiting, key=lambda each: (-each.late, -each.count, each.title))
    return tuple(ordered[:MOST])


def _coming(
    session: Session, actor: Actor, unions: Iterable[UUID], groups: Iterable[_Group], lang: str
) -> tuple[Coming, ...]:
    """Nobody is asked where nothing that waits is of a process that plans."""
    if not any(process_of(session, version).plan for version in {g.version for g in groups}):
        return ()
    return tuple(plans.under_way(session, actor, unions, lang))


def _late_today(session: Session, groups: Iterable[_Group], lang: str) -> Iterator[Late]:
    for group in groups:
        title = process_of(session, group.version).tasks[group.element].title.in_(lang)
        for key, number, subject in group.today:
            yield Late(UUID(key), number, subject, title)


def _days(groups: Iterable[_Group]) -> tuple[tuple[date, int], ...]:
    found: dict[date, int] = {}
    for group in groups:
        if group.due is not None:
            found[group.due] = found.get(group.due, 0) + group.size
    return tuple(sorted(found.items()))
