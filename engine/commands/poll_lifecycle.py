"""A poll from the question to the end of its window: freeze the roll, look at the quorum, open the
window, stop it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, text, update

from engine import clock, expressions
from engine.ballots import rolls
from engine.ballots.rolls import Roll, ledger_hash
from engine.calendar import UNIT_WORDS as TIME_WORDS
from engine.commands import envelopes, timers
from engine.commands.timers import NewTimer
from engine.db import tables
from engine.db.states import MeetingState, PollState
from engine.errors import ProcessFault, Refused
from engine.instance import halls, presence
from engine.instance.numbers import rule_value
from engine.instance.union_law import rulebook
from engine.messages import _
from engine.people import organisation
from engine.people.ordering import in_effect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from fractions import Fraction

    from engine.calendar import Due
    from engine.commands.locked_poll import LockedPoll
    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import rows
    from engine.definitions.process import PollRule
    from engine.definitions.words import Words

_poll, _roll = tables.poll, tables.roll
_OPEN_ROLL = text("UPDATE roll SET open = true WHERE poll_id = :poll AND (:all OR position = 1)")
_END_WINDOW = text(
    "UPDATE timer SET state = 'cancelled' "
    f"WHERE task_id = :task AND ref = {tables.POLL_WINDOW} AND state IN ('waiting', 'broken')"
)
FEWEST = "BALLOT-MIN"  # a secret poll of fewer would tell who voted how


# --- the question ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Question:
    """What one task puts to whom, by the facts as they are now."""

    work: UnitOfWork
    element: str
    rule: PollRule
    roll: Roll
    tellers: list[str]

    def check_secrecy(self) -> None:
        """Enough voters to hide among, and enough tellers to open the box. Raises Refused."""
        place = _place(self.work, self.element)
        least, keys = rule_value(self.work, FEWEST), rule_value(self.work, self.rule.keys)
        if self.roll.size < least:
            message = _(
                "无记名投票至少要有 {least} 名投票人，这里只有 {voters} 名。",
                least=least,
                voters=self.roll.size,
            )
            raise Refused(message, code="too_few", **place)
        if len(self.tellers) < keys:
            message = _(
                "开票须有 {keys} 名监票人，这里只有 {tellers} 名。",
                keys=keys,
                tellers=len(self.tellers),
            )
            raise Refused(message, code="too_few", **place)

    def choices(self) -> list[str]:
        """What may be chosen; candidates as lists stand here. Raises ProcessFault for none."""
        choices = self._candidates() if self.rule.candidates else list(self.rule.choices)
        if not choices:
            message = _("“{element}”没有候选人。", element=_title(self.work, self.element))
            raise ProcessFault(message, file="process.toml", element=self.element)
        return choices

    def _candidates(self) -> list[str]:
        work = self.work
        people = _people(work, self.rule.candidates)
        return organisation.in_order(work.pending.unflushed, people, work.name_order)

    def terms(self) -> rows.PollTerms:
        """What is fixed now, whatever becomes of the facts and the law."""
        work, rule = self.work, self.rule
        terms: rows.PollTerms = {
            "passes": rule.passes,
            "early": rule.early,
            "closable": rule.closable,
            "withdrawal": rule.withdrawal,
            "numbers": {
                **dict(_numbers_in_words(work, rule.words.zh)),
                **dict(_numbers_of_law(work, rule.passes, rule.wins, rule.signs)),
            },
            "in_order": rule.in_order,
            "paper": rule.paper,
        }
        if rule.kind == "election":
            terms["wins"], terms["seats"] = rule.wins, int(work.value(rule.seats))
        if written := self.write_in:
            wins = bool(work.value(rule.write_in_wins))
            digest = rolls.digest(written)
            terms["write_in"] = {"n": len(written), "roll_hash": digest, "wins": wins}
        if rule.candidates:
            terms["listed"] = in_effect(work.name_order)
        if rule.signs:
            terms["signs"] = rule.signs
        if rule.declared:
            terms["declared"] = True
        if rule.secret:
            terms["keys"] = rule_value(work, rule.keys)
        if rule.sight != "always":
            terms["sight"] = rule.sight
        if rule.remarks:
            terms["remarks"] = rule.remarks
        if rule.about:
            terms["about"] = [[fact, work.value(fact)] for fact in rule.about]
        return terms

    @cached_property
    def write_in(self) -> list[str]:
        """Who may be written in beside the candidates; where nobody may, the ballot has no line."""
        rule = self.rule.write_in
        return sorted({*_people(self.work, rule)} - {*self._candidates()}) if rule else []


def put(work: UnitOfWork, task_id: UUID, element: str, rule: PollRule) -> UUID:
    """Make the poll of a task. It opens at once; a secret one when its tellers have taken their
    keys, and only then needs the quorum.

    ProcessFault for an empty roll, Refused for a meeting without quorum and for a secret poll of
    too few.
    """
    question = _question(work, element, rule)
    if rule.secret:
        question.check_secrecy()
    meeting = _meeting(work, element, halls.deciding(work, rule.meeting), quorate=not rule.secret)
    row = _row(question, task_id, meeting)
    if rule.secret:
        terms = row["rule"]
        details = {"tellers": question.tellers, "keys": terms["keys"], **_about(terms)}
        work.log.add("poll_called", None, task=element, poll=row["id"], **details)
    else:
        window = _window(work, rule, row["rule"], meeting)
        end = window.end.isoformat() if window.end else None
        row |= {"state": PollState.OPEN, "rule": window.terms, "closes_at": end}
        _begin(work, element, row, window, {"tellers": question.tellers or None})
    work.pending.add(_poll, row)
    _enrol(question, row["id"])
    return UUID(row["id"])


def _row(question: _Question, task_id: UUID, meeting: rows.Meeting | None) -> dict[str, Any]:
    """The row of a called poll, as JSON."""
    rule, choices = question.rule, question.choices()
    return {
        "id": str(tables.new_id()),
        "instance_id": str(question.work.row["id"]),
        "task_id": str(task_id),
        "kind": rule.kind,
        "choices": choices,
        "rule": question.terms(),
        "state": PollState.CALLED,
        "secret": rule.secret,
        "tellers": question.tellers,
        "meeting_id": str(meeting.id) if meeting else None,
        "roll_size": question.roll.size,
        "roll_hash": question.roll.digest,
        "counts": dict.fromkeys(choices, 0),
        "opened_at": clock.now().isoformat(),
        "closes_at": None,
    }


def _question(work: UnitOfWork, element: str, rule: PollRule) -> _Question:
    roll = Roll(tuple(_people(work, rule.roll)))
    tellers = _people(work, rule.tellers) if rule.tellers else []
    if not roll.size:
        message = _("“{element}”的名册是空的。", element=_title(work, element))
        raise ProcessFault(message, file="process.toml", element=element)
    return _Question(work, element, rule, roll, tellers)


def _enrol(question: _Question, poll_id: str) -> None:
    """Freeze the roll, and appoint the tellers. Voters of a secret poll wait until it opens."""
    work, rule = question.work, question.rule
    for position, voter in enumerate(question.roll.members, 1):
        waits = not rule.secret and (position == 1 or not rule.in_order)
        entry = {"poll_id": poll_id, "member_id": voter, "position": position, "open": waits}
        work.pending.add(_roll, entry)
    for member in question.write_in:
        work.pending.add(tables.write_in, {"poll_id": poll_id, "member_id": member})
    for teller in question.tellers:
        work.pending.add(tables.teller, {"poll_id": poll_id, "member_id": teller})
    work.shares.update(UUID(teller) for teller in question.tellers)


def _people(work: UnitOfWork, expression: str) -> list[str]:
    members = work.value(expression) or []
    return list(dict.fromkeys(str(member) for member in members if member))


def _title(work: UnitOfWork, element: str) -> Words:
    return work.process.tasks[element].title


def _place(work: UnitOfWork, element: str) -> dict[str, str]:
    return {"instance_id": str(work.row["id"]), "element": element}


# --- the window -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Window:
    """A poll that opens: its terms, when it ends, what the history says of who is there."""

    terms: rows.PollTerms
    closes: Due | None
    presence: dict[str, Any]

    @property
    def end(self) -> datetime | None:
        return self.closes.moment if self.closes else None


def _window(
    work: UnitOfWork, rule: PollRule, terms: rows.PollTerms, meeting: rows.Meeting | None
) -> _Window:
    with work.as_entered():
        closes = work.moment(rule.closes) if rule.closes else None
    if meeting is None:
        return _Window(terms, closes, {})
    held = halls.held_in(work, rule.meeting, meeting.id)
    needed = presence.numbers(work, held, meeting).needed
    here = {
        "present": meeting.present,
        "presence": ledger_hash(work.session, meeting.id),
        "due": meeting.due,
        "needed": needed,
    }
    noted: rows.Presence = {
        "opening": meeting.present,
        "due": meeting.due,
        "needed": needed,
        "after": presence.last_entry(work.session, meeting.id),
    }
    return _Window({**terms, "presence": noted}, closes, here)


def open_window(locked: LockedPoll, **details: Any) -> None:
    """The tellers of a called poll are ready. `details`: for the event. Refused without quorum."""
    work, poll, rule = locked.work, locked.poll, locked.poll_rule
    held = halls.held_in(work, rule.meeting, poll.meeting_id)
    meeting = _meeting(work, locked.task.element, held, quorate=True)
    window = _window(work, rule, poll.rule, meeting)
    values = {"rule": window.terms, "opened_at": clock.now(), "closes_at": window.end}
    opened = locked.update(state=PollState.OPEN, **values)
    if poll.secret:
        work.session.execute(_OPEN_ROLL, {"poll": poll.id, "all": not rule.in_order})
    _begin(work, locked.task.element, opened.poll._asdict(), window, details)


def _begin(
    work: UnitOfWork,
    element: str,
    poll: Mapping[str, Any],
    window: _Window,
    details: dict[str, Any],
) -> None:
    """The window of a poll (its row) begins: on record, with a timer at its end."""
    terms, closes = window.terms, window.closes
    if poll["kind"] == "election":
        details |= {"wins": terms["wins"], "seats": terms["seats"], "candidates": poll["choices"]}
        details |= {"write_in": terms["write_in"]} if "write_in" in terms else {}
    work.log.add(
        "poll_opened",
        None,
        task=element,
        poll=str(poll["id"]),
        roll=poll["roll_size"],
        roll_hash=poll["roll_hash"],
        rule=terms["passes"],
        numbers=terms["numbers"],
        terms=rolls.terms_digest(terms),
        closes=closes.day.isoformat() if closes else None,
        until=timers.told(closes).get("until") if closes else None,
        **_about(terms),
        **window.presence,
        **details,
    )
    rule = work.process.tasks[element].poll
    if closes is not None and rule is not None:
        task_id = UUID(str(poll["task_id"]))
        timers.add(work, [], [NewTimer(element, tables.POLL_WINDOW, rule.closes, closes, task_id)])


def stop(locked: LockedPoll, *, void: bool = False) -> LockedPoll:
    """No more answers: the window and all waiting answers are over; presence at the closing is
    noted. A poll that is void needs no board where the key for it is not here.
    """
    session, poll = locked.session, locked.poll
    values: dict[str, Any] = {"closed_at": clock.now()}
    if poll.meeting_id is not None:
        values["rule"] = _with_presence_at_closing(locked)
    stopped = locked.update(**values)
    session.execute(
        update(_roll).where(_roll.c.poll_id == poll.id, _roll.c.open).values(open=False)
    )
    session.execute(_END_WINDOW, {"task": poll.task_id})
    if poll.secret and not (void and not _can_be_collected(locked)):
        envelopes.collect(stopped)
    return stopped


def _can_be_collected(locked: LockedPoll) -> bool:
    opened = locked.poll.state == PollState.OPEN
    return opened and envelopes.has_outer_key(
        locked.session, envelopes.box_of(locked.session, locked.poll.id)
    )


def _with_presence_at_closing(locked: LockedPoll) -> rows.PollTerms:
    meeting, terms = tables.meeting.c, locked.poll.rule
    query = select(meeting.present).where(meeting.id == locked.poll.meeting_id).with_for_update()
    present = locked.session.execute(query).scalar_one()
    noted: rows.Presence = {**terms.get("presence", {}), "closing": present}
    if "after" in noted and locked.poll.meeting_id is not None:
        meeting_id, opening = locked.poll.meeting_id, noted["opening"]
        noted["least"] = presence.least(locked.session, meeting_id, noted["after"], opening)
    return {**terms, "presence": noted}


# --- what both need -------------------------------------------------------------------------------
def _meeting(work: UnitOfWork, element: str, held: str, *, quorate: bool) -> rows.Meeting | None:
    """The open meeting of the task `held`, when there is one; `quorate`: with its quorum. Raises
    Refused.
    """
    if not held:
        return None
    meeting = presence.latest(work.session, work.row["id"], held, lock=True)
    numbers = presence.numbers(work, held, meeting)
    if numbers.state != MeetingState.OPEN:
        raise Refused(_("会议没有开始，不能表决。"), code="no_meeting", **_place(work, element))
    if quorate and not numbers.quorate:
        message = _(
            "应到 {due} 人，须到 {needed} 人，实到 {present} 人，不够法定人数，不能表决。",
            due=numbers.due,
            needed=numbers.needed,
            present=numbers.present,
        )
        raise Refused(message, code="no_quorum", **_place(work, element))
    return meeting


def _about(terms: rows.PollTerms) -> dict[str, Any]:
    """What is voted on, for the history."""
    return {"about": dict(terms["about"])} if "about" in terms else {}


def _numbers_in_words(work: UnitOfWork, words: str) -> Iterator[tuple[str, int | str]]:
    """The numbers of law that stand as {RULE-ID} in the words of a rule: whole ones, and shares as
    "2/3". Periods are left out: they read differently in each language.
    """
    for key in rulebook().ids:
        if f"{{{key}}}" not in words:
            continue
        ruling = work.law.ruling(key, work.decisive_on)
        if ruling.share is not None:
            yield key, _share(ruling.share)
        elif ruling.value is not None and ruling.unit not in TIME_WORDS:
            yield key, ruling.value


def _numbers_of_law(work: UnitOfWork, *rules: str) -> Iterator[tuple[str, int | str]]:
    """The numbers of law that the rules of a poll name: whole ones, and shares as "2/3"."""
    calls = [call for rule in rules if rule.strip() for call in expressions.calls_in(rule)]
    for name, arguments in calls:
        if not arguments or name not in ("rule", "satisfies", "reaches"):
            continue
        ruling = work.law.ruling(str(arguments[0]), work.decisive_on)
        share = ruling.share if name == "reaches" else None
        if share is None:
            yield ruling.id, rule_value(work, ruling.id)
        else:
            yield ruling.id, _share(share)


def _share(share: Fraction) -> str:
    return f"{share.numerator}/{share.denominator}"
