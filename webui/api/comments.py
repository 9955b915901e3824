"""Comments on a matter, apart from anybody's decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields
from marshmallow.validate import Length

from engine.commands import confidence
from engine.commands.verbs import comments
from engine.queries import comments as reading
from engine.queries import instance as matters
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Moment, Text
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("comments", "Remarks about a matter, apart from anybody's decision.")
OF = "/process-instances/<uuid:instance_id>/comments"


class CommentShape(Schema):
    """What somebody remarked; `gone`: its author took it back, or the matter was erased."""

    class Meta:
        title = "Comment"

    id = fields.UUID(required=True)
    who = fields.String()
    at = Moment()
    text = fields.String()
    place = fields.String(metadata={"description": "The task in whose room it stands."})
    named = fields.List(fields.String())
    mine = fields.Boolean()
    gone = fields.Boolean()
    news = fields.Boolean(metadata={"description": "It names you, and you had not read it."})


CommentList = Schema.from_dict(
    {"items": fields.List(fields.Nested(CommentShape), required=True)}, name="CommentList"
)


class NewComment(schemas.Sent):
    text = Text(comments.LONGEST, 1, required=True)
    mentions = fields.List(
        schemas.Id(),
        load_default=list,
        validate=Length(max=comments.MOST_NAMED),
        metadata={"description": "Members who may read it, and should."},
    )
    element = Text(
        100,
        load_default="",
        metadata={"description": "A task in whose room it stands; empty: for all who see it."},
    )


def _sees(session: Session, actor: Actor, instance_id: UUID) -> None:
    matters.must_see(session, actor, instance_id)


@routes.look(OF, CommentList, recorded=True)
def list_comments(session: Session, actor: Actor, instance_id: UUID) -> dict[str, Any]:
    """The comments on a matter that I may read, oldest first. Those that name me are read then."""
    page = reading.page(session, actor, instance_id, lang=lang())
    if any(comment.news for comment in page.comments):
        comments.note_reading(session, actor, instance_id)
    if page.confidential:
        confidence.note_reading(session, actor, instance_id)
    return {"items": page.comments}


@routes.act(OF, schemas.Made, body=NewComment, status=201, sees=_sees)
def make_comment(
    session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID
) -> dict[str, UUID]:
    """Remark something (who takes part in the matter, and its office); moves nothing."""
    text, named, element = given["text"], given["mentions"], given["element"]
    key = comments.make(session, actor, instance_id, text, named, element=element)
    return {"id": key}


@routes.act("/comments/<uuid:comment_id>/withdraw", status=204)
def withdraw_comment(session: Session, actor: Actor, comment_id: UUID) -> None:
    """Take back what I remarked."""
    comments.withdraw(session, actor, comment_id)
