"""Log in with a rate limit, keep and end sessions, change passwords. Only hashes of secrets are
stored.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, bindparam, insert, select, update

from engine import clock
from engine.commands.people import lockouts, records, words
from engine.commands.people.desks import must_reach
from engine.commands.people.lockouts import digest
from engine.db import demo, tables
from engine.errors import Invalid, NotFound, Refused
from engine.history import event_log
from engine.messages import _
from engine.people import organisation, password

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from engine.commands.people.lockouts import Place
    from engine.db import Session, rows
    from engine.errors import EngineError
    from engine.people.organisation import Actor

IDLE, ABSOLUTE = timedelta(hours=12), timedelta(days=7)
SEEN_EVERY = timedelta(minutes=1)  # how exactly `seen_at` is kept


@dataclass(frozen=True)
class Attempt:
    """What came of a try with a password. Commit first, so that a failure counts; then `must()`."""

    member_id: UUID | None = None
    secret: str = ""
    fault: EngineError | None = None

    def must(self) -> tuple[str, UUID]:
        """(the session's secret, the member). Raises the fault: Refused (`wait` seconds in its
        details) or Invalid.
        """
        if self.fault is not None:
            raise self.fault
        assert self.member_id is not None
        return self.secret, self.member_id


def log_in(session: Session, username: str, secret: str, address: str, device: str = "") -> Attempt:
    """Try a password. The edge commits, then calls `must()` on what comes back: failures have to be
    counted.

    `device`: what the edge gave a device on which this name logged in before.
    """
    name = words.login_name(username)[:200]
    where = lockouts.place(name, address, device)
    if limited := lockouts.limited(session, where):
        return Attempt(fault=limited)
    user = _user(session, name)
    right = password.verify(user.password if user and user.active else None, secret)
    lockouts.lock(session, where)
    # rivals may have failed while this one was being checked
    if limited := lockouts.limited(session, where):
        return Attempt(fault=limited)
    if user is None or not right:
        return Attempt(fault=_failed(session, where, user))
    return _opened(session, user, secret, where)


class User(NamedTuple):
    """A member as far as logging in looks at one."""

    id: UUID
    union_id: UUID
    name: str
    password: str | None
    active: bool
    must_change: bool


def _user(session: Session, name: str) -> User | None:
    member = tables.member.c
    columns = [member[field] for field in User._fields]
    found = session.execute(select(*columns).where(member.username == lockouts.plain(name))).first()
    return User._make(found) if found else None


def _failed(session: Session, where: Place, user: User | rows.Member | None) -> Refused:
    """Count a failure; the one that locks a place goes on record."""
    if lockouts.failed(session, where) and user is not None:
        _note(session, "login_locked", user)
    return Refused(_("用户名或密码不对。"), code="bad_credentials")


def _note(session: Session, kind: str, user: User | rows.Member) -> None:
    event_log.note(session, user.union_id, kind, None, member=str(user.id), name=user.name)


def _opened(session: Session, user: User, secret: str, where: Place) -> Attempt:
    lockouts.forget_place(session, where)
    if user.password and password.outdated(user.password):
        _store(session, user.id, secret, user.must_change)
    opened = open_login(session, user.id)
    _note(session, "logged_in", user)
    return Attempt(user.id, opened)


def open_login(session: Session, member_id: UUID) -> str:
    """Begin a session for a member whom the caller has identified; gives the cookie's secret."""
    secret = secrets.token_urlsafe(32)
    now = clock.now()
    session.execute(
        insert(tables.login).values(
            id=digest(secret), member_id=member_id, created_at=now, seen_at=now
        )
    )
    return secret


def log_in_demo(session: Session, username: str) -> str:
    """Open a session without a password, for the demo's one-click persons only. Raises NotFound.

    Whatever the settings say, a database that does not hold the demo has no such persons.
    """
    if not demo.is_demo(session):
        raise NotFound(_("演示数据中没有这个人。"))
    member = tables.member.c
    found = session.execute(
        select(member.id).where(member.username == username, member.active)
    ).scalar()
    if found is None:
        raise NotFound(_("演示数据中没有这个人。"))
    return open_login(session, found)


def log_out(session: Session, secret: str) -> None:
    """End the session of this secret; an unknown or ended one is no fault."""
    login, member = tables.login.c, tables.member.c
    ended = (
        update(tables.login)
        .where(login.id == digest(secret), login.ended_at.is_(None), member.id == login.member_id)
        .values(ended_at=clock.now())
        .returning(member.id, member.union_id, member.name)
    )
    row = session.execute(ended).first()
    if row is not None:
        event_log.note(session, row.union_id, "logged_out", None, member=str(row.id), name=row.name)


def end_tokens(session: Session, member_id: UUID) -> int:
    """End all tokens of a member; gives how many."""
    token = tables.token.c
    theirs = update(tables.token).where(token.member_id == member_id, token.ended_at.is_(None))
    return int(session.execute(theirs.values(ended_at=clock.now())).rowcount)


