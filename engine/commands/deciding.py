"""The second person's door: each kind of proposal, and what its approval does.

A kind checks by itself who may decide; that it is another person, and not one made by the first,
holds for all of them (engine/commands/proposals.py, engine/commands/separation.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.commands import definitions, erasure, own_versions, proposals, rules, witnesses
from engine.commands.people import granting
from engine.errors import Conflict
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

KINDS: Mapping[str, Callable[[Session, Actor, rows.Proposal, bool], object]] = {
    rules.NOTICE: rules.decide_notice,
    definitions.AGAIN: definitions.decide_again,
    own_versions.END: own_versions.decide_end,
    erasure.ERASURE: erasure.decide,
    erasure.HOLD: erasure.lift,
    witnesses.WITNESS: witnesses.decide,
    granting.POST: granting.decide,
}
TAKEN_BACK: Mapping[str, Callable[[Session, Actor, rows.Proposal], None]] = {
    granting.POST: granting.take_back,
}


def decide(session: Session, actor: Actor, proposal_id: UUID, approve: bool) -> str:
    """Approve a proposal, which carries it out, or refuse it; gives its kind.

    Raises NotFound, Refused, Conflict (decided already; it cannot be carried out any more).
    """
    row = proposals.take(session, proposal_id)
    KINDS[row.kind](session, actor, row, approve)
    proposals.close(session, actor, row, approve)
    return row.kind


def take_back(session: Session, actor: Actor, proposal_id: UUID) -> str:
    """Take back what one proposed oneself; gives its kind.

    Raises NotFound, Refused (somebody else's), Conflict (decided already; of a kind that is not
    taken back).
    """
    row = proposals.take(session, proposal_id)
    mine = access.Subject(row.scope, author_id=row.proposer_id)
    access.check_bars(actor, "take_back", mine)
    if row.kind not in TAKEN_BACK:
        raise Conflict(_("这类提议不能收回，请由另一人决定。"), code="kept")
    TAKEN_BACK[row.kind](session, actor, row)
    return row.kind
