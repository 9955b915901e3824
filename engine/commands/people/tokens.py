"""API tokens: shown once, stored as SHA-256, ended by their owner or an administrator."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert, or_, select, update

from engine import clock
from engine.commands.people import records, words
from engine.commands.people.desks import must_reach
from engine.commands.people.lockouts import digest
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound
from engine.history import event_log
from engine.messages import _
from engine.people import newcomers

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

LONGEST_DAYS = 730
MOST = 20  # open tokens of one member


def _must_be_theirs(session: Session, actor: Actor | None, member: rows.Member) -> None:
    """One's own tokens are one's own business; those of others an administrator's."""
    if actor is None or actor.id != member.id:
        records.allow(actor, "set_password", member.union_id)
        must_reach(session, actor, member.id)


def create_token(
    session: Session, actor: Actor | None, member_id: UUID, name: str, days: int = 365
) -> str:
    """A new token for a member, in plain; it cannot be shown again. Raises Refused, NotFound,
    Invalid.
    """
    member = records.member_of(session, actor, member_id)
    _must_be_theirs(session, actor, member)
    name = words.line("name", name, 60)
    if not 1 <= days <= LONGEST_DAYS:
        raise Invalid({"days": [_("有效期应为 1 至 {most} 天。", most=LONGEST_DAYS)]})
    if not member.active:
        raise Invalid({"member_id": [_("此人已停用。")]})
    now = clock.now()
    _must_have_room(session, member_id, now)
    plain = "yx_" + secrets.token_urlsafe(32)
    key, expires = digest(plain), now + timedelta(days=days)
    session.execute(
        insert(tables.token).values(
            id=key, member_id=member_id, name=name, created_at=now, expires_at=expires
        )
    )
    details = _details(key, member_id, name)
    event_log.note(
        session, member.union_id, "token_created", actor, **details, expires_at=expires.isoformat()
    )
    return plain


def _must_have_room(session: Session, member_id: UUID, now: datetime) -> None:
    token = tables.token.c
    usable = select(token.id).where(
        token.member_id == member_id, token.ended_at.is_(None), token.expires_at > now
    )
    if len(session.execute(usable.limit(MOST)).all()) == MOST:
        wrong = _("一人最多有 {most} 个有效令牌，请先停用不用的。", most=MOST)
        raise Conflict(wrong, code="too_many")


def _details(token_id: str, member_id: UUID, name: str) -> dict[str, str]:
    """What the history keeps of a token."""
    return {"token": token_id[:12], "member": str(member_id), "name": name}


def end_token(session: Session, actor: Actor | None, token_id: str) -> None:
    """End a token by its id (the hash). Raises Refused, NotFound, Conflict when it has ended."""
    token = tables.token.c
    query = select(token.member_id, token.name, token.ended_at).where(token.id == token_id)
    found = session.execute(query.with_for_update()).first()
    if found is None:
        raise NotFound
    member = records.member_of(session, actor, found.member_id)
    _must_be_theirs(session, actor, member)
    if found.ended_at is not None:
        raise Conflict(_("这个令牌已经停用。"), code="ended")
    session.execute(update(tables.token).where(token.id == token_id).values(ended_at=clock.now()))
    details = _details(token_id, member.id, found.name)
    event_log.note(session, member.union_id, "token_ended", actor, **details)


def token_owner(session: Session, plain: str) -> UUID | None:
    """Whose token this is; None when it is unknown, ended, expired, or older than the end of a
    post of theirs.
    """
    token, member = tables.token.c, tables.member.c
    found: UUID | None = session.execute(
        select(token.member_id)
        .join(tables.member, member.id == token.member_id)
        .where(
            token.id == digest(plain),
            token.ended_at.is_(None),
            member.active,
            ~newcomers.left_since(token.member_id, token.created_at),
            or_(token.expires_at.is_(None), token.expires_at > clock.now()),
        )
    ).scalar()
    return found
