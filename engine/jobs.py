"""What the workers do: due timers, messages between instances, seals, tidying. Procrastinate on the
same database.

Each job is a plain function of the database engine; `app` gives them their names, retries and
hours. Jobs are asked for by engine/db/queue.py, inside the transaction that causes them, and each
may run twice: doing it again changes nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import re
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import procrastinate
from procrastinate import builtin_tasks, exceptions, jobs
from sqlalchemy import select, text, tuple_
from sqlalchemy.exc import DBAPIError

from engine import clock, db
from engine.commands import (
    ballots,
    envelopes,
    incidents,
    instances,
    links,
    rehearsals,
    rules,
    verifications,
)
from engine.db import apart, queue, safekeeping, tables
from engine.db.queue import DEAD_AFTER, HEARTBEAT
from engine.errors import Conflict, EngineError, HistoryBroken, NotFound, Unavailable
from engine.scenarios import stage
from engine.stopping import Stopping

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from engine.settings import Settings

log = logging.getLogger("yixing.jobs")
BATCH = 200
CONCURRENT = 4  # jobs at once in one worker: a long sweep does not hold up messages and seals
SEAL_EVERY = 6  # looks at the keys between two seals
KEYS_EVERY = 10  # seconds between two looks at the keys of secret polls
WATCH = 2  # seconds between two looks for due timers and for jobs
RETRY = procrastinate.RetryStrategy(
    max_attempts=8, exponential_wait=2, retry_exceptions=[Exception]
)
_timer, _instance = tables.timer.c, tables.instance.c


# --- the jobs -------------------------------------------------------------------------------------
def sweep(engine: Engine, stopping: Callable[[], bool] = lambda: False) -> int:
    """Let every due timer happen, each in its own transaction; gives their number. Only the due
    ones cost something.

    What is busy waits for the next sweep. A timer that breaks becomes an incident of its instance;
    the rest goes on.
    """
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


def deliver(engine: Engine, instance_id: str, message: str, answers: dict[str, Any]) -> bool:
    """Give an instance another one's message; False when it does not wait for it. A fault of it
    becomes an incident.
    """
    key = UUID(instance_id)
    try:
        return db.again(engine, lambda session: instances.receive(session, key, message, answers))
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
    from engine.commands import sealing
    from engine.history import seals
    from engine.history.signing import signing

    with db.transaction(engine) as session:
        found = signing(session, settings)
    if found.signer is None or found.signer.log is None:
        log.warning("nothing is sealed: %s", found.why)
        return
    try:
        full = True
        while full:
            with db.transaction(engine) as session:
                late = sealing.late(session)
                full = sealing.seal(session, found.signer) == seals.BATCH
            for instance_id, fault in late:
                _incident(engine, instance_id, "clock", fault)
        with db.transaction(engine) as session:
            found.signer.log.catch_up(session, found.signer.key.public)
    except HistoryBroken as fault:
        log.error("nothing is sealed: %s", fault.message)


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
_UNUSED_BLOBS = text(
    "DELETE FROM blob b WHERE sha256 = ANY(:digests) "
    "AND NOT EXISTS (SELECT 1 FROM attachment a WHERE a.sha256 = b.sha256)"
)


def tidy(engine: Engine) -> None:
    """Remove what nobody needs any more: old login attempts, replies and logins, drafts of tasks
    that are done or of more than a year ago, uploads never used.
    """
    week, month, year = (clock.now() - timedelta(days=days) for days in (7, 31, 366))
    with db.transaction(engine) as session:
        session.execute(_OLD_LOGINS, {"month": month})
        session.execute(_OLD_VERIFICATIONS, {"month": month})
        session.execute(_OLD_DRAFTS, {"week": week, "year": year})
        session.execute(_OLD_ATTEMPTS, {"week": week})
        session.execute(_OLD_REPLIES, {"week": week})
        digests = list(session.execute(_OLD_UPLOADS, {"week": week}).scalars())
        if digests:
            session.execute(_UNUSED_BLOBS, {"digests": digests})


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
        waiting = witnesses.due(session)
    if waiting is None:
        return
    size, note = waiting
    for ask in witnesses.ways(settings):
        try:
            keep = ask(note)
            with db.transaction(engine) as session:
                keep(session, size)
        except EngineError as fault:
            log.error("checkpoint %s was not witnessed: %s", size, fault.message)


class Discreet(logging.Filter):
    """Procrastinate logs a job with its arguments, and those may be what somebody wrote: they
    stay out of the logs.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, without what stands in brackets."""
        record.msg = re.sub(r"\(.*\)", "(…)", str(record.msg), flags=re.DOTALL)
        return True


# --- the app --------------------------------------------------------------------------------------
def app(
    settings: Settings, url: str, stopping: Callable[[], bool] = lambda: False
) -> procrastinate.App:
    """The jobs under the names by which engine/db/queue.py asks for them, and those that come by
    the clock.
    """
    for name in ("procrastinate.worker", "procrastinate.worker.yixing"):
        logging.getLogger(name).addFilter(Discreet())
    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=CONCURRENT + 2)
    made = procrastinate.App(connector=connector)
    engine = db.connect(url, home=settings.home)

    def task(name: str, work: Callable[..., object]) -> Any:
        def job(
            timestamp: int | None = None, **args: Any
        ) -> None:  # periodic jobs are told their hour
            del timestamp
            with db.transaction(engine) as session:
                apart.check(session)
            work(engine, **args)

        return made.task(name=name, queue=queue.QUEUE, retry=RETRY)(job)

    def by_the_clock(cron: str, name: str, work: Callable[..., object]) -> None:
        made.periodic(cron=cron, queueing_lock=f"{name}:clock")(task(name, work))

    by_the_clock("* * * * *", "sweep", lambda engine: sweep(engine, stopping))
    by_the_clock("* * * * *", "seal", lambda engine: seal(engine, settings))
    by_the_clock("35 * * * *", "backup", lambda _engine: back_up(settings))
    by_the_clock("50 19 * * *", "witness", lambda engine: witness(engine, settings))
    by_the_clock("30 19 * * *", "tidy", tidy)  # UTC: half past three at night in China
    made.periodic(cron="40 19 * * *", queueing_lock="remove_old_jobs:clock")(
        made.task(name="remove_old_jobs", queue=queue.QUEUE, retry=RETRY, pass_context=True)(
            _remove_old_jobs
        )
    )
    task("deliver", deliver)
    task("note_origin", note_origin)
    task("note_link", note_link)
    task("forecast", forecast)
    task("rehearse", rehearse)
    task("verify", lambda engine, **given: verify(engine, settings, **given))
    return made


async def _remove_old_jobs(context: procrastinate.JobContext, timestamp: int) -> None:
    """Jobs that ended a month ago, failed ones too, and what Procrastinate noted of them."""
    del timestamp
    await builtin_tasks.remove_old_jobs(
        context,
        max_hours=30 * 24,
        queue=queue.QUEUE,
        remove_failed=True,
        remove_cancelled=True,
        remove_aborted=True,
    )


async def _take_up(made: procrastinate.App) -> None:
    """Put the jobs of dead workers back into the queue."""
    manager = made.job_manager
    for job in await manager.get_stalled_jobs(
        queue=queue.QUEUE, seconds_since_heartbeat=DEAD_AFTER
    ):
        try:
            await manager.retry_job(job)
        except exceptions.UniqueViolation:  # of its queueing lock: the same work waits already
            await manager.finish_job(job, jobs.Status.FAILED, delete_job=True)
        except exceptions.ConnectorException:
            log.warning("job %s was taken up by another worker", job.id)


async def _take_up_always(made: procrastinate.App) -> None:
    while True:
        with suppress(exceptions.ConnectorException):
            await _take_up(made)
        await asyncio.sleep(DEAD_AFTER / 2)


async def _watch_timers(made: procrastinate.App, engine: Engine) -> None:
    """Ask for a sweep as soon as a timer is due; the table of timers is what is asked, so that
    none can be missed.
    """
    ask = made.tasks["sweep"].configure(queueing_lock="sweep:due")
    while True:
        try:
            if await asyncio.to_thread(due, engine, None):
                await ask.defer_async()
        except exceptions.AlreadyEnqueued:
            pass  # it is asked for, and no worker has come to it yet
        except (exceptions.ConnectorException, EngineError, DBAPIError):
            log.warning("the timers could not be looked at; the next look is in %s s", WATCH)
        await asyncio.sleep(WATCH)


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


async def _watch_keys(engine: Engine, settings: Settings) -> None:
    """What is done by the host that has the keys, whoever takes up the jobs: a worker without the
    signing key that takes up every seal must not keep the others from sealing.
    """
    for look in itertools.count(1):
        try:
            await asyncio.to_thread(tend_keys, engine)
            if look % SEAL_EVERY == 0:
                await asyncio.to_thread(seal, engine, settings)
        except (EngineError, DBAPIError, OSError):
            log.warning("the outer keys were not looked at; the next look is in %s s", KEYS_EVERY)
        await asyncio.sleep(KEYS_EVERY)


def _right_clock(engine: Engine) -> bool:
    """False, and said in the log, while this clock is not the database's."""
    try:
        with db.transaction(engine) as session:
            apart.check(session)
    except Unavailable as fault:
        if fault.code != "clock":
            return True  # the database went away: who works with it will notice
        log.error("this worker does nothing: %s", fault.message)
        return False
    return True


