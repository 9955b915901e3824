"""What the workers do while a story goes on: due timers in the order of their moments, messages between instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import clock
from engine.commands import instances, links
from engine.db import queue, tables
from engine.errors import Conflict, EngineError
from engine.scenarios.scene import Otherwise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from procrastinate.jobs import Job

    from engine.scenarios.scene import Scene

MOST_TIMERS = 1_000  # in one step; more is a loop
_timer = tables.timer.c
MESSAGES = ("deliver", "note_origin", "note_link")  # jobs that carry something to an instance


def let_pass(scene: Scene, until: datetime) -> None:
    """Let time go by until a moment; messages go out first, then each due timer fires at its own moment."""
    _messages(scene)
    tried: set[UUID] = set()
    for _ in range(MOST_TIMERS):
        timer = _next_timer(scene, until, tried)
        if timer is None:
            scene.now = until
            return
        tried.add(timer.id)
        scene.now = max(scene.now, timer.due_at)
        with clock.set_to(scene.now):
            _fire(scene, timer.id, timer.instance_id)
            _messages(scene)
    raise Otherwise(f"这一步里到期的定时超过 {MOST_TIMERS} 个，流程图中可能有不停的循环。")


def _next_timer(scene: Scene, until: datetime, tried: set[UUID]) -> Any:
    """The soonest timer that is due until then and was not tried before."""
    waiting = select(_timer.id, _timer.instance_id, _timer.due_at).where(
        _timer.instance_id.in_(scene.instances.values()),
        _timer.state == "waiting",
        _timer.due_at <= until,
    )
    rows = scene.session.execute(waiting.order_by(_timer.due_at, _timer.id)).all()
    return next((row for row in rows if row.id not in tried), None)


def _fire(scene: Scene, timer_id: UUID, instance_id: UUID) -> None:
    """One timer, as a worker fires it: what breaks becomes an incident."""
    try:
        with scene.session.begin_nested():
            instances.wake(scene.session, timer_id)
    except EngineError as fault:
        _incident(scene, instance_id, f"timer:{timer_id}", fault)


def _messages(scene: Scene) -> None:
    """The messages between instances that were asked for, until there are none left."""
    while jobs := _undelivered(scene):
        for job in jobs:
            scene.done = job.id or 0
            with clock.set_to(scene.now):
                _job(scene, job.task_name, job.task_kwargs)


def _undelivered(scene: Scene) -> list[Job]:
    ours = {str(key) for key in scene.instances.values()}
    return [
        job
        for job in queue.waiting(scene.session, MESSAGES)
        if (job.id or 0) > scene.done and job.task_kwargs["instance_id"] in ours
    ]


def _job(scene: Scene, name: str, args: Mapping[str, Any]) -> None:
    key = UUID(args["instance_id"])
    try:
        with scene.session.begin_nested():
            if name == "deliver":
                instances.receive(scene.session, key, args["message"], args["answers"])
            elif name == "note_link":
                links.note_link(
                    scene.session, key, UUID(args["origin"]), args["number"], args["kind"]
                )
            else:
                links.note_origin(scene.session, key, UUID(args["origin"]), args["number"])
    except Conflict:
        return  # it stands still; a worker would try again and give up in the end
    except EngineError as fault:
        _incident(scene, key, f"message:{args.get('message', name)}", fault)


def _incident(scene: Scene, instance_id: UUID, what: str, fault: EngineError) -> None:
    with scene.session.begin_nested():
        instances.note_incident(scene.session, instance_id, what, fault)
