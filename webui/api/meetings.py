"""Meetings: who is due and who is there, opening them, arriving and leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from marshmallow import Schema, fields, validate

from engine.commands import meetings
from engine.errors import Invalid
from engine.messages import _
from engine.queries import attendance, meeting_list, under_way
from engine.queries import meetings as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.instances.shapes import Moved
from webui.api.polls import STATES, PollRule
from webui.api.schemas import Moment, Text
from webui.http.words import lang

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("meetings", "Meetings: a roll with presence, under which polls are held.")
ONE = "/meetings/<uuid:meeting_id>"
WHERE = ("called", "open", "closed", "void")


class Listed(schemas.Paged):
    instance = schemas.Id(load_default=None, metadata={"description": "Only those of this matter."})


class Code(schemas.Sent):
    code = Text(100, 1, required=True, metadata={"description": "Of the QR code at the door."})


class Seat(schemas.Sent):
    members = fields.List(
        schemas.Id(),
        required=True,
        validate=validate.Length(1, 2000, error=_l("应为 {min} 至 {max} 人。")),
        error_messages=schemas.Sent.error_messages,
    )
    came = schemas.Flag(load_default=True, metadata={"description": "false: they left."})
    way = schemas.Choice("list", "import", load_default="list")


class Pasted(schemas.Sent):
    names = Text(
        60_000,
        1,
        required=True,
        metadata={"description": "Names or user names, by lines or commas."},
    )


class PeopleAsked(schemas.Paged):
    words = Text(100, load_default=None, metadata={"description": "In name, user name or unit."})
    here = schemas.Flag(load_default=None)
    kind = schemas.Choice(*reading.KINDS, load_default=None)


COUNTS = fields.Dict(keys=fields.String(), values=fields.Integer())


class MeetingChoice(Schema):
    """A choice or a candidate of a poll under the meeting."""

    name = fields.String()
    votes = fields.Integer(allow_none=True, metadata={"description": "null before the result."})
    elected = fields.Boolean()


class MeetingBody(Schema):
    """One of several meetings that share a hall: its own roll, presence and quorum."""

    id = fields.UUID(required=True)
    name = fields.String()
    state = schemas.Choice(*WHERE)
    due = fields.Integer()
    needed = fields.Integer()
    present = fields.Integer()
    quorate = fields.Boolean()
    missing = fields.Integer()
    mine = schemas.Choice("", *reading.KINDS)
    am_here = fields.Boolean()


BODIES = fields.List(
    fields.Nested(MeetingBody),
    metadata={"description": "Where several meetings share the hall: all of them, in order."},
)


class MeetingVote(Schema):
    """A poll under the meeting (at /polls/<id>)."""

    id = fields.UUID(required=True)
    title = fields.String()
    body = fields.String(
        metadata={"description": "Whose it is, where several meetings share the hall."}
    )
    asks = fields.String()
    kind = fields.String()
    state = schemas.Choice(*STATES)
    secret = fields.Boolean()
    roll_size = fields.Integer()
    cast = fields.Integer()
    waits = fields.Boolean(metadata={"description": "For my vote."})
    passed = fields.Boolean(allow_none=True)
    why = fields.String()
    elected = fields.List(fields.String())
    opened_at = Moment()
    closed_at = Moment(allow_none=True)
    question = fields.String(
        attribute="about.question", metadata={"description": "What is voted on, in one line."}
    )
    about = fields.List(
        fields.Nested(schemas.Answered),
        attribute="about.all",
        metadata={"description": "What is voted on."},
    )
    choices = fields.List(fields.Nested(MeetingChoice))


class ActShape(Schema):
    """What one does next in a meeting. `id` is the task's for "task", the poll's otherwise."""

    what = schemas.Choice(*under_way.ACTS)
    id = fields.UUID(allow_none=True)
    title = fields.String()
    voted = fields.Integer()
    roll = fields.Integer()


class UnderWayShape(Schema):
    """An open meeting in which the caller has a part."""

    id = fields.UUID(required=True)
    instance_id = fields.UUID()
    number = fields.String()
    subject = fields.String()
    title = fields.String()
    due = fields.Integer()
    needed = fields.Integer()
    present = fields.Integer()
    here = fields.Boolean(metadata={"description": "The caller is checked in."})
    presides = fields.Boolean(metadata={"description": "The caller presides over a poll in it."})
    votes = fields.Integer(metadata={"description": "Polls under way in it."})
    bodies = BODIES
    acts = fields.List(fields.Nested(ActShape))


class UnderWayList(Schema):
    items = fields.List(fields.Nested(UnderWayShape))


class MeetingRow(Schema):
    """A meeting in a list."""

    id = fields.UUID(required=True)
    instance_id = fields.UUID()
    task_id = fields.UUID()
    number = fields.String()
    subject = fields.String()
    title = fields.String()
    state = schemas.Choice(*WHERE)
    due = fields.Integer()
    present = fields.Integer()
    opened_at = Moment(allow_none=True)
    closed_at = Moment(allow_none=True)


class MeetingShape(MeetingRow):
    """One meeting. due, needed and present count formal members only; invited and here count by
    kind.
    """

    process_title = fields.String()
    element = fields.String()
    asks = fields.String()
    needed = fields.Integer()
    quorate = fields.Boolean()
    missing = fields.Integer()
    invited = COUNTS
    here = COUNTS
    words = fields.String()
    rules = fields.List(fields.Nested(PollRule))
    roll_hash = fields.String()
    called_at = Moment()
    runs = fields.Boolean(metadata={"description": "I open it and check people in."})
    code = fields.String(
        allow_none=True, metadata={"description": "Of the QR code, for those who run it."}
    )
    mine = schemas.Choice("", *reading.KINDS)
    am_here = fields.Boolean()
    bodies = BODIES
    votes = fields.List(fields.Nested(MeetingVote))


class PersonShape(Schema):
    id = fields.UUID(required=True)
    name = fields.String()
    username = fields.String()
    unit = fields.String()
    kind = schemas.Choice(*reading.KINDS)
    here = fields.Boolean()
    since = Moment(allow_none=True)
    way = fields.String()


class Several(Schema):
    name = fields.String()
    people = fields.List(fields.Nested(PersonShape))


class MatchedShape(Schema):
    """Whom a list means on the roll."""

    found = fields.List(fields.Nested(PersonShape), required=True)
    unknown_ = fields.List(fields.String(), required=True, attribute="unknown", data_key="unknown")
    several = fields.List(fields.Nested(Several), required=True)


MeetingPage = schemas.page("MeetingPage", MeetingRow)
AttendancePage = schemas.page("AttendancePage", PersonShape, total=fields.Integer())


def sees(session: Session, actor: Actor, meeting_id: UUID) -> None:
    """Raise NotFound when the meeting is not this person's to see."""
    reading.seen(session, actor, meeting_id)


