"""One instance as a person may see it, with all that hangs on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import forms, machine
from engine.db import rows, tables
from engine.db.states import InstanceState, PollState, TaskState
from engine.history.erased import ERASED_MARK
from engine.instance import context as context_
from engine.instance import deputies, lanes, rooms
from engine.messages import restored
from engine.people import access
from engine.queries import (
    background,
    copies,
    foresight,
    groups,
    instances,
    linked,
    opinions,
    poll_rows,
    poll_summary,
    present,
    provisos,
    standing,
)
from engine.queries.words import Answered, Named, answered, answerer, by_whom

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from engine.db import Session
    from engine.definitions import Process
    from engine.instance.context import Context
    from engine.people.organisation import Actor
    from engine.queries.background import Paper

_instance, _task = tables.instance.c, tables.task.c
_unit, _member, _incident = tables.unit.c, tables.member.c, tables.incident.c


@dataclass(frozen=True)
class Open:
    """A task of an instance, open or done."""

    id: UUID
    element: str
    title: str
    state: str
    who: str  # the lane's title and unit, and the person
    person: str  # "" while it waits for a seat
    mine: bool
    opened_at: datetime
    due_at: datetime | None
    due: Mapping[str, Any] | None
    closed_at: datetime | None
    closed_by: str
    poll_id: UUID | None
    assignee_id: UUID | None
    seat: str | None  # whose it is while nobody has taken it
    answers: tuple[Answered, ...]


@dataclass(frozen=True)
class Able:
    """A message that this person may send now: a button and its form."""

    name: str
    title: str
    asks: str
    form: forms.Form | None
    refused: str  # why it would be refused now, whatever one writes; "" otherwise


@dataclass(frozen=True)
class Rights:
    """What this person may do with an instance besides its tasks. `acts`: it is confidential, and
    they act in it by a post.
    """

    acts: bool
    desk: bool  # suspend, resume and terminate it
    mends: bool  # try again what broke
    history: bool  # read its whole history


@dataclass(frozen=True)
class File:
    """Everything about one instance that a page shows."""

    context: Context
    row: instances.Row
    process: Process
    facts: Mapping[str, Any]
    launched: tuple[Answered, ...]
    tasks: tuple[Open, ...]
    polls: tuple[poll_summary.Summary, ...]  # those that this person may enter
    able: tuple[Able, ...]
    papers: tuple[Paper, ...]
    links: tuple[linked.Linked, ...]
    live: tuple[str, ...]
    suspended_at: datetime | None
    stopped_days: int
    incidents: tuple[tuple[UUID, str, datetime], ...]
    confidential: bool  # only those named in it know of it
    erased: bool  # its contents were erased by the rules; the history stays
    rights: Rights
    version: str
    union_id: UUID
    names: Named  # behind all ids that stand in it
    matter: present.Matter
    opinions: tuple[opinions.Opinion, ...]
    conditions: tuple[provisos.Condition, ...]  # on which somebody agreed
    copies: tuple[copies.Copy, ...]  # sent to people for information
    group: tuple[groups.Mate, ...]  # launched by one act, this one among them
    silent: frozenset[str]  # votes and elections of which nobody learns a choice or a count yet


def must_see(session: Session, actor: Actor, instance_id: UUID) -> str:
    """The number of an instance. Raises NotFound when it is not this person's to see."""
    query = select(_instance.number).where(_instance.id == instance_id, access.visible(actor))
    return str(access.must_see(session.execute(query).scalar()))


def incidents(session: Session, actor: Actor, instance_id: UUID) -> list[UUID]:
    """What broke in an instance and was not mended. Raises NotFound when it is not this person's to
    see.
    """
    must_see(session, actor, instance_id)
    query = select(_incident.id).where(_broken_in(instance_id))
    return list(session.execute(query).scalars())


def _broken_in(instance_id: UUID) -> ColumnElement[bool]:
    return (_incident.instance_id == instance_id) & _incident.resolved_at.is_(None)


def read(session: Session, actor: Actor, instance_id: UUID) -> Context:
    """An instance to be looked at. Raises NotFound when it is not this person's to see."""
    query = select(*context_.COLUMNS).where(_instance.id == instance_id, access.visible(actor))
    row = access.must_see(session.execute(query).first())
    return context_.context_from(session, actor, tuple(row))


