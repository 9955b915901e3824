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
from engine.history.verification.replay import Poll, Replayed, first_wrong, near
from engine.history.verification.walk import Act, Walk, as_text
from engine.messages import _
from engine.people.organisation import seat_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from engine.db import rows
    from engine.history.event_log import Break
    from engine.history.verification.matters import Version
    from engine.machine import Live

TELLS = 3  # matters whose events tell less have no standing to be compared
_WINDOW = -1  # as in tables.POLL_WINDOW
_ACTS = {
    "instance_launched": ("start", ""),
    "task_completed": ("task", "task"),
    "poll_closed": ("task", "task"),
    "message_sent": ("message", "message"),
    "timer_fired": ("timer", "element"),
}


_LINKS = {  # where an event tells the kind of a link, and the other matter
    "instance_merged": ("", "into"),
    "matter_begun": ("link", "matter"),
    "matter_linked": ("link", "matter"),
    "matter_told": ("message", "matter"),
}


@dataclass
class _Opened:
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


@dataclass
class _Set:
    """A timer as the events tell it. poll: whose window it ends; ended: "", fired or cancelled;
    ref: its place in the machine.
    """

    element: str
    due: datetime
    at: str
    poll: str = ""
    ended: str = ""
    ref: int = 0


@dataclass
class Standing:
    """A matter walked along its events; `off` is the first event whose path the diagram has not."""

    version: Version
    union: UUID
    state: str = ""
    off: int = 0
    seq: int = 0
    rounds: Counter[str] = field(default_factory=Counter)
    tasks: dict[str, list[_Opened]] = field(default_factory=lambda: defaultdict(list))
    timers: dict[str, list[_Set]] = field(default_factory=lambda: defaultdict(list))
    readers: set[UUID] = field(default_factory=set)
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
        act = Act(kind, says[key] if key else "", tuple(says["passed"]), self._opened(says))
        after = None if self.off else self.walk.after(self.state, act)
        if after is None:
            self.off = self.off or self.seq
            return
        self.state = after
        self.rounds.update(e for e in act.passed if e in self.version.answered)
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
        self.state = ""
        self.rounds.clear()
        self._close(Act("", "", (), ()))

    def _close(self, act: Act) -> None:
        """What waits no more was done by the act itself, or is cancelled."""
        live = self.walk.live(self.state)
        refs, elements = {each.ref for each in live}, {each.element for each in live}
        for opened in self.waiting_tasks():
            if opened.ref in refs:
                continue
            done = act.kind == "task" and opened.element == act.key
            opened.ended = "done" if done else "cancelled"
            opened.gone = 0 if done else self.seq
        for timer in (each for each in _all(self.timers.values()) if not each.ended):
            # a window has no place of its own in the diagram: it lives with its task
            if timer.element in elements if timer.poll else timer.ref in refs:
                continue
            fired = act.kind == "timer" and timer.element == act.key and not timer.poll
            timer.ended = "fired" if fired else "cancelled"

    def _place(self, element: str, waiting: Iterable[_Opened | _Set]) -> int:
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
        opened = _Opened(task["task"], seat, person, due, at)
        opened.ref = self._place(opened.element, self.tasks[opened.element])
        self.tasks[opened.element].append(opened)

    def _set(self, timer: Mapping[str, Any], says: Mapping[str, Any]) -> None:
        """A timer was set, or set anew by a task's later end."""
        if says["kind"] == "deadline_extended":
            self.move_timers(timer["timer"], _moment(timer))
        else:
            found = _Set(timer["timer"], _moment(timer), says["at"])
            found.ref = self._place(found.element, self.timers[found.element])
            self.timers[found.element].append(found)

    def waiting_tasks(self, element: str = "") -> Iterator[_Opened]:
        """The open tasks, of one element or of all."""
        every = self.tasks.get(element, []) if element else _all(self.tasks.values())
        return (task for task in every if not task.ended)

    def move_timers(self, element: str, due: datetime) -> None:
        """Its timers that wait end at another moment."""
        for timer in self.timers[element]:
            if not timer.ended:
                timer.due = due


def _all(rows: Iterable[list[Any]]) -> Iterator[Any]:
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
        task.assignee = says["actor"]["id"] if says["kind"] == "task_claimed" else None


def _handed_over(standing: Standing, says: Mapping[str, Any]) -> None:
    """Open tasks of the owner before go along, those too that the same act then cancelled."""
    standing.readers.add(UUID(says["new"]))
    main = standing.seq
    for task in _all(standing.tasks.values()):
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
            task.assignee = new
            return


_SAME_COMMAND = 8  # events between the one that moved the machine and one of its actions, at most


