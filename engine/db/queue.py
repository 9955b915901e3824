"""Jobs for the workers, asked for in the same transaction as what causes them: no job is lost, none
is orphaned.

Everything goes through Procrastinate's own JobManager; its tables are its own business. It gets a
connector that runs its statements on our open transaction, by SQLAlchemy, so that a fault of the
database is the same fault as elsewhere.
"""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

from procrastinate import BaseConnector
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from psycopg import errors
from psycopg.types.json import Jsonb
from sqlalchemy.exc import IntegrityError

from engine import clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from engine.db import Session

QUEUE = "yixing"
HEARTBEAT, DEAD_AFTER = (
    5,
    20,
)  # seconds: a worker silent for so long is dead, and its jobs are done by another


class SessionConnector(BaseConnector):
    """Procrastinate's statements on an open transaction, which whoever began it commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_sync_connector(self) -> BaseConnector:
        """Itself: there is no other way of reaching this transaction."""
        return self

    def execute_query(self, query: str, **arguments: Any) -> None:
        """Run a statement that gives nothing back."""
        self._run(query, arguments)

    def execute_query_one(self, query: str, **arguments: Any) -> dict[str, Any]:
        """The only row of a statement."""
        return dict(self._run(query, arguments).mappings().one())

    def execute_query_all(self, query: str, **arguments: Any) -> list[dict[str, Any]]:
        """All rows of a statement."""
        return [dict(row) for row in self._run(query, arguments).mappings()]

    def _run(self, query: str, arguments: dict[str, Any]) -> Any:
        values = {name: _adapted(value) for name, value in arguments.items()}
        try:
            return self._session.exec_driver_sql(query, values)
        except IntegrityError as fault:
            if not isinstance(fault.orig, errors.UniqueViolation):
                raise
            raise UniqueViolation(
                constraint_name=fault.orig.diag.constraint_name, queueing_lock=None
            ) from fault


def _adapted(value: object) -> Any:
    """The value as psycopg takes it: a mapping is JSON, a job to defer is a tuple with JSON in
    it.
    """
    if isinstance(value, dict):
        return Jsonb(value)
    if isinstance(value, list):
        return [_adapted(each) for each in value]
    if isinstance(value, tuple):
        return tuple(_adapted(each) for each in value)
    return value


def manager(session: Session) -> JobManager:
    """Procrastinate's interface to its jobs (the synchronous half), within this transaction."""
    return JobManager(SessionConnector(session))


def defer(
    session: Session, name: str, at: datetime | None = None, once: str | None = None, **args: Any
) -> None:
    """Ask for the job `name` (see engine/jobs) at the moment `at`, or at once; one statement.

    Jobs with the same `once` that still wait are one job; a savepoint keeps the transaction whole
    when there is one.
    """
    job = Job(
        id=None,
        queue=QUEUE,
        lock=None,
        queueing_lock=once,
        task_name=name,
        task_kwargs=args,
        scheduled_at=at,
    )
    with suppress(AlreadyEnqueued), session.begin_nested() if once else nullcontext():
        manager(session).defer_job(job)


def waiting(session: Session, names: Sequence[str]) -> list[Job]:
    """The jobs of these names that nobody has begun, in the order in which they were asked for."""
    return [job for job in manager(session).list_jobs(status="todo") if job.task_name in names]


def counts(session: Session) -> dict[str, int]:
    """How many of our jobs there are in each of Procrastinate's states."""
    (queue,) = manager(session).list_queues(queue=QUEUE) or ({},)
    return {state: number for state, number in queue.items() if isinstance(number, int)}


def silence(session: Session) -> float | None:
    """The seconds since any worker last gave a sign; None when none has registered."""
    latest = "SELECT extract(epoch FROM clock_timestamp() - max(last_heartbeat)) FROM procrastinate_workers"
    found = session.exec_driver_sql(latest).scalar()
    return None if found is None else float(found)


def forget(session: Session, instance_id: str) -> None:
    """Remove the failed jobs of an instance, and of its messages to others, for they keep what they
    were to deliver.

    Procrastinate removes one by one only what waits; within this transaction no worker sees that
    they wait again.
    """
    jobs = manager(session)
    for job in jobs.list_jobs(queue=QUEUE, status="failed"):
        about = (job.task_kwargs.get("instance_id"), job.task_kwargs.get("source"))
        if job.id is not None and instance_id in about:
            jobs.retry_job_by_id(job.id, retry_at=clock.now())
            jobs.cancel_job_by_id(job.id, delete_job=True)
