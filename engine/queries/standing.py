"""Where instances stand, in words: what is open, with whom, since when and until when; and why one was stopped or ended.

The caller has made sure that the instances are this person's to see.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from engine.db import tables
from engine.definitions.store import process_of
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from engine.db import Session
    from engine.definitions.process import Lane

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
        .where(_task.instance_id.in_(list(ids)), _task.state == "open")
        .order_by(_task.due_at.nulls_last(), _task.id)
    ).all()
    people = organisation.names(session, [r.assignee_id for r in rows if r.assignee_id])
    units = organisation.unit_names(session, [UUID(r.seat.split("@")[1]) for r in rows if r.seat])
    found: dict[UUID, list[Standing]] = {}
    for row in rows:
        process = process_of(session, row.version)
        rule = process.tasks[row.element]
        unit = units.get(UUID(row.seat.split("@")[1]), "") if row.seat else ""
        who = people.get(row.assignee_id) or lane_words(process.lanes.get(rule.lane), unit, lang)
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


def stops(session: Session, instance_id: UUID) -> tuple[Stop, ...]:
    """When and why an instance was suspended, resumed, terminated or withdrawn, oldest first."""
    rows = session.execute(
        select(_event.kind, _event.at, _event.body)
        .where(_event.instance_id == instance_id, _event.kind.in_(STOPS))
        .order_by(_event.seq)
    ).all()
    bodies = [(r, json.loads(r.body)) for r in rows]
    return tuple(
        Stop(
            r.kind,
            b.get("actor", {}).get("name", ""),
            r.at,
            b.get("reason", ""),
            int(b.get("stopped_days", 0)),
        )
        for r, b in bodies
    )
