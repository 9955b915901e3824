"""Those who count a poll, and their table as one of them sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from engine.db import tables
from engine.db.states import PollState
from engine.instance import polling

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

_member, _roll, _teller, _paper = tables.member.c, tables.roll.c, tables.teller.c, tables.paper.c
_unit = tables.unit.c
ENTERED = ("issued", "returned", "invalid", "counts")


@dataclass(frozen=True)
class Teller:
    """One who counts: entered the paper ballots, signed."""

    name: str
    entered: bool
    signed_at: datetime | None


@dataclass(frozen=True)
class Counting:
    """The tellers' table as one of them sees it. `entries`: none, one, agree or differ; nobody sees
    another's numbers.

    `handed` are those who were given paper, `waiting` (id, name, unit) those who may still get it;
    `mine` my own entry, {issued, returned, invalid, counts}; `todo`: take_key, open, paper,
    sign or "" when nothing waits for me.
    """

    handed: tuple[str, ...]
    waiting: tuple[tuple[UUID, str, str], ...]
    mine: Mapping[str, Any] | None
    entries: str
    signed: bool
    todo: str


def counted(poll: rows.Poll) -> bool:
    """Are there numbers to sign? Those of a secret poll are there when it has been opened."""
    return not poll.secret or bool(poll.rule.get("opened"))


def tellers(session: Session, poll: rows.Poll) -> tuple[Teller, ...]:
    """All who count a poll, by name."""
    if not poll.tellers:
        return ()
    entry = and_(_paper.poll_id == _teller.poll_id, _paper.teller_id == _teller.member_id)
    found = session.execute(
        select(_member.name, _paper.at, _teller.signed_at)
        .join(tables.teller, _teller.member_id == _member.id)
        .outerjoin(tables.paper, entry)
        .where(_teller.poll_id == poll.id)
        .order_by(_member.name, _member.id)
    ).all()
    return tuple(Teller(name, at is not None, signed_at) for name, at, signed_at in found)


def counting(session: Session, actor: Actor, poll: rows.Poll) -> Counting:
    """The table as this teller of the poll sees it."""
    handed, waiting = _given(session, poll)
    entries = session.execute(select(tables.paper).where(_paper.poll_id == poll.id)).all()
    own = next((e for e in entries if e.teller_id == actor.id), None)
    agree = polling.agreed_paper(session, poll) is not None
    signed = _signed(session, actor, poll)
    return Counting(
        handed=handed,
        waiting=waiting,
        mine={k: getattr(own, k) for k in ENTERED} if own else None,
        entries="agree" if agree else ("none", "one", "differ")[min(len(entries), 2)],
        signed=signed,
        todo="" if signed else _todo(poll, bool(handed) and not agree),
    )


def _signed(session: Session, actor: Actor, poll: rows.Poll) -> bool:
    query = select(_teller.signed_at).where(
        _teller.poll_id == poll.id, _teller.member_id == actor.id
    )
    return session.execute(query).scalar() is not None


def _todo(poll: rows.Poll, paper_left: bool) -> str:
    if poll.state == PollState.CALLED:
        return "take_key"
    if poll.state != PollState.COUNTING:
        return ""
    if paper_left:
        return "paper"
    return "sign" if counted(poll) else "open"


def _given(
    session: Session, poll: rows.Poll
) -> tuple[tuple[str, ...], tuple[tuple[UUID, str, str], ...]]:
    """Who was given a paper ballot, and who may still get one: of a vote taken in a meeting only
    those who are in the hall.
    """
    if not poll.rule.get("paper"):
        return (), ()
    found = session.execute(
        select(_member.id, _member.name, _unit.name.label("unit"), _roll.paper)
        .join(tables.roll, _roll.member_id == _member.id)
        .outerjoin(tables.unit, _unit.id == _member.unit_id)
        .where(_roll.poll_id == poll.id, _roll.paper | _roll.open)
        .order_by(_member.name, _member.id)
    ).all()
    handed = tuple(r.name for r in found if r.paper)
    if poll.state != PollState.OPEN:
        return handed, ()
    there = polling.may_vote_by_phone(session, poll.id, poll.meeting_id)
    waiting = [r for r in found if not r.paper and r.id in there]
    return handed, tuple((r.id, r.name, r.unit or "") for r in waiting)