async def _clock_ends(engine: Engine) -> None:
    """Come back when the clock is not right any more."""
    while await asyncio.to_thread(_right_clock, engine):
        await asyncio.sleep(WATCH)


async def _run(settings: Settings, url: str, stop: threading.Event | Stopping) -> None:
    """Work while the clock is right, wait while it is not."""
    engine = db.connect(url, home=settings.home)
    while not stop.is_set():
        if not await asyncio.to_thread(_right_clock, engine):
            await asyncio.sleep(WATCH)
        elif not await _work(settings, url, stop):
            return


async def _work(settings: Settings, url: str, stop: threading.Event | Stopping) -> bool:
    """Until `stop`, the worker's own end, or a wrong clock; True for a wrong clock."""
    made, engine = app(settings, url, stop.is_set), db.connect(url, home=settings.home)
    async with made.open_async():
        worker = asyncio.create_task(
            made.run_worker_async(
                queues=[queue.QUEUE],
                name="yixing",
                concurrency=CONCURRENT,
                delete_jobs="successful",
                fetch_job_polling_interval=WATCH,
                shutdown_graceful_timeout=8,
                install_signal_handlers=False,
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=DEAD_AFTER,
            )
        )
        helpers = [
            asyncio.create_task(_take_up_always(made)),
            asyncio.create_task(_watch_timers(made, engine)),
            asyncio.create_task(_watch_keys(engine, settings)),
        ]
        wrong = asyncio.create_task(_clock_ends(engine))
        while not stop.is_set() and not worker.done() and not wrong.done():
            await asyncio.wait([worker, wrong], timeout=0.25, return_when=asyncio.FIRST_COMPLETED)
        ended = wrong.done()
        for helper in (*helpers, wrong):
            helper.cancel()
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
        return ended


def run_worker(settings: Settings, url: str, stop: threading.Event | None = None) -> None:
    """Work until `stop` is set; without it until SIGINT or SIGTERM. What is being done is
    brought to its end first.
    """
    asked = Stopping()
    if stop is None:
        asked.listen()
    asyncio.run(_run(settings, url, stop or asked))
