"""Where instances stand, in words: what is open, with whom, since when and until when; and why one
was stopped or ended.

The caller has made sure that the instances are this person's to see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Text, and_, case, cast, func, or_, select

from engine import clock
from engine.db import aside, tables
from engine.db.states import TaskState
from engine.definitions.store import process_of
from engine.instance import urging
from engine.queries.history import read_body
from engine.queries.words import Named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session
    from engine.definitions.process import Lane, Process
    from engine.instance.context import Context

_task, _instance, _event = tables.task.c, tables.instance.c, tables.event.c
STOPS = ("instance_suspended", "instance_resumed", "instance_terminated", "instance_withdrawn")


@dataclass(frozen=True)
class Standing:
    """One open task: its title, and the person, or the lane and the unit, that it waits for."""

    title: str
    who: str
    since: datetime
    due_at: datetime | None
    urged: tuple[datetime, ...] = ()
    looked_at: datetime | None = None  # when somebody who has it looked last; only if it was urged

    @property
    def noticed(self) -> bool:
        """Has somebody who has it looked at the matter since it was last urged?"""
        return bool(self.urged and self.looked_at and self.looked_at >= self.urged[-1])


@dataclass(frozen=True)
class Stop:
    """A hand laid on a matter from outside its process: suspended, resumed, terminated,
    withdrawn.
    """

    kind: str
    who: str
    at: datetime
    reason: str
    stopped_days: int


def standing(
    session: Session, ids: Sequence[UUID], lang: str = "zh"
) -> dict[UUID, tuple[Standing, ...]]:
    """What is open in each of these instances, soonest due first."""
    if not ids:
        return {}
    found = _open_tasks(session, ids)
    names = Named.of(session, [(row.assignee_id, _unit_of(row.seat)) for row in found])
    by_instance: dict[UUID, list[Standing]] = {}
    for row in found:
        process = process_of(session, row.version)
        parts = by_instance.setdefault(row.instance_id, [])
        parts.append(_standing(process, row, names, lang))
    return {key: tuple(parts) for key, parts in by_instance.items()}


class _Open(NamedTuple):
    """An open task and the version of its instance."""

    instance_id: UUID
    element: str
    seat: str | None
    assignee_id: UUID | None
    opened_at: datetime
    due_at: datetime | None
    due: Mapping[str, Any] | None
    version: str
    looked_at: datetime | None


def _open_tasks(session: Session, ids: Sequence[UUID]) -> list[_Open]:
    columns = [getattr(_task, name) for name in _Open._fields[:-2]]
    query = (
        select(*columns, _instance.version, _looked())
        .join(tables.instance, _instance.id == _task.instance_id)
        .where(_task.instance_id.in_(list(ids)), _task.state == TaskState.OPEN)
    )
    soonest_first = _task.due_at.nulls_last(), _task.id
    return [_Open(*tuple(row)) for row in session.execute(query.order_by(*soonest_first))]


def _looked() -> ColumnElement[Any]:
    """When somebody who has a task, itself or by their post, last looked at its matter; NULL for
    one that was not urged.
    """
    post, seen, today = tables.post.c, tables.seen.c, clock.today()
    seat = post.kind + "@" + cast(post.unit_id, Text)
    sits = (
        select(post.member_id)
        .where(seat == _task.seat, post.from_on <= today)
        .where(or_(post.to_on.is_(None), post.to_on >= today))
        .correlate(tables.task)  # that of the whole statement, two levels up
    )
    having = or_(
        seen.member_id == _task.assignee_id,
        and_(_task.assignee_id.is_(None), seen.member_id.in_(sits)),
    )
    last = select(func.max(seen.at)).where(seen.instance_id == _task.instance_id, having)
    return case((_task.due.has_key("urged"), last.scalar_subquery()))


def _unit_of(seat: str | None) -> str:
    return (seat or "").partition("@")[2]


def _standing(process: Process, task: _Open, names: Named, lang: str) -> Standing:
    rule = process.tasks[task.element]
    unit = names.names.get(_unit_of(task.seat), "")
    lane = lane_words(process.lanes.get(rule.lane), unit, lang)
    who = names.get(task.assignee_id) or lane
    urged = tuple(urging.urged(task.due))
    title = rule.title.in_(lang)
    return Standing(title, who, task.opened_at, task.due_at, urged=urged, looked_at=task.looked_at)


def lane_words(lane: Lane | None, unit: str, lang: str) -> str:
    """The lane's title, and the unit when it is not simply the union."""
    if lane is None:
        return unit
    title = lane.title.in_(lang)
    if not unit or lane.of_union:
        return title
    return f"{title} ({unit})" if lang == "en" else f"{title}（{unit}）"


@dataclass(frozen=True)
class Course:
    """The way of an instance so far: the elements passed, in order, each once; and when and why it
    was stopped.
    """

    passed: tuple[str, ...]
    stops: tuple[Stop, ...]


def course(context: Context) -> Course:
    """The way of an instance by its events, oldest first."""
    rows = context.session.execute(
        select(_event.kind, _event.at, _event.body, _event.words)
        .where(_event.instance_id == context.row["id"])
        .order_by(_event.seq)
    )
    elements, passed, stops = context.process.diagram.elements, [], []
    for kind, at, text, words in rows:
        body = read_body(text, words)
        passed += [element for element in body.get("passed", ()) if element in elements]
        if kind in STOPS:
            stops.append(_stop(kind, at, body))
    return Course(tuple(dict.fromkeys(passed)), tuple(stops))


def _stop(kind: str, at: datetime, body: Mapping[str, Any]) -> Stop:
    return Stop(
        kind=kind,
        who=body.get("actor", {}).get("name", ""),
        at=at,
        reason=aside.shown(body.get("reason", "")),
        stopped_days=int(body.get("stopped_days", 0)),
    )
