"""Who acts for whom while somebody is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields, validate

from engine.commands.people import deputies as naming
from engine.queries import deputies as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Day, Text
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("deputies", "Who acts for you while you are away, and for whom you act.")


class NewDeputy(schemas.Sent):
    """Both days count. `due_only`: only what falls due by the last one."""

    to = schemas.Id(required=True)
    from_on = Day(required=True)
    to_on = Day(required=True)
    processes = fields.List(Text(100, 1), required=True, validate=validate.Length(1, 50))
    due_only = fields.Boolean(load_default=False)


class DeputyShape(Schema):
    class Meta:
        title = "Deputy"

    id = fields.UUID(required=True)
    member_id = fields.UUID(metadata={"description": "Who is away."})
    member = fields.String()
    deputy_id = fields.UUID()
    deputy = fields.String()
    mine = fields.Boolean(metadata={"description": "You are the one who is away."})
    from_on = fields.Date()
    to_on = fields.Date()
    processes = fields.List(fields.String(), metadata={"description": "Their titles."})
    due_only = fields.Boolean()
    state = schemas.Choice("coming", "now", "over")


class LentProcess(Schema):
    id = fields.String(required=True)
    title = fields.String()


class DeputyList(Schema):
    """Yours, the newest first, and the processes of which something may be lent."""

    items = fields.List(fields.Nested(DeputyShape), required=True)
    processes = fields.List(fields.Nested(LentProcess))


NamedDeputy = Schema.from_dict({"id": fields.UUID(required=True)}, name="NamedDeputy")


@routes.look("/deputies", DeputyList)
def list_deputies(session: Session, actor: Actor) -> dict[str, Any]:
    """Who acts for you, and for whom you act."""
    found = reading.deputies(session, actor, lang())
    titles = [{"id": key, "title": title} for key, title in found.processes]
    return {"items": found.found, "processes": titles}


@routes.act("/deputies", NamedDeputy, body=NewDeputy, status=201)
def name_deputy(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """Name somebody of your union to act for you."""
    return {"id": naming.name(session, actor, **given)}


@routes.act("/deputies/<uuid:deputy_id>/end", status=204)
def end_deputy(session: Session, actor: Actor, deputy_id: UUID) -> None:
    """End it before its last day, as who named the deputy or as the deputy."""
    naming.end(session, actor, deputy_id)
