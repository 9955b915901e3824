"""What one act over several tasks of a kind is about: the tasks, the form for all of them, and what
of an earlier try is left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from engine.db import tables
from engine.instance import choices, context, together
from engine.queries.inbox import inbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

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

    `read`: those that this person has opened; `spot`: those to open first, out of the ones that
    are `ticked`, which are all without a mark, or what an earlier try (`begun`) left.
    """

    of: str
    title: str
    items: tuple[Item, ...]
    shared: Form
    each: Form
    offers: Mapping[str, list[tuple[str, str]]]
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
    waiting = inbox(session, actor, of=of, limit=together.MOST, lang=lang).items
    items = tuple(item for item in waiting if item.alike)
    if not items:
        return None
    first = context.context_of(session, actor, items[0].instance_id)
    rule = first.process.tasks[items[0].element]
    shared, each = _forms(rule)
    offer, ids = choices.of_instance(first), [item.id for item in items]
    begun = _begun(session, actor, of)
    ticked = _ticked(items, chosen, begun)
    return Together(
        of=of,
        title=rule.title.in_(lang),
        items=items,
        shared=shared,
        each=each,
        offers={f.key: offer(f.source) for f in (*shared.fields, *each.fields) if f.source},
        prefilled=bool(rule.prefill),
        read=_read(session, actor, ids),
        ticked=ticked,
        spot=() if together.begun(begun, ticked) else together.spot(actor.id, ticked),
        begun=begun,
    )


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
