"""The box of a secret poll: what may be chosen, what is made public when it closes, how it is
opened, and that nothing is left of it. Who may do so is decided by the commands that call.
"""

from __future__ import annotations

import base64
from functools import partial
from socket import gethostname
from typing import TYPE_CHECKING, cast
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, or_, select, text, update

from engine import ballots, db
from engine.db import shred as shreds
from engine.db import tables
from engine.db.states import POLL_RUNNING, PollState
from engine.errors import Conflict, EngineError, HistoryBroken
from engine.instance import polling
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.commands.locked_poll import LockedPoll
    from engine.db import Session, rows

_box, _envelope, _board, _urn = tables.box, tables.envelope, tables.board, tables.urn
_poll = tables.poll
_ON_THE_BOARD = text(
    "INSERT INTO board (poll_id, receipt) SELECT :poll, unnest(CAST(:receipts AS text[]))"
)
_BOX = select(_box).where(_box.c.poll_id == bindparam("key"))
_RECEIPTS = select(_board.c.receipt).where(_board.c.poll_id == bindparam("key"))
_VOTERS = select(_envelope.c.member_id).where(_envelope.c.poll_id == bindparam("key"))
_SEALED = select(_envelope.c.sealed).where(_envelope.c.poll_id == bindparam("key"))
_OUTER = select(_box.c.outer_key).where(
    _box.c.poll_id == bindparam("key"), _box.c.outer_key.is_not(None)
)
# counted, or void: nobody will open these envelopes any more
_SPENT = (
    select(_box.c.outer_key)
    .join(_poll, _poll.c.id == _box.c.poll_id)
    .where(or_(_poll.c.state.not_in(POLL_RUNNING), _box.c.urn_hash.is_not(None)))
)
_SPENT_OF = _SPENT.where(_poll.c.instance_id == bindparam("id"), _box.c.outer_key.is_not(None))
_SPENT_HERE = _SPENT.where(_box.c.outer_key.in_(bindparam("keys", expanding=True)))


def slip(poll: rows.Poll, write_in: frozenset[str] = frozenset()) -> ballots.Slip:
    """What a ballot of this poll may say. In an election as many as there are seats, or nobody;
    else one choice. `write_in`: who may be written in, for the count.
    """
    if poll.kind == "election":
        limits = {"least": 0, "most": int(poll.rule["seats"])}
        writable = "write_in" in poll.rule
        choices = tuple(poll.choices)
        return ballots.Slip(str(poll.id), choices, **limits, writable=writable, write_in=write_in)
    return ballots.Slip(str(poll.id), tuple(poll.choices))


def box_of(session: Session, poll_id: UUID) -> rows.Box:
    """The box of a poll that has opened."""
    return cast("rows.Box", session.execute(_BOX, {"key": poll_id}).one())


def _update_box(session: Session, poll_id: UUID, **values: object) -> None:
    session.execute(update(_box).where(_box.c.poll_id == poll_id).values(**values))


def collect(locked: LockedPoll) -> None:
    """Close the box: all receipts go on the board, and who voted into the history, sorted, without
    times. Raises as `outer_secret`.

    The poll's row must have been updated in this transaction: whoever was casting has then ended.
    Before it opened there is nothing to collect, and nothing happens twice.
    """
    session, poll = locked.session, locked.poll
    if poll.state != PollState.OPEN:
        return
    receipts = sorted(map(ballots.receipt_of, _voters_envelopes(locked)))
    session.execute(_ON_THE_BOARD, {"poll": poll.id, "receipts": receipts})
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
    sealed = sorted(_voters_envelopes(locked), key=ballots.receipt_of)
    if ballots.board_hash(map(ballots.receipt_of, sealed)) != box.board_hash:
        raise _broken(locked, _("信封与公布的回执不符。"))
    key = ballots.join(parts, base64.b64decode(poll.public_key or ""))
    if key is None:
        raise _broken(locked, _("监票人的密钥与公布的公钥不符。"))
    count = ballots.count(sealed, key, slip(poll, polling.may_be_written_in(session, poll.id)))
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
    """Destroy envelopes and key parts, and the outer key: when they are counted, or the poll is
    void.
    """
    for table in (_envelope, tables.teller_part, tables.teller_key):
        session.execute(delete(table).where(table.c.poll_id == poll_id))
    _destroy_afterwards(session, session.execute(_OUTER, {"key": poll_id}).scalars())


def forget_keys_of(session: Session, instance_id: UUID) -> None:
    """Destroy the outer keys of the polls of an instance that are void."""
    _destroy_afterwards(session, session.execute(_SPENT_OF, {"id": instance_id}).scalars())


def _destroy_afterwards(session: Session, keys: Iterable[bytes]) -> None:
    for public in keys:
        db.after_commit(session, partial(shreds.of(session).destroy, bytes(public).hex()))


# --- the outer key --------------------------------------------------------------------------------
def new_outer_key(session: Session) -> bytes:
    """Make the key of a poll's outer envelopes, and keep it in the home of this host; gives its
    public half. On the disk before the poll is open: an opening that is taken back leaves a key
    to which nothing was sealed.
    """
    private, public = ballots.new_key()
    shreds.of(session).keep(public.hex(), private)
    return public


def has_outer_key(session: Session, box: rows.Box) -> bool:
    """Can the envelopes be taken out here?"""
    return box.outer_key is None or shreds.of(session).find(bytes(box.outer_key).hex()) is not None


def _outer_secret(session: Session, box: rows.Box) -> bytes | None:
    """The private half of the outer key; None in the scheme of before.

    Conflict: another host has it. EngineError: it is lost, and the poll can only be void.
    """
    if box.outer_key is None:
        return None
    found = shreds.of(session).find(bytes(box.outer_key).hex())
    if found is not None:
        return found
    if box.keeper != gethostname():
        message = _(
            "这次投票的外层密钥只在主机 {host} 上，须在那台主机上截止和开箱；那台主机已经不在的，只能宣布作废，重新投票。",
            host=box.keeper,
        )
        raise Conflict(message, code="elsewhere")
    lost = _("这次投票的外层密钥已经丢失，选票无法开启，只能宣布作废，重新投票。")
    raise EngineError(lost, code="key_lost")


def _voters_envelopes(locked: LockedPoll) -> list[bytes]:
    """The envelopes as the voters sealed them, in no order. Raises as `_outer_secret`;
    HistoryBroken for an outer one that was altered.
    """
    session, key = locked.session, {"key": locked.poll.id}
    stored = [bytes(blob) for blob in session.execute(_SEALED, key).scalars()]
    secret = _outer_secret(session, box_of(session, locked.poll.id))
    if secret is None:
        return stored
    found = [ballots.unwrap_outer(blob, secret) for blob in stored]
    if None in found:
        raise _broken(locked, _("有信封被改动过。"))
    return [blob for blob in found if blob is not None]


def forget_spent_keys(session: Session) -> int:
    """Destroy the outer keys lying here whose polls are counted or void; gives their number. What
    this database does not know may be another one's and stays.

    The commands do so themselves when they have committed; this finds what they could not.
    """
    here = shreds.of(session)
    names = here.names()
    if not names:
        return 0
    keys = [bytes.fromhex(name) for name in names]
    spent = [bytes(key).hex() for key in session.execute(_SPENT_HERE, {"keys": keys}).scalars()]
    for name in spent:
        here.destroy(name)
    return len(spent)
