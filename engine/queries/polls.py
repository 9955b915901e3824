"""A poll as a person may see it: the question, the rule in numbers, my answer, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select

from engine.db import tables
from engine.db.states import POLL_RUNNING
from engine.definitions.process import Words
from engine.definitions.store import process_of
from engine.instance import polling, presence, rights, rooms
from engine.instance.context import context_of
from engine.instance.counting import ABSTAIN, cast_in_system
from engine.instance.rights import Case
from engine.people import access, organisation
from engine.queries import ruled, words
from engine.queries.words import About, Named

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.db import Session
    from engine.definitions.process import PollRule, Process, TaskRule
    from engine.instance.context import Context
    from engine.people.organisation import Actor

_poll, _roll, _teller, _paper = tables.poll.c, tables.roll.c, tables.teller.c, tables.paper.c
VOTES = ("vote", "election")  # nobody sees a partial result of these
LISTED = 300
NOBODY = Words("弃权", "Abstained")


@dataclass(frozen=True)
class Voice:
    """One member on the roll and what they answered; choice is None while they have not, or while it is not shown."""

    name: str
    choice: str | None
    comment: str
    at: datetime | None
    answered: bool


@dataclass(frozen=True)
class Teller:
    """One who counts: entered the paper ballots, signed."""

    name: str
    entered: bool
    signed_at: datetime | None


@dataclass(frozen=True)
class Counting:
    """The tellers' table as one of them sees it. `entries`: none, one, agree or differ; nobody sees another's numbers.

    `handed` are those who were given paper, `waiting` (id, name) those who may still get it; `mine` my own entry,
    {issued, returned, invalid, counts}; `todo`: take_key, open, paper, sign or "" when nothing waits for me.
    """

    handed: tuple[str, ...]
    waiting: tuple[tuple[UUID, str], ...]
    mine: Mapping[str, Any] | None
    entries: str
    signed: bool
    todo: str


@dataclass(frozen=True)
class Poll:
    """`rule` is {"passes": expression, "numbers": {rule id: value}, ...}; `mine` my choice or None, `chosen` its parts.

    `counts` choice -> n; empty while a vote or an election runs, then `cast` alone says how many have voted.
    """

    id: UUID
    instance_id: UUID
    task_id: UUID
    element: str
    title: str
    asks: str
    kind: str
    choices: tuple[str, ...]
    labels: Mapping[str, Words]
    rule: Mapping[str, Any]
    words: str  # the rule in words, with its numbers
    state: str
    roll_size: int
    roll_hash: str
    counts: Mapping[str, int]
    outcome: Mapping[str, Any] | None
    opened_at: datetime
    closes_at: datetime | None
    closed_at: datetime | None
    due: Mapping[str, Any] | None
    on_roll: bool
    mine: str | None
    my_comment: str
    closable: bool  # by this person, if the rule holds
    voices: tuple[Voice, ...]
    rules: tuple[ruled.Ruled, ...]
    secret: bool
    cast: int
    papers: int  # voters who were given a paper ballot
    chosen: tuple[str, ...]
    seats: int
    in_order: bool
    turn: str  # whose turn it is, when one answers after the other
    may_answer: bool  # it is open, for me and now
    on_paper: bool  # I was given a paper ballot
    meeting_id: UUID | None
    presence: Mapping[str, int]  # formal members present at the opening and at the closing
    am_here: bool
    tellers: tuple[Teller, ...]
    counting: Counting | None  # for its tellers
    chair: bool  # closes it by the rule of the lane
    may_void: bool
    why: str
    elected: tuple[str, ...]
    tied: tuple[str, ...]
    voided: int  # times that the question was put before and declared void
    about: About  # what is voted on


def poll(session: Session, actor: Actor, poll_id: UUID, lang: str = "zh") -> Poll:
    """One poll with its voices (the first 300). NotFound when the instance is not this person's to see."""
    row = access.must_see(
        session.execute(
            select(tables.poll, tables.task.c.element, tables.task.c.due)
            .join(tables.task, tables.task.c.id == _poll.task_id)
            .join(tables.instance, tables.instance.c.id == _poll.instance_id)
            .where(_poll.id == poll_id, access.visible(actor))
        ).first()
    )
    context = context_of(session, actor, row.instance_id)
    rule = context.process.tasks[row.element]
    asked = rule.poll
    mine = session.execute(
        select(tables.roll).where(_roll.poll_id == poll_id, _roll.member_id == actor.id)
    ).first()
    running, is_teller = row.state in POLL_RUNNING, actor.id in row.tellers
    access.must_see(
        row if mine or is_teller or _may_enter(session, actor, row.instance_id, rule) else None
    )
    hidden = row.kind in VOTES and row.state != "closed"
    counts = (
        {}
        if hidden and not (is_teller and row.state == "counting" and _counted(row))
        else row.counts
    )
    said, outcome = asked.words.in_(lang) if asked else "", row.outcome or {}
    if row.state == "closed" and "on_paper" in outcome:
        counts = {**counts, **{c: outcome.get("votes", outcome).get(c, 0) for c in row.choices}}
    known = ruled.rulings(
        session,
        context.row["union_id"],
        context.decisive_on,
        said,
        [row.rule["passes"], row.rule.get("wins", "")],
    )
    typed: Any = row  # the poll, with what its task says
    chair = row.state == "open" and polling.chairs(context, typed, row.element)
    here = row.meeting_id is None or presence.is_here(session, row.meeting_id, actor.id)
    return Poll(
        id=row.id,
        instance_id=row.instance_id,
        task_id=row.task_id,
        element=row.element,
        title=rule.title.in_(lang),
        asks=rule.asks.in_(lang),
        kind=row.kind,
        choices=tuple(row.choices),
        labels=labels(session, row, asked),
        rule=row.rule,
        words=ruled.filled(said, known, row.rule.get("numbers", {}), lang)
        or str(row.rule["passes"]),
        state=row.state,
        roll_size=row.roll_size,
        roll_hash=row.roll_hash,
        counts=counts,
        outcome=row.outcome,
        opened_at=row.opened_at,
        closes_at=row.closes_at,
        closed_at=row.closed_at,
        due=row.due,
        on_roll=mine is not None,
        mine=mine.choice if mine else None,
        my_comment=mine.comment if mine else "",
        closable=chair or (row.rule.get("closable") == "passes" and polling.asked(context)),
        voices=_voices(session, row, hidden),
        rules=ruled.cited(known, lang),
        secret=row.secret,
        cast=cast(session, row),
        papers=_papers(session, poll_id),
        chosen=tuple(mine.choice.split(" ")) if mine and mine.choice else (),
        seats=int(row.rule.get("seats", 0)),
        in_order=bool(row.rule.get("in_order")),
        turn=_turn(session, row),
        may_answer=bool(mine and mine.open and row.state == "open" and here),
        on_paper=bool(mine and mine.paper),
        meeting_id=row.meeting_id,
        presence=row.rule.get("presence", {}),
        am_here=here,
        tellers=_tellers(session, poll_id),
        counting=_counting(session, actor, row) if is_teller and running else None,
        chair=chair,
        may_void=running and _may_void(context, row),
        why=why(outcome, lang),
        elected=tuple(outcome.get("elected", ())),
        tied=tuple(outcome.get("tied", ())),
        voided=_voided(session, row),
        about=about(session, actor, context.process, row.rule, lang),
    )


