"""The answer before the log: what a process has to show (`[[claims]]`) and what its votes came to,
told from the events of an instance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from engine import clock
from engine.db.states import FINAL
from engine.history.erased import ERASED_MARK
from engine.instance import showing
from engine.queries import telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.definitions import Process
    from engine.definitions.process import Claim, Premise
    from engine.definitions.words import Words
    from engine.instance.context import Context

    Body = Mapping[str, Any]  # of an event
VOTES = ("vote", "election")  # kinds of polls
DECIDING = (*VOTES, "countersign", "consent")
OF_VOTES = ("poll_opened", "poll_closed", "poll_voided")
_BASES = ("roll", "present", "valid")  # of which the votes in favour may be a share


class Verdict(StrEnum):
    """What a claim comes to. LATE: a premise came on the day of what it had to precede, or after
    it. OPEN: it has not come so far; NEVER: the instance ended without it.
    """

    YES = "yes"
    NO = "no"
    LATE = "late"
    OPEN = "open"
    NEVER = "never"
    ERASED = "erased"


@dataclass(frozen=True)
class Mark:
    """An event to which an answer points."""

    seq: int
    at: datetime


@dataclass(frozen=True)
class Given:
    """A premise: the event that told it before, if one did; `day` on which it was, `spare` days
    before what it had to precede, `early` if those are enough.
    """

    text: Words
    event: Mark | None
    day: date | None
    holds: bool
    spare: int | None
    early: bool


@dataclass(frozen=True)
class Answer:
    """A claim as the events answer it. `event`, `day`: of what the premises had to precede;
    `refused`: attempts before it that a premise of the process stopped.
    """

    claim: Claim
    verdict: Verdict
    event: Mark | None
    day: date | None
    given: tuple[Given, ...]
    refused: tuple[Mark, ...]

    @property
    def last(self) -> Given | None:
        """The premise that came last, by its day."""
        return max((g for g in self.given if g.day), key=lambda g: str(g.day), default=None)

    @property
    def spare(self) -> int | None:
        """Days between the last premise and what it had to precede."""
        return self.last.spare if self.last else None


def answers(context: Context, bodies: Sequence[Body]) -> tuple[Answer, ...]:
    """The claims of its process, answered by all its events, oldest first."""
    shown = enumerate(context.process.claims)
    return tuple(_answer(context, place, claim, bodies) for place, claim in shown)


def _answer(context: Context, place: int, claim: Claim, bodies: Sequence[Body]) -> Answer:
    """By the facts as they were at the event; where it has not come, or an older one does not keep
    them, as they are.
    """
    reached = _last_at(claim.at, bodies)
    before = [b for b in bodies if not reached or b["seq"] < reached["seq"]]
    led = _act(reached, claim) if reached else ()
    erased = ERASED_MARK in context.facts
    judged = None if erased or not reached else showing.told(reached, place)
    judged = judged or showing.judge(context, claim)
    day = _on(claim.on, judged.day, reached) if reached else None
    given = tuple(
        _given(need, said, _last_at(need.by, [*before, *led]), day)
        for need, said in zip(claim.needs, judged.given, strict=True)
    )
    return Answer(
        claim,
        _verdict(context, given, bool(reached)),
        event=_mark(reached),
        day=day,
        given=given,
        refused=tuple(_marked(before, code="guard")),
    )


def _verdict(context: Context, given: Iterable[Given], reached: bool) -> Verdict:
    if ERASED_MARK in context.facts:
        return Verdict.ERASED
    if not reached:
        return Verdict.NEVER if context.row["state"] in FINAL else Verdict.OPEN
    if not all(each.holds and each.event for each in given):
        return Verdict.NO
    return Verdict.YES if all(each.early for each in given) else Verdict.LATE


def _act(reached: Body, claim: Claim) -> Sequence[Body]:
    """The act that led there by itself, without what followed from it: it came before that."""
    if reached.get("task") in claim.at:
        return ()
    return [{key: said for key, said in reached.items() if key not in ("passed", "ended")}]


def _given(
    need: Premise, said: tuple[bool, date | None], told: Body | None, by: date | None
) -> Given:
    holds, on = said
    day = _on(need.on, on, told) if told else None
    spare = (by - day).days if by and day else None
    return Given(
        need.text,
        event=_mark(told),
        day=day,
        holds=bool(told) and holds,
        spare=spare,
        early=spare is None or spare >= (0 if need.same_day else 1),
    )


def _on(fact: str, day: date | None, told: Body) -> date | None:
    """When it was, as the fact says; where none is named, when it was entered."""
    return day if fact else _at(told).astimezone(clock.CHINA).date()


def _last_at(elements: Iterable[str], bodies: Iterable[Body]) -> Body | None:
    """The last event that finished or passed one of these elements."""
    wanted, found = set(elements), None
    for body in bodies:
        ended = body.get("task") if body.get("kind") in ("task_completed", "poll_closed") else None
        if wanted & {*body.get("passed", ()), ended, body.get("ended")}:
            found = body
    return found


def _at(body: Body) -> datetime:
    return datetime.fromisoformat(str(body["at"]))


def mark(body: Body) -> Mark:
    """Where an event stands."""
    return Mark(int(body["seq"]), _at(body))


def _mark(body: Body | None) -> Mark | None:
    return mark(body) if body else None


def _marked(bodies: Iterable[Body], code: str) -> Iterable[Mark]:
    refused = (b for b in bodies if b.get("kind") == "attempt_refused" and b.get("code") == code)
    return filter(None, map(_mark, refused))


# --- votes ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Share:
    """The votes in favour, of a number of people or ballots. `base`: "roll", "present", "valid"."""

    base: str
    of: int
    part: Fraction


@dataclass(frozen=True)
class Vote:
    """A poll as the events of its opening and closing tell it. `passed` is None of one that only
    collects answers; `why`: by the rule; `void`: declared void afterwards.
    """

    element: str
    opened: Mark
    closed: Mark
    passed: bool | None
    why: telling.Words
    outcome: Body
    void: Mark | None

    @property
    def numbers(self) -> dict[str, int]:
        """How many were due, there, voted which way; without what was elected."""
        whole = self.outcome.items()
        return {k: n for k, n in whole if isinstance(n, int) and not isinstance(n, bool)}

    @property
    def shares(self) -> tuple[Share, ...]:
        """What part of each number of people or ballots the votes in favour were."""
        yes = self.outcome.get("yes")
        bases = ((base, self.outcome.get(base)) for base in _BASES)
        return tuple(
            Share(base, number, Fraction(yes, number))
            for base, number in bases
            if isinstance(yes, int) and isinstance(number, int) and number
        )


def votes(process: Process, bodies: Sequence[Body]) -> tuple[Vote, ...]:
    """The polls that decide and were closed, with what they came to."""
    opened = {b.get("poll"): b for b in bodies if b.get("kind") == "poll_opened"}
    voided = {b.get("poll"): b for b in bodies if b.get("kind") == "poll_voided"}
    closed = (b for b in bodies if b.get("kind") == "poll_closed" and b.get("poll") in opened)
    return tuple(
        _vote(body, opened[body.get("poll")], voided.get(body.get("poll")))
        for body in closed
        if _decides(process, str(body.get("task")))
    )


def _decides(process: Process, element: str) -> bool:
    rule = process.tasks.get(element)
    return rule is not None and rule.poll is not None and rule.poll.kind in DECIDING


def _vote(closed: Body, opened: Body, voided: Body | None) -> Vote:
    outcome = closed.get("outcome") or {}
    passed = outcome.get("passed")
    return Vote(
        str(closed.get("task")),
        opened=Mark(int(opened["seq"]), _at(opened)),
        closed=Mark(int(closed["seq"]), _at(closed)),
        passed=passed if isinstance(passed, bool) else None,
        why=telling.reasoned(outcome),
        outcome=outcome,
        void=_mark(voided),
    )
