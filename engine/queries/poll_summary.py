"""A poll in short, as it stands: its question, its roll, my own part, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.db.states import PollState
from engine.definitions.words import Words
from engine.instance import rooms
from engine.instance.counting import ABSTAIN
from engine.people import strokes
from engine.people.ordering import Order
from engine.queries import ruled, words
from engine.queries.tellers import counted
from engine.queries.words import About, Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.db import rows
    from engine.definitions.process import PollRule
    from engine.instance.context import Context
    from engine.queries.poll_rows import Read

NOBODY = Words("弃权", "Abstained")


@dataclass(frozen=True)
class Listed:
    """How the candidates stand: `by` strokes or pinyin, "" as they were put; `unknown` are the
    names with characters whose strokes are not known.
    """

    by: str = ""
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, by: str, names: Iterable[str]) -> Listed:
        """How the people of these names stand."""
        strange = tuple(name for name in names if by == Order.STROKES and strokes.unknown(name))
        return cls(by if by != Order.GIVEN else "", strange)


@dataclass(frozen=True)
class Question:
    """What is put to the roll. `about`: what is voted on, as it stood then; `seats` of an
    election.
    """

    element: str
    title: str
    asks: str
    kind: str
    choices: tuple[str, ...]
    labels: Mapping[str, Words]
    about: About
    secret: bool
    seats: int
    in_order: bool  # one answers after the other
    remarks: bool  # what is said with the answer is part of the outcome
    listed: Listed = Listed()


@dataclass(frozen=True)
class Roll:
    """The frozen roll. `papers`: so many voters were given a paper ballot."""

    size: int
    hash: str
    papers: int


@dataclass(frozen=True)
class Mine:
    """My own part: what I answered (`choice` is None while I have not), whether I may answer now,
    whether I am there.
    """

    on_roll: bool
    choice: str | None
    comment: str
    on_paper: bool  # I was given a paper ballot
    here: bool  # in the meeting, if the poll is put in one
    may_answer: bool  # it is open, for me and now

    @property
    def chosen(self) -> tuple[str, ...]:
        """The parts of my choice: of an election the candidates."""
        return tuple(self.choice.split(" ")) if self.choice else ()

    @property
    def awaited(self) -> bool:
        """I am on the roll and have not answered."""
        return self.on_roll and self.choice is None


@dataclass(frozen=True)
class Count:
    """`by_choice` is empty while a vote or an election runs; `cast` says how many have voted in the
    system.
    """

    by_choice: Mapping[str, int]
    cast: int
    written_in: tuple[str, ...] = ()  # who is no candidate of an election, and among them


@dataclass(frozen=True)
class Result:
    """What came out. `outcome` holds the numbers, None before; `why` is the rule explained with
    numbers needed and reached.
    """

    outcome: Mapping[str, Any] | None
    why: str
    elected: tuple[str, ...]
    tied: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """A poll as it stands. `rule` is {"passes": expression, "numbers": {rule id: value}, ...};
    `words` is the rule as people say it; `presence` the formal members due, needed and present
    while it was open.
    """

    id: UUID
    instance_id: UUID
    task_id: UUID
    meeting_id: UUID | None
    state: str
    opened_at: datetime
    closes_at: datetime | None
    closed_at: datetime | None
    question: Question
    rule: Mapping[str, Any]
    words: str
    roll: Roll
    presence: Mapping[str, Any]
    count: Count
    result: Result
    mine: Mine

    @property
    def voted(self) -> int:
        """How many have voted, in the system or by taking a paper ballot."""
        return self.count.cast + self.roll.papers


def summary(context: Context, read: Read, names: Named, lang: str) -> Summary:
    """A poll in words. `names` must know what is mentioned in it."""
    row, beside, outcome = read.row, read.beside, read.row.outcome or {}
    asked = context.process.tasks[beside.element].poll
    mine = Mine(
        on_roll=beside.on_roll,
        choice=beside.choice,
        comment=beside.comment or "",
        on_paper=bool(beside.on_paper),
        here=beside.here,
        may_answer=bool(beside.open and row.state == PollState.OPEN and beside.here),
    )
    result = Result(
        _told(context, read),
        why(outcome, lang),
        elected=tuple(outcome.get("elected", ())),
        tied=tuple(outcome.get("tied", ())),
    )
    counts = _counts(context, read)
    counted_now = Count(counts, read.cast, _written_in(row, counts))
    return Summary(
        id=row.id,
        instance_id=row.instance_id,
        task_id=row.task_id,
        meeting_id=row.meeting_id,
        state=row.state,
        opened_at=row.opened_at,
        closes_at=row.closes_at,
        closed_at=row.closed_at,
        question=_question(context, read, names, lang, counted_now.written_in),
        rule=row.rule,
        words=ruled.told(asked.words if asked else None, row.rule.get("numbers", {})).in_(lang),
        roll=Roll(row.roll_size, row.roll_hash, beside.papers),
        presence=row.rule.get("presence", {}),
        count=counted_now,
        result=result,
        mine=mine,
    )


def _written_in(row: rows.Poll, counts: Mapping[str, int]) -> tuple[str, ...]:
    """Who was written in, of what may be seen of the counts."""
    if "write_in" not in row.rule:
        return ()
    named = dict.fromkeys([*(row.outcome or {}).get("written_in", ()), *counts])
    return tuple(each for each in named if each not in {*row.choices, "answered", ABSTAIN})


def _question(
    context: Context, read: Read, names: Named, lang: str, written_in: tuple[str, ...]
) -> Question:
    row, rule = read.row, context.process.tasks[read.beside.element]
    pairs = read.rule.get("about", ())
    return Question(
        element=rule.id,
        title=rule.title.in_(lang),
        asks=rule.asks.in_(lang),
        kind=row.kind,
        choices=tuple(row.choices),
        labels={**_labels(row, rule.poll, names), **_written_labels(written_in, names)},
        about=words.about(context.process, pairs, names, lang) if pairs else About(),
        secret=row.secret,
        seats=int(read.rule.get("seats", 0)),
        in_order=bool(read.rule.get("in_order")),
        remarks="remarks" in read.rule,
        listed=Listed.of(
            read.rule.get("listed", ""), (names.names.get(c, "") for c in row.choices)
        ),
    )


def _labels(row: rows.Poll, rule: PollRule | None, names: Named) -> Mapping[str, Words]:
    """What the choices of a poll are called; those of an election are the candidates, and
    abstaining.
    """
    if rule is None or rule.choices:
        fixed = rule.labels if rule else {}
        return {**fixed, ABSTAIN: NOBODY} if row.kind == "election" else fixed
    candidates = {c: Words(names.names.get(c, c[:8]), "") for c in row.choices}
    return {**candidates, ABSTAIN: NOBODY}


def _written_labels(written_in: Iterable[str], names: Named) -> dict[str, Words]:
    called = {each: names.names.get(each, each[:8]) for each in written_in}
    return {key: Words(f"{name}（另选）", f"{name} (written in)") for key, name in called.items()}


def _counts(context: Context, read: Read) -> Mapping[str, int]:
    row, outcome = read.row, read.row.outcome or {}
    counts_now = row.state == PollState.COUNTING and counted(row)
    is_teller = context.actor is not None and context.actor.id in row.tellers
    if read.hidden and not (is_teller and counts_now):
        return {}
    if row.state == PollState.CLOSED and "on_paper" in outcome:
        votes = outcome.get("votes", outcome)
        chosen = [*row.choices, *outcome.get("written_in", ())]
        return {**row.counts, **{c: votes.get(c, 0) for c in chosen}}
    return row.counts


def _told(context: Context, read: Read) -> Mapping[str, Any] | None:
    """The outcome, less who answered what where the reader does not learn that."""
    outcome = read.row.outcome
    if outcome is None or read.beside.element not in rooms.unnamed(context):
        return outcome
    return {key: value for key, value in outcome.items() if key != "voters"}


def why(outcome: Mapping[str, Any], lang: str) -> str:
    """The rule explained with the numbers needed and reached."""
    return str(outcome.get("why_en" if lang.startswith("en") else "why") or "")


def choices(poll: Summary) -> list[tuple[str, int]]:
    """What was chosen how often in a closed poll, in the order of the ballot; of an election most
    votes first.
    """
    outcome = poll.result.outcome or {}
    if poll.question.kind != "election":
        return [(c, int(outcome.get(c, 0))) for c in poll.question.choices]
    votes, standing = outcome.get("votes", {}), [*poll.question.choices, *poll.count.written_in]
    found = sorted(((c, int(votes.get(c, 0))) for c in standing), key=lambda pair: -pair[1])
    return [*found, (ABSTAIN, int(outcome.get("abstain", 0)))]
