"""Who of a union has not come in yet, and whom to invite."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.db import tables
from engine.queries.narrowed import conditions, must_see, standing

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.narrowed import Wanted


@dataclass(frozen=True)
class Newcomers:
    """Those in use who have never logged in: `count` of all, and by id those without a password,
    not invited or with an invitation that still opens.
    """

    count: int
    uninvited: tuple[UUID, ...]
    invited: tuple[UUID, ...]


def newcomers(session: Session, actor: Actor, union_id: UUID, wanted: Wanted) -> Newcomers:
    """The newcomers among those whom a list asks for. Raises NotFound, Invalid (unknown post)."""
    must_see(actor, union_id)
    its = conditions(session, union_id, replace(wanted, waiting=True))
    query = select(tables.member.c.id, *standing()).where(*its).order_by(tables.member.c.id)
    found = session.execute(query).all()
    without = [each for each in found if not each.can_log_in]
    return Newcomers(
        len(found),
        tuple(each.id for each in without if each.invited_until is None),
        tuple(each.id for each in without if each.invited_until is not None),
    )