def live(context: Context) -> tuple[machine.Live, ...]:
    """What waits in the machine now."""
    state = context.row["machine"]
    return machine.look(context.process.spec, state) if state else ()


def file(session: Session, actor: Actor, instance_id: UUID, lang: str = "zh") -> File:
    """One instance with all that hangs on it. Raises NotFound when it is not this person's to
    see.
    """
    seen = _instance.id == instance_id, access.visible(actor)
    query = select(*context_.COLUMNS, copies.of_matter()).where(*seen)
    *row, sent = access.must_see(session.execute(query).first())
    return file_of(context_.context_from(session, actor, tuple(row)), lang, sent=sent)


def file_of(context: Context, lang: str, mentions: object = (), sent: object = ()) -> File:
    """The same of an instance that was read for its actor, with what was sent of it for
    information. Names are looked up once, those of `mentions` too.
    """
    session, row, process = context.session, context.row, context.process
    waits, tasks, asked = live(context), _tasks(context), poll_rows.of_instance(context)
    parts = tuple(_finished(context, tasks, asked))
    names = _names(context, tasks, asked, mentions)
    shut = rooms.closed(context)
    entered = [p for p in asked if p.beside.element not in shut or p.concerns(_reader(context))]
    return File(
        context=context,
        row=_head(context, names, lang),
        process=process,
        facts=rooms.open_facts(context),
        launched=answered(
            process.launch_form,
            rooms.open_answers(context, "launch", row["facts"].get("launch")),
            names,
            lang,
        ),
        tasks=tuple(_opened(context, tasks, entered, names, lang)),
        polls=tuple(poll_summary.summary(context, poll, names, lang) for poll in entered),
        able=_able(context, waits, lang),
        papers=background.papers(
            context, ((t.element, t.answers, t.closed_at) for t in tasks), lang
        ),
        links=linked.links(session, _reader(context), row["id"], lang),
        live=tuple(w.element for w in waits),
        suspended_at=row["suspended_at"],
        stopped_days=row["stopped_days"],
        incidents=_incidents(session, row["id"]),
        confidential=row["confidential"],
        erased=ERASED_MARK in row["facts"],
        rights=_rights(context),
        version=row["version"],
        union_id=row["union_id"],
        names=names,
        matter=present.matter(context, parts, names, lang),
        opinions=opinions.opinions(context, parts, names, lang),
        conditions=provisos.of_matter(context, lang),
        copies=copies.shown(context, sent, lang),
        group=groups.of_matter(context, lang),
        silent=frozenset(str(poll.row.id) for poll in asked if poll.hidden),
    )


def _reader(context: Context) -> Actor:
    """Who looks at it: an instance is shown to a person."""
    assert context.actor is not None
    return context.actor


def _head(context: Context, names: Named, lang: str) -> instances.Row:
    row = context.row
    named = {"starter": names.get(row["starter_id"]), "unit": names.get(row["unit_id"])}
    return instances.in_list(context.process, {**row, **named}, lang)


def _names(
    context: Context,
    tasks: Sequence[rows.Task],
    asked: Sequence[poll_rows.Read],
    mentions: object,
) -> Named:
    """Everybody and everything that stands in an instance, and in `mentions`, by name."""
    row = context.row
    parties = row["starter_id"], row["unit_id"]
    holders = [_people(task) for task in tasks]
    questions = [poll.mentioned for poll in asked]
    said = [[task.answers for task in tasks], [v[0] for poll in asked for v in poll.voices]]
    everything = [row["facts"], parties, holders, questions, said, mentions]
    return Named.of(context.session, everything, context.actor)


def _rights(context: Context) -> Rights:
    actor, row = _reader(context), context.row
    confidential, union_id = row["confidential"], row["union_id"]
    acts = confidential and access.acts_by_post(context.session, actor, row["id"])
    desk = access.may(actor, "suspend", union_id) and (acts or not confidential)
    history = access.may(actor, "read_history", union_id)
    return Rights(acts=acts, desk=desk, mends=desk or acts, history=history)


def _incidents(session: Session, instance_id: UUID) -> tuple[tuple[UUID, str, datetime], ...]:
    columns = _incident.id, _incident.message, _incident.detail, _incident.at
    found = session.execute(select(*columns).where(_broken_in(instance_id)))
    return tuple((r.id, restored(r.detail.get("message") or r.message), r.at) for r in found)


