"""A meeting as a page needs it: who is due and who is there, the quorum in words, my own presence,
the votes under it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select

from engine.db import rows, tables
from engine.db.states import POLL_RUNNING, InstanceState, MeetingState, PollState
from engine.instance import context as instance
from engine.instance import halls, presence
from engine.instance.lanes import runs_task
from engine.people import access, places
from engine.queries import poll_rows, poll_summary, ruled
from engine.queries.words import Named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Select

    from engine.db import Session
    from engine.definitions.process import TaskRule
    from engine.instance.context import Context
    from engine.people.organisation import Actor
    from engine.people.places import Place
    from engine.queries.words import About

_meeting, _attendance = tables.meeting.c, tables.attendance.c
_instance, _task = tables.instance.c, tables.task.c
KINDS = ("formal", "observer", "guest")
MOST = 200
OPEN = 20  # meetings that one person can be shown at once


@dataclass(frozen=True)
class Choice:
    """A choice or a candidate as a ballot names it; `votes` once the result is out, None before;
    `place`: unit and posts of a candidate.
    """

    name: str
    votes: int | None
    elected: bool
    place: Place | None


@dataclass(frozen=True)
class Body:
    """One of several meetings that share a hall, with its own roll, presence and quorum; `mine` is
    my kind on its roll, "" when not invited.
    """

    id: UUID
    name: str
    state: str
    due: int
    needed: int
    present: int
    quorate: bool
    mine: str
    am_here: bool

    @property
    def missing(self) -> int:
        """How many formal members are missing for the quorum."""
        return max(0, self.needed - self.present)


@dataclass(frozen=True)
class Vote:
    """A poll under a meeting: no partial result, only how many have voted. `waits`: for my vote,
    and I am in the hall. `body`: whose it is, where several share the hall.
    """

    id: UUID
    title: str
    body: str
    asks: str
    kind: str
    state: str
    secret: bool
    roll_size: int
    cast: int
    waits: bool
    passed: bool | None
    why: str
    elected: tuple[str, ...]
    opened_at: datetime
    closed_at: datetime | None
    about: About  # what is voted on
    choices: tuple[Choice, ...]  # in the order of the ballot; with the votes, most first
    listed: poll_summary.Listed


@dataclass(frozen=True)
class Meeting:
    """`invited` and `here` count by kind (formal, observer, guest); due, needed and present are
    formal members only.

    `runs`: this person opens it and checks people in, and so gets the `code`. `mine` is my kind in
    it, or in another one that shares its hall, "" when not invited. `bodies`: it and the others of
    the hall, in the order of the process; none where it is alone. `votes` are those of all of them.
    """

    id: UUID
    instance_id: UUID
    task_id: UUID
    number: str
    subject: str
    process_title: str
    element: str
    title: str
    asks: str
    state: str
    due: int
    needed: int
    present: int
    quorate: bool
    invited: Mapping[str, int]
    here: Mapping[str, int]
    words: str
    rules: tuple[ruled.Ruled, ...]
    roll_hash: str
    called_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    runs: bool
    code: str | None
    mine: str
    am_here: bool
    bodies: tuple[Body, ...]
    votes: tuple[Vote, ...]

    @property
    def missing(self) -> int:
        """How many formal members are missing for the quorum."""
        return max(0, self.needed - self.present)


def meeting(session: Session, actor: Actor, meeting_id: UUID, lang: str = "zh") -> Meeting:
    """One meeting. NotFound when its matter is not this person's to see."""
    read = seen(session, actor, meeting_id)
    row, context, rule = read.row, read.context, read.rule
    words = rule.meeting.words.in_(lang) if rule.meeting else ""
    quorum = rule.meeting.quorum if rule.meeting else ""
    known = ruled.rulings(context.law, context.decisive_on, words, [quorum])
    reached, runs = numbers(read), runs_task(context, rule.id)
    together = in_hall(session, actor, read)
    bodies = tuple(body(each, lang) for each in together)
    invited, here = _counts(session, meeting_id)
    return Meeting(
        id=row.id,
        instance_id=row.instance_id,
        task_id=row.task_id,
        number=context.row["number"],
        subject=context.row["title"],
        process_title=context.process.title.in_(lang),
        element=rule.id,
        title=rule.title.in_(lang),
        asks=rule.asks.in_(lang),
        state=row.state,
        due=row.due,
        needed=reached["needed"],
        present=row.present,
        quorate=reached["quorate"],
        invited=invited,
        here=here,
        words=ruled.filled(words, known, {}, lang) or quorum,
        rules=ruled.cited(known, lang),
        roll_hash=row.roll_hash,
        called_at=row.called_at,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        runs=runs,
        code=row.code if runs else None,
        mine=next((each.mine for each in (read, *together) if each.mine), ""),
        am_here=any(each.am_here for each in (read, *together)),
        bodies=bodies,
        votes=_votes(together or (read,), bodies, lang),
    )


