"""Polls with their rolls, and meetings: who was asked, what they answered, what it came to, who was
there, and when.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.ballots import rolls
from engine.history import kinds
from engine.history.verification.replay import first_wrong, near, salted
from engine.messages import Both, _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from engine.db import rows
    from engine.history.event_log import Break
    from engine.history.verification.replay import Replayed
    from engine.history.verification.told import Meeting, Poll
    from engine.messages import Message

NAMED = 300  # as in commands.polls: up to so many answers the voters stand in the outcome
STATES = ("called", "open", "counting", "closed")
_HELD = ("due", "present", "needed", "quorate", "observers", "guests")


@dataclass
class Roll:
    """The rows of a poll's roll: the digest of who is on it, and those lines that say anything."""

    digest: str = rolls.digest(())
    voices: list[Any] = field(default_factory=list)


class _Silent(NamedTuple):
    """A line of a roll that says nothing."""

    choice: str | None = None
    comment: str = ""
    at: datetime | None = None


# --- polls ----------------------------------------------------------------------------------------
def polls(
    replayed: Replayed,
    rows: Iterable[Any],
    called: Mapping[Any, Roll],
    tasks: Mapping[Any, Any],
    confidential: bool,
) -> Break | None:
    """Each poll is on record, with its roll, its answers and its outcome; `called` are the
    rolls by its id.
    """
    found = {str(row.id): row for row in rows}
    for key, poll in replayed.polls.items():
        if (
            not poll.secret
            and poll.outcome is not None
            and not _adds_up(poll.choices, poll.outcome)
        ):
            return replayed.false("poll", key, _("计票与作答不符"), poll.seq)
        row = found.pop(key, None)
        if row is None:
            return replayed.false("poll", key, _("表决缺失"), poll.seq)
        if broken := (
            _poll(replayed, poll, row, tasks.get(row.task_id))
            or _roll(replayed, poll, row, called[row.id], confidential)
            or _outcome(replayed, poll, row)
        ):
            return broken
    for key in found:
        return replayed.false("poll", key, _("表决没有记录"))
    return None


def _adds_up(choices: Mapping[str, str], outcome: Mapping[str, Any]) -> bool:
    """Do the ballots of the history, and those on paper, add up to the outcome? An election's
    ballot names several.
    """
    paper = outcome.get("on_paper", {})
    counts = Counter(part for choice in choices.values() for part in choice.split(" "))
    counts.update(paper.get("counts", {}))
    votes = {**outcome, **outcome.get("votes", {})}
    answered = len(choices) + paper.get("returned", 0)
    return all(votes.get(c) == n for c, n in counts.items()) and outcome.get("answered") == answered


def _poll(replayed: Replayed, poll: Poll, row: rows.Poll, task: rows.Task | None) -> Break | None:
    """State and moments. The task of a poll may be cancelled with it, which no event of its own
    tells.
    """
    cancelled = (
        poll.state in STATES[:3]
        and row.state == "void"
        and task is not None
        and task.state == "cancelled"
    )
    ended = poll.at.get("counting") or poll.at.get("closed")
    ended = poll.at["void"] if poll.state == "void" else ended
    columns = {
        "task_id": ("环节", task is not None and task.element == poll.element),
        "state": ("状态", row.state == poll.state or cancelled),
        "opened_at": (
            "开始时间",
            near(row.opened_at, poll.at.get("open") or poll.at.get("called") or ""),
        ),
        "closed_at": (
            "截止时间",
            cancelled or (near(row.closed_at, ended) if ended else row.closed_at is None),
        ),
        **(_asked(poll.opened, row) if poll.opened else {}),
    }
    if wrong := first_wrong(columns):
        why = _("表决的{column}与历史不符", column=wrong)
        return replayed.false("poll", row.id, why, poll.seq)
    return None


def _asked(opened: Mapping[str, Any], row: rows.Poll) -> dict[str, tuple[str, bool]]:
    """What was put to whom, by which rule."""
    rule, choices = row.rule, opened.get("choices") or opened.get("candidates") or list(row.choices)
    same = rule["numbers"] == opened["numbers"] and all(
        rule.get(k) == opened.get(k) for k in ("wins", "seats")
    )
    return {
        "roll_size": ("名册人数", row.roll_size == opened["roll"]),
        "roll_hash": ("名册", row.roll_hash == opened["roll_hash"]),
        "secret": (
            "投票方式",
            row.secret == ("public_key" in opened) and row.public_key == opened.get("public_key"),
        ),
        "choices": ("选项", list(row.choices) == list(choices)),
        "kind": ("种类", (row.kind == "election") == ("wins" in opened)),
        "rule": (
            "规则",
            rule["passes"] == opened["rule"]
            and same
            and opened.get("terms") in (None, rolls.terms_digest(rule)),
        ),
        "write_in": ("另选名册", rule.get("write_in") == opened.get("write_in")),
        "about": ("内容", dict(rule.get("about", ())) == opened.get("about", {})),
        "presence": ("到会人数", _at_opening(rule.get("presence", {}), opened)),
    }


