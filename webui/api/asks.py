"""What people ask one another beside the decision of a task: to prepare it, or for an opinion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import confidence
from engine.commands.verbs import asking
from engine.definitions.verbs import ASKING
from engine.queries import asks as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.instances.shapes import Moved
from webui.api.schemas import Answers, Moment, Text, Whole
from webui.api.tasks.asked import AskShape
from webui.api.tasks.group import ONE
from webui.api.tasks.shapes import Taker
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("asks", "Asking somebody beside the decision of a task; whoever asks decides.")
ASK = "/asks/<uuid:ask_id>"


class AskableList(Schema):
    """Whom one may ask about a task; `why` nothing of the kind can be asked, empty if it can."""

    items = fields.List(fields.Nested(Taker))
    why = fields.Dict(keys=fields.String(), values=schemas.Said())


class NewAsk(schemas.Sent):
    what = schemas.Choice(
        *ASKING,
        required=True,
        metadata={
            "description": "delegate: prepare the answers; join: an opinion on which the task waits."
        },
    )
    to = schemas.Id(required=True)
    text = Text(asking.LONGEST, 1, required=True)
    after = fields.Boolean(
        load_default=False, metadata={"description": "Show what I have written so far, my draft."}
    )
    revision = Whole(0, 2**31 - 1, load_default=None, allow_none=True)


class AskAnswer(schemas.Sent):
    text = Text(asking.LONGEST, load_default="")
    view = schemas.Choice(*asking.VIEWS, load_default=None, allow_none=True)
    answers = Answers(load_default=dict, metadata={"description": "To the form of the task."})


class AskWaiting(Schema):
    id = fields.UUID(required=True)
    what = schemas.Choice(*ASKING)
    by = fields.String()
    at = Moment()
    number = fields.String()
    title = fields.String()


AskList = Schema.from_dict(
    {"items": fields.List(fields.Nested(AskWaiting), required=True)}, name="AskList"
)


class AskPage(Schema):
    """What I was asked, or have asked; `asked`: I am who was."""

    ask = fields.Nested(AskShape)
    task_id = fields.UUID()
    instance_id = fields.UUID()
    number = fields.String()
    subject = fields.String()
    title = fields.String()
    asks = fields.String()
    asked = fields.Boolean()


@routes.look(f"{ONE}/askable", AskableList)
def list_askable(session: Session, actor: Actor, task_id: UUID) -> dict[str, Any]:
    """Whom I may ask about a task of mine."""
    found = reading.asking(session, actor, task_id, lang())
    return {"items": [{"id": key, "name": name} for key, name in found.people], "why": found.why}


@routes.act(f"{ONE}/asks", schemas.Made, body=NewAsk, status=201)
def ask(session: Session, actor: Actor, given: dict[str, Any], task_id: UUID) -> dict[str, UUID]:
    """Ask somebody to prepare the answers of my open task, or for an opinion before it is done."""
    return {"id": asking.ask(session, actor, task_id, **given)}


@routes.look("/asks", AskList)
def list_asks(session: Session, actor: Actor) -> dict[str, Any]:
    """What I am asked and have not answered, oldest first."""
    return {"items": reading.waiting(session, actor)}


@routes.look(ASK, AskPage, recorded=True)
def get_ask(session: Session, actor: Actor, ask_id: UUID) -> reading.Page:
    """What I was asked, or have asked. If its matter is confidential, this is recorded."""
    found = reading.page(session, actor, ask_id, lang())
    if found.confidential:
        confidence.note_reading(session, actor, found.instance_id)
    return found


@routes.act(f"{ASK}/answer", Moved, body=AskAnswer)
def answer_ask(
    session: Session, actor: Actor, given: dict[str, Any], ask_id: UUID
) -> dict[str, UUID]:
    """Answer what I was asked: the answers of the task, or an opinion."""
    return {"instance_id": asking.answer(session, actor, ask_id, given)}


@routes.act(f"{ASK}/decline", Moved, body=schemas.Reason)
def decline_ask(
    session: Session, actor: Actor, given: dict[str, Any], ask_id: UUID
) -> dict[str, UUID]:
    """Say that I cannot answer, and why; nobody waits for me any more."""
    return {"instance_id": asking.decline(session, actor, ask_id, given["reason"])}


@routes.act(f"{ASK}/withdraw", Moved)
def withdraw_ask(session: Session, actor: Actor, ask_id: UUID) -> dict[str, UUID]:
    """Take back what was asked while nobody has answered: by who asked, or who has the task."""
    return {"instance_id": asking.withdraw(session, actor, ask_id)}


@routes.act(f"{ASK}/adopt", status=204)
def adopt_ask(session: Session, actor: Actor, ask_id: UUID) -> None:
    """Take what somebody prepared for my task as my draft, in place of any other."""
    asking.adopt(session, actor, ask_id)
