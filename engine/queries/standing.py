"""Where instances stand, in words: what is open, with whom, since when and until when; and why one was stopped or ended.

The caller has made sure that the instances are this person's to see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.db.states import TaskState
from engine.definitions.store import process_of
from engine.queries.history import read_body
from engine.queries.words import Named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session
    from engine.definitions.process import Lane
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


@dataclass(frozen=True)
class Stop:
    """A hand laid on a matter from outside its process: suspended, resumed, terminated, withdrawn."""

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
    rows = session.execute(
        select(
            _task.instance_id,
            _task.element,
            _task.seat,
            _task.assignee_id,
            _task.opened_at,
            _task.due_at,
            _instance.version,
        )
        .join(tables.instance, _instance.id == _task.instance_id)
        .where(_task.instance_id.in_(list(ids)), _task.state == TaskState.OPEN)
        .order_by(_task.due_at.nulls_last(), _task.id)
    ).all()
    names = Named.of(session, [(r.assignee_id, (r.seat or "").partition("@")[2]) for r in rows])
    found: dict[UUID, list[Standing]] = {}
    for row in rows:
        process = process_of(session, row.version)
        rule = process.tasks[row.element]
        unit = names.names.get((row.seat or "").partition("@")[2], "")
        lane = lane_words(process.lanes.get(rule.lane), unit, lang)
        who = names.get(row.assignee_id) or lane
        found.setdefault(row.instance_id, []).append(
            Standing(rule.title.in_(lang), who, row.opened_at, row.due_at)
        )
    return {key: tuple(parts) for key, parts in found.items()}


def lane_words(lane: Lane | None, unit: str, lang: str) -> str:
    """The lane's title, and the unit when it is not simply the union."""
    if lane is None:
        return unit
    title = lane.title.in_(lang)
    if not unit or lane.unit == "union":
        return title
    return f"{title} ({unit})" if lang == "en" else f"{title}（{unit}）"


@dataclass(frozen=True)
class Course:
    """The way of an instance so far: the elements passed, in order, each once; and when and why it was stopped."""

    passed: tuple[str, ...]
    stops: tuple[Stop, ...]


def course(context: Context) -> Course:
    """The way of an instance by its events, oldest first."""
    rows = context.session.execute(
        select(_event.kind, _event.at, _event.body)
        .where(_event.instance_id == context.row["id"])
        .order_by(_event.seq)
    )
    elements, passed, stops = context.process.diagram.elements, [], []
    for kind, at, text in rows:
        body = read_body(text)
        passed += [element for element in body.get("passed", ()) if element in elements]
        if kind in STOPS:
            stops.append(_stop(kind, at, body))
    return Course(tuple(dict.fromkeys(passed)), tuple(stops))


def _stop(kind: str, at: datetime, body: Mapping[str, Any]) -> Stop:
    return Stop(
        kind=kind,
        who=body.get("actor", {}).get("name", ""),
        at=at,
        reason=body.get("reason", ""),
        stopped_days=int(body.get("stopped_days", 0)),
    )
