"""One task as the person who acts on it sees it: what is asked, what was said, until when, and what
comes next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock, forms
from engine.db import aside, tables
from engine.definitions.verbs import ALL, DELEGATE, HAND_OVER, JOIN, RECALL
from engine.instance import choices, deputies, rights, rooms, shown, stand, together, verbs
from engine.people import access
from engine.queries import asks as asking
from engine.queries import (
    background,
    beside,
    coming,
    comments,
    deadlines,
    foresight,
    hints,
    opinions,
    outside,
    present,
    publications,
    ruled,
)
from engine.queries.task_read import Read, is_mine
from engine.queries.task_read import read as read_task
from engine.queries.words import Named, by_whom

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session
    from engine.definitions.process import TaskRule
    from engine.messages import Message
    from engine.people.organisation import Actor
    from engine.queries.background import Paper, Said

_task, _instance = tables.task.c, tables.instance.c
_draft, _meeting, _event = tables.draft.c, tables.meeting.c, tables.event.c
_held = tables.held_act.c


@dataclass(frozen=True)
class Task:
    """`offers` gives the (value, label) pairs of fields whose choices are people, units or
    instances; `next` what each choice of the field `outcomes` leads to.
    """

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
    sealed: tuple[str, ...]  # steps in which something was confided to those before this reader
    papers: tuple[Paper, ...]
    draft: Mapping[str, Any]
    draft_revision: int
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
    barred: tuple[foresight.Barred, ...]  # choices that a gate refuses today
    rules: tuple[ruled.Ruled, ...]  # what the task rests on, besides its deadline
    papers_coming: tuple[coming.Coming, ...]  # that it will issue, by what is written so far
    lapses: tuple[foresight.Lapse, ...]  # what happens if nobody acts in time
    raised: tuple[publications.Raised, ...]  # what came of what its lane published
    tells: tuple[str, ...]  # what the process says to whoever has it, with the facts of the matter
    urged: str  # the last words of the secretary to whoever has it; ""
    links: tuple[outside.Sent, ...] | None  # sent to somebody outside; None: none can be sent
    meeting: UUID | None  # the meeting that the task holds
    matter: present.Matter
    opinions: tuple[opinions.Opinion, ...]  # of those who decided before
    held: Held | None  # it was done, and may still be taken back
    comments: tuple[comments.Comment, ...]
    handed: beside.Handed | None  # somebody handed it to whoever has it
    verbs: Mapping[str, str | Message]  # of definitions/verbs.py: why it is not for this task; ""
    sent_back: beside.Handed | None  # somebody sent it back
    recall: str | Message | None  # of what this reader has done: why they cannot take it back; ""
    stands: str  # how the matter stands that is shown, see engine/instance/stand.py
    as_of: str  # see instance/shown.py: what a decision that waits for a network was made on
    lender: str  # in whose place this reader may do it; ""
    aside: bool  # this reader has stepped aside from the matter
    may_step_aside: bool
    asked: tuple[asking.Ask, ...]  # of others, beside its decision
    recorded: bool  # whoever opens it first goes on record, as it may be taken back until then


@dataclass(frozen=True)
class Held:
    """An act on the task that its author may take back until a moment; `mine`: this reader's."""

    by: str
    mine: bool
    until: datetime


def must_see(session: Session, actor: Actor, task_id: UUID) -> None:
    """Raise NotFound when a task neither is nor was this person's."""
    query = select(_task.id).join(tables.instance).where(_task.id == task_id, is_mine(actor))
    access.must_see(session.execute(query).scalar())


