"""Who has not come in yet, and whether an invitation still opens: conditions for statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Date, and_, cast, exists, func, select

from engine import clock
from engine.db import tables

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Column, ColumnElement, ScalarSelect

_member, _login, _invitation = tables.member.c, tables.login.c, tables.login_invitation.c


def left_since(member_id: Column[UUID], moment: Column[datetime]) -> ColumnElement[bool]:
    """A post of this member has ended on the day of that moment or after it."""
    post = tables.post.c
    day = cast(func.timezone(str(clock.CHINA), moment), Date)
    return exists().where(
        post.member_id == member_id, post.to_on < clock.today(), post.to_on >= day
    )


def has_come_in() -> ColumnElement[bool]:
    """A member who has logged in at least once."""
    return exists().where(_login.member_id == _member.id)


def is_open() -> ColumnElement[bool]:
    """An invitation, joined to its member, that lets them in today."""
    return and_(
        _invitation.used_at.is_(None),
        _invitation.ended_at.is_(None),
        _invitation.expires_at > clock.now(),
        _invitation.union_id == _member.union_id,
        _member.active,
        _member.password.is_(None),
        ~left_since(_invitation.member_id, _invitation.created_at),
    )


def invited_until() -> ScalarSelect[datetime | None]:
    """Until when a member's invitation opens; null without one that does."""
    theirs = select(_invitation.expires_at).where(_invitation.member_id == _member.id, is_open())
    return theirs.correlate(tables.member).scalar_subquery()
