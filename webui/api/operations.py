"""What takes longer than a request may: how far it is, what came of it. The routes that begin one
answer 202 with its address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields
from marshmallow.validate import Length

from engine.commands import operations as asking
from engine.commands import packs
from engine.queries import operations
from webui.api import schemas
from webui.api.edge import Binary, Routes
from webui.api.schemas import Moment
from webui.http.sheets import media_type

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.operations import Operation


routes = Routes("operations", "What takes longer than a request may, done by a worker.")
ONE = "/operations/{id}"


class OperationShape(Schema):
    """Something that a worker does for me; it is kept for three days after it ended."""

    id = fields.UUID(required=True)
    kind = schemas.Choice(*sorted(operations.KINDS))
    state = schemas.Choice(*operations.STATES)
    done = fields.Integer(metadata={"description": "Rows, of `total`."})
    total = fields.Integer()
    asked_at = Moment()
    ended_at = Moment(allow_none=True)
    until = Moment(allow_none=True)
    result = fields.Dict(
        keys=fields.String(), metadata={"description": "What came of it: `batch` of an import …"}
    )
    has_file = fields.Boolean(metadata={"description": "Is there a file to be fetched?"})
    refused = schemas.Said()


OperationList = Schema.from_dict(
    {"items": fields.List(fields.Nested(OperationShape), required=True)}, name="OperationList"
)


@routes.look("/operations", OperationList)
def list_operations(session: Session, actor: Actor) -> dict[str, Any]:
    """The last twenty that I asked for, the newest first."""
    return {"items": operations.mine(session, actor)}


@routes.look("/operations/<uuid:operation_id>", OperationShape)
def get_operation(session: Session, actor: Actor, operation_id: UUID) -> Operation:
    """How far it is, and what came of it."""
    return operations.one(session, actor, operation_id)


@routes.look("/operations/<uuid:operation_id>/file", None, media_type="application/octet-stream")
def get_operation_file(session: Session, actor: Actor, operation_id: UUID) -> Binary:
    """The table that came out (.xlsx), the papers (PDF), or the volume (PDF, .docx)."""
    name, data = asking.fetch(session, actor, operation_id)
    return Binary(media_type(name), data, name)


@routes.act("/operations/<uuid:operation_id>/cancel", status=204)
def cancel_operation(session: Session, actor: Actor, operation_id: UUID) -> None:
    """End it before its time: what is written at once is not written; of a list of matters those
    entered stay.
    """
    asking.cancel(session, actor, operation_id)


class PacksOfMany(schemas.Sent):
    instances = fields.List(fields.UUID(), required=True, validate=Length(min=1, max=packs.MANY))


@routes.act(
    "/process-instances/evidence",
    OperationShape,
    body=PacksOfMany,
    status=202,
    at=ONE,
    repeatable=True,
)
def queue_packs(session: Session, actor: Actor, given: dict[str, Any]) -> Operation:
    """Let a worker make the evidence packs of many instances, as one ZIP with a list."""
    key = asking.ask_packs(session, actor, given["instances"])
    return operations.one(session, actor, key)
