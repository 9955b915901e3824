"""A teller asks to be replaced, is replaced by who presides, and hands their key part to who takes
their place.

Who presides replaces nobody against their will: only who asked for it, or is not in the hall. The
one who leaves keeps what they signed in the history alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from engine.commands import locked_poll, reasons, unit_of_work
from engine.db import tables
from engine.db.states import POLL_RUNNING, PollState
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import polling, presence, rights
from engine.instance.rights import Case
from engine.messages import _

if TYPE_CHECKING:
    from engine.commands.locked_poll import LockedPoll
    from engine.db import Session
    from engine.people.organisation import Actor

_teller, _paper, _key = tables.teller.c, tables.paper.c, tables.teller_key.c
_MINE = _teller.poll_id == bindparam("key"), _teller.member_id == bindparam("who")
_LEAVES = select(_teller.leaves).where(*_MINE)
_LEAVE = (
    update(tables.teller).where(*_MINE, _teller.leaves.is_(None)).values(leaves=bindparam("why"))
)
_REPLACED = (
    update(tables.teller)
    .where(*_MINE)
    .values(leaves=bindparam("why"), successor_id=bindparam("new"), signed_at=None, dissent=None)
)
_KNOWN = select(_teller.member_id).where(*_MINE)
_NO_KEY = delete(tables.teller_key).where(
    _key.poll_id == bindparam("key"), _key.member_id == bindparam("who")
)
_NO_ENTRY = delete(tables.paper).where(
    _paper.poll_id == bindparam("key"), _paper.teller_id == bindparam("who")
)
_AGAIN = update(tables.teller_key).where(_key.poll_id == bindparam("key")).values(joined=False)


class Change(NamedTuple):
    """Who takes whose place as a teller, and why where the one who leaves has not said it."""

    teller: UUID
    successor: UUID
    reason: str = ""


def resign(session: Session, actor: Actor, poll_id: UUID, reason: str) -> UUID:
    """A teller asks to be replaced: from now on they neither count nor sign.

    Raises NotFound for who is no teller, Conflict (over, or asked before), Invalid for no reason.
    """
    locked = _locked(session, actor, poll_id)
    if actor.id not in locked.poll.tellers:
        raise NotFound(verb="count", **locked.place)
    why = reasons.plain(reason)
    mine = {"key": poll_id, "who": actor.id, "why": why}
    if session.execute(_LEAVE, mine).rowcount != 1:
        raise Conflict(_("您已请求更换。"), code="answered")
    locked.log("teller_resigned", actor, reason=why)
    unit_of_work.save(locked.work)
    return locked.instance_id


def replace(session: Session, actor: Actor, poll_id: UUID, change: Change) -> UUID:
    """Who presides puts somebody in the hall in the place of a teller who asked for it, or left.

    What the one who leaves entered or signed counts no more, unless the paper was agreed on. Raises
    Refused, Conflict, Invalid (no reason, or not one who can be a teller).
    """
    locked = _locked(session, actor, poll_id)
    rights.check(Case(locked.work, "replace_teller", locked.task.element, poll=locked.poll))
    why = _reason(locked, change)
    _check_successor(locked, change.successor)
    values = {"key": poll_id, "who": change.teller, "new": change.successor, "why": why}
    session.execute(_REPLACED, values)
    session.execute(insert(tables.teller).values(poll_id=poll_id, member_id=change.successor))
    seated = [change.successor if t == change.teller else t for t in locked.poll.tellers]
    _take_from_table(locked, change.teller)
    changed = locked.update(tellers=seated)
    locked.work.shares.add(change.successor)
    changed.log(
        "teller_replaced",
        actor,
        old=str(change.teller),
        new=str(change.successor),
        reason=why,
        tellers=[str(teller) for teller in seated],
    )
    unit_of_work.save(locked.work)
    return locked.instance_id


def _locked(session: Session, actor: Actor, poll_id: UUID) -> LockedPoll:
    """Lock a poll that is not over. Raises Conflict."""
    locked = locked_poll.lock(session, actor, poll_id)
    if locked.poll.state not in POLL_RUNNING:
        raise Conflict(_("表决已经结束，不能再更换监票人。"), code="closed")
    return locked


def _reason(locked: LockedPoll, change: Change) -> str:
    """Why the teller is replaced: their own words first. Raises Conflict, Invalid."""
    session, poll = locked.session, locked.poll
    if change.teller not in poll.tellers:
        raise Invalid({"teller": [_("这个人不是本次表决的监票人。")]})
    own = session.execute(_LEAVES, {"key": poll.id, "who": change.teller}).scalar()
    if own is not None:
        return str(own)
    if not presence.has_left(session, poll.meeting_id, change.teller):
        message = _("监票人还在会场，也没有请求更换；请本人提出，或者登记离会以后再更换。")
        raise Conflict(message, code="at_table")
    return reasons.plain(change.reason)


def _check_successor(locked: LockedPoll, successor: UUID) -> None:
    """In the hall, no candidate, not the one who presides, and never a teller of this poll before.
    Raises Invalid.
    """
    session, poll, work = locked.session, locked.poll, locked.work
    there = poll.meeting_id is None or presence.is_here(session, poll.meeting_id, successor)
    known = session.execute(_KNOWN, {"key": poll.id, "who": successor}).first() is not None
    stands = poll.kind == "election" and str(successor) in poll.choices
    itself = work.actor is not None and work.actor.id == successor
    if there and not (known or stands or itself):
        return
    message = _("接替的监票人须在会场，不是候选人、主持人，也没有担任过本次表决的监票人。")
    raise Invalid({"successor": [message]})


def _take_from_table(locked: LockedPoll, teller: UUID) -> None:
    """What a teller who leaves has in hand: their entry, where it was not agreed on, and before the
    poll opens their key. Afterwards the others enter their passphrases once more, so that the
    newcomer gets the parts too.
    """
    session, poll = locked.session, locked.poll
    if not polling.agreed_paper(session, poll):
        session.execute(_NO_ENTRY, {"key": poll.id, "who": teller})
    if poll.state == PollState.CALLED:
        session.execute(_NO_KEY, {"key": poll.id, "who": teller})
    else:
        session.execute(_AGAIN, {"key": poll.id})


def successor_of(session: Session, poll_id: UUID, teller: UUID) -> UUID | None:
    """Who counts now in the place of a teller who was replaced; None for one who was not."""
    query = select(_teller.successor_id).where(*_MINE)
    place = None
    while found := session.execute(query, {"key": poll_id, "who": place or teller}).scalar():
        place = found
    return place
