"""A poll as the people on its roll and the people of the matter see it: never a partial result of a vote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, case, func, select, true

from engine.db import rows, tables
from engine.db.states import POLL_RUNNING, PollState
from engine.definitions.process import Words
from engine.definitions.store import process_of
from engine.instance import context as instance
from engine.instance import polling, rooms
from engine.instance.counting import ABSTAIN, cast_in_system
from engine.people import access
from engine.queries import background, ruled, words
from engine.queries.tellers import Counting, Teller, counted, counting, tellers
from engine.queries.words import About, Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select

    from engine.db import Session
    from engine.definitions.process import PollRule
    from engine.instance.context import Context
    from engine.people.organisation import Actor
    from engine.queries.background import Paper, Said

_poll, _roll, _task = tables.poll.c, tables.roll.c, tables.task.c
_instance, _member = tables.instance.c, tables.member.c
VOTES = ("vote", "election")  # nobody sees a partial result of these
LISTED = 300
NOBODY = Words("弃权", "Abstained")


@dataclass(frozen=True)
class Question:
    """What is put to the roll. `about`: what is voted on, as it stood then; `seats` of an election."""

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


@dataclass(frozen=True)
class Roll:
    """The frozen roll. `papers`: so many voters were given a paper ballot."""

    size: int
    hash: str
    papers: int


@dataclass(frozen=True)
class Mine:
    """My own part: what I answered (`choice` is None while I have not), whether I may answer now, whether I am there."""

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
    """`by_choice` is empty while a vote or an election runs; `cast` says how many have voted in the system."""

    by_choice: Mapping[str, int]
    cast: int


@dataclass(frozen=True)
class Result:
    """What came out. `outcome` holds the numbers, None before; `why` is the rule explained with numbers needed and reached."""

    outcome: Mapping[str, Any] | None
    why: str
    elected: tuple[str, ...]
    tied: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """A poll as it stands. `rule` is {"passes": expression, "numbers": {rule id: value}, ...}; `presence` the formal
    members present at the opening and at the closing."""

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
    roll: Roll
    presence: Mapping[str, int]
    count: Count
    result: Result
    mine: Mine


@dataclass(frozen=True)
class Voice:
    """One member on the roll and what they answered; choice is None while they have not, or while it is not shown."""

    name: str
    choice: str | None
    comment: str
    at: datetime | None
    answered: bool


@dataclass(frozen=True)
class Basis:
    """The rule in words, with its numbers, and the rules of law behind it."""

    words: str
    rules: tuple[ruled.Ruled, ...]


@dataclass(frozen=True)
class Rights:
    """What this person may do besides answering: close it by the rule of the lane, close it early, declare it void."""

    chair: bool
    closable: bool  # if the rule holds
    may_void: bool


@dataclass(frozen=True)
class Poll(Summary):
    """A poll with its voices (the first 300), its tellers and its rule in words."""

    due: Mapping[str, Any] | None
    basis: Basis
    rights: Rights
    voices: tuple[Voice, ...]
    turn: str  # whose turn it is, when one answers after the other
    tellers: tuple[Teller, ...]
    counting: Counting | None  # for its tellers
    voided: int  # times that the question was put before and declared void


@dataclass(frozen=True)
class Page:
    """A poll with the matter behind it."""

    poll: Poll
    number: str
    title: str
    said: tuple[Said, ...]
    papers: tuple[Paper, ...]


@dataclass(frozen=True)
class Listed:
    """A poll in a list. The counts are left out while a vote runs, and for whom its room is closed."""

    id: UUID
    instance_id: UUID
    element: str
    kind: str
    state: str
    roll_size: int
    counts: Mapping[str, int]
    opened_at: datetime
    closes_at: datetime | None
    closed_at: datetime | None
    number: str
    title: str


# --- what is read -----------------------------------------------------------------------------------------------------
class Beside(NamedTuple):
    """What one statement reads beside the row of a poll: of its task, of the actor's place on the roll, and numbers."""

    element: str
    due: Mapping[str, Any] | None
    on_roll: bool
    open: bool | None
    choice: str | None
    comment: str | None
    on_paper: bool | None
    here: bool
    papers: int
    sealed: int | None  # envelopes cast, of a secret poll
    voided: int
    turn: str | None


