"""Invitations to log in, for members who have no password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import url_for
from marshmallow import Schema, fields

from engine.commands import people
from engine.queries import newcomers as reading
from engine.queries.narrowed import Wanted
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Flag, Id, Moment, Text

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.newcomers import Newcomers

routes = Routes("invitations", "Invitations to log in, for members who have no password.")


class NewcomersShape(Schema):
    """Who has never logged in: `count` of all in use; and those without a password, by whether an
    invitation of theirs opens.
    """

    count = fields.Integer(required=True)
    uninvited = fields.List(fields.UUID(), required=True)
    invited = fields.List(fields.UUID(), required=True)


class SlipShape(Schema):
    """What one person is given; `address` is the page where they set a password."""

    member_id = fields.UUID(required=True)
    name = fields.String(required=True)
    username = fields.String(required=True)
    unit = fields.String(required=True)
    address = fields.String(required=True)


class InvitedShape(Schema):
    """The addresses are shown this once. `left_out`: names of those whom an administrator
    invites.
    """

    expires_at = Moment(required=True)
    slips = fields.List(fields.Nested(SlipShape), required=True)
    left_out = fields.List(fields.String(), required=True)


class Asked(schemas.Asked):
    union = Id(load_default=None, metadata={"description": "Without it one's own."})
    q = Text(100, load_default="", metadata={"description": "In name or user name."})
    unit = Id(load_default=None, metadata={"description": "With all units below it."})
    post = Text(50, load_default=None)


class Inviting(schemas.Sent):
    union = Id(load_default=None, metadata={"description": "Without it one's own."})
    members = fields.List(
        Id(), load_default=None, metadata={"description": "These; else a filter."}
    )
    q = Text(100, load_default="")
    unit = Id(load_default=None)
    post = Text(50, load_default=None)
    renew = Flag(
        load_default=False,
        metadata={"description": "By filter: also those whose invitation still opens."},
    )


@routes.look("/members/newcomers", NewcomersShape, query=Asked)
def list_newcomers(session: Session, actor: Actor, given: dict[str, Any]) -> Newcomers:
    """Who of a union, or of a filter, has not come in yet."""
    return _newcomers(session, actor, given)


def _newcomers(session: Session, actor: Actor, given: dict[str, Any]) -> Newcomers:
    wanted = Wanted(given["q"], given["unit"], given["post"])
    return reading.newcomers(session, actor, given["union"] or actor.union_id, wanted)


@routes.act("/members/invitations", InvitedShape, body=Inviting, status=201, keyed=False)
def invite(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """Invite members without a password (secretary, administrator): those named, anew when they
    were invited before, or those of a filter. The answer is kept nowhere.
    """
    chosen = given["members"]
    if chosen is None:
        found = _newcomers(session, actor, given)
        chosen = [*found.uninvited, *(found.invited if given["renew"] else ())]
    made = people.invite(session, actor, given["union"] or actor.union_id, chosen)
    return {
        "expires_at": made.expires_at,
        "left_out": made.left_out,
        "slips": [{**slip._asdict(), "address": _address(slip)} for slip in made.slips],
    }


def _address(slip: people.Slip) -> str:
    return url_for("welcome.page", token=people.grouped(slip.secret), _external=True)


@routes.act("/members/<uuid:member_id>/invitation", method="DELETE", status=204)
def end_invitation(session: Session, actor: Actor, member_id: UUID) -> None:
    """End the invitation of a member."""
    people.end_invitation(session, actor, member_id)
