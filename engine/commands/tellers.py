"""Counting a poll by its tellers: paper ballots handed out, and counted alike by two; what the
opened envelopes say. They sign it in engine/commands/signing.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import clock
from engine.commands import (
    locked_poll,
    poll_lifecycle,
    unit_of_work,
    voiding,
)
from engine.db import tables
from engine.db.states import PollState
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import pads, polling, presence
from engine.instance.counting import ABSTAIN
from engine.instance.numbers import rule_value
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.commands.locked_poll import LockedPoll
    from engine.db import Session, rows
    from engine.instance.counting import PaperCount
    from engine.people.organisation import Actor

_roll, _teller, _paper = tables.roll, tables.teller, tables.paper
MOST_BALLOTS = 1_000_000
_GIVE_PAPER = (
    update(_roll)
    .where(
        _roll.c.poll_id == bindparam("key"),
        _roll.c.member_id.in_(bindparam("members", expanding=True)),
        _roll.c.open,
        ~_roll.c.paper,
    )
    .values(paper=True, open=False)
    .returning(_roll.c.member_id)
)
_THIS_POLL = _teller.c.poll_id == bindparam("key")
_NOBODY_SIGNED = update(_teller).where(_THIS_POLL).values(signed_at=None, dissent=None)
_LEAVES = select(_teller.c.leaves).where(_THIS_POLL, _teller.c.member_id == bindparam("who"))


def lock_as_teller(session: Session, actor: Actor, poll_id: UUID, state: PollState) -> LockedPoll:
    """Lock; NotFound for whoever does not count this poll, Conflict when it is not in this state,
    or for a teller who has left.
    """
    locked = locked_poll.lock(session, actor, poll_id)
    if actor.id not in locked.poll.tellers:
        raise NotFound(verb="count", **locked.place)
    if locked.poll.state != state:
        counting = state == PollState.COUNTING
        message = _("现在不能计票。") if counting else _("表决已截止。")
        raise Conflict(message, code="not_counting")
    check_at_table(locked, actor)
    return locked


def check_at_table(locked: LockedPoll, actor: Actor) -> None:
    """Who left the hall, or asked to be replaced, counts no more. Raises Conflict."""
    session, poll = locked.session, locked.poll
    if presence.has_left(session, poll.meeting_id, actor.id):
        message = _("您不在会场，不能领取密钥、发票、计票、签字；回到会场请先签到。")
        raise Conflict(message, code="left_hall")
    if session.execute(_LEAVES, {"key": poll.id, "who": actor.id}).scalar() is not None:
        raise Conflict(_("您已请求更换监票人，不能再计票、签字。"), code="resigned")


# --- paper ballots --------------------------------------------------------------------------------
def give_paper(session: Session, actor: Actor, poll_id: UUID, members: Iterable[UUID]) -> UUID:
    """A teller hands out paper ballots: these voters can no longer vote in the system. Raises
    Invalid, Conflict.
    """
    locked = lock_as_teller(session, actor, poll_id, PollState.OPEN)
    if not locked.poll.rule.get("paper"):
        raise Conflict(_("这项表决不用纸质票。"), code="no_paper")
    present = presence.now_present(session, locked.poll.meeting_id)
    presence.check_quorum(locked.poll.rule, present)
    wanted = list(dict.fromkeys(members))
    _check_in_the_hall(locked, wanted)
    _check_secrecy(locked, wanted)
    _check_pads(locked, len(wanted))
    given = session.execute(_GIVE_PAPER, {"key": poll_id, "members": wanted}).all()
    if len(given) < len(wanted):
        message = _("有的人不在名册上、已经投票，或已领过纸质票。")
        raise Invalid({"members": [message]})
    locked.log("paper_ballots_given", actor, members=[str(member) for member in wanted])
    unit_of_work.save(locked.work)
    return locked.instance_id


def _check_in_the_hall(locked: LockedPoll, wanted: list[UUID]) -> None:
    """Nobody gets a ballot for somebody who is not there. Raises Invalid."""
    meeting_id = locked.poll.meeting_id
    if meeting_id is None:
        return
    if not all(presence.is_here(locked.session, meeting_id, member) for member in wanted):
        message = _("纸质票只发给在会场的人，名单里有人没有签到或者已经离会。")
        raise Invalid({"members": [message]})


def _check_secrecy(locked: LockedPoll, wanted: list[UUID]) -> None:
    """Of a secret poll, the ballots on paper and those left to the phones must each be so many that
    nobody is known by theirs; of the latter there may be none. Raises Invalid.
    """
    session, poll = locked.session, locked.poll
    if not poll.secret:
        return
    least = rule_value(locked.work, poll_lifecycle.FEWEST)
    if polling.papers_given(session, poll.id) + len(wanted) < least:
        message = _(
            "无记名表决的纸质票一次至少发给 {least} 人，人少了，清点时就看得出是谁投的。",
            least=least,
        )
        raise Invalid({"members": [message]})
    left = len(polling.may_vote_by_phone(session, poll.id, poll.meeting_id) - set(wanted))
    if 0 < left < least:
        message = _(
            "这样发出以后，用电子票的只有 {left} 人，不到 {least} 人，开箱时看得出是谁投的。"
            "请全部改发纸质票，或者让至少 {least} 人用电子票。",
            left=left,
            least=least,
        )
        raise Invalid({"members": [message]})


def _check_pads(locked: LockedPoll, wanted: int) -> None:
    """Where ballots were printed in numbered pads, no more go out than there are. Raises
    Invalid.
    """
    session, poll = locked.session, locked.poll
    printed = pads.of(session, poll, polling.papers_given(session, poll.id))
    if printed.last and printed.left < wanted:
        message = _("登记印制的选票只剩 {left} 张，请先登记加印。", left=printed.left)
        raise Invalid({"members": [message]})


def enter_paper(session: Session, actor: Actor, poll_id: UUID, given: Mapping[str, Any]) -> UUID:
    """A teller enters what the paper ballots say: {"returned", "invalid", "counts": {choice: n}};
    "issued" is checked.

    When two entries agree they hold. More returned than issued makes the whole poll void, and it is
    put again.
    """
    locked = lock_as_teller(session, actor, poll_id, PollState.COUNTING)
    _check_box_is_shut(locked)
    given_out = polling.papers_given(session, poll_id)
    entry = _PaperEntry.of(given, given_out, polling.may_be_written_in(session, poll_id))
    entry.check(locked.poll)
    _check_totals(locked, entry.count)
    _store_entry(session, actor, poll_id, entry.count)
    locked.log("paper_ballots_counted", actor, **entry.count)
    agreed = polling.agreed_paper(session, locked.poll)
    if agreed and agreed["returned"] > agreed["issued"]:
        message = _(
            "收回的纸质票（{returned}）多于发出的（{issued}），表决无效，重新表决。",
            returned=agreed["returned"],
            issued=agreed["issued"],
        )
        voiding.carry_out(locked, message)
        return locked.instance_id
    unit_of_work.save(locked.work)
    return locked.instance_id


def _check_totals(locked: LockedPoll, count: PaperCount) -> None:
    """Where only totals may be told, a few valid ballots on paper are not counted, as few sealed
    ones are not opened. Raises Conflict.
    """
    valid, rule = count["returned"] - count["invalid"], locked.poll_rule
    if rule.totals and 0 < valid < rule_value(locked.work, poll_lifecycle.FEWEST):
        message = _("收回的有效纸质票太少，清点就会透露个人的选择；请作废后重新表决。")
        raise Conflict(message, code="too_few_ballots")


def _check_box_is_shut(locked: LockedPoll) -> None:
    """Who knows what the phones said changes no paper count that was agreed on. Raises Conflict."""
    poll = locked.poll
    if poll.rule.get("opened") and polling.agreed_paper(locked.session, poll):
        message = _("已经开箱，纸质票的数目不能再改；确有差错的，请宣布无效，重新投票。")
        raise Conflict(message, code="opened")


def _store_entry(session: Session, actor: Actor, poll_id: UUID, count: PaperCount) -> None:
    """Replace the teller's entry; as the numbers changed, nobody has signed them."""
    values = {"poll_id": poll_id, "teller_id": actor.id, "at": clock.now(), **count}
    new = upsert(_paper).values(**values)
    session.execute(new.on_conflict_do_update(index_elements=["poll_id", "teller_id"], set_=values))
    session.execute(_NOBODY_SIGNED, {"key": poll_id})