def _extended(standing: Standing, says: Mapping[str, Any]) -> None:
    for task in standing.waiting_tasks(says["task"]):
        task.due = _moment(says)


def _recomputed(standing: Standing, says: Mapping[str, Any]) -> None:
    for change in says["deadlines"]:
        if change["what"] != "task":
            standing.move_timers(change["element"], _moment(change))
            continue
        for task in standing.waiting_tasks(change["element"]):
            task.due = _moment(change)


def _let_in(standing: Standing, says: Mapping[str, Any]) -> None:
    standing.readers.add(UUID(says["member"]))


def _suspended(standing: Standing, says: Mapping[str, Any]) -> None:
    standing.suspended = says["at"]


def _resumed(standing: Standing, says: Mapping[str, Any]) -> None:
    """All that waits moves by the days stood still."""
    standing.suspended, still = "", timedelta(days=says.get("stopped_days", 0))
    for task in standing.waiting_tasks():
        task.due = task.due + still if task.due else None
    for timer in _all(standing.timers.values()):
        timer.due += still if not timer.ended else timedelta()


def _window(standing: Standing, says: Mapping[str, Any]) -> None:
    if says.get("closes"):
        found = _Set(says["task"], _moment(says), says["at"], poll=says["poll"])
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
    "owner_replaced": _handed_over,
    "mover_replaced": _handed_over,
    "deadline_extended": _extended,
    "deadline_recomputed": _recomputed,
    "member_let_in": _let_in,
    "instance_suspended": _suspended,
    "instance_resumed": _resumed,
    "poll_opened": _window,
    "poll_stopped": _over,
    "poll_closed": _over,
    "poll_voided": _over,
}


# --- the rows ------------------------------------------------------------------------------------
def first_false(
    replayed: Replayed,
    row: rows.Selected,
    rows: Mapping[str, list[Any]],
    version: Version,
    events: Iterable[tuple[int, Mapping[str, Any]]],
) -> Break | None:
    """The first row of a matter that is not where its events lead."""
    if replayed.tells < TELLS:
        return None
    standing = Standing(version, row.union_id)
    for seq, says in events:
        standing.read(seq, says)
    if standing.off:
        why = _("记录的路径在流程图上走不通")
        return replayed.false("instance", row.id, why, standing.off)
    return (
        _instance(replayed, standing, row)
        or _tasks(replayed, standing, rows["task"])
        or _timers(replayed, standing, rows["timer"])
        or _polls(replayed, standing, rows["poll"])
        or _tellers(replayed, rows["poll"], rows["teller"])
        or _links(replayed, standing, rows["link"])
        or _readers(replayed, standing, row, rows["share"])
    )


def _instance(replayed: Replayed, standing: Standing, row: rows.Selected) -> Break | None:
    live = standing.walk.live(standing.state)
    stage = [each.element for each in live if each.kind == "task" or not each.boundary]
    still = near(row.suspended_at, standing.suspended) if standing.suspended else False
    columns = {
        "machine": ("流程位置", as_text(row.machine) == standing.state),
        "stage": ("所处环节", sorted(row.stage) == sorted(stage)),
        "rounds": ("办理次数", row.rounds == dict(standing.rounds)),
        "suspended_at": (
            "暂停时间",
            still or (not standing.suspended and row.suspended_at is None),
        ),
    }
    if wrong := first_wrong(columns):
        return replayed.false("instance", row.id, _("事项的{column}与历史不符", column=wrong))
    return None


def _tasks(replayed: Replayed, standing: Standing, rows: list[Any]) -> Break | None:
    refs = {live.ref: live.element for live in standing.walk.live(standing.state)}
    found: dict[str, list[Any]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: (r.opened_at, r.id)):
        if row.ref:
            found[row.element].append(row)
        elif row.assignee_id or row.seat or row.due_at or row.opened_at != row.closed_at:
            why = _("环节 {element} 不是一项任务", element=row.element)
            return replayed.false("task", row.id, why)
    for element in sorted({*found, *standing.tasks}):
        told, kept = standing.tasks.get(element, []), found[element]
        if len(told) != len(kept):
            key = kept[-1].id if kept else element
            return replayed.false("task", key, _("环节 {element} 比历史多或少", element=element))
        for opened, row in zip(told, kept, strict=True):
            if wrong := first_wrong(_task(opened, row, refs)):
                why = _("环节 {element} 的{column}与历史不符", element=element, column=wrong)
                return replayed.false("task", row.id, why)
    return None


