"""A person's calendar for another program: the last day of everything that waits for them, and the
meetings that are being held.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.calendar.moments import ending_day
from engine.db import tables
from engine.db.states import MeetingState
from engine.messages import Message, _
from engine.people import organisation
from engine.queries import inbox
from engine.queries.notices import SECRET

if TYPE_CHECKING:
    from datetime import date

    from engine.db import Session
    from engine.people.organisation import Actor

_meeting, _attendance, _matter = tables.meeting.c, tables.attendance.c, tables.instance.c
LENGTH = timedelta(hours=2)  # of a meeting in a calendar, which must have an end


@dataclass(frozen=True)
class Entry:
    """One entry. `key`: the same for the same thing; `what` and `thing`: what its link opens, "" of
    a confidential matter; `at` a day, or a moment with its end.
    """

    key: str
    summary: Message
    at: date | datetime
    end: datetime | None
    what: str
    thing: str


def agenda(session: Session, actor: Actor, lang: str = "zh") -> tuple[Entry, ...]:
    """What is due and which meetings are being held, the soonest first in each."""
    return (*_due(session, actor, lang), *_meetings(session, actor))


def of(session: Session, feed: str) -> Actor | None:
    """Whose calendar this address is; None when it has ended, or its person was switched off."""
    known = select(tables.feed.c.member_id).where(tables.feed.c.id == feed)
    found = session.execute(
        organisation.with_posts().where(tables.member.c.id.in_(known), tables.member.c.active)
    ).all()
    return organisation.actor_of(found) if found else None


def has_feed(session: Session, actor: Actor) -> datetime | None:
    """When this person's present address was made; None without one."""
    mine = select(tables.feed.c.created_at).where(tables.feed.c.member_id == actor.id)
    found: datetime | None = session.execute(mine).scalar()
    return found


def _due(session: Session, actor: Actor, lang: str) -> list[Entry]:
    page = inbox.inbox(session, actor, limit=inbox.MOST, lang=lang)
    return [_deadline(item) for item in page.items if item.due_at is not None]


def _deadline(item: inbox.Item) -> Entry:
    assert item.due_at is not None
    told = item.about or item.title
    text = _("{task}：{title}", task=item.element_title, title=told)
    return Entry(
        f"{item.what}-{item.id}",
        _("截止：{what}", what=SECRET if item.confidential else text),
        ending_day(item.due_at),
        end=None,
        what="" if item.confidential else item.what,
        thing=str(item.id),
    )


def _meetings(session: Session, actor: Actor) -> list[Entry]:
    query = (
        select(_meeting.id, _meeting.opened_at, _matter.title, _matter.confidential)
        .join(tables.attendance, _attendance.meeting_id == _meeting.id)
        .join(tables.instance, _matter.id == _meeting.instance_id)
        .where(_attendance.member_id == actor.id, _meeting.state == MeetingState.OPEN)
        .order_by(_meeting.opened_at)
    )
    return [
        Entry(
            f"meeting-{row.id}",
            _("会议：{what}", what=SECRET if row.confidential else row.title),
            row.opened_at,
            end=row.opened_at + LENGTH,
            what="" if row.confidential else "meeting",
            thing=str(row.id),
        )
        for row in session.execute(query)
    ]
