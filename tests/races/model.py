"""What an errand should do, in plain words of Python: no database, no diagram, no engine. The commands are held against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

OFFICE, ROLL = ("secretary", "deputy"), ("d0", "d1", "d2", "d3", "d4")
PEOPLE = (*OFFICE, "d0", "d1", "d2", "d3", "auditor", "far.secretary")


class No(Exception):
    """The command must fail, with this code; `told`: the attempt is put on record."""

    def __init__(self, code: str, told: bool = False) -> None:
        super().__init__(code)
        self.code, self.told = code, told


@dataclass
class Task:
    element: str
    state: str = "open"
    assignee: str = ""
    closed_by: str = ""
    revision: int = 1


@dataclass
class Errand:
    """One errand, moved by d0. Moments of deadlines are told to it when they open, as it knows no calendar."""

    early: bool
    state: str = "running"
    tasks: list[Task] = field(default_factory=lambda: [Task("check")])
    votes: dict[str, str] = field(default_factory=dict)
    closes: datetime | None = None  # the poll's window
    due: datetime | None = None  # the reminder of `do`
    since: datetime | None = None
    stopped: int = 0
    events: list[str] = field(default_factory=lambda: ["instance_launched"])

    @property
    def open(self) -> Task | None:
        return next((t for t in self.tasks if t.state == "open"), None)

    @property
    def rated(self) -> Task | None:
        return next((t for t in self.tasks if t.element == "rate"), None)

    # --- who and whether ---
    def seen(self, who: str) -> None:
        """A stranger is told that there is no such thing, and that he asked is put on record."""
        asked = self.rated is not None and who in ROLL
        if not (who in (*OFFICE, "auditor", "d0") or asked):
            raise No("not_found", told=True)

    def desk(self, who: str, *states: str) -> None:
        self.seen(who)
        if who not in OFFICE:
            raise No("refused", told=True)
        if self.state not in states:
            raise No("state")

    def mine(self, who: str, task: Task, revision: int | None) -> None:
        if task.element == "rate":
            raise No("not_found")
        if not (
            who in (task.assignee, task.closed_by)
            or (who in OFFICE and task.element in ("check", "do"))
        ):
            raise No("not_found", told=True)
        stale = task.state != "open" or revision not in (None, task.revision)
        if not (stale or self.state != "running" or task.assignee not in ("", who)):
            return
        if task.state == "open" and self.state == "suspended":
            raise No("suspended")
        if task.state != "open":
            raise No({"done": "done", "cancelled": "cancelled"}[task.state])
        raise No("claimed" if task.assignee not in ("", who) else "stale")

    # --- the commands ---
    def complete(self, who: str, task: Task, answers: dict[str, Any], revision: int | None) -> None:
        self.mine(who, task, revision)
        good = {
            "check": answers in ({"decision": "pass"}, {"decision": "return", "reason": "改"}),
            "mend": answers == {"note": "好"},
            "do": answers == {"note": "好"},
        }[task.element]
        if not good:
            raise No("invalid")
        task.state, task.closed_by, task.revision = "done", who, task.revision + 1
        self.events.append("task_completed")
        if task.element == "check":
            passed = answers["decision"] == "pass"
            self.tasks.append(Task("do") if passed else Task("mend", assignee="d0"))
        elif task.element == "mend":
            self.tasks.append(Task("check"))
        else:
            self.due = None
            self.tasks.append(Task("rate"))
            self.events.append("poll_opened")

    def claim(self, who: str, task: Task) -> None:
        self.mine(who, task, None)
        if task.assignee != who:
            task.assignee, task.revision = who, task.revision + 1
            self.events.append("task_claimed")

    def release(self, who: str, task: Task) -> None:
        self.mine(who, task, None)
        if task.element == "mend" or task.assignee != who:
            raise No("not_claimed")
        task.assignee, task.revision = "", task.revision + 1
        self.events.append("task_released")

    def withdraw(self, who: str) -> None:
        self.seen(who)
        if self.state != "running":
            raise No("not_running")
        now = self.open
        assert now is not None
        if now.element == "check":
            if who != "d0":
                raise No("refused", told=True)
            self.events.append("message_sent")
            self.over("withdrawn")
            return
        if who != "d0":
            raise No("not_found", told=True)
        raise No("acted")

    def terminate(self, who: str) -> None:
        self.desk(who, "running", "suspended")
        self.events.append("instance_terminated")
        self.over("terminated")

    def suspend(self, who: str, now: datetime) -> None:
        self.desk(who, "running")
        self.state, self.since = "suspended", now
        self.events.append("instance_suspended")

    def resume(
        self, who: str, days: Callable[[datetime], int], shift: Callable[[int], timedelta]
    ) -> None:
        self.desk(who, "suspended")
        assert self.since is not None
        stopped = days(self.since)
        self.state, self.since, self.stopped = "running", None, self.stopped + stopped
        self.due = self.due + shift(stopped) if self.due else None
        self.closes = self.closes + shift(stopped) if self.closes else None
        self.events.append("instance_resumed")

    def asked(self, who: str, now: datetime) -> None:
        self.seen(who)
        if who not in ROLL:
            raise No("not_found", told=True)
        self.still(now)

    def still(self, now: datetime) -> None:
        if self.state != "running":
            raise No("not_running")
        task = self.rated
        if task is None or task.state != "open" or (self.closes is not None and now >= self.closes):
            raise No("closed")

    def respond(self, who: str, choice: str, now: datetime) -> None:
        self.asked(who, now)
        if choice not in ("good", "bad"):
            raise No("invalid")
        if who in self.votes:
            raise No("answered")
        self.votes[who] = choice
        self.events.append("poll_answered")
        good, bad = self.counts
        silent = len(ROLL) - good - bad
        if self.early and (2 * good > 5 or 2 * (good + silent) <= 5 or not silent):
            self.end_poll()

    def take_back(self, who: str, now: datetime) -> None:
        self.asked(who, now)
        if who not in self.votes:
            raise No("not_answered")
        del self.votes[who]
        self.events.append("poll_answer_withdrawn")

    def close(self, who: str, now: datetime) -> None:
        self.seen(who)
        if who != "d0":
            raise No("refused", told=True)
        self.still(now)
        if 2 * self.counts[0] <= 5:
            raise No("not_reached")
        self.end_poll()

    def sweep(self, now: datetime) -> None:
        if self.state != "running":
            return
        if self.due is not None and now >= self.due:
            self.due = None
            self.events += ["timer_fired", "reminder_sent"]
        if self.closes is not None and now >= self.closes and self.open is not None:
            self.end_poll()

    # --- what follows ---
    @property
    def counts(self) -> tuple[int, int]:
        return sum(v == "good" for v in self.votes.values()), sum(
            v == "bad" for v in self.votes.values()
        )

    def end_poll(self) -> None:
        assert self.rated is not None
        self.rated.state = "done"
        self.events.append("poll_closed")
        self.over("ended")

    def over(self, state: str) -> None:
        self.state, self.due, self.closes = state, None, None
        for task in self.tasks:
            task.state = "cancelled" if task.state == "open" else task.state
