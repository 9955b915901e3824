"""Puts a job for the workers into the same transaction as what caused it: no job is lost, none is orphaned.

One INSERT into Procrastinate's table; jobs with the same `once` that still wait are one job.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from datetime import datetime

    from engine.db import Session

_DEFER = text(
    "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at) "
    "VALUES ('yixing', :name, 0, NULL, :once, CAST(:args AS jsonb), :at) ON CONFLICT DO NOTHING"
)


def defer(
    session: Session, name: str, at: datetime | None = None, once: str | None = None, **args: Any
) -> None:
    """Ask for the job `name` (see engine/jobs.py) at the moment `at`, or at once."""
    session.execute(_DEFER, {"name": name, "once": once, "args": json.dumps(args), "at": at})