@routes.look("/meetings", MeetingPage, query=Listed)
def list_meetings(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """The meetings that I may see, newest first."""
    try:
        after = UUID(given["after"]) if given["after"] else None
    except ValueError:
        raise Invalid({"after": [_("翻页标记无效。")]}) from None
    rows, further = meeting_list.meetings(
        session,
        actor,
        instance_id=given["instance"],
        after=after,
        limit=given["limit"],
        lang=lang(),
    )
    return {"items": rows, "next": further}


@routes.look("/meetings/under-way", UnderWayList)
def list_under_way(session: Session, actor: Actor) -> dict[str, Any]:
    """The open meetings in which the caller is due or has something to do, and what is next."""
    return {"items": under_way.under_way(session, actor, lang())}


@routes.look(ONE, MeetingShape)
def get_meeting(session: Session, actor: Actor, meeting_id: UUID) -> reading.Meeting:
    """One meeting as it is now."""
    return reading.meeting(session, actor, meeting_id, lang())


@routes.look(f"{ONE}/people", AttendancePage, query=PeopleAsked)
def list_people(
    session: Session, actor: Actor, given: dict[str, Any], meeting_id: UUID
) -> attendance.People:
    """Who is invited and who is there, for those who run it."""
    return attendance.people(session, actor, meeting_id, **given)


@routes.act(f"{ONE}/match", MatchedShape, body=Pasted, sees=sees)
def match(
    session: Session, actor: Actor, given: dict[str, Any], meeting_id: UUID
) -> dict[str, Any]:
    """What a pasted list means on the roll; changes nothing."""
    found = attendance.matched(session, actor, meeting_id, given["names"])
    several = [{"name": name, "people": many} for name, many in found.several]
    return {"found": found.found, "unknown": found.unknown, "several": several}


@routes.act(f"{ONE}/open", Moved, sees=sees)
def open_meeting(session: Session, actor: Actor, meeting_id: UUID) -> dict[str, UUID]:
    """Freeze the roll: the meeting begins."""
    return {"instance_id": meetings.open_meeting(session, actor, meeting_id)}


@routes.act(f"{ONE}/arrive", Moved, body=Code)
def arrive(
    session: Session, actor: Actor, given: dict[str, Any], meeting_id: UUID
) -> dict[str, UUID]:
    """I am here."""
    return {"instance_id": meetings.arrive(session, actor, meeting_id, given["code"])}


@routes.act(f"{ONE}/leave", Moved)
def leave(session: Session, actor: Actor, meeting_id: UUID) -> dict[str, UUID]:
    """I leave."""
    return {"instance_id": meetings.leave(session, actor, meeting_id)}


@routes.act(f"{ONE}/seat", Moved, body=Seat, sees=sees)
def seat(
    session: Session, actor: Actor, given: dict[str, Any], meeting_id: UUID
) -> dict[str, UUID]:
    """Check people in or out by list, for those who run it."""
    return {
        "instance_id": meetings.seat(
            session,
            actor,
            meeting_id,
            members=given["members"],
            came=given["came"],
            way=given["way"],
        )
    }
