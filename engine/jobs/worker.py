"""A worker: the jobs under their names, with retries and hours, and what runs beside them while the
clock is right.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import procrastinate
from procrastinate import builtin_tasks, exceptions
from procrastinate.jobs import Status
from sqlalchemy.exc import DBAPIError

from engine import db, jobs
from engine.db import apart, queue
from engine.db.queue import DEAD_AFTER, HEARTBEAT
from engine.errors import EngineError, Unavailable
from engine.jobs import notifying, packing
from engine.stopping import Stopping

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from sqlalchemy import Engine

    from engine.messages import Language
    from engine.settings import Settings

log = logging.getLogger("yixing.jobs")
CONCURRENT = 4  # jobs at once in one worker: a long sweep does not hold up messages and seals
SEAL_EVERY = 6  # looks at the keys between two seals
KEYS_EVERY = 10  # seconds between two looks at the keys of secret polls
WATCH = 2  # seconds between two looks for due timers and for jobs
RETRY = procrastinate.RetryStrategy(
    max_attempts=8, exponential_wait=2, retry_exceptions=[Exception]
)


class Discreet(logging.Filter):
    """Procrastinate logs a job with its arguments, and those may be what somebody wrote: they
    stay out of the logs.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, without what stands in brackets."""
        record.msg = re.sub(r"\(.*\)", "(…)", str(record.msg), flags=re.DOTALL)
        return True


def app(
    settings: Settings,
    url: str,
    stopping: Callable[[], bool] = lambda: False,
    *,
    english: Language,
) -> procrastinate.App:
    """The jobs under the names by which engine/db/queue.py asks for them, and those that come by
    the clock. `english`: for the second half of evidence packs.
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

    by_the_clock("* * * * *", "sweep", lambda engine: jobs.sweep(engine, stopping))
    by_the_clock(
        "* * * * *", "notify", lambda engine: notifying.notify(engine, settings, english, stopping)
    )
    by_the_clock("* * * * *", "seal", lambda engine: jobs.seal(engine, settings))
    by_the_clock("5 * * * *", "start", jobs.start)
    by_the_clock("35 * * * *", "backup", lambda _engine: jobs.back_up(settings))
    by_the_clock("50 19 * * *", "witness", lambda engine: jobs.witness(engine, settings))
    by_the_clock("30 19 * * *", "tidy", jobs.tidy)  # UTC: half past three at night in China
    made.periodic(cron="40 19 * * *", queueing_lock="remove_old_jobs:clock")(
        made.task(name="remove_old_jobs", queue=queue.QUEUE, retry=RETRY, pass_context=True)(
            _remove_old_jobs
        )
    )
    task("deliver", jobs.deliver)
    task("note_origin", jobs.note_origin)
    task("note_link", jobs.note_link)
    task("forecast", jobs.forecast)
    task("rehearse", jobs.rehearse)
    task("verify", lambda engine, **given: jobs.verify(engine, settings, **given))
    task("operate", lambda engine, **given: jobs.operate(engine, settings, english, **given))
    task("pack", lambda engine, **given: packing.pack(engine, settings, english, **given))
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
            await manager.finish_job(job, Status.FAILED, delete_job=True)
        except exceptions.ConnectorException:
            log.warning("job %s was taken up by another worker", job.id)


async def _take_up_always(made: procrastinate.App) -> None:
    while True:
        with suppress(exceptions.ConnectorException):
            await _take_up(made)
        await asyncio.sleep(DEAD_AFTER / 2)


def _waiting(engine: Engine) -> bool:
    """Is there a held act whose time is over, or a due timer?"""
    return bool(jobs.held(engine) or jobs.due(engine, None))


async def _watch_timers(made: procrastinate.App, engine: Engine) -> None:
    """Ask for a sweep as soon as a timer is due; the table of timers is what is asked, so that
    none can be missed.
    """
    ask = made.tasks["sweep"].configure(queueing_lock="sweep:due")
    while True:
        try:
            if await asyncio.to_thread(_waiting, engine):
                await ask.defer_async()
        except exceptions.AlreadyEnqueued:
            pass  # it is asked for, and no worker has come to it yet
        except (exceptions.ConnectorException, EngineError, DBAPIError):
            log.warning("the timers could not be looked at; the next look is in %s s", WATCH)
        await asyncio.sleep(WATCH)


async def _watch_keys(engine: Engine, settings: Settings) -> None:
    """What is done by the host that has the keys, whoever takes up the jobs: a worker without the
    signing key that takes up every seal must not keep the others from sealing.
    """
    for look in itertools.count(1):
        try:
            await asyncio.to_thread(jobs.tend_keys, engine)
            if look % SEAL_EVERY == 0:
                await asyncio.to_thread(jobs.seal, engine, settings)
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


async def _run(
    settings: Settings, url: str, stop: threading.Event | Stopping, english: Language
) -> None:
    """Work while the clock is right, wait while it is not."""
    engine = db.connect(url, home=settings.home)
    while not stop.is_set():
        if not await asyncio.to_thread(_right_clock, engine):
            await asyncio.sleep(WATCH)
        elif not await _work(settings, url, stop, english):
            return


async def _work(
    settings: Settings, url: str, stop: threading.Event | Stopping, english: Language
) -> bool:
    """Until `stop`, the worker's own end, or a wrong clock; True for a wrong clock."""
    made = app(settings, url, stop.is_set, english=english)
    engine = db.connect(url, home=settings.home)
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


def run_worker(
    settings: Settings, url: str, stop: threading.Event | None = None, *, english: Language
) -> None:
    """Work until `stop` is set; without it until SIGINT or SIGTERM. What is being done is
    brought to its end first. `english`: for the second half of evidence packs.
    """
    asked = Stopping()
    if stop is None:
        asked.listen()
    asyncio.run(_run(settings, url, stop or asked, english))
