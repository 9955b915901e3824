"""What the workers do: due timers, messages between instances, seals, tidying. Procrastinate on the
same database.

Each job is a plain function of the database engine; worker.py gives them their names, retries and
hours. Jobs are asked for by engine/db/queue.py, inside the transaction that causes them, and each
may run twice: doing it again changes nothing.
"""

from __future__ import annotations

import logging
import random
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, text, tuple_
from sqlalchemy.exc import DBAPIError

from engine import clock, db
from engine.commands import (
    ballots,
    envelopes,
    holding,
    incidents,
    instances,
    links,
    messages,
    operating,
    operations,
    packs,
    rehearsals,
    rules,
    sealing,
    starts,
    verifications,
)
from engine.db import blobs, queue, safekeeping, tables
from engine.errors import Conflict, EngineError, HistoryBroken, NotFound, Unavailable
from engine.jobs import notifying
from engine.queries import booklet
from engine.scenarios import stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from engine.db import Session
    from engine.history.signing import Signer
    from engine.messages import Language
    from engine.settings import Settings

log = logging.getLogger("yixing.jobs")
BATCH = 200
_timer, _instance = tables.timer.c, tables.instance.c


def sweep(engine: Engine, stopping: Callable[[], bool] = lambda: False) -> int:
    """Carry out the held acts whose time is over, then let every due timer happen, each in its own
    transaction; gives the number of timers. Only the due ones cost something.

    What is busy waits for the next sweep. A timer that breaks becomes an incident of its instance;
    the rest goes on.
    """
    carry_out_held(engine)
    fired, after = 0, None
    while batch := due(engine, after):
        after = (batch[-1].due_at, batch[-1].id)
        random.shuffle(batch)  # two workers with the same batch meet less often
        for timer in batch:
            if stopping():
                with db.transaction(engine) as session:
                    queue.defer(session, "sweep", once="sweep:rest")
                return fired
            fired += _fire(engine, timer.id, timer.instance_id)
    return fired


def start(engine: Engine) -> int:
    """Let the calendar start what is due, each in its own transaction; gives their number. What
    breaks is tried again by the next look.
    """
    with db.transaction(engine) as session:
        waiting = starts.due(session)
    begun = 0
    for each in waiting:
        try:
            begun += db.again(engine, partial(starts.start, of=each)) is not None
        except Unavailable:
            raise
        except Exception:
            log.exception("start %s of %s broke", each.key, each.process_id)
    return begun


def carry_out_held(engine: Engine) -> int:
    """Carry out the held acts whose time is over, each in its own transaction; gives their number.
    What breaks becomes an incident, and is tried again.
    """
    done = 0
    for instance_id in held(engine):
        try:
            done += db.again(engine, partial(holding.wake, instance_id=instance_id))
        except (Conflict, Unavailable):
            continue  # somebody is at work on it, or the database went away: the next sweep
        except Exception as fault:
            log.exception("the act held in instance %s broke", instance_id)
            _incident(engine, instance_id, "held", fault)
    return done


def held(engine: Engine) -> list[UUID]:
    """The instances in which the time of a held act is over."""
    with db.transaction(engine) as session:
        return holding.due(session, BATCH)


def due(engine: Engine, after: tuple[datetime, UUID] | None) -> list[Any]:
    due = (
        select(_timer.id, _timer.instance_id, _timer.due_at)
        .join(tables.instance, _instance.id == _timer.instance_id)
        .where(
            _timer.state == "waiting", _timer.due_at <= clock.now(), _instance.state == "running"
        )
        .order_by(_timer.due_at, _timer.id)
        .limit(BATCH)
    )
    if after is not None:
        due = due.where(tuple_(_timer.due_at, _timer.id) > tuple_(*after))
    with db.transaction(engine) as session:
        return list(session.execute(due).all())


def _fire(engine: Engine, timer_id: UUID, instance_id: UUID) -> bool:
    try:
        return db.again(engine, lambda session: instances.wake(session, timer_id))
    except Conflict:
        return False  # somebody is at work on it; the next sweep finds it again
    except Unavailable:
        raise  # the database went away, which is no fault of the timer; the job is tried again
    except Exception as fault:
        if isinstance(fault, DBAPIError) and db.rivals(fault):
            return False
        log.exception("timer %s of instance %s broke", timer_id, instance_id)
        _incident(engine, instance_id, f"timer:{timer_id}", fault)
        return False


