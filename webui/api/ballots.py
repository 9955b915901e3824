"""Secret ballots: sealed envelopes, the tellers' keys, and what is published for everybody to
check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import current_app, g, request
from marshmallow import Schema, fields

from engine import ballots as sealed
from engine.commands import ballots, edge, teller_keys
from engine.queries import ballots as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.instances.shapes import Moved
from webui.api.polls import ONE, sees
from webui.api.schemas import Moment, Text

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

HOW = """Secret ballots. The client seals the vote itself; no call takes a vote that is not sealed. Inside the envelope:
the UTF-8 JSON object `{"poll": "<id of the poll>", "choices": ["<keys>"], "nonce": "<16 random bytes as 32 hex digits>"}`
(from `least` to `most` different choices of `choices`), filled up with spaces (0x20) to exactly `size` bytes, then sealed
with libsodium's `crypto_box_seal` to `public_key`; the envelope is sent as base64. Keep the nonce to yourself: the check code
of the ballot is the SHA-256 of its 16 bytes in hex, the receipt the SHA-256 of the sealed envelope in hex. An envelope that
does not open to such an object is counted as invalid. To check: `board_hash` is the SHA-256 of the canonical JSON (RFC 8785)
list of the sorted receipts, `urn_hash` that of the sorted list of `[code, [choices, sorted]]`; the events `ballots_cast` and
`ballots_opened` of the history say both. Look up a code in the list that you loaded; no call takes one."""
routes = Routes("ballots", HOW)


class Cast(schemas.Sent):
    envelope = Text(
        20000, 1, required=True, metadata={"description": "The sealed envelope in base64."}
    )


class Passphrase(schemas.Sent):
    passphrase = Text(256, 1, required=True)


class ReceiptShape(Schema):
    receipt = fields.String(metadata={"description": "SHA-256 of the envelope, 64 hex digits."})


class TellerShape(Schema):
    id = fields.UUID()
    name = fields.String()
    taken = fields.Boolean(metadata={"description": "Took a key part."})
    joined = fields.Boolean(metadata={"description": "Joined it to open the envelopes."})


class BoxShape(Schema):
    """What a client needs to seal a vote, and how far the ballot is."""

    poll_id = fields.UUID(required=True)
    state = schemas.Choice("called", "open", "counting", "closed", "void")
    public_key = fields.String(
        allow_none=True, metadata={"description": "X25519, base64; null until the poll opens."}
    )
    size = fields.Integer(allow_none=True, metadata={"description": "Bytes inside each envelope."})
    choices = fields.List(fields.String())
    names = fields.Dict(keys=fields.String(), values=fields.String())
    least = fields.Integer()
    most = fields.Integer()
    needed = fields.Integer(
        metadata={"description": "So many tellers open the envelopes together."}
    )
    opened = fields.Boolean()
    tellers = fields.List(fields.Nested(TellerShape))
    cast = fields.Integer()
    may_vote = fields.Boolean()
    voted_at = Moment(allow_none=True, metadata={"description": "The minute in which I voted."})
    receipt = fields.String(
        allow_none=True,
        metadata={
            "description": "Mine, until the envelopes are destroyed; null where they lie in outer ones."
        },
    )
    keeper = fields.String(
        allow_none=True,
        metadata={"description": "The host that has the outer key, and closes and opens the box."},
    )
    lost = fields.Boolean(
        metadata={"description": "That key is lost: the ballot can only be void."}
    )


class BallotShape(Schema):
    code = fields.String()
    choices = fields.List(fields.String())


class PublishedShape(Schema):
    """Receipts from the close on, ballots from the result on; `checks` are those that anybody can
    repeat.
    """

    board = fields.List(fields.String(), required=True)
    urn = fields.List(fields.Nested(BallotShape), required=True)
    board_hash = fields.String(allow_none=True)
    urn_hash = fields.String(allow_none=True)
    invalid = fields.Integer(allow_none=True)
    checks = fields.Dict(keys=fields.String(), values=fields.Boolean())


@routes.look(f"{ONE}/box", BoxShape)
def get_box(session: Session, actor: Actor, poll_id: UUID) -> reading.Box:
    """The box of a secret poll; 404 for a poll that is not secret."""
    return reading.must_be_secret(reading.box(session, actor, poll_id))


@routes.look(f"{ONE}/ballots", PublishedShape)
def get_ballots(session: Session, actor: Actor, poll_id: UUID) -> dict[str, Any]:
    """Board and urn, sorted, and the checks."""
    found = reading.published(session, actor, poll_id)
    report = reading.checked(session, actor, poll_id)
    return {
        "board": found.board,
        "urn": found.urn,
        "board_hash": found.board_hash,
        "urn_hash": found.urn_hash,
        "invalid": found.invalid,
        "checks": dict(report.checks) if report else {},
    }


def _close_when_all_voted() -> None:
    poll_id = (request.view_args or {})["poll_id"]
    edge.carry_out(
        current_app.extensions["engine"],
        g.actor,
        lambda s: ballots.close_when_all_voted(s, poll_id),
    )


@routes.act(
    f"{ONE}/ballots",
    ReceiptShape,
    body=Cast,
    status=201,
    sees=sees,
    repeatable=True,
    afterwards=_close_when_all_voted,
)
def cast(session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID) -> dict[str, str]:
    """Put in a sealed envelope, once; the same one again gives the same receipt."""
    return {"receipt": ballots.cast(session, actor, poll_id, sealed.from_text(given["envelope"]))}


# Without Idempotency-Key: the digest of a request would let its passphrase be guessed at speed.
@routes.act(f"{ONE}/keys", Moved, body=Passphrase, sees=sees, keyed=False)
def take_key(
    session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID
) -> dict[str, UUID]:
    """A teller takes a key part; with the last one the poll opens."""
    return {"instance_id": teller_keys.take(session, actor, poll_id, given["passphrase"])}


@routes.act(f"{ONE}/keys/give", Moved, body=Passphrase, sees=sees, keyed=False)
def give_key(
    session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID
) -> dict[str, UUID]:
    """A teller who was replaced hands the key part to who took their place."""
    return {"instance_id": teller_keys.give_up(session, actor, poll_id, given["passphrase"])}


@routes.act(f"{ONE}/keys/join", Moved, body=Passphrase, sees=sees, keyed=False)
def join_key(
    session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID
) -> dict[str, UUID]:
    """A teller joins the key part; the last one needed opens and counts the envelopes."""
    return {"instance_id": teller_keys.join(session, actor, poll_id, given["passphrase"])}
