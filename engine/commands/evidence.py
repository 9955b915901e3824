"""Exporting the evidence of an instance is an act: it is put on record, and sealed with all that came before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, text

from engine.commands import unit_of_work
from engine.db import tables
from engine.errors import Conflict, Refused
from engine.history import seals
from engine.instance import polling
from engine.people import access

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.history.keys import SigningKey
    from engine.people.organisation import Actor

_WAIT = text("SELECT pg_advisory_xact_lock(:lock)")


def record_export(session: Session, actor: Actor, instance_id: UUID, key: SigningKey) -> None:
    """Put the export of an instance's evidence on record and seal every event, this one as the last: now it can be packed.

    Raises NotFound when it is not theirs to see, Refused when they may not export, Conflict while a vote runs, for a pack
    holds every choice, HistoryBroken.
    """
    instance = tables.instance.c
    seen = session.execute(
        select(instance.union_id).where(instance.id == instance_id, access.visible(actor))
    ).first()
    if not access.may(actor, "export", access.must_see(seen).union_id):
        raise Refused(verb="export", instance_id=str(instance_id))
    work = unit_of_work.lock(session, actor, instance_id)
    if polling.running_votes(session, instance_id):
        raise Conflict("有表决还没有结束，结束后才能导出证据包。", code="polls_open")
    work.log.add(
        "evidence_exported", actor, events=work.log.seq + 1, manifest="signed"
    )  # see verify_pack
    unit_of_work.save(work)
    session.execute(_WAIT, {"lock": seals.LOCK})  # until another sealer has committed
    while seals.seal(session, key) == seals.BATCH:
        pass
