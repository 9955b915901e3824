"""How far a poll is, in one short read: what a page that lies open asks every few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, or_, select

from engine.db import tables
from engine.db.states import PollState
from engine.queries.poll_rows import seen

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session, rows
    from engine.people.organisation import Actor
    from engine.queries.ballots import Box
    from engine.queries.polls import Poll

_key, _teller, _paper = tables.teller_key.c, tables.teller.c, tables.paper.c
_seat = tables.attendance.c


@dataclass(frozen=True)
class Progress:
    """Where a poll stands for one person. `taken` and `joined` key parts, paper counts `entered`,
    tellers who `signed` or said why not, tellers who `left` the hall or the table: numbers only.
    """

    state: str
    may_answer: bool
    taken: int
    joined: int
    entered: int
    signed: int
    left: int
    voted: int

    @property
    def mark(self) -> str:
        """Another mark: the page has become another one. How many have voted does not change it."""
        steps = (self.taken, self.joined, self.entered, self.signed, self.left)
        return ".".join([self.state, "1" if self.may_answer else "0", *map(str, steps)])


def of(poll: Poll, box: Box | None) -> Progress:
    """As a page that has read all of the poll knows it."""
    keys = box.tellers if box else ()
    return Progress(
        state=poll.state,
        may_answer=poll.mine.may_answer,
        taken=sum(key.taken for key in keys),
        joined=sum(key.joined for key in keys),
        entered=sum(teller.entered for teller in poll.tellers),
        signed=sum((t.signed_at or t.dissent) is not None for t in poll.tellers),
        left=sum(t.away or (t.leaves or t.successor) is not None for t in poll.tellers),
        voted=poll.voted,
    )


def progress(session: Session, actor: Actor, poll_id: UUID) -> Progress:
    """The same in two statements. NotFound when the poll is not this person's to see."""
    read, _context = seen(session, actor, poll_id)
    beside, row = read.beside, read.row
    taken, joined, entered, signed, left = _of_tellers(session, row)
    return Progress(
        state=row.state,
        may_answer=bool(beside.open and row.state == PollState.OPEN and beside.here),
        taken=taken,
        joined=joined,
        entered=entered,
        signed=signed,
        left=left,
        voted=read.cast + beside.papers,
    )


def _of_tellers(session: Session, poll: rows.Poll) -> tuple[int, ...]:
    """Keys taken, keys joined, paper counts entered, tellers who signed or dissented, who left."""
    keys, papers, seats = (c.poll_id == poll.id for c in (_key, _paper, _teller))
    signed = or_(_teller.signed_at.is_not(None), _teller.dissent.is_not(None))
    away = exists().where(
        _seat.meeting_id == poll.meeting_id, _seat.member_id == _teller.member_id, ~_seat.here
    )
    left = or_(_teller.leaves.is_not(None), _teller.successor_id.is_not(None), away)
    counts = (
        _number(keys),
        _number(keys, _key.joined),
        _number(papers),
        _number(seats, signed),
        _number(seats, left),
    )
    return tuple(session.execute(select(*counts)).one())


def _number(*where: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count()).where(*where).scalar_subquery()
