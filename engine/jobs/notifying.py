"""Telling people outside of the pages: who is to be told of what stands in the outbox, the digest
of the day, and sending it all.

A message is claimed in a transaction of its own before it goes out, and marked after. A worker that
is killed between leaves it claimed; after LEASE another takes it up under the same key, and notes
that nobody knows whether it went out before. So none is lost, and one may come twice only by a
channel that does not look at keys (see channels.py). Nothing is told that is done by then.
"""

from __future__ import annotations

import hashlib
import logging
import socket
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from engine import clock, db
from engine.db import tables
from engine.db.states import SendingState
from engine.errors import NotFound
from engine.jobs import channels
from engine.messages import CHINESE, stored
from engine.people import organisation, wishes
from engine.queries import notices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from sqlalchemy import Engine

    from engine.db import Session, rows
    from engine.messages import Language
    from engine.settings import Settings

log = logging.getLogger("yixing.jobs")
BATCH = 100
LEASE = timedelta(minutes=3)  # longer than any channel takes
MOST_TRIES = 12  # over about a day and a half
WAITS = 60, 6 * 3600  # seconds between the first two tries, and at most
_outbox, _sending = tables.outbox.c, tables.sending.c


def notify(
    engine: Engine, settings: Settings, english: Language, stopping: Callable[[], bool]
) -> int:
    """Everything that is due now; gives how many messages went out."""
    while _spread(engine, settings) == BATCH:
        pass
    if not settings.channels:
        return 0
    _digests(engine, settings)
    sent = 0
    while not stopping() and (claimed := _claim(engine)) is not None:
        sent += _send(engine, settings, english, claimed)
    return sent


