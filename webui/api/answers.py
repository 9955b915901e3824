"""The answer before the log: what a matter has to show, what its votes came to; a year of a
union.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import notes as noting
from engine.commands import reads
from engine.instance import polling
from engine.queries import as_of, claims, notes, samples
from engine.queries import history as told
from engine.queries import instance as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Id, InWords, Moment, Said, Whole

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("answers", "What the histories show: did consent come before, was there a quorum.")


class MarkShape(Schema):
    """An event: its number in the history of the instance."""

    seq = fields.Integer(required=True)
    at = Moment()


class GivenShape(Schema):
    """A premise. `spare`: days between it and what it had to precede."""

    text = InWords()
    holds = fields.Boolean()
    day = fields.Date(allow_none=True)
    spare = fields.Integer(allow_none=True)
    event = fields.Nested(MarkShape, allow_none=True)


class AnswerShape(Schema):
    """A claim, answered."""

    asks = InWords(attribute="claim.asks")
    what = InWords(attribute="claim.what")
    rule = fields.String(attribute="claim.basis")
    verdict = schemas.Choice(*claims.Verdict)
    day = fields.Date(allow_none=True)
    spare = fields.Integer(allow_none=True)
    event = fields.Nested(MarkShape, allow_none=True)
    given = fields.List(fields.Nested(GivenShape))
    refused = fields.List(fields.Nested(MarkShape))


class ShareShape(Schema):
    """The votes in favour as a part of a number of people or ballots: a fraction, exactly."""

    base = schemas.Choice("roll", "present", "valid")
    of = fields.Integer()
    part = fields.String()


class VoteShape(Schema):
    """A vote that is over, with its numbers as the event of its closing has them."""

    element = fields.String()
    opened = fields.Nested(MarkShape)
    closed = fields.Nested(MarkShape)
    void = fields.Nested(MarkShape, allow_none=True)
    passed = fields.Boolean(allow_none=True)
    why = Said()
    numbers = fields.Dict(keys=fields.String(), values=fields.Integer())
    shares = fields.List(fields.Nested(ShareShape))


class Shown(Schema):
    claims = fields.List(fields.Nested(AnswerShape), required=True)
    votes = fields.List(fields.Nested(VoteShape), required=True)


@routes.look("/process-instances/<uuid:instance_id>/answers", Shown, recorded=True)
def answers(session: Session, actor: Actor, instance_id: UUID) -> dict[str, Any]:
    """What the history of an instance shows. That it was read is put on record, once a day."""
    reads.read_history(session, actor, instance_id)
    context = reading.read(session, actor, instance_id)
    bodies = told.record(context).bodies
    silent = polling.running_votes(session, instance_id)
    open_to_all = [body for body in bodies if body.get("poll") not in silent]
    return {
        "claims": claims.answers(context, bodies),
        "votes": claims.votes(context.process, open_to_all),
    }


class MatterShape(Schema):
    id = fields.UUID(required=True)
    number = fields.String()
    title = fields.String()


class ShownOf(Schema):
    matter = fields.Nested(MatterShape)
    answer = fields.Nested(AnswerShape)


class VotedOf(Schema):
    """`over`: how many more were there, at the fewest, than had to be."""

    matter = fields.Nested(MatterShape)
    title = InWords()
    vote = fields.Nested(VoteShape)
    over = fields.Integer(allow_none=True)


class UnusualOf(Schema):
    """An event off the usual way. `matter`: none where the history itself was repaired."""

    matter = fields.Nested(MatterShape, allow_none=True)
    seq = fields.Integer(required=True)
    at = Moment()
    what = Said()
    who = fields.String()
    reason = Said()


class SampleShape(Schema):
    year = fields.Integer(required=True)
    shown = fields.List(fields.Nested(ShownOf))
    voted = fields.List(fields.Nested(VotedOf))
    unusual = fields.List(fields.Nested(UnusualOf))
    repairs = fields.List(fields.Nested(UnusualOf))
    cut = fields.Boolean(metadata={"description": "There are more than are listed."})


class Year(schemas.Asked):
    union = Id(required=True)
    year = Whole(1950, 2200, required=True)


@routes.look("/samples", SampleShape, query=Year, recorded=True)
def sample(session: Session, actor: Actor, given: dict[str, Any]) -> samples.Sample:
    """The matters and votes of a union in a year (secretary, auditor). That it was read is put on
    record, once a day.
    """
    reads.read_sample(session, actor, given["union"], given["year"])
    return samples.sample(session, actor, given["union"], given["year"])


class ActedShape(Schema):
    """An act in a task. `saw`: the last event that the page showed from which it was done; `same`:
    whether that page was made from what the history tells of then.
    """

    seq = fields.Integer(required=True)
    at = Moment()
    who = fields.String()
    element = fields.String()
    saw = fields.Integer()
    same = schemas.Choice(*as_of.Same)
    meanwhile = fields.List(fields.String())


class ActedList(Schema):
    items = fields.List(fields.Nested(ActedShape), required=True)


@routes.look("/process-instances/<uuid:instance_id>/acts", ActedList, recorded=True)
def acts(session: Session, actor: Actor, instance_id: UUID) -> dict[str, Any]:
    """What people did in the tasks of an instance, and whether what they had before them was what
    the history tells. That it was read is put on record, once a day.
    """
    reads.read_history(session, actor, instance_id)
    context = reading.read(session, actor, instance_id)
    with as_of.readable():
        return {"items": as_of.Past(context, told.record(context).bodies).acts()}


class AuditNote(Schema):
    """A note of an auditor on event `about`; `seq` and `hash` are those of its own event."""

    about = fields.Integer(required=True)
    who = fields.String()
    at = Moment()
    text = fields.String()
    seq = fields.Integer()
    hash = fields.String()


class NoteList(Schema):
    items = fields.List(fields.Nested(AuditNote), required=True)


class NewNote(schemas.Sent):
    about = Whole(1, 10**9, required=True)
    text = schemas.Text(1000, 1, required=True)


@routes.look("/process-instances/<uuid:instance_id>/notes", NoteList)
def list_notes(session: Session, actor: Actor, instance_id: UUID) -> dict[str, Any]:
    """What auditors noted on the events of an instance (auditor)."""
    return {"items": notes.of_matter(session, actor, instance_id)}


@routes.act("/process-instances/<uuid:instance_id>/notes", body=NewNote, status=204)
def add_note(session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID) -> None:
    """Note something on an event of an instance, for ever (auditor)."""
    noting.note(session, actor, instance_id, given["about"], given["text"])
