"""The rows of what takes two people: handed in by one, decided by another.

What a proposal means, who may hand it in and what its approval does is each kind's own affair; see
engine/commands/deciding.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import insert, select, update

from engine import clock
from engine.commands import separation
from engine.db import tables
from engine.db.states import ProposalState
from engine.errors import Conflict
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

_proposal = tables.proposal.c


@dataclass(frozen=True)
class Draft:
    """A proposal to be: its kind, the union or INSTALLATION it belongs to, what it is about."""

    kind: str
    scope: UUID
    subject: str
    body: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def hand_in(session: Session, actor: Actor | None, draft: Draft) -> UUID:
    """Keep a proposal, of nobody's when the command line hands it in; gives its id. Raises
    Conflict when one about the same waits.
    """
    if waits(session, draft.kind, draft.subject):
        raise Conflict(_("同一事项已有一项提议等待批准。"), code="waiting")
    key = tables.new_id()
    session.execute(
        insert(tables.proposal).values(
            id=key,
            kind=draft.kind,
            scope=draft.scope,
            subject=draft.subject,
            body=draft.body,
            note=draft.note,
            state=ProposalState.PROPOSED,
            proposer_id=actor.id if actor else None,
            created_at=clock.now(),
        )
    )
    return key


def waits(session: Session, kind: str, subject: str) -> bool:
    """Does a proposal of this kind about this wait?"""
    waiting = select(_proposal.id).where(
        _proposal.kind == kind,
        _proposal.subject == subject,
        _proposal.state == ProposalState.PROPOSED,
    )
    return session.execute(waiting).first() is not None


def forget_note(session: Session, row: rows.Proposal) -> None:
    """Take the words out of every proposal about the same."""
    about = update(tables.proposal).where(_proposal.subject == row.subject)
    session.execute(about.values(note=""))


def take(session: Session, proposal_id: UUID) -> rows.Proposal:
    """The row of a proposal, locked. Raises NotFound, Conflict when it is decided."""
    query = select(tables.proposal).where(_proposal.id == proposal_id).with_for_update()
    found = cast("rows.Proposal | None", session.execute(query).first())
    row = access.must_see(found)
    if row.state != ProposalState.PROPOSED:
        raise Conflict(_("这项提议已有结论。"), code="decided")
    return row


def must_be_second(session: Session, actor: Actor, row: rows.Proposal, verb: str) -> None:
    """Raise Refused unless this actor may decide on it by this verb, and is another than who
    proposed it.
    """
    separation.check(session, actor, verb, row.scope, row.proposer_id)


def close(session: Session, actor: Actor, row: rows.Proposal, approve: bool) -> None:
    """Write the decision about a proposal."""
    end(session, actor, row, ProposalState.DONE if approve else ProposalState.REFUSED)


def end(session: Session, actor: Actor, row: rows.Proposal, state: ProposalState) -> None:
    """A proposal waits no more, by the word of this actor."""
    ended = update(tables.proposal).where(_proposal.id == row.id)
    session.execute(ended.values(state=state, approver_id=actor.id, decided_at=clock.now()))
