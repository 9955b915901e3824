"""Export the evidence of an instance: the export itself is put on record, and sealed with all that came before."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select, text

from engine.commands import settle
from engine.db import tables
from engine.errors import Conflict, Refused
from engine.history import seals
from engine.people import access
from engine.queries import evidence, history

if TYPE_CHECKING:
    from engine.db import Session
    from engine.history.keys import SigningKey
    from engine.people.organisation import Actor

_WAIT = text("SELECT pg_advisory_xact_lock(:lock)")


def export(session: Session, actor: Actor, instance_id: UUID, key: SigningKey) -> bytes:
    """The evidence pack of an instance as a ZIP, with every event sealed, this export as the last one.

    Raises NotFound when it is not theirs to see, Refused when they may not export, Conflict while a vote runs, for a pack
    holds every choice, HistoryBroken.
    """
    instance = tables.instance.c
    seen = session.execute(
        select(instance.union_id).where(instance.id == instance_id, access.visible(actor))
    ).first()
    if not access.may(actor, "export", access.must_see(seen).union_id):
        raise Refused(verb="export", instance_id=str(instance_id))
    run = settle.lock(session, actor, instance_id)
    if history.running_votes(session, instance_id):
        raise Conflict("有表决还没有结束，结束后才能导出证据包。", code="polls_open")
    run.ledger.add(
        "evidence_exported", actor, events=run.ledger.seq + 1, manifest="signed"
    )  # see verify_pack
    settle.save(run)
    session.execute(_WAIT, {"lock": seals.LOCK})  # until another sealer has committed
    while seals.seal(session, key) == seals.BATCH:
        pass
    return evidence.pack(session, actor, instance_id, key)
