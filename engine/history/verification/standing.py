"""Where a matter stands: its machine, tasks, timers and readers are what its events lead to.

The path told is walked on the frozen diagram; what waits then are the open tasks and timers, by
the seats, persons and time limits that the events tell.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine.calendar.moments import end_of
from engine.history.verification.walk import Act, Walk
from engine.people.organisation import seat_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from engine.history.verification.matters import Version

WINDOW = -1  # as in tables.POLL_WINDOW
_ACTS = {
    "instance_launched": ("start", ""),
    "task_completed": ("task", "task"),
    "poll_closed": ("task", "task"),
    "message_sent": ("message", "message"),
    "timer_fired": ("timer", "element"),
    "task_sent_back": ("again", "to"),
    "task_taken_back": ("again", "task"),
}


_LINKS = {  # where an event tells the kind of a link, and the other matter
    "instance_merged": ("", "into"),
    "matter_begun": ("link", "matter"),
    "matter_linked": ("link", "matter"),
    "matter_told": ("message", "matter"),
}


@dataclass
class OpenedTask:
    """A task as the events tell it. ended: "", done or cancelled; gone: the event that cancelled
    it; ref: its place in the machine.
    """

    element: str
    seat: str | None
    assignee: str | None
    due: datetime | None
    at: str
    ended: str = ""
    gone: int = 0
    ref: int = 0
    seq: int = 0  # the event that tells it, last
    held: int = 0  # the one that tells whose it is
    giver: str | None = None  # who handed it to whoever has it
    sent_from: str | None = None  # the task from which it was sent back
    straight: bool = False  # and it leads there again

    def take(self, holder: str | None, seq: int, giver: str | None = None) -> None:
        """Somebody has it from an event on, or everybody on its seat."""
        self.assignee, self.held, self.giver = holder, seq, giver


@dataclass
class SetTimer:
    """A timer as the events tell it. poll: whose window it ends; ended: "", fired or cancelled;
    ref: its place in the machine.
    """

    element: str
    due: datetime
    at: str
    poll: str = ""
    ended: str = ""
    ref: int = 0
    seq: int = 0  # the event that tells it


@dataclass
class Standing:
    """A matter walked along its events; `off` is the first event whose path the diagram has not."""

    version: Version
    union: UUID
    state: str = ""
    off: int = 0
    seq: int = 0
    moved: int = 0  # the last event that moved the machine
    rounds: Counter[str] = field(default_factory=Counter)
    tasks: dict[str, list[OpenedTask]] = field(default_factory=lambda: defaultdict(list))
    timers: dict[str, list[SetTimer]] = field(default_factory=lambda: defaultdict(list))
    readers: set[UUID] = field(default_factory=set)
    guests: dict[UUID, str] = field(default_factory=dict)  # who was let in, until which day
    suspended: str = ""
    links: set[tuple[str, str | None]] = field(default_factory=set)  # kind, and to which if told

    @property
    def walk(self) -> Walk:
        return self.version.walk

    def read(self, seq: int, says: Mapping[str, Any]) -> None:
        """One more event, in order."""
        self.seq = seq
        if says["kind"] in _ACTS and "passed" in says:
            self._act(says)
        elif "ended" in says:
            self._end()
        self.readers.update(UUID(member) for member in says.get("shown", ()))
        self.readers.difference_update(UUID(member) for member in says.get("hidden", ()))
        if says["kind"] in ("poll_called", "poll_opened", "teller_replaced"):
            self.readers.update(UUID(teller) for teller in says.get("tellers", ()))
        if says["kind"] in _LINKS and not says.get("back"):
            kind, other = _LINKS[says["kind"]]
            self.links.add((says.get(kind, "merged_into"), says.get(other)))
        for task in says.get("opened", ()):
            self._open(task, says["at"])
        for timer in says.get("timers", ()):
            self._set(timer, says)
        _READERS.get(says["kind"], _nothing)(self, says)

    def _act(self, says: Mapping[str, Any]) -> None:
        kind, key = _ACTS[says["kind"]]
        passed, to = tuple(says["passed"]), says.get("straight", "")
        kind = "straight" if to else kind
        act = Act(kind, says[key] if key else "", passed, self._opened(says), to)
        after = None if self.off else self.walk.after(self.state, act)
        if after is None:
            self.off = self.off or self.seq
            return
        self.state, self.moved = after, self.seq
        self.rounds.update(e for e in act.passed if e in self.version.answered)
        if says["kind"] == "task_taken_back":
            self.rounds.subtract([act.key])
            self.rounds += Counter()  # without what was never done
        self._close(act)
        if not after:
            self.rounds.clear()

    def _opened(self, says: Mapping[str, Any]) -> tuple[str, ...]:
        """What waits since an act, but boundary events."""
        timers = (timer["timer"] for timer in says.get("timers", ()))
        alone = (each for each in timers if not self.walk.on_boundary(each))
        tasks = (task["task"] for task in says.get("opened", ()))
        return tuple(sorted((*tasks, *alone, *says.get("waits", ()))))

    def _end(self) -> None:
        """By the desk, from wherever it stood."""
        self.state, self.moved = "", self.seq
        self.rounds.clear()
        self._close(Act("", "", (), ()))

    def _close(self, act: Act) -> None:
        """What waits no more was done by the act itself, or is cancelled."""
        live = self.walk.live(self.state)
        refs, elements = {each.ref for each in live}, {each.element for each in live}
        for opened in self.waiting_tasks():
            if opened.ref in refs:
                continue
            done = act.kind in ("task", "straight") and opened.element == act.key
            opened.ended, opened.seq = "done" if done else "cancelled", self.seq
            opened.gone = 0 if done else self.seq
        for timer in (each for each in every(self.timers.values()) if not each.ended):
            # a window has no place of its own in the diagram: it lives with its task
            if timer.element in elements if timer.poll else timer.ref in refs:
                continue
            fired = act.kind == "timer" and timer.element == act.key and not timer.poll
            timer.ended = "fired" if fired else "cancelled"

    def _place(self, element: str, waiting: Iterable[OpenedTask | SetTimer]) -> int:
        """Where in the machine stands what was opened last; 0 where the path is lost. Places are
        given in the order of opening and never again, so a loop cannot confuse two rounds.
        """
        taken = {each.ref for each in waiting if not each.ended}
        live = (each.ref for each in self.walk.live(self.state) if each.element == element)
        return min((ref for ref in live if ref not in taken), default=0)

    def _open(self, task: Mapping[str, Any], at: str) -> None:
        seat, person = task.get("seat"), task.get("for")
        if seat:
            seat = seat if "@" in seat else f"{seat}@{self.union}"
            self.readers.add(seat_key(seat))
        elif person:
            self.readers.add(UUID(person))
        due = _moment(task) if "due" in task else None
        opened = OpenedTask(task["task"], seat, person, due, at)
        opened.sent_from, opened.straight = task.get("from"), "straight" in task
        opened.ref = self._place(opened.element, self.tasks[opened.element])
        opened.seq = self.seq
        self.tasks[opened.element].append(opened)

    def _set(self, timer: Mapping[str, Any], says: Mapping[str, Any]) -> None:
        """A timer was set, or set anew by a task's later end."""
        if says["kind"] == "deadline_extended":
            self.move_timers(timer["timer"], _moment(timer))
        else:
            found = SetTimer(timer["timer"], _moment(timer), says["at"])
            found.ref = self._place(found.element, self.timers[found.element])
            found.seq = self.seq
            self.timers[found.element].append(found)

    def waiting_tasks(self, element: str = "") -> Iterator[OpenedTask]:
        """The open tasks, of one element or of all."""
        tasks = self.tasks.get(element, []) if element else every(self.tasks.values())
        return (task for task in tasks if not task.ended)

    def move_timers(self, element: str, due: datetime) -> None:
        """Its timers that wait end at another moment."""
        for timer in self.timers[element]:
            if not timer.ended:
                timer.due = due


