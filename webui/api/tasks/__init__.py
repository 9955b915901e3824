"""User tasks: my inbox, one task with its form, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import url_for

from engine import clock
from engine.commands import confidence, holding, outside, tasks
from engine.commands.verbs import openings
from engine.queries import inbox as waiting
from engine.queries import tasks as reading
from engine.queries import vacancies
from webui.api.instances.shapes import Moved
from webui.api.tasks import batches, mine, verbs
from webui.api.tasks.group import ONE, routes
from webui.api.tasks.shapes import (
    Complete,
    Completed,
    InboxPage,
    LinkShape,
    LinkTo,
    TaskShape,
    VacantPage,
    Waiting,
)
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.inbox import Inbox
    from engine.queries.tasks import Task

__all__ = ["batches", "mine", "routes", "verbs"]  # the modules, as their routes belong to the group


@routes.look("/tasks", InboxPage, query=Waiting)
def list_tasks(session: Session, actor: Actor, given: dict[str, Any]) -> Inbox:
    """What waits for me, soonest due first, with counts over all of it."""
    return waiting.inbox(session, actor, lang=lang(), **given)


@routes.look("/vacancies", VacantPage)
def list_vacancies(session: Session, actor: Actor) -> dict[str, Any]:
    """Open tasks that nobody can do, in matters that I launched or whose office I keep."""
    return {"items": vacancies.vacancies(session, actor, lang()), "next": None}


@routes.look(ONE, TaskShape, recorded=True)
def get_task(session: Session, actor: Actor, task_id: UUID) -> Task:
    """One task that is or was mine. If its matter is confidential, this is recorded."""
    found = reading.task(session, actor, task_id, lang())
    if found.confidential:
        confidence.note_reading(session, actor, found.instance_id)
    if found.actionable:
        openings.note(session, actor, task_id, recorded=found.recorded)
    return found


@routes.act(f"{ONE}/claim", Moved)
def claim(session: Session, actor: Actor, task_id: UUID) -> dict[str, UUID]:
    """Take a task of one of my seats for myself."""
    return {"instance_id": tasks.claim(session, actor, task_id)}


@routes.act(f"{ONE}/release", Moved)
def release(session: Session, actor: Actor, task_id: UUID) -> dict[str, UUID]:
    """Give a claimed task back to its seat."""
    return {"instance_id": tasks.release(session, actor, task_id)}


@routes.act(f"{ONE}/undo", Moved)
def undo(session: Session, actor: Actor, task_id: UUID) -> dict[str, UUID]:
    """Take back an act of mine that is held: the task is open as before, the answers are a draft.
    409 `too_late` when its time is over.
    """
    return {"instance_id": holding.withdraw(session, actor, task_id)}


@routes.act(f"{ONE}/complete", Completed, body=Complete)
def complete(
    session: Session, actor: Actor, given: dict[str, Any], task_id: UUID
) -> dict[str, Any]:
    """Finish a task with the answers to its form; its draft is forgotten. Of what happened on an
    earlier day, the first answer is 409 `late_entry`.
    """
    held = tasks.open_task(session, actor, task_id, given["revision"])
    until = holding.submit(held, given["answers"], given["seen"], seconds=given["hold"])
    return {"instance_id": held.task.instance_id, "held_until": until}


@routes.act(f"{ONE}/links", LinkShape, body=LinkTo, status=201, keyed=False)
def send_link(
    session: Session, actor: Actor, given: dict[str, Any], task_id: UUID
) -> dict[str, Any]:
    """A one-time link by which somebody outside answers this task; shown once, so there is no key.

    Older links end.
    """
    token = outside.invite(session, actor, task_id, given["to"])
    link = url_for("outside.letter", token=token, _external=True)
    return {"link": link, "to": given["to"], "ends_at": clock.now() + outside.VALID}
