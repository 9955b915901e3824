"""What people are told outside of the pages: whom, in which words, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select, text

from engine import clock
from engine.db import tables
from engine.db.states import MeetingState, SendingState
from engine.errors import NotFound
from engine.messages import Listed, Message, _, restored
from engine.people import organisation, wishes
from engine.queries import copies, deputies, inbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from engine.db import Session
    from engine.people.organisation import Actor

_outbox, _sending = tables.outbox.c, tables.sending.c
_task, _poll, _roll = tables.task.c, tables.poll.c, tables.roll.c
_deputy, _copy = tables.deputy.c, tables.copy.c
_meeting, _attendance = tables.meeting.c, tables.attendance.c
SHOWN = 12  # things that a digest names; the rest is a number
LISTED = 30  # messages that a person sees of those sent to them

SECRET = _("保密事项")
_PARTS = {
    "soon": _("逾期和今天到期 {n}"),
    "together": _("可一并办 {n}"),
    "look": _("要细看 {n}"),
    "poll": _("投票与同意 {n}"),
    "deputy": _("代理 {n}"),
}


@dataclass(frozen=True)
class Whom:
    """Who is to be told of a thing, and whether it cannot wait for the digest."""

    members: tuple[UUID, ...]
    urgent: bool


NOBODY = Whom((), urgent=False)


# --- whom ----------------------------------------------------------------------------------------
def whom(session: Session, what: str, thing_id: UUID) -> Whom:
    """Who has a task, may still answer a poll, is expected at a meeting, is named a deputy, or was
    sent a matter and has not read it; nobody when that is over.
    """
    if what == "deputy":
        named = select(_deputy.deputy_id).where(_deputy.id == thing_id, *_goes_on())
        return Whom(tuple(session.execute(named).scalars()), urgent=False)
    if what == "copy":
        unread = _copy.id == thing_id, _copy.read_at.is_(None), _copy.withdrawn_at.is_(None)
        to = session.execute(select(_copy.to_id).where(*unread)).scalars()
        return Whom(tuple(to), urgent=False)
    if what == "poll":
        return _voters(session, thing_id, urged=False)
    if what == "meeting":
        found = select(_attendance.member_id).join(tables.meeting, _meeting.id == thing_id)
        here = _attendance.meeting_id == thing_id, _meeting.state.in_(_COMING)
        return Whom(tuple(session.execute(found.where(*here)).scalars()), urgent=False)
    return _holders(session, thing_id, urged=what == "urged")


def _goes_on() -> tuple[ColumnElement[bool], ...]:
    """Of a deputy: not ended, and their last day is not over."""
    return _deputy.ended_at.is_(None), _deputy.to_on >= clock.today()


_COMING = (MeetingState.CALLED, MeetingState.OPEN)


def _holders(session: Session, task_id: UUID, *, urged: bool) -> Whom:
    columns = (_task.assignee_id, _task.seat, _task.due_at)
    query = select(*columns).where(_task.id == task_id, _task.state == "open")
    row = session.execute(query).first()
    if row is None:
        return NOBODY
    if row.assignee_id is None and row.seat is None:  # of a poll: those who have not answered
        polls = select(_poll.id).where(_poll.task_id == task_id, _poll.state == "open")
        key = session.execute(polls).scalar()
        return _voters(session, key, urged=urged) if key else NOBODY
    if row.assignee_id is not None:
        members = [row.assignee_id]
    else:
        kind, _at, unit = row.seat.partition("@")
        members = organisation.holders(session, kind, [UUID(unit)], clock.today())
    members += _deputies(session, members)
    return Whom(tuple(members), urgent=urged or _presses(row.due_at))


def _deputies(session: Session, members: Sequence[UUID]) -> list[UUID]:
    """Who acts today for one of these; whether for this thing too, their inbox says when the
    message is written.
    """
    today, here = clock.today(), _deputy.ended_at.is_(None) & _deputy.member_id.in_(members)
    query = select(_deputy.deputy_id).where(here, _deputy.from_on <= today, _deputy.to_on >= today)
    found = session.execute(query.order_by(_deputy.id)).scalars()
    return [each for each in dict.fromkeys(found) if each not in members]


def _voters(session: Session, poll_id: UUID, *, urged: bool) -> Whom:
    query = select(_roll.member_id, _poll.closes_at).join(tables.poll, _poll.id == _roll.poll_id)
    left = _roll.poll_id == poll_id, _roll.open, _poll.state == "open"
    rows = session.execute(query.where(*left)).all()
    urgent = urged or any(_presses(row.closes_at) for row in rows)
    return Whom(tuple(row.member_id for row in rows), urgent=urgent)


def _presses(due_at: datetime | None) -> bool:
    return due_at is not None and due_at - clock.now() <= wishes.SOON


_WITH_SOMETHING = text(
    """
