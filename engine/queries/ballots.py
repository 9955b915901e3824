"""A secret ballot as a person may see it: the key, the tellers, my own part in it, board and urn,
and the checks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from socket import gethostname
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, func, select

from engine import ballots
from engine.ballots import Ballot, Paper
from engine.db import rows, shred, tables
from engine.db.states import POLL_RUNNING, PollState
from engine.people import access, organisation
from engine.people.ordering import on_screen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.ballots import Report
    from engine.db import Session
    from engine.people.organisation import Actor

_poll, _box, _key, _envelope, _roll = (
    tables.poll.c,
    tables.box.c,
    tables.teller_key.c,
    tables.envelope.c,
    tables.roll.c,
)
_part = tables.teller_part.c
OVER = (PollState.CLOSED,)  # from here on the urn is for everybody who may see the poll


@dataclass(frozen=True)
class Teller:
    """One teller: took a key part, joined it to open the envelopes."""

    id: UUID
    name: str
    taken: bool
    joined: bool


@dataclass(frozen=True)
class Box:
    """What one needs to vote, to count, and to check.

    `public_key` is base64, `size` the bytes inside each envelope (both None until the poll opens);
    `receipt` is mine while the envelope is kept, but for outer envelopes: these the server does not
    open before the close. `cast` how many have voted; `voted_at` the minute
    in which I did.
    """

    poll_id: UUID
    state: str
    public_key: str | None
    size: int | None
    choices: tuple[str, ...]
    names: Mapping[str, str]  # of the candidates of an election, by choice
    least: int
    most: int
    needed: int
    opened: bool  # counted; the tellers may still have to sign
    tellers: tuple[Teller, ...]
    teller: Teller | None  # me
    cast: int
    may_vote: bool
    voted_at: datetime | None
    receipt: str | None
    keeper: str | None  # the host that has the key of the outer envelopes
    lost: bool  # that is this host, and has it no more
    openable: bool = True  # the tellers of now hold as many key parts as are needed
    gives: bool = False  # I was replaced, and still hold a part that my successor needs


@dataclass(frozen=True)
class Published:
    """The board from the close on, sorted; the urn when the result is out, sorted. Hashes as the
    history has them.
    """

    board: tuple[str, ...]
    urn: tuple[Ballot, ...]
    board_hash: str | None
    urn_hash: str | None
    invalid: int | None


def box(session: Session, actor: Actor, poll_id: UUID) -> Box | None:
    """The box of a poll; None when the poll is not secret. NotFound when it is not this person's to
    see.
    """
    row = _seen(session, actor, poll_id)
    if not row.secret:
        return None
    stored = session.execute(select(tables.box).where(_box.poll_id == poll_id)).first()
    mine = _mine(session, actor, poll_id)
    tellers = _tellers(session, row)
    election = row.kind == "election"
    return Box(
        poll_id=poll_id,
        state=row.state,
        public_key=row.public_key,
        size=stored.size if stored else None,
        choices=tuple(row.choices),
        names=_names(session, row) if election else {},
        least=0 if election else 1,
        most=int(row.rule["seats"]) if election else 1,
        needed=int(row.rule["keys"]),
        opened=bool(row.rule.get("opened")),
        tellers=tellers,
        teller=next((t for t in tellers if t.id == actor.id), None),
        cast=_cast(session, poll_id, stored),
        may_vote=mine.open and row.state == PollState.OPEN,
        voted_at=mine.at,
        receipt=mine.receipt if stored is None or stored.outer_key is None else None,
        keeper=stored.keeper if stored else None,
        lost=stored is not None and _lost(session, row, stored),
        openable=stored is None or _openable(session, row, stored),
        gives=_gives(session, row, actor),
    )


def _openable(session: Session, poll: rows.Poll, stored: rows.Selected) -> bool:
    """Do those who count hold enough parts of the key? Once the box was opened none is needed."""
    if poll.state not in (PollState.OPEN, PollState.COUNTING) or poll.rule.get("opened"):
        return True
    held = _part.poll_id == poll.id, _part.holder_id.in_(poll.tellers)
    parts = session.execute(select(func.count(_part.member_id.distinct())).where(*held))
    return bool(parts.scalar_one() >= stored.needed)


def _gives(session: Session, poll: rows.Poll, actor: Actor) -> bool:
    """Has somebody taken the actor's place as a teller, while the actor has a part of the key?"""
    if actor.id in poll.tellers:
        return False
    held = _part.poll_id == poll.id, _part.holder_id == actor.id
    return session.execute(select(_part.member_id).where(*held).limit(1)).first() is not None


def _lost(session: Session, poll: rows.Poll, stored: rows.Selected) -> bool:
    """Should this host have the key that is still needed, and has it not?"""
    needed = poll.state in POLL_RUNNING and stored.outer_key is not None and not stored.urn_hash
    if not needed or stored.keeper != gethostname():
        return False
    return shred.of(session).find(bytes(stored.outer_key).hex()) is None


class _Mine(NamedTuple):
    """My place on the roll, and my envelope while it is there."""

    open: bool = False
    at: datetime | None = None
    receipt: str | None = None