def task(session: Session, actor: Actor, task_id: UUID, lang: str = "zh") -> Task:
    """One user task. NotFound when it neither is nor was this person's."""
    read = read_task(session, actor, task_id)
    row, rule, context = read.task, read.rule, read.context
    process, matter = context.process, context.row
    parts = background.finished(context)
    people = [
        row.assignee_id,
        matter["starter_id"],
        row.closed_by,
        row.handed_by,
        read.held and read.held[0],
        *(part.mentioned for part in parts),
    ]
    names = Named.of(session, [matter["facts"], people], actor)
    seen = rooms.open_facts(context)
    raised = publications.raised(context, rule.lane, names, lang)
    shown_above = {each.key for each in raised}
    before = [part for part in parts if part.element not in shown_above]
    rested_on = {rule.basis, str(read.due.get("rule", ""))} - {""}
    stands_at = row.element if read.is_open else ""
    lender = read.lender if read.actionable else None
    offer, sources = choices.of_instance(context), rule.form.sources if rule.form else {}
    return Task(
        id=row.id,
        instance_id=row.instance_id,
        number=matter["number"],
        subject=matter["title"],
        process_title=process.title.in_(lang),
        element=row.element,
        title=rule.title.in_(lang),
        asks=rule.asks.in_(lang),
        state=row.state,
        revision=row.revision,
        form=forms.settled(rule.form, context.names()) if rule.form else None,
        offers={key: offer(source) for key, source in sources.items()},
        outcomes=rule.outcomes,
        next={k: w.in_(lang) for k, w in (rule.next or {}).items()},
        deadline=deadlines.deadline(
            context.law, context.decisive_on, row.due_at, row.due, lang=lang
        ),
        said=background.said(context, before, names, lang, rule.room),
        sealed=background.sealed(context, lang),
        papers=background.papers(
            context, ((p.element, p.answers, p.closed_at) for p in parts), lang
        ),
        draft={**together.prefilled(rule, seen), **read.draft},
        draft_revision=read.draft_revision,
        seat=row.seat is not None,
        claimed_by=names.get(row.assignee_id) if row.seat else "",
        claimed_by_me=row.assignee_id == actor.id,
        actionable=read.actionable,
        closed_by=by_whom(names, row.closed_by, deputies.behalf(context, row.id)),
        closed_at=row.closed_at,
        instance_state=matter["state"],
        round=context.rounds.get(row.element, 0) + read.is_open,
        confidential=matter["confidential"],
        guards=foresight.guards(context, row.element, lang) if read.is_open else (),
        barred=foresight.barred(context, rule, _labels(rule, lang), lang) if read.is_open else (),
        rules=foresight.cited(context, rested_on, lang),
        papers_coming=coming.coming(context, rule, read.draft, lang) if read.actionable else (),
        lapses=foresight.lapses(process, row.element, lang) if read.is_open and row.due_at else (),
        raised=raised,
        tells=hints.hints(context, rule, seen, names, lang) if read.is_open else (),
        urged=_urged(session, row.instance_id) if read.is_open and read.due.get("reminded") else "",
        links=outside.sent(session, row.id) if rule.link else None,
        meeting=read.meeting,
        matter=present.matter(context, parts, names, lang, stands_at),
        opinions=opinions.opinions(context, parts, names, lang, stands_at),
        held=_held_by(read, actor, names),
        comments=comments.comments(context, lang),
        handed=beside.handed(read, names),
        verbs=_verbs(read),
        sent_back=beside.sent_back(read, lang),
        recall=beside.recall(read, actor),
        stands=stand.stands(matter) if read.is_open else "",
        as_of=shown.mark(matter, row),
        lender=lender.name if lender else "",
        aside=read.aside,
        may_step_aside=read.actionable
        and lender is None
        and (row.seat is not None or HAND_OVER in rule.verbs),
        asked=asking.of_task(read, actor, lang),
        recorded=any(RECALL in each.verbs for each in process.tasks.values()),
    )


def _verbs(read: Read) -> dict[str, str | Message]:
    """Why each verb is not for the task, or not for who has it in another's place."""
    why = {v: verbs.against(read.context.process, read.rule, v) or "" for v in ALL}
    if read.lender:
        why |= dict.fromkeys((HAND_OVER, DELEGATE, JOIN), rights.DEPUTY.text)
    return why


def _held_by(read: Read, actor: Actor, names: Named) -> Held | None:
    if read.held is None:
        return None
    who, until = read.held
    return Held(names.get(who), who == actor.id, until)


def draft_paper(
    session: Session, actor: Actor, task_id: UUID, kind: str, choice: str, *, as_text: bool
) -> bytes:
    """A paper that a task will issue, as a draft; "" of both: the first one. Raises NotFound (not
    theirs to do), NotPrintable.
    """
    read = read_task(session, actor, task_id)
    access.must_see(read if read.actionable else None)
    first = next(iter(coming.coming(read.context, read.rule, read.draft, "zh")), None)
    kind, choice = kind or (first.kind if first else ""), choice or (first.choice if first else "")
    written = read.draft
    return coming.draft(read.context, read.rule, written, kind=kind, choice=choice, as_text=as_text)


def _urged(session: Session, instance_id: UUID) -> str:
    last = select(_event.body, _event.words, _event.at).where(
        _event.instance_id == instance_id, _event.kind == "matter_reminded"
    )
    found = session.execute(last.order_by(_event.seq.desc()).limit(1)).one()
    body = aside.told(found.body, found.words)
    return f"{body['actor']['name']} {clock.day_of(found.at):%m-%d} {body['reason']}"


def drafts(
    session: Session, actor: Actor
) -> tuple[tuple[str, Mapping[str, Any], datetime, int], ...]:
    """All drafts of this person: key, answers, when saved, revision; newest first."""
    found = session.execute(
        select(_draft.key, _draft.answers, _draft.saved_at, _draft.revision)
        .where(_draft.member_id == actor.id)
        .order_by(_draft.saved_at.desc())
    ).all()
    return tuple((r.key, dict(r.answers), r.saved_at, r.revision) for r in found)


def _labels(rule: TaskRule, lang: str) -> dict[str, str]:
    """What the choices of the outcome are called."""
    fields = rule.form.fields if rule.form else ()
    choices = [c for field in fields if field.key == rule.outcomes for c in field.choices]
    english = lang.startswith("en")
    return {c.value: (c.label_en if english else "") or c.label for c in choices}
