"""What the workers do while a story goes on: due timers in the order of their moments, messages
between instances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import clock
from engine.commands import incidents, instances, links, messages
from engine.db import queue, tables
from engine.db.states import TimerState
from engine.errors import Conflict, EngineError
from engine.messages import _
from engine.scenarios.progress import Unexpected

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from procrastinate.jobs import Job

    from engine.db import rows
    from engine.scenarios.progress import Progress

MOST_TIMERS = 1_000  # in one step; more is a loop
_timer = tables.timer.c
MESSAGES = ("deliver", "note_origin", "note_link")  # jobs that carry something to an instance


def let_pass(progress: Progress, until: datetime) -> None:
    """Let time go by until a moment; messages go out first, then each due timer fires at its own
    moment.
    """
    _messages(progress)
    tried: set[UUID] = set()
    for _number in range(MOST_TIMERS):
        timer = _next_timer(progress, until, tried)
        if timer is None:
            progress.now = until
            return
        tried.add(timer.id)
        progress.now = max(progress.now, timer.due_at)
        with clock.set_to(progress.now):
            _fire(progress, timer.id, timer.instance_id)
            _messages(progress)
    raise Unexpected(
        _(
            "这一步里到期的定时超过 {most} 个，流程图中可能有不停的循环。",
            most=MOST_TIMERS,
        )
    )


def _next_timer(progress: Progress, until: datetime, tried: set[UUID]) -> rows.Timer | None:
    """The soonest timer that is due until then and was not tried before."""
    waiting = select(tables.timer).where(
        _timer.instance_id.in_(progress.instances.values()),
        _timer.state == TimerState.WAITING,
        _timer.due_at <= until,
    )
    timers: Any = progress.session.execute(waiting.order_by(_timer.due_at, _timer.id)).all()
    return next((timer for timer in timers if timer.id not in tried), None)


def _fire(progress: Progress, timer_id: UUID, instance_id: UUID) -> None:
    """One timer, as a worker fires it: what breaks becomes an incident."""
    try:
        with progress.session.begin_nested():
            instances.wake(progress.session, timer_id)
    except EngineError as fault:
        _incident(progress, instance_id, f"timer:{timer_id}", fault)


def _messages(progress: Progress) -> None:
    """The messages between instances that were asked for, until there are none left."""
    while jobs := _undelivered(progress):
        for job in jobs:
            progress.done = job.id or 0
            with clock.set_to(progress.now):
                _carry_out(progress, job.task_name, job.task_kwargs)


def _undelivered(progress: Progress) -> list[Job]:
    ours = {str(key) for key in progress.instances.values()}
    return [
        job
        for job in queue.waiting(progress.session, MESSAGES)
        if (job.id or 0) > progress.done and job.task_kwargs["instance_id"] in ours
    ]


def _carry_out(progress: Progress, name: str, args: Mapping[str, Any]) -> None:
    key, name_of = UUID(args["instance_id"]), args.get("message", name)
    try:
        with progress.session.begin_nested():
            _run(progress, key, name, args)
    except Conflict:
        return  # it stands still; a worker would try again and give up in the end
    except EngineError as fault:
        _incident(progress, key, f"message:{name_of}", fault)


def _run(progress: Progress, key: UUID, name: str, args: Mapping[str, Any]) -> None:
    session = progress.session
    if name == "deliver":
        happened = args.get("happened", "")
        messages.receive(session, key, args["message"], args["answers"], happened)
        return
    origin, number = UUID(args["origin"]), args["number"]
    if name == "note_link":
        links.note_link(session, key, origin, number, args["kind"])
    else:
        links.note_origin(session, key, origin, number)


def _incident(progress: Progress, instance_id: UUID, what: str, fault: EngineError) -> None:
    with progress.session.begin_nested():
        incidents.note(progress.session, instance_id, what, fault)
