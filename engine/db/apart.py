"""Is the clock of this process that of the database? A process that is days ahead would close votes
and lapse matters for good.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from engine import clock
from engine.errors import Unavailable
from engine.messages import _

if TYPE_CHECKING:
    from datetime import datetime

    from engine.db import Session

LIMIT = timedelta(minutes=1)
_THEIRS = text("SELECT clock_timestamp()")


def apart(session: Session) -> timedelta:
    """How far this clock is ahead of the database's (behind it: negative); nothing while a story or
    a demo moves the clock.
    """
    if clock.is_moved():
        return timedelta(0)
    theirs: datetime = session.execute(_THEIRS).scalar_one()
    return clock.now() - theirs


def check(session: Session) -> None:
    """Unavailable: this clock is more than a minute away from the database's, so nothing may be
    done here.
    """
    found = apart(session)
    if abs(found) > LIMIT:
        raise Unavailable(
            _(
                "本机时钟与数据库相差 {seconds} 秒，校准之前本机什么也不办理。",
                seconds=round(abs(found).total_seconds()),
            ),
            code="clock",
        )