@dataclass(frozen=True)
class _PaperEntry:
    """What a teller entered, how many paper ballots were given out by the roll, and who may be
    written in on them.
    """

    count: PaperCount
    given_out: int
    write_in: frozenset[str]

    @classmethod
    def of(cls, given: Mapping[str, Any], given_out: int, write_in: frozenset[str]) -> _PaperEntry:
        count: PaperCount = {
            "issued": given.get("issued", given_out),
            "returned": given.get("returned"),  # type: ignore[typeddict-item]  # checked below
            "invalid": given.get("invalid", 0),
            "counts": dict(given.get("counts", {})),
        }
        return cls(count, given_out, write_in)

    def check(self, poll: rows.Poll) -> None:
        """Whole numbers that fit together: each valid ballot has one choice; in an election it
        abstains, or names each candidate once and at most as many as there are seats.

        Raises Invalid.
        """
        self._check_numbers(poll)
        issued, returned = self.count["issued"], self.count["returned"]
        if issued != self.given_out:
            message = _(
                "登记的领票人是 {given_out} 名，填写的发出票数是 {issued}。",
                given_out=self.given_out,
                issued=issued,
            )
            raise Invalid({"issued": [message]})
        self._check_candidates(poll)
        if not self._fits(poll):
            message = _(
                "收回 {returned} 张、无效 {invalid} 张，与各选项合计 {total} 不符。",
                returned=returned,
                invalid=self.count["invalid"],
                total=self._total,
            )
            raise Invalid({"counts": [message]})

    def _check_candidates(self, poll: rows.Poll) -> None:
        """No candidate has more votes than there are valid ballots."""
        valid = self.count["returned"] - self.count["invalid"]
        most = max(self.count["counts"].values(), default=0)
        if poll.kind == "election" and valid >= 0 and most > valid:
            message = _(
                "有效票 {valid} 张，有人填了 {most} 票；每名候选人的得票不能多于有效票。",
                valid=valid,
                most=most,
            )
            raise Invalid({"counts": [message]})

    def _check_numbers(self, poll: rows.Poll) -> None:
        count, counts = self.count, self.count["counts"]
        choices = {*poll.choices, *([ABSTAIN] if poll.kind == "election" else []), *self.write_in}
        numbers = [count["issued"], count["returned"], count["invalid"], *counts.values()]
        whole = all(type(n) is int and 0 <= n <= MOST_BALLOTS for n in numbers)
        if not whole or not set(counts) <= choices:
            message = _("请填写不小于零的整数，选项应与选票一致。")
            raise Invalid({"counts": [message]})

    @property
    def _total(self) -> int:
        return sum(self.count["counts"].values())

    def _fits(self, poll: rows.Poll) -> bool:
        valid = self.count["returned"] - self.count["invalid"]
        if valid < 0:
            return False
        if poll.kind == "election":
            return self._fits_election(valid, int(poll.rule["seats"]))
        return self._total == valid

    def _fits_election(self, valid: int, seats: int) -> bool:
        counts = self.count["counts"]
        chose = valid - counts.get(ABSTAIN, 0)
        votes = [n for choice, n in counts.items() if choice != ABSTAIN]
        return chose <= sum(votes) <= chose * seats and max(votes, default=0) <= chose


# --- the count ------------------------------------------------------------------------------------
def record_opened(
    locked: LockedPoll, counts: dict[str, int], invalid: int, proofs: Mapping[str, str | None]
) -> None:
    """The envelopes of a secret poll are open: their counts wait for the signatures. `proofs`:
    hashes of board and urn.
    """
    terms = {**locked.poll.rule, "opened": True, "invalid": invalid}
    locked.update(counts=counts, rule=terms)
    locked.log("ballots_opened", locked.work.actor, counts=counts, invalid=invalid, **proofs)
