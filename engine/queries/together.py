"""What one act over several tasks of a kind is about: the tasks, the form for all of them, and what
of an earlier try is left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, or_, select

from engine.db import tables
from engine.instance import choices, context, together
from engine.instance.view import dotted
from engine.queries.inbox import MOST, inbox

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from engine.db import Session
    from engine.definitions.process import TaskRule
    from engine.forms import Form
    from engine.people.organisation import Actor
    from engine.queries.inbox import Item

_opened, _draft, _task = tables.opened.c, tables.draft.c, tables.task.c
_held = tables.held_act.c


@dataclass(frozen=True)
class Together:
    """The tasks of a kind that one act may do, soonest due first. `shared`: the form for all of
    them; `each`: of what is said of each by itself; `offers` of both, see queries/tasks.py.

    `suggested`: by task, what stands there first of what is said of each.
    `read`: those that this person has opened; `spot`: those to open first, out of the ones that
    are `ticked`, which are all without a mark, or what an earlier try (`begun`) left.
    """

    of: str
    title: str
    items: tuple[Item, ...]
    shared: Form
    each: Form
    offers: Mapping[str, list[tuple[str, str]]]
    suggested: Mapping[UUID, Mapping[str, str]]
    prefilled: bool
    read: frozenset[UUID]
    ticked: tuple[UUID, ...]
    spot: tuple[UUID, ...]
    begun: Mapping[str, Any]


def read(
    session: Session,
    actor: Actor,
    of: str,
    lang: str = "zh",
    chosen: Sequence[UUID] | None = None,
) -> Together | None:
    """What may be done together of a kind, "process.element"; None when nothing of it waits.
    `chosen`: those to tick instead. At most together.MOST of them.
    """
    waiting = inbox(session, actor, of=of, limit=MOST, lang=lang).items
    begun = _begun(session, actor, of)
    items = _first({*(chosen or ()), *map(UUID, begun.get("tasks", ()))}, waiting)
    if not items:
        return None
    first = context.context_of(session, actor, items[0].instance_id)
    rule = first.process.tasks[items[0].element]
    shared, each = _forms(rule)
    offer, ids = choices.of_instance(first), [item.id for item in items]
    ticked = _ticked(items, chosen, begun)
    return Together(
        of=of,
        title=rule.title.in_(lang),
        items=items,
        shared=shared,
        each=each,
        offers={k: offer(source) for form in (shared, each) for k, source in form.sources.items()},
        suggested=_suggested(session, rule, items) if rule.suggests else {},
        prefilled=bool(rule.prefill),
        read=_read(session, actor, ids),
        ticked=ticked,
        spot=() if together.begun(begun, ticked) else together.spot(actor.id, ticked),
        begun=begun,
    )


def of_matters(
    session: Session, actor: Actor, of: str, matters: Collection[UUID]
) -> tuple[UUID, ...]:
    """The tasks of a kind in these matters that one act of this person may do, at most
    together.MOST.
    """
    waiting = inbox(session, actor, of=of, limit=MOST).items
    found = (item.id for item in waiting if item.alike and item.instance_id in matters)
    return tuple(found)[: together.MOST]


def _first(named: Collection[UUID], waiting: Sequence[Item]) -> tuple[Item, ...]:
    """As many as one act may do, in their order, those that were named before others."""
    alike = [item for item in waiting if item.alike]
    before = sorted(alike, key=lambda item: item.id not in named)[: together.MOST]
    kept = {item.id for item in before}
    return tuple(item for item in alike if item.id in kept)


def _suggested(
    session: Session, rule: TaskRule, items: Sequence[Item]
) -> dict[UUID, Mapping[str, str]]:
    """What a page shows first of what is said of each; nobody has said it until it is sent."""
    instance = tables.instance.c
    asked = {item.instance_id for item in items}
    query = select(instance.id, instance.facts).where(instance.id.in_(asked))
    facts = {row.id: row.facts for row in session.execute(query)}
    found = {
        item.id: {key: dotted(facts[item.instance_id], fact) for key, fact in rule.suggests}
        for item in items
    }
    return {task: {k: str(v) for k, v in said.items() if v} for task, said in found.items()}


def _forms(rule: TaskRule) -> tuple[Form, Form]:
    """What is said of all, and what of each. A file is handed in with its own task."""
    assert rule.form is not None
    kept = [field for field in rule.form.fields if field.kind != "filepicker"]
    each = [field for field in kept if field.key and field.key in rule.each]
    shared = [field for field in kept if field.kind != "text"]
    return replace(rule.form, fields=tuple(shared)), replace(rule.form, fields=tuple(each))


def _ticked(
    items: Sequence[Item], chosen: Sequence[UUID] | None, begun: Mapping[str, Any]
) -> tuple[UUID, ...]:
    if chosen is not None:
        return tuple(item.id for item in items if item.id in chosen)
    if begun:
        return tuple(item.id for item in items if str(item.id) in begun["tasks"])
    return tuple(item.id for item in items if not item.flags)


def _read(session: Session, actor: Actor, ids: Sequence[UUID]) -> frozenset[UUID]:
    seen = select(_opened.task_id).where(_opened.member_id == actor.id, _opened.task_id.in_(ids))
    return frozenset(session.execute(seen).scalars())


def _begun(session: Session, actor: Actor, of: str) -> Mapping[str, Any]:
    kept = select(_draft.answers).where(
        _draft.member_id == actor.id, _draft.key == together.key_of(of)
    )
    return session.execute(kept).scalar() or {}


def progress(session: Session, actor: Actor, of: str) -> tuple[int, int]:
    """Of a try that is under way: so many tasks are done or held, of so many; (0, 0) when there
    is none.
    """
    tasks = _begun(session, actor, of).get("tasks", [])
    if not tasks:
        return 0, 0
    held = select(_held.task_id).where(_held.member_id == actor.id, _held.why.is_(None))
    mine = or_(_task.closed_by == actor.id, _task.id.in_(held))
    done = select(func.count()).where(_task.id.in_(tasks), mine)
    return session.execute(done).scalar_one(), len(tasks)
