"""Who may give and take the desks, and rule the person who holds one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.errors import Refused
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor


def must_not_be_oneself(actor: Actor | None, member_id: UUID | None) -> None:
    """Nobody gives a post to themselves: a post opens matters, confidential ones too."""
    if actor is not None:
        given = access.Subject(member_id=member_id, new=True)
        access.check_bars(actor, "manage_people", given)


def must_manage_desk(actor: Actor | None, kind: str, member_id: UUID, union_id: UUID) -> None:
    """The desks (secretary, auditor, administrator) are given and taken by an administrator,
    never to oneself.
    """
    if actor is not None:
        held = access.Subject(union_id, post=kind, member_id=member_id)
        access.check_bars(actor, "manage_people", held)


def must_reach(session: Session, actor: Actor | None, member_id: UUID) -> None:
    """Whoever holds a desk, of whatever union, or the post for the installation is ruled by those
    who could give it.

    Else a power over a person would be one over what that person rules. Raises Refused.
    """
    for held in _held(session, [member_id]):
        must_manage_desk(actor, held.kind, member_id, held.union_id)


class _Held(NamedTuple):
    """A post of today, and the union of its unit."""

    member_id: UUID
    kind: str
    unit_id: UUID
    union_id: UUID


def _held(session: Session, member_ids: Collection[UUID]) -> list[_Held]:
    post, unit = tables.post.c, tables.unit.c
    query = select(post.member_id, post.kind, post.unit_id, unit.union_id)
    theirs = query.join(tables.unit, unit.id == post.unit_id).where(post.member_id.in_(member_ids))
    today = theirs.where(organisation.in_office(clock.today()))
    return [_Held._make(row) for row in session.execute(today)]


def beyond(session: Session, actor: Actor, member_ids: Collection[UUID]) -> set[UUID]:
    """Who of them is not this actor's to let in: as in `must_reach`; and whoever sits where a
    confidential matter has come is let in by an administrator, not by who enters posts and matters.
    """
    held = _held(session, member_ids)
    above = {each.member_id for each in held if not _manages(actor, each)}
    seats = {organisation.seat_key(f"{each.kind}@{each.unit_id}"): each for each in held}
    confidential = _confidential(session, seats)
    found = {(seats[key].kind, seats[key].unit_id) for key in confidential}
    return above | {
        each.member_id
        for each in held
        if (each.kind, each.unit_id) in found and not access.is_administrator(actor, each.union_id)
    }


def _manages(actor: Actor, held: _Held) -> bool:
    try:
        must_manage_desk(actor, held.kind, held.member_id, held.union_id)
    except Refused:
        return False
    return True


def _confidential(session: Session, seats: Collection[UUID]) -> list[UUID]:
    """The seats before which a confidential matter has come."""
    share, instance = tables.share.c, tables.instance.c
    query = select(share.key).join(tables.instance, instance.id == share.instance_id).distinct()
    return list(session.execute(query.where(share.key.in_(seats), instance.confidential)).scalars())
