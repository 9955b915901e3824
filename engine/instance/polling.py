"""What may be done with a poll, by whom, and what its tellers agree on. Pages and commands ask here
alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sqlalchemy import and_, bindparam, func, select

from engine import clock
from engine.db import tables
from engine.db.states import POLL_RUNNING, PollState
from engine.instance.lanes import may_include_actor, runs_task

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session, rows
    from engine.instance.context import Context
    from engine.instance.counting import PaperCount

_paper, _roll, _attendance = tables.paper, tables.roll, tables.attendance
_ENTRIES = select(_paper.c.issued, _paper.c.returned, _paper.c.invalid, _paper.c.counts).where(
    _paper.c.poll_id == bindparam("key")
)
_HERE = and_(
    _attendance.c.meeting_id == bindparam("meeting"),
    _attendance.c.member_id == _roll.c.member_id,
    _attendance.c.here,
)
_ON_PAPER = select(func.count()).where(_roll.c.poll_id == bindparam("key"), _roll.c.paper)
_BY_PHONE = (
    select(_roll.c.member_id, _roll.c.at.is_not(None).label("voted"), _HERE.label("here"))
    .outerjoin(_attendance, _HERE)
    .where(_roll.c.poll_id == bindparam("key"), ~_roll.c.paper)
    .where(_roll.c.open | _roll.c.at.is_not(None))
)
_WRITE_INS = select(tables.write_in.c.member_id).where(
    tables.write_in.c.poll_id == bindparam("key")
)


def takes_answers(state: str, closes_at: datetime | None) -> bool:
    """Is a poll in this state, with this end of its window, open now?"""
    return state == PollState.OPEN and (closes_at is None or clock.now() < closes_at)


def presides(context: Context, poll: rows.Poll, element: str) -> bool:
    """Does the actor preside over this poll: the lane that the process names as its presider, or
    the lane of its task where the rule leaves the closing to it?

    A version that says neither leaves it to nobody: the lane of a task is often the voters' own.
    """
    rule = context.process.tasks[element].poll
    if rule is not None and rule.presider:
        return may_include_actor(context, context.process.lanes[rule.presider])
    return poll.rule.get("closable") == "lane" and runs_task(context, element)


def may_close(context: Context, poll: rows.Poll, element: str) -> bool:
    """Does it lie with the actor to close it before its time? Unless that is left to the chair, it
    lies with whose question it is, too.
    """
    if presides(context, poll, element):
        return True
    return poll.rule.get("closable") != "lane" and asked(context)


def asked(context: Context) -> bool:
    """Is it the actor's own question: did they launch the instance, or do they own it?"""
    launch = context.facts.get("launch", {})
    askers = {str(context.row["starter_id"]), str(launch.get(context.process.owner_key))}
    return context.actor is not None and str(context.actor.id) in askers


def agreed_paper(session: Session, poll: rows.Poll) -> PaperCount | None:
    """The paper count on which two tellers agree; None while there is none, or while two of them
    differ.
    """
    found = session.execute(_ENTRIES, {"key": poll.id}).mappings()
    entries = [cast("PaperCount", dict(entry)) for entry in found]
    if len(entries) < 2:
        return None
    first, *others = entries
    return first if all(_same(first, other) for other in others) else None


def _same(one: PaperCount, other: PaperCount) -> bool:
    """Do two counts agree? A choice without ballots may be left out."""
    return _without_zeros(one) == _without_zeros(other)


def _without_zeros(count: PaperCount) -> PaperCount:
    return {**count, "counts": {choice: n for choice, n in count["counts"].items() if n}}


def enough_signed(context: Context, poll: rows.Poll, signed: int) -> bool:
    """Have as many tellers signed as the rule of the poll says? Without one all have to."""
    rule = poll.rule.get("signs")
    if rule is None:
        return signed == len(poll.tellers)
    return bool(context.value(rule, {"signed": signed, "tellers": len(poll.tellers)}))


def papers_given(session: Session, poll_id: UUID) -> int:
    """How many paper ballots of a poll were handed out."""
    return session.execute(_ON_PAPER, {"key": poll_id}).scalar_one()


def may_vote_by_phone(session: Session, poll_id: UUID, meeting_id: UUID | None) -> set[UUID]:
    """Those whose ballot is in the system or may still come there: who voted, and who is on the
    roll without paper, in the hall where there is one.
    """
    found = session.execute(_BY_PHONE, {"key": poll_id, "meeting": meeting_id})
    return {r.member_id for r in found if r.voted or meeting_id is None or r.here}


def may_be_written_in(session: Session, poll_id: UUID) -> frozenset[str]:
    """The ids of those who may be written in on the ballots of a poll."""
    found = session.execute(_WRITE_INS, {"key": poll_id}).scalars()
    return frozenset(map(str, found))


def running_votes(session: Session, instance_id: UUID) -> frozenset[str]:
    """The votes and elections of an instance of which nobody learns a choice or a count yet."""
    poll = tables.poll.c
    running = select(poll.id).where(
        poll.instance_id == instance_id,
        poll.kind.in_(("vote", "election")),
        poll.state.in_(POLL_RUNNING),
    )
    return frozenset(str(key) for key in session.execute(running).scalars())
