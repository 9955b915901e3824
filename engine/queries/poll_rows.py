"""What the database says of polls to one person, in one statement: their rows, and what stands
beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, case, func, select, true

from engine.db import rows, tables
from engine.db.states import POLL_RUNNING, PollState
from engine.instance import context as instance
from engine.instance import rooms
from engine.instance.counting import cast_in_system
from engine.people import access
from engine.queries.background import voices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select

    from engine.db import Session
    from engine.instance.context import Context
    from engine.people.organisation import Actor

_poll, _roll, _task = tables.poll.c, tables.roll.c, tables.task.c
_instance, _member, _attendance = tables.instance.c, tables.member.c, tables.attendance.c
_roll_of = tables.roll.alias()  # the whole roll, where `_roll` is the actor's place on it
_listed = _roll_of.c
VOTES = ("vote", "election")  # nobody sees a partial result of these


class Beside(NamedTuple):
    """What one statement reads beside the row of a poll: of its task, of the actor's place on the
    roll, and numbers.
    """

    element: str
    due: Mapping[str, Any] | None
    on_roll: bool
    open: bool | None
    choice: str | None
    comment: str | None
    on_paper: bool | None
    here: bool
    papers: int
    sealed: int | None  # envelopes cast, of a secret poll
    voided: int
    turn: str | None


@dataclass(frozen=True)
class Read:
    """A poll as it was read, not yet in words."""

    row: rows.Poll
    beside: Beside
    voices: Sequence[Sequence[Any]] = ()  # as in engine.queries.background, where they were read

    @property
    def rule(self) -> Mapping[str, Any]:
        return self.row.rule

    @property
    def mentioned(self) -> list[Any]:
        """Where ids stand that have to be named: what it is about, candidates, who was written
        in.
        """
        about = self.rule.get("about", ())
        if self.row.kind != "election":
            return [about]
        written = (self.row.outcome or {}).get("written_in", ())
        return [about, self.row.choices, list(self.row.counts), written]

    @property
    def hidden(self) -> bool:
        """Nobody learns a choice or a count yet."""
        return self.row.kind in VOTES and self.row.state != PollState.CLOSED

    @property
    def cast(self) -> int:
        """How many ballots were cast in the system."""
        if self.row.secret:
            return self.beside.sealed or 0
        return cast_in_system(self.row, self.row.counts)

    def concerns(self, actor: Actor) -> bool:
        """Is the actor on its roll, or one of its tellers?"""
        return self.beside.on_roll or actor.id in self.row.tellers


_WIDTH = len(rows.Poll._fields)
_ALL = _WIDTH + len(Beside._fields)


def _query(actor: Actor, *more: ColumnElement[Any]) -> Select[Any]:
    """Polls with what stands beside them for this person, and `more` columns, joined to task and
    instance.
    """
    of_poll, mine = _roll.poll_id == _poll.id, _roll.member_id == actor.id
    query = select(*tables.poll.c, *_beside(actor), *more).select_from(tables.poll)
    return (
        query.join(tables.task, _task.id == _poll.task_id)
        .join(tables.instance, _instance.id == _poll.instance_id)
        .outerjoin(tables.roll, and_(of_poll, mine))
    )


def _beside(actor: Actor) -> tuple[ColumnElement[Any], ...]:
    """The columns of `Beside`, in their order."""
    papers = select(func.count()).where(_listed.poll_id == _poll.id, _listed.paper)
    by_turns = and_(_poll.rule["in_order"].as_boolean(), _poll.state == PollState.OPEN)
    return (
        _task.element,
        _task.due,
        _roll.member_id.is_not(None),
        _roll.open,
        _roll.choice,
        _roll.comment,
        _roll.paper,
        case((_poll.meeting_id.is_(None), true()), else_=_is_here(actor)),
        papers.scalar_subquery(),
        case((_poll.secret, _sealed())),
        _voided(),
        case((by_turns, _next_one())),
    )


def _is_here(actor: Actor) -> ColumnElement[bool]:
    here = select(_attendance.here).where(
        _attendance.meeting_id == _poll.meeting_id,
        _attendance.member_id == actor.id,
        _attendance.kind == "formal",
    )
    return func.coalesce(here.scalar_subquery(), False)


def _sealed() -> ColumnElement[int]:
    """The envelopes: those that lie there, and once they are collected, how many there were."""
    envelope, box = tables.envelope.c, tables.box.c
    lying = select(func.count()).where(envelope.poll_id == _poll.id)
    collected = select(box.voters).where(box.poll_id == _poll.id)
    return func.coalesce(collected.scalar_subquery(), lying.scalar_subquery())


def _voided() -> ColumnElement[int]:
    former = tables.poll.alias().c
    same_task = former.task_id == _poll.task_id, former.id < _poll.id
    query = select(func.count()).where(*same_task, former.state == PollState.VOID)
    return query.scalar_subquery()


def _next_one() -> ColumnElement[str]:
    waiting = _listed.poll_id == _poll.id, _listed.open
    query = select(_member.name).join(_roll_of, _listed.member_id == _member.id).where(*waiting)
    return query.order_by(_listed.position).limit(1).scalar_subquery()


def _from(values: tuple[Any, ...]) -> Read:
    return Read(rows.Poll(*values[:_WIDTH]), Beside(*values[_WIDTH:_ALL]))


def of_instance(context: Context) -> tuple[Read, ...]:
    """The polls of an instance that were not declared void, oldest first, whoever may see them."""
    assert context.actor is not None
    query = _query(context.actor, voices()).where(
        _poll.instance_id == context.row["id"], _poll.state != PollState.VOID
    )
    found = context.session.execute(query.order_by(_poll.opened_at, _poll.id))
    return tuple(replace(_from(tuple(row)), voices=row[-1] or ()) for row in found)


def of_meetings(context: Context, meetings: Sequence[UUID]) -> tuple[Read, ...]:
    """The polls under meetings of one matter, newest first."""
    assert context.actor is not None
    query = _query(context.actor).where(_poll.meeting_id.in_(meetings))
    found = context.session.execute(query.order_by(_poll.id.desc()))
    return tuple(_from(tuple(row)) for row in found)


def running_under(
    session: Session, actor: Actor, meetings: Sequence[UUID]
) -> Mapping[UUID, list[Read]]:
    """The polls that are called, open or being counted under meetings which this person may see,
    the latest first, by meeting.
    """
    under = _query(actor).where(_poll.meeting_id.in_(meetings), _poll.state.in_(POLL_RUNNING))
    found: dict[UUID, list[Read]] = {meeting: [] for meeting in meetings}
    for values in session.execute(under.order_by(_poll.id.desc())):
        read = _from(tuple(values))
        assert read.row.meeting_id is not None
        found[read.row.meeting_id].append(read)
    return found


def seen(session: Session, actor: Actor, poll_id: UUID) -> tuple[Read, Context]:
    """One poll with its instance. Raises NotFound when it is not this person's to see, or its room
    is closed to them.
    """
    query = _query(actor, *instance.COLUMNS).where(_poll.id == poll_id, access.visible(actor))
    values = tuple(access.must_see(session.execute(query).first()))
    read, context = _from(values), instance.context_from(session, actor, values[_ALL:])
    open_ = read.concerns(actor) or rooms.may_read(context, read.beside.element)
    access.must_see(read if open_ else None)
    return read, context


def must_see(session: Session, actor: Actor, poll_id: UUID) -> UUID:
    """The instance of a poll. Raises NotFound when the poll is not this person's to see."""
    return seen(session, actor, poll_id)[0].row.instance_id