def _at_opening(noted: Mapping[str, Any], opened: Mapping[str, Any]) -> bool:
    """Is who was there, due and needed at the opening what the history says? Older events say
    less.
    """
    pairs = [(noted.get("opening"), opened.get("present"))]
    pairs += [(noted.get(name), opened[name]) for name in ("due", "needed") if name in opened]
    return all(here == told for here, told in pairs)


def _roll(
    replayed: Replayed, poll: Poll, row: rows.Poll, roll: Roll, confidential: bool
) -> Break | None:
    if poll.opened and roll.digest != poll.opened["roll_hash"]:
        return replayed.false("roll", row.id, _("名册与开始时不符"), poll.seq)
    said = {str(voice.member_id): voice for voice in roll.voices}
    if {m: voice.choice for m, voice in said.items() if voice.choice is not None} != poll.choices:
        return replayed.false("roll", row.id, _("作答与历史不符"), poll.seq)
    if poll.secret:
        return None
    # what may be erased stands in events as a digest only
    shut = confidential or replayed.disclosed
    for member in sorted({*said, *poll.voices}):
        if why := _voice(replayed, poll, member, said.get(member, _Silent()), shut):
            return replayed.false("roll", f"{row.id} {member}", why, poll.seq)
    return None


def _voice(
    replayed: Replayed, poll: Poll, member: str, voice: rows.Selected | _Silent, shut: bool
) -> Message | None:
    """What is false of a line of a roll: its comment, its moment."""
    at, comment = poll.voices.get(member, ("", ""))
    known = comment is not None or not shut
    if not _remarked(replayed, poll, member, voice.comment, known):
        return _("作答的意见与历史不符")
    if not (near(voice.at, at) if at else voice.at is None):
        return _("作答时间与历史不符")
    gone = replayed.erased and not voice.comment
    if known and voice.comment != (comment or "") and not gone:
        return _("作答的意见与历史不符")
    return None


def _remarked(replayed: Replayed, poll: Poll, member: str, comment: str, known: bool) -> bool:
    """Is a comment that no event tells in words the one of the digest told, or gone with the
    rest?
    """
    digest = poll.remarks.get(member)
    if replayed.erased or known or (digest is None and replayed.tells < kinds.TELLS):
        return True
    if digest is None or not comment:
        return digest is None and not comment
    return salted({"remark": comment}, replayed.salt) == digest


def _outcome(replayed: Replayed, poll: Poll, row: rows.Poll) -> Break | None:
    counts = {choice: n for choice, n in row.counts.items() if n}
    if counts != {choice: n for choice, n in poll.counts().items() if n}:
        return replayed.false(
            "poll",
            row.id,
            _("表决的票数与历史不符"),
            poll.seq,
        )
    if poll.outcome is None:
        if row.outcome is None:
            return None
        return replayed.false("poll", row.id, _("表决的结果没有记录"), poll.seq)
    outcome = dict(row.outcome or {})
    voters = outcome.pop("voters", None)
    if outcome != poll.outcome or not _voters(poll, outcome, list(row.choices), voters):
        return replayed.false(
            "poll",
            row.id,
            _("表决的结果与历史不符"),
            poll.seq,
        )
    return None


def _voters(poll: Poll, outcome: Mapping[str, Any], choices: list[str], voters: object) -> bool:
    """Are those named who chose each? Of secret polls nobody is, of large ones not all need to
    be.
    """
    if voters is None:
        return poll.secret or outcome["answered"] > NAMED
    if poll.secret or not isinstance(voters, dict):
        return False
    chose = defaultdict(list)
    for member, chosen in poll.choices.items():
        for choice in chosen.split(" "):
            chose[choice].append(member)
    return {c: sorted(m) for c, m in voters.items()} == {c: sorted(chose[c]) for c in choices}


# --- meetings -------------------------------------------------------------------------------------
@dataclass
class Hall:
    """The rows beside a meeting: who is invited (attendance), who came and went (presence)."""

    invited: list[Any] = field(default_factory=list)
    ledger: list[Any] = field(default_factory=list)

    @property
    def due(self) -> list[str]:
        """The formal members."""
        return [str(each.member_id) for each in self.invited if each.kind == "formal"]

    @property
    def others(self) -> str:
        """The digest of observers and guests."""
        found = defaultdict[str, list[str]](list)
        for each in self.invited:
            if each.kind != "formal":
                found[each.kind].append(str(each.member_id))
        return rolls.by_kind(found)

    @property
    def present(self) -> int:
        """How many of them are marked as here."""
        return sum(each.kind == "formal" and each.here for each in self.invited)


