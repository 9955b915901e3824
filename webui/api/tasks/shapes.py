"""The shapes in which the inbox and its tasks are asked for and answered."""

from __future__ import annotations

from marshmallow import Schema, fields

from engine.queries import mine
from webui.api import schemas
from webui.api.instances.shapes import Moved
from webui.api.schemas import Answers, Moment, Text, Whole
from webui.api.tasks.asked import AskShape


class Waiting(schemas.Paged):
    bucket = schemas.Choice(*mine.BUCKETS, load_default=None)
    part = schemas.Choice(*mine.PARTS, load_default=None)
    process = Text(100, load_default=None)
    of = Text(
        200,
        load_default=None,
        metadata={"description": "A kind of task: <process>.<element>."},
    )
    words = Text(100, load_default=None, metadata={"description": "In number or title."})


def held_seconds() -> Whole:
    return Whole(
        0,
        3600,
        load_default=0,
        metadata={
            "description": "Seconds in which the act may be taken back (/undo), where its process "
            "allows that; at most those of the installation. Nothing follows from it before."
        },
    )


class Complete(schemas.Sent):
    answers = Answers(load_default=dict, metadata={"description": "Of the form of the task."})
    revision = Whole(
        0,
        2**31 - 1,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "As read; when somebody has acted since, the answer is 409 and says who."
        },
    )
    seen = schemas.seen()
    hold = held_seconds()


class Completed(Moved):
    """The instance; until when the act is held, null when it is done."""

    held_until = Moment(allow_none=True)


class InboxItem(Schema):
    """One thing to do: a task (at /tasks/<id>) or a poll (at /polls/<id>)."""

    id = fields.UUID(required=True)
    what = schemas.Choice("task", "poll")
    instance_id = fields.UUID()
    number = fields.String()
    title = fields.String()
    process_id = fields.String()
    process_title = fields.String()
    element = fields.String()
    element_title = fields.String()
    asks = fields.String()
    bucket = schemas.Choice(*mine.BUCKETS)
    part = schemas.Choice(
        *mine.PARTS,
        metadata={"description": "Of the inbox; `optional` is in no count of what must be done."},
    )
    flags = fields.List(
        schemas.Choice(*mine.FLAGS),
        metadata={"description": "What sets a task apart from others of its kind."},
    )
    alike = fields.Boolean(
        metadata={"description": "It may be done together with others of its kind."}
    )
    confidential = fields.Boolean(
        metadata={"description": "Show no title of it in a list, and never open it by itself."}
    )
    working_left = fields.Integer(allow_none=True)
    days_left = fields.Integer(allow_none=True)
    due_at = Moment(allow_none=True)
    opened_at = Moment()
    started_at = Moment()
    starter = fields.String()
    union = fields.String()
    claimed = fields.Boolean()
    revision = fields.Integer(allow_none=True)
    poll_kind = fields.String()
    about = fields.String(
        metadata={"description": "The question that a poll puts, where it says one."}
    )
    teller = schemas.Choice("", "take_key", "open_box", "sign")
    held_by = fields.String(
        metadata={"description": "Who has done it, and may still take it back; empty else."}
    )
    lender = fields.String(metadata={"description": "In whose place you may do it; empty else."})


class Own(Schema):
    """An act of yours that you may take back until a moment; or that could not be carried out, and
    why.
    """

    task_id = fields.UUID(required=True)
    title = fields.String()
    subject = fields.String()
    until = Moment()
    why = schemas.Said(metadata={"description": "Empty while it waits."})
    batch = fields.UUID(
        allow_none=True,
        metadata={"description": "Of the act over several tasks of which it is one."},
    )


COUNTS = fields.Dict(keys=fields.String(), values=fields.Integer())
InboxPage = schemas.page(
    "InboxPage",
    InboxItem,
    counts=COUNTS,
    by_process=COUNTS,
    by_part=COUNTS,
    total=fields.Integer(),
    must=fields.Integer(),
    own=fields.List(fields.Nested(Own)),
)


class Deadline(Schema):
    """Until when, how that was computed, and the rule behind it. Negative days: it has passed."""

    at = Moment()
    on = fields.String()
    working_left = fields.Integer()
    days_left = fields.Integer()
    provisional = fields.Boolean()
    extended = fields.Boolean()
    steps = fields.List(schemas.Said())
    rule_id = fields.String()
    rule = fields.String()
    confidence = fields.String()
    level = fields.String()
    valid_from = fields.Date(allow_none=True)
    valid_to = fields.Date(allow_none=True)


class MayUndo(Schema):
    """By whom, and until when its author may take it back; `mine`: yours."""

    class Meta:
        title = "MayUndo"

    by = fields.String()
    mine = fields.Boolean()
    until = Moment()


class Said(Schema):
    title = fields.String()
    who = schemas.Said()
    at = Moment()
    answers = fields.List(fields.Nested(schemas.Answered))
    near = fields.Boolean(
        metadata={"description": "Worth reading at once: the launch and what was said last."}
    )


class Ruled(Schema):
    """A rule in one sentence with source and article; `confidence` V checked, M from memory, P set
    by the institution.
    """

    id = fields.String()
    words = fields.String()
    confidence = fields.String()
    level = fields.String()
    valid_from = fields.Date(allow_none=True)
    valid_to = fields.Date(allow_none=True)