def every(rows: Iterable[list[Any]]) -> Iterator[Any]:
    return (each for some in rows for each in some)


def _moment(says: Mapping[str, Any]) -> datetime:
    """The end of a time limit as an event tells it."""
    if "until" in says:
        return datetime.fromisoformat(says["until"])
    return end_of(date.fromisoformat(says.get("closes") or says["due"]))


# --- what single kinds change --------------------------------------------------------------------
def _nothing(_standing: Standing, _says: Mapping[str, Any]) -> None:
    """Most kinds."""


def _claimed(standing: Standing, says: Mapping[str, Any]) -> None:
    for task in standing.waiting_tasks(says["task"]):
        task.take(says["actor"]["id"] if says["kind"] == "task_claimed" else None, standing.seq)


def _handed_over(standing: Standing, says: Mapping[str, Any]) -> None:
    """Open tasks of the owner before go along, those too that the same act then cancelled."""
    standing.readers.add(UUID(says["new"]))
    main = standing.seq
    for task in every(standing.tasks.values()):
        lately = task.ended == "cancelled" and main - task.gone <= _SAME_COMMAND
        if task.assignee == says["old"] and (not task.ended or lately):
            task.assignee = says["new"]


def _reassigned(standing: Standing, says: Mapping[str, Any]) -> None:
    """By the desk: an open task goes to another person, or back to its post."""
    if "old" not in says:
        return
    new = says.get("new")
    if new:
        standing.readers.add(UUID(new))
    for task in standing.waiting_tasks(says["task"]):
        if task.assignee == says["old"]:
            task.take(new, standing.seq)
            return


