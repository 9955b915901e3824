"""Conditions on which somebody agreed, followed up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import provisos
from engine.queries import instance as matters
from engine.queries import provisos as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.instances.shapes import Moved
from webui.api.schemas import Moment, Text
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("provisos", "Conditions on which somebody agreed, until they are met.")
OF = "/process-instances/<uuid:instance_id>/conditions"
ONE = f"{OF}/<uuid:decision>/<int:no>"


class ConditionSaid(Schema):
    """What somebody said of a condition: reported, met or unmet."""

    did = fields.String()
    who = fields.String()
    at = Moment()
    text = fields.String()


class ConditionShape(Schema):
    """A condition: `decision` is the task at which it was set, `no` its row, from 1."""

    class Meta:
        title = "Condition"

    decision = fields.UUID(attribute="task_id")
    no = fields.Integer()
    title = fields.String()
    by = fields.String()
    what = fields.String()
    due = fields.Date()
    who = fields.String()
    state = schemas.Choice("open", "reported", "met", "unmet")
    late = fields.Boolean()
    said = fields.List(fields.Nested(ConditionSaid))
    reports = fields.Boolean(metadata={"description": "I may report it."})
    judges = fields.Boolean(metadata={"description": "I may say that it is met or not."})


ConditionList = Schema.from_dict(
    {"items": fields.List(fields.Nested(ConditionShape), required=True)}, name="ConditionList"
)


class ConditionReport(schemas.Sent):
    text = Text(500, 1, required=True)
    files = fields.List(schemas.Id(), load_default=list)


class ConditionJudged(schemas.Sent):
    met = fields.Boolean(required=True)
    text = Text(500, load_default="", metadata={"description": "Why not, where it is not met."})


def _sees(session: Session, actor: Actor, instance_id: UUID, **_more: Any) -> None:
    matters.must_see(session, actor, instance_id)


@routes.look(OF, ConditionList)
def list_conditions(session: Session, actor: Actor, instance_id: UUID) -> dict[str, Any]:
    """The conditions on which somebody agreed in a matter, and what was said of them."""
    return {"items": reading.of_matter(matters.read(session, actor, instance_id), lang())}


@routes.act(f"{ONE}/report", Moved, body=ConditionReport, sees=_sees)
def report_condition(
    session: Session,
    actor: Actor,
    given: dict[str, Any],
    instance_id: UUID,
    decision: UUID,
    no: int,
) -> dict[str, UUID]:
    """Say that a condition is carried out, with papers; who set it confirms."""
    answers = {"text": given["text"], "files": [str(each) for each in given["files"]]}
    return {"instance_id": provisos.report(session, actor, instance_id, (decision, no), answers)}


@routes.act(f"{ONE}/judge", Moved, body=ConditionJudged, sees=_sees)
def judge_condition(
    session: Session,
    actor: Actor,
    given: dict[str, Any],
    instance_id: UUID,
    decision: UUID,
    no: int,
) -> dict[str, UUID]:
    """Say that a condition is met, or is not and why; never by who reported it."""
    return {"instance_id": provisos.judge(session, actor, instance_id, (decision, no), **given)}
