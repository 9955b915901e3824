"""A worker that does what pages and programs asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from engine import db, jobs, settings
from engine.db import queue
from webui.http.messages import language

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from engine.settings import Settings


def work(engine: Engine, home: Settings | None = None) -> int:
    """Do what waits; its jobs are over then. Gives their number. `home`: of the signing key."""
    home = home or settings.load()
    with db.transaction(engine) as session:
        waiting = queue.waiting(session, ["operate"])
    for job in waiting:
        jobs.operate(engine, home, language("en"), **job.task_kwargs)
    with db.transaction(engine) as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))
    return len(waiting)
