"""User tasks: my inbox, one task with its form, and what can be done with it.

And drafts, which only their writer sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import url_for
from marshmallow import Schema, fields
from marshmallow.validate import Length, Range

from engine import clock
from engine.commands import confidence, drafts, holding, opened, outside, tasks, together, views
from engine.errors import NotFound
from engine.queries import done as finished
from engine.queries import inbox as waiting
from engine.queries import mine, vacancies
from engine.queries import tasks as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.instances.shapes import Moved
from webui.api.schemas import Answers, Moment, Text, Whole
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.inbox import Inbox
    from engine.queries.tasks import Task

routes = Routes("tasks", "What waits for me, and doing it.")
ONE = "/tasks/<uuid:task_id>"


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


def _hold() -> Whole:
    return Whole(
        0,
        3600,
        load_default=0,
        metadata={
            "description": "Seconds in which the act may be taken back (/undo), where its process allows that; "
            "at most those of the installation. Nothing follows from it before."
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
    hold = _hold()


class Completed(Moved):
    """The instance; until when the act is held, null when it is done."""

    held_until = Moment(allow_none=True)


class Draft(schemas.Sent):
    answers = Answers(required=True)
    revision = fields.Integer(
        validate=Range(min=0),
        metadata={
            "description": "That of the draft you had before you, 0 for none; a newer one is then not overwritten (409)."
        },
    )


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
    rules = fields.List(fields.Nested(Ruled))


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
    urged = fields.String(
        metadata={
            "description": "The secretary's last words to whoever has it; empty when nobody urged."
        }
    )


class DraftShape(Schema):
    key = fields.String(required=True)
    answers = fields.Dict()
    saved_at = Moment()
    revision = fields.Integer()


DraftList = Schema.from_dict(
    {"items": fields.List(fields.Nested(DraftShape), required=True)}, name="DraftList"
)


@routes.look("/tasks", InboxPage, query=Waiting)
def list_tasks(session: Session, actor: Actor, given: dict[str, Any]) -> Inbox:
    """What waits for me, soonest due first, with counts over all of it."""
    return waiting.inbox(session, actor, lang=lang(), **given)


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


@routes.look("/vacancies", VacantPage)
def list_vacancies(session: Session, actor: Actor) -> dict[str, Any]:
    """Open tasks that nobody can do, in matters that I launched or whose office I keep."""
    return {"items": vacancies.vacancies(session, actor, lang()), "next": None}


@routes.look(ONE, TaskShape, recorded=True)
def get_task(session: Session, actor: Actor, task_id: UUID) -> Task:
    """One task that is or was mine. If its matter is confidential, this is recorded."""
    found = reading.task(session, actor, task_id, lang())
    if found.confidential:
        confidence.note_reading(session, actor, found.instance_id)
    if found.actionable:
        opened.note(session, actor, task_id)
    return found


@routes.act(f"{ONE}/claim", Moved)
def claim(session: Session, actor: Actor, task_id: UUID) -> dict[str, UUID]:
    """Take a task of one of my seats for myself."""
    return {"instance_id": tasks.claim(session, actor, task_id)}


@routes.act(f"{ONE}/release", Moved)
def release(session: Session, actor: Actor, task_id: UUID) -> dict[str, UUID]:
    """Give a claimed task back to its seat."""
    return {"instance_id": tasks.release(session, actor, task_id)}


@routes.act(f"{ONE}/undo", Moved)
def undo(session: Session, actor: Actor, task_id: UUID) -> dict[str, UUID]:
    """Take back an act of mine that is held: the task is open as before, the answers are a draft.
    409 `too_late` when its time is over.
    """
    return {"instance_id": holding.withdraw(session, actor, task_id)}


@routes.act(f"{ONE}/complete", Completed, body=Complete)
def complete(
    session: Session, actor: Actor, given: dict[str, Any], task_id: UUID
) -> dict[str, Any]:
    """Finish a task with the answers to its form; its draft is forgotten. Of what happened on an
    earlier day, the first answer is 409 `late_entry`.
    """
    held = tasks.open_task(session, actor, task_id, given["revision"])
    until = holding.submit(held, given["answers"], given["seen"], seconds=given["hold"])
    return {"instance_id": held.task.instance_id, "held_until": until}


class BatchTask(schemas.Sent):
    id = fields.UUID(required=True)
    revision = Whole(0, 2**31 - 1, load_default=None, allow_none=True)
    answers = Answers(
        load_default=dict, metadata={"description": "Of this task alone, over those for all."}
    )


class BatchOf(schemas.Sent):
    batch = fields.UUID(
        required=True,
        metadata={
            "description": "Made by you; the same one again does what is left and nothing twice."
        },
    )
    tasks = fields.List(
        fields.Nested(BatchTask), required=True, validate=Length(min=1, max=together.MOST)
    )
    answers = Answers(
        load_default=dict,
        metadata={
            "description": "For all; what is left out here and there is taken from earlier steps."
        },
    )
    hold = _hold()


class FailedTask(Schema):
    id = fields.UUID(required=True)
    code = fields.String()
    message = schemas.Said()


class BatchReport(Schema):
    """What came of a batch: each task by itself, done or not."""

    batch = fields.UUID(required=True)
    done = fields.List(
        fields.UUID(), metadata={"description": "Done, or held as it was asked for."}
    )
    failed = fields.List(fields.Nested(FailedTask))
    held_until = Moment(
        allow_none=True,
        metadata={
            "description": "Until when something of it may be taken back (/undo); null when all is done."
        },
    )


class NotTakenBack(FailedTask):
    number = fields.String(metadata={"description": "Of its matter."})


class TakenBack(Schema):
    """Which tasks of a batch are open again, and which are not."""

    tasks = fields.List(fields.UUID())
    failed = fields.List(fields.Nested(NotTakenBack))


@routes.act("/tasks/batch", BatchReport, body=BatchOf, keyed=False, many=True)
def complete_together(
    carry_out: together.CarryOut, actor: Actor, given: dict[str, Any]
) -> dict[str, Any]:
    """Finish several tasks of one kind, where the process allows it (`alike` in the inbox); each is
    done and recorded by itself. Of those drawn as a spot check each must have been opened (409
    `spot_check` names them).
    """
    chosen = tuple(together.Chosen(**each) for each in given["tasks"])
    batch = together.Batch(given["batch"], chosen, given["answers"], given["hold"])
    carry_out(lambda session: together.check(session, actor, batch))
    report = together.run(carry_out, actor, batch)
    until = report.held_until
    return {
        "batch": batch.id,
        "done": report.done,
        "failed": report.failed,
        "held_until": until,
    }


@routes.act("/tasks/batch/<uuid:batch_id>/undo", TakenBack, keyed=False, many=True)
def undo_together(carry_out: together.CarryOut, actor: Actor, batch_id: UUID) -> together.TakenBack:
    """Take back what of a batch of mine is held, each task by itself; what of it was carried out
    within the last day fails with `too_late`.
    """
    return together.take_back(carry_out, actor, batch_id)


@routes.act(f"{ONE}/links", LinkShape, body=LinkTo, status=201, keyed=False)
def send_link(
    session: Session, actor: Actor, given: dict[str, Any], task_id: UUID
) -> dict[str, Any]:
    """A one-time link by which somebody outside answers this task; shown once, so there is no key.

    Older links end.
    """
    token = outside.invite(session, actor, task_id, given["to"])
    link = url_for("outside.letter", token=token, _external=True)
    return {"link": link, "to": given["to"], "ends_at": clock.now() + outside.VALID}


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
