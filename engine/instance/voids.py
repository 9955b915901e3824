"""Who may declare a poll void with whom, and what one of them has declared. Writes nothing.

Before it opens, one person is enough. Once ballots may be in the box, who presides and who counts
declare it together: two different people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import bindparam, select

from engine.db import aside, tables
from engine.db.states import PollState
from engine.instance import polling
from engine.instance.context import Context
from engine.instance.lanes import runs_task
from engine.people import access, organisation

if TYPE_CHECKING:
    from engine.db import rows
    from engine.people.organisation import Actor

_event = tables.event.c
_PROPOSED = (
    select(_event.actor_id, _event.body, _event.words)
    .where(
        _event.instance_id == bindparam("key"),
        _event.kind == "poll_void_proposed",
        _event.body.contains(bindparam("poll")),
    )
    .order_by(_event.seq)
    .limit(1)
)


@dataclass(frozen=True)
class Proposed:
    """One of the two has declared the poll void."""

    by: UUID
    reason: str


def takes_two(poll: rows.Poll) -> bool:
    """Are ballots in the box, or may they be, of a vote with a meeting or with tellers?"""
    return poll.state != PollState.CALLED and bool(poll.tellers or poll.meeting_id)


def proposed(context: Context, poll: rows.Poll) -> Proposed | None:
    """What the history says that one of the two has declared; None when nobody has."""
    mark = f'"poll":"{poll.id}"'
    found = context.session.execute(_PROPOSED, {"key": context.row["id"], "poll": mark}).first()
    if found is None:
        return None
    return Proposed(found.actor_id, str(aside.told(found.body, found.words)["reason"]))


def agree(context: Context, actor: Actor, poll: rows.Poll, element: str) -> bool:
    """Does the actor sit on the other side of the table than who declared it first?"""
    first = proposed(context, poll)
    if first is None or first.by == actor.id:
        return False
    other = organisation.actor(context.session, first.by)
    here, there = _sides(context, actor, poll, element), _sides(context, other, poll, element)
    return ("chair" in here and "count" in there) or ("count" in here and "chair" in there)


def _sides(context: Context, actor: Actor, poll: rows.Poll, element: str) -> frozenset[str]:
    """chair: presides; count: counts the ballots, or of a vote without tellers keeps the meeting
    or the secretary's desk.
    """
    rule = context.process.tasks[element].poll
    seen = Context(context.session, actor, context.row, context.process)
    sides = {"chair"} if polling.presides(seen, poll, element) else set()
    desk = access.is_secretary(actor, context.row["union_id"])
    if desk and rule is not None and not rule.presider and poll.rule.get("closable") != "lane":
        sides.add("chair")
    keeps = desk or bool(rule and rule.meeting and runs_task(seen, rule.meeting))
    if actor.id in poll.tellers or (not poll.tellers and keeps):
        sides.add("count")
    return frozenset(sides)