def _handed(standing: Standing, says: Mapping[str, Any]) -> None:
    """From one person on a seat to another, or back; the seat could read the matter before."""
    giver = says["actor"]["id"] if says["kind"] == "task_handed_over" else None
    for task in standing.waiting_tasks(says["task"]):
        if task.assignee == says.get("old"):
            task.take(says.get("new"), standing.seq, giver)
            return


_SAME_COMMAND = 8  # events between the one that moved the machine and one of its actions, at most


def _extended(standing: Standing, says: Mapping[str, Any]) -> None:
    for task in standing.waiting_tasks(says["task"]):
        task.due, task.seq = _moment(says), standing.seq


def _recomputed(standing: Standing, says: Mapping[str, Any]) -> None:
    for change in says["deadlines"]:
        if change["what"] == "publication":  # compared by verification/published.py
            continue
        if change["what"] != "task":
            standing.move_timers(change["element"], _moment(change))
            continue
        for task in standing.waiting_tasks(change["element"]):
            task.due, task.seq = _moment(change), standing.seq


def _let_in(standing: Standing, says: Mapping[str, Any]) -> None:
    if says.get("until"):
        standing.guests[UUID(says["member"])] = says["until"]
    else:  # before there was a last day
        standing.readers.add(UUID(says["member"]))


def _let_out(standing: Standing, says: Mapping[str, Any]) -> None:
    standing.guests.pop(UUID(says["member"]), None)


def _suspended(standing: Standing, says: Mapping[str, Any]) -> None:
    standing.suspended = says["at"]


def _resumed(standing: Standing, says: Mapping[str, Any]) -> None:
    """All that waits moves by the days stood still."""
    standing.suspended, still = "", timedelta(days=says.get("stopped_days", 0))
    for task in standing.waiting_tasks():
        task.due = task.due + still if task.due else None
    for timer in every(standing.timers.values()):
        timer.due += still if not timer.ended else timedelta()


def _window(standing: Standing, says: Mapping[str, Any]) -> None:
    if says.get("closes"):
        found = SetTimer(says["task"], _moment(says), says["at"], poll=says["poll"])
        found.seq = standing.seq
        standing.timers[found.element].append(found)


def _over(standing: Standing, says: Mapping[str, Any]) -> None:
    """The window of a poll ended by its time, or before."""
    for timer in standing.timers[says["task"]]:
        if timer.poll == says["poll"] and timer.ended in ("", "cancelled"):
            timer.ended = "fired" if says.get("why") == "window_ended" else "cancelled"


_READERS: dict[str, Callable[[Standing, Mapping[str, Any]], None]] = {
    "task_claimed": _claimed,
    "task_released": _claimed,
    "task_reassigned": _reassigned,
    "task_handed_over": _handed,
    "task_given_back": _handed,
    "stepped_aside": _reassigned,
    "aside_withdrawn": _reassigned,
    "owner_replaced": _handed_over,
    "mover_replaced": _handed_over,
    "deadline_extended": _extended,
    "deadline_recomputed": _recomputed,
    "member_let_in": _let_in,
    "member_let_out": _let_out,
    "instance_suspended": _suspended,
    "instance_resumed": _resumed,
    "poll_opened": _window,
    "poll_stopped": _over,
    "poll_closed": _over,
    "poll_voided": _over,
}
