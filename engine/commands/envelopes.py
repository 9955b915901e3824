"""The box of a secret poll: what may be chosen, what is made public when it closes, how it is
opened, and that nothing is left of it. Who may do so is decided by the commands that call.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, cast
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, text, update

from engine import ballots
from engine.db import tables
from engine.db.states import PollState
from engine.errors import HistoryBroken
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.commands.locked_poll import LockedPoll
    from engine.db import Session, rows

_box, _envelope, _board, _urn = tables.box, tables.envelope, tables.board, tables.urn
_ON_THE_BOARD = text(
    "INSERT INTO board (poll_id, receipt) "
    "SELECT poll_id, receipt FROM envelope WHERE poll_id = :poll ORDER BY receipt"
)
_BOX = select(_box).where(_box.c.poll_id == bindparam("key"))
_RECEIPTS = select(_board.c.receipt).where(_board.c.poll_id == bindparam("key"))
_VOTERS = select(_envelope.c.member_id).where(_envelope.c.poll_id == bindparam("key"))
_SEALED = (
    select(_envelope.c.sealed)
    .where(_envelope.c.poll_id == bindparam("key"))
    .order_by(_envelope.c.receipt)
)


def slip(poll: rows.Poll) -> ballots.Slip:
    """What a ballot of this poll may say. In an election as many as there are seats, or nobody;
    else one choice.
    """
    if poll.kind == "election":
        return ballots.Slip(str(poll.id), tuple(poll.choices), 0, int(poll.rule["seats"]))
    return ballots.Slip(str(poll.id), tuple(poll.choices))


def box_of(session: Session, poll_id: UUID) -> rows.Box:
    """The box of a poll that has opened."""
    return cast("rows.Box", session.execute(_BOX, {"key": poll_id}).one())


def _update_box(session: Session, poll_id: UUID, **values: object) -> None:
    session.execute(update(_box).where(_box.c.poll_id == poll_id).values(**values))


def collect(locked: LockedPoll) -> None:
    """Close the box: all receipts go on the board, and who voted into the history, sorted, without
    times.

    The poll's row must have been updated in this transaction: whoever was casting has then ended.
    Before it opened there is nothing to collect, and nothing happens twice.
    """
    session, poll = locked.session, locked.poll
    if poll.state != PollState.OPEN:
        return
    session.execute(_ON_THE_BOARD, {"poll": poll.id})
    board = ballots.board_hash(session.execute(_RECEIPTS, {"key": poll.id}).scalars())
    voters = sorted(map(str, session.execute(_VOTERS, {"key": poll.id}).scalars()))
    _update_box(session, poll.id, voters=len(voters), board_hash=board)
    locked.log("ballots_cast", None, voters=voters, cast=len(voters), board=board)


def open_box(locked: LockedPoll, box: rows.Box, parts: Iterable[bytes]) -> ballots.Count:
    """Open and count the envelopes, which come without names and in the order of their receipts;
    keep the urn only.

    HistoryBroken when the envelopes are not those on the board, or the tellers' parts give another
    key.
    """
    session, poll = locked.session, locked.poll
    sealed = [bytes(blob) for blob in session.execute(_SEALED, {"key": poll.id}).scalars()]
    if ballots.board_hash(map(ballots.receipt_of, sealed)) != box.board_hash:
        raise _broken(locked, _("信封与公布的回执不符。"))
    key = ballots.join(parts, base64.b64decode(poll.public_key or ""))
    if key is None:
        raise _broken(locked, _("监票人的密钥与公布的公钥不符。"))
    count = ballots.count(sealed, key, slip(poll))
    _fill_urn(session, poll.id, count)
    shred(session, poll.id)
    return count


def _broken(locked: LockedPoll, message: str) -> HistoryBroken:
    return HistoryBroken(message, instance_id=str(locked.instance_id), poll=str(locked.poll.id))


def _fill_urn(session: Session, poll_id: UUID, count: ballots.Count) -> None:
    stored = [
        {"poll_id": poll_id, "code": ballot.code, "choices": list(ballot.choices)}
        for ballot in count.urn
    ]
    if stored:
        session.execute(insert(_urn), stored)
    urn_hash = ballots.urn_hash(count.urn)
    _update_box(session, poll_id, urn_hash=urn_hash, invalid=count.invalid)


def shred(session: Session, poll_id: UUID) -> None:
    """Destroy envelopes and key parts: when they are counted, or the poll is void."""
    for table in (_envelope, tables.teller_part, tables.teller_key):
        session.execute(delete(table).where(table.c.poll_id == poll_id))
