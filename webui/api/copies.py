"""Sending a matter to people for information, and what was sent to me."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields
from marshmallow.validate import Length

from engine.commands import confidence
from engine.commands.verbs import copying
from engine.queries import copies as reading
from engine.queries import instance as matters
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.instances.shapes import Moved
from webui.api.schemas import Moment, Text
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("copies", "Matters sent for information; that they were read is on record.")
OF = "/process-instances/<uuid:instance_id>/copies"
COPY = "/copies/<uuid:copy_id>"


class CopyShape(Schema):
    """What one person sent to another; the note is for these two only."""

    class Meta:
        title = "Copy"

    id = fields.UUID(required=True)
    by = fields.String()
    to = fields.String()
    at = Moment()
    read_at = Moment(allow_none=True)
    withdrawn_at = Moment(allow_none=True)
    place = fields.String(metadata={"description": "The task at which it was sent."})
    text = fields.String()
    mine = fields.Boolean(metadata={"description": "I sent it."})
    to_me = fields.Boolean()


class CandidateShape(Schema):
    """Somebody to whom a matter could be sent, and why it cannot; empty if it can."""

    class Meta:
        title = "Candidate"

    id = fields.UUID(required=True)
    name = fields.String()
    unit = fields.String()
    why = schemas.Said()


class CopiesPage(Schema):
    """What was sent of a matter; `people` have a part in it, `found` are those that q names."""

    items = fields.List(fields.Nested(CopyShape), required=True, attribute="copies")
    people = fields.List(fields.Nested(CandidateShape))
    found = fields.List(fields.Nested(CandidateShape))
    may = fields.Boolean(metadata={"description": "I may send it."})


class WhomToFind(schemas.Sent):
    q = Text(100, load_default="", metadata={"description": "A name, or a part of one."})


class NewCopies(schemas.Sent):
    to = fields.List(schemas.Id(), required=True, validate=Length(min=1, max=copying.MOST))
    text = Text(copying.LONGEST, load_default="")
    element = Text(100, load_default="", metadata={"description": "The task at which it is sent."})


CopiesMade = Schema.from_dict({"ids": fields.List(fields.UUID())}, name="CopiesMade")


class ReceivedShape(Schema):
    """What somebody sent me. `subject` is empty of a confidential matter."""

    class Meta:
        title = "Received"

    id = fields.UUID(required=True)
    instance_id = fields.UUID()
    number = fields.String()
    subject = fields.String()
    by = fields.String()
    at = Moment()
    read_at = Moment(allow_none=True)
    text = fields.String()


ReceivedList = Schema.from_dict(
    {"items": fields.List(fields.Nested(ReceivedShape), required=True)}, name="ReceivedList"
)


def _sees(session: Session, actor: Actor, instance_id: UUID) -> None:
    matters.must_see(session, actor, instance_id)


@routes.look(OF, CopiesPage, query=WhomToFind, recorded=True)
def list_copies(
    session: Session, actor: Actor, wanted: dict[str, Any], instance_id: UUID
) -> reading.Page:
    """Who got a matter for information, who has read it, and whom one may send it to."""
    asked = reading.Asked(words=wanted["q"])
    page = reading.page(session, actor, instance_id, asked, lang())
    if page.confidential:
        confidence.note_reading(session, actor, instance_id)
    return page


@routes.act(OF, CopiesMade, body=NewCopies, status=201, sees=_sees)
def send_copies(
    session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID
) -> dict[str, list[UUID]]:
    """Send a matter to people, who may read it then and decide nothing; moves nothing."""
    to, text, element = given["to"], given["text"], given["element"]
    return {"ids": copying.send(session, actor, instance_id, to, text, element=element)}


@routes.look("/copies", ReceivedList)
def list_received(session: Session, actor: Actor) -> dict[str, Any]:
    """What was sent to me, unread first, then the newest."""
    return {"items": reading.received(session, actor)}


@routes.look(COPY, ReceivedShape, recorded=True)
def get_copy(session: Session, actor: Actor, copy_id: UUID) -> reading.Received:
    """What was sent to me. That I have read it is recorded, once."""
    copying.note_reading(session, actor, reading.of_me(session, actor, copy_id).instance_id)
    return reading.of_me(session, actor, copy_id)


@routes.act(f"{COPY}/withdraw", Moved)
def withdraw_copy(session: Session, actor: Actor, copy_id: UUID) -> dict[str, UUID]:
    """Take back what I sent while it was not read; whoever has no other right sees it no more."""
    return {"instance_id": copying.withdraw(session, actor, copy_id)}
