"""A matter as expressions see it, to be looked at only: what a lane means, and what a rule gives right now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.commands import settle
from engine.db import tables
from engine.errors import EngineError

if TYPE_CHECKING:
    from uuid import UUID

    from engine.commands.run import Run
    from engine.db import Session
    from engine.people.organisation import Actor


def matter(session: Session, actor: Actor, instance_id: UUID) -> Run:
    """The run of a matter that is not locked. The caller has made sure that it is this person's to see."""
    full = (
        session.execute(select(tables.instance).where(tables.instance.c.id == instance_id))
        .mappings()
        .one()
    )
    return settle.resume(session, actor, dict(full))


def runs_it(run: Run, element: str) -> bool:
    """Does the actor belong to the lane of a task?"""
    lane = run.process.lanes.get(run.process.tasks[element].lane)
    try:
        return lane is not None and run.belongs_to(lane)
    except EngineError:  # the lane means nobody yet
        return False
