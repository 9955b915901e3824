"""What the operator watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import text

from engine import clock
from engine.db import queue

if TYPE_CHECKING:
    from engine.db import Session

_FIGURES = {
    "yixing_instances_running": (
        "Running instances",
        "SELECT count(*) FROM instance WHERE state = 'running' AND NOT confidential",
    ),
    "yixing_tasks_open": (
        "Open user tasks",
        "SELECT count(*) FROM task t JOIN instance i ON i.id = t.instance_id WHERE t.state = 'open' AND NOT i.confidential",
    ),
    "yixing_timers_overdue": (
        "Timers due and not yet fired",
        "SELECT count(*) FROM timer t JOIN instance i ON i.id = t.instance_id "
        "WHERE t.state = 'waiting' AND i.state = 'running' AND t.due_at <= :now",
    ),
    "yixing_incidents_open": (
        "Incidents not yet resolved",
        "SELECT count(*) FROM incident WHERE resolved_at IS NULL",
    ),
    "yixing_events_unsealed": (
        "Events without a leaf",
        "SELECT count(*) FROM event WHERE leaf_no IS NULL",
    ),
}
_JOBS = {
    "yixing_jobs_waiting": ("Jobs that wait, those to be tried again included", "todo"),
    "yixing_jobs_failed": ("Jobs that failed", "failed"),
}


def ready(session: Session) -> list[str]:
    """What keeps the product from working; empty when it is ready."""
    faults = []
    if session.execute(text("SELECT to_regclass('instance') IS NULL")).scalar():
        faults.append("database is not migrated")
    elif not session.execute(
        text("SELECT EXISTS (SELECT 1 FROM definition WHERE state = 'published')")
    ).scalar():
        faults.append("no process definition is published")
    return faults


def metrics(session: Session) -> bytes:
    """The figures as Prometheus text. Counts only, nothing of any matter; confidential ones are not
    even counted.
    """
    registry = CollectorRegistry()
    for name, (words, query) in _FIGURES.items():
        value = session.execute(
            text(query), {"now": clock.now()} if ":now" in query else {}
        ).scalar()
        Gauge(name, words, registry=registry).set(int(value or 0))
    jobs = queue.counts(session)
    for name, (words, state) in _JOBS.items():
        Gauge(name, words, registry=registry).set(jobs.get(state, 0))
    return generate_latest(registry)
