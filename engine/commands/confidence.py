"""Matters that only those named in them know of: letting somebody in, with a reason that stands on record."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from engine import clock
from engine.commands import reasons, unit_of_work
from engine.db import tables
from engine.errors import Conflict, Refused
from engine.people import access, organisation

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor


def let_in(session: Session, actor: Actor, instance_id: UUID, member_id: UUID, reason: str) -> UUID:
    """Let a member read a confidential matter: by somebody who acts in it by a post, with a reason that stays on record.

    Raises NotFound (the matter, the member), Refused (a party of it, not one who acts by a post), Conflict, Invalid.
    """
    work = unit_of_work.lock(session, actor, instance_id)
    if not work.row["confidential"]:
        raise Conflict("此件不是保密事项。", code="not_confidential")
    if not access.acts_by_post(session, actor, instance_id):
        raise Refused(verb="let_in", instance_id=str(instance_id))
    plain = reasons.plain(reason)
    reader = organisation.actor(session, member_id)
    seen = select(tables.instance.c.id).where(
        tables.instance.c.id == instance_id, access.visible(reader)
    )
    if session.execute(seen).first() is not None:
        raise Conflict(f"{reader.name}已经可以查阅此件。", code="let_in")
    work.shares.add(member_id)
    work.log.add("member_let_in", actor, member=str(member_id), name=reader.name, reason=plain)
    unit_of_work.save(work)
    return instance_id


def note_reading(session: Session, actor: Actor, instance_id: UUID) -> bool:
    """Put on record, once a day, that this person read a confidential matter; the parties can see who did."""
    instance, event = tables.instance.c, tables.event.c
    row = session.execute(select(instance.confidential).where(instance.id == instance_id)).first()
    if row is None or not row.confidential:
        return False
    told = select(event.id).where(
        event.instance_id == instance_id,
        event.kind == "matter_read",
        event.actor_id == actor.id,
        event.at >= datetime.combine(clock.today(), time(), clock.CHINA),
    )
    if session.execute(told.limit(1)).first():
        return False
    work = unit_of_work.lock(session, actor, instance_id)
    work.log.add("matter_read", actor)
    unit_of_work.note(work)
    return True
