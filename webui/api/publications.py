"""What was published to me, and objecting to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import objections
from engine.queries import publications
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Answers, Moment
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("publications", "What matters publish to a circle, whose members may object.")
ONE = "/publications/<uuid:publication_id>"


class ObjectionMade(Schema):
    """My objection; `receipt` is its digest in the history."""

    at = Moment()
    receipt = fields.String(required=True)
    answers = fields.List(fields.Nested(schemas.Answered))


class PublicationShape(Schema):
    """The facts that a matter shows to its circle; nothing else of the matter is shown by it."""

    class Meta:
        title = "Publication"

    id = fields.UUID(required=True)
    title = fields.String()
    asks = fields.String()
    union = fields.String()
    shown = fields.List(fields.Nested(schemas.Answered))
    opened_at = Moment()
    until = Moment()
    last_day = fields.Date()
    open = fields.Boolean(metadata={"description": "Does it still stand."})
    takes = fields.Boolean(metadata={"description": "May I object now."})
    suspended = fields.Boolean()
    form = fields.Nested(schemas.Form)
    offers = schemas.Offers()
    mine = fields.Nested(ObjectionMade, allow_none=True)


class Published(Schema):
    items = fields.List(fields.Nested(PublicationShape), required=True)


class Objection(schemas.Sent):
    answers = Answers(required=True, metadata={"description": "Of the form of the publication."})


class Receipt(Schema):
    """`receipt`: the digest of what was said, as it stands in the history."""

    receipt = fields.String(required=True)


@routes.look("/publications", Published)
def list_publications(session: Session, actor: Actor) -> dict[str, Any]:
    """What stands open to me, the soonest to end first, and to what I have objected."""
    return {"items": publications.publications(session, actor, lang())}


@routes.look(ONE, PublicationShape)
def get_publication(
    session: Session, actor: Actor, publication_id: UUID
) -> publications.Publication:
    """One of them."""
    return publications.publication(session, actor, publication_id, lang())


@routes.act(f"{ONE}/objections", Receipt, body=Objection, status=201)
def make_objection(
    session: Session, actor: Actor, given: dict[str, Any], publication_id: UUID
) -> dict[str, Any]:
    """Object, once; nothing has to be sent by whoever does not."""
    return {"receipt": objections.make(session, actor, publication_id, given["answers"])}
