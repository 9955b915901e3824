"""What a person may start: the published processes that one of their posts opens, the form, and who
gets it next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.definitions.store import process_of
from engine.instance import rights
from engine.instance.choices import choices
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.process import TaskRule
    from engine.forms import Form
    from engine.people.organisation import Actor, Held

_definition = tables.definition.c


@dataclass(frozen=True)
class Next:
    """A task that may open first, in words: its title and whose it is."""

    title: str
    who: str


@dataclass(frozen=True)
class Launchable:
    """A process that this person may start. `draft` and `saved_at`: what they have begun to write,
    and when.

    `offers` gives the (value, label) pairs of fields whose choices are people, units or instances;
    only `opening` fills it.
    """

    process: Process
    union_id: UUID
    union: str
    next: tuple[Next, ...]
    draft: Mapping[str, Any]
    draft_revision: int
    saved_at: datetime | None
    offers: Mapping[str, list[tuple[str, str]]]

    @property
    def subject_field(self) -> str:
        """The key of the field that gives the instance its title; "" when that is not asked in the
        launch form.
        """
        step, _, key = self.process.subject.partition(".")
        return (
            key
            if step == "launch" and any(f.key == key for f in self.process.launch_form.asked)
            else ""
        )

    @property
    def begun(self) -> str:
        """The title in the draft."""
        return str(self.draft.get(self.subject_field) or "")


def launchable(session: Session, actor: Actor, lang: str = "zh") -> tuple[Launchable, ...]:
    """The processes whose `launch` posts this person holds, in their current versions, with the
    drafts begun.
    """
    processes = [process_of(session, version) for version in _published(session)]
    mine = [(p, held) for p in processes if (held := rights.launching_post(actor, p))]
    unions = organisation.unit_names(session, [held.union_id for _, held in mine if held.union_id])
    drafts = _drafts(session, actor, [p.id for p, _ in mine])
    return tuple(
        _launchable(process, held, unions, drafts, lang)
        for process, held in sorted(mine, key=lambda pair: pair[0].id)
    )


def opening(session: Session, actor: Actor, process_id: str, lang: str = "zh") -> Launchable:
    """One of them, with what its form offers to choose from. Raises NotFound, and Refused for who
    holds none of its posts.
    """
    known = _published(session, process_id) if process_id.isidentifier() else []
    version = access.must_see(next(iter(known), None))
    process = process_of(session, version)
    held = rights.check_launch(actor, process)
    assert held.union_id is not None
    unions = organisation.unit_names(session, [held.union_id])
    found = _launchable(process, held, unions, _drafts(session, actor, [process.id]), lang)
    return replace(found, offers=offers(session, held.union_id, process.launch_form, actor))


def offers(
    session: Session, union_id: UUID, form: Form | None, actor: Actor | None = None
) -> Mapping[str, list[tuple[str, str]]]:
    """By key, the (value, label) pairs of the fields of a form whose choices are people, units or
    instances of a union.
    """
    offer = choices(session, union_id, actor=actor)
    return {f.key: offer(f.source) for f in (form.asked if form else ()) if f.source}


def first_tasks(process: Process) -> tuple[TaskRule, ...]:
    """The user tasks that may be the first to open, read from the diagram: whatever follows the
    start without one between.
    """
    elements, found, seen = process.diagram.elements, [], set()
    waiting = [e.id for e in elements.values() if e.type == "startEvent" and not e.scope]
    while waiting:
        element = elements.get(waiting.pop(0))
        if element is None or element.id in seen:
            continue
        seen.add(element.id)
        if element.type == "userTask":
            found.append(process.tasks[element.id])
        elif element.type == "subProcess":
            waiting += [
                e.id for e in elements.values() if e.type == "startEvent" and e.scope == element.id
            ]
        elif (
            element.type != "intermediateCatchEvent"
        ):  # what comes after waiting does not come first
            waiting += [f.target for f in process.diagram.flows if f.source == element.id]
    return tuple(found)


def _published(session: Session, process_id: str | None = None) -> list[str]:
    """The hash of the newest published version of each process, or of the one."""
    query = (
        select(_definition.hash)
        .distinct(_definition.process_id)
        .where(_definition.state == "published")
        .order_by(_definition.process_id, _definition.rank.desc())
    )
    if process_id is not None:
        query = query.where(_definition.process_id == process_id)
    return list(session.execute(query).scalars())


def _drafts(
    session: Session, actor: Actor, ids: list[str]
) -> dict[str, tuple[Mapping[str, Any], int, datetime]]:
    draft = tables.draft.c
    keys = {f"launch:{i}": i for i in ids}
    rows = session.execute(
        select(draft.key, draft.answers, draft.revision, draft.saved_at).where(
            draft.member_id == actor.id, draft.key.in_(keys)
        )
    ).all()
    return {keys[r.key]: (dict(r.answers), r.revision, r.saved_at) for r in rows}


def _launchable(
    process: Process,
    held: Held,
    unions: Mapping[UUID, str],
    drafts: Mapping[str, tuple[Mapping[str, Any], int, datetime]],
    lang: str,
) -> Launchable:
    assert held.union_id is not None
    draft, revision, saved_at = drafts.get(process.id, ({}, 0, None))
    return Launchable(
        process=process,
        union_id=held.union_id,
        union=unions.get(held.union_id, ""),
        next=tuple(_next(process, rule, lang) for rule in first_tasks(process)),
        draft=draft,
        draft_revision=revision,
        saved_at=saved_at,
        offers={},
    )


def _next(process: Process, rule: TaskRule, lang: str) -> Next:
    lane = process.lanes.get(rule.lane)
    return Next(rule.title.in_(lang), lane.title.in_(lang) if lane else "")
