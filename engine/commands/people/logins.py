"""Log in with a rate limit, keep and end sessions, change passwords. Only hashes of secrets are
stored.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, delete, func, insert, select, text, update

from engine import clock
from engine.commands.people import records, words
from engine.db import tables
from engine.errors import Invalid, NotFound, Refused
from engine.history import event_log
from engine.messages import _
from engine.people import organisation, password

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session, rows
    from engine.errors import EngineError
    from engine.people.organisation import Actor

WINDOW = timedelta(minutes=15)
PER_USER, PER_ADDRESS = 5, 50  # failures within the window
IDLE, ABSOLUTE = timedelta(hours=12), timedelta(days=7)
SEEN_EVERY = timedelta(minutes=1)  # how exactly `seen_at` is kept
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


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


def digest(secret: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def log_in(session: Session, username: str, secret: str, address: str) -> Attempt:
    """Try a password. The edge commits, then calls `must()` on what comes back: failures have to be
    counted.
    """
    name = words.login_name(username)[:200]
    keys = _keys(name, address)
    if limited := _limited(session, keys):
        return Attempt(fault=limited)
    user = _user(session, name)
    right = password.verify(user.password if user and user.active else None, secret)
    for key in keys:
        session.execute(_LOCK, {"key": key})
    # rivals may have failed while this one was being checked
    if limited := _limited(session, keys):
        return Attempt(fault=limited)
    if user is None or not right:
        return Attempt(fault=_failed(session, keys, user))
    return _opened(session, user, secret, keys)


class User(NamedTuple):
    """A member as far as logging in looks at one."""

    id: UUID
    union_id: UUID
    name: str
    password: str | None
    active: bool


def _user(session: Session, name: str) -> User | None:
    member = tables.member.c
    columns = [member[field] for field in User._fields]
    found = session.execute(select(*columns).where(member.username == _plain(name))).first()
    return User._make(found) if found else None


def _plain(name: str) -> str:
    return name if "\0" not in name and name.isprintable() else ""


def _keys(name: str, address: str) -> list[str]:
    """A mistyped name may be a password, so only its hash is kept."""
    return [f"user:{digest(name)[:32]}", f"from:{_plain(address)[:100]}"]


def _limited(session: Session, keys: list[str]) -> Refused | None:
    attempt, now = tables.attempt.c, clock.now()
    for key, most in zip(keys, (PER_USER, PER_ADDRESS), strict=False):
        recent = select(attempt.at).where(attempt.key == key, attempt.at > now - WINDOW)
        last = recent.order_by(attempt.at.desc()).offset(most - 1).limit(1)
        oldest = session.execute(last).scalar()
        if oldest is not None:
            return _wait_for(oldest + WINDOW - now)
    return None


def _wait_for(span: timedelta) -> Refused:
    wait = max(1, int(span.total_seconds()))
    minutes = -(-wait // 60)
    why = _("尝试次数过多，请在 {minutes} 分钟后再试。", minutes=minutes)
    return Refused(why, code="too_many_attempts", wait=wait)


def _failed(session: Session, keys: list[str], user: User | rows.Member | None) -> Refused:
    """Count a failure; the one that locks a user out goes on record."""
    now, attempt = clock.now(), tables.attempt.c
    session.execute(insert(tables.attempt), [{"key": key, "at": now} for key in keys])
    failures = select(func.count()).where(attempt.key == keys[0], attempt.at > now - WINDOW)
    if user is not None and session.execute(failures).scalar_one() == PER_USER:
        _note(session, "login_locked", user)
    return Refused(_("用户名或密码不对。"), code="bad_credentials")


def _note(session: Session, kind: str, user: User | rows.Member) -> None:
    event_log.note(session, user.union_id, kind, None, member=str(user.id), name=user.name)


def _opened(session: Session, user: User, secret: str, keys: list[str]) -> Attempt:
    session.execute(delete(tables.attempt).where(tables.attempt.c.key == keys[0]))
    if user.password and password.outdated(user.password):
        _store(session, user.id, secret)
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
    """Open a session without a password, for the demo's one-click persons only. Raises NotFound."""
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
    """A session in use. `stale`: that it is used was noted long ago; see `touch`."""

    actor: Actor
    stale: bool


def session_of(session: Session, secret: str) -> Login | None:
    """Whose session this is, in one read; None when it is unknown, ended, idle for too long or too
    old.
    """
    login, now = tables.login.c, clock.now()
    used = and_(
        login.member_id == tables.member.c.id,
        login.id == digest(secret),
        login.ended_at.is_(None),
        login.created_at > now - ABSOLUTE,
        login.seen_at > now - IDLE,
    )
    query = organisation.with_posts(login.seen_at).join(tables.login, used)
    rows = session.execute(query).all()
    if not rows:
        return None
    return Login(organisation.actor_of(rows), rows[0].seen_at < now - SEEN_EVERY)


def touch(session: Session, secret: str) -> None:
    """Note that a session is in use now."""
    login = tables.login.c
    session.execute(
        update(tables.login).where(login.id == digest(secret)).values(seen_at=clock.now())
    )


def forget_attempts(session: Session) -> int:
    """Delete failures that no longer count; gives how many. For a daily job."""
    gone = session.execute(
        delete(tables.attempt).where(tables.attempt.c.at < clock.now() - 2 * WINDOW)
    )
    return int(gone.rowcount)


def _store(session: Session, member_id: UUID, secret: str) -> None:
    hashed = password.hash_password(secret)
    session.execute(
        update(tables.member).where(tables.member.c.id == member_id).values(password=hashed)
    )


def set_password(session: Session, actor: Actor | None, member_id: UUID, secret: str) -> None:
    """Give a member a new password and end their sessions. Raises Refused, NotFound, Invalid."""
    row = records.member_of(session, actor, member_id)
    records.allow(actor, "set_password", row.union_id)
    password.check_rules(secret, row.username)
    _store(session, member_id, secret)
    end_logins(session, member_id)
    session.execute(
        delete(tables.attempt).where(tables.attempt.c.key == _keys(row.username, "")[0])
    )
    event_log.note(
        session, row.union_id, "password_set", actor, member=str(member_id), name=row.name
    )


def change_own_password(
    session: Session, actor: Actor, old: str, new: str, *, keep: str = ""
) -> Attempt:
    """Change one's own password, end all sessions but that of the secret `keep`. As in `log_in`:
    commit, then `must()`.

    Raises Invalid at once when the new one breaks the rules.
    """
    row = records.member_of(session, actor, actor.id)
    password.check_rules(new, row.username)
    keys = _keys(row.username, "")[:1]
    session.execute(_LOCK, {"key": keys[0]})
    if limited := _limited(session, keys):
        return Attempt(fault=limited)
    if not password.verify(row.password, old):
        _failed(session, keys, row)
        return Attempt(fault=Invalid({"old": [_("原密码不对。")]}))
    _store(session, actor.id, new)
    end_logins(session, actor.id, keep)
    event_log.note(session, row.union_id, "password_changed", actor, member=str(actor.id))
    return Attempt(actor.id, keep)
