"""Polls: questions put to a frozen roll."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import url_for
from flask_babel import lazy_gettext as _l
from marshmallow import Schema, fields, validate

from engine.commands import polls, signing, teller_changes, tellers, voiding
from engine.errors import Invalid
from engine.messages import _
from engine.queries import certificates, poll_list, poll_rows
from engine.queries import polls as reading
from webui.api import schemas
from webui.api.edge import Binary, Routes
from webui.api.instances.shapes import Moved
from webui.api.schemas import InWords, Moment, Text
from webui.http.messages import language
from webui.http.words import lang

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.polls import Poll

routes = Routes(
    "polls", "Questions put to a roll: seconding, rating, countersigning, consent, votes."
)
ONE = "/polls/<uuid:poll_id>"
STATES = ("called", "open", "counting", "closed", "void")


class Respond(schemas.Sent):
    """`choice`, or in an election `choices`: the ids of candidates; an empty list abstains."""

    choice = Text(100, load_default="")
    choices = fields.List(
        Text(100, 1), load_default=None, error_messages=schemas.Sent.error_messages
    )
    comment = Text(2000, load_default="")


class GivePaper(schemas.Sent):
    members = fields.List(
        schemas.Id(),
        required=True,
        validate=validate.Length(1, 2000, error=_l("应为 {min} 至 {max} 人。")),
        error_messages=schemas.Sent.error_messages,
    )


class ReplaceTeller(schemas.Sent):
    """Who leaves, who comes, and why where the one who leaves has not said it."""

    teller = schemas.Id(required=True)
    successor = schemas.Id(required=True)
    reason = Text(500, load_default="")


class PaperCount(schemas.Sent):
    """What a teller counted; whole numbers that fit together."""

    returned = schemas.Whole(0, 1_000_000, required=True)
    invalid = schemas.Whole(0, 1_000_000, load_default=0)
    counts = fields.Dict(
        keys=fields.String(),
        values=schemas.Whole(0, 1_000_000),
        required=True,
        error_messages=schemas.Sent.error_messages,
        metadata={"description": "Choice -> n; of an election candidates and `abstain`."},
    )
    issued = schemas.Whole(
        0,
        1_000_000,
        load_default=None,
        metadata={"description": "To be checked against those registered."},
    )


class Verify(schemas.Asked):
    hash = Text(64, 64, required=True, metadata={"description": "As printed on the certificate."})


class PollRow(Schema):
    """A poll in a list."""

    id = fields.UUID(required=True)
    instance_id = fields.UUID()
    element = fields.String()
    kind = fields.String()
    state = schemas.Choice(*STATES)
    roll_size = fields.Integer()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    opened_at = Moment()
    closes_at = Moment(allow_none=True)
    closed_at = Moment(allow_none=True)
    number = fields.String()
    title = fields.String()


class Voice(Schema):
    name = fields.String()
    choice = fields.String(
        allow_none=True, metadata={"description": "Not shown while a vote or an election runs."}
    )
    comment = fields.String()
    at = Moment(allow_none=True)
    answered = fields.Boolean()


class PollRule(Schema):
    """A rule of law behind the poll, as one sentence with its source."""

    id = fields.String()
    words = fields.String()
    confidence = fields.String()
    level = fields.String()


class PollTeller(Schema):
    name = fields.String()
    entered = fields.Boolean(metadata={"description": "Entered the paper ballots."})
    signed_at = Moment(allow_none=True)
    dissent = fields.String(allow_none=True, metadata={"description": "Why they do not sign."})
    leaves = fields.String(
        allow_none=True, metadata={"description": "Why they asked to be replaced, or were."}
    )
    successor = fields.String(
        allow_none=True, metadata={"description": "Who counts in their place."}
    )


class Waiting(fields.List[Any]):
    """(id, name, unit) of members; the unit is for the page."""

    def __init__(self) -> None:
        super().__init__(fields.Nested(schemas.NamedFile))

    def _serialize(self, value: Any, *_more: Any, **__: Any) -> Any:
        return [{"id": str(key), "name": name} for key, name, _unit in value]


class CountingShape(Schema):
    """The tellers' table: no teller sees another's numbers before they agree."""

    handed = fields.List(fields.String(), metadata={"description": "Who was given a paper ballot."})
    waiting = Waiting()
    mine = fields.Dict(allow_none=True)
    entries = schemas.Choice("none", "one", "agree", "differ")
    signed = fields.Boolean()
    todo = schemas.Choice("", "take_key", "open", "paper", "sign")


class CheckedShape(Schema):
    """What the record says to a certificate."""

    matches = fields.Boolean()
    whole = fields.Boolean(
        metadata={"description": "The chain of the history up to the event is whole."}
    )
    seq = fields.Integer()
    at = Moment()
    hash = fields.String()
    agrees = fields.Boolean(
        metadata={"description": "What the pages show of the poll is what its events say."}
    )


class PollShape(Schema):
    """One poll: the question, the rule in numbers, my answer, how it stands."""

    id = fields.UUID(required=True)
    instance_id = fields.UUID()
    task_id = fields.UUID()
    element = fields.String(attribute="question.element")
    title = fields.String(attribute="question.title")
    asks = fields.String(attribute="question.asks")
    kind = fields.String(attribute="question.kind")
    choices = fields.List(fields.String(), attribute="question.choices")
    labels = fields.Dict(keys=fields.String(), values=InWords(), attribute="question.labels")
    rule = fields.Dict()
    state = schemas.Choice(*STATES)
    roll_size = fields.Integer(attribute="roll.size")
    roll_hash = fields.String(attribute="roll.hash")
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), attribute="count.by_choice")
    outcome = fields.Dict(allow_none=True, attribute="result.outcome")
    opened_at = Moment()
    closes_at = Moment(allow_none=True)
    closed_at = Moment(allow_none=True)
    on_roll = fields.Boolean(attribute="mine.on_roll")
    mine = fields.String(allow_none=True, attribute="mine.choice")
    my_comment = fields.String(attribute="mine.comment")
    closable = fields.Boolean(attribute="rights.closable")
    voices = fields.List(
        fields.Nested(Voice), metadata={"description": "The first 300 on the roll."}
    )
    words = fields.String(
        metadata={"description": "The rule in words, with its numbers."}, attribute="basis.words"
    )
    rules = fields.List(fields.Nested(PollRule), attribute="basis.rules")
    secret = fields.Boolean(attribute="question.secret")
    cast = fields.Integer(
        metadata={"description": "So many have voted in the system."}, attribute="count.cast"
    )
    papers = fields.Integer(
        metadata={"description": "So many were given a paper ballot."}, attribute="roll.papers"
    )
    chosen = fields.List(fields.String(), attribute="mine.chosen")
    seats = fields.Integer(attribute="question.seats")
    in_order = fields.Boolean(attribute="question.in_order")
    turn = fields.String(
        metadata={"description": "Whose turn it is, where one answers after the other."}
    )
    may_answer = fields.Boolean(attribute="mine.may_answer")
    on_paper = fields.Boolean(attribute="mine.on_paper")
    meeting_id = fields.UUID(allow_none=True)
    presence = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "`opening`, `closing`."},
    )
    am_here = fields.Boolean(attribute="mine.here")
    tellers = fields.List(fields.Nested(PollTeller))
    counting = fields.Nested(CountingShape, allow_none=True)
    chair = fields.Boolean(
        metadata={"description": "I may close it any time."}, attribute="rights.chair"
    )
    may_void = fields.Boolean(attribute="rights.may_void")
    may_declare = fields.Boolean(
        metadata={"description": "Enough have signed, and I declare the result."},
        attribute="rights.may_declare",
    )
    why = fields.String(
        metadata={"description": "The rule explained with the numbers needed and reached."},
        attribute="result.why",
    )
    elected = fields.List(fields.String(), attribute="result.elected")
    tied = fields.List(fields.String(), attribute="result.tied")
    voided = fields.Integer()
    question = fields.String(
        attribute="question.about.question",
        metadata={"description": "What is voted on, in one line."},
    )
    about = fields.List(
        fields.Nested(schemas.Answered),
        attribute="question.about.all",
        metadata={"description": "What is voted on."},
    )


PollPage = schemas.page("PollPage", PollRow)


def sees(session: Session, actor: Actor, poll_id: UUID) -> None:
    """Raise NotFound when the poll is not this person's to see."""
    poll_rows.must_see(session, actor, poll_id)