def _tasks(context: Context) -> tuple[rows.Task, ...]:
    """All tasks of an instance, and what was said without one, oldest first."""
    query = select(tables.task).where(_task.instance_id == context.row["id"])
    found = context.session.execute(query.order_by(_task.opened_at, _task.id))
    return tuple(rows.Task(*row) for row in found)


def _finished(
    context: Context, tasks: Iterable[rows.Task], asked: Iterable[poll_rows.Read]
) -> Iterable[background.Finished]:
    """What was said, as `background.finished` reads it."""
    closed = {poll.row.task_id: poll for poll in asked if poll.row.state == PollState.CLOSED}
    done = (task for task in tasks if task.state == TaskState.DONE and task.closed_at)
    for task in sorted(done, key=lambda task: (task.closed_at, task.id)):
        assert task.closed_at is not None
        poll, about = closed.get(task.id), (task.element, task.answers, task.closed_at)
        if poll is not None:
            yield background.Finished(*about, task.closed_by, poll.row.outcome, poll.voices)
        elif task.answers is not None:
            behalf = deputies.behalf(context, task.id)
            yield background.Finished(*about, task.closed_by, None, behalf=behalf)


def _people(task: rows.Task) -> tuple[UUID | None, ...]:
    """Whose task it is: a person, the unit of a seat, who has done it."""
    return task.assignee_id, task.closed_by, _unit_of(task)


def _unit_of(task: rows.Task) -> UUID | None:
    return UUID(task.seat.split("@")[1]) if task.seat else None


def _opened(
    context: Context,
    tasks: Iterable[rows.Task],
    entered: Iterable[poll_rows.Read],
    names: Named,
    lang: str,
) -> Iterable[Open]:
    """The tasks in words, one for each poll that it was put to."""
    doors = rooms.doors(context)
    for task in tasks:
        own: list[UUID | None] = [p.row.id for p in entered if p.row.task_id == task.id]
        for poll_id in own or [None]:
            hidden = task.element in doors.at(task.closed_at) and poll_id is None
            yield _open(
                context,
                task,
                poll_id,
                answers={} if hidden else rooms.open_answers(context, task.element, task.answers),
                names=names,
                lang=lang,
            )


def _open(
    context: Context,
    task: rows.Task,
    poll_id: UUID | None,
    answers: Mapping[str, Any],
    names: Named,
    lang: str,
) -> Open:
    process, actor = context.process, context.actor
    rule = process.tasks[task.element]
    who = standing.lane_words(process.lanes.get(rule.lane), names.get(_unit_of(task)), lang)
    person = names.get(task.assignee_id)
    free = task.assignee_id is None and actor is not None and task.seat in actor.seats
    own = actor is not None and task.assignee_id == actor.id
    return Open(
        id=task.id,
        element=task.element,
        title=rule.title.in_(lang),
        state=task.state,
        who=f"{who} {person}".strip() if task.assignee_id else who,
        person=person,
        mine=task.state == TaskState.OPEN and (own or free),
        opened_at=task.opened_at,
        due_at=task.due_at,
        due=task.due,
        closed_at=task.closed_at,
        closed_by=answerer(
            answers,
            by_whom(names, task.closed_by, deputies.behalf(context, task.id)),
            link=rule.link,
        ),
        poll_id=poll_id,
        assignee_id=task.assignee_id,
        seat=task.seat,
        answers=answered(rule.form, answers, names, lang),
    )


def _able(context: Context, waits: tuple[machine.Live, ...], lang: str) -> tuple[Able, ...]:
    """The messages that the instance waits for and that this person may send, each with what
    refuses it now.
    """
    process = context.process
    if context.row["state"] != InstanceState.RUNNING:
        return ()
    found: dict[str, Able] = {}
    for wait in waits:
        rule = process.messages.get(wait.text) if wait.kind == "message" else None
        lane = process.lanes.get(rule.lane) if rule else None
        if rule and lane and lanes.may_include_actor(context, lane):
            why = foresight.refusal(context, rule.name, lang)
            title, asks = rule.title.in_(lang), rule.asks.in_(lang)
            form = forms.settled(rule.form, context.names()) if rule.form else None
            found[rule.name] = Able(rule.name, title, asks, form, why)
    return tuple(found.values())
