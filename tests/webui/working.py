"""A worker that does what pages and programs asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from engine import db, jobs
from engine.db import queue
from webui.http.messages import language

if TYPE_CHECKING:
    from sqlalchemy import Engine


def work(engine: Engine) -> int:
    """Do what waits; its jobs are over then. Gives their number."""
    with db.transaction(engine) as session:
        waiting = queue.waiting(session, ["operate"])
    for job in waiting:
        jobs.operate(engine, language("en"), **job.task_kwargs)
    with db.transaction(engine) as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))
    return len(waiting)