# --- who is to be told ---------------------------------------------------------------------------
def _spread(engine: Engine, settings: Settings) -> int:
    """Make messages of what came into the outbox, for those who want to be told of it by itself;
    gives how many entries there were.
    """
    with db.transaction(engine) as session:
        new = (
            select(tables.outbox)
            .where(_outbox.spread_at.is_(None))
            .order_by(_outbox.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        found = session.execute(new).all()
        for entry in found if settings.channels else ():
            _ask_for(session, settings, entry)
        done = update(tables.outbox).where(_outbox.id.in_([entry.id for entry in found]))
        session.execute(done.values(spread_at=clock.now()))
    return len(found)


def _ask_for(session: Session, settings: Settings, entry: rows.Selected) -> None:
    told = notices.whom(session, entry.what, entry.thing_id)
    level = "urgent" if told.urgent else "all"
    wanted = wishes.of(session, told.members)
    members = [m for m in told.members if wanted[m].singly in ("all", level)]
    _queue(session, settings, members, f"n{entry.id}", wanted, outbox_id=entry.id)


def _queue(
    session: Session,
    settings: Settings,
    members: Iterable[UUID],
    key: str,
    wanted: dict[UUID, wishes.Wishes],
    **more: Any,
) -> None:
    """Messages to people by each channel that they want and have an address at; those that stand
    there under their key stay.
    """
    now, where = clock.now(), wishes.accounts(session, list(members))
    new = [
        {
            "id": tables.new_id(),
            "key": f"{key}.{member}.{channel}",
            "member_id": member,
            "channel": channel,
            "state": SendingState.WAITING,
            "asked_at": now,
            "next_at": wanted[member].quiet_until(now) or now,
            **more,
        }
        for member, account in where.items()
        for channel in settings.channels
        if account.active
        and account.at(channel)
        and channel in (wanted[member].channels or settings.channels)
        and wanted[member].channels != ()
    ]
    if new:
        session.execute(insert(tables.sending).on_conflict_do_nothing(), new)


def _digests(engine: Engine, settings: Settings) -> None:
    """Ask for the digests of today whose time has come."""
    now, today = clock.now(), clock.today().isoformat()
    with db.transaction(engine) as session:
        members = notices.with_something(session)
        wanted = wishes.of(session, members)
        due = [member for member in members if wanted[member].digest_due(now)]
        begun = clock.midnight(clock.today())
        known = select(_sending.member_id).where(
            _sending.member_id.in_(due), _sending.outbox_id.is_(None), _sending.asked_at >= begun
        )
        told = set(session.execute(known).scalars())
        fresh = [member for member in due if member not in told]
        _queue(session, settings, fresh, f"d{today}", wanted)


# --- sending -------------------------------------------------------------------------------------
_CLAIM = text(
    """
UPDATE sending SET state = 'sending', tries = tries + 1, next_at = :until,
       doubtful = doubtful + CASE WHEN state = 'sending' THEN 1 ELSE 0 END
 WHERE id = (SELECT id FROM sending WHERE state IN ('waiting', 'sending') AND next_at <= :now
              ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *"""
)


def _claim(engine: Engine) -> rows.Selected | None:
    """The next message that is due, for this worker alone until the lease ends."""
    now = clock.now()
    with db.transaction(engine) as session:
        return session.execute(_CLAIM, {"now": now, "until": now + LEASE}).first()


def _send(engine: Engine, settings: Settings, english: Language, row: rows.Selected) -> bool:
    """Send a claimed message, or find that nothing is left to tell; what went wrong is tried
    again, later and later.
    """
    with db.transaction(engine) as session:
        letter = _written(session, settings, english, row)
    if letter is None:
        return _close(engine, row, state=SendingState.VOID)
    try:
        proof = channels.send(settings, row.channel, letter)
    except channels.NotSentError as fault:
        return _later(engine, row, fault)
    digest = hashlib.sha256(channels.in_full(letter).encode()).hexdigest()
    _close(
        engine,
        row,
        state=SendingState.SENT,
        sent_at=clock.now(),
        host=socket.gethostname(),
        proof=proof[:200],
        digest=digest,
    )
    return True


def _written(
    session: Session, settings: Settings, english: Language, row: rows.Selected
) -> channels.Letter | None:
    """The message from what stands now; None when nothing of it is left to tell."""
    account = wishes.accounts(session, [row.member_id])[row.member_id]
    language = english if account.locale == "en" else CHINESE
    try:
        actor = organisation.actor(session, row.member_id)
        told = notices.written(session, actor, row.outbox_id, language.code)
    except NotFound:  # the person was switched off meanwhile
        return None
    if told is None or not account.at(row.channel):
        return None
    subject, lines = told
    link = f"{settings.address}/notices/{row.id}" if settings.address else ""
    return channels.Letter(
        str(row.id),
        account.at(row.channel),
        language(subject),
        text="\n".join(map(language, lines)),
        link=link,
    )


def _later(engine: Engine, row: rows.Selected, fault: channels.NotSentError) -> bool:
    """Try again after twice as long as before, or give up."""
    over = fault.final or row.tries >= MOST_TRIES
    wait = min(WAITS[0] * 2 ** (row.tries - 1), WAITS[1])
    log.warning("message %s by %s was not sent: %s", row.id, row.channel, fault)
    state = SendingState.FAILED if over else SendingState.WAITING
    next_at = _outside_quiet(engine, row.member_id, clock.now() + timedelta(seconds=wait))
    _close(engine, row, state=state, next_at=next_at, why=stored(fault.why))
    return False


def _outside_quiet(engine: Engine, member_id: UUID, at: datetime) -> datetime:
    """The moment, or the end of the quiet hours in which it falls."""
    with db.transaction(engine) as session:
        return wishes.of(session, [member_id])[member_id].quiet_until(at) or at


def _close(engine: Engine, row: rows.Selected, **values: Any) -> bool:
    """Note what became of a claimed message, unless another took it up since."""
    mine = _sending.id == row.id, _sending.tries == row.tries
    with db.transaction(engine) as session:
        session.execute(update(tables.sending).where(*mine).values(**values))
    return False


def tidy(session: Session) -> None:
    """Forget what was told long ago: of the outbox after a month, of messages after two years."""
    month, years = (clock.now() - timedelta(days=days) for days in (31, 731))
    old = _sending.asked_at < years
    session.execute(tables.sending.delete().where(old, _sending.state != SendingState.SENDING))
    used = select(_sending.outbox_id).where(_sending.outbox_id.is_not(None))
    gone = _outbox.spread_at < month, _outbox.id.not_in(used)
    session.execute(tables.outbox.delete().where(*gone))