def _may_void(context: Context, row: Any) -> bool:
    return rights.may(Case(context, "void_poll", row.element, poll=row))


def about(
    session: Session, actor: Actor, process: Process, rule: Mapping[str, Any], lang: str = "zh"
) -> About:
    """What a poll is about, as it stood when it was put. `rule` is that of the poll's row."""
    pairs = rule.get("about", ())
    return words.about(process, pairs, Named.of(session, pairs, actor), lang) if pairs else About()


def _counted(row: Any) -> bool:
    """Are there numbers to sign? Those of a secret poll are there when it has been opened."""
    return not row.secret or bool(row.rule.get("opened"))


def why(outcome: Mapping[str, Any], lang: str) -> str:
    """The rule explained with the numbers needed and reached."""
    return str(outcome.get("why_en" if lang.startswith("en") else "why") or "")


def labels(session: Session, row: Any, rule: PollRule | None) -> Mapping[str, Words]:
    """What the choices of a poll are called; those of an election are the candidates, and abstaining."""
    if rule is None or rule.choices:
        return {
            **(rule.labels if rule else {}),
            **({ABSTAIN: NOBODY} if row.kind == "election" else {}),
        }
    names = organisation.names(session, [UUID(c) for c in row.choices])
    return {c: Words(names.get(UUID(c), c[:8]), "") for c in row.choices} | {ABSTAIN: NOBODY}


def cast(session: Session, row: Any) -> int:
    """How many ballots were cast in the system."""
    if row.secret:
        kept = session.execute(
            select(tables.box.c.voters).where(tables.box.c.poll_id == row.id)
        ).scalar()
        envelope = tables.envelope.c
        return (
            kept
            if kept is not None
            else int(
                session.execute(select(func.count()).where(envelope.poll_id == row.id)).scalar_one()
            )
        )
    return cast_in_system(row, row.counts)


def _papers(session: Session, poll_id: UUID) -> int:
    return int(
        session.execute(
            select(func.count()).where(_roll.poll_id == poll_id, _roll.paper)
        ).scalar_one()
    )


def _turn(session: Session, row: Any) -> str:
    if not row.rule.get("in_order") or row.state != "open":
        return ""
    member = tables.member.c
    query = (
        select(member.name)
        .join(tables.roll, _roll.member_id == member.id)
        .where(_roll.poll_id == row.id, _roll.open)
        .order_by(_roll.position)
        .limit(1)
    )
    return str(session.execute(query).scalar() or "")


def _voided(session: Session, row: Any) -> int:
    query = select(func.count()).where(
        _poll.task_id == row.task_id, _poll.state == "void", _poll.id < row.id
    )
    return int(session.execute(query).scalar_one())


