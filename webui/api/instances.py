"""Process instances: start, find, read, move, and prove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import confidence, drafts, erasure, incidents, instances, reads
from engine.commands.registry import DESK, DeskVerb
from engine.errors import NotFound
from engine.queries import confidence as secrecy
from engine.queries import diagrams, launchable
from engine.queries import history as told
from engine.queries import instance as reading
from engine.queries import instances as lists
from webui.api import schemas
from webui.api.edge import Binary, Routes
from webui.api.schemas import Answers, Id, Moment, Text, Whole
from webui.http import evidence
from webui.http.messages import in_language
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.history import Happened, Proof
    from engine.queries.instances import Page, Row

routes = Routes("process-instances", "Matters: start them, find them, follow them.")
ONE = "/process-instances/<uuid:instance_id>"


class Launch(schemas.Sent):
    process_id = Text(100, 1, required=True)
    answers = Answers(
        load_default=dict, metadata={"description": "Of the form `launch` of the process."}
    )


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
    closed_by = fields.String()
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


ReadingList = Schema.from_dict(
    {"items": fields.List(fields.Nested(Reading), required=True)}, name="ReadingList"
)


class LetIn(schemas.Sent):
    member_id = Id(required=True)
    reason = Text(500, 1, required=True)


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


InstancePage = schemas.page("InstancePage", InstanceRow)
EventPage = schemas.page("EventPage", Event)
InstanceList = Schema.from_dict(
    {"items": fields.List(fields.Nested(InstanceRow), required=True)}, name="InstanceList"
)


def sees(session: Session, actor: Actor, instance_id: UUID, **_more: Any) -> None:
    """Raise NotFound when the instance is not this person's to see."""
    reading.must_see(session, actor, instance_id)


