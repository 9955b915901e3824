"""Process instances: start, find, read, move, and prove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.commands import (
    confidence,
    drafts,
    erasure,
    incidents,
    instances,
    late,
    messages,
    reads,
    several,
)
from engine.commands import packs as asking
from engine.commands.registry import DESK, DeskVerb
from engine.errors import NotFound
from engine.queries import confidence as secrecy
from engine.queries import diagrams, launchable, packs, urgings
from engine.queries import history as told
from engine.queries import instance as reading
from engine.queries import instances as lists
from webui.api import schemas
from webui.api.edge import Binary, Routes
from webui.api.instances.shapes import (
    Alike,
    Diagram,
    Entered,
    EventPage,
    Events,
    Instance,
    InstanceList,
    InstancePage,
    Launch,
    LaunchedTogether,
    LaunchSeveral,
    LetIn,
    LetOut,
    Message,
    Moved,
    PackShape,
    ProofShape,
    ReadingList,
    UrgingsShape,
    Wanted,
)
from webui.http import evidence
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.history import Happened, Proof
    from engine.queries.instances import Page, Row
    from engine.queries.packs import Pack

routes = Routes("process-instances", "Matters: start them, find them, follow them.")
ONE = "/process-instances/<uuid:instance_id>"


def sees(session: Session, actor: Actor, instance_id: UUID, **_more: Any) -> None:
    """Raise NotFound when the instance is not this person's to see."""
    reading.must_see(session, actor, instance_id)


@routes.act(
    "/process-instances", schemas.Made, body=Launch, status=201, at="/process-instances/{id}"
)
def launch(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """Start an instance of the published version of a process; the draft of its form is
    forgotten. Of what happened on an earlier day, the first answer is 409 `late_entry`.
    """
    made = late.launch(session, actor, given["process_id"], given["answers"], given["seen"])
    drafts.drop(session, actor, f"launch:{given['process_id']}")
    return {"id": made}


@routes.act("/process-instances/several", LaunchedTogether, body=LaunchSeveral, status=201)
def launch_several(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """Start several instances that belong together, where the process allows it: all of them, or
    none. Faults of a row are told as `matters.<row>.<field>`, the first being 0.
    """
    process, answers, rows = given["process_id"], given["answers"], given["matters"]
    return {"ids": several.launch(session, actor, process, answers, rows)}


@routes.act(
    "/process-instances/entries",
    schemas.Made,
    body=Entered,
    status=201,
    at="/process-instances/{id}",
)
def enter(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """Enter what somebody handed in on paper, where the process lets my post do so: it is theirs,
    and I am on record as who entered it.
    """
    entered = instances.Entered(given["answers"])
    process, seen = given["process_id"], given["seen"]
    return {"id": late.enter(session, actor, process, given["owner"], entered, seen=seen)}


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
    """Say something that the instance waits for, as listed in its `able`. Of what happened on an
    earlier day, the first answer is 409 `late_entry`.
    """
    waits = messages.expect(session, actor, instance_id, name)
    return {"instance_id": late.send(waits, given["answers"], given["seen"])}


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


@routes.look(f"{ONE}/urgings", UrgingsShape, recorded=True)
def list_urgings(session: Session, actor: Actor, instance_id: UUID) -> urgings.Urgings:
    """How often and by whom those who have an instance were urged, whether they noticed, and what
    urging now would be. If it is confidential, this is recorded.
    """
    found = urgings.urgings(session, actor, instance_id, lang())
    if found.confidential:
        confidence.note_reading(session, actor, instance_id)
    return found


@routes.act(f"{ONE}/readers", Moved, body=LetIn, sees=sees)
def let_in(
    session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID
) -> dict[str, UUID]:
    """Let a member read a confidential instance until a day, with a reason on record (who acts in
    it by a post).
    """
    member, reason, until = given["member_id"], given["reason"], given["until"]
    done = confidence.let_in(session, actor, instance_id, member, reason, until=until)
    return {"instance_id": done}


@routes.act(f"{ONE}/readers/removal", Moved, body=LetOut, sees=sees)
def let_out(
    session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID
) -> dict[str, UUID]:
    """Take back that a member was let in, with a reason on record (who acts in it by a post)."""
    return {
        "instance_id": confidence.let_out(
            session, actor, instance_id, given["member_id"], given["reason"]
        )
    }


@routes.act(f"{ONE}/erasure", Moved, body=schemas.Reason, sees=sees)
def erase(
    session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID
) -> dict[str, UUID]:
    """Propose to erase the contents of a confidential instance that has ended and was kept for its
    time; somebody else approves it under /proposals; the history stays (who acts in it by a post).
    """
    erasure.propose(session, actor, instance_id, given["reason"])
    return {"instance_id": instance_id}


@routes.act(f"{ONE}/hold", Moved, body=schemas.Reason, sees=sees)
def hold(
    session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID
) -> dict[str, UUID]:
    """Keep the contents whatever their time, until somebody else lifts it under /proposals."""
    erasure.hold(session, actor, instance_id, given["reason"])
    return {"instance_id": instance_id}


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


@routes.act(f"{ONE}/evidence/queued", PackShape, status=202, sees=sees, keyed=False)
def queue_evidence(session: Session, actor: Actor, instance_id: UUID) -> Pack:
    """Let a worker make the evidence pack; one that holds all that has happened serves all who may
    read it.
    """
    return packs.one(session, actor, instance_id, asking.ask(session, actor, instance_id))


@routes.look(f"{ONE}/evidence/<uuid:pack_id>", PackShape)
def read_evidence(session: Session, actor: Actor, instance_id: UUID, pack_id: UUID) -> Pack:
    """How far a pack is, and until when it can be fetched."""
    return packs.one(session, actor, instance_id, pack_id)


@routes.look(
    f"{ONE}/evidence/<uuid:pack_id>/zip", None, media_type="application/zip", recorded=True
)
def fetch_evidence(session: Session, actor: Actor, instance_id: UUID, pack_id: UUID) -> Binary:
    """A pack that a worker made. That somebody else than who asked took it is put on record."""
    data = asking.fetch(session, actor, instance_id, pack_id)
    return Binary("application/zip", data, f"evidence-{instance_id}.zip")
