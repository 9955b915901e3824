"""Issued papers: the despatch register of a union, and their correction by two people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import corrections
from engine.people import access
from engine.queries import despatch
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Choice, Id, Moment, Text, Whole

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("despatch", "Numbers that were given to papers, and corrections of papers.")


class Entry(Schema):
    """A number given. Of a confidential matter that is not mine to see the ids are null and the title says no more."""

    id = fields.UUID(allow_none=True)
    instance_id = fields.UUID(allow_none=True)
    number = fields.String(required=True)
    title = fields.String()
    matter = fields.String()
    issued_at = Moment()
    state = fields.String(metadata={"description": "issued, corrected or void."})
    replaced_by = fields.String()
    replaces = fields.String()


class Register(Schema):
    items = fields.List(fields.Nested(Entry), required=True)


class Wanted(schemas.Asked):
    union = Id(load_default=None, metadata={"description": "A union; without it my first one."})
    year = Whole(2000, 2199, load_default=None)


class Wish(schemas.Sent):
    kind = Choice(*corrections.KINDS, required=True)
    reason = Text(500, 2, required=True)
    template = Text(64, load_default="")
    changes = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        load_default=dict,
        metadata={"description": "Of a correction: dotted fact -> what shall stand there."},
    )


class CorrectionMade(Schema):
    id = fields.UUID(required=True)


@routes.look("/despatch-register", Register, query=Wanted)
def list_despatch(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """All numbers that a union has given in a year, newest first (secretary, auditor)."""
    union = given["union"] or access.unions(actor, "see_desk")[0]
    return {"items": despatch.register(session, actor, union, given["year"])}


def _seen(session: Session, actor: Actor, document_id: UUID) -> None:
    despatch.paper(session, actor, document_id)


@routes.act(
    "/documents/<uuid:document_id>/corrections", CorrectionMade, body=Wish, status=201, sees=_seen
)
def propose_correction(
    session: Session, actor: Actor, given: dict[str, Any], document_id: UUID
) -> dict[str, Any]:
    """Propose to correct a paper, to make it void, or to print it with a repaired template."""
    kind, reason = given["kind"], given["reason"]
    template, changes = given["template"] or None, given["changes"]
    made = corrections.propose(
        session, actor, document_id, kind, reason, changes=changes, template=template
    )
    return {"id": made}


def _about(session: Session, actor: Actor, correction_id: UUID) -> None:
    despatch.about(session, actor, correction_id)


@routes.act("/corrections/<uuid:correction_id>/approve", CorrectionMade, sees=_about)
def approve_correction(session: Session, actor: Actor, correction_id: UUID) -> dict[str, Any]:
    """Carry out what somebody else proposed; gives the paper that is to be looked at now."""
    return {"id": corrections.decide(session, actor, correction_id, True)}


@routes.act("/corrections/<uuid:correction_id>/refuse", CorrectionMade, sees=_about)
def refuse_correction(session: Session, actor: Actor, correction_id: UUID) -> dict[str, Any]:
    """Refuse what somebody else proposed; gives the paper."""
    return {"id": corrections.decide(session, actor, correction_id, False)}
