"""Who may do what: one table, verb -> predicates. A verb that is not in it is refused. `visible` narrows every list in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from engine.db import tables
from engine.errors import NotFound, Refused
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select

    from engine.db import Session
    from engine.people.organisation import Actor

Predicate = "Callable[[Actor, Any], bool]"

DESKS = ("union_secretary", "auditor")  # see every matter of their union
ANYBODY = "member"  # in a process's `launch`: any member of the union
SECRETARY, AUDITOR, ADMINISTRATOR = "union_secretary", "auditor", "administrator"


def is_secretary(actor: Actor, union_id: UUID | None) -> bool:
    """Holds the secretary's desk of that union."""
    return actor.holds(SECRETARY, union_id)


def is_auditor(actor: Actor, union_id: UUID | None) -> bool:
    """Audits that union."""
    return actor.holds(AUDITOR, union_id)


def is_administrator(actor: Actor, union_id: UUID | None) -> bool:
    """Administers that union."""
    return actor.holds(ADMINISTRATOR, union_id)


def is_own_union(actor: Actor, union_id: UUID | None) -> bool:
    """Belongs to that union, or holds a post in it."""
    return union_id is not None and (
        actor.union_id == union_id or any(p.union_id == union_id for p in actor.posts)
    )


VERBS: dict[str, tuple[Callable[[Actor, UUID | None], bool], ...]] = {
    "remind": (is_secretary,),
    "suspend": (is_secretary,),
    "resume": (is_secretary,),
    "terminate": (is_secretary,),
    "retry": (is_secretary, is_administrator),
    "reassign": (is_secretary,),
    "see_desk": (is_secretary, is_auditor),
    "read_history": (is_secretary, is_auditor),
    "verify": (is_secretary, is_auditor),
    "export": (is_secretary, is_auditor),
    "see_people": (is_secretary, is_auditor, is_administrator),
    "manage_people": (is_secretary, is_administrator),
    "import_people": (is_secretary, is_administrator),
    "set_password": (is_administrator,),
    "propose_definition": (is_secretary, is_administrator),
    "approve_definition": (is_administrator,),
    "propose_setting": (is_secretary,),
    "approve_setting": (is_administrator, is_secretary),
    "load_notice": (is_administrator, is_secretary),
    "see_rules": (is_own_union,),
}


def may(actor: Actor, verb: str, union_id: UUID | None) -> bool:
    """Is any predicate of the verb true? Unknown verbs are not allowed."""
    return any(holds(actor, union_id) for holds in VERBS.get(verb, ()))


def check(actor: Actor, verb: str, union_id: UUID | None, **details: Any) -> None:
    """Raise Refused unless the verb is allowed to this actor in this union."""
    if not may(actor, verb, union_id):
        raise Refused(verb=verb, **details)


def check_own(actor: Actor, verb: str, union_id: UUID | None) -> None:
    """The same for what belongs to a union: another one's does not exist. Raises NotFound, Refused."""
    must_see(union_id if is_own_union(actor, union_id) else None)
    check(actor, verb, union_id)


def visible(actor: Actor) -> ColumnElement[bool]:
    """The condition on `instance` under which this actor may know that one exists. It asks about each one by itself:
    lists begin from what this person has (queries/newest.py)."""
    instance = tables.instance.c
    part = [
        ids.where(ids.selected_columns[0] == instance.id).correlate(tables.instance).exists()
        for ids in (shared(actor), *asked(actor))
    ]
    return or_(*desks(actor), instance.starter_id == actor.id, *part)


def desks(actor: Actor) -> list[ColumnElement[bool]]:
    """The conditions on `instance` that a desk of this actor gives: all of a union that is not confidential."""
    instance = tables.instance.c
    return [
        and_(instance.union_id == desk, ~instance.confidential) for desk in actor.unions(*DESKS)
    ]


def shared(actor: Actor) -> Select[tuple[UUID]]:
    """The ids of instances that a task or a permission ever put before this actor."""
    share = tables.share.c
    return select(share.instance_id).where(share.key.in_(actor.keys))


def asked(actor: Actor) -> list[Select[tuple[UUID]]]:
    """The ids of instances in which this actor was on a roll, or due at a meeting."""
    roll, poll = tables.roll.c, tables.poll.c
    meeting, attendance = tables.meeting.c, tables.attendance.c
    polled = select(poll.instance_id).join(tables.roll, roll.poll_id == poll.id)
    invited = select(meeting.instance_id).join(
        tables.attendance, attendance.meeting_id == meeting.id
    )
    return [
        polled.where(roll.member_id == actor.id),
        invited.where(attendance.member_id == actor.id),
    ]


def must_see(found: Any) -> Any:
    """The row, or NotFound: what is not yours to see does not exist."""
    if found is None:
        raise NotFound
    return found


def acts_by_post(session: Session, actor: Actor, instance_id: UUID) -> bool:
    """Does this person act in the matter by a post of theirs, and not only as a party or a reader?"""
    share = tables.share.c
    seats = [organisation.seat_key(seat) for seat in actor.seats]
    acts = select(share.key).where(share.instance_id == instance_id, share.key.in_(seats))
    return session.execute(acts.limit(1)).first() is not None