@dataclass(frozen=True)
class Read:
    """A poll as it was read, not yet in words."""

    row: rows.Poll
    beside: Beside

    @property
    def rule(self) -> Mapping[str, Any]:
        return self.row.rule

    @property
    def mentioned(self) -> list[Any]:
        """Where ids stand that have to be named: what it is about, and the candidates."""
        return [self.rule.get("about", ()), self.row.choices if self.row.kind == "election" else ()]

    @property
    def hidden(self) -> bool:
        """Nobody learns a choice or a count yet."""
        return self.row.kind in VOTES and self.row.state != PollState.CLOSED

    def concerns(self, actor: Actor) -> bool:
        """Is the actor on its roll, or one of its tellers?"""
        return self.beside.on_roll or actor.id in self.row.tellers


_WIDTH = len(rows.Poll._fields)
_ALL = _WIDTH + len(Beside._fields)


def _query(actor: Actor, *more: ColumnElement[Any]) -> Select[Any]:
    """Polls with what stands beside them for this person, and `more` columns, joined to task and instance."""
    of_poll, mine = _roll.poll_id == _poll.id, _roll.member_id == actor.id
    query = select(*tables.poll.c, *_beside(actor), *more).select_from(tables.poll)
    return (
        query.join(tables.task, _task.id == _poll.task_id)
        .join(tables.instance, _instance.id == _poll.instance_id)
        .outerjoin(tables.roll, and_(of_poll, mine))
    )


def _beside(actor: Actor) -> tuple[ColumnElement[Any], ...]:
    """The columns of `Beside`, in their order."""
    listed, former = tables.roll.alias(), tables.poll.alias()
    attendance, envelope, box = tables.attendance.c, tables.envelope.c, tables.box.c
    here = select(attendance.here).where(
        attendance.meeting_id == _poll.meeting_id,
        attendance.member_id == actor.id,
        attendance.kind == "formal",
    )
    papers = select(func.count()).where(listed.c.poll_id == _poll.id, listed.c.paper)
    sealed = select(func.count()).where(envelope.poll_id == _poll.id)
    voters = select(box.voters).where(box.poll_id == _poll.id)
    voided = select(func.count()).where(
        former.c.task_id == _poll.task_id,
        former.c.state == PollState.VOID,
        former.c.id < _poll.id,
    )
    next_one = (
        select(_member.name)
        .join(listed, listed.c.member_id == _member.id)
        .where(listed.c.poll_id == _poll.id, listed.c.open)
        .order_by(listed.c.position)
        .limit(1)
    )
    by_turns = and_(_poll.rule["in_order"].as_boolean(), _poll.state == PollState.OPEN)
    anywhere = _poll.meeting_id.is_(None)
    both = func.coalesce(voters.scalar_subquery(), sealed.scalar_subquery())
    return (
        _task.element,
        _task.due,
        _roll.member_id.is_not(None),
        _roll.open,
        _roll.choice,
        _roll.comment,
        _roll.paper,
        case((anywhere, true()), else_=func.coalesce(here.scalar_subquery(), False)),
        papers.scalar_subquery(),
        case((_poll.secret, both)),
        voided.scalar_subquery(),
        case((by_turns, next_one.scalar_subquery())),
    )


def _from(values: tuple[Any, ...]) -> Read:
    return Read(rows.Poll(*values[:_WIDTH]), Beside(*values[_WIDTH:_ALL]))


def of_instance(context: Context) -> tuple[Read, ...]:
    """The polls of an instance that were not declared void, oldest first, whoever may see them."""
    assert context.actor is not None
    query = _query(context.actor).where(
        _poll.instance_id == context.row["id"], _poll.state != PollState.VOID
    )
    found = context.session.execute(query.order_by(_poll.opened_at, _poll.id))
    return tuple(_from(tuple(row)) for row in found)


def of_meeting(context: Context, meeting_id: UUID) -> tuple[Read, ...]:
    """The polls under a meeting, newest first."""
    assert context.actor is not None
    query = _query(context.actor).where(_poll.meeting_id == meeting_id)
    found = context.session.execute(query.order_by(_poll.id.desc()))
    return tuple(_from(tuple(row)) for row in found)


def _seen(session: Session, actor: Actor, poll_id: UUID) -> tuple[Read, Context]:
    """One poll with its instance. Raises NotFound when it is not this person's to see, or its room is closed to them."""
    query = _query(actor, *instance.COLUMNS).where(_poll.id == poll_id, access.visible(actor))
    values = tuple(access.must_see(session.execute(query).first()))
    read, context = _from(values), instance.context_from(session, actor, values[_ALL:])
    open_ = read.concerns(actor) or rooms.may_read(context, read.beside.element)
    access.must_see(read if open_ else None)
    return read, context


def must_see(session: Session, actor: Actor, poll_id: UUID) -> UUID:
    """The instance of a poll. Raises NotFound when the poll is not this person's to see."""
    return _seen(session, actor, poll_id)[0].row.instance_id


