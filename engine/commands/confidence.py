"""Instances that only those named in them know of: letting somebody in, with a reason that stands
on record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.commands import reads, reasons, unit_of_work
from engine.db import tables
from engine.errors import Conflict
from engine.instance import rights
from engine.instance.rights import Case
from engine.messages import _
from engine.people import access, organisation

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor


def let_in(session: Session, actor: Actor, instance_id: UUID, member_id: UUID, reason: str) -> UUID:
    """Let a member read a confidential instance: by somebody who acts in it by a post, with a
    reason that stays on record.

    Raises NotFound (the instance, the member), Refused (a party of it, not one who acts by a post),
    Conflict, Invalid.
    """
    work = unit_of_work.lock(session, actor, instance_id)
    if not work.row["confidential"]:
        raise Conflict(_("此件不是保密事项。"), code="not_confidential")
    rights.check(Case(work, "let_in"))
    plain = reasons.plain(reason)
    reader = organisation.actor(session, member_id)
    instance = tables.instance.c
    seen = select(instance.id).where(instance.id == instance_id, access.visible(reader))
    if session.execute(seen).first() is not None:
        raise Conflict(_("{name}已经可以查阅此件。", name=reader.name), code="let_in")
    work.shares.add(member_id)
    work.log.add("member_let_in", actor, member=str(member_id), name=reader.name, reason=plain)
    unit_of_work.save(work)
    return instance_id


def note_reading(session: Session, actor: Actor, instance_id: UUID) -> bool:
    """Put on record, once a day, that this person read a confidential instance; the parties can see
    who did.
    """
    instance = tables.instance.c
    confidential = select(instance.confidential).where(instance.id == instance_id)
    if not session.execute(confidential).scalar():
        return False
    if reads.noted_today(session, actor, instance_id, "matter_read"):
        return False
    work = unit_of_work.lock(session, actor, instance_id, still=True)
    work.log.add("matter_read", actor)
    unit_of_work.note(work)
    return True
