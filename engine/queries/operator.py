"""What the operator names on the command line: people by user name, units by code."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from engine.db import tables
from engine.errors import NotFound
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor


def matter_numbered(session: Session, actor: Actor, number: str) -> UUID:
    """The id of the matter with this number that this person may see. Raises NotFound."""
    instance = tables.instance.c
    found = session.execute(
        select(instance.id).where(instance.number == number.strip(), access.visible(actor))
    ).scalar()
    if found is None:
        raise NotFound(_("没有编号为“{number}”的事项，或您无权查看。", number=number[:60]))
    return UUID(str(found))


def member_named(session: Session, username: str) -> UUID:
    """The id of the member with this user name, in use or not. Raises NotFound."""
    member = tables.member.c
    found = session.execute(
        select(member.id).where(member.username == username.strip().lower())
    ).scalar()
    if found is None:
        raise NotFound(_("没有用户名为“{username}”的人。", username=username[:60]))
    return UUID(str(found))


def code_of(session: Session, unit_id: UUID) -> str:
    """The code of a unit."""
    query = select(tables.unit.c.code).where(tables.unit.c.id == unit_id)
    code: str = session.execute(query).scalar_one()
    return code


def unit_coded(session: Session, code: str) -> UUID:
    """The id of the unit with this code. Raises NotFound."""
    unit = tables.unit.c
    found = session.execute(select(unit.id).where(unit.code == code.strip())).scalar()
    if found is None:
        raise NotFound(_("没有代码为“{code}”的单位。", code=code[:60]))
    return UUID(str(found))
