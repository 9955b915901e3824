"""Rooms: what was said in a task is for some lanes only. Which tasks, answers and files of a matter a person may not enter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine.db import tables
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.process import Lane
    from engine.people.organisation import Actor

SAID = (
    "outcome",
    "choice",
    "comment",
    "result",
    "because",
)  # what the body of an event says of an answer


def matter(session: Session, instance_id: UUID) -> dict[str, Any]:
    """The row of an instance, and the union above its own, as lanes are read from it."""
    instance, unit = tables.instance.c, tables.unit.c
    above = select(unit.managing_id).where(unit.id == instance.union_id).scalar_subquery()
    query = select(tables.instance, above.label("superior")).where(instance.id == instance_id)
    return dict(session.execute(query).mappings().one())


def in_lane(actor: Actor, full: Mapping[str, Any], lane: Lane) -> bool:
    """Does a lane that is named by facts or by the union mean this person? (A command checks again, with all functions.)"""
    if lane.unit == "union":
        return actor.holds(lane.post, full["union_id"])
    value: Any = full["facts"]
    for part in (lane.person or lane.unit).split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if lane.person:
        return str(actor.id) in value if isinstance(value, list) else str(actor.id) == value
    if lane.unit in ("unit", "superior"):
        value = full.get("unit_id" if lane.unit == "unit" else "superior")
    units = value if isinstance(value, list) else [value]
    return any(f"{lane.post}@{unit}" in actor.seats for unit in units)


def may_read(actor: Actor, full: Mapping[str, Any], process: Process, element: str) -> bool:
    """May this person read what was said in a task? Without a room everybody who sees the matter may.

    A matter that is confidential no more can be checked by the union's auditors and secretaries, its rooms included.
    """
    rule = process.tasks.get(element)
    if (
        rule is None
        or not rule.room
        or any(in_lane(actor, full, process.lanes[lane]) for lane in rule.room)
    ):
        return True
    disclosed = bool(process.disclosed_by) and not full["confidential"]
    return disclosed and access.may(actor, "export", full["union_id"])


def closed(actor: Actor, full: Mapping[str, Any], process: Process) -> frozenset[str]:
    """The tasks and messages whose rooms this person may not enter."""
    return frozenset(key for key in process.tasks if not may_read(actor, full, process, key))


def open_facts(actor: Actor, full: Mapping[str, Any], process: Process) -> dict[str, Any]:
    """The facts of a matter without those said in rooms that this person may not enter."""
    return {k: v for k, v in full["facts"].items() if may_read(actor, full, process, k)}


def closed_files(session: Session, instance_id: UUID, shut: frozenset[str]) -> frozenset[UUID]:
    """The attachments that were handed in behind these closed doors and nowhere else."""
    if not shut:
        return frozenset()
    task = tables.task.c
    rows = session.execute(
        select(task.element, task.answers).where(
            task.instance_id == instance_id, task.answers.is_not(None)
        )
    ).all()
    inside = {key for r in rows if r.element in shut for key in _files(r.answers)}
    return frozenset(
        inside - {key for r in rows if r.element not in shut for key in _files(r.answers)}
    )


def _files(answers: Any) -> Iterator[UUID]:
    for value in answers.values() if isinstance(answers, dict) else ():
        for one in value if isinstance(value, list) else ():
            if isinstance(one, dict) and {"id", "sha256"} <= set(one):
                yield UUID(str(one["id"]))


def tells(body: Mapping[str, Any], shut: frozenset[str]) -> bool:
    """Does the body of an event repeat what was said behind one of these doors?"""
    about = shut & {str(body.get("task")), str(body.get("element")), str(body.get("message"))}
    return bool(about) and any(key in body for key in SAID)


def without_the_said(body: Mapping[str, Any], shut: frozenset[str]) -> Mapping[str, Any]:
    """The body of an event as it may be read by somebody to whom these rooms are closed."""
    if not tells(body, shut):
        return body
    return {k: v for k, v in body.items() if k not in SAID} | {"room": "closed"}