SELECT m.id FROM member m WHERE m.active AND (
  EXISTS (SELECT 1 FROM task t WHERE t.state = 'open' AND t.assignee_id = m.id)
  OR EXISTS (SELECT 1 FROM post p JOIN task t ON t.seat = p.kind || '@' || p.unit_id
              WHERE p.member_id = m.id AND p.from_on <= :today AND coalesce(p.to_on, :today) >= :today
                AND t.state = 'open' AND t.assignee_id IS NULL)
  OR EXISTS (SELECT 1 FROM deputy d WHERE d.deputy_id = m.id AND d.ended_at IS NULL AND :today BETWEEN d.from_on AND d.to_on)
  OR EXISTS (SELECT 1 FROM copy c WHERE c.to_id = m.id AND c.withdrawn_at IS NULL AND c.read_at IS NULL)
  OR EXISTS (SELECT 1 FROM roll r JOIN poll p ON p.id = r.poll_id
              WHERE r.member_id = m.id AND r.open AND p.state = 'open' AND p.meeting_id IS NULL))"""
)


def with_something(session: Session) -> list[UUID]:
    """The people for whom something may wait now."""
    return list(session.execute(_WITH_SOMETHING, {"today": clock.today()}).scalars())


# --- in which words ------------------------------------------------------------------------------
Told = tuple[Message, list[str]]  # the subject, and the lines below it


def written(session: Session, actor: Actor, outbox_id: int | None, lang: str) -> Told | None:
    """What this person is told of an entry of the outbox, or in the digest of the day, as things
    stand now; None when nothing is left to tell. Of a confidential matter only that there is one.
    """
    if outbox_id is None:
        return _digest(session, actor, lang)
    query = select(_outbox.what, _outbox.thing_id).where(_outbox.id == outbox_id)
    entry = session.execute(query).first()
    if entry is None:
        return None
    if entry.what == "meeting":
        return _called(session, actor, entry.thing_id)
    if entry.what == "copy":
        return _copied(session, actor, entry.thing_id)
    if entry.what == "deputy":
        return _named(session, actor, entry.thing_id, lang)
    item = _item(session, actor, entry.thing_id, lang)
    if item is None:
        return None
    subject = _("议行：催办") if entry.what == "urged" else _("议行：请办理")
    return subject, [_line(item)]


def _item(session: Session, actor: Actor, thing_id: UUID, lang: str) -> inbox.Item | None:
    """The thing in this person's inbox, or the poll of the task."""
    known = select(_poll.id).where(_poll.task_id == thing_id, _poll.state == "open")
    keys, after = {thing_id, *session.execute(known).scalars()}, None
    while True:
        page = inbox.inbox(session, actor, after=after, limit=inbox.MOST, lang=lang)
        found = next((item for item in page.items if item.id in keys), None)
        if found or page.next is None:
            return found
        after = page.next


def _called(session: Session, actor: Actor, meeting_id: UUID) -> Told | None:
    matter = tables.instance.c
    query = (
        select(matter.number, matter.title, matter.confidential)
        .join(tables.meeting, _meeting.instance_id == matter.id)
        .join(tables.attendance, _attendance.meeting_id == _meeting.id)
        .where(_meeting.id == meeting_id, _meeting.state.in_(_COMING))
        .where(_attendance.member_id == actor.id)
    )
    row = session.execute(query).first()
    if row is None:
        return None
    return _("议行：会议"), [SECRET if row.confidential else f"{row.number} {row.title}"]


