"""Who is in the hall: the numbers of a meeting as rules and pages need them. Writes nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import and_, bindparam, func, select

from engine import expressions
from engine.db import tables
from engine.db.states import MeetingState
from engine.errors import Conflict, ProcessFault
from engine.instance import functions
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from uuid import UUID

    from sqlalchemy import Select

    from engine.db import Session, rows
    from engine.instance.view import InstanceView

_meeting, _attendance = tables.meeting, tables.attendance
_task = tables.task
_LATEST = (
    select(_meeting)
    .join(_task, _task.c.id == _meeting.c.task_id)
    .where(_meeting.c.instance_id == bindparam("key"), _task.c.element == bindparam("task"))
    .order_by(_meeting.c.id.desc())
    .limit(1)
)
_INVITED = (
    select(_attendance)
    .where(_attendance.c.meeting_id == bindparam("key"))
    .order_by(_attendance.c.member_id)
)
_FORMAL_HERE = select(func.count()).where(
    _attendance.c.meeting_id == bindparam("key"), _attendance.c.kind == "formal", _attendance.c.here
)
_IS_HERE = _FORMAL_HERE.where(_attendance.c.member_id == bindparam("who"))
_HAS_LEFT = select(func.count()).where(
    _attendance.c.meeting_id == bindparam("key"),
    _attendance.c.member_id == bindparam("who"),
    ~_attendance.c.here,
)
STRUCK = "struck"  # kind of attendance of who was a formal member and lost that in the session
RECORDED = ("due", "present", "needed", "quorate", "observers", "guests")


@dataclass(frozen=True)
class MeetingNumbers:
    """The numbers of a meeting, and its formal members: those on the `roll`, and those of them who
    are `here`.

    `due`, `present` and `needed` (the smallest number that makes the quorum) are of formal members;
    `observers` and `guests` count who is in the hall. Before the meeting is called nobody is due
    and it is not quorate.
    """

    state: str = ""
    due: int = 0
    present: int = 0
    needed: int = 0
    quorate: bool = False
    observers: int = 0
    guests: int = 0
    roll: tuple[str, ...] = ()
    here: tuple[str, ...] = ()

    def named(self, name: str) -> Any:
        """What an expression calls by this name; None for a name that means nothing."""
        if name in ("roll", "here"):
            return list(getattr(self, name))
        names = {"state": self.state, "formal": self.present, **self.recorded}
        return names.get(name)

    @property
    def recorded(self) -> dict[str, int]:
        """What the history says of them."""
        return {name: getattr(self, name) for name in RECORDED}


def latest(
    session: Session, instance_id: UUID, element: str, lock: bool = False
) -> rows.Meeting | None:
    """The newest meeting of a task, or None. With `lock` nobody arrives or leaves until this
    transaction ends.
    """
    query = _LATEST.with_for_update(of=_meeting) if lock else _LATEST
    meeting = session.execute(query, {"key": instance_id, "task": element}).first()
    return cast("rows.Meeting | None", meeting)


def last_entry(session: Session, meeting_id: UUID) -> int:
    """The number of the last arrival or departure in a meeting's ledger; 0 when it is empty."""
    ledger = tables.presence.c
    query = select(func.coalesce(func.max(ledger.no), 0)).where(ledger.meeting_id == meeting_id)
    return int(session.execute(query).scalar_one())


def least(session: Session, meeting_id: UUID, after: int, opening: int) -> int:
    """The fewest formal members who were in the hall at once since an entry of the ledger, when
    `opening` were.
    """
    ledger, invited = tables.presence.c, _attendance.c
    query = (
        select(ledger.came)
        .join(
            _attendance,
            and_(invited.meeting_id == ledger.meeting_id, invited.member_id == ledger.member_id),
        )
        .where(ledger.meeting_id == meeting_id, ledger.no > after, invited.kind == "formal")
        .order_by(ledger.no)
    )
    moves = (1 if came else -1 for came in session.execute(query).scalars())
    return min(accumulate(moves, initial=opening))


def check_quorum(terms: rows.PollTerms, present: int | None) -> None:
    """The vote stands still while fewer are in the hall than were needed when it opened. Raises
    Conflict; of a poll without a meeting, or one opened before this was noted, never.
    """
    needed = terms.get("presence", {}).get("needed")
    if needed is None or present is None or present >= needed:
        return
    message = _(
        "在场 {present} 人，须到 {needed} 人，不够法定人数，表决中止；等人数恢复，或者由主持人处置。",
        present=present,
        needed=needed,
    )
    raise Conflict(message, code="no_quorum")


