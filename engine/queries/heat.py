"""Where what runs of a process stands and for how long, element by element of its diagram."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median_low
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.db.states import InstanceState, TaskState
from engine.instance.union_law import UnionLaw
from engine.people import access

if TYPE_CHECKING:
    from engine.db import Session
    from engine.definitions import Process
    from engine.people.organisation import Actor

LEVELS = 3  # of warmth: the most matters are at the last
_task, _instance = tables.task.c, tables.instance.c


@dataclass(frozen=True)
class Spot:
    """What is open at an element: so many tasks, so many of them late; the `median` and the
    longest of the working days that they have been there; `level` from 1 to LEVELS.
    """

    element: str
    title: str
    count: int
    late: int
    median: int
    longest: int
    level: int


def heat(session: Session, actor: Actor, process: Process, lang: str = "zh") -> tuple[Spot, ...]:
    """The spots in the order of the folder, over all versions; nothing of confidential matters,
    and nothing at all for whoever may not see the desk of their union.
    """
    if not access.may(actor, "see_desk", actor.union_id):
        return ()
    query = (
        select(_task.element, _task.opened_at, _task.due_at)
        .join(tables.instance, _instance.id == _task.instance_id)
        .where(_instance.union_id == actor.union_id, _instance.process_id == process.id)
        .where(_instance.state == InstanceState.RUNNING, ~_instance.confidential)
        .where(_task.state == TaskState.OPEN)
    )
    found = session.execute(query).all()
    if not found:
        return ()
    calendar, now = UnionLaw.of(session, actor.union_id).calendar, clock.now()
    days: dict[str, list[int]] = defaultdict(list)
    late: dict[str, int] = defaultdict(int)
    for row in found:
        since = clock.day_of(row.opened_at)
        days[row.element].append(calendar.working_days_between(since, clock.day_of(now)))
        late[row.element] += bool(row.due_at and row.due_at <= now)
    most = max(map(len, days.values()))
    return tuple(
        Spot(
            element=key,
            title=rule.title.in_(lang),
            count=len(days[key]),
            late=late[key],
            median=median_low(days[key]),
            longest=max(days[key]),
            level=-(-LEVELS * len(days[key]) // most),
        )
        for key, rule in process.tasks.items()
        if key in days
    )
