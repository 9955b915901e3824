"""Matters of one process side by side, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from marshmallow import Schema, fields

from engine.errors import Invalid
from engine.messages import _
from engine.queries import present, side_by_side
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Moment, Text
from webui.http.words import lang

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.side_by_side import SideBySide

routes = Routes("side_by_side", "Matters beside one another, and where they differ.")


class Asked(schemas.Asked):
    matters = Text(
        200, required=True, metadata={"description": "Ids of two to four, with commas between."}
    )


class BesideHead(Schema):
    id = fields.UUID(required=True)
    number = fields.String()
    title = fields.String()
    who = fields.String()
    at = Moment()


class BesidePiece(Schema):
    """A piece of a text against that of the first: "-" gone, "+" come, " " in both."""

    sign = fields.String()
    text = fields.String()


class BesideSaid(Schema):
    value = fields.Function(lambda said: present.text_of(said.words))
    pieces = fields.List(fields.Nested(BesidePiece))


class BesideLine(Schema):
    label = fields.String(required=True)
    step = fields.String()
    alike = fields.Boolean()
    said = fields.List(fields.Nested(BesideSaid))


class BesideShape(Schema):
    """Matters of one process side by side, and how each differs from the first."""

    heads = fields.List(fields.Nested(BesideHead), required=True)
    lines = fields.List(fields.Nested(BesideLine))


@routes.look("/side-by-side", BesideShape, query=Asked)
def compare(session: Session, actor: Actor, given: dict[str, Any]) -> SideBySide:
    """Two to four matters of one process side by side."""
    try:
        ids = [UUID(each.strip()) for each in given["matters"].split(",")]
    except ValueError:
        raise Invalid({"matters": [_("写 2 至 4 件的 id，中间用逗号。")]}) from None
    return side_by_side.side_by_side(session, actor, ids, lang())