@routes.look("/polls", PollPage, query=schemas.Paged)
def list_polls(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """The polls of instances that I may see, newest first."""
    rows, further = poll_list.polls(session, actor, _cursor(given["after"]), given["limit"])
    return {"items": rows, "next": further}


def _cursor(after: str | None) -> UUID | None:
    try:
        return UUID(after) if after else None
    except ValueError:
        raise Invalid({"after": [_("翻页标记无效。")]}) from None


@routes.look(ONE, PollShape)
def get_poll(session: Session, actor: Actor, poll_id: UUID) -> Poll:
    """One poll."""
    return reading.poll(session, actor, poll_id, lang())


@routes.act(f"{ONE}/respond", Moved, body=Respond, sees=sees)
def respond(
    session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID
) -> dict[str, UUID]:
    """Answer, once."""
    return {
        "instance_id": polls.respond(
            session,
            actor,
            poll_id,
            choice=given["choice"],
            comment=given["comment"],
            choices=given["choices"],
        )
    }


@routes.act(f"{ONE}/withdraw", Moved, sees=sees)
def withdraw_answer(session: Session, actor: Actor, poll_id: UUID) -> dict[str, UUID]:
    """Take my answer back while the poll is open."""
    return {"instance_id": polls.take_back(session, actor, poll_id)}


@routes.act(f"{ONE}/close", Moved, sees=sees)
def close_poll(session: Session, actor: Actor, poll_id: UUID) -> dict[str, UUID]:
    """Close before the window ends, where the rule lets the owner or the chair do so."""
    return {"instance_id": polls.close(session, actor, poll_id)}


@routes.act(f"{ONE}/give-paper", Moved, body=GivePaper, sees=sees)
def give_paper(
    session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID
) -> dict[str, UUID]:
    """A teller hands out paper ballots to these voters."""
    return {"instance_id": tellers.give_paper(session, actor, poll_id, given["members"])}


@routes.act(f"{ONE}/paper", Moved, body=PaperCount, sees=sees)
def enter_paper(
    session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID
) -> dict[str, UUID]:
    """A teller enters what the paper ballots say; two must agree."""
    counted = {k: v for k, v in given.items() if v is not None}
    return {"instance_id": tellers.enter_paper(session, actor, poll_id, counted)}


@routes.act(f"{ONE}/sign", Moved, sees=sees)
def sign(session: Session, actor: Actor, poll_id: UUID) -> dict[str, UUID]:
    """A teller signs the count; with enough signatures it is published, or can be declared."""
    return {"instance_id": signing.sign(session, actor, poll_id)}


@routes.act(f"{ONE}/dissent", Moved, body=schemas.Reason, sees=sees)
def dissent(
    session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID
) -> dict[str, UUID]:
    """A teller says why they do not sign the count."""
    return {"instance_id": signing.dissent(session, actor, poll_id, given["reason"])}


@routes.act(f"{ONE}/declare", Moved, sees=sees)
def declare(session: Session, actor: Actor, poll_id: UUID) -> dict[str, UUID]:
    """Who presides declares the result that enough tellers have signed."""
    return {"instance_id": signing.declare(session, actor, poll_id)}


@routes.act(f"{ONE}/tellers/leave", Moved, body=schemas.Reason, sees=sees)
def resign(session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID) -> dict[str, UUID]:
    """A teller asks to be replaced."""
    return {"instance_id": teller_changes.resign(session, actor, poll_id, given["reason"])}


@routes.act(f"{ONE}/tellers/replace", Moved, body=ReplaceTeller, sees=sees)
def replace_teller(
    session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID
) -> dict[str, UUID]:
    """Who presides replaces a teller who asked for it, or is not in the hall."""
    change = teller_changes.Change(given["teller"], given["successor"], given["reason"])
    return {"instance_id": teller_changes.replace(session, actor, poll_id, change)}


@routes.act(f"{ONE}/void", Moved, body=schemas.Reason, sees=sees)
def void_poll(
    session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID
) -> dict[str, UUID]:
    """Declare it void, or confirm what another declared; two must where ballots may be cast."""
    return {"instance_id": voiding.void(session, actor, poll_id, given["reason"])}


@routes.look(f"{ONE}/certificate", None, media_type="application/pdf")
def get_certificate(session: Session, actor: Actor, poll_id: UUID) -> Binary:
    """The certificate of a closed poll as PDF."""
    address = url_for("polls.verify", poll_id=poll_id, _external=True) + "?hash={hash}"
    name, data = certificates.certificate(session, actor, poll_id, address, language(lang()))
    return Binary("application/pdf", data, name)


@routes.look(f"{ONE}/verify", CheckedShape, query=Verify)
def verify_certificate(
    session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID
) -> certificates.Checked:
    """Is this hash of a certificate the one on record?"""
    return certificates.checked(session, actor, poll_id, given["hash"])
