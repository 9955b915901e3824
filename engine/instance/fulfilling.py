"""Who may say of a condition that it is carried out, and who may say that it is so: never the same
person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from engine import clock
from engine.errors import Refused
from engine.instance import lanes, verbs
from engine.instance.provisos import OPEN, REPORTED, UNMET
from engine.messages import _

if TYPE_CHECKING:
    from engine.instance.context import Context
    from engine.instance.provisos import Proviso


def may_report(context: Context, proviso: Proviso) -> bool:
    """Is it still to be carried out, and does the process mean this person by those who do?"""
    rule = context.process.tasks[proviso.task].provisos
    lane = context.process.lanes.get(rule.lane) if rule else None
    waits = proviso.state in (OPEN, UNMET)
    return waits and lane is not None and lanes.may_include_actor(context, lane)


def must_report(context: Context, proviso: Proviso) -> None:
    """Raises Refused for whoever may not report it."""
    if not may_report(context, proviso):
        raise Refused(_("条件由承担落实的单位或者人报告。"), code="proviso", **_where(context))


def must_judge(context: Context, proviso: Proviso) -> None:
    """Raises Refused for whoever may not say that it is met, or that it is not."""
    if context.actor is not None and str(context.actor.id) == proviso.reporter:
        raise Refused(_("报告落实的人不能自己确认。"), code="separated", **_where(context))
    if not may_judge(context, proviso):
        raise Refused(_("由提出条件的人确认。"), code="proviso", **_where(context))


def _where(context: Context) -> dict[str, str]:
    return {"instance_id": str(context.row["id"])}


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