def in_hall(session: Session, actor: Actor, read: Seen) -> tuple[Seen, ...]:
    """This meeting and those that go on with it in one hall; none where it is alone."""
    order, row = halls.of(read.context.process, read.element), read.row
    if len(order) == 1:
        return ()
    ended = row.closed_at or _meeting.called_at
    others = _seen_by(actor).where(
        _meeting.instance_id == row.instance_id,
        _meeting.id != row.id,
        _meeting.state != MeetingState.VOID,
        _task.element.in_(order),
        _meeting.called_at <= ended,
        func.coalesce(_meeting.closed_at, row.called_at) >= row.called_at,
    )
    found = [_seen(session, actor, tuple(each)) for each in session.execute(others).all()]
    return tuple(sorted((read, *found), key=lambda s: order.index(s.element))) if found else ()


def body(read: Seen, lang: str) -> Body:
    row, held, reached = read.row, read.rule.meeting, numbers(read)
    name = held.name.in_(lang) if held else ""
    return Body(
        id=row.id,
        name=name or read.rule.title.in_(lang),
        state=row.state,
        due=row.due,
        needed=reached["needed"],
        present=row.present,
        quorate=reached["quorate"],
        mine=read.mine or "",
        am_here=bool(read.am_here),
    )


@dataclass(frozen=True)
class Seen:
    """A meeting as one statement reads it: its row, the element of its task, how the actor is
    invited, its matter.
    """

    row: rows.Meeting
    element: str
    mine: str | None
    am_here: bool | None
    context: Context

    @property
    def rule(self) -> TaskRule:
        return self.context.process.tasks[self.element]


def seen(session: Session, actor: Actor, meeting_id: UUID) -> Seen:
    """Nothing is locked. Raises NotFound when the matter is not this person's to see."""
    found = session.execute(_seen_by(actor).where(_meeting.id == meeting_id)).first()
    return _seen(session, actor, tuple(access.must_see(found)))


def open_to(session: Session, actor: Actor) -> tuple[Seen, ...]:
    """The open meetings of running matters that this person may see, the latest first (20)."""
    query = _seen_by(actor).where(
        _meeting.state == MeetingState.OPEN, _instance.state == InstanceState.RUNNING
    )
    found = session.execute(query.order_by(_meeting.opened_at.desc(), _meeting.id).limit(OPEN))
    return tuple(_seen(session, actor, tuple(row)) for row in found.all())


def _seen_by(actor: Actor) -> Select[Any]:
    """Meetings of matters that are this person's to see, in the columns that `_seen` reads."""
    invited = and_(_attendance.meeting_id == _meeting.id, _attendance.member_id == actor.id)
    beside = (_task.element, _attendance.kind, _attendance.here)
    return (
        select(*tables.meeting.c, *beside, *instance.COLUMNS)
        .select_from(tables.meeting)
        .join(tables.task, _task.id == _meeting.task_id)
        .join(tables.instance, _instance.id == _meeting.instance_id)
        .outerjoin(tables.attendance, invited)
        .where(access.visible(actor))
    )