def meetings(
    replayed: Replayed,
    rows: Iterable[Any],
    tasks: Mapping[Any, Any],
    halls: Mapping[Any, Hall],
) -> tuple[Break | None, dict[str, Any]]:
    """Each meeting is on record, with its roll, its ledger of presence and its numbers; `halls` are
    the rows beside each.

    Also what the fact of each task must keep of its last closed meeting.
    """
    found = {str(row.id): row for row in rows}
    held: dict[str, Any] = {}
    for key, meeting in replayed.meetings.items():
        row = found.pop(key, None)
        if row is None:
            return replayed.false("meeting", key, _("会议缺失"), meeting.seq), held
        hall, task = halls.get(row.id, Hall()), tasks.get(row.task_id)
        if broken := (
            _meeting(replayed, meeting, row, task, hall) or _arrivals(replayed, meeting, row, hall)
        ):
            return broken, held
        if meeting.closed:
            held[meeting.element] = {
                **{k: meeting.closed[k] for k in _HELD if k in meeting.closed},
                "roll_hash": meeting.roll["roll_hash"],
                "opened_at": row.opened_at.isoformat(),
                "closed_at": row.closed_at.isoformat(),
            }
    for key in found:
        return replayed.false("meeting", key, _("会议没有记录")), held
    return None, held


def _meeting(
    replayed: Replayed,
    meeting: Meeting,
    row: rows.Meeting,
    task: rows.Task | None,
    hall: Hall,
) -> Break | None:
    opened, closed = meeting.opened, meeting.closed
    told = meeting.roll if opened or meeting.whole else {}
    others = told.get("others", hall.others)  # older events say nothing of them
    if told and (rolls.digest(hall.due), hall.others) != (told["roll_hash"], others):
        why = _("会议名册与开会时不符")
        return replayed.false("meeting", row.id, why, meeting.seq)
    if closed and rolls.ledger_digest(rolls.lines(hall.ledger)) != closed["ledger"]:
        why = _("签到记录与散会时不符")
        return replayed.false("meeting", row.id, why, meeting.seq)
    state = "closed" if closed else "open" if opened else "called"
    cancelled = (
        not closed and row.state == "void" and task is not None and task.state == "cancelled"
    )
    columns = {
        "task_id": ("环节", task is not None and task.element == meeting.element),
        "state": ("状态", row.state == state or cancelled),
        "called_at": ("召集时间", near(row.called_at, meeting.called["at"])),
        "opened_at": (
            "开会时间",
            near(row.opened_at, opened["at"]) if opened else row.opened_at is None,
        ),
        "closed_at": (
            "散会时间",
            cancelled or (near(row.closed_at, closed["at"]) if closed else row.closed_at is None),
        ),
        "due": ("应到人数", row.due == meeting.roll["due"]),
        "present": ("实到人数", not closed or row.present == closed["present"]),
        "roll_hash": ("名册", not opened or row.roll_hash == meeting.roll["roll_hash"]),
    }
    if wrong := first_wrong(columns):
        why = _("会议的{column}与历史不符", column=wrong)
        return replayed.false("meeting", row.id, why, meeting.seq)
    return None


def _arrivals(replayed: Replayed, meeting: Meeting, row: rows.Meeting, hall: Hall) -> Break | None:
    """Who came and went, and so who is here, is what the history tells, whether the meeting is over
    or not.
    """
    if not meeting.whole:
        return None
    for told, kept in zip_longest(meeting.moves, hall.ledger):
        if told is None or kept is None or not _moved(kept, told):
            why = _("签到记录与历史不符")
            return replayed.false("presence", kept.no if kept else row.id, why, meeting.seq)
    last = {member: came for member, came, *_how in meeting.moves}
    for person in hall.invited:
        if person.here != last.get(str(person.member_id), False):
            key = f"{row.id} {person.member_id}"
            return replayed.false("attendance", key, _("谁在场与历史不符"), meeting.seq)
    if meeting.opened and row.present != hall.present:
        why = _("会议的{column}与历史不符", column=Both("实到人数", "present"))
        return replayed.false("meeting", row.id, why, meeting.seq)
    return None


def _moved(row: rows.Selected, told: tuple[str, bool, str, str, str]) -> bool:
    """Is a line of the ledger what its event tells?"""
    member, came, way, by, at = told
    kept = (str(row.member_id), row.came, row.way, str(row.by_id))
    return kept == (member, came, way, by) and near(row.at, at)
