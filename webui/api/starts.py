"""What the calendar starts: what it could not and why, what comes, what was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import starts as commands
from engine.db.states import StartState
from engine.queries import starts
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import InWords, Said

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("starts", "What the calendar starts by itself.")


class StartShape(Schema):
    """`id`: none of what is still to come; `why`: nothing was started."""

    id = fields.UUID(allow_none=True)
    union_id = fields.UUID(required=True)
    process_id = fields.String(required=True)
    title = InWords()
    post = fields.String(metadata={"description": "Of whoever has it in hand."})
    day = fields.Date(required=True)
    state = schemas.Choice(starts.COMING, *StartState)
    why = Said()
    instance_id = fields.UUID(allow_none=True)
    number = fields.String()


StartList = Schema.from_dict(
    {"items": fields.List(fields.Nested(StartShape), required=True)}, name="StartList"
)


@routes.look("/calendar-starts", StartList)
def list_starts(session: Session, actor: Actor) -> dict[str, Any]:
    """Of the unions whose desk one keeps: what was missed, what comes within a year, what was."""
    return {"items": starts.starts(session, actor)}


@routes.act("/calendar-starts/<uuid:start_id>/drop", body=schemas.Reason, status=204)
def drop_start(session: Session, actor: Actor, given: dict[str, Any], start_id: UUID) -> None:
    """Say that nothing has to be started for this day any more."""
    commands.drop(session, actor, start_id, given["reason"])
