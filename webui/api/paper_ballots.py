"""Ballots on paper: numbered pads, and the sheet on which they are tallied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.commands import pads
from engine.documents import docx
from engine.queries import ballot_papers
from engine.queries.ballot_papers import Asked
from webui.api import schemas
from webui.api.edge import Binary, Routes
from webui.api.instances.shapes import Moved
from webui.api.polls import sees

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("paper_ballots", "Ballots on paper: numbered pads, and the tally sheet.")
ONE = "/polls/<uuid:poll_id>"
PDF = "application/pdf"


class PrintPad(schemas.Sent):
    ballots = schemas.Whole(
        1, pads.MOST, required=True, metadata={"description": "How many, numbered on."}
    )


class TakeBack(schemas.Sent):
    first = schemas.Whole(1, 10_000, required=True)
    last = schemas.Whole(1, 10_000, required=True)
    reason = schemas.Text(500, 1, required=True)


class Numbers(schemas.Asked):
    first = schemas.Whole(1, 10_000, load_default=1)
    last = schemas.Whole(0, 10_000, load_default=0, metadata={"description": "0: the last one."})


@routes.act(f"{ONE}/pads", Moved, body=PrintPad, sees=sees)
def print_pad(
    session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID
) -> dict[str, UUID]:
    """A teller, or who presides, notes a pad of numbered ballots that is printed."""
    return {"instance_id": pads.print_pad(session, actor, poll_id, given["ballots"])}


@routes.act(f"{ONE}/pads/back", Moved, body=TakeBack, sees=sees)
def take_back(
    session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID
) -> dict[str, UUID]:
    """A teller, or who presides, notes which numbers were taken back unused; they are handed out no
    more.
    """
    numbers = given["first"], given["last"]
    return {"instance_id": pads.take_back(session, actor, poll_id, numbers, given["reason"])}


@routes.look(f"{ONE}/pads/pdf", None, query=Numbers, media_type=PDF)
def get_pad_pdf(session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID) -> Binary:
    """Ballots with their counterfoils, which alone bear the numbers, as PDF."""
    return _paper(session, actor, poll_id, Asked("ballots", "pdf", **given))


@routes.look(f"{ONE}/pads/docx", None, query=Numbers, media_type=docx.MEDIA_TYPE)
def get_pad_docx(session: Session, actor: Actor, given: dict[str, Any], poll_id: UUID) -> Binary:
    """The same as DOCX."""
    return _paper(session, actor, poll_id, Asked("ballots", "docx", **given))


@routes.look(f"{ONE}/tally/pdf", None, media_type=PDF)
def get_tally_pdf(session: Session, actor: Actor, poll_id: UUID) -> Binary:
    """The sheet on which the tellers tally the ballots on paper, as PDF."""
    return _paper(session, actor, poll_id, Asked("tally", "pdf"))


@routes.look(f"{ONE}/tally/docx", None, media_type=docx.MEDIA_TYPE)
def get_tally_docx(session: Session, actor: Actor, poll_id: UUID) -> Binary:
    """The same as DOCX."""
    return _paper(session, actor, poll_id, Asked("tally", "docx"))


def _paper(session: Session, actor: Actor, poll_id: UUID, wanted: Asked) -> Binary:
    name, data = ballot_papers.paper(session, actor, poll_id, wanted)
    return Binary(ballot_papers.FORMATS[wanted.form], data, name)
