"""What an instance keeps of others that were merged into it （并案） or linked to it: it lasts for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from engine.commands import settle

if TYPE_CHECKING:
    from engine.db import Session


def note_origin(session: Session, instance_id: UUID, origin: UUID, number: str) -> bool:
    """Put a merged instance on record in its lead: an event and the fact `origins`. False when it stands there already.

    It holds in every state of the lead, for a merger may be recorded after the lead has ended.
    """
    run = settle.lock(session, None, instance_id)
    known = list(run.facts.get("origins", []))
    if any(entry["id"] == str(origin) for entry in known):
        return False
    run.facts["origins"] = [*known, {"id": str(origin), "number": number}]
    run.ledger.add("origin_merged", None, origin=str(origin), number=number)
    settle.save(run)
    return True


def note_link(
    session: Session, instance_id: UUID, origin: UUID | None, number: str, kind: str
) -> bool:
    """Put on record that another matter was linked to this one; a confidential one is not named (no origin)."""
    run = settle.lock(session, None, instance_id)
    known = {"matter": str(origin), "number": number} if origin else {}
    run.ledger.add("matter_linked", None, link=kind, back=True, **known)
    settle.save(run)
    return True
