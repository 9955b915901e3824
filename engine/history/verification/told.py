"""What the history tells of an act, a poll and a meeting, event by event."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.calendar import moments
from engine.history import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping


class Act(NamedTuple):
    """Something that was done: when and by whom, and the digest of what was said, if anything
    was.
    """

    seq: int
    at: str
    by: str | None
    digest: str | None
    happened_on: str | None = None


class Held(NamedTuple):
    """An act that its author may still take back: of which task, by whom, with which answers, when
    given and until when it waits; of one that was not carried out, why; the act over several tasks
    of which it is one.
    """

    seq: int
    element: str
    task: str
    by: str
    digest: str
    given: str
    until: str
    why: object = None
    batch: str | None = None


@dataclass
class Remark:
    """A comment as the history tells it: where it stands, by whom, when, the digest of its words,
    who is named in it; when it was taken back, "" never.
    """

    seq: int
    element: str
    by: str
    at: str
    digest: str
    named: list[str]
    withdrawn: str = ""

    @classmethod
    def of(cls, seq: int, says: Mapping[str, Any]) -> Remark:
        """As its event tells it."""
        by, place = says["actor"]["id"], says.get("task", "")
        return cls(seq, place, by, says["at"], digest=says["digest"], named=says["members"])


@dataclass
class Poll:
    """A poll as the history tells it. `voices` are the last answers of each member, `at` when each
    state began.
    """

    seq: int
    element: str
    state: str = "called"
    opened: dict[str, Any] = field(default_factory=dict)
    counted: dict[str, Any] = field(default_factory=dict)
    outcome: dict[str, Any] | None = None
    choices: dict[str, str] = field(default_factory=dict)
    voices: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    tellers: list[str] = field(default_factory=list)
    signed: dict[str, str] = field(default_factory=dict)
    dissent: dict[str, str] = field(default_factory=dict)  # who -> why
    leaves: dict[str, str] = field(default_factory=dict)  # who asked to go, or was replaced -> why
    successors: dict[str, str] = field(default_factory=dict)
    at: dict[str, str] = field(default_factory=dict)

    @property
    def secret(self) -> bool:
        """Was it put in sealed envelopes?"""
        return "public_key" in self.opened

    def counts(self) -> dict[str, int]:
        """How often each choice was made in the system; of an election also how many ballots there
        are.
        """
        if self.secret:
            return dict(self.counted.get("counts", {}))
        found = Counter(part for choice in self.choices.values() for part in choice.split(" "))
        if "wins" in self.opened:
            found["answered"] = len(self.choices)
        return {choice: n for choice, n in found.items() if n}

    def at_table(self, says: dict[str, Any]) -> None:
        """What the tellers did: who changes a paper count has nobody's signature any more."""
        kind, who = says["kind"], (says.get("actor") or {}).get("id", "")
        if kind == "poll_signed":
            self.signed[who] = says["at"]
            self.dissent.pop(who, None)
        elif kind == "poll_dissented":
            self.dissent[who] = says["reason"]
            self.signed.pop(who, None)
        elif kind == "paper_ballots_counted":
            self.signed.clear()
            self.dissent.clear()
        elif kind == "teller_resigned":
            self.leaves[who] = says["reason"]
        elif kind == "teller_replaced":
            self.leaves[says["old"]], self.successors[says["old"]] = says["reason"], says["new"]
            self.signed.pop(says["old"], None)
            self.dissent.pop(says["old"], None)

    def answer(self, says: dict[str, Any]) -> None:
        """One more answer, or one taken back."""
        voter = says["actor"]["id"]
        self.remarks.pop(voter, None)
        if "remark" in says:
            self.remarks[voter] = says["remark"]
        if says["kind"] == "poll_answered" and says.get("choice"):
            self.choices[voter] = says["choice"]
            self.voices[voter] = (says["at"], says.get("comment"))
        else:
            self.choices.pop(voter, None)
            self.voices[voter] = (says["at"], "")


@dataclass
class Meeting:
    """A meeting as the history tells it. `moves`: each arrival (True) and departure in order, as
    (member, came, way, by whom, when).
    """

    seq: int
    element: str
    called: dict[str, Any]
    opened: dict[str, Any] = field(default_factory=dict)
    closed: dict[str, Any] = field(default_factory=dict)
    struck: dict[str, Any] = field(default_factory=dict)  # the last time that somebody was
    moves: list[tuple[str, bool, str, str, str]] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Do the events tell who came and went?"""
        return bool(self.called.get("tells", 1) >= kinds.MEETING_TELLS)

    @property
    def roll(self) -> dict[str, Any]:
        """What said last who is due, and how many."""
        return self.struck or self.opened or self.called


@dataclass
class Published:
    """A publication as the history tells it."""

    seq: int
    element: str
    at: str
    circle_hash: str
    until: datetime
    current: bool = True

    def move(self, says: Mapping[str, str]) -> None:
        """It ends at another moment, as an event tells a time limit."""
        if self.current:
            last = date.fromisoformat(says["due"])
            told = says.get("until")
            self.until = datetime.fromisoformat(told) if told else moments.end_of(last)

    def postpone(self, since: str, days: int) -> None:
        """The matter stood still since a moment, for some days: if this was open then, it ends so
        much later.
        """
        if self.current and since and self.until > datetime.fromisoformat(since):
            self.until += timedelta(days=days)
