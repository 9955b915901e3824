"""What a process counts back from a day: before a launch, and of what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.errors import Conflict
from engine.messages import _
from engine.people import access, posts
from engine.queries import plans
from webui.api import schemas
from webui.api.edge import Routes
from webui.http.words import lang

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("plans", "Steps counted back from a day, each with its last day.")
STATES = ("done", "open", "next", "past", "overdue", "late")


class PlanRule(Schema):
    id = fields.String(required=True)
    words = fields.String()


class PlanStep(Schema):
    title = fields.String(required=True)
    last = fields.Date(required=True, metadata={"description": "Its last day."})
    chosen = fields.Date(allow_none=True, metadata={"description": "The day set for it."})
    state = schemas.Choice(
        *STATES, metadata={"description": "late: it can be kept no more; overdue: not taken."}
    )
    instead = fields.String(metadata={"description": "What else one may do then."})
    rules = fields.List(fields.Nested(PlanRule))


class PlanShape(Schema):
    title = fields.String(required=True)
    day = fields.String(metadata={"description": "What the day is called."})
    on = fields.Date(required=True)
    steps = fields.List(fields.Nested(PlanStep), required=True)
    earliest = fields.Date(
        allow_none=True,
        metadata={"description": "Before a launch: the first day that leaves time for all."},
    )


class PlanUnderWay(Schema):
    id = fields.UUID(required=True)
    number = fields.String()
    subject = fields.String()
    plan = fields.Nested(PlanShape, required=True)


PlanList = Schema.from_dict(
    {"items": fields.List(fields.Nested(PlanUnderWay), required=True)}, name="PlanList"
)


class Planned(schemas.Sent):
    answers = schemas.Answers(
        required=True, metadata={"description": "To the form of the launch, as far as written."}
    )


@routes.act("/process-definitions/<process_id>/plan", PlanShape, body=Planned, keyed=False)
def plan_launch(
    session: Session, actor: Actor, given: dict[str, Any], process_id: str
) -> plans.Plan:
    """The plan of a launch by what is written so far. Nothing is stored."""
    found = plans.preview(session, actor, process_id, given["answers"], lang())
    if found is None:
        raise Conflict(_("这些内容还没有给出可以倒排的日子。"), code="no_day")
    return found


@routes.look("/plans", PlanList)
def list_plans(session: Session, actor: Actor) -> dict[str, Any]:
    """Of what runs in the unions whose office I hold, the soonest first."""
    unions = access.desk_unions(actor, posts.OFFICE)
    return {"items": plans.under_way(session, actor, unions, lang())}
