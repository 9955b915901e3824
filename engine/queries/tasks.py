"""One task as the person who acts on it sees it: what is asked, what was said, until when, and what comes next."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, or_, select

from engine import clock, forms, settings
from engine.db import tables
from engine.definitions import decision_tables as sheets
from engine.definitions.store import process_of
from engine.errors import EngineError
from engine.instance import rooms
from engine.instance.choices import choices
from engine.instance.context import context_of
from engine.people import access, organisation
from engine.queries import deadlines, foresight, outside, ruled
from engine.queries.instances import Paper, papers
from engine.queries.words import Answered, Named, answered, told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.db import Session
    from engine.definitions.process import TaskRule
    from engine.instance.context import Context
    from engine.people.organisation import Actor

_task, _instance = tables.task.c, tables.instance.c


@dataclass(frozen=True)
class Said:
    """What was said before: by whom, when, at which step; the outcome of a poll in words. `near`: read it at once."""

    title: str
    who: str
    at: datetime
    answers: tuple[Answered, ...]
    near: bool = False


@dataclass(frozen=True)
class Task:
    """`offers` gives the (value, label) pairs of fields whose choices are people, units or instances; `next` what each
    choice of the field `outcomes` leads to."""

    id: UUID
    instance_id: UUID
    number: str
    subject: str
    process_title: str
    element: str
    title: str
    asks: str
    state: str
    revision: int
    form: forms.Form | None
    offers: Mapping[str, list[tuple[str, str]]]
    outcomes: str
    next: Mapping[str, str]
    deadline: deadlines.Deadline | None
    said: tuple[Said, ...]
    papers: tuple[Paper, ...]
    draft: Mapping[str, Any]
    seat: bool
    claimed_by: str
    claimed_by_me: bool
    actionable: bool
    closed_by: str
    closed_at: datetime | None
    instance_state: str
    round: int
    confidential: bool
    guards: tuple[foresight.Guarded, ...]
    rules: tuple[ruled.Ruled, ...]  # what the task rests on, besides its deadline
    tells: tuple[str, ...]  # what the process says to whoever has it, with the facts of the matter
    urged: str  # the last words of the secretary to whoever has it; ""
    links: (
        tuple[outside.Sent, ...] | None
    )  # sent to somebody outside; None: it cannot be answered from there


def task(session: Session, actor: Actor, task_id: UUID, lang: str = "zh") -> Task:
    """One user task. NotFound when it neither is nor was this person's."""
    row = session.execute(
        select(
            tables.task,
            _instance.number,
            _instance.title.label("subject"),
            _instance.version,
            _instance.facts,
            _instance.state.label("instance_state"),
            _instance.started_at,
            _instance.rounds,
            _instance.union_id,
            _instance.unit_id,
            _instance.confidential,
        )
        .join(tables.instance, _instance.id == _task.instance_id)
        .where(
            _task.id == task_id,
            or_(
                _task.assignee_id == actor.id,
                _task.seat.in_(sorted(actor.seats)),
                _task.closed_by == actor.id,
            ),
        )
    ).first()
    row = access.must_see(row)
    process = process_of(session, row.version)
    rule = process.tasks[row.element]
    names = Named.of(session, row.facts, actor)
    context = context_of(session, actor, row.instance_id)
    shut, seen = rooms.closed(context), rooms.open_facts(context)
    people = organisation.names(session, [i for i in (row.assignee_id, row.closed_by) if i])
    offer = choices(session, row.union_id, row.instance_id, actor)
    return Task(
        id=row.id,
        instance_id=row.instance_id,
        number=row.number,
        subject=row.subject,
        process_title=process.title.in_(lang),
        element=row.element,
        title=rule.title.in_(lang),
        asks=rule.asks.in_(lang),
        state=row.state,
        revision=row.revision,
        form=rule.form,
        offers={
            f.key: offer(f.source) for f in (rule.form.fields if rule.form else ()) if f.source
        },
        outcomes=rule.outcomes,
        next={k: w.in_(lang) for k, w in (rule.next or {}).items()},
        deadline=deadlines.deadline(
            session, row.union_id, row.due_at, row.due, clock.day_of(row.started_at), lang
        ),
        said=said(context, names, lang, rule.room),
        papers=papers(session, row.instance_id, process, shut, lang),
        draft={**_prefilled(rule, seen), **draft(session, actor, f"task:{row.id}")},
        seat=row.seat is not None,
        claimed_by=people.get(row.assignee_id, "") if row.seat else "",
        claimed_by_me=row.assignee_id == actor.id,
        actionable=row.state == "open"
        and row.instance_state == "running"
        and row.assignee_id in (None, actor.id),
        closed_by=people.get(row.closed_by, ""),
        closed_at=row.closed_at,
        instance_state=row.instance_state,
        round=row.rounds.get(row.element, 0) + (row.state == "open"),
        confidential=row.confidential,
        guards=foresight.guards(session, context, row.element, lang) if row.state == "open" else (),
        rules=foresight.cited(
            session, context, {rule.basis} - {"", (row.due or {}).get("rule")}, lang
        ),
        tells=_tells(session, context, rule, seen, names, lang) if row.state == "open" else (),
        urged=_urged(session, row.instance_id)
        if row.state == "open" and (row.due or {}).get("reminded")
        else "",
        links=outside.sent(session, row.id) if rule.link else None,
    )


