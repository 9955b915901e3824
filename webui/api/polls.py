"""Polls: questions put to a frozen roll."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from marshmallow import Schema, fields

from engine.commands import polls
from engine.errors import Invalid
from engine.queries import polls as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.instances import Moved
from webui.api.schemas import InWords, Moment, Text, lang

if TYPE_CHECKING:
    from engine.db import Session
    from engine.organisation import Actor
    from engine.queries.polls import Poll

routes = Routes("polls", "Questions put to a roll: seconding, rating, countersigning, consent, votes.")
ONE = "/polls/<uuid:poll_id>"
COLUMNS = (
    "id", "instance_id", "element", "kind", "state", "roll_size", "counts", "opened_at", "closes_at", "closed_at",
    "number", "title",
)  # fmt: skip


class Respond(schemas.Sent):
    choice = Text(100, 1, required=True)
    comment = Text(500, load_default="")


class PollRow(Schema):
    """A poll in a list."""

    id = fields.UUID(required=True)
    instance_id = fields.UUID()
    element = fields.String()
    kind = fields.String()
    state = schemas.Choice("open", "closed", "void")
    roll_size = fields.Integer()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    opened_at = Moment()
    closes_at = Moment(allow_none=True)
    closed_at = Moment(allow_none=True)
    number = fields.String()
    title = fields.String()


class Voice(Schema):
    name = fields.String()
    choice = fields.String(allow_none=True)
    comment = fields.String()
    at = Moment(allow_none=True)


class PollShape(Schema):
    """One poll: the question, the rule in numbers, my answer, how it stands."""

    id = fields.UUID(required=True)
    instance_id = fields.UUID()
    task_id = fields.UUID()
    element = fields.String()
    title = fields.String()
    asks = fields.String()
    kind = fields.String()
    choices = fields.List(fields.String())
    labels = fields.Dict(keys=fields.String(), values=InWords())
    rule = fields.Dict()
    state = schemas.Choice("open", "closed", "void")
    roll_size = fields.Integer()
    roll_hash = fields.String()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    outcome = fields.Dict(allow_none=True)
    opened_at = Moment()
    closes_at = Moment(allow_none=True)
    closed_at = Moment(allow_none=True)
    on_roll = fields.Boolean()
    mine = fields.String(allow_none=True)
    my_comment = fields.String()
    closable = fields.Boolean()
    voices = fields.List(fields.Nested(Voice), metadata={"description": "The first 300 on the roll."})


PollPage = schemas.page("PollPage", PollRow)


def sees(session: Session, actor: Actor, poll_id: UUID) -> None:
    """Raise NotFound when the poll is not this person's to see."""
    reading.poll(session, actor, poll_id)


@routes.look("/polls", PollPage, query=schemas.Paged)
def list_polls(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """The polls of instances that I may see, newest first."""
    rows, further = reading.polls(session, actor, _cursor(given["after"]), given["limit"])
    return {"items": [dict(zip(COLUMNS, row, strict=True)) for row in rows], "next": further}


def _cursor(after: str | None) -> UUID | None:
    try:
        return UUID(after) if after else None
    except ValueError:
        raise Invalid({"after": ["翻页标记无效。"]}) from None


@routes.look(ONE, PollShape)
def get_poll(session: Session, actor: Actor, poll_id: UUID) -> Poll:
    """One poll."""
    return reading.poll(session, actor, poll_id, lang())


@routes.act(f"{ONE}/respond", Moved, body=Respond, sees=sees)
def respond(session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID) -> dict[str, UUID]:
    """Answer, once."""
    return {"instance_id": polls.respond(session, actor, poll_id, given["choice"], given["comment"])}


@routes.act(f"{ONE}/withdraw", Moved, sees=sees)
def withdraw_answer(session: Session, actor: Actor, poll_id: UUID) -> dict[str, UUID]:
    """Take my answer back while the poll is open."""
    return {"instance_id": polls.take_back(session, actor, poll_id)}


@routes.act(f"{ONE}/close", Moved, sees=sees)
def close_poll(session: Session, actor: Actor, poll_id: UUID) -> dict[str, UUID]:
    """Close before the window ends, where the rule lets the mover do so."""
    return {"instance_id": polls.close(session, actor, poll_id)}
