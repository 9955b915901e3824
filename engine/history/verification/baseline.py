"""The baseline of a matter that began when events told less: where it stood at a moment, told by
one event. From there on its rows are compared like those of any other.

Whoever upgrades writes it (`engine.commands.baseline`), after everything has been compared that
could be; two people stand in for it (`engine.history.resumed`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine.history.verification.standing import WINDOW, OpenedTask, SetTimer, Standing
from engine.history.verification.walk import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.db import rows


def told(row: rows.Selected, beside: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Where a matter stands, as its baseline tells it: machine, rounds, stop, tasks, timers,
    readers and links. `beside` are its rows by table, and "hidden", the confidential matters it is
    linked with.
    """
    windows = {(poll.task_id, poll.closes_at): str(poll.id) for poll in beside["poll"]}
    tasks = sorted((t for t in beside["task"] if t.ref), key=lambda t: (t.opened_at, t.id))
    timers = sorted(beside["timer"], key=lambda t: (t.since, t.id))
    links = [
        [x.kind, None if x.to_id in beside["hidden"] else str(x.to_id)] for x in beside["link"]
    ]
    return {
        "machine": as_text(row.machine),
        "rounds": dict(row.rounds),
        "suspended": _iso(row.suspended_at) or "",
        "tasks": [_task(task) for task in tasks],
        "timers": [_timer(timer, windows) for timer in timers],
        "readers": sorted(str(share.key) for share in beside["share"]),
        "guests": {str(guest.member_id): guest.until.isoformat() for guest in beside["guest"]},
        "links": sorted(links, key=str),
    }


def _task(row: rows.Task) -> dict[str, Any]:
    ended = "" if row.state == "open" else str(row.state)
    person = str(row.assignee_id) if row.assignee_id else None
    place = {"task": row.element, "ref": row.ref, "at": _iso(row.opened_at)}
    return {**place, "seat": row.seat, "for": person, "due": _iso(row.due_at), "ended": ended}


def _timer(row: rows.Timer, windows: Mapping[tuple[Any, Any], str]) -> dict[str, Any]:
    poll = windows.get((row.task_id, row.due_at), "") if row.ref == WINDOW else ""
    ended = "" if row.state in ("waiting", "broken") else str(row.state)
    place = {"timer": row.element, "ref": row.ref, "at": _iso(row.since)}
    return {**place, "due": _iso(row.due_at), "poll": poll, "ended": ended}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def stand(standing: Standing, says: Mapping[str, Any]) -> None:
    """The matter stands where its baseline says, whatever earlier events told."""
    said, seq = says["standing"], standing.seq
    standing.state, standing.off, standing.moved = said["machine"], 0, seq
    standing.rounds, standing.suspended = Counter(said["rounds"]), said["suspended"]
    standing.tasks = _by_element(_opened(task, seq) for task in said["tasks"])
    standing.timers = _by_element(_set(timer, seq) for timer in said["timers"])
    standing.readers = {UUID(key) for key in said["readers"]}
    standing.guests = {UUID(key): until for key, until in said.get("guests", {}).items()}
    standing.links = {(kind, other) for kind, other in said["links"]}


def _opened(task: Mapping[str, Any], seq: int) -> OpenedTask:
    due = datetime.fromisoformat(task["due"]) if task["due"] else None
    found = OpenedTask(task["task"], task["seat"], task["for"], due, task["at"])
    found.ended, found.ref, found.seq = task["ended"], task["ref"], seq
    return found


def _set(timer: Mapping[str, Any], seq: int) -> SetTimer:
    found = SetTimer(timer["timer"], datetime.fromisoformat(timer["due"]), timer["at"])
    found.poll, found.ended, found.ref, found.seq = timer["poll"], timer["ended"], timer["ref"], seq
    return found


def _by_element(rows: Iterable[Any]) -> defaultdict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.element].append(row)
    return found
