"""Casting a secret ballot: a sealed envelope, once, for a receipt. See ADR 8, and
engine/commands/teller_keys.py.

Casting does not lock the instance as every other command does: it holds the poll's row FOR SHARE,
which the closing must update, so whatever was acknowledged is counted, and a thousand voters do not
wait for one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import ballots, clock
from engine.commands import envelopes, locked_poll, polls, unit_of_work
from engine.commands.poll_lifecycle import FEWEST
from engine.db import shred, tables
from engine.db.states import InstanceState, PollState
from engine.definitions.store import process_of
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import polling, presence, rights
from engine.instance.context import context_of
from engine.instance.numbers import rule_value
from engine.instance.rights import Case
from engine.messages import _

if TYPE_CHECKING:
    from datetime import datetime

    from engine.db import Session, rows
    from engine.instance.context import Context
    from engine.people.organisation import Actor

_poll, _roll, _box, _envelope = tables.poll, tables.roll, tables.box, tables.envelope
_task, _instance = tables.task, tables.instance


class _Paper(NamedTuple):
    """What a voter needs of the poll: see _PAPER."""

    id: UUID
    state: str
    secret: bool
    rule: rows.PollTerms
    closes_at: datetime | None
    instance_id: UUID
    meeting_id: UUID | None
    element: str
    size: int
    version: str
    instance_state: str
    on_paper: bool  # may ballots be handed out on paper, too
    outer_key: bytes | None

    def stored(self, sealed: bytes) -> dict[str, Any]:
        """How an envelope lies in the database: by its mark and in an outer one; in the scheme of
        before by its receipt and as it is.
        """
        if self.outer_key is None:
            return {"receipt": ballots.receipt_of(sealed), "sealed": sealed}
        wrapped = ballots.wrap(sealed, bytes(self.outer_key))
        return {"receipt": ballots.mark_of(sealed), "sealed": wrapped}


_PAPER = (
    select(
        _poll.c.id,
        _poll.c.state,
        _poll.c.secret,
        _poll.c.rule,
        _poll.c.closes_at,
        _poll.c.instance_id,
        _poll.c.meeting_id,
        _task.c.element,
        _box.c.size,
        _instance.c.version,
        _instance.c.state.label("instance_state"),
        func.coalesce(_poll.c.rule["paper"].as_boolean(), False).label("on_paper"),
        _box.c.outer_key,
    )
    .join(_roll, _roll.c.poll_id == _poll.c.id)
    .join(_task, _task.c.id == _poll.c.task_id)
    .join(_instance, _instance.c.id == _poll.c.instance_id)
    .outerjoin(_box, _box.c.poll_id == _poll.c.id)
    .where(_poll.c.id == bindparam("key"), _roll.c.member_id == bindparam("who"))
)
_SHARED = (
    select(_poll.c.state, _poll.c.closes_at)
    .where(_poll.c.id == bindparam("key"))
    .with_for_update(read=True)
)
_PUT = upsert(_envelope).on_conflict_do_nothing().returning(_envelope.c.receipt)
_MINE = select(_envelope.c.receipt).where(
    _envelope.c.poll_id == bindparam("key"), _envelope.c.member_id == bindparam("who")
)
_VOTED = (
    update(_roll)
    .where(_roll.c.poll_id == bindparam("key"), _roll.c.member_id == bindparam("who"), _roll.c.open)
    .values(open=False, at=bindparam("minute"))
)
_ALL_VOTED = (
    select(_poll.c.id, _box.c.outer_key)
    .join(_box, _box.c.poll_id == _poll.c.id)
    .where(
        _poll.c.state == PollState.OPEN,
        _poll.c.rule["early"].as_string() == "all",
        _box.c.outer_key.is_not(None),
        ~exists().where(_roll.c.poll_id == _poll.c.id, _roll.c.open),
    )
)
_WAITING = select(func.count()).where(_roll.c.poll_id == bindparam("key"), _roll.c.open)


def cast(session: Session, actor: Actor, poll_id: UUID, sealed: bytes) -> str:
    """Put a sealed envelope in, once; gives the receipt. The same envelope again gives the same
    receipt.

    NotFound when not on the roll, Conflict when closed or another envelope was put in, Invalid for
    a wrong size.
    """
    paper = _paper(session, actor, poll_id)
    receipt = ballots.receipt_of(sealed)
    stored = paper.stored(sealed)
    if _was_cast(session, actor, poll_id, stored["receipt"]):
        return receipt
    # before the lock, so that nobody holds up the close
    _check_open(paper.instance_state, paper.state, paper.closes_at)
    _check_voter(session, actor, paper)
    if not ballots.is_envelope(sealed, paper.size):
        raise Invalid({"envelope": [_("信封的大小不对。")]})
    shared = session.execute(_SHARED, {"key": poll_id}).one()
    _check_open(paper.instance_state, shared.state, shared.closes_at)
    if _mark_voted(session, actor, poll_id):
        envelope = {"poll_id": poll_id, "member_id": actor.id, **stored}
        if session.execute(_PUT, envelope).first() is None:
            raise Conflict(_("这个信封已经有人投过。"), code="copied")
    elif not _was_cast(session, actor, poll_id, stored["receipt"]):  # meanwhile, in another window
        message = _("您不能再投票：已领取纸质票，或已不在名册上。")
        raise Conflict(message, code="not_waiting")
    return receipt


def _paper(session: Session, actor: Actor, poll_id: UUID) -> _Paper:
    """The poll, for who is on its roll. Raises NotFound."""
    paper = session.execute(_PAPER, {"key": poll_id, "who": actor.id}).first()
    if paper is None or not paper.secret:
        raise NotFound(verb="cast")
    return _Paper._make(paper)


def _was_cast(session: Session, actor: Actor, poll_id: UUID, mark: str) -> bool:
    """Is this the envelope that was put in before? Conflict when that was another one."""
    earlier = session.execute(_MINE, {"key": poll_id, "who": actor.id}).scalar()
    if earlier is not None and earlier != mark:
        raise Conflict(_("您已投票，选票投出后不能更改。"), code="answered")
    return earlier is not None


def _mark_voted(session: Session, actor: Actor, poll_id: UUID) -> bool:
    """Note on the roll that the actor voted, to the minute; False when the roll does not wait for
    them.
    """
    minute = clock.now().replace(second=0, microsecond=0)
    voter = {"key": poll_id, "who": actor.id, "minute": minute}
    return session.execute(_VOTED, voter).rowcount == 1


def _check_open(instance_state: str, state: str, closes_at: datetime | None) -> None:
    """Raises Conflict for a poll that takes no ballots now."""
    if instance_state != InstanceState.RUNNING:
        name = unit_of_work.STATES[instance_state]
        raise Conflict(_("此件{state}，不能投票。", state=name), code="not_running")
    if state == PollState.CALLED:
        raise Conflict(_("投票还没有开始。"), code="not_open")
    if not polling.takes_answers(state, closes_at):
        raise Conflict(_("投票已截止。"), code="closed")


def _check_voter(session: Session, actor: Actor, paper: _Paper) -> None:
    """Present in a quorate hall, where the poll is held in a meeting, and not recused. Raises
    Refused, Conflict.
    """
    rule = process_of(session, paper.version).tasks[paper.element]
    if not rule.recuse and paper.meeting_id is None and not paper.on_paper:
        return  # the instance is not read
    context = context_of(session, actor, paper.instance_id)
    rights.check_bars(Case(context, "cast", rule.id, meeting_id=paper.meeting_id))
    presence.check_quorum(paper.rule, presence.now_present(session, paper.meeting_id))
    if paper.on_paper and polling.papers_given(session, paper.id):
        _check_secrecy(context, paper)


def _check_secrecy(context: Context, paper: _Paper) -> None:
    """Among ballots on paper a few sealed ones would tell who cast them: who comes late then votes
    on paper, too. Raises Conflict.
    """
    least = rule_value(context, FEWEST)
    voters = polling.may_vote_by_phone(context.session, paper.id, paper.meeting_id)
    if len(voters) < least:
        message = _(
            "用电子票的不到 {least} 人，开箱时看得出是谁投的；请向监票人领取纸质票。", least=least
        )
        raise Conflict(message, code="paper_only")


def close_when_all_voted(session: Session, poll_id: UUID) -> None:
    """Stop a poll that ends when all have voted (`early` = "all"). To be called in a transaction of
    its own after a cast: the last to commit surely sees all the others.
    """
    query = select(_poll.c.state, _poll.c.rule, _poll.c.secret).where(_poll.c.id == poll_id)
    poll = session.execute(query).one()
    ends = poll.secret and poll.state == PollState.OPEN and poll.rule.get("early") == "all"
    if not ends or session.execute(_WAITING, {"key": poll_id}).scalar():
        return
    if not envelopes.has_outer_key(session, envelopes.box_of(session, poll_id)):
        return  # the host that has it closes the box (`all_voted`)
    locked = locked_poll.lock(session, None, poll_id)
    running = locked.work.row["state"] == InstanceState.RUNNING
    if running and locked.poll.state == PollState.OPEN:
        polls.finish(locked, "all_answered")


def all_voted(session: Session) -> list[UUID]:
    """The polls that end because all have voted, and that can be closed here: the last ballot was
    cast at another host, or the process died after it.
    """
    here = set(shred.of(session).names())
    found = session.execute(_ALL_VOTED).all()
    return [poll.id for poll in found if bytes(poll.outer_key).hex() in here]