def end_invitations(session: Session, member_ids: Collection[UUID]) -> set[UUID]:
    """End the invitations of these members; gives who had one that was not used."""
    its = tables.login_invitation.c
    left = its.member_id.in_(member_ids), its.used_at.is_(None), its.ended_at.is_(None)
    ended = update(tables.login_invitation).where(*left).values(ended_at=clock.now())
    return set(session.execute(ended.returning(its.member_id)).scalars())


def first_login(session: Session, member_id: UUID, secret: str) -> Attempt:
    """Log in whom the caller has identified, with the password (checked) that they chose."""
    row = records.member_of(session, None, member_id)
    _store(session, member_id, secret)
    lockouts.forget_name(session, row.username)
    _note(session, "invitation_used", row)
    opened = open_login(session, member_id)
    _note(session, "logged_in", row)
    return Attempt(member_id, opened)


def end_logins(session: Session, member_id: UUID, except_secret: str = "") -> int:
    """End all sessions of a member but one; gives how many."""
    login = tables.login.c
    others = update(tables.login).where(
        login.member_id == member_id,
        login.ended_at.is_(None),
        login.id != digest(except_secret),
    )
    return int(session.execute(others.values(ended_at=clock.now())).rowcount)


@dataclass(frozen=True)
class Login:
    """A session in use. `stale`: that it is used was noted long ago, see `touch`; `must_change`:
    the password is another's.
    """

    actor: Actor
    stale: bool
    must_change: bool = False


_login = tables.login.c
_USED = and_(
    _login.member_id == tables.member.c.id,
    _login.id == bindparam("digest"),
    _login.ended_at.is_(None),
    _login.created_at > bindparam("created_after"),
    _login.seen_at > bindparam("seen_after"),
)
_SESSION = organisation.with_posts(_login.seen_at, tables.member.c.must_change).join(
    tables.login, _USED
)


def session_of(session: Session, secret: str) -> Login | None:
    """Whose session this is, in one read; None when it is unknown, ended, idle for too long or too
    old.
    """
    now = clock.now()
    values = {"created_after": now - ABSOLUTE, "seen_after": now - IDLE}
    rows = session.execute(_SESSION, {"digest": digest(secret), **values}).all()
    if not rows:
        return None
    stale = rows[0].seen_at < now - SEEN_EVERY
    return Login(organisation.actor_of(rows), stale, rows[0].must_change)


def touch(session: Session, secret: str) -> None:
    """Note that a session is in use now."""
    login = tables.login.c
    session.execute(
        update(tables.login).where(login.id == digest(secret)).values(seen_at=clock.now())
    )


def _store(session: Session, member_id: UUID, secret: str, must_change: bool = False) -> None:
    values = {"password": password.hash_password(secret), "must_change": must_change}
    session.execute(update(tables.member).where(tables.member.c.id == member_id).values(values))


def set_password(
    session: Session,
    actor: Actor | None,
    member_id: UUID,
    secret: str,
    *,
    temporary: bool = True,
) -> None:
    """Give a member a new password and end their sessions and tokens. Raises Refused, NotFound,
    Invalid.

    Another's password is `temporary`: its owner changes it at the next login, before anything else.
    """
    row = records.member_of(session, actor, member_id)
    records.allow(actor, "set_password", row.union_id)
    own = actor is not None and actor.id == member_id
    if not own:
        must_reach(session, actor, member_id)
    password.check_rules(secret, row.username)
    _store(session, member_id, secret, must_change=temporary and not own)
    end_logins(session, member_id)
    end_tokens(session, member_id)
    end_invitations(session, [member_id])
    lockouts.forget_name(session, row.username)
    event_log.note(
        session, row.union_id, "password_set", actor, member=str(member_id), name=row.name
    )


def change_own_password(
    session: Session, actor: Actor, old: str, new: str, *, keep: str = ""
) -> Attempt:
    """Change one's own password, end all tokens, and all sessions but that of the secret `keep`.

    As in `log_in`: commit, then `must()`. Raises Invalid at once when the new one breaks the rules.
    """
    row = records.member_of(session, actor, actor.id)
    password.check_rules(new, row.username)
    if new == old:
        raise Invalid({"password": [_("新密码与原密码相同。")]})
    where = lockouts.at_home(row.username)
    lockouts.lock(session, where)
    if limited := lockouts.limited(session, where):
        return Attempt(fault=limited)
    if not password.verify(row.password, old):
        _failed(session, where, row)
        return Attempt(fault=Invalid({"old": [_("原密码不对。")]}))
    _store(session, actor.id, new)
    end_logins(session, actor.id, keep)
    end_tokens(session, actor.id)
    event_log.note(session, row.union_id, "password_changed", actor, member=str(actor.id))
    return Attempt(actor.id, keep)
