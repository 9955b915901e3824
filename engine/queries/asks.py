"""What was asked beside the decision of a task: on its page, and as the page of who is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import or_, select

from engine import forms
from engine.db import tables
from engine.db.states import InstanceState, TaskState
from engine.definitions.verbs import ASKING, DELEGATE
from engine.instance import asks, choices, rooms, verbs
from engine.instance import context as instance
from engine.people import access
from engine.queries import background, beside, opinions, present
from engine.queries.task_read import ASKED, Read
from engine.queries.words import Answered, Named, answered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.db import Session
    from engine.definitions.process import TaskRule
    from engine.messages import Message
    from engine.people.organisation import Actor

_ask, _task, _instance = tables.ask.c, tables.task.c, tables.instance.c
_by, _to = tables.member.alias("by"), tables.member.alias("asked")


@dataclass(frozen=True)
class Ask:
    """What `by` asked `to`. `text` and `shown`: the words, and what was written so far; `answer`,
    `view` ("agree", "disagree", "") and `prepared`: what came back; `waits`: nothing has yet, and
    something is still wanted.
    """

    id: UUID
    what: str
    by: str
    to: str
    at: datetime
    text: str
    shown: tuple[Answered, ...]
    answered_at: datetime | None
    answer: str
    view: str
    prepared: tuple[Answered, ...]
    declined: bool
    withdrawn: bool
    waits: bool
    mine: bool  # this reader asked


@dataclass(frozen=True)
class Page:
    """What the page of one of them needs; `asked`: this reader is who was asked; `form`: of the
    task, to be prepared.
    """

    ask: Ask
    task_id: UUID
    instance_id: UUID
    number: str
    subject: str
    title: str
    asks: str
    confidential: bool
    asked: bool
    form: forms.Form | None
    offers: Mapping[str, list[tuple[str, str]]]
    outcomes: str
    matter: present.Matter
    opinions: tuple[opinions.Opinion, ...]


@dataclass(frozen=True)
class Asking(beside.OwnTask):
    """What the page for asking somebody needs: `why` it cannot be, by what is asked."""

    people: tuple[tuple[UUID, str], ...]
    why: Mapping[str, str | Message]


def asking(session: Session, actor: Actor, task_id: UUID, lang: str = "zh") -> Asking:
    """Whom one may ask about a task. Raises NotFound when it is not theirs to do."""
    seen = beside.own(session, actor, task_id)
    context = seen.context
    why = {what: verbs.against(context.process, seen.rule, what) or "" for what in ASKING}
    people = [] if all(why.values()) else asks.askable(context, seen.task)
    return Asking(
        **beside.head(seen, lang),
        people=tuple((person.id, person.name) for person in people),
        why=why,
    )


def of_task(found: Read, actor: Actor, lang: str) -> tuple[Ask, ...]:
    """What was asked about a task, oldest first."""
    if not found.asks:
        return ()
    names = Named.of(found.context.session, [[each["said"], each["answer"]] for each in found.asks])
    return tuple(
        _shown(each, found.rule, names, actor, is_open=found.is_open, lang=lang)
        for each in found.asks
    )


def _shown(
    row: Mapping[str, Any], rule: TaskRule, names: Named, actor: Actor, *, is_open: bool, lang: str
) -> Ask:
    said, answer, form = row["said"] or {}, row["answer"] or {}, rule.form
    ended = row["answered_at"] is not None or row["withdrawn_at"] is not None
    return Ask(
        id=UUID(str(row["id"])),
        what=row["what"],
        by=row["by"],
        to=row["to"],
        at=_moment(row["at"]),
        text=said.get("text", ""),
        shown=answered(form, said.get("answers") or {}, names, lang),
        answered_at=_moment(row["answered_at"]) if row["answered_at"] else None,
        answer=answer.get("text", ""),
        view=answer.get("view", ""),
        prepared=answered(form, answer.get("answers") or {}, names, lang),
        declined=bool(answer.get("declined")),
        withdrawn=row["withdrawn_at"] is not None,
        waits=is_open and not ended,
        mine=str(row["by_id"]) == str(actor.id),
    )


def _moment(at: Any) -> datetime:
    return at if isinstance(at, datetime) else datetime.fromisoformat(at)


def page(session: Session, actor: Actor, ask_id: UUID, lang: str = "zh") -> Page:
    """What I was asked, or have asked, with the matter. Raises NotFound for anybody else, and where
    the matter is not theirs to see any more.
    """
    query = (
        select(
            *(_ask.id, _ask.what, _ask.asked_at, _ask.said, _ask.answered_at, _ask.answer),
            *(_ask.withdrawn_at, _ask.by_id, _ask.to_id, _by.c.name, _to.c.name),
            *(_task.id, _task.element, _task.state, *instance.COLUMNS),
        )
        .join(tables.task, _task.id == _ask.task_id)
        .join(tables.instance, _instance.id == _ask.instance_id)
        .join(_by, _by.c.id == _ask.by_id)
        .join(_to, _to.c.id == _ask.to_id)
        .where(_ask.id == ask_id, or_(_ask.to_id == actor.id, _ask.by_id == actor.id))
        .where(access.visible(actor))
    )
    values = tuple(access.must_see(session.execute(query).first()))
    width = len(ASKED)
    row, (task_id, element, state) = dict(zip(ASKED, values, strict=False)), values[width:][:3]
    context = instance.context_from(session, actor, values[width + 3 :])
    access.must_see(element if rooms.may_read(context, element) else None)
    rule, matter = context.process.tasks[element], context.row
    parts = background.finished(context)
    people = [matter["starter_id"], *(part.mentioned for part in parts)]
    names = Named.of(session, [matter["facts"], people, row["said"], row["answer"]], actor)
    is_open = state == TaskState.OPEN and matter["state"] == InstanceState.RUNNING
    form = rule.form.without_files() if rule.form and row["what"] == DELEGATE else None
    offer = choices.of_instance(context)
    return Page(
        ask=_shown(row, rule, names, actor, is_open=is_open, lang=lang),
        task_id=task_id,
        instance_id=matter["id"],
        number=matter["number"],
        subject=matter["title"],
        title=rule.title.in_(lang),
        asks=rule.asks.in_(lang),
        confidential=matter["confidential"],
        asked=row["to_id"] == actor.id,
        form=forms.settled(form, context.names()) if form else None,
        offers={key: offer(source) for key, source in form.sources.items()} if form else {},
        outcomes=rule.outcomes,
        matter=present.matter(context, parts, names, lang, ""),
        opinions=opinions.opinions(context, parts, names, lang, ""),
    )


def waiting(session: Session, actor: Actor) -> Iterable[Mapping[str, Any]]:
    """What I am asked and have not answered, oldest first."""
    query = (
        select(
            *(_ask.id, _ask.what, _ask.asked_at.label("at"), _by.c.name.label("by")),
            *(_instance.number, _instance.title, _instance.confidential),
        )
        .join(tables.task, _task.id == _ask.task_id)
        .join(tables.instance, _instance.id == _ask.instance_id)
        .join(_by, _by.c.id == _ask.by_id)
        .where(_ask.to_id == actor.id, asks.WAITS, _task.state == TaskState.OPEN)
        .where(_instance.state == InstanceState.RUNNING, access.visible(actor))
        .order_by(_ask.asked_at, _ask.id)
    )
    return [
        {**row._mapping, "title": "" if row.confidential else row.title}
        for row in session.execute(query)
    ]
