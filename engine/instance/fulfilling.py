"""Who may say of a condition that it is carried out, and who may say that it is so: never the same
person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from engine import clock
from engine.instance import lanes, verbs
from engine.instance.provisos import MET, OPEN, REPORTED, UNMET

if TYPE_CHECKING:
    from engine.instance.context import Context
    from engine.instance.provisos import Proviso


def may_report(context: Context, proviso: Proviso) -> bool:
    """Is it still to be carried out, and does the process mean this person by those who do?"""
    rule = context.process.tasks[proviso.task].provisos
    lane = context.process.lanes.get(rule.lane) if rule else None
    waits = proviso.state in (OPEN, UNMET)
    return waits and lane is not None and lanes.may_include_actor(context, lane)


def may_judge(context: Context, proviso: Proviso) -> bool:
    """Is there something to say of it, and is it for this person: who set it, while the task is
    theirs to do; else whoever has that task now. Nobody confirms what they have reported.
    """
    actor = context.actor
    late = proviso.overdue(clock.today()) and proviso.state == OPEN
    if actor is None or not (late or proviso.state == REPORTED):
        return False
    mine = lanes.runs_task(context, proviso.task) and str(actor.id) != proviso.reporter
    return mine and (str(actor.id) == proviso.by or not _setter_stays(context, proviso))


def _setter_stays(context: Context, proviso: Proviso) -> bool:
    """Is the task still one of those who set it, and may they say of it?"""
    if proviso.by == proviso.reporter:
        return False
    setter = verbs.people(context, [UUID(proviso.by)])
    return any(lanes.runs_task(verbs.seen_by(context, each), proviso.task) for each in setter)


__all__ = ["MET", "REPORTED", "UNMET", "may_judge", "may_report"]
