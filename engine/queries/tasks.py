"""One task as the person who acts on it sees it: what is asked, what was said, until when, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import or_, select

from engine import access, clock, forms, organisation, rooms, tables
from engine.catalogue.store import process_of
from engine.choices import choices
from engine.queries import deadlines, foresight, outside, ruled
from engine.queries.instances import Paper, papers
from engine.queries.lanes import matter
from engine.queries.words import Answered, Named, answered

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.catalogue.process import TaskRule
    from engine.db import Session
    from engine.organisation import Actor

_task, _instance = tables.task.c, tables.instance.c


@dataclass(frozen=True)
class Said:
    """What was said before: by whom, when, at which step."""

    title: str
    who: str
    at: datetime
    answers: tuple[Answered, ...]


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
    links: tuple[outside.Sent, ...] | None  # sent to somebody outside; None: it cannot be answered from there


def task(session: Session, actor: Actor, task_id: UUID, lang: str = "zh") -> Task:
    """One user task. NotFound when it neither is nor was this person's."""
    row = session.execute(
        select(
            tables.task, _instance.number, _instance.title.label("subject"), _instance.version, _instance.facts,
            _instance.state.label("instance_state"), _instance.started_at, _instance.rounds, _instance.union_id,
            _instance.unit_id, _instance.confidential,
            select(tables.unit.c.managing_id).where(tables.unit.c.id == _instance.union_id).scalar_subquery().label("superior"),
        )
        .join(tables.instance, _instance.id == _task.instance_id)
        .where(
            _task.id == task_id,
            or_(_task.assignee_id == actor.id, _task.seat.in_(sorted(actor.seats)), _task.closed_by == actor.id),
        )
    ).first()  # fmt: skip
    row = access.must_see(row)
    process = process_of(session, row.version)
    rule = process.tasks[row.element]
    names = Named.of(session, row.facts, actor)
    full = {"facts": row.facts, "union_id": row.union_id, "unit_id": row.unit_id, "superior": row.superior}
    shut, seen = rooms.closed(actor, full, process), rooms.open_facts(actor, full, process)
    people = organisation.names(session, [i for i in (row.assignee_id, row.closed_by) if i])
    offer = choices(session, row.union_id, row.instance_id, actor)
    run = matter(session, actor, row.instance_id)
    return Task(
        id=row.id, instance_id=row.instance_id, number=row.number, subject=row.subject, process_title=process.title.in_(lang),
        element=row.element, title=rule.title.in_(lang), asks=rule.asks.in_(lang), state=row.state, revision=row.revision,
        form=rule.form, offers={f.key: offer(f.source) for f in (rule.form.fields if rule.form else ()) if f.source},
        outcomes=rule.outcomes, next={k: w.in_(lang) for k, w in (rule.next or {}).items()},
        deadline=deadlines.deadline(session, row.union_id, row.due_at, row.due, clock.day_of(row.started_at), lang),
        said=said(session, actor, row, names, lang), papers=papers(session, row.instance_id, process, shut, lang),
        draft={**_prefilled(rule, seen), **draft(session, actor, f"task:{row.id}")}, seat=row.seat is not None,
        claimed_by=people.get(row.assignee_id, "") if row.seat else "", claimed_by_me=row.assignee_id == actor.id,
        actionable=row.state == "open" and row.instance_state == "running" and row.assignee_id in (None, actor.id),
        closed_by=people.get(row.closed_by, ""), closed_at=row.closed_at, instance_state=row.instance_state,
        round=row.rounds.get(row.element, 0) + 1, confidential=row.confidential,
        guards=foresight.guards(session, run, row.element, lang) if row.state == "open" else (),
        rules=foresight.cited(session, run, {rule.basis} - {"", (row.due or {}).get("rule")}, lang),
        links=outside.sent(session, row.id) if rule.link else None,
    )  # fmt: skip


def _prefilled(rule: TaskRule, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What earlier steps already said under the same names, so that nobody has to say it twice."""
    keys = {f.key for f in rule.form.asked if f.kind != "filepicker"} if rule.form else set()
    found: dict[str, Any] = {}
    for name in rule.prefill:
        earlier = facts.get(name)
        found.update({k: v for k, v in earlier.items() if k in keys} if isinstance(earlier, dict) else {})
    return found


def said(session: Session, actor: Actor, matter: Any, names: Named, lang: str) -> tuple[Said, ...]:
    """What was said in an instance so far, oldest first: the launch, finished tasks, messages; closed rooms left out.

    `matter` names the instance (instance_id, version, facts, union_id, unit_id, superior).
    """
    process = process_of(session, matter.version)
    full = {"facts": matter.facts, "union_id": matter.union_id, "unit_id": matter.unit_id, "superior": matter.superior}
    member = tables.member.c
    rows = session.execute(
        select(_task.element, _task.answers, _task.closed_at, member.name)
        .outerjoin(tables.member, member.id == _task.closed_by)
        .where(_task.instance_id == matter.instance_id, _task.state == "done", _task.answers.is_not(None))
        .order_by(_task.closed_at, _task.id)
    ).all()
    return tuple(
        Said(
            process.tasks[r.element].title.in_(lang), r.name or "", r.closed_at,
            answered(process.tasks[r.element].form, r.answers, names, lang),
        )
        for r in rows
        if rooms.may_read(actor, full, process, r.element)
    )  # fmt: skip


def draft(session: Session, actor: Actor, key: str) -> Mapping[str, Any]:
    """The unfinished answers that this person kept under a key."""
    column = tables.draft.c
    found = session.execute(select(column.answers).where(column.member_id == actor.id, column.key == key)).scalar()
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
