"""What a person may start: the processes in force that one of their posts opens, the form, and who
gets it next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.instance import launching
from engine.instance.choices import choices
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.process import TaskRule
    from engine.forms import Form
    from engine.instance.launching import Opened
    from engine.people.organisation import Actor


@dataclass(frozen=True)
class Next:
    """A task that may open first, in words: its title and whose it is."""

    title: str
    who: str


@dataclass(frozen=True)
class Launchable:
    """A process that this person may start; `own`: by the version that the union has for itself.
    `draft` and `saved_at`: what they have begun to write,
    and when.

    `offers` gives the (value, label) pairs of fields whose choices are people, units or instances;
    only `opening` fills it.
    """

    process: Process
    own: bool
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
    """The processes whose `launch` posts this person holds, in the versions in force
    there, with the drafts begun.
    """
    mine = launching.opened(session, actor)
    unions = organisation.unit_names(
        session, [each.held.union_id for each in mine if each.held.union_id]
    )
    drafts = _drafts(session, actor, [each.process.id for each in mine])
    return tuple(_launchable(each, unions, drafts, lang) for each in mine)


def entering_duties(session: Session, actor: Actor) -> tuple[str, ...]:
    """The processes by which this person enters duties that were done outside."""
    ways = (way.process for way in launching.opened(session, actor))
    return tuple(each.id for each in ways if any(duty.fact for duty in each.duties))


def opening(session: Session, actor: Actor, process_id: str, lang: str = "zh") -> Launchable:
    """One of them, with what its form offers to choose from. Raises NotFound, and Refused for who
    holds none of its posts.
    """
    way = launching.check(session, actor, process_id if process_id.isidentifier() else "")
    process, union_id = way.process, way.held.union_id
    assert union_id is not None
    unions = organisation.unit_names(session, [union_id])
    found = _launchable(way, unions, _drafts(session, actor, [process.id]), lang)
    return replace(found, offers=offers(session, union_id, process.launch_form, actor))


def offers(
    session: Session, union_id: UUID, form: Form | None, actor: Actor | None = None
) -> Mapping[str, list[tuple[str, str]]]:
    """By key, the (value, label) pairs of the fields of a form whose choices are people, units or
    instances of a union.
    """
    offer = choices(session, union_id, actor=actor)
    return {key: offer(source) for key, source in (form.sources if form else {}).items()}


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
    way: Opened,
    unions: Mapping[UUID, str],
    drafts: Mapping[str, tuple[Mapping[str, Any], int, datetime]],
    lang: str,
) -> Launchable:
    process, held = way.process, way.held
    assert held.union_id is not None
    draft, revision, saved_at = drafts.get(process.id, ({}, 0, None))
    return Launchable(
        process=process,
        own=way.own,
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
