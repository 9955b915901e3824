"""Giving a post. One that opens a confidential matter is entered as proposed: it opens nothing
before a second person agrees, who may give posts too and is independent of the first. Nobody agrees
to a post of their own.

Where a union has no such second person, one of the union that manages it, or who answers for the
installation, may agree; the history says so.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine.commands import proposals, separation
from engine.commands.people import records, terms, words
from engine.commands.people.desks import must_manage_desk, must_not_be_oneself
from engine.db import tables
from engine.db.states import ProposalState
from engine.errors import Conflict, Invalid, Refused
from engine.instance import independence, openings
from engine.instance.openings import Seat
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from engine.db import Session, rows
    from engine.people.organisation import Actor

POST = "post"  # kind of proposals
_proposal = tables.proposal.c


def grant_post(
    session: Session,
    actor: Actor | None,
    member_id: UUID,
    kind: str,
    unit_id: UUID,
    from_on: date,
    to_on: date | None = None,
    term: str = "",
) -> UUID:
    """Give a member a post in a unit, or propose it when it opens a confidential matter (`waits`);
    gives its id.

    Raises Refused, NotFound, Invalid (unknown kind, wrong unit, days, overlap), Conflict when the
    same waits already.
    """
    unit = records.open_unit(session, actor, unit_id)
    terms.must_give(actor, kind, unit.union_id)
    must_manage_desk(actor, kind, member_id, unit.union_id)
    must_not_be_oneself(actor, member_id)
    records.queue(session)
    person = records.member_of(session, actor, member_id)
    row: dict[str, Any] = {
        "id": tables.new_id(),
        "member_id": member_id,
        "kind": kind,
        "unit_id": unit_id,
        "term": words.term(term),
        "from_on": from_on,
        "to_on": to_on,
    }
    terms.check(session, row, person, unit)
    names = terms.Names(person.name, unit.name, unit.union_id)
    if openings.opens(session, Seat.of(kind, unit)):
        note = propose(session, actor, unit.union_id, terms.granted(row, *names[:2]))
        records.record(session, actor, [note])
    else:
        terms.enter(session, actor, row, names)
    post_id: UUID = row["id"]
    return post_id


# --- what waits for a second person ---------------------------------------------------------------
def propose(
    session: Session, actor: Actor | None, union_id: UUID, details: dict[str, Any]
) -> records.Note:
    """Keep a post as proposed, told as `terms.granted` does; gives the event. Raises Conflict when
    the same waits already.
    """
    draft = proposals.Draft(POST, union_id, subject_of(details), body=details)
    key = proposals.hand_in(session, actor, draft)
    return records.Note(union_id, "post_proposed", {**details, "proposal": str(key)})


def subject_of(details: dict[str, Any]) -> str:
    """What a proposal is about: whose post it is, which one and where."""
    return "{member} {post_kind}@{unit}".format_map(details)


def waits(session: Session, post_id: UUID) -> bool:
    """Does a post wait for a second person?"""
    waiting = select(_proposal.id).where(
        _proposal.kind == POST,
        _proposal.state == ProposalState.PROPOSED,
        _proposal.body["post"].astext == str(post_id),
    )
    return session.execute(waiting).first() is not None


def decide(session: Session, actor: Actor, row: rows.Proposal, approve: bool) -> None:
    """Give the post that somebody else proposed, or refuse it.

    Raises Refused, Conflict when it cannot be given any more.
    """
    records.queue(session)
    second = _must_be_second(session, actor, row)
    proposer = str(row.proposer_id) if row.proposer_id else None
    told = {"proposal": str(row.id), "proposer": proposer, "second": second}
    if not approve:
        records.record(session, actor, [_note(row, "post_refused", second=second)])
        return
    post = _post(row.body)
    try:
        unit = records.open_unit(session, None, post["unit_id"])
        person = records.member_of(session, None, post["member_id"])
        terms.check(session, post, person, unit)
    except Invalid as fault:
        raise Conflict(_("现已不能登记：{why}", why=fault.message), code="outdated") from fault
    names = terms.Names(person.name, unit.name, row.scope)
    terms.enter(session, actor, post, names, **told)


def take_back(session: Session, actor: Actor, row: rows.Proposal) -> None:
    """A post that was proposed is taken back; engine/commands/deciding.py asks by whom."""
    records.record(session, actor, [withdraw(session, actor, row)])


def withdraw(session: Session, actor: Actor, row: rows.Proposal) -> records.Note:
    """A proposal that waits is no more; gives the event."""
    proposals.end(session, actor, row, ProposalState.WITHDRAWN)
    return _note(row, "post_withdrawn")


def _note(row: rows.Proposal, kind: str, **more: str) -> records.Note:
    return records.Note(row.scope, kind, {**row.body, "proposal": str(row.id), **more})


def _must_be_second(session: Session, actor: Actor, row: rows.Proposal) -> str:
    """Whence this actor is the second person. Raises Refused, saying why not."""
    member_id = UUID(row.body["member"])
    asked = independence.Asked(row.scope, row.body["post_kind"], member_id, row.proposer_id)
    second = independence.second(session, actor, asked)
    if not second:
        must_not_be_oneself(actor, member_id)
        separation.check(session, actor, "approve_post", row.scope, row.proposer_id)
        access.check(actor, "approve_post", row.scope)
        must_manage_desk(actor, asked.kind, member_id, row.scope)
        raise Refused(code="one_hand", verb="approve_post")
    return second


def _post(told: dict[str, Any]) -> dict[str, Any]:
    """The post that `terms.granted` told, as it will stand in the table."""
    return {
        "id": UUID(told["post"]),
        "member_id": UUID(told["member"]),
        "kind": told["post_kind"],
        "unit_id": UUID(told["unit"]),
        "term": told["term"] or "",
        "from_on": date.fromisoformat(told["from_on"]),
        "to_on": date.fromisoformat(told["to_on"]) if told["to_on"] else None,
    }
