"""The shapes in which process instances and their events are asked for and answered."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from engine.queries import confidence as secrecy
from engine.queries import instances as lists
from webui.api import schemas
from webui.api.schemas import Answers, Id, Moment, Text, Whole
from webui.http.messages import in_language


class Launch(schemas.Sent):
    process_id = Text(100, 1, required=True)
    answers = Answers(
        load_default=dict, metadata={"description": "Of the form `launch` of the process."}
    )
    seen = schemas.seen()


class LaunchSeveral(schemas.Sent):
    process_id = Text(100, 1, required=True)
    answers = Answers(
        load_default=dict, metadata={"description": "Of the form `launch`, said of all."}
    )
    matters = fields.List(
        Answers(),
        required=True,
        metadata={"description": "For each what is said of it alone (`[several]` of the process)."},
    )


class LaunchedTogether(Schema):
    """Those that were started, in the order of `matters`."""

    ids = fields.List(fields.UUID())


class Entered(schemas.Sent):
    process_id = Text(100, 1, required=True)
    owner = Id(required=True, metadata={"description": "Who handed it in, and may launch it."})
    answers = Answers(
        required=True,
        metadata={"description": "Of the form `launch`, with the scan of the paper."},
    )
    seen = schemas.seen()


class Wanted(schemas.Paged):
    words = Text(
        200,
        load_default=None,
        metadata={"description": "In number, title, starter, unit and searched answers."},
    )
    process = Text(100, load_default=None)
    state = schemas.Choice(*lists.STATES, load_default=None)
    unit = Id(load_default=None)
    starter = Id(load_default=None)
    since = schemas.Day(load_default=None)
    until = schemas.Day(load_default=None)
    mine = schemas.Flag(load_default=False)
    overdue = schemas.Flag(
        load_default=False, metadata={"description": "Only what waits for somebody who is late."}
    )


class Alike(schemas.Asked):
    process = Text(100, 1, required=True)
    title = Text(200, 1, required=True)


class Events(schemas.Asked):
    limit = Whole(1, schemas.MOST, load_default=50)
    after = Whole(
        0, 2**31 - 1, load_default=0, metadata={"description": "`next` of the page before: a seq."}
    )


class InstanceRow(Schema):
    """An instance in a list."""

    id = fields.UUID(required=True)
    number = fields.String()
    title = fields.String()
    process_id = fields.String()
    process_title = fields.String()
    state = schemas.Choice(*lists.STATES)
    outcome = fields.String()
    outcome_title = fields.String()
    stage = fields.List(fields.String(), metadata={"description": "The titles of what is open."})
    starter = fields.String()
    unit = fields.String()
    started_at = Moment()
    changed_at = Moment()
    ended_at = Moment(allow_none=True)


class Step(Schema):
    """A task of an instance, open or done."""

    id = fields.UUID()
    element = fields.String()
    title = fields.String()
    state = schemas.Choice("open", "done", "cancelled")
    who = fields.String()
    mine = fields.Boolean()
    opened_at = Moment()
    due_at = Moment(allow_none=True)
    closed_at = Moment(allow_none=True)
    closed_by = schemas.Said()
    poll_id = fields.UUID(allow_none=True)
    answers = fields.List(fields.Nested(schemas.Answered))


class Able(Schema):
    """A message that this person may send now."""

    name = fields.String()
    title = fields.String()
    asks = fields.String()
    form = fields.Nested(schemas.Form, allow_none=True)
    refused = fields.String(
        metadata={
            "description": "Why it would be refused now, whatever is written; empty otherwise."
        }
    )


class Linked(Schema):
    """Another matter that this one was linked to, or (`back`) that was linked to this one."""

    id = fields.UUID()
    number = fields.String()
    title = fields.String()
    kind = fields.String()
    process_title = fields.String()
    state = fields.String()
    back = fields.Boolean()
    at = Moment()


class Reading(Schema):
    """Who read a confidential matter or its history, let `member` in, took its evidence, or erased
    it.
    """

    kind = schemas.Choice(*secrecy.KINDS)
    who = fields.String()
    at = Moment()
    member = fields.String()
    reason = fields.String()
    until = fields.Date(allow_none=True)


ReadingList = Schema.from_dict(
    {"items": fields.List(fields.Nested(Reading), required=True)}, name="ReadingList"
)


class PackShape(Schema):
    """An evidence pack that a worker makes: `ready` until its time is over. A `stalled` one has not
    moved for ten minutes; asking again begins it anew.
    """

    id = fields.UUID(required=True)
    who = fields.String()
    state = schemas.Choice("waiting", "running", "stalled", "ready", "refused")
    asked_at = Moment()
    begun_at = Moment(allow_none=True)
    ended_at = Moment(allow_none=True)
    until = Moment(allow_none=True)
    done = fields.Integer(metadata={"description": "Papers and files that are in so far."})
    total = fields.Integer()
    size = fields.Integer(metadata={"description": "Bytes; 0 until it is ready."})
    refused = fields.String(metadata={"description": "Why there is none, or none yet."})


class LetOut(schemas.Sent):
    member_id = Id(required=True)
    reason = Text(500, 1, required=True)


class LetIn(LetOut):
    until = schemas.Day(required=True)


class Incident(Schema):
    id = fields.UUID()
    message = fields.String()
    at = Moment()


class Instance(Schema):
    """Everything about one instance that this person may see."""

    row = fields.Nested(InstanceRow, required=True)
    version = fields.String()
    union_id = fields.UUID()
    launched = fields.List(fields.Nested(schemas.Answered))
    tasks = fields.List(fields.Nested(Step))
    able = fields.List(fields.Nested(Able))
    papers = fields.List(fields.Nested(schemas.Paper))
    links = fields.List(fields.Nested(Linked))
    incidents = fields.List(fields.Nested(Incident))
    suspended_at = Moment(allow_none=True)
    stopped_days = fields.Integer()
    confidential = fields.Boolean(metadata={"description": "Only those named in it know of it."})
    erased = fields.Boolean(
        metadata={"description": "The contents were erased; the history stays."}
    )
    desk = fields.Boolean(
        attribute="rights.desk", metadata={"description": "May suspend, resume and terminate."}
    )
    history = fields.Boolean(
        attribute="rights.history", metadata={"description": "May read the history."}
    )


class Event(Schema):
    """One event; `body` is what was hashed."""

    id = fields.Integer()
    seq = fields.Integer()
    at = Moment()
    kind = fields.String()
    actor = fields.String()
    body = fields.Dict()
    hash = fields.String()
    leaf_no = fields.Integer(allow_none=True)


class InEnglish(fields.String):
    """Another attribute, a message, in English."""

    def __init__(self, of: str) -> None:
        super().__init__()
        self.of = of

    def serialize(self, attr: str, obj: object, *args: Any, **kwargs: Any) -> str:
        return in_language(getattr(obj, self.of), "en")


class Break(Schema):
    """The first false line of a chain, in both languages."""

    seq = fields.Integer()
    why = fields.String()
    why_en = InEnglish("why")


class ProofShape(Schema):
    """What can be said about a chain now: its length, its first false line, how much of it is
    sealed and witnessed.
    """

    events = fields.Integer()
    head = fields.String()
    broken = fields.Nested(Break, allow_none=True)
    sealed = fields.Integer()
    checkpoint_size = fields.Integer()
    checkpoint_root = fields.String()
    checkpoint_at = Moment(allow_none=True)
    witnessed_size = fields.Integer()


class Diagram(Schema):
    """The picture and where the instance stands in it, by element ids."""

    bpmn = fields.String()
    passed = fields.List(fields.String())
    open = fields.List(fields.String())


class Moved(Schema):
    """The instance that was moved."""

    instance_id = fields.UUID(required=True)


class Message(schemas.Sent):
    answers = Answers(
        load_default=dict,
        metadata={"description": "Of the form of the message; see `able` of the instance."},
    )
    seen = schemas.seen()


InstancePage = schemas.page("InstancePage", InstanceRow)
EventPage = schemas.page("EventPage", Event)
InstanceList = Schema.from_dict(
    {"items": fields.List(fields.Nested(InstanceRow), required=True)}, name="InstanceList"
)


class NthUrging(Schema):
    title = fields.String(required=True)
    nth = fields.Integer(metadata={"description": "Which urging of this open task it was."})


class UrgedShape(Schema):
    at = Moment(required=True)
    who = fields.String()
    reason = fields.String()
    tasks = fields.List(fields.Nested(NthUrging))
    told = fields.List(fields.String(), metadata={"description": "Who was told besides."})


class UrgedTask(Schema):
    title = fields.String(required=True)
    who = fields.String()
    urged = fields.List(Moment())
    noticed = fields.Boolean(
        metadata={"description": "Has somebody who has it looked since the last urging?"}
    )


class ComingUrging(Schema):
    """What urging now would be. `may`: the day's quota is not used up."""

    task = fields.String(required=True)
    nth = fields.Integer()
    today = fields.Integer()
    most = fields.Integer()
    may = fields.Boolean()
    told = fields.List(fields.String())


class UrgingsShape(Schema):
    """The urgings of an instance, the last first."""

    urged = fields.List(fields.Nested(UrgedShape))
    waits = fields.List(fields.Nested(UrgedTask))
    coming = fields.List(fields.Nested(ComingUrging))
