"""What the pages of the verbs beside a decision need: who handed a task over or sent it back, and
to whom or where it may go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import aside, tables
from engine.db.states import FINAL, TaskState
from engine.definitions.verbs import HAND_OVER, RECALL, SEND_BACK
from engine.instance import going_back, verbs
from engine.messages import _
from engine.people import access, organisation
from engine.queries.task_read import Read, read

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session
    from engine.messages import Message
    from engine.people.organisation import Actor
    from engine.queries.words import Named

_event = tables.event.c


@dataclass(frozen=True)
class Handed:
    """Who handed a task over, or sent it back, and why; `at`: the step from which."""

    by: str
    why: str
    at: str = ""


@dataclass(frozen=True)
class Step:
    """An earlier step to which a task may be sent back. `straight`: it may lead straight back."""

    element: str
    title: str
    who: str
    at: datetime
    straight: bool


@dataclass(frozen=True)
class OwnTask:
    """An open task that this reader may do, and its matter, at the head of a page about it."""

    id: UUID
    title: str
    number: str
    subject: str
    confidential: bool
    revision: int


@dataclass(frozen=True)
class SendingBack(OwnTask):
    """What the page for sending a task back needs; `why` it cannot be."""

    steps: tuple[Step, ...]
    why: str | Message


@dataclass(frozen=True)
class Handing(OwnTask):
    """What the page for handing a task over, or back, needs: who may take it; why nobody may."""

    people: tuple[tuple[UUID, str], ...]
    back_to: str  # who gets it back; "": nobody handed it over
    why: str | Message


def own(session: Session, actor: Actor, task_id: UUID) -> Read:
    """An open task. Raises NotFound when it is not theirs to do."""
    seen = read(session, actor, task_id)
    access.must_see(seen if seen.actionable else None)
    return seen


def head(seen: Read, lang: str) -> dict[str, Any]:
    """The fields of OwnTask."""
    matter = seen.context.row
    return {
        "id": seen.task.id,
        "title": seen.rule.title.in_(lang),
        "number": matter["number"],
        "subject": matter["title"],
        "confidential": matter["confidential"],
        "revision": seen.task.revision,
    }


def recall(found: Read, actor: Actor) -> str | Message | None:
    """Why this reader cannot take back what they have done; None where there is nothing to say."""
    task = found.task
    mine = task.state == TaskState.DONE and task.closed_by == actor.id
    if not mine or RECALL not in found.rule.verbs or found.context.row["state"] in FINAL:
        return None
    return going_back.against(found.context, task) or ""


def sent_back(seen: Read, lang: str) -> Handed | None:
    """Who sent an open task back to this step, from where, in their own words."""
    task = seen.task
    if task.sent_from is None or not seen.is_open:
        return None
    found = _told(seen, "task_sent_back", f'"to":"{task.element}"')
    at = seen.context.process.title_of(task.sent_from, lang)
    return Handed(_actor(found), str(aside.shown(found["reason"])), at)


def _told(seen: Read, kind: str, about: str) -> dict[str, Any]:
    """The body of the last event of a kind that holds a text."""
    last = select(_event.body, _event.words).where(
        _event.instance_id == seen.task.instance_id,
        _event.kind == kind,
        _event.body.contains(about, autoescape=True),
    )
    found = seen.context.session.execute(last.order_by(_event.seq.desc()).limit(1)).one()
    return aside.told(found.body, found.words)


def _actor(body: Mapping[str, Any]) -> str:
    """Who did it, and in whose place."""
    name, principal = body["actor"]["name"], body.get("on_behalf_of")
    if not principal:
        return str(name)
    return _("{who}（代{principal}）", who=name, principal=principal["name"])


def sending_back(session: Session, actor: Actor, task_id: UUID, lang: str = "zh") -> SendingBack:
    """To which steps a task may be sent back. Raises NotFound when it is not theirs to do."""
    seen = own(session, actor, task_id)
    context, title_of = seen.context, seen.context.process.title_of
    why = verbs.against(context.process, seen.rule, SEND_BACK) or ""
    found = () if why else going_back.targets(context, seen.task)
    names = organisation.names(session, (each.done_by for each in found if each.done_by))
    return SendingBack(
        **head(seen, lang),
        steps=tuple(
            Step(
                each.element,
                title_of(each.element, lang),
                names.get(each.done_by, "") if each.done_by else "",
                at=each.done_at,
                straight=each.straight,
            )
            for each in found
        ),
        why=why,
    )


@dataclass(frozen=True)
class SteppingAside(OwnTask):
    """What the page for stepping aside needs: how many others on the seat may do the task, else the
    name of who gets it, "" where nobody does.
    """

    others: int
    to: str


def stepping_aside(
    session: Session, actor: Actor, task_id: UUID, lang: str = "zh"
) -> SteppingAside:
    """Who does a task if this person steps aside. Raises NotFound when it is not theirs to do."""
    seen = own(session, actor, task_id)
    others = verbs.takers(seen.context, seen.task)
    to = None if others else verbs.stand_in(seen.context, seen.task)
    return SteppingAside(
        **head(seen, lang),
        others=len(others),
        to=to.name if to else "",
    )


def handed(found: Read, names: Named) -> Handed | None:
    """Who handed an open task over, in their own words."""
    task = found.task
    if task.handed_by is None or not found.is_open:
        return None
    told = _told(found, "task_handed_over", f'"id":"{task.id}"')
    return Handed(names.get(task.handed_by), str(aside.shown(told["reason"])))


def handing(session: Session, actor: Actor, task_id: UUID, lang: str = "zh") -> Handing:
    """Who may take a task in this person's place. Raises NotFound when it is not theirs to do."""
    seen = own(session, actor, task_id)
    task, context = seen.task, seen.context
    why = verbs.against(context.process, seen.rule, HAND_OVER) or ""
    takers = [] if why else verbs.takers(context, task)
    mine = task.handed_by if task.assignee_id == actor.id else None
    return Handing(
        **head(seen, lang),
        people=tuple((person.id, person.name) for person in takers),
        back_to=organisation.names(session, [mine]).get(mine, "") if mine else "",
        why=why,
    )