def _mine(session: Session, actor: Actor, poll_id: UUID) -> _Mine:
    own = and_(_envelope.poll_id == _roll.poll_id, _envelope.member_id == _roll.member_id)
    query = select(_roll.open, _roll.at, _envelope.receipt).outerjoin(tables.envelope, own)
    place = _roll.poll_id == poll_id, _roll.member_id == actor.id
    row = session.execute(query.where(*place)).first()
    return _Mine(*row) if row else _Mine()


def must_be_secret(found: Box | None) -> Box:
    """The box, or NotFound when the poll has none."""
    box: Box = access.must_see(found)
    return box


def _seen(session: Session, actor: Actor, poll_id: UUID) -> rows.Poll:
    query = select(tables.poll).join(tables.instance, tables.instance.c.id == _poll.instance_id)
    seen = query.where(_poll.id == poll_id, access.visible(actor))
    return rows.Poll(*access.must_see(session.execute(seen).first()))


def _names(session: Session, poll: rows.Poll) -> dict[str, str]:
    found = organisation.names(session, [UUID(c) for c in poll.choices])
    return {str(member): name for member, name in found.items()}


def _tellers(session: Session, poll: rows.Poll) -> tuple[Teller, ...]:
    member = tables.member.c
    part = and_(_key.member_id == member.id, _key.poll_id == poll.id)
    found = session.execute(
        select(member.id, member.name, _key.member_id.is_not(None), _key.joined)
        .outerjoin(tables.teller_key, part)
        .where(member.id.in_(poll.tellers))
        .order_by(member.id)
    )
    # once the box was opened all had taken theirs; the rows go with the envelopes
    all_joined = bool(poll.rule.get("opened"))
    all_taken = all_joined or poll.state == PollState.CLOSED
    return tuple(
        Teller(key, name, taken=taken or all_taken, joined=bool(joined) or all_joined)
        for key, name, taken, joined in on_screen(found, lambda row: row.name)
    )


def _cast(session: Session, poll_id: UUID, stored: rows.Selected | None) -> int:
    """How many envelopes were cast: those that lie there, or, once they are collected, as the box
    has it.
    """
    if stored is not None and stored.voters is not None:
        return int(stored.voters)
    return int(
        session.execute(select(func.count()).where(_envelope.poll_id == poll_id)).scalar_one()
    )


def published(session: Session, actor: Actor, poll_id: UUID) -> Published:
    """Board and urn. NotFound when the poll is not this person's to see, or not secret."""
    row = _seen(session, actor, poll_id)
    access.must_see(row if row.secret else None)
    stored_box = session.execute(select(tables.box).where(_box.poll_id == poll_id)).first()
    if stored_box is None or stored_box.board_hash is None:
        return Published((), (), None, None, None)
    over = row.state in OVER
    return Published(
        board_of(session, poll_id),
        urn_of(session, poll_id) if over else (),
        stored_box.board_hash,
        stored_box.urn_hash if over else None,
        stored_box.invalid if over else None,
    )


def board_of(session: Session, poll_id: UUID) -> tuple[str, ...]:
    """All receipts, sorted."""
    board = tables.board.c
    return tuple(
        session.execute(
            select(board.receipt).where(board.poll_id == poll_id).order_by(board.receipt)
        ).scalars()
    )


def urn_of(session: Session, poll_id: UUID) -> tuple[Ballot, ...]:
    """All ballots, sorted by code."""
    urn = tables.urn.c
    rows = session.execute(
        select(urn.code, urn.choices).where(urn.poll_id == poll_id).order_by(urn.code)
    ).all()
    return tuple(Ballot(r.code, tuple(r.choices)) for r in rows)


def checked(
    session: Session, actor: Actor, poll_id: UUID, receipt: str = "", code: str = ""
) -> Report | None:
    """Every check that can be made now against the history, and whether my receipt and code are
    there.

    None before the close. NotFound when the poll is not this person's to see, or not secret.
    """
    found = published(session, actor, poll_id)
    if found.board_hash is None:
        return None
    paper = _paper(session, poll_id, found)
    return None if paper is None else ballots.report(paper, receipt, code)


def _paper(session: Session, poll_id: UUID, found: Published) -> Paper | None:
    poll = session.execute(
        select(_poll.instance_id, _poll.roll_size, _poll.choices, _poll.rule).where(
            _poll.id == poll_id
        )
    ).one()
    cast = _last_event(session, poll.instance_id, "ballots_cast", poll_id)
    opened = (
        _last_event(session, poll.instance_id, "ballots_opened", poll_id)
        if found.urn_hash is not None
        else None
    )
    if cast is None:
        return None
    return Paper(
        roll=poll.roll_size,
        choices=tuple(poll.choices),
        board=found.board,
        urn=found.urn,
        voters=len(cast["voters"]),
        board_hash=cast["board"],
        urn_hash=opened["urn"] if opened else None,
        counts=opened["counts"] if opened else None,
        invalid=opened["invalid"] if opened else None,
        write_in="write_in" in poll.rule,
    )


def _last_event(session: Session, chain: UUID, kind: str, poll_id: UUID) -> dict[str, Any] | None:
    """What the history says of this poll by its last event of a kind."""
    event = tables.event.c
    rows = session.execute(
        select(event.body)
        .where(event.instance_id == chain, event.kind == kind)
        .order_by(event.seq.desc())
    ).scalars()
    bodies = (json.loads(body) for body in rows)
    return next((body for body in bodies if body.get("poll") == str(poll_id)), None)
