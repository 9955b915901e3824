"""The people of a union, narrowed down: by name, unit, post, and whether they ever logged in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select, text

from engine import clock
from engine.db import tables
from engine.errors import Invalid, NotFound
from engine.messages import _
from engine.people import access, newcomers, organisation, pinyin, posts, spelling

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement, Label, Select

    from engine.db import Session
    from engine.people.organisation import Actor

_member = tables.member.c


@dataclass(frozen=True)
class Wanted:
    """Whom a list asks for: `q` in name or user name, a unit with all below it, who holds a post
    today, those out of use too, `waiting`: only who has never logged in.
    """

    q: str = ""
    unit_id: UUID | None = None
    post: str | None = None
    inactive: bool = False
    waiting: bool = False


def standing() -> tuple[Label[Any], ...]:
    """Of each member: can_log_in, came_in, invited_until."""
    return (
        and_(_member.active, _member.password.is_not(None)).label("can_log_in"),
        newcomers.has_come_in().label("came_in"),
        newcomers.invited_until().label("invited_until"),
    )


def must_see(actor: Actor, union_id: UUID | None) -> None:
    """Raises NotFound to whoever may not see the people of a union."""
    if union_id is None or not access.may(actor, "see_people", union_id):
        raise NotFound


_BELOW = text("""
WITH RECURSIVE below AS (
  SELECT id FROM unit WHERE id = :unit AND union_id = :union
  UNION SELECT u.id FROM unit u JOIN below ON u.parent_id = below.id WHERE u.union_id = :union
) SELECT id FROM below""")


def conditions(session: Session, union_id: UUID, wanted: Wanted) -> list[ColumnElement[bool]]:
    """What must be true of a member. Raises Invalid for an unknown post."""
    found = [_member.union_id == union_id]
    if not wanted.inactive:
        found.append(_member.active)
    plain = wanted.q.encode(errors="ignore").decode().replace("\0", " ")
    if name := " ".join(plain.split())[:100]:
        found.append(_called(session, union_id, name))
    if wanted.unit_id is not None:
        below = session.execute(_BELOW, {"unit": wanted.unit_id, "union": union_id})
        found.append(_member.unit_id.in_(below.scalars().all()))
    if wanted.post is not None:
        found.append(_member.id.in_(_holders(union_id, wanted.post)))
    if wanted.waiting:
        found.append(and_(_member.active, ~newcomers.has_come_in()))
    return found


def _called(session: Session, union_id: UUID, wanted: str) -> ColumnElement[bool]:
    """Whose name has this in it, blanks or none, or begins so by its initials (zy for 赵一); or
    whose user name begins with it.
    """
    plain = spelling.name(wanted)
    in_name = func.replace(_member.name, " ", "").contains(plain.replace(" ", ""), autoescape=True)
    by_number = _member.username.startswith(wanted.casefold(), autoescape=True)
    found = _member.id.in_(_by_initials(session, union_id, wanted.casefold()))
    return or_(in_name, by_number, found)


def _by_initials(session: Session, union_id: UUID, wanted: str) -> list[UUID]:
    if not pinyin.may_be_initials(wanted):
        return []
    names = select(_member.id, _member.name).where(_member.union_id == union_id)
    return [
        key
        for key, name in session.execute(names)
        if any(each.startswith(wanted) for each in pinyin.initials(name))
    ]


def _holders(union_id: UUID, kind: str) -> Select[tuple[UUID]]:
    """Who holds such a post in the union today. Raises Invalid for an unknown post."""
    if posts.kinds().post(kind) is None:
        raise Invalid({"post": [_("没有这个职务。")]})
    post, unit = tables.post.c, tables.unit.c
    there = select(unit.id).where(unit.union_id == union_id)
    return select(post.member_id).where(
        post.kind == kind, post.unit_id.in_(there), organisation.in_office(clock.today())
    )