def now_present(session: Session, meeting_id: UUID | None) -> int | None:
    """How many formal members are in the hall of a meeting now; None without a meeting."""
    query = select(_meeting.c.present).where(_meeting.c.id == meeting_id)
    return session.execute(query).scalar() if meeting_id else None


def standing(view: InstanceView, element: str) -> MeetingNumbers:
    """The numbers of the newest meeting of a task. ProcessFault when the task holds none."""
    meeting = latest(view.session, view.row["id"], element, lock=view.locks)
    return numbers(view, element, meeting)


def numbers(view: InstanceView, element: str, meeting: rows.Meeting | None) -> MeetingNumbers:
    """The numbers of one meeting of a task. ProcessFault when the task holds none."""
    rule = view.process.tasks[element].meeting
    if rule is None:
        message = _("{element} 不是开会的环节。", element=element)
        raise ProcessFault(message, file="process.toml", element=element)
    if meeting is None:
        return MeetingNumbers()
    invited = view.session.execute(_INVITED, {"key": meeting.id}).all()
    present = [person for person in invited if person.here]
    here = Counter(person.kind for person in present)
    counts = {"due": meeting.due, "observers": here["observer"], "guests": here["guest"]}
    quorum = _Quorum(view, rule.quorum, counts)
    return MeetingNumbers(
        state=meeting.state,
        present=meeting.present,
        needed=quorum.needed(meeting.due),
        quorate=meeting.state == MeetingState.OPEN and quorum.holds(meeting.present),
        roll=_formal(invited),
        here=_formal(present),
        **counts,
    )


def _formal(people: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(person.member_id) for person in people if person.kind == "formal")


class _Quorum:
    """The quorum of a meeting as a question about a number of people; what else it asks is asked
    once.
    """

    def __init__(self, view: InstanceView, expression: str, counts: Mapping[str, int]) -> None:
        self._expression = expression
        self._names = {**view.names(**functions.names(view, expression)), **counts}
        self._functions = {k: _remembering(f) for k, f in functions.functions(view).items()}

    def holds(self, present: int) -> bool:
        """Would so many formal members be enough?"""
        names = {**self._names, "present": present}
        return bool(expressions.evaluate(self._expression, names, self._functions))

    def needed(self, due: int) -> int:
        """The smallest number that is enough; one more than are due when none is."""
        return bisect_left(range(due + 1), True, key=self.holds)


def _remembering(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which answers the same question (lists are no keys) only once."""
    answers: dict[str, Any] = {}

    def answer(*arguments: Any) -> Any:
        question = repr(arguments)
        if question not in answers:
            answers[question] = function(*arguments)
        return answers[question]

    return answer


def formal_here(session: Session, meeting_id: UUID) -> int:
    """How many formal members are in the hall."""
    return session.execute(_FORMAL_HERE, {"key": meeting_id}).scalar_one()


def is_here(session: Session, meeting_id: UUID, member_id: UUID) -> bool:
    """Is this formal member in the hall now?"""
    return session.execute(_IS_HERE, {"key": meeting_id, "who": member_id}).scalar_one() > 0


def has_left(session: Session, meeting_id: UUID | None, member_id: UUID) -> bool:
    """Is this person on the list of a meeting, and not in its hall? Of a poll without one nobody
    has left.
    """
    if meeting_id is None:
        return False
    return session.execute(_HAS_LEFT, {"key": meeting_id, "who": member_id}).scalar_one() > 0


def people_here(poll: rows.Poll) -> Select[tuple[UUID]]:
    """Who may be asked to help with a poll: the formal members in its hall, else who is on its
    roll.
    """
    if poll.meeting_id is None:
        roll = tables.roll.c
        return select(roll.member_id).where(roll.poll_id == poll.id)
    there = (
        _attendance.c.meeting_id == poll.meeting_id,
        _attendance.c.kind == "formal",
        _attendance.c.here,
    )
    return select(_attendance.c.member_id).where(*there)


def invited(session: Session, meeting_id: UUID) -> dict[str, tuple[str, ...]]:
    """All who are invited to a meeting, by kind, those struck from its roll as such."""
    found: dict[str, tuple[str, ...]] = {}
    for person in session.execute(_INVITED, {"key": meeting_id}).all():
        found[person.kind] = (*found.get(person.kind, ()), str(person.member_id))
    return found
