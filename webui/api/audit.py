"""The proof of the whole history: signed checkpoints, their witnesses, a verification, and the
installation's own log.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import reads, sealing, witnesses
from engine.commands import verifications as asking
from engine.errors import NotFound
from engine.queries import checkpoints, verifications
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.instances.shapes import Break, EventPage
from webui.api.schemas import Log, Moment, Text, Whole
from webui.http import evidence

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.history.seals import Verdict
    from engine.people.organisation import Actor
    from engine.queries.verifications import Verification

routes = Routes("audit", "Checkpoints, witnesses, verification.")


class Checkpoint(Schema):
    """A checkpoint; `text` is what is signed, with its signature."""

    size = fields.Integer(required=True)
    root = fields.String()
    at = Moment()
    key_id = fields.String()
    witness = fields.String()
    text = fields.String()
    held = fields.List(
        fields.Nested(lambda: HeldShape()),
        metadata={"description": "What came back from outside and was checked."},
    )


class HeldShape(Schema):
    """A proof that somebody outside holds a checkpoint."""

    name = fields.String(required=True)
    at = Moment()
    way = schemas.Choice("key", "stamp")
    proof = fields.String(
        metadata={"description": "The countersignature, or the time-stamp reply in base64."}
    )


class VerdictShape(Schema):
    """What a verification found; `broken` and `fault` are empty when everything holds."""

    chains = fields.Integer()
    events = fields.Integer(required=True)
    leaves = fields.Integer()
    checkpoints = fields.Integer()
    unsealed = fields.Integer(metadata={"description": "Events under no checkpoint yet."})
    broken = fields.Nested(Break, allow_none=True)
    fault = fields.String()
    late = fields.Integer()
    unproved = fields.String()
    older = fields.Integer(
        metadata={"description": "Instances whose events tell less, compared as far as they do."}
    )
    older_unions = fields.Integer(metadata={"description": "Unions of which events tell less."})
    baseline = fields.String(
        metadata={"description": "Since when these are compared like all others; empty is never."}
    )


class Points(schemas.Asked):
    limit = Whole(1, schemas.MOST, load_default=50)
    after = Whole(
        0,
        2**53 - 1,
        load_default=None,
        metadata={"description": "`next` of the page before: a size."},
    )


class Witness(schemas.Sent):
    who = Text(100, 2, required=True)


CheckpointPage = schemas.page(
    "CheckpointPage", Checkpoint, witnessed=fields.Integer(), unsealed=fields.Integer()
)


@routes.look("/checkpoints", CheckpointPage, query=Points)
def list_checkpoints(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """The signed checkpoints, newest first (secretary, auditor)."""
    found = checkpoints.checkpoints(session, actor, given["after"], given["limit"])
    more = len(found.points) == given["limit"]
    return {**vars(found), "items": found.points, "next": found.points[-1].size if more else None}


@routes.act("/checkpoints/<size>/witness", body=Witness, status=204)
def note_witness(session: Session, actor: Actor, given: dict[str, Any], size: str) -> None:
    """Note that somebody outside holds a checkpoint."""
    if not re.fullmatch(r"[0-9]{1,18}", size):
        raise NotFound
    reads.witness(session, actor, int(size), given["who"])


class Note(schemas.Sent):
    note = Text(2000, 1, required=True)


class Theirs(schemas.Sent):
    checkpoint = Text(
        20_000,
        1,
        required=True,
        metadata={
            "description": "A signed checkpoint, as it is shown; after it the proof that it goes on from the one countersigned before."
        },
    )


class NoteShape(Schema):
    note = fields.String(required=True)


class SizeShape(Schema):
    size = fields.Integer(required=True)


@routes.act("/countersignatures", NoteShape, body=Theirs, status=201)
def countersign(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, str]:
    """As a witness, countersign a checkpoint of another installation; refused when it does not go
    on from what was countersigned before, which a proof must show (post `installation`).
    """
    signing = evidence.signer_here
    return {"note": witnesses.countersign(session, actor, signing, given["checkpoint"])}


@routes.look("/countersignatures/<key_id>", SizeShape)
def given_before(session: Session, actor: Actor, key_id: str) -> dict[str, int]:
    """The size of the checkpoint that was countersigned last for the installation with this key; 0:
    none (post `installation`).
    """
    return {"size": witnesses.given_size(session, actor, key_id)}


@routes.act("/countersignatures/received", SizeShape, body=Note, status=201)
def receive(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, int]:
    """Keep a countersignature that came back from a registered witness (post `installation`)."""
    return {"size": witnesses.accept(session, actor, given["note"])}


@routes.act("/verifications", VerdictShape, keyed=False)
def verify(session: Session, actor: Actor) -> Verdict:
    """Check every chain, leaf, checkpoint and kept answer now. Every verification is put on record,
    so there is no key.
    """
    return reads.verify(session, actor, evidence.public_here(session), evidence.log_here())


class Asked(Schema):
    """A verification that a worker carries out; `verdict` is empty until it has ended."""

    id = fields.UUID(required=True)
    who = fields.String()
    state = fields.String(metadata={"enum": ["waiting", "running", "ended"]})
    asked_at = Moment()
    begun_at = Moment(allow_none=True)
    ended_at = Moment(allow_none=True)
    done = fields.Integer(metadata={"description": "Events read so far."})
    total = fields.Integer()
    verdict = fields.Nested(VerdictShape, allow_none=True)
    refused = fields.String()


@routes.act("/verifications/queued", Asked, status=202, keyed=False)
def queue_verification(session: Session, actor: Actor) -> Verification:
    """Let a worker check everything; one that has not ended serves all who ask meanwhile."""
    return verifications.one(session, actor, asking.ask(session, actor))


@routes.look("/verifications/<uuid:verification_id>", Asked)
def read_verification(session: Session, actor: Actor, verification_id: UUID) -> Verification:
    """How far a verification is, and what it found."""
    return verifications.one(session, actor, verification_id)


@routes.act("/resumptions/<seq>/confirm", status=204)
def confirm(session: Session, actor: Actor, seq: str) -> None:
    """Stand in for a restored backup or a repair, by its number in the installation's history;
    it takes two people.
    """
    if not re.fullmatch(r"[0-9]{1,9}", seq):
        raise NotFound
    sealing.confirm(session, actor, int(seq))


@routes.look("/history", EventPage, query=Log)
def installation_history(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """What happened to the whole installation, newest first."""
    found = checkpoints.installation_log(session, actor, schemas.which(given), given["limit"] + 1)
    shown = found[: given["limit"]]
    return {"items": shown, "next": shown[-1].seq if len(found) > len(shown) else None}
