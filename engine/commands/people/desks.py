"""Who may give and take the desks, and rule the person who holds one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.people import access, organisation

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor


def must_not_be_oneself(actor: Actor | None, member_id: UUID | None) -> None:
    """Nobody gives a post to themselves: a post opens matters, confidential ones too."""
    if actor is not None:
        given = access.Subject(member_id=member_id, new=True)
        access.check_bars(actor, "manage_people", given)


def must_manage_desk(actor: Actor | None, kind: str, member_id: UUID, union_id: UUID) -> None:
    """The desks (secretary, auditor, administrator) are given and taken by an administrator, never to oneself."""
    if actor is not None:
        held = access.Subject(union_id, post=kind, member_id=member_id)
        access.check_bars(actor, "manage_people", held)


def must_reach(session: Session, actor: Actor | None, member_id: UUID) -> None:
    """Whoever holds a desk, of whatever union, or the post for the installation is ruled by those who could give it.

    Else a power over a person would be one over what that person rules. Raises Refused.
    """
    post, unit = tables.post.c, tables.unit.c
    held = select(post.kind, unit.union_id).join(tables.unit, unit.id == post.unit_id)
    today = held.where(post.member_id == member_id, organisation.in_office(clock.today()))
    for kind, union_id in session.execute(today):
        must_manage_desk(actor, kind, member_id, union_id)