def _copied(session: Session, actor: Actor, copy_id: UUID) -> Told | None:
    try:
        found = copies.of_me(session, actor, copy_id)
    except NotFound:  # taken back, or not theirs to see any more
        return None
    if found.read_at:
        return None
    about = f"{found.number} {found.subject}" if found.subject else SECRET
    return _("议行：抄送"), [_("{who}抄送给您：{about}", who=found.by, about=about)]


def _named(session: Session, actor: Actor, deputy_id: UUID, lang: str) -> Told | None:
    query = select(tables.deputy).where(_deputy.id == deputy_id, *_goes_on())
    row = session.execute(query.where(_deputy.deputy_id == actor.id)).first()
    if row is None:
        return None
    who = organisation.names(session, [row.member_id])[row.member_id]
    titles = deputies.lendable(session, lang)
    about = Listed([titles.get(each, each) for each in row.processes])
    days = {"from_on": row.from_on.isoformat(), "to_on": row.to_on.isoformat()}
    line = _("{who}请您在 {from_on} 至 {to_on} 代理：{about}", who=who, about=about, **days)
    return _("议行：代理"), [line]


def _digest(session: Session, actor: Actor, lang: str) -> Told | None:
    page = inbox.inbox(session, actor, limit=SHOWN, by_part=True, lang=lang)
    if not page.must and not page.named and not page.sent:
        return None
    lines: list[str] = [
        Message(_PARTS[part].source, n=n)
        for part, n in page.by_part.items()
        if n and part in _PARTS
    ]
    lines += [_line(item) for item in page.items if item.part != "optional"]
    if page.must > SHOWN:
        lines.append(_("另有 {n} 件。", n=page.must - SHOWN))
    if page.named:
        lines.append(_("有 {n} 条评论提到您。", n=len(page.named)))
    if page.sent:
        lines.append(_("有 {n} 件抄送给您，还没有看。", n=len(page.sent)))
    return _("议行：待办 {n} 件", n=page.must), lines


def _line(item: inbox.Item) -> Message:
    if item.confidential:
        return SECRET
    words = {"task": item.element_title, "title": item.about or item.title}
    if item.due_at is None:
        return _("{task}：{title}", **words)
    day = item.due_at.astimezone(clock.CHINA).strftime("%m-%d %H:%M")
    return _("{task}：{title}（{day} 前）", day=day, **words)


# --- what became of it ---------------------------------------------------------------------------
@dataclass(frozen=True)
class Sent:
    """A message to a person. `digest`: that of a day; `doubtful`: so many attempts of which nobody
    knows whether they went out, so that it may have come twice.
    """

    id: UUID
    channel: str
    digest: bool
    state: str
    asked_at: datetime
    next_at: datetime
    tries: int
    doubtful: int
    sent_at: datetime | None
    read_at: datetime | None
    host: str
    proof: str
    why: Message | str


def sent(session: Session, member_id: UUID, *, failed: bool = False) -> tuple[Sent, ...]:
    """The newest messages to a person, or only those that did not go out."""
    query = select(tables.sending).where(_sending.member_id == member_id)
    if failed:
        query = query.where(_sending.state == SendingState.FAILED)
    rows = session.execute(query.order_by(_sending.asked_at.desc(), _sending.id).limit(LISTED))
    return tuple(
        Sent(
            id=row.id,
            channel=row.channel,
            digest=row.outbox_id is None,
            state=row.state,
            asked_at=row.asked_at,
            next_at=row.next_at,
            tries=row.tries,
            doubtful=row.doubtful,
            sent_at=row.sent_at,
            read_at=row.read_at,
            host=row.host,
            proof=row.proof,
            why=restored(row.why) if row.why else "",
        )
        for row in rows
    )


def counts(session: Session) -> dict[str, int]:
    """How many messages are in each state, over all."""
    query = text("SELECT state, count(*) AS n FROM sending GROUP BY state")
    return {row.state: row.n for row in session.execute(query).all()}


def wished(session: Session, actor: Actor) -> tuple[wishes.Wishes, wishes.Account]:
    """How this person wants to be told, and where."""
    account = wishes.accounts(session, [actor.id])[actor.id]
    return wishes.of(session, [actor.id])[actor.id], account


def trial(session: Session, actor: Actor, lang: str) -> Told | None:
    """The digest as it would be now."""
    return _digest(session, actor, lang)