def _incident(engine: Engine, instance_id: UUID, what: str, fault: Exception) -> None:
    try:
        with db.transaction(engine) as session:
            incidents.note(session, instance_id, what, fault)
    except Exception:  # the next sweep tries both again
        log.exception("no incident could be noted for instance %s", instance_id)


def deliver(
    engine: Engine,
    instance_id: str,
    message: str,
    answers: dict[str, Any],
    happened: str = "",
    *,
    source: str = "",
) -> bool:
    """Give an instance another one's message, of what `happened` on an earlier day if so; False
    when it does not wait for it. A fault of it becomes an incident. `source`: whose message it is,
    by which the job is found.
    """
    del source
    key = UUID(instance_id)
    try:
        return db.again(
            engine, lambda session: messages.receive(session, key, message, answers, happened)
        )
    except (Conflict, NotFound, Unavailable):
        raise  # busy, not reached, or not committed yet: the job is tried again
    except EngineError as fault:
        _incident(engine, key, f"message:{message}", fault)
        return False


def note_origin(engine: Engine, instance_id: str, origin: str, number: str) -> bool:
    """Put on record in the leading instance what was merged into it."""
    return db.again(
        engine,
        lambda session: links.note_origin(session, UUID(instance_id), UUID(origin), number),
    )


def note_link(engine: Engine, instance_id: str, origin: str, number: str, kind: str) -> bool:
    """Put on record that another matter was linked to this one."""
    return db.again(
        engine,
        lambda session: links.note_link(
            session, UUID(instance_id), UUID(origin) if origin else None, number, kind
        ),
    )


def seal(engine: Engine, settings: Settings) -> None:
    """Put the new events under a signed checkpoint, and the checkpoint into the log beside the key.

    Without the key that the database names, or on a database that does not go on from the log,
    nothing is sealed, and the log of the process says so.
    """
    from engine.history import seals
    from engine.history.signing import signing

    with db.transaction(engine) as session:
        found = signing(session, settings)
    if found.signer is None or found.signer.log is None:
        log.warning("nothing is sealed: %s", found.why)
        return
    try:
        while _sealed(engine, found.signer) == seals.BATCH:
            pass
        with db.transaction(engine) as session:
            found.signer.log.catch_up(session, found.signer.key.public)
    except HistoryBroken as fault:
        log.error("nothing is sealed: %s", fault.message)


def _sealed(engine: Engine, signer: Signer) -> int:
    """One batch of new events under a checkpoint; gives their number. What is late becomes an
    incident.
    """
    with db.transaction(engine) as session:
        late, number = sealing.late(session), sealing.seal(session, signer)
    for instance_id, fault in late:
        _incident(engine, instance_id, "clock", fault)
    return number


def forecast(engine: Engine, instance_id: str) -> int:
    """Compute anew the provisional deadlines of an instance, after a holiday notice was loaded;
    gives their number.
    """
    return db.again(engine, lambda session: rules.recompute(session, UUID(instance_id)))


def verify(engine: Engine, settings: Settings, verification: str) -> None:
    """Verify everything for whoever asked for it, with the key and the log of this host."""
    from engine.history import signing
    from engine.history.kept import Log

    with db.transaction(engine) as session:
        found = signing.signing(session, settings)
    public = found.signer.key.public if found.signer else None
    verifications.carry_out(engine, UUID(verification), public, Log(settings.home / "keys"))


def operate(engine: Engine, settings: Settings, english: Language, operation: str) -> None:
    """Do what somebody asked for that takes longer than a request may; `english`: for whoever
    reads so, and for the second half of evidence packs.
    """
    doings = {"packs": partial(_packs, settings=settings, english=english)}
    operating.carry_out(engine, UUID(operation), english, {"booklet": _booklet}, doings)


def _packs(
    engine: Engine, asked: operating.Asked, *, settings: Settings, english: Language
) -> None:
    from engine.jobs import packing

    packing.pack_many(engine, settings, english, asked)


