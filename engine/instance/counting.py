"""From ballots to an outcome: integers, named denominators, who is elected, and the rule explained
with its numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from engine import law

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import rows
    from engine.instance.context import Context

ABSTAIN = "abstain"  # in an election: a ballot that chooses nobody


class PaperCount(TypedDict):
    """What the tellers counted of the paper ballots; `counts`: choice -> ballots."""

    issued: int
    returned: int
    invalid: int
    counts: dict[str, int]


@dataclass(frozen=True)
class Ballots:
    """The ballots of a poll: those cast in the system, by choice, and those on paper, if there were
    any.

    `cast` counts the sealed ones too that nobody could read.
    """

    poll: rows.Poll
    counts: Mapping[str, int]
    paper: PaperCount | None = None

    @property
    def cast(self) -> int:
        return cast_in_system(self.poll, self.counts) + self.unreadable

    @property
    def unreadable(self) -> int:
        return self.poll.rule.get("invalid", 0)

    @property
    def issued(self) -> int:
        return self.cast + (self.paper["issued"] if self.paper else 0)

    @property
    def returned(self) -> int:
        return self.cast + (self.paper["returned"] if self.paper else 0)

    @property
    def invalid(self) -> int:
        return self.unreadable + (self.paper["invalid"] if self.paper else 0)

    def of(self, choice: str) -> int:
        """How many ballots make this choice."""
        on_paper = self.paper["counts"].get(choice, 0) if self.paper else 0
        return self.counts.get(choice, 0) + on_paper

    def numbers(self) -> dict[str, Any]:
        """All that a rule may name, and what the outcome keeps of it."""
        votes = {choice: self.of(choice) for choice in self.poll.choices}
        numbers: dict[str, Any] = {
            "roll": self.poll.roll_size,
            "answered": self.returned,
            "silent": self.poll.roll_size - self.returned,
            "issued": self.issued,
            "returned": self.returned,
            "valid": self.returned - self.invalid,
            "invalid": self.invalid,
            **self._presence(),
        }
        if self.paper:
            numbers["on_paper"] = dict(self.paper)
        if self.poll.kind == "election":
            votes |= {each: self.of(each) for each in self.written_in}
            return {**numbers, "votes": votes, **self._election()}
        return {**votes, **numbers}

    def _election(self) -> dict[str, Any]:
        seats, candidates = self.poll.rule["seats"], list(self.poll.choices)
        numbers = {"seats": seats, "candidates": candidates, "abstain": self.of(ABSTAIN)}
        return numbers | ({"written_in": self.written_in} if may_write_in(self.poll) else {})

    @property
    def written_in(self) -> list[str]:
        """Those who are no candidates and have votes, most first; [] where nobody may be written
        in.
        """
        if not may_write_in(self.poll):
            return []
        named = {*self.counts, *(self.paper["counts"] if self.paper else ())}
        written = named - {*self.poll.choices, "answered", ABSTAIN}
        return sorted((w for w in written if self.of(w)), key=lambda w: (-self.of(w), w))

    def _presence(self) -> dict[str, int]:
        """Of a poll under a meeting; who left before the closing does not count as present."""
        presence = self.poll.rule.get("presence", {})
        if "opening" not in presence:
            return {}
        opening = presence["opening"]
        numbers = {"present_at_opening": opening, "present": presence.get("closing", opening)}
        more = {"present_least": presence.get("least"), "present_needed": presence.get("needed")}
        return numbers | {name: number for name, number in more.items() if number is not None}


def may_write_in(poll: rows.Poll) -> bool:
    """Has the ballot a line for somebody who is no candidate?"""
    return "write_in" in poll.rule


@dataclass(frozen=True)
class Outcome:
    """What a poll came to: its numbers, whether its rule holds, and why, in both languages."""

    numbers: Mapping[str, Any]
    passed: bool
    why: str
    why_en: str
    voters: Mapping[str, list[str]] | None = None  # choice -> ids, where they are named

    @property
    def answered(self) -> int:
        return int(self.numbers["answered"])

    def published(self) -> dict[str, Any]:
        """What the history says: without names."""
        return {**self.numbers, "passed": self.passed, "why": self.why, "why_en": self.why_en}

    def stored(self) -> dict[str, Any]:
        """The fact of the task, and the column `outcome` of the poll."""
        named = {} if self.voters is None else {"voters": self.voters}
        return {**self.published(), **named}


def tally(
    context: Context, poll: rows.Poll, counts: Mapping[str, int], paper: PaperCount | None = None
) -> Outcome:
    """The outcome of a poll. `counts` are the ballots cast in the system; `paper` what the tellers
    agree on.
    """
    numbers = Ballots(poll, counts, paper).numbers()
    context.measured.clear()
    if poll.kind == "election":
        numbers |= _elected(context, poll, numbers)
        _measure_first(context, poll, numbers)
    known = {name: number for name, number in numbers.items() if name != "votes"}
    passed = bool(context.value(poll.rule["passes"], known))
    return Outcome(numbers, passed, explained(context, "zh"), explained(context, "en"))


def cast_in_system(poll: rows.Poll, counts: Mapping[str, int]) -> int:
    """How many ballots these counts hold: those cast in the system, none on paper."""
    if poll.kind == "election":
        return int(counts.get("answered", 0))
    return sum(counts.get(choice, 0) for choice in poll.choices)


def _of_seats(numbers: Mapping[str, Any]) -> dict[str, int]:
    """What the rule for a seat may name, beside the votes of one candidate."""
    return {name: numbers.get(name, 0) for name in ("roll", "present", "valid")}


def _elected(context: Context, poll: rows.Poll, numbers: Mapping[str, Any]) -> dict[str, list[str]]:
    """Who wins a seat: enough votes by the rule, most votes first. Those level at the last seat are
    tied: none has it.
    """
    names, wins = _of_seats(numbers), poll.rule["wins"]
    votes: dict[str, int] = numbers["votes"]
    standing = [*poll.choices, *_written_in_to_win(poll, numbers)]
    enough = [c for c in standing if context.value(wins, {**names, "votes": votes[c]})]
    ranked = sorted(enough, key=lambda candidate: -votes[candidate])
    tied = _tied(ranked, votes, int(poll.rule["seats"]))
    seated = ranked[: int(poll.rule["seats"])]
    return {"elected": [c for c in seated if c not in tied], "tied": tied}


def _written_in_to_win(poll: rows.Poll, numbers: Mapping[str, Any]) -> list[str]:
    """Those who were written in, where the rule of the election lets them win a seat."""
    wins = may_write_in(poll) and poll.rule["write_in"]["wins"]
    return numbers["written_in"] if wins else []


def _measure_first(context: Context, poll: rows.Poll, numbers: Mapping[str, Any]) -> None:
    """What a seat needs, and what the first has, is part of why; what the others have is not."""
    context.measured.clear()
    standing = [*poll.choices, *_written_in_to_win(poll, numbers)]
    most = max((numbers["votes"][each] for each in standing), default=0)
    context.value(poll.rule["wins"], {**_of_seats(numbers), "votes": most})


def _tied(ranked: list[str], votes: Mapping[str, int], seats: int) -> list[str]:
    """Those who are level at the last seat, when there are more of them than seats left."""
    if len(ranked) <= seats:
        return []
    last = votes[ranked[seats - 1]]
    return [c for c in ranked if votes[c] == last] if votes[ranked[seats]] == last else []


# --- why ------------------------------------------------------------------------------------------
# Both texts stand in the outcome, and so in the history, for ever: no catalogue of a later day may
# change them.
_AT_LEAST = {
    "zh": "总数 {total}，须达到 {needed}，实有 {reached}，{holds}规定",
    "en": "{needed} of {total} needed, {reached} reached: {holds}",
}
_AT_MOST = {
    "zh": "总数 {total}，不得超过 {needed}，实有 {reached}，{holds}规定",
    "en": "{needed} of {total} at most, {reached} reached: {holds}",
}
_TITLED = {"zh": "{title}：{told}", "en": "{title}: {told}"}
_HOLDS = {"zh": ("不符合", "符合"), "en": ("not met", "met")}
_MARKS = {"zh": ("；", "。"), "en": ("; ", ".")}


def explained(context: Context, lang: str) -> str:
    """The shares that the rule asked about, each once, with the number needed and the number
    reached; "" without any.
    """
    asked = {(r.id, n, total): (r, n, total) for r, n, total in context.measured}
    between, end = _MARKS[lang]
    sentences = [_share(lang, ruling, n, total) for ruling, n, total in asked.values()]
    return between.join(sentences) + end if sentences else ""


def _share(lang: str, ruling: law.Ruling, reached: int, total: int) -> str:
    """What a rule asked about, in its own words or the common ones."""
    rule, holds = ruling.rule, law.compare(ruling.op, ruling, reached, total)
    own = rule.told if lang == "zh" else rule.told_en
    told = (own or (_AT_MOST if ruling.op == "<=" else _AT_LEAST)[lang]).format(
        total=total, needed=law.needed(ruling, total), reached=reached, holds=_HOLDS[lang][holds]
    )
    return _TITLED[lang].format(title=rule.title if lang == "zh" else rule.title_en, told=told)