def _tells(
    session: Session,
    context: Context,
    rule: TaskRule,
    seen: Mapping[str, Any],
    names: Named,
    lang: str,
) -> tuple[str, ...]:
    """What the process says now to whoever has the task. `seen` are the facts that this person may see."""
    found = []
    for tell in rule.tells:
        text = tell.text.in_(lang)
        try:
            if tell.when and not context.value(tell.when):
                continue
        except EngineError:  # it cannot be said yet
            continue
        known = ruled.rulings(session, context.row["union_id"], context.decisive_on, text, [])
        lexicon = sheets.known(settings.load().processes)[0]
        found.append(
            told(context.process, ruled.filled(text, known, {}, lang), seen, names, lexicon, lang)
        )
    return tuple(found)


def _urged(session: Session, instance_id: UUID) -> str:
    event = tables.event.c
    last = select(event.body, event.at).where(
        event.instance_id == instance_id, event.kind == "matter_reminded"
    )
    found = session.execute(last.order_by(event.seq.desc()).limit(1)).one()
    body = json.loads(found.body)
    return f"{body['actor']['name']} {clock.day_of(found.at):%m-%d} {body['reason']}"


def _prefilled(rule: TaskRule, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What earlier steps already said under the same names, so that nobody has to say it twice."""
    keys = {f.key for f in rule.form.asked if f.kind != "filepicker"} if rule.form else set()
    found: dict[str, Any] = {}
    for name in rule.prefill:
        earlier = facts.get(name)
        found.update(
            {k: v for k, v in earlier.items() if k in keys} if isinstance(earlier, dict) else {}
        )
    return found


def said(context: Context, names: Named, lang: str, room: tuple[str, ...] = ()) -> tuple[Said, ...]:
    """What was said in an instance so far, oldest first: the launch, finished tasks, messages, polls; closed rooms left out.

    Near is the launch and what was said last; for a task in a room only what was said in the same one, since another
    side may sit beside whoever reads.
    """
    session, process = context.session, context.process
    member, poll = tables.member.c, tables.poll.c
    rows = session.execute(
        select(_task.element, _task.answers, _task.closed_at, member.name, poll.outcome)
        .outerjoin(tables.member, member.id == _task.closed_by)
        .outerjoin(tables.poll, and_(poll.task_id == _task.id, poll.state == "closed"))
        .where(_task.instance_id == context.row["id"], _task.state == "done")
        .where(or_(_task.answers.is_not(None), poll.outcome.is_not(None)))
        .order_by(_task.closed_at, _task.id)
    ).all()
    shown = [r for r in rows if rooms.may_read(context, r.element)]
    close = {0, len(shown) - 1, len(shown) - 2}
    found = []
    for n, r in enumerate(shown):
        rule = process.tasks[r.element]
        answers = (
            answered(rule.form, r.answers, names, lang)
            if r.answers is not None
            else _counted(r.outcome, lang)
        )
        near = n in close and (not rule.room or rule.room == room)
        found.append(Said(rule.title.in_(lang), r.name or "", r.closed_at, answers, near))
    return tuple(found)


def _counted(outcome: Mapping[str, Any], lang: str) -> tuple[Answered, ...]:
    why = str(outcome.get("why_en" if lang == "en" else "why") or outcome.get("why") or "")
    return (Answered("outcome", {"zh": "结果", "en": "Outcome"}[lang], why),) if why else ()


def draft(session: Session, actor: Actor, key: str) -> Mapping[str, Any]:
    """The unfinished answers that this person kept under a key."""
    column = tables.draft.c
    found = session.execute(
        select(column.answers).where(column.member_id == actor.id, column.key == key)
    ).scalar()
    return dict(found) if found else {}


def drafts(session: Session, actor: Actor) -> tuple[tuple[str, Mapping[str, Any], datetime], ...]:
    """All drafts of this person: key, answers, when saved; newest first."""
    column = tables.draft.c
    rows = session.execute(
        select(column.key, column.answers, column.saved_at)
        .where(column.member_id == actor.id)
        .order_by(column.saved_at.desc())
    ).all()
    return tuple((r.key, dict(r.answers), r.saved_at) for r in rows)
