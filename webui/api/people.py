"""Members, their posts, passwords and tokens. Telephone and e-mail only reach who may see the
people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import g
from flask_babel import gettext as _
from marshmallow import Schema, fields

from engine.commands import people
from engine.errors import Refused
from engine.queries import people as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Both, Day, Flag, Id, Moment, Text, Whole

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.people import MemberFile, Page


routes = Routes("members", "People, their posts and tokens.")
ONE = "/members/<uuid:member_id>"


# --- shapes --------------------------------------------------------------------------------------
class Post(Schema):
    """A post with its term; `state` today: past, present or future."""

    id = fields.UUID(required=True)
    kind = fields.String()
    title = Both()
    unit_id = fields.UUID()
    unit = fields.String()
    term = fields.String()
    from_on = fields.Date()
    to_on = fields.Date(allow_none=True)
    ended_why = fields.String()
    state = schemas.Choice("past", "present", "future")


class MemberRow(Schema):
    """A line of the roster; the posts are those of today."""

    id = fields.UUID(required=True)
    username = fields.String()
    name = fields.String()
    unit_id = fields.UUID()
    unit = fields.String()
    phone = fields.String()
    email = fields.String()
    active = fields.Boolean()
    can_log_in = fields.Boolean()
    came_in = fields.Boolean(metadata={"description": "Has logged in at least once."})
    invited_until = Moment(allow_none=True)
    posts = fields.List(fields.Nested(Post))


class ProposedPost(Schema):
    """A post that waits for a second person, see /proposals; it opens nothing yet."""

    proposal_id = fields.UUID(required=True)
    kind = fields.String()
    unit_id = fields.UUID()
    unit = fields.String()
    term = fields.String()
    from_on = fields.Date()
    to_on = fields.Date(allow_none=True)


class Token(Schema):
    """An API token, without its secret."""

    id = fields.String(required=True)
    name = fields.String()
    created_at = Moment()
    expires_at = Moment(allow_none=True)


class Member(Schema):
    """All there is on a member."""

    id = fields.UUID(required=True)
    username = fields.String()
    name = fields.String()
    union_id = fields.UUID()
    union = fields.String()
    unit_id = fields.UUID()
    unit = fields.String()
    phone = fields.String()
    email = fields.String()
    locale = fields.String()
    active = fields.Boolean()
    can_log_in = fields.Boolean()
    came_in = fields.Boolean(metadata={"description": "Has logged in at least once."})
    invited_until = Moment(allow_none=True)
    created_at = Moment()
    posts = fields.List(fields.Nested(Post))
    proposed = fields.List(fields.Nested(ProposedPost))
    tokens = fields.List(fields.Nested(Token))


class Plain(Schema):
    """A new token. It is shown this once."""

    token = fields.String(required=True)


class Changed(Schema):
    changed = fields.Boolean(required=True, metadata={"description": "False: nothing was new."})


# --- input ---------------------------------------------------------------------------------------
class Roster(schemas.Paged):
    union = Id(load_default=None, metadata={"description": "Without it one's own."})
    q = Text(100, load_default="", metadata={"description": "In name or user name."})
    unit = Id(load_default=None, metadata={"description": "With all units below it."})
    post = Text(50, load_default=None)
    inactive = Flag(load_default=False)
    waiting = Flag(load_default=False, metadata={"description": "Only who has never logged in."})


class NewMember(schemas.Sent):
    username = Text(64, 2, required=True)
    name = Text(60, 1, required=True)
    unit_id = Id(required=True)
    phone = Text(20, load_default="")
    email = Text(320, load_default="")
    locale = schemas.Choice("zh", "en", load_default="zh")


class MemberChange(schemas.Sent):
    name = Text(60, 1)
    unit_id = Id()
    phone = Text(20)
    email = Text(320)
    locale = schemas.Choice("zh", "en")
    active = Flag()


class NewPost(schemas.Sent):
    kind = Text(50, 1, required=True)
    unit_id = Id(required=True)
    from_on = Day(required=True)
    to_on = Day(load_default=None, allow_none=True)
    term = Text(40, load_default="")


class EndPost(schemas.Sent):
    on = Day(required=True, metadata={"description": "The last day."})
    why = Text(200, 2, required=True)


class Password(schemas.Sent):
    password = Text(1000, 1, required=True)


class OwnPassword(schemas.Sent):
    old = Text(1000, 1, required=True)
    new = Text(1000, 1, required=True)


class NewToken(schemas.Sent):
    name = Text(60, 1, required=True)
    days = Whole(1, 730, load_default=365)


MemberPage = schemas.page("MemberPage", MemberRow)


# --- members -------------------------------------------------------------------------------------
@routes.look("/members", MemberPage, query=Roster)
def list_members(session: Session, actor: Actor, given: dict[str, Any]) -> Page:
    """The roster of a union, by name; for its secretary, auditor and administrator."""
    return reading.roster(
        session,
        actor,
        given["union"] or actor.union_id,
        q=given["q"],
        unit_id=given["unit"],
        post=given["post"],
        after=given["after"],
        limit=given["limit"],
        inactive=given["inactive"],
        waiting=given["waiting"],
    )


@routes.look("/members/me", Member)
def get_me(session: Session, actor: Actor) -> MemberFile:
    """Who I am, which posts I hold, and my tokens."""
    return reading.member_file(session, actor, actor.id)


@routes.look(ONE, Member)
def get_member(session: Session, actor: Actor, member_id: UUID) -> MemberFile:
    """One member with all posts."""
    return reading.member_file(session, actor, member_id)


@routes.act("/members", schemas.Made, body=NewMember, status=201, at="/members/{id}")
def create_member(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, UUID]:
    """Enter a person. Nobody can log in as them before a password is set."""
    return {"id": people.create_member(session, actor, **given)}


@routes.act(ONE, Changed, body=MemberChange, method="PATCH")
def change_member(
    session: Session, actor: Actor, given: dict[str, Any], member_id: UUID
) -> dict[str, bool]:
    """Change what is given; telephone, e-mail and language everybody changes themselves."""
    return {"changed": people.change_member(session, actor, member_id, **given)}


@routes.act(f"{ONE}/posts", schemas.PostMade, body=NewPost, status=201)
def grant_post(
    session: Session, actor: Actor, given: dict[str, Any], member_id: UUID
) -> dict[str, Any]:
    """Give a member a post; the first and the last day count."""
    made = people.grant_post(session, actor, member_id, **given)
    return {"id": made, "waits": people.waits(session, made)}


@routes.act("/posts/<uuid:post_id>/end", body=EndPost, status=204)
def end_post(session: Session, actor: Actor, given: dict[str, Any], post_id: UUID) -> None:
    """End a post."""
    people.end_post(session, actor, post_id, **given)


@routes.act(f"{ONE}/password", body=Password, status=204, keyed=False)
def set_password(session: Session, actor: Actor, given: dict[str, Any], member_id: UUID) -> None:
    """Give a member a new password and end their sessions (administrator)."""
    people.set_password(session, actor, member_id, given["password"])


@routes.act(
    "/members/me/password",
    body=OwnPassword,
    status=204,
    keyed=False,
    afterwards=lambda: g.attempt.must(),
)
def change_password(session: Session, actor: Actor, given: dict[str, Any]) -> None:
    """Change my password; a wrong old one is counted, so this is decided after it has been kept."""
    g.attempt = people.change_own_password(session, actor, given["old"], given["new"])


@routes.act("/members/me/tokens", Plain, body=NewToken, status=201, keyed=False)
def create_token(_session: Session, _actor: Actor, _given: dict[str, Any]) -> dict[str, str]:
    """Refused: whoever has a token makes none. A person makes one on their own page, the
    operator on the command line.
    """
    raise Refused(_("令牌不能新建令牌，请登录后在“我的职务与密码”新建。"), code="token")


@routes.act("/tokens/<token_id>", method="DELETE", status=204)
def end_token(session: Session, actor: Actor, token_id: str) -> None:
    """End a token by its id."""
    people.end_token(session, actor, token_id)