# --- what is shown ----------------------------------------------------------------------------------------------------
def poll(session: Session, actor: Actor, poll_id: UUID, lang: str = "zh") -> Poll:
    """One poll. NotFound when the instance is not this person's to see."""
    read, context = _seen(session, actor, poll_id)
    return _whole(context, read, Named.of(session, read.mentioned, actor), lang)


def page(session: Session, actor: Actor, poll_id: UUID, lang: str = "zh") -> Page:
    """The same with what was said and handed in before."""
    read, context = _seen(session, actor, poll_id)
    parts = background.finished(context)
    people = [part.closed_by for part in parts]
    names = Named.of(session, [read.mentioned, context.facts, people], actor)
    answers = [part for part in parts if part.answers is not None]
    return Page(
        poll=_whole(context, read, names, lang),
        number=context.row["number"],
        title=context.row["title"],
        said=background.said(context, answers, names, lang),
        papers=background.papers(context, ((p.element, p.answers) for p in parts), lang),
    )


@dataclass(frozen=True)
class Standing:
    """How a poll stands for one who has just answered. `revocable`: the answer may still be taken back."""

    meeting_id: UUID | None
    revocable: bool


def standing(session: Session, poll_id: UUID) -> Standing:
    """How a poll stands now. The caller has made sure that it is this person's to see."""
    query = select(_poll.meeting_id, _poll.rule, _poll.state).where(_poll.id == poll_id)
    row = session.execute(query).one()
    freely = row.rule.get("withdrawal") and not row.rule.get("in_order")
    return Standing(row.meeting_id, bool(freely and row.state == PollState.OPEN))


def summary(context: Context, read: Read, names: Named, lang: str) -> Summary:
    """A poll in words. `names` must know what is mentioned in it."""
    row, beside, outcome = read.row, read.beside, read.row.outcome or {}
    mine = Mine(
        on_roll=beside.on_roll,
        choice=beside.choice,
        comment=beside.comment or "",
        on_paper=bool(beside.on_paper),
        here=beside.here,
        may_answer=bool(beside.open and row.state == PollState.OPEN and beside.here),
    )
    result = Result(
        row.outcome,
        why(outcome, lang),
        elected=tuple(outcome.get("elected", ())),
        tied=tuple(outcome.get("tied", ())),
    )
    return Summary(
        id=row.id,
        instance_id=row.instance_id,
        task_id=row.task_id,
        meeting_id=row.meeting_id,
        state=row.state,
        opened_at=row.opened_at,
        closes_at=row.closes_at,
        closed_at=row.closed_at,
        question=_question(context, read, names, lang),
        rule=row.rule,
        roll=Roll(row.roll_size, row.roll_hash, beside.papers),
        presence=row.rule.get("presence", {}),
        count=Count(_counts(context, read), _cast(read)),
        result=result,
        mine=mine,
    )


def _question(context: Context, read: Read, names: Named, lang: str) -> Question:
    row, rule = read.row, context.process.tasks[read.beside.element]
    pairs = read.rule.get("about", ())
    return Question(
        element=rule.id,
        title=rule.title.in_(lang),
        asks=rule.asks.in_(lang),
        kind=row.kind,
        choices=tuple(row.choices),
        labels=_labels(row, rule.poll, names),
        about=words.about(context.process, pairs, names, lang) if pairs else About(),
        secret=row.secret,
        seats=int(read.rule.get("seats", 0)),
        in_order=bool(read.rule.get("in_order")),
    )


def _labels(row: rows.Poll, rule: PollRule | None, names: Named) -> Mapping[str, Words]:
    """What the choices of a poll are called; those of an election are the candidates, and abstaining."""
    if rule is None or rule.choices:
        fixed = rule.labels if rule else {}
        return {**fixed, ABSTAIN: NOBODY} if row.kind == "election" else fixed
    candidates = {c: Words(names.names.get(c, c[:8]), "") for c in row.choices}
    return {**candidates, ABSTAIN: NOBODY}


def _counts(context: Context, read: Read) -> Mapping[str, int]:
    row, outcome = read.row, read.row.outcome or {}
    counts_now = row.state == PollState.COUNTING and counted(row)
    is_teller = context.actor is not None and context.actor.id in row.tellers
    if read.hidden and not (is_teller and counts_now):
        return {}
    if row.state == PollState.CLOSED and "on_paper" in outcome:
        votes = outcome.get("votes", outcome)
        return {**row.counts, **{c: votes.get(c, 0) for c in row.choices}}
    return row.counts


def _cast(read: Read) -> int:
    """How many ballots were cast in the system."""
    if read.row.secret:
        return read.beside.sealed or 0
    return cast_in_system(read.row, read.row.counts)


