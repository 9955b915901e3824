"""Meetings: called with a provisional roll, opened with a frozen one, presence as a ledger, closed
with their task.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import bindparam, insert, select, text, update

from engine import clock
from engine.ballots import rolls
from engine.ballots.rolls import Roll
from engine.commands import unit_of_work
from engine.db import tables
from engine.db.states import POLL_RUNNING, InstanceState, MeetingState
from engine.errors import Conflict, NotFound, Refused
from engine.history.kinds import MEETING_TELLS
from engine.instance import halls, presence, rights
from engine.instance.rights import Case
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session, rows
    from engine.definitions.process import MeetingRule
    from engine.people.organisation import Actor

_meeting, _attendance, _presence = tables.meeting, tables.attendance, tables.presence
_poll, _task = tables.poll, tables.task
KINDS = ("formal", "observer", "guest")
TAKES_ARRIVALS = (MeetingState.CALLED, MeetingState.OPEN)
_INVITE = text(
    "INSERT INTO attendance (meeting_id, member_id, kind, here) "
    "SELECT :meeting, unnest(CAST(:ids AS uuid[])), :kind, false "
    "ON CONFLICT (meeting_id, member_id) DO UPDATE SET kind = excluded.kind"
)
_UNINVITE = text(
    "DELETE FROM attendance "
    "WHERE meeting_id = :meeting AND NOT (member_id = ANY(CAST(:ids AS uuid[])))"
)
_THIS = _meeting.c.id == bindparam("key")
_INSTANCE_OF = select(_meeting.c.instance_id).where(_THIS)
_LOCK = select(_meeting).where(_THIS).with_for_update()
_TASK = select(_task).where(_task.c.id == bindparam("key"))
_INVITED = select(_attendance.c.kind).where(
    _attendance.c.meeting_id == bindparam("key"),
    _attendance.c.member_id == bindparam("who"),
    _attendance.c.kind != presence.STRUCK,
)
_STRIKE = (
    update(_attendance)
    .where(
        _attendance.c.meeting_id == bindparam("key"),
        _attendance.c.member_id.in_(bindparam("members", expanding=True)),
        _attendance.c.kind == "formal",
    )
    .values(kind=presence.STRUCK)
)
_CHANGE = (
    update(_attendance)
    .where(
        _attendance.c.meeting_id == bindparam("key"),
        _attendance.c.member_id.in_(bindparam("members", expanding=True)),
        _attendance.c.here != bindparam("came"),
        _attendance.c.kind != presence.STRUCK,
    )
    .values(here=bindparam("came"))
    .returning(_attendance.c.member_id, _attendance.c.kind)
)
_COUNT = update(_meeting).where(_THIS).values(present=_meeting.c.present + bindparam("more"))
_RUNNING_POLL = select(_poll.c.id).where(
    _poll.c.meeting_id == bindparam("key"), _poll.c.state.in_(POLL_RUNNING)
)


# --- its roll -------------------------------------------------------------------------------------
def call(work: UnitOfWork, task_id: UUID, element: str, rule: MeetingRule) -> UUID:
    """Put a meeting under its task, with the roll as it is today; people may arrive from now on."""
    meeting_id, invited = tables.new_id(), _invited(work, rule)
    formal = invited["formal"]
    work.session.execute(
        insert(_meeting).values(
            id=meeting_id,
            instance_id=work.row["id"],
            task_id=task_id,
            state=MeetingState.CALLED,
            code=secrets.token_urlsafe(12),
            due=formal.size,
            present=0,
            roll_hash=formal.digest,
            called_at=clock.now(),
        )
    )
    _invite(work.session, meeting_id, invited)
    place = {"task": element, "meeting": str(meeting_id), "tells": MEETING_TELLS}
    work.log.add("meeting_called", None, **place, due=formal.size, **_digests(invited))
    return meeting_id


def _invited(work: UnitOfWork, rule: MeetingRule) -> dict[str, Roll]:
    """Who is due, by kind; whoever counts as a formal member is nothing else."""
    taken: set[str] = set()
    invited: dict[str, Roll] = {}
    for kind, expression in zip(KINDS, (rule.formal, rule.observers, rule.guests), strict=True):
        people = work.value(expression) if expression else []
        members = dict.fromkeys(str(member) for member in people or [] if member)
        invited[kind] = Roll(tuple(member for member in members if member not in taken))
        taken.update(members)
    return invited


def _digests(invited: Mapping[str, Roll]) -> dict[str, str]:
    """What the history keeps of who is invited: the formal members, and all others by kind."""
    others = {kind: roll.members for kind, roll in invited.items() if kind != "formal"}
    return {"roll_hash": invited["formal"].digest, "others": rolls.by_kind(others)}


def _invite(session: Session, meeting_id: UUID, invited: Mapping[str, Roll]) -> None:
    everybody = [member for roll in invited.values() for member in roll.members]
    session.execute(_UNINVITE, {"meeting": meeting_id, "ids": everybody})
    for kind, roll in invited.items():
        ids = list(roll.members)
        session.execute(_INVITE, {"meeting": meeting_id, "ids": ids, "kind": kind})


def strike(work: UnitOfWork, element: str, members: Iterable[str], reason: str) -> None:
    """Strike formal members from the roll of the open meeting of a task, or of the one beside it
    that decides: who lost their status is due no more, for all later votes. The history says why.

    Raises Conflict while a vote runs, whose roll is fixed, for who is still in the hall, and
    without an open meeting.
    """
    session, gone = work.session, [UUID(member) for member in members]
    element = halls.deciding(work, element)
    meeting = presence.latest(session, work.row["id"], element, lock=True)
    if meeting is None or meeting.state != MeetingState.OPEN:
        raise Conflict(_("会议没有开始，不能从名册中除名。"), code="not_open")
    if session.execute(_RUNNING_POLL, {"key": meeting.id}).first():
        raise Conflict(_("有表决正在进行，结束以后再除名。"), code="polls_open")
    if any(presence.is_here(session, meeting.id, member) for member in gone):
        raise Conflict(_("除名的人还在会场，请先登记其离场。"), code="in_the_hall")
    session.execute(_STRIKE, {"key": meeting.id, "members": gone})
    invited = presence.invited(session, meeting.id)
    formal = Roll(invited.pop("formal", ()))
    changed = update(_meeting).where(_meeting.c.id == meeting.id)
    session.execute(changed.values(due=formal.size, roll_hash=formal.digest))
    place = {"task": element, "meeting": str(meeting.id), "reason": reason}
    told = {"members": list(map(str, gone)), "due": formal.size, "roll_hash": formal.digest}
    work.log.add("meeting_struck", work.actor, **place, **told, others=rolls.by_kind(invited))


# --- by those who run it --------------------------------------------------------------------------
@dataclass(frozen=True)
class _LockedMeeting:
    """A meeting whose instance is locked too, with its task."""

    work: UnitOfWork
    meeting: rows.Meeting
    task: rows.Task

    def update(self, **values: Any) -> None:
        """Write these columns of the meeting."""
        changed = update(_meeting).where(_meeting.c.id == self.meeting.id).values(**values)
        self.work.session.execute(changed)

    def log(self, kind: str, **details: Any) -> dict[str, int]:
        """Note an event of this meeting, with its numbers as they are now; gives these."""
        numbers = presence.standing(self.work, self.task.element).recorded
        place = {"task": self.task.element, "meeting": str(self.meeting.id)}
        self.work.log.add(kind, self.work.actor, **place, **details, **numbers)
        return numbers

    def in_hall(self, *states: str) -> list[_LockedMeeting]:
        """Of the meetings that share its hall, it and the latest of the others, locked, those in
        these states.
        """
        work, found = self.work, [self]
        for element in halls.of(work.process, self.task.element):
            if element == self.task.element:
                continue
            other = presence.latest(work.session, work.row["id"], element, lock=True)
            if other is not None:
                found.append(_LockedMeeting(work, other, _task_of(work.session, other)))
        return [each for each in found if each.meeting.state in states]


def _lock_to_run(session: Session, actor: Actor, meeting_id: UUID) -> _LockedMeeting:
    """Lock the instance, then the meeting. Raises NotFound, and Refused for who is not in the lane
    of its task.
    """
    instance_id = access.must_see(session.execute(_INSTANCE_OF, {"key": meeting_id}).scalar())
    work = unit_of_work.lock(session, actor, instance_id, InstanceState.RUNNING)
    meeting = _lock_meeting(session, meeting_id)
    task = _task_of(session, meeting)
    rights.check(Case(work, "run_meeting", task.element))
    return _LockedMeeting(work, meeting, task)


def _task_of(session: Session, meeting: rows.Meeting) -> rows.Task:
    return cast("rows.Task", session.execute(_TASK, {"key": meeting.task_id}).one())


def _lock_meeting(session: Session, meeting_id: UUID) -> rows.Meeting:
    """The row, locked: arrivals take turns, and no poll opens between the counting and the vote.
    Raises NotFound.
    """
    meeting = session.execute(_LOCK, {"key": meeting_id}).first()
    return cast("rows.Meeting", access.must_see(meeting))


def open_meeting(session: Session, actor: Actor, meeting_id: UUID) -> UUID:
    """Freeze the roll with its hash: from now on it is the denominator; those of the meetings that
    share its hall, too. Raises NotFound, Refused, Conflict.
    """
    locked = _lock_to_run(session, actor, meeting_id)
    if locked.meeting.state != MeetingState.CALLED:
        raise Conflict(_("会议已经开始或结束。"), code="not_called")
    for each in locked.in_hall(MeetingState.CALLED):
        _freeze(each)
    unit_of_work.save(locked.work)
    return locked.meeting.instance_id


def _freeze(locked: _LockedMeeting) -> None:
    session, meeting_id = locked.work.session, locked.meeting.id
    rule = locked.work.process.tasks[locked.task.element].meeting
    assert rule is not None
    invited = _invited(locked.work, rule)
    _invite(session, meeting_id, invited)
    formal = invited["formal"]
    locked.update(
        state=MeetingState.OPEN,
        due=formal.size,
        present=presence.formal_here(session, meeting_id),
        roll_hash=formal.digest,
        opened_at=clock.now(),
    )
    locked.log("meeting_opened", **_digests(invited))


def seat(
    session: Session,
    actor: Actor,
    meeting_id: UUID,
    members: Iterable[UUID],
    came: bool = True,
    way: str = "list",
) -> UUID:
    """The office of the meeting checks people in or out by list: in each meeting of the hall on
    whose list they are. Raises NotFound, Refused, Conflict.
    """
    locked = _lock_to_run(session, actor, meeting_id)
    _check_running(locked.meeting)
    _note_in_hall(locked, list(members), _Way(came, way, actor))
    return locked.meeting.instance_id


# --- by those who come ----------------------------------------------------------------------------
def arrive(session: Session, actor: Actor, meeting_id: UUID, code: str) -> UUID:
    """Check oneself in with the code at the door: once, and it counts in each meeting of the hall.
    Raises NotFound when on none of their rolls, Refused for a wrong code.
    """
    locked = _lock_as_invited(session, actor, meeting_id, "arrive")
    meeting = locked.meeting
    if not secrets.compare_digest(code.encode(), meeting.code.encode()):
        message = _("签到码不对，请扫描会场的二维码。")
        raise Refused(message, code="wrong_code", instance_id=str(meeting.instance_id))
    _note_in_hall(locked, [actor.id], _Way(True, "code", actor))
    return meeting.instance_id


def leave(session: Session, actor: Actor, meeting_id: UUID) -> UUID:
    """Check oneself out. Raises NotFound when not on the roll."""
    locked = _lock_as_invited(session, actor, meeting_id, "leave")
    _note_in_hall(locked, [actor.id], _Way(False, "code", actor))
    return locked.meeting.instance_id


def _lock_as_invited(session: Session, actor: Actor, meeting_id: UUID, verb: str) -> _LockedMeeting:
    """Lock the instance, whose history an arrival goes into, then the meeting.

    Raises Conflict when it is over, NotFound for who is not invited.
    """
    instance_id = access.must_see(session.execute(_INSTANCE_OF, {"key": meeting_id}).scalar())
    work = unit_of_work.lock(session, None, instance_id)
    meeting = _lock_meeting(session, meeting_id)
    _check_running(meeting)
    locked = _LockedMeeting(work, meeting, _task_of(session, meeting))
    asked = [{"key": each.meeting.id, "who": actor.id} for each in locked.in_hall(*TAKES_ARRIVALS)]
    if not any(session.execute(_INVITED, who).first() for who in asked):
        raise NotFound(instance_id=str(meeting.instance_id), verb=verb)
    return locked


def _check_running(meeting: rows.Meeting) -> None:
    if meeting.state not in TAKES_ARRIVALS:
        raise Conflict(_("会议已经结束，不能再签到。"), code="closed")


@dataclass(frozen=True)
class _Way:
    """How presence changes: arrival or departure, by code, list or import, and who notes it."""

    came: bool
    way: str
    by: Actor

    def columns(self) -> dict[str, Any]:
        """The same in the ledger."""
        return {"came": self.came, "way": self.way, "by_id": self.by.id}


def _note_in_hall(locked: _LockedMeeting, members: list[UUID], how: _Way) -> None:
    """Write ledger and history of each meeting of the hall for those on its list whose presence
    changes there; coming twice is coming once.
    """
    changed = [_note(each, members, how) for each in locked.in_hall(*TAKES_ARRIVALS)]
    if any(changed):
        unit_of_work.note(locked.work)


def _note(locked: _LockedMeeting, members: list[UUID], how: _Way) -> bool:
    """The same of one meeting; did anything change?"""
    session, meeting_id = locked.work.session, locked.meeting.id
    change = {"key": meeting_id, "members": members, "came": how.came}
    changed = session.execute(_CHANGE, change).all()
    if not changed:
        return False
    entry = {"meeting_id": meeting_id, "at": clock.now(), **how.columns()}
    in_order = sorted((person.member_id for person in changed), key=str)
    session.execute(insert(_presence), [{"member_id": member, **entry} for member in in_order])
    formal = sum(person.kind == "formal" for person in changed)
    session.execute(_COUNT, {"key": meeting_id, "more": formal if how.came else -formal})
    told = {"members": list(map(str, in_order)), "count": len(in_order)}
    told |= {"came": how.came, "way": how.way, "task": locked.task.element}
    locked.work.log.add("presence_noted", how.by, meeting=str(meeting_id), **told)
    return True


# --- its end --------------------------------------------------------------------------------------
def close(work: UnitOfWork, task: rows.Task) -> dict[str, Any]:
    """The meeting of a task that is being completed: closed, and what the fact keeps of it. Raises
    Conflict.
    """
    meeting = presence.latest(work.session, work.row["id"], task.element, lock=True)
    if meeting is None or meeting.state != MeetingState.OPEN or meeting.opened_at is None:
        raise Conflict(_("会议还没有开始，不能结束。"), code="not_open")
    if work.session.execute(_RUNNING_POLL, {"key": meeting.id}).first():
        raise Conflict(_("还有表决没有结束，不能散会。"), code="polls_open")
    locked, now = _LockedMeeting(work, meeting, task), clock.now()
    numbers = locked.log("meeting_closed", ledger=rolls.ledger_hash(work.session, meeting.id))
    locked.update(state=MeetingState.CLOSED, closed_at=now)
    return {
        **numbers,
        "roll_hash": meeting.roll_hash,
        "opened_at": meeting.opened_at.isoformat(),
        "closed_at": now.isoformat(),
    }
