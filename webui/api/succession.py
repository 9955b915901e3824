"""When people change: open work handed over, posts taken over or moved, a term ended, one person
entered twice joined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import people, succession
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Day, Id, Text

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("succession", "Successors, moves, ends of terms, one person entered twice.")


class HandOver(schemas.Sent):
    to = Id(required=True)
    reason = Text(500, 2, required=True)


class HandedOver(Schema):
    handed = fields.Integer(required=True, metadata={"description": "Tasks, each with a record."})


class Join(schemas.Sent):
    into = Id(required=True, metadata={"description": "The account that is kept."})
    why = Text(200, 2, required=True)


class Replace(schemas.Sent):
    member_id = Id(required=True)
    on = Day(required=True, metadata={"description": "The successor's first day."})
    why = Text(200, 2, required=True)


class Move(schemas.Sent):
    unit_id = Id(required=True)
    on = Day(required=True, metadata={"description": "The first day in the other unit."})
    why = Text(200, 2, required=True)


class EndTerm(schemas.Sent):
    union = Id(load_default=None, metadata={"description": "Without it one's own."})
    term = Text(40, 1, required=True)
    last = Day(required=True, metadata={"description": "Its last day."})


class Ended(Schema):
    ended = fields.Integer(required=True, metadata={"description": "Posts."})


@routes.act("/members/<uuid:member_id>/hand-over", HandedOver, body=HandOver)
def hand_over(
    session: Session, actor: Actor, given: dict[str, Any], member_id: UUID
) -> dict[str, int]:
    """Give somebody's open tasks to another member (secretary)."""
    handed = succession.hand_over(session, actor, member_id, given["to"], given["reason"])
    return {"handed": handed}


@routes.act("/members/<uuid:member_id>/join", body=Join, status=204)
def join(session: Session, actor: Actor, given: dict[str, Any], member_id: UUID) -> None:
    """This account and another are one person: posts and open work go there, this one is put out of
    use.
    """
    succession.join(session, actor, member_id, given["into"], given["why"])


@routes.act("/posts/<uuid:post_id>/replace", schemas.PostMade, body=Replace, status=201)
def replace(session: Session, actor: Actor, given: dict[str, Any], post_id: UUID) -> dict[str, Any]:
    """Somebody else holds the post for the rest of its term."""
    made = succession.replace(session, actor, post_id, **given)
    return {"id": made, "waits": people.waits(session, made)}


@routes.act("/posts/<uuid:post_id>/move", schemas.PostMade, body=Move, status=201)
def move(session: Session, actor: Actor, given: dict[str, Any], post_id: UUID) -> dict[str, Any]:
    """The post is held in another unit from a day on."""
    made = succession.move(session, actor, post_id, **given)
    return {"id": made, "waits": people.waits(session, made)}


@routes.act("/terms/end", Ended, body=EndTerm)
def end_term(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, int]:
    """End all posts by category of a term, so that the next one can begin."""
    union = given["union"] or actor.union_id
    return {"ended": succession.end_term(session, actor, union, given["term"], given["last"])}
