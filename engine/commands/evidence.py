"""Exporting the evidence of an instance is an act: it is put on record, and sealed with all that
came before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from engine.commands import sealing, unit_of_work
from engine.errors import Conflict
from engine.history import seals, verify_pack
from engine.instance import polling, rights
from engine.instance.rights import Case
from engine.messages import _

if TYPE_CHECKING:
    from uuid import UUID

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.history.signing import Signer
    from engine.people.organisation import Actor

_WAIT = text("SELECT pg_advisory_xact_lock(:lock)")


def exportable(session: Session, actor: Actor, instance_id: UUID) -> UnitOfWork:
    """The locked instance, whose evidence this person may export now.

    Raises NotFound when it is not theirs to see, Refused when they may not export, Conflict while a
    vote runs, for a pack holds every choice.
    """
    work = unit_of_work.lock(session, actor, instance_id)
    rights.check(Case(work, "export"))
    if polling.running_votes(session, instance_id):
        raise Conflict(_("有表决还没有结束，结束后才能导出证据包。"), code="polls_open")
    return work


def record_export(session: Session, actor: Actor, instance_id: UUID, signer: Signer) -> int:
    """Put the export of an instance's evidence on record and seal every event, this one as the
    last: now it can be packed. Gives its number. Raises as `exportable`, and HistoryBroken.
    """
    work = exportable(session, actor, instance_id)
    counted = work.log.seq + 1  # this event too, see verify_pack
    told = {"events": counted, "manifest": "signed", "format": 2, "tells": verify_pack.TOLD}
    work.log.add("evidence_exported", actor, **told)
    unit_of_work.save(work)
    session.execute(_WAIT, {"lock": seals.LOCK})  # until another sealer has committed
    while sealing.seal(session, signer) == seals.BATCH:
        pass
    return counted
