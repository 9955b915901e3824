"""Guessing passwords is slow, and locks nobody out but the one who guesses.

A device that has logged a person in before has a count of its own (`device`, see
webui/pages/auth.py); from elsewhere each name has one at each address. Over all addresses of a
name, and all names of an address, many failures only slow down: one try in SLOW. So a stranger
cannot lock out the owner, nor everybody behind one address.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, text

from engine import clock
from engine.db import tables
from engine.errors import Refused
from engine.messages import _

if TYPE_CHECKING:
    from datetime import datetime

    from engine.db import Session

WINDOW = timedelta(minutes=15)
PER_USER = 5  # failures within the window, of one name from one place: then it waits
PER_NAME, PER_ADDRESS = 50, 50  # of one name from anywhere, of one address: then it goes slowly
SLOW = timedelta(seconds=2)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
_attempt = tables.attempt.c


def digest(secret: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def plain(name: str) -> str:
    """A text from outside as a key may hold it; else nothing."""
    return name if "\0" not in name and name.isprintable() else ""


@dataclass(frozen=True)
class Place:
    """Whence somebody tries: `own` counts until it locks, `wide` slow down beyond their number
    of failures.
    """

    own: str
    wide: tuple[tuple[str, int], ...] = ()

    @property
    def keys(self) -> list[str]:
        return [self.own, *(key for key, _most in self.wide)]


def place(name: str, address: str, device: str) -> Place:
    """For a try with this name; a mistyped name may be a password, so only its hash is kept."""
    user, source = f"user:{digest(name)[:32]}", plain(address)[:100]
    if device:
        return Place(f"{user}@device:{digest(device)[:16]}")
    wide = ((user, PER_NAME), (f"from:{source}", PER_ADDRESS))
    return Place(f"{user}@{digest(source)[:16]}", wide)


def by_link(secret: str, address: str) -> Place:
    """For a try with the secret of an invitation: guessing goes slowly at each address."""
    source = plain(address)[:100]
    own = f"invited:{digest(secret)[:32]}@{digest(source)[:16]}"
    return Place(own, ((f"from:{source}", PER_ADDRESS),))


def at_home(name: str) -> Place:
    """For a try of somebody who is logged in, with their own old password."""
    return Place(f"old:{digest(name)[:32]}")


def limited(session: Session, where: Place) -> Refused | None:
    """Why another try must wait, if it must."""
    now = clock.now()
    if (oldest := _nth_latest(session, where.own, PER_USER)) is not None:
        return _wait_for(oldest + WINDOW - now)
    for key, most in where.wide:
        if _nth_latest(session, key, most) is not None:
            last = _nth_latest(session, key, 1)
            if last is not None and last + SLOW > now:
                return _wait_for(last + SLOW - now)
    return None


def _nth_latest(session: Session, key: str, number: int) -> datetime | None:
    """When the n-th latest failure within the window was."""
    recent = select(_attempt.at).where(_attempt.key == key, _attempt.at > clock.now() - WINDOW)
    last = recent.order_by(_attempt.at.desc()).offset(number - 1).limit(1)
    found: datetime | None = session.execute(last).scalar()
    return found


def _wait_for(span: timedelta) -> Refused:
    wait = max(1, int(span.total_seconds()))
    if wait < 60:
        why = _("尝试次数过多，请在 {seconds} 秒后再试。", seconds=wait)
    else:
        why = _("尝试次数过多，请在 {minutes} 分钟后再试。", minutes=-(-wait // 60))
    return Refused(why, code="too_many_attempts", wait=wait)


def lock(session: Session, where: Place) -> None:
    """Rivals at the same place go one after another, so that none is counted unseen."""
    for key in where.keys:
        session.execute(_LOCK, {"key": key})


def failed(session: Session, where: Place) -> bool:
    """Count a failure; True for the one that locks this place."""
    now = clock.now()
    session.execute(insert(tables.attempt), [{"key": key, "at": now} for key in where.keys])
    failures = select(func.count()).where(_attempt.key == where.own, _attempt.at > now - WINDOW)
    return bool(session.execute(failures).scalar_one() == PER_USER)


def forget_place(session: Session, where: Place) -> None:
    """Whoever got in begins anew there."""
    session.execute(delete(tables.attempt).where(_attempt.key == where.own))


def forget_name(session: Session, name: str) -> None:
    """A new password begins anew everywhere."""
    user = digest(name)[:32]
    keys = (f"user:{user}%", f"old:{user}%")
    for key in keys:
        session.execute(delete(tables.attempt).where(_attempt.key.like(key)))


def forget_attempts(session: Session) -> int:
    """Delete failures that no longer count; gives how many. For a daily job."""
    gone = session.execute(delete(tables.attempt).where(_attempt.at < clock.now() - 2 * WINDOW))
    return int(gone.rowcount)
