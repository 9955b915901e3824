"""How far a poll is, in one short read: what a page that lies open asks every few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from engine.db import tables
from engine.db.states import PollState
from engine.queries.poll_rows import seen

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.ballots import Box
    from engine.queries.polls import Poll

_key, _teller, _paper = tables.teller_key.c, tables.teller.c, tables.paper.c


@dataclass(frozen=True)
class Progress:
    """Where a poll stands for one person. `taken` and `joined` key parts, paper counts `entered`,
    tellers who `signed`: numbers only.
    """

    state: str
    may_answer: bool
    taken: int
    joined: int
    entered: int
    signed: int
    voted: int

    @property
    def mark(self) -> str:
        """Another mark: the page has become another one. How many have voted does not change it."""
        steps = (self.taken, self.joined, self.entered, self.signed)
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
        signed=sum(teller.signed_at is not None for teller in poll.tellers),
        voted=poll.voted,
    )


def progress(session: Session, actor: Actor, poll_id: UUID) -> Progress:
    """The same in two statements. NotFound when the poll is not this person's to see."""
    read, _context = seen(session, actor, poll_id)
    beside, row = read.beside, read.row
    taken, joined, entered, signed = _of_tellers(session, poll_id)
    return Progress(
        state=row.state,
        may_answer=bool(beside.open and row.state == PollState.OPEN and beside.here),
        taken=taken,
        joined=joined,
        entered=entered,
        signed=signed,
        voted=read.cast + beside.papers,
    )


def _of_tellers(session: Session, poll_id: UUID) -> tuple[int, int, int, int]:
    """Keys taken, keys joined, paper counts entered, tellers who signed."""
    keys = select(func.count(), func.count().filter(_key.joined)).where(_key.poll_id == poll_id)
    taken, joined = keys.subquery("k").c
    papers = select(func.count()).where(_paper.poll_id == poll_id).scalar_subquery()
    signed = select(func.count()).where(_teller.poll_id == poll_id, _teller.signed_at.is_not(None))
    row = session.execute(select(taken, joined, papers, signed.scalar_subquery())).one()
    return row[0], row[1], row[2], row[3]
