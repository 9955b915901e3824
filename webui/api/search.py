"""One search over what a person may see: instances, and people where they may see those."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.errors import NotFound
from engine.queries import instances, people
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.instances.shapes import InstanceRow
from webui.api.people import MemberRow
from webui.api.schemas import Text
from webui.http.words import lang

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("search", "One search over everything that I may see.")


class Search(schemas.Paged):
    q = Text(200, 1, required=True)


class Found(Schema):
    """Instances, newest first, and on the first page people too."""

    items = fields.List(fields.Nested(InstanceRow), required=True)
    next = fields.String(allow_none=True, required=True)
    members = fields.List(fields.Nested(MemberRow), required=True)


@routes.look("/search", Found, query=Search)
def search(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """Find instances by number, title, person and unit; and people, for who may see them."""
    wanted = instances.Wanted(words=given["q"])
    page = instances.instances(
        session, actor, wanted, after=given["after"], limit=given["limit"], lang=lang()
    )
    found = () if given["after"] else _members(session, actor, given["q"], given["limit"])
    return {"items": page.items, "next": page.next, "members": found}


def _members(session: Session, actor: Actor, words: str, limit: int) -> Any:
    try:
        return people.roster(session, actor, actor.union_id, words, limit=limit).items
    except NotFound:
        return ()