@routes.act(
    "/process-instances", schemas.Made, body=Launch, status=201, at="/process-instances/{id}"
)
def launch(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """Start an instance of the published version of a process; the draft of its form is
    forgotten.
    """
    made = instances.launch(session, actor, given["process_id"], given["answers"])
    drafts.drop(session, actor, f"launch:{given['process_id']}")
    return {"id": made}


@routes.look("/process-instances", InstancePage, query=Wanted)
def list_instances(session: Session, actor: Actor, given: dict[str, Any]) -> Page:
    """The instances that I may see, newest first."""
    wanted = lists.Wanted(
        words=given["words"],
        process=given["process"],
        state=given["state"],
        unit_id=given["unit"],
        starter_id=given["starter"],
        since=given["since"],
        until=given["until"],
        mine=given["mine"],
        overdue=given["overdue"],
    )
    return lists.instances(
        session, actor, wanted, after=given["after"], limit=given["limit"], lang=lang()
    )


@routes.look("/process-instances/alike", InstanceList, query=Alike)
def alike(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, tuple[Row, ...]]:
    """Possible duplicates: instances of a process that I may start, with a title much like this
    one.
    """
    found = launchable.opening(session, actor, given["process"], lang())
    named = found.process.confidentiality == "named"  # even a title may say too much
    if named:
        return {"items": ()}
    rows = lists.alike(session, actor, given["process"], given["title"], lang=lang())
    return {"items": rows}


@routes.look(ONE, Instance, recorded=True)
def get_instance(session: Session, actor: Actor, instance_id: UUID) -> dict[str, Any]:
    """One instance: where it stands, what was said, its papers, and what I may do. If it is
    confidential, this is recorded.
    """
    found = reading.file(session, actor, instance_id, lang())
    if found.confidential:
        confidence.note_reading(session, actor, instance_id)
    return {
        **vars(found),
        "incidents": [
            dict(zip(("id", "message", "at"), each, strict=True)) for each in found.incidents
        ],
    }


@routes.act(f"{ONE}/withdraw", Moved, body=schemas.Reason, sees=sees)
def withdraw(
    session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID
) -> dict[str, UUID]:
    """Take my own matter back, as far as the process allows."""
    return {"instance_id": instances.withdraw(session, actor, instance_id, given["reason"])}


def _desk_route(verb: DeskVerb) -> None:
    """The address of a verb of the secretary's desk."""

    def act(
        session: Session, actor: Actor, *given: dict[str, Any], instance_id: UUID
    ) -> dict[str, UUID]:
        reason = [body["reason"] for body in given]
        return {"instance_id": verb.command(session, actor, instance_id, *reason)}

    act.__name__, act.__doc__ = verb.name, verb.summary
    body = schemas.Reason if verb.reasoned else None
    routes.act(f"{ONE}/{verb.name}", Moved, body=body, sees=sees)(act)


for _verb in DESK.values():
    _desk_route(_verb)


@routes.act(f"{ONE}/messages/<name>", Moved, body=Message, sees=sees)
def send_message(
    session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID, name: str
) -> dict[str, UUID]:
    """Say something that the instance waits for, as listed in its `able`."""
    return {"instance_id": instances.send(session, actor, instance_id, name, given["answers"])}


@routes.act(f"{ONE}/incidents/<uuid:incident_id>/retry", Moved, sees=sees)
def retry(session: Session, actor: Actor, instance_id: UUID, incident_id: UUID) -> dict[str, UUID]:
    """Try again what broke (secretary, administrator)."""
    if incident_id not in reading.incidents(session, actor, instance_id):
        raise NotFound
    return {"instance_id": incidents.retry(session, actor, incident_id)}


@routes.look(f"{ONE}/readings", ReadingList)
def list_readings(session: Session, actor: Actor, instance_id: UUID) -> dict[str, Any]:
    """Who read a confidential instance, newest first; nothing of any other."""
    found = secrecy.guarded(session, actor, instance_id)
    return {"items": found.readings if found else ()}


@routes.act(f"{ONE}/readers", Moved, body=LetIn, sees=sees)
def let_in(
    session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID
) -> dict[str, UUID]:
    """Let a member read a confidential instance, with a reason on record (who acts in it by a
    post).
    """
    return {
        "instance_id": confidence.let_in(
            session, actor, instance_id, given["member_id"], given["reason"]
        )
    }


@routes.act(f"{ONE}/erasure", Moved, body=schemas.Reason, sees=sees)
def erase(
    session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID
) -> dict[str, UUID]:
    """Erase the contents of a confidential instance that has ended; the history stays (who acts in
    it by a post).
    """
    return {"instance_id": erasure.erase(session, actor, instance_id, given["reason"])}


@routes.look(f"{ONE}/history", EventPage, query=Events, recorded=True)
def history(
    session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID
) -> dict[str, Any]:
    """The events of an instance, in order. That it was read is put on record, once a day."""
    reads.read_history(session, actor, instance_id)
    found: tuple[Happened, ...] = told.timeline(
        session, actor, instance_id, given["after"], given["limit"] + 1
    )
    shown = found[: given["limit"]]
    return {"items": shown, "next": shown[-1].seq if len(found) > len(shown) else None}


@routes.look(f"{ONE}/proof", ProofShape)
def proof(session: Session, actor: Actor, instance_id: UUID) -> Proof:
    """Check the chain of this instance now."""
    return told.proof(session, actor, instance_id)


@routes.look(f"{ONE}/diagram", Diagram)
def diagram(session: Session, actor: Actor, instance_id: UUID) -> dict[str, Any]:
    """The BPMN diagram with titles in words, the elements passed so far in order, and those open
    now.
    """
    context = reading.read(session, actor, instance_id)
    return {
        "bpmn": diagrams.drawn(context.process, lang()).decode(),
        "passed": told.path(session, actor, instance_id),
        "open": [waiting.element for waiting in reading.live(context)],
    }


@routes.act(f"{ONE}/evidence", media_type="application/zip", sees=sees, keyed=False)
def export_evidence(session: Session, actor: Actor, instance_id: UUID) -> Binary:
    """The evidence pack as a ZIP that anybody can verify offline. Every export is put on record, so
    there is no key.
    """
    return Binary(
        "application/zip",
        evidence.export(session, actor, instance_id, evidence.signer_here(session)),
        f"evidence-{instance_id}.zip",
    )