def _voices(session: Session, row: Any, hidden: bool) -> tuple[Voice, ...]:
    member = tables.member.c
    rows = session.execute(
        select(member.name, _roll.choice, _roll.comment, _roll.at)
        .join(tables.member, member.id == _roll.member_id)
        .where(_roll.poll_id == row.id)
        .order_by(
            *(
                (_roll.position,)
                if row.rule.get("in_order")
                else (_roll.at.nulls_last(), member.name)
            )
        )
        .limit(LISTED)
    ).all()
    return tuple(
        Voice(
            r.name,
            None if hidden else r.choice,
            "" if hidden else r.comment,
            r.at,
            r.choice is not None,
        )
        for r in rows
    )


# --- the tellers --------------------------------------------------------------------------------------------------------
def _tellers(session: Session, poll_id: UUID) -> tuple[Teller, ...]:
    member = tables.member.c
    rows = session.execute(
        select(member.name, _teller.signed_at, _paper.at)
        .join(tables.teller, _teller.member_id == member.id)
        .outerjoin(
            tables.paper, (_paper.poll_id == _teller.poll_id) & (_paper.teller_id == member.id)
        )
        .where(_teller.poll_id == poll_id)
        .order_by(member.name, member.id)
    ).all()
    return tuple(Teller(r.name, r.at is not None, r.signed_at) for r in rows)


def _counting(session: Session, actor: Actor, row: Any) -> Counting:
    handed, waiting = _given(session, row)
    entries = session.execute(select(tables.paper).where(_paper.poll_id == row.id)).all()
    own = next((e for e in entries if e.teller_id == actor.id), None)
    agree = polling.agreed_paper(session, row) is not None
    state = "agree" if agree else "differ" if len(entries) > 1 else "one" if entries else "none"
    signed = (
        session.execute(
            select(_teller.signed_at).where(
                _teller.poll_id == row.id, _teller.member_id == actor.id
            )
        ).scalar()
        is not None
    )
    return Counting(
        handed,
        waiting,
        {k: getattr(own, k) for k in ("issued", "returned", "invalid", "counts")} if own else None,
        state,
        signed,
        _todo(row, bool(handed), agree, signed),
    )


def _todo(row: Any, handed: bool, agree: bool, signed: bool) -> str:
    if row.state == "called":
        return "take_key"
    if row.state != "counting" or signed:
        return ""
    if not _counted(row):
        return "open"
    if handed and not agree:
        return "paper"
    return "sign"


def _given(session: Session, row: Any) -> tuple[tuple[str, ...], tuple[tuple[UUID, str], ...]]:
    """Who was given a paper ballot, and who may still get one."""
    if not row.rule.get("paper"):
        return (), ()
    member = tables.member.c
    rows = session.execute(
        select(member.id, member.name, _roll.paper)
        .join(tables.roll, _roll.member_id == member.id)
        .where(_roll.poll_id == row.id, _roll.paper | _roll.open)
        .order_by(member.name, member.id)
    ).all()
    waiting = tuple((r.id, r.name) for r in rows if not r.paper) if row.state == "open" else ()
    return tuple(r.name for r in rows if r.paper), waiting


def polls(
    session: Session, actor: Actor, after: UUID | None = None, limit: int = 50
) -> tuple[tuple[Any, ...], str | None]:
    """Polls of instances that this person may see, newest first: (id, instance, element, kind, state, roll size, counts)."""
    instance = tables.instance.c
    query = (
        select(
            _poll.id,
            _poll.instance_id,
            tables.task.c.element,
            _poll.kind,
            _poll.state,
            _poll.roll_size,
            _poll.counts,
            _poll.opened_at,
            _poll.closes_at,
            _poll.closed_at,
            instance.number,
            instance.title,
            instance.version,
        )
        .join(tables.task, tables.task.c.id == _poll.task_id)
        .join(tables.instance, instance.id == _poll.instance_id)
        .where(access.visible(actor))
    )
    if after is not None:
        query = query.where(_poll.id < after)
    size = max(1, min(limit, 200))
    rows = session.execute(query.order_by(_poll.id.desc()).limit(size + 1)).all()
    return tuple(_listed(session, actor, r) for r in rows[:size]), str(rows[size - 1].id) if len(
        rows
    ) > size else None


def _may_enter(session: Session, actor: Actor, instance_id: UUID, rule: TaskRule) -> bool:
    """Is the poll held in no room, or in one that this person may enter?"""
    if not rule.room:
        return True
    return rooms.may_read(context_of(session, actor, instance_id), rule.id)


def _listed(session: Session, actor: Actor, row: Any) -> tuple[Any, ...]:
    """The counts are left out while a vote runs, and of a poll held in a room that is closed to this person."""
    found = row._asdict()
    rule = process_of(session, found.pop("version")).tasks[row.element]
    shut = not _may_enter(session, actor, row.instance_id, rule)
    if shut or (row.kind in VOTES and row.state != "closed"):
        found["counts"] = {}
    return tuple(found.values())
