"""What takes two people, as it waits for the second one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import deciding
from engine.queries import proposals as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Moment, Said

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("proposals", "What takes two people, as it waits for the second one.")


class MoveShape(Schema):
    """A deadline that an approval would move."""

    instance_id = fields.UUID(required=True)
    number = fields.String()
    element = fields.String()
    was = fields.String()
    due = fields.String()


class ProposalShape(Schema):
    """A proposal; `elsewhere`: deadlines it would move in matters that are not yours to see."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    what = Said(required=True)
    note = fields.String()
    proposer = fields.String()
    created_at = Moment()
    mine = fields.Boolean()
    decides = fields.Boolean()
    link = fields.String()
    moves = fields.List(fields.Nested(MoveShape))
    elsewhere = fields.Integer()
    takes_back = fields.Boolean(metadata={"description": "It is yours to take back."})
    whence = fields.String(
        metadata={
            "description": "Of a post: by what you are the second person, union, superior (of the "
            "union that manages it) or installation."
        }
    )


ProposalPage = schemas.page("ProposalPage", ProposalShape)


@routes.look("/proposals", ProposalPage)
def list_proposals(session: Session, actor: Actor) -> dict[str, Any]:
    """What waits and is yours to see, oldest first."""
    return {"items": reading.waiting(session, actor), "next": None}


@routes.act("/proposals/<uuid:proposal_id>/approve", status=204)
def approve_proposal(session: Session, actor: Actor, proposal_id: UUID) -> None:
    """Approve what somebody else proposed, which carries it out."""
    deciding.decide(session, actor, proposal_id, True)


@routes.act("/proposals/<uuid:proposal_id>/refuse", status=204)
def refuse_proposal(session: Session, actor: Actor, proposal_id: UUID) -> None:
    """Refuse what somebody else proposed."""
    deciding.decide(session, actor, proposal_id, False)


@routes.act("/proposals/<uuid:proposal_id>/take-back", status=204)
def take_back_proposal(session: Session, actor: Actor, proposal_id: UUID) -> None:
    """Take back what you proposed: a post that waits for a second person."""
    deciding.take_back(session, actor, proposal_id)
