"""What may be done with a task beside its decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands.verbs import handing, returning, stepping_aside
from engine.queries import beside as reading
from webui.api import schemas
from webui.api.instances.shapes import Moved
from webui.api.schemas import Moment, Text, Whole
from webui.api.tasks.group import ONE, routes
from webui.api.tasks.shapes import TakerList
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor


class HandOverTask(schemas.Sent):
    to = schemas.Id(required=True, metadata={"description": "One of /takers."})
    reason = Text(500, 1, required=True)
    revision = Whole(0, 2**31 - 1, load_default=None, allow_none=True)


class SendBack(schemas.Sent):
    to = Text(100, 1, required=True, metadata={"description": "One of /earlier-steps."})
    reason = Text(500, 1, required=True)
    straight = fields.Boolean(
        load_default=False,
        metadata={"description": "Once done it leads straight back; else the whole way again."},
    )
    revision = Whole(0, 2**31 - 1, load_default=None, allow_none=True)


class StepShape(Schema):
    class Meta:
        title = "EarlierStep"

    element = fields.String(required=True)
    title = fields.String()
    who = fields.String()
    at = Moment()
    straight = fields.Boolean()


StepList = Schema.from_dict(
    {
        "items": fields.List(fields.Nested(StepShape), required=True),
        "why": schemas.Said(metadata={"description": "Why there are none; empty else."}),
    },
    name="StepList",
)


@routes.look(f"{ONE}/takers", TakerList)
def list_takers(session: Session, actor: Actor, task_id: UUID) -> dict[str, Any]:
    """Who may take this task in my place: others on its seat, against whom nothing stands."""
    found = reading.handing(session, actor, task_id, lang())
    people = [{"id": key, "name": name} for key, name in found.people]
    return {"items": people, "why": found.why}


@routes.act(f"{ONE}/hand-over", Moved, body=HandOverTask)
def hand_over(
    session: Session, actor: Actor, given: dict[str, Any], task_id: UUID
) -> dict[str, UUID]:
    """Give my open task to somebody on its seat, with a reason; they may give it back."""
    reason, revision = given["reason"], given["revision"]
    key = handing.hand_over(session, actor, task_id, given["to"], reason, revision=revision)
    return {"instance_id": key}


@routes.act(f"{ONE}/give-back", Moved, body=schemas.Reason)
def give_back(
    session: Session, actor: Actor, given: dict[str, Any], task_id: UUID
) -> dict[str, UUID]:
    """Give a task back to who handed it over to me, with a reason."""
    return {"instance_id": handing.give_back(session, actor, task_id, given["reason"])}


@routes.look(f"{ONE}/earlier-steps", StepList)
def list_earlier_steps(session: Session, actor: Actor, task_id: UUID) -> dict[str, Any]:
    """To which steps this task may be sent back, the last one first."""
    found = reading.sending_back(session, actor, task_id, lang())
    return {"items": found.steps, "why": found.why}


@routes.act(f"{ONE}/send-back", Moved, body=SendBack)
def send_back(
    session: Session, actor: Actor, given: dict[str, Any], task_id: UUID
) -> dict[str, UUID]:
    """Send my open task back to an earlier step, with a reason."""
    return {"instance_id": returning.send_back(session, actor, task_id, **given)}


@routes.act(f"{ONE}/recall", Moved)
def recall(session: Session, actor: Actor, task_id: UUID) -> dict[str, UUID]:
    """Take back what I have done, while nobody else has opened what came next: 409 `too_late`
    else.
    """
    return {"instance_id": returning.take_back(session, actor, task_id)}


@routes.act(f"{ONE}/step-aside", Moved, body=schemas.Reason)
def step_aside(
    session: Session, actor: Actor, given: dict[str, Any], task_id: UUID
) -> dict[str, UUID]:
    """Step aside from the matter of my open task, and say why; others on its seat, or the office,
    go on.
    """
    return {"instance_id": stepping_aside.step_aside(session, actor, task_id, given["reason"])}


@routes.act("/process-instances/<uuid:instance_id>/step-back", Moved)
def step_back(session: Session, actor: Actor, instance_id: UUID) -> dict[str, UUID]:
    """Take it back that I stepped aside; 409 `too_late` once somebody else has taken over."""
    return {"instance_id": stepping_aside.step_back(session, actor, instance_id)}
