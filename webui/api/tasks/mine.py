"""What I keep beside my tasks: what I did, my saved filters, and drafts, which only their writer
sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields
from marshmallow.validate import Range

from engine.commands import drafts, views
from engine.errors import NotFound
from engine.queries import done as finished
from engine.queries import inbox as waiting
from engine.queries import mine
from engine.queries import tasks as reading
from webui.api import schemas
from webui.api.schemas import Answers, Moment, Text
from webui.api.tasks.group import ONE, routes
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor


class DoneQuery(schemas.Paged):
    words = Text(100, load_default=None, metadata={"description": "In number or title."})


class DoneItem(Schema):
    """One thing I did: a task, a poll, or something said without one."""

    what = schemas.Choice("task", "poll", "said")
    id = fields.UUID(required=True)
    instance_id = fields.UUID()
    number = fields.String()
    title = fields.String()
    element_title = fields.String()
    process_title = fields.String()
    confidential = fields.Boolean()
    state = fields.String(metadata={"description": "Of the matter now."})
    at = Moment()


DonePage = schemas.page("DonePage", DoneItem)


@routes.look("/done", DonePage, query=DoneQuery)
def list_done(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """What I did, newest first."""
    items, more = finished.done(session, actor, lang=lang(), **given)
    return {"items": items, "next": more}


class View(schemas.Sent):
    """A filter of the inbox."""

    part = schemas.Choice(*mine.PARTS)
    of = Text(200)
    process = Text(100)
    bucket = schemas.Choice(*mine.BUCKETS)
    words = Text(100)


class SavedView(Schema):
    name = fields.String(required=True)
    wanted = fields.Dict(keys=fields.String(), values=fields.String())


ViewList = Schema.from_dict(
    {"items": fields.List(fields.Nested(SavedView), required=True)}, name="ViewList"
)


@routes.look("/views", ViewList)
def list_views(session: Session, actor: Actor) -> dict[str, Any]:
    """My saved filters of the inbox, by name."""
    found = waiting.inbox(session, actor, limit=1).views
    return {"items": [{"name": name, "wanted": wanted} for name, wanted in found]}


@routes.act("/views/<name>", body=View, method="PUT", status=204)
def save_view(session: Session, actor: Actor, given: dict[str, Any], name: str) -> None:
    """Keep a filter of the inbox under a name, in place of an older one of that name."""
    views.save(session, actor, name, given)


@routes.act("/views/<name>", method="DELETE", status=204)
def drop_view(session: Session, actor: Actor, name: str) -> None:
    """Forget a saved filter."""
    views.drop(session, actor, name)


class Draft(schemas.Sent):
    answers = Answers(required=True)
    revision = fields.Integer(
        validate=Range(min=0),
        metadata={
            "description": "That of the draft you had before you, 0 for none; "
            "a newer one is then not overwritten (409)."
        },
    )


class DraftShape(Schema):
    key = fields.String(required=True)
    answers = fields.Dict()
    saved_at = Moment()
    revision = fields.Integer()


DraftList = Schema.from_dict(
    {"items": fields.List(fields.Nested(DraftShape), required=True)}, name="DraftList"
)


@routes.act(f"{ONE}/draft", body=Draft, method="PUT", status=204)
def save_task_draft(session: Session, actor: Actor, given: dict[str, Any], task_id: UUID) -> None:
    """Keep unfinished answers of a task that is mine."""
    reading.must_see(session, actor, task_id)
    drafts.save(session, actor, f"task:{task_id}", given["answers"], given.get("revision"))


@routes.look("/drafts", DraftList)
def list_drafts(session: Session, actor: Actor) -> dict[str, Any]:
    """My unfinished answers, newest first."""
    found = reading.drafts(session, actor)
    return {
        "items": [
            dict(zip(("key", "answers", "saved_at", "revision"), each, strict=True))
            for each in found
        ]
    }


@routes.act("/drafts/<key>", body=Draft, method="PUT", status=204)
def save_draft(session: Session, actor: Actor, given: dict[str, Any], key: str) -> None:
    """Keep unfinished answers under `launch:<process>` or `task:<id>`."""
    drafts.save(session, actor, _key(key), given["answers"], given.get("revision"))


@routes.act("/drafts/<key>", method="DELETE", status=204)
def drop_draft(session: Session, actor: Actor, key: str) -> None:
    """Forget a draft."""
    drafts.drop(session, actor, _key(key))


def _key(key: str) -> str:
    if not drafts.KEY.fullmatch(key):
        raise NotFound
    return key
