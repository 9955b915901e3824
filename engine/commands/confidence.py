"""Instances that only those named in them know of: letting somebody in until a day, with a reason
that stands on record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, or_, select

from engine import clock
from engine.commands import reads, reasons, unit_of_work
from engine.db import tables
from engine.errors import Conflict, Invalid
from engine.instance import lanes, rights
from engine.instance.rights import Case
from engine.messages import _
from engine.people import access, organisation

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.people.organisation import Actor


def let_in(
    session: Session,
    actor: Actor,
    instance_id: UUID,
    member_id: UUID,
    reason: str,
    *,
    until: date | None,
) -> UUID:
    """Let a member read a confidential instance up to a day, that day included: by somebody who
    acts in it by a post, with a reason that stays on record.

    Raises NotFound (the instance, the member), Refused (a party of it, not one who acts by a post),
    Conflict, Invalid (no reason, no day, a day that is over).
    """
    work = unit_of_work.lock(session, actor, instance_id)
    if not work.row["confidential"]:
        raise Conflict(_("此件不是保密事项。"), code="not_confidential")
    rights.check(Case(work, "let_in"))
    plain, last = reasons.plain(reason), _last_day(until)
    reader = organisation.actor(session, member_id)
    instance = tables.instance.c
    seen = select(instance.id).where(instance.id == instance_id, access.visible(reader))
    if session.execute(seen).first() is not None:
        raise Conflict(_("{name}已经可以查阅此件。", name=reader.name), code="let_in")
    session.execute(delete(tables.guest).where(*_guest_of(work, member_id)))
    new = {"member_id": member_id, "instance_id": instance_id, "until": last}
    session.execute(insert(tables.guest).values(new))
    told = {"member": str(member_id), "name": reader.name, "until": last.isoformat()}
    work.log.add("member_let_in", actor, **told, reason=plain)
    unit_of_work.save(work)
    return instance_id


def _last_day(until: date | None) -> date:
    if until is None:
        raise Invalid({"until": [_("请写明准许查阅到哪一天。")]})
    if until < clock.today():
        raise Invalid({"until": [_("准许查阅的最后一天不能早于今天。")]})
    return until


def _guest_of(work: UnitOfWork, member_id: UUID) -> tuple[ColumnElement[bool], ...]:
    guest = tables.guest.c
    return guest.instance_id == work.row["id"], guest.member_id == member_id


def let_out(
    session: Session, actor: Actor, instance_id: UUID, member_id: UUID, reason: str
) -> UUID:
    """Take back that a member was let in, with a reason that stays on record. Whoever has a part in
    the instance goes on seeing it.

    Raises NotFound, Refused, Conflict (was not let in, or has a part in it), Invalid.
    """
    work = unit_of_work.lock(session, actor, instance_id)
    rights.check(Case(work, "let_in"))
    plain = reasons.plain(reason)
    name = organisation.names(session, [member_id]).get(member_id, "")
    if not _was_let_in(session, instance_id, member_id):
        raise Conflict(_("{name}不是经准许查阅此件的。", name=name), code="let_in")
    if _has_part(work, member_id):
        raise Conflict(_("{name}在此件里有职责，照样可以查阅。", name=name), code="let_in")
    work.log.add("member_let_out", actor, member=str(member_id), name=name, reason=plain)
    session.execute(delete(tables.guest).where(*_guest_of(work, member_id)))
    work.hide(member_id)  # whoever was let in before there was a last day stands there
    unit_of_work.save(work)
    return instance_id


def _was_let_in(session: Session, instance_id: UUID, member_id: UUID) -> bool:
    """Was this member let in, and not let out since?"""
    event = tables.event.c
    told = select(event.kind).where(
        event.instance_id == instance_id,
        event.kind.in_(("member_let_in", "member_let_out")),
        event.body.contains(f'"member":"{member_id}"'),
    )
    last = session.execute(told.order_by(event.seq.desc()).limit(1)).scalar()
    return last == "member_let_in"


def _has_part(work: UnitOfWork, member_id: UUID) -> bool:
    """Does a lane mean the member now, or did a task of the instance ever stand before them?"""
    named = (lane for lane in work.process.lanes.values() if lane.person)
    if any(str(member_id) in lanes.people_of(work, lane).persons for lane in named):
        return True
    task = tables.task.c
    theirs = or_(task.assignee_id == member_id, task.closed_by == member_id)
    had = select(task.id).where(task.instance_id == work.row["id"], theirs)
    return work.session.execute(had.limit(1)).first() is not None


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
