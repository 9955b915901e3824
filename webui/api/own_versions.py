"""Versions of processes that one union has for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import own_versions
from engine.queries import own_versions as reading
from webui.api import schemas
from webui.api.definitions.shapes import Decided, OwnShape
from webui.api.edge import Routes
from webui.api.schemas import Text

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("own-versions", "Versions of processes that one union has for itself.")
OwnPage = schemas.page("OwnVersionPage", OwnShape)
ONE = "/own-versions/<uuid:own_id>"


class Ending(schemas.Sent):
    note = Text(500, 2, required=True, metadata={"description": "Why."})


class Proposed(Schema):
    proposal = fields.UUID(required=True, metadata={"description": "See /proposals."})


@routes.look("/own-versions", OwnPage)
def list_own_versions(session: Session, actor: Actor) -> dict[str, Any]:
    """Those of the unions that you belong to, newest first."""
    return {"items": reading.listing(session, actor), "next": None}


@routes.look(ONE, OwnShape)
def get_own_version(session: Session, actor: Actor, own_id: UUID) -> reading.Own:
    """One of them."""
    return reading.one(session, actor, own_id)


@routes.act(f"{ONE}/approve", Decided)
def approve_own_version(session: Session, actor: Actor, own_id: UUID) -> dict[str, Any]:
    """Put it in force in its union: never by whoever proposed it, nor before all its stories went
    as told; one that is looser than the common version by who answers for the installation.
    """
    return {"hash": own_versions.decide(session, actor, own_id, True), "own": own_id}


@routes.act(f"{ONE}/refuse", Decided)
def refuse_own_version(session: Session, actor: Actor, own_id: UUID) -> dict[str, Any]:
    """Refuse it."""
    return {"hash": own_versions.decide(session, actor, own_id, False), "own": own_id}


@routes.act(f"{ONE}/end", Proposed, body=Ending, status=201)
def end_own_version(
    session: Session, actor: Actor, given: dict[str, Any], own_id: UUID
) -> dict[str, Any]:
    """Propose that the union go back to the common version, which another person approves."""
    return {"proposal": own_versions.propose_end(session, actor, own_id, given["note"])}
