"""Those who count a poll, and their table as one of them sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, exists, func, select

from engine.db import tables
from engine.db.states import POLL_RUNNING, PollState
from engine.instance import polling, presence
from engine.people.ordering import on_screen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from engine.db import Session, rows
    from engine.people.organisation import Actor

_member, _roll, _teller, _paper = tables.member.c, tables.roll.c, tables.teller.c, tables.paper.c
_unit, _here = tables.unit.c, tables.attendance.c
_SUCCESSOR = tables.member.alias("successor")
_successor = _SUCCESSOR.c
ENTERED = ("issued", "returned", "invalid", "counts")


@dataclass(frozen=True)
class Teller:
    """One who counts, or did: entered the paper ballots; signed, or says why not (`dissent`); asked
    to go, or was replaced (`leaves`: why), and by whom.
    """

    id: UUID
    name: str
    entered: bool
    signed_at: datetime | None
    dissent: str | None
    leaves: str | None
    successor: str | None
    away: bool  # of the hall


@dataclass(frozen=True)
class Change:
    """What who presides may do about the tellers: those who may be replaced, and by whom (id, name,
    unit).
    """

    leaving: tuple[Teller, ...]
    successors: tuple[tuple[UUID, str, str], ...]


@dataclass(frozen=True)
class Counting:
    """The tellers' table as one of them sees it. `entries`: none, one, agree or differ; nobody sees
    another's numbers.

    `handed` are those who were given paper, `waiting` (id, name, unit) those who may still get it;
    `mine` my own entry, {issued, returned, invalid, counts}; `todo`: take_key, open, paper,
    sign or "" when nothing waits for me. `away`: I left the hall, or asked to be replaced.
    """

    handed: tuple[str, ...]
    waiting: tuple[tuple[UUID, str, str], ...]
    mine: Mapping[str, Any] | None
    entries: str
    signed: bool
    todo: str
    away: bool = False
    dissents: bool = False  # may a teller say why they do not sign


def counted(poll: rows.Poll) -> bool:
    """Are there numbers to sign? Those of a secret poll are there when it has been opened."""
    return not poll.secret or bool(poll.rule.get("opened"))


def tellers(session: Session, poll: rows.Poll) -> tuple[Teller, ...]:
    """All who count a poll, or did until they were replaced, by name."""
    if not poll.tellers:
        return ()
    entry = and_(_paper.poll_id == _teller.poll_id, _paper.teller_id == _teller.member_id)
    seat = and_(_here.meeting_id == poll.meeting_id, _here.member_id == _teller.member_id)
    found = session.execute(
        select(
            _member.id,
            _member.name,
            _paper.at.is_not(None),
            _teller.signed_at,
            _teller.dissent,
            _teller.leaves,
            _successor.name,
            func.coalesce(~_here.here, False),
        )
        .join(tables.teller, _teller.member_id == _member.id)
        .outerjoin(tables.paper, entry)
        .outerjoin(_SUCCESSOR, _successor.id == _teller.successor_id)
        .outerjoin(tables.attendance, seat)
        .where(_teller.poll_id == poll.id)
        .order_by(_member.id)
    ).all()
    return tuple(on_screen([Teller(*row) for row in found], lambda teller: teller.name))


def change(session: Session, poll: rows.Poll, seated: Iterable[Teller]) -> Change | None:
    """What who presides may do about the tellers of a running poll; None when nobody leaves."""
    leaving = tuple(t for t in seated if t.successor is None and (t.away or t.leaves))
    if not leaving or poll.state not in POLL_RUNNING:
        return None
    there = presence.people_here(poll)
    kept = [_teller.member_id == _member.id, _teller.poll_id == poll.id]
    barred = [UUID(choice) for choice in poll.choices] if poll.kind == "election" else []
    found = session.execute(
        select(_member.id, _member.name, func.coalesce(_unit.name, ""))
        .outerjoin(tables.unit, _unit.id == _member.unit_id)
        .where(_member.id.in_(there), _member.id.not_in(barred))
        .where(~exists().where(*kept))
        .order_by(_member.id)
    )
    successors = on_screen([(r[0], r[1], r[2]) for r in found], lambda person: person[1])
    return Change(leaving, tuple(successors))


def counting(session: Session, actor: Actor, poll: rows.Poll) -> Counting:
    """The table as this teller of the poll sees it."""
    handed, waiting = _given(session, poll)
    entries = session.execute(select(tables.paper).where(_paper.poll_id == poll.id)).all()
    own = next((e for e in entries if e.teller_id == actor.id), None)
    agree = polling.agreed_paper(session, poll) is not None
    own_row = next(each for each in tellers(session, poll) if each.id == actor.id)
    signed, away = own_row.signed_at is not None, own_row.away or own_row.leaves is not None
    return Counting(
        handed=handed,
        waiting=waiting,
        mine={k: getattr(own, k) for k in ENTERED} if own else None,
        entries="agree" if agree else ("none", "one", "differ")[min(len(entries), 2)],
        signed=signed,
        todo="" if signed or away else _todo(poll, bool(handed) and not agree),
        away=away,
        dissents=bool(poll.rule.get("signs")) and own_row.dissent is None,
    )


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
    listed = session.execute(
        select(_member.id, _member.name, _unit.name.label("unit"), _roll.paper)
        .join(tables.roll, _roll.member_id == _member.id)
        .outerjoin(tables.unit, _unit.id == _member.unit_id)
        .where(_roll.poll_id == poll.id, _roll.paper | _roll.open)
        .order_by(_member.id)
    )
    found = on_screen(listed, lambda row: row.name)
    handed = tuple(r.name for r in found if r.paper)
    if poll.state != PollState.OPEN:
        return handed, ()
    there = polling.may_vote_by_phone(session, poll.id, poll.meeting_id)
    waiting = [r for r in found if not r.paper and r.id in there]
    return handed, tuple((r.id, r.name, r.unit or "") for r in waiting)
