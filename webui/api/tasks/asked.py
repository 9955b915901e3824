"""The shape of what was asked beside the decision of a task."""

from __future__ import annotations

from marshmallow import Schema, fields

from engine.commands.verbs.asking import VIEWS
from engine.definitions.verbs import ASKING
from webui.api import schemas
from webui.api.schemas import Moment


class AskShape(Schema):
    """What was asked beside the decision of a task, and what came of it; `waits` for an answer."""

    class Meta:
        title = "Ask"

    id = fields.UUID(required=True)
    what = schemas.Choice(*ASKING)
    by = fields.String()
    to = fields.String()
    at = Moment()
    text = fields.String()
    shown = fields.List(fields.Nested(schemas.Answered))
    answered_at = Moment(allow_none=True)
    answer = fields.String()
    view = schemas.Choice("", *VIEWS)
    prepared = fields.List(fields.Nested(schemas.Answered))
    declined = fields.Boolean()
    withdrawn = fields.Boolean()
    waits = fields.Boolean()
    mine = fields.Boolean()