def _task(opened: _Opened, row: rows.Task, refs: Mapping[int, str]) -> dict[str, tuple[str, bool]]:
    """What is compared of a task."""
    live = refs.get(row.ref) == row.element
    return {
        "opened_at": ("开始时间", near(row.opened_at, opened.at)),
        "state": ("状态", row.state == (opened.ended or "open")),
        "ref": ("流程位置", live or bool(opened.ended)),
        "seat": ("承办岗位", row.seat == opened.seat),
        "assignee_id": ("承办人", _text(row.assignee_id) == opened.assignee),
        "due_at": ("期限", row.due_at == opened.due),
    }


def _text(key: UUID | None) -> str | None:
    return str(key) if key else None


def _timers(replayed: Replayed, standing: Standing, rows: list[Any]) -> Break | None:
    live = {each.ref: each for each in standing.walk.live(standing.state)}
    found: dict[str, list[Any]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: (r.since, r.id)):
        found[row.element].append(row)
    for element in sorted({*found, *standing.timers}):
        told, kept = standing.timers.get(element, []), found[element]
        if len(told) != len(kept):
            key = kept[-1].id if kept else element
            return replayed.false("timer", key, _("“{element}”的计时比历史多或少", element=element))
        for timer, row in zip(told, kept, strict=True):
            if wrong := first_wrong(_timer(timer, row, live.get(row.ref))):
                why = _("“{element}”的计时的{column}与历史不符", element=element, column=wrong)
                return replayed.false("timer", row.id, why)
    return None


def _timer(timer: _Set, row: rows.Timer, live: Live | None) -> dict[str, tuple[str, bool]]:
    """What is compared of a timer; a broken one still waits."""
    states = (timer.ended,) if timer.ended else ("waiting", "broken")
    here = live is not None and live.element == row.element and live.text == row.expression
    known = bool(timer.ended) or (row.ref == _WINDOW if timer.poll else here)
    return {
        "due_at": ("到期时间", row.due_at == timer.due),
        "since": ("开始时间", near(row.since, timer.at)),
        "state": ("状态", row.state in states),
        "ref": ("流程位置", known and (row.ref == _WINDOW) == bool(timer.poll)),
    }


def _polls(replayed: Replayed, standing: Standing, rows: list[Any]) -> Break | None:
    windows = {each.poll: each.due for each in _all(standing.timers.values()) if each.poll}
    for row in rows:
        if row.closes_at != windows.get(str(row.id)):
            why = _("表决的{column}与历史不符", column="closes_at")
            return replayed.false("poll", row.id, why)
    return None


def _tellers(replayed: Replayed, rows: list[Any], kept: list[Any]) -> Break | None:
    for row in rows:
        told = replayed.polls[str(row.id)]
        own = {str(each.member_id): each for each in kept if each.poll_id == row.id}
        signed = {member: each.signed_at for member, each in own.items() if each.signed_at}
        on_time = all(m in signed and near(signed[m], at) for m, at in told.signed.items())
        seated = sorted(set(own) - set(told.successors))
        if not sorted(map(str, row.tellers)) == seated == sorted(told.tellers):
            return replayed.false("teller", row.id, _("监票人与历史不符"))
        if set(signed) != set(told.signed) or not on_time:
            return replayed.false("teller", row.id, _("监票人签字与历史不符"))
        if any(_told_of(each) != _said_of(told, member) for member, each in own.items()):
            return replayed.false("teller", row.id, _("监票人的更换或者不同意见与历史不符"))
    return None


def _told_of(row: Any) -> tuple[str | None, ...]:
    """Why this teller dissents, why they leave, and who came in their place, by their row."""
    successor = None if row.successor_id is None else str(row.successor_id)
    return row.dissent, row.leaves, successor


def _said_of(told: Poll, member: str) -> tuple[str | None, ...]:
    """The same by the history."""
    return tuple(each.get(member) for each in (told.dissent, told.leaves, told.successors))


def _links(replayed: Replayed, standing: Standing, rows: list[Any]) -> Break | None:
    """A confidential matter is linked, but not named."""
    left = {(kind, other) for kind, other in standing.links if other}
    for row in rows:
        named = (row.kind, str(row.to_id))
        if named not in standing.links and (row.kind, None) not in standing.links:
            return replayed.false("link", f"{row.from_id} {row.to_id}", _("关联没有记录"))
        left.discard(named)
    for kind, other in sorted(left):
        return replayed.false("link", f"{kind} {other}", _("关联缺失"))
    return None


def _readers(
    replayed: Replayed, standing: Standing, row: rows.Selected, shares: list[Any]
) -> Break | None:
    kept = {share.key for share in shares}
    for key in sorted(kept ^ standing.readers, key=str):
        why = _("谁可以查阅与历史不符") if key in kept else _("可以查阅的人缺失")
        return replayed.false("share", f"{row.id} {key}", why)
    return None
