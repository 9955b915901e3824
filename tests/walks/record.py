"""What is on record about one instance of a walk, and which part of it the walk's own steps brought about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from engine.db import Session
    from engine.definitions import Process
    from engine.scenarios.scene import Scene

_event = tables.event.c


@dataclass(frozen=True)
class Event:
    """An event of the history; `own`: it came after the part of the story that was played, by the walk itself."""

    seq: int
    kind: str
    says: dict[str, Any]
    own: bool

    @property
    def actor(self) -> str:
        """The id of whoever did it; empty when nobody did."""
        return str(self.says.get("actor", {}).get("id", ""))

    def completes(self, *elements: str) -> bool:
        return self.kind == "task_completed" and self.says["task"] in elements

    def issues(self, *documents: str) -> bool:
        return self.kind == "document_issued" and self.says["document"] in documents


@dataclass(frozen=True)
class Record:
    """An instance with its process and its whole history, in order."""

    session: Session
    process: Process
    row: Any
    events: tuple[Event, ...]

    def own(self) -> Iterator[tuple[int, Event]]:
        """The walk's own events, each with its place in `events`."""
        return ((place, each) for place, each in enumerate(self.events) if each.own)

    def before(self, place: int) -> tuple[Event, ...]:
        return self.events[:place]

    def opening(self, poll: str) -> Event:
        """The event that opened this poll."""
        return next(e for e in self.events if e.kind == "poll_opened" and e.says["poll"] == poll)


def heads(scene: Scene) -> dict[UUID, int]:
    """How far the history of each instance of the scene goes now."""
    row = tables.instance.c
    query = select(row.id, row.seq).where(row.id.in_(scene.instances.values()))
    return {each.id: each.seq for each in scene.session.execute(query)}


def records(scene: Scene, began: dict[UUID, int]) -> list[Record]:
    """The records of all instances of a scene; `began`: their heads when the walk took over."""
    return [_record(scene, key, began.get(key, 0)) for key in scene.instances.values()]


def _record(scene: Scene, key: UUID, began: int) -> Record:
    table = tables.instance
    row = scene.session.execute(select(table).where(table.c.id == key)).one()
    query = select(_event.seq, _event.kind, _event.body).where(_event.instance_id == key)
    events = tuple(
        Event(each.seq, each.kind, json.loads(each.body), each.seq > began)
        for each in scene.session.execute(query.order_by(_event.seq))
    )
    return Record(scene.session, scene.process_of(key), row, events)