def _seen(session: Session, actor: Actor, values: tuple[Any, ...]) -> Seen:
    width = len(rows.Meeting._fields)
    element, kind, here = values[width : width + 3]
    context = instance.context_from(session, actor, values[width + 3 :])
    return Seen(rows.Meeting(*values[:width]), element, kind, am_here=here, context=context)


def numbers(read: Seen) -> Mapping[str, Any]:
    """{needed, quorate} now; of a meeting that is over, as they were put on record."""
    fact = read.context.facts.get(read.element) or {}
    stored = fact.get("meeting") if read.row.state == MeetingState.CLOSED else None
    if isinstance(stored, dict) and stored.get("roll_hash") == read.row.roll_hash:
        return {"needed": stored["needed"], "quorate": stored["quorate"]}
    now = presence.numbers(read.context, read.element, read.row)
    return {"needed": now.needed, "quorate": now.quorate}


def _counts(session: Session, meeting_id: UUID) -> tuple[dict[str, int], dict[str, int]]:
    """How many are invited, and how many are in the hall, by kind."""
    found = session.execute(
        select(_attendance.kind, func.count(), func.count().filter(_attendance.here))
        .where(_attendance.meeting_id == meeting_id)
        .group_by(_attendance.kind)
    ).all()
    none = dict.fromkeys(KINDS, 0)
    return none | {r[0]: r[1] for r in found}, none | {r[0]: r[2] for r in found}


def _votes(held: Sequence[Seen], bodies: Sequence[Body], lang: str) -> tuple[Vote, ...]:
    """The polls under these meetings, the open ones first, then newest first."""
    context = held[0].context
    found = poll_rows.of_meetings(context, [read.row.id for read in held])
    names = Named.of(context.session, [poll.mentioned for poll in found], context.actor)
    placed, named = _places(context.session, found), {body.id: body.name for body in bodies}
    votes = [
        _vote(poll_summary.summary(context, poll, names, lang), placed, named, lang)
        for poll in found
    ]
    return tuple(sorted(votes, key=lambda vote: vote.state not in POLL_RUNNING))


def _places(session: Session, polls: Sequence[poll_rows.Read]) -> Mapping[str, Place]:
    """Unit and posts of who stands, or was written in, in the elections among these polls."""
    elections = [poll for poll in polls if "listed" in poll.rule]
    written = [(poll.row.outcome or {}).get("written_in", ()) for poll in elections]
    people = {key for poll in elections for key in poll.row.choices}.union(*written)
    return places.of(session, people) if people else {}


def _vote(
    poll: poll_summary.Summary, placed: Mapping[str, Place], named: Mapping[UUID, str], lang: str
) -> Vote:
    question, result = poll.question, poll.result
    labels = question.labels
    return Vote(
        id=poll.id,
        title=question.title,
        body=named.get(poll.meeting_id, "") if poll.meeting_id else "",
        asks=question.asks,
        kind=question.kind,
        state=poll.state,
        secret=question.secret,
        roll_size=poll.roll.size,
        cast=poll.voted,
        waits=poll.mine.may_answer,
        passed=(result.outcome or {}).get("passed"),
        why=result.why,
        elected=tuple(labels[e].in_(lang) for e in result.elected if e in labels),
        opened_at=poll.opened_at,
        closed_at=poll.closed_at,
        about=question.about,
        choices=tuple(
            Choice(
                labels[key].in_(lang) if key in labels else key,
                votes,
                elected=key in result.elected,
                place=placed.get(key),
            )
            for key, votes in _chosen(poll)
        ),
        listed=question.listed,
    )


def _chosen(poll: poll_summary.Summary) -> list[tuple[str, int | None]]:
    """Each choice with its votes, if they are out."""
    if poll.state == PollState.CLOSED and poll.result.outcome:
        return [(key, votes) for key, votes in poll_summary.choices(poll)]
    return [(key, None) for key in poll.question.choices]