def _booklet(session: Session, asked: operating.Asked) -> operating.Came:
    given = asked.given
    ids = [UUID(key) for key in given["matters"]]
    wish = booklet.Wish(given["session"], frozenset(given["without"]), given["form"])
    made = booklet.made(session, asked.actor, given["process"], ids, wish, tell=asked.tell)
    return operating.Came(made.holds, made.data)


def rehearse(engine: Engine, version: str) -> None:
    """Play the stories of a proposed version in a process of its own; what came of each is kept as
    it comes.
    """
    with db.transaction(engine) as session:
        files = rehearsals.wanted(session, version)
    if files is None:
        return
    url = engine.url.render_as_string(hide_password=False)
    for result in stage.results(url, files):
        with db.transaction(engine) as session:
            rehearsals.note(session, version, **vars(result))
    with db.transaction(engine) as session:
        rehearsals.end(session, version)


_OLD_ATTEMPTS = text("DELETE FROM attempt WHERE at < :week")
_OLD_REPLIES = text("DELETE FROM reply WHERE at < :week")
_OLD_LOGINS = text("DELETE FROM login WHERE coalesce(ended_at, seen_at) < :month")
_OLD_DRAFTS = text(
    "DELETE FROM draft d WHERE saved_at < :year OR (saved_at < :week AND key LIKE 'task:%' AND NOT EXISTS "
    "(SELECT 1 FROM task t WHERE 'task:' || t.id = d.key AND t.state = 'open'))"
)
_OLD_VERIFICATIONS = text("DELETE FROM verification WHERE asked_at < :month")
_OLD_UPLOADS = text(
    "WITH gone AS (DELETE FROM attachment a WHERE instance_id IS NULL AND at < :week AND NOT EXISTS "
    "(SELECT 1 FROM draft d WHERE d.member_id = a.member_id AND strpos(d.answers::text, a.id::text) > 0) "
    "RETURNING sha256) SELECT DISTINCT sha256 FROM gone"
)


def tidy(engine: Engine) -> None:
    """Remove what nobody needs any more: old login attempts, replies and logins, drafts of tasks
    that are done or of more than a year ago, uploads never used, what a worker made days ago.
    """
    week, month, year = (clock.now() - timedelta(days=days) for days in (7, 31, 366))
    with db.transaction(engine) as session:
        session.execute(_OLD_LOGINS, {"month": month})
        session.execute(_OLD_VERIFICATIONS, {"month": month})
        packs.tidy(session)
        operations.tidy(session)
        notifying.tidy(session)
        session.execute(_OLD_DRAFTS, {"week": week, "year": year})
        session.execute(_OLD_ATTEMPTS, {"week": week})
        session.execute(_OLD_REPLIES, {"week": week})
        blobs.drop(session, session.execute(_OLD_UPLOADS, {"week": week}).scalars())


def back_up(settings: Settings) -> None:
    """Make the backup of the day when it is due; what went wrong is noted, and readiness says
    it.
    """
    if not safekeeping.is_due(settings):
        return
    found = safekeeping.keep(settings)
    if found.fault:
        log.error("the backup of the day failed: %s", found.fault)


def witness(engine: Engine, settings: Settings) -> None:
    """Send the newest checkpoint to those who are set, and keep what comes back. What goes wrong
    stands in the log of the process; tomorrow is another day.
    """
    from engine.commands import witnesses

    with db.transaction(engine) as session:
        point = witnesses.due(session)
    if point is None:
        return
    for way in witnesses.ways(settings):
        try:
            since = way.since(point.key_id)
            with db.transaction(engine) as session:
                note = witnesses.outgoing(session, point.size, since)
            keep = way.ask(note)
            with db.transaction(engine) as session:
                keep(session, point.size)
        except EngineError as fault:
            log.error("checkpoint %s was not witnessed: %s", point.size, fault.message)


def tend_keys(engine: Engine) -> None:
    """What only the host can do that has the outer keys of secret polls: close those in which all
    have voted, and destroy the keys of those that are over.
    """
    with db.transaction(engine) as session:
        waiting = ballots.all_voted(session)
    for poll_id in waiting:
        with suppress(Conflict):  # somebody is at work on it
            db.again(engine, partial(ballots.close_when_all_voted, poll_id=poll_id))
    with db.transaction(engine) as session:
        envelopes.forget_spent_keys(session)
        blobs.forget_spent_keys(session)
