"""The tellers sign a count or say why they do not; when enough have signed it is published, where
the process says so only when who presides declares it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from engine import clock
from engine.commands import locked_poll, polls, reasons, tellers, unit_of_work
from engine.db import tables
from engine.db.states import PollState
from engine.errors import Conflict
from engine.instance import polling, rights
from engine.instance.rights import Case
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.commands.locked_poll import LockedPoll
    from engine.db import Session, rows
    from engine.instance.counting import PaperCount
    from engine.people.organisation import Actor

_teller = tables.teller.c
_MINE = _teller.poll_id == bindparam("key"), _teller.member_id == bindparam("who")
_SIGN = (
    update(tables.teller)
    .where(*_MINE, _teller.signed_at.is_(None))
    .values(signed_at=bindparam("now"), dissent=None)
)
_DISSENT = update(tables.teller).where(*_MINE).values(signed_at=None, dissent=bindparam("why"))
_ALL = (
    select(
        _teller.member_id, _teller.signed_at, _teller.dissent, _teller.leaves, _teller.successor_id
    )
    .where(_teller.poll_id == bindparam("key"))
    .order_by(_teller.member_id)
)


@dataclass(frozen=True)
class Signatures:
    """What the tellers of a poll said of its count, by their rows; those replaced are apart."""

    seated: Sequence[Any]
    replaced: Sequence[Any]

    @classmethod
    def of(cls, session: Session, poll: rows.Poll) -> Signatures:
        """As they stand now, in the order in which the tellers were named."""
        found = session.execute(_ALL, {"key": poll.id}).all()
        by_id = {row.member_id: row for row in found}
        seated = [by_id[teller] for teller in poll.tellers]
        return cls(seated, [row for row in found if row.successor_id is not None])

    @property
    def signed(self) -> list[str]:
        """Who signed."""
        return [str(row.member_id) for row in self.seated if row.signed_at is not None]

    @property
    def complete(self) -> bool:
        """Has everybody signed, or said why not?"""
        return all(row.signed_at is not None or row.dissent is not None for row in self.seated)

    def stored(self) -> dict[str, list[Any]]:
        """What the outcome keeps of them: the papers print it."""
        dissent = [
            {"who": str(row.member_id), "reason": row.dissent}
            for row in self.seated
            if row.dissent is not None
        ]
        silent = [
            str(row.member_id)
            for row in self.seated
            if row.signed_at is None and row.dissent is None
        ]
        replaced = [
            {
                "who": str(row.member_id),
                "successor": str(row.successor_id),
                "reason": row.leaves or "",
            }
            for row in self.replaced
        ]
        return {"signed": self.signed, "dissent": dissent, "silent": silent, "replaced": replaced}


def sign(session: Session, actor: Actor, poll_id: UUID) -> UUID:
    """A teller signs the count; when it is then ready, and nobody has to declare it, it is
    published. Raises Conflict when there is nothing to sign.
    """
    locked = tellers.lock_as_teller(session, actor, poll_id, PollState.COUNTING)
    paper = _counted(locked)
    if session.execute(_SIGN, {**_mine(locked, actor), "now": clock.now()}).rowcount != 1:
        raise Conflict(_("您已签字。"), code="answered")
    locked.log("poll_signed", actor, counts=locked.poll.counts, paper=paper)
    _publish_or_save(locked, paper)
    return locked.instance_id


def dissent(session: Session, actor: Actor, poll_id: UUID, reason: str) -> UUID:
    """A teller does not sign the count, and says why; they may sign it later all the same.

    Raises Conflict as `sign`, and where the process knows no majority of tellers; Invalid for no
    reason.
    """
    locked = tellers.lock_as_teller(session, actor, poll_id, PollState.COUNTING)
    if "signs" not in locked.poll.rule:
        message = _("这项表决须全体监票人签字；认为计票有误的，请与主持人共同宣布无效。")
        raise Conflict(message, code="all_sign")
    paper, why = _counted(locked), reasons.plain(reason)
    session.execute(_DISSENT, {**_mine(locked, actor), "why": why})
    locked.log("poll_dissented", actor, reason=why)
    _publish_or_save(locked, paper)
    return locked.instance_id


def declare(session: Session, actor: Actor, poll_id: UUID) -> UUID:
    """Who presides declares the result that enough tellers have signed: now it is published.

    Raises Refused, Conflict (nothing to declare, not counted, not signed by enough).
    """
    locked = locked_poll.lock(session, actor, poll_id)
    work, poll = locked.work, locked.poll
    rights.check(Case(work, "declare_poll", locked.task.element, poll=poll))
    if poll.state != PollState.COUNTING or not poll.rule.get("declared"):
        raise Conflict(_("现在没有可以宣布的结果。"), code="not_counting")
    paper = _counted(locked)
    signatures = Signatures.of(session, poll)
    if not polling.enough_signed(work, poll, len(signatures.signed)):
        message = _(
            "监票人 {tellers} 名，签字的 {signed} 名，没有达到规定，不能宣布结果。",
            tellers=len(signatures.seated),
            signed=len(signatures.signed),
        )
        raise Conflict(message, code="not_signed")
    _publish(locked, "declared", paper, signatures)
    return locked.instance_id


def _mine(locked: LockedPoll, actor: Actor) -> dict[str, UUID]:
    return {"key": locked.poll.id, "who": actor.id}


def _counted(locked: LockedPoll) -> PaperCount | None:
    """The paper count that goes with the rest; None when no paper was given. Conflict until the
    envelopes are open, and until two tellers agree on the paper.
    """
    poll, session = locked.poll, locked.session
    if poll.secret and not poll.rule.get("opened"):
        raise Conflict(_("选票还没有开启，不能签字。"), code="not_opened")
    if not poll.rule.get("paper") or not polling.papers_given(session, poll.id):
        return None
    paper = polling.agreed_paper(session, poll)
    if paper is None:
        message = _("纸质票须由两名监票人分别清点，数目一致后才能签字。")
        raise Conflict(message, code="paper_differs")
    return paper


def _publish_or_save(locked: LockedPoll, paper: PaperCount | None) -> None:
    signatures = Signatures.of(locked.session, locked.poll)
    work, signed = locked.work, len(signatures.signed)
    with work.answering():
        ready = signatures.complete and polling.enough_signed(work, locked.poll, signed)
        if ready and not locked.poll.rule.get("declared"):
            _publish(locked, "signed", paper, signatures)
        else:
            unit_of_work.save(work)


def _publish(
    locked: LockedPoll, why: str, paper: PaperCount | None, signatures: Signatures
) -> None:
    """Publish; of a poll with a rule for them the signatures are part of the outcome."""
    outcome = polls.outcome(locked, paper)
    if "signs" in locked.poll.rule:
        numbers = {**outcome.numbers, "signatures": signatures.stored()}
        outcome = replace(outcome, numbers=numbers)
    with locked.work.answering():
        polls.publish(locked, why, outcome)