def why(outcome: Mapping[str, Any], lang: str) -> str:
    """The rule explained with the numbers needed and reached."""
    return str(outcome.get("why_en" if lang.startswith("en") else "why") or "")


def _whole(context: Context, read: Read, names: Named, lang: str) -> Poll:
    session, row = context.session, read.row
    is_teller = context.actor is not None and context.actor.id in row.tellers
    at_table = context.actor if is_teller and row.state in POLL_RUNNING else None
    return Poll(
        **vars(summary(context, read, names, lang)),
        due=read.beside.due,
        basis=_basis(context, read, lang),
        rights=_rights(context, read),
        voices=_voices(session, read),
        turn=read.beside.turn or "",
        tellers=tellers(session, row),
        counting=counting(session, at_table, row) if at_table else None,
        voided=read.beside.voided,
    )


def _basis(context: Context, read: Read, lang: str) -> Basis:
    asked, rule = context.process.tasks[read.beside.element].poll, read.rule
    text = asked.words.in_(lang) if asked else ""
    expressions = [rule["passes"], rule.get("wins", "")]
    known = ruled.rulings(context.law, context.decisive_on, text, expressions)
    in_words = ruled.filled(text, known, rule.get("numbers", {}), lang)
    return Basis(in_words or str(rule["passes"]), ruled.cited(known, lang))


def _rights(context: Context, read: Read) -> Rights:
    row, element = read.row, read.beside.element
    chair = row.state == PollState.OPEN and polling.chairs(context, row, element)
    early = row.rule.get("closable") == "passes" and polling.asked(context)
    voidable = row.state in POLL_RUNNING and polling.may_void(context, row, element)
    return Rights(chair=chair, closable=chair or early, may_void=voidable)


def _voices(session: Session, read: Read) -> tuple[Voice, ...]:
    by_answer = (_roll.at.nulls_last(), _member.name)
    order = (_roll.position,) if read.rule.get("in_order") else by_answer
    found = session.execute(
        select(_member.name, _roll.choice, _roll.comment, _roll.at)
        .join(tables.member, _member.id == _roll.member_id)
        .where(_roll.poll_id == read.row.id)
        .order_by(*order)
        .limit(LISTED)
    ).all()
    answered = [(r.name, r.at, r.choice is not None) for r in found]
    if read.hidden:
        return tuple(Voice(name, None, "", at, has) for name, at, has in answered)
    return tuple(
        Voice(name, r.choice, r.comment, at, has)
        for r, (name, at, has) in zip(found, answered, strict=True)
    )


# --- lists ------------------------------------------------------------------------------------------------------------
def polls(
    session: Session, actor: Actor, after: UUID | None = None, limit: int = 50
) -> tuple[tuple[Listed, ...], str | None]:
    """Polls of instances that this person may see, newest first, and the cursor of the next page."""
    query = (
        select(tables.poll, _task.element, _instance.number, _instance.title, _instance.version)
        .join(tables.task, _task.id == _poll.task_id)
        .join(tables.instance, _instance.id == _poll.instance_id)
        .where(access.visible(actor))
    )
    if after is not None:
        query = query.where(_poll.id < after)
    size = max(1, min(limit, 200))
    found = session.execute(query.order_by(_poll.id.desc()).limit(size + 1)).all()
    shown = found[:size]
    shut = _shut(session, actor, shown)
    items = tuple(_listed(row, row.id in shut) for row in shown)
    return items, str(items[-1].id) if len(found) > size else None


def _shut(session: Session, actor: Actor, found: Iterable[Any]) -> set[UUID]:
    """Those of these polls that are held in a room which is closed to this person."""
    inside = [row for row in found if process_of(session, row.version).tasks[row.element].room]
    if not inside:
        return set()
    query = select(*instance.COLUMNS).where(_instance.id.in_({row.instance_id for row in inside}))
    contexts = [instance.context_from(session, actor, tuple(v)) for v in session.execute(query)]
    by_id = {context.row["id"]: context for context in contexts}
    return {r.id for r in inside if not rooms.may_read(by_id[r.instance_id], r.element)}


def _listed(row: Any, shut: bool) -> Listed:
    silent = shut or (row.kind in VOTES and row.state != PollState.CLOSED)
    return Listed(
        id=row.id,
        instance_id=row.instance_id,
        element=row.element,
        kind=row.kind,
        state=row.state,
        roll_size=row.roll_size,
        counts={} if silent else row.counts,
        opened_at=row.opened_at,
        closes_at=row.closes_at,
        closed_at=row.closed_at,
        number=row.number,
        title=row.title,
    )
