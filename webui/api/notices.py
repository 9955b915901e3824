"""How one wants to be told of what waits, and what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import current_app
from marshmallow import Schema, fields

from engine.commands import notices
from engine.people import wishes
from engine.queries import notices as reading
from engine.settings import CHANNELS
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Moment, Text

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("notices", "How you are told outside of the pages, and proof of it.")


class WishesSent(schemas.Sent):
    """What is left out holds as it does for whoever said nothing. Times are HH:MM in China, or ""
    for none.
    """

    channels = fields.List(
        schemas.Choice(*CHANNELS),
        metadata={"description": "Those you want; left out, all that there are."},
    )
    digest = Text(5, metadata={"description": "When the one message of the day comes."})
    singly = schemas.Choice(*wishes.SINGLY)
    quiet_from = Text(5)
    quiet_to = Text(5)


class WishesShape(Schema):
    class Meta:
        title = "Wishes"

    channels = fields.List(fields.String(), allow_none=True)
    digest = fields.String()
    singly = fields.String()
    quiet_from = fields.String()
    quiet_to = fields.String()
    there = fields.List(
        fields.String(), metadata={"description": "The channels of this installation."}
    )


class SentShape(Schema):
    """A message to you. `doubtful`: attempts of which nobody knows whether they went out."""

    class Meta:
        title = "SentMessage"

    id = fields.UUID(required=True)
    channel = fields.String()
    digest = fields.Boolean()
    state = fields.String()
    asked_at = Moment()
    next_at = Moment()
    tries = fields.Integer()
    doubtful = fields.Integer()
    sent_at = Moment(allow_none=True)
    read_at = Moment(allow_none=True)
    host = fields.String()
    proof = fields.String(metadata={"description": "What the channel answered."})
    why = fields.String()


SentList = Schema.from_dict(
    {"items": fields.List(fields.Nested(SentShape), required=True)}, name="SentList"
)


@routes.look("/notices", SentList)
def list_notices(session: Session, actor: Actor) -> dict[str, Any]:
    """The newest messages to you, and what became of each."""
    return {"items": reading.sent(session, actor.id)}


@routes.look("/notices/wishes", WishesShape)
def get_wishes(session: Session, actor: Actor) -> dict[str, Any]:
    """How you want to be told."""
    wanted, _account = reading.wished(session, actor)
    return {**wanted.stored(), "there": current_app.config["YIXING"].channels}


@routes.act("/notices/wishes", body=WishesSent, method="PUT", status=204)
def set_wishes(session: Session, actor: Actor, given: dict[str, Any]) -> None:
    """Say how you want to be told."""
    notices.wish(session, actor, given)


@routes.act("/notices/<uuid:sending_id>/again", status=204)
def send_again(session: Session, actor: Actor, sending_id: UUID) -> None:
    """Let a message that was given up be tried once more."""
    notices.again(session, actor, sending_id)
