"""What waits in the unions whose office somebody keeps: at which step, with whom, what became
late today, what the next days bring.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy import Date, and_, case, cast, func, literal, select

from engine import clock
from engine.db import tables
from engine.db.states import InstanceState, TaskState
from engine.definitions.store import process_of
from engine.people import access, posts
from engine.queries.standing import lane_words
from engine.queries.words import Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Select

    from engine.db import Session
    from engine.people.organisation import Actor

AHEAD = timedelta(days=7)  # so far the desk looks ahead
MOST = 12  # lines of each list
_task, _instance = tables.task.c, tables.instance.c


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
    due on each of the next days.
    """

    tasks: int
    late: int
    stages: tuple[Waiting, ...]
    people: tuple[Waiting, ...]
    today: tuple[Late, ...]
    days: tuple[tuple[date, int], ...]


class _Group(NamedTuple):
    """Tasks that are alike: `due` is the day in China where it is near."""

    process_id: str
    version: str
    element: str
    seat: str | None
    assignee_id: UUID | None
    late: bool
    due: date | None
    size: int


def desk(session: Session, actor: Actor, lang: str = "zh") -> Desk | None:
    """What waits in the unions of this office, without confidential matters; None for whoever keeps
    no office.
    """
    unions = access.desk_unions(actor, posts.OFFICE)
    if not unions:
        return None
    groups = [_Group(*tuple(row)) for row in session.execute(_groups(unions))]
    return Desk(
        tasks=sum(group.size for group in groups),
        late=sum(group.size for group in groups if group.late),
        stages=_most(_by_stage(session, groups, lang)),
        people=_most(_by_person(session, groups, lang)),
        today=tuple(_late_today(session, unions, lang)),
        days=_days(groups),
    )


def _waiting(unions: Iterable[UUID]) -> Select[Any]:
    """The open tasks of what runs in these unions."""
    running = and_(
        _instance.union_id.in_(list(unions)),
        _instance.state == InstanceState.RUNNING,
        ~_instance.confidential,
        _task.state == TaskState.OPEN,
    )
    return select().select_from(tables.task).join(tables.instance).where(running)


def _groups(unions: Iterable[UUID]) -> Select[Any]:
    now = clock.now()
    late = func.coalesce(_task.due_at <= now, literal(False))
    near = and_(_task.due_at > now, _task.due_at <= now + AHEAD)
    # a limit ends with the midnight after its last day
    last = cast(func.timezone("Asia/Shanghai", _task.due_at - timedelta(seconds=1)), Date)
    alike = (
        *(_instance.process_id, _instance.version, _task.element, _task.seat, _task.assignee_id),
        late.label("late"),
        case((near, last)).label("due"),
    )
    return _waiting(unions).add_columns(*alike, func.count()).group_by(*alike)


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


def _by_person(session: Session, groups: list[_Group], lang: str) -> Iterable[Waiting]:
    """By whoever has the task, or the seat it waits for."""
    units = [(group.seat or "").partition("@")[2] for group in groups]
    names = Named.of(session, [units, [str(group.assignee_id) for group in groups]])
    found: dict[str, Waiting] = {}
    for group in groups:
        key = str(group.assignee_id or group.seat or "")
        if not key:  # of a poll: its roll
            continue
        if key not in found:
            found[key] = Waiting(_who(session, group, names, lang), "", key)
        found[key].add(group)
    return found.values()


def _who(session: Session, group: _Group, names: Named, lang: str) -> str:
    if group.assignee_id:
        return names.get(group.assignee_id) or ""
    process = process_of(session, group.version)
    lane = process.lanes.get(process.tasks[group.element].lane)
    return lane_words(lane, names.names.get((group.seat or "").partition("@")[2], ""), lang)


def _most(waiting: Iterable[Waiting]) -> tuple[Waiting, ...]:
    ordered = sorted(waiting, key=lambda each: (-each.late, -each.count, each.title))
    return tuple(ordered[:MOST])


def _late_today(session: Session, unions: Iterable[UUID], lang: str) -> Iterator[Late]:
    midnight = datetime.combine(clock.today(), time(), clock.CHINA)
    became = and_(_task.due_at >= midnight, _task.due_at <= clock.now())
    query = _waiting(unions).add_columns(
        _instance.id, _instance.number, _instance.title, _instance.version, _task.element
    )
    rows = session.execute(query.where(became).order_by(_task.due_at, _task.id).limit(MOST))
    for key, number, subject, version, element in rows:
        title = process_of(session, version).tasks[element].title.in_(lang)
        yield Late(key, number, subject, title)


def _days(groups: Iterable[_Group]) -> tuple[tuple[date, int], ...]:
    found: dict[date, int] = {}
    for group in groups:
        if group.due is not None:
            found[group.due] = found.get(group.due, 0) + group.size
    return tuple(sorted(found.items()))