class Guarded(Schema):
    """What must hold to enter or leave the task; `holds` now, null where only the answers will
    tell.
    """

    text = fields.String()
    holds = fields.Boolean(allow_none=True)
    from_on = fields.Date(
        allow_none=True,
        metadata={"description": "From when it will hold, if nothing but time passes."},
    )
    rules = fields.List(fields.Nested(Ruled))


class BarredShape(Schema):
    """A choice that would be refused today, whatever else is answered."""

    class Meta:
        title = "Barred"

    choice = fields.String(metadata={"description": "Its label; empty: the task itself."})
    text = fields.String()
    from_on = fields.Date(allow_none=True)


class LinkTo(schemas.Sent):
    to = Text(100, 1, required=True, metadata={"description": "For whom, in words."})


class LinkShape(Schema):
    """A link for somebody outside; `link` is given this once."""

    link = fields.String(required=True)
    to = fields.String()
    ends_at = Moment()


class Sent(Schema):
    """A link that was sent to somebody outside."""

    to = fields.String()
    by = fields.String()
    sent_at = Moment()
    ends_at = Moment()
    state = schemas.Choice("open", "used", "ended")


class ObjectionShape(Schema):
    who = fields.String()
    at = Moment()
    answers = fields.List(fields.Nested(schemas.Answered))


class RaisedShape(Schema):
    """What came of what the lane of the task published: who objected."""

    class Meta:
        title = "Raised"

    key = fields.String(required=True)
    title = fields.String()
    people = fields.Integer()
    last_day = fields.Date()
    over = fields.Boolean()
    objections = fields.List(fields.Nested(ObjectionShape))


class Taker(Schema):
    id = fields.UUID(required=True)
    name = fields.String()


TakerList = Schema.from_dict(
    {
        "items": fields.List(fields.Nested(Taker), required=True),
        "why": schemas.Said(metadata={"description": "Why nobody may; empty else."}),
    },
    name="TakerList",
)


class HandedShape(Schema):
    """Who handed a task over, or sent it back from the step `at`, and why."""

    class Meta:
        title = "Handed"

    by = fields.String()
    why = fields.String()
    at = fields.String()


class TaskShape(Schema):
    """One task: what is asked, what was said before, until when, what comes next, and the form."""

    class Meta:
        title = "Task"

    id = fields.UUID(required=True)
    instance_id = fields.UUID()
    number = fields.String()
    subject = fields.String()
    process_title = fields.String()
    element = fields.String()
    title = fields.String()
    asks = fields.String()
    state = schemas.Choice("open", "done", "cancelled")
    revision = fields.Integer()
    form = fields.Nested(schemas.Form, allow_none=True)
    offers = schemas.Offers()
    outcomes = fields.String(
        metadata={"description": "The field whose choice decides what happens next."}
    )
    next = fields.Dict(keys=fields.String(), values=fields.String())
    deadline = fields.Nested(Deadline, allow_none=True)
    said = fields.List(fields.Nested(Said))
    papers = fields.List(fields.Nested(schemas.Paper))
    raised = fields.List(fields.Nested(RaisedShape))
    draft = fields.Dict()
    seat = fields.Boolean()
    claimed_by = fields.String()
    claimed_by_me = fields.Boolean()
    actionable = fields.Boolean()
    closed_by = fields.String()
    closed_at = Moment(allow_none=True)
    instance_state = fields.String()
    round = fields.Integer()
    rules = fields.List(fields.Nested(Ruled))
    guards = fields.List(fields.Nested(Guarded))
    barred = fields.List(fields.Nested(BarredShape))
    links = fields.List(
        fields.Nested(Sent),
        allow_none=True,
        metadata={"description": "Links sent outside; null: none can be sent."},
    )
    confidential = fields.Boolean()
    tells = fields.List(
        fields.String(),
        metadata={"description": "What the process says to whoever has it, with its facts."},
    )
    held = fields.Nested(
        MayUndo,
        allow_none=True,
        metadata={"description": "It was done, and may still be taken back."},
    )
    handed = fields.Nested(HandedShape, allow_none=True)
    sent_back = fields.Nested(HandedShape, allow_none=True)
    recall = schemas.Said(
        allow_none=True,
        metadata={
            "description": "Of what you have done: why you cannot take it back, empty if you can."
        },
    )
    asked = fields.List(fields.Nested(AskShape))
    lender = fields.String(metadata={"description": "In whose place you may do it; empty else."})
    aside = fields.Boolean(metadata={"description": "I have stepped aside from its matter."})
    may_step_aside = fields.Boolean()
    verbs = fields.Dict(
        keys=fields.String(),
        values=schemas.Said(),
        metadata={
            "description": "What may be done beside the decision: why this task does not allow it, "
            "empty where it does."
        },
    )
    urged = fields.String(
        metadata={
            "description": "The secretary's last words to whoever has it; empty when nobody urged."
        }
    )


class Vacant(Schema):
    """An open task that nobody can do: nobody holds the post `who`, or `who` has left."""

    task_id = fields.UUID(required=True)
    instance_id = fields.UUID()
    number = fields.String()
    title = fields.String()
    task = fields.String()
    who = fields.String()
    since = Moment()


VacantPage = schemas.page("VacantPage", Vacant)
