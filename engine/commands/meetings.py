"""Meetings: called with a provisional roll, opened with a frozen one, presence as a ledger, closed with their task."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert, select, text, update

from engine import clock
from engine.ballots import rolls
from engine.commands import unit_of_work
from engine.db import tables
from engine.errors import Conflict, NotFound, Refused
from engine.instance import presence, rights
from engine.instance.rights import Case
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.definitions.process import MeetingRule
    from engine.people.organisation import Actor

_meeting, _attendance, _presence = tables.meeting, tables.attendance, tables.presence
KINDS = ("formal", "observer", "guest")
_INVITE = text(
    "INSERT INTO attendance (meeting_id, member_id, kind, here) SELECT :meeting, unnest(CAST(:ids AS uuid[])), :kind, false "
    "ON CONFLICT (meeting_id, member_id) DO UPDATE SET kind = excluded.kind"
)
_UNINVITE = text(
    "DELETE FROM attendance WHERE meeting_id = :meeting AND NOT (member_id = ANY(CAST(:ids AS uuid[])))"
)


def call(work: UnitOfWork, task_id: UUID, element: str, rule: MeetingRule) -> UUID:
    """Put a meeting under its task, with the roll as it is today; people may arrive from now on."""
    key = tables.new_id()
    people = _roll(work, rule)
    work.session.execute(
        insert(_meeting).values(
            id=key,
            instance_id=work.row["id"],
            task_id=task_id,
            state="called",
            code=secrets.token_urlsafe(12),
            due=len(people["formal"]),
            present=0,
            roll_hash=rolls.digest(people["formal"]),
            called_at=clock.now(),
        )
    )
    _invite(work.session, key, people)
    work.log.add("meeting_called", None, task=element, meeting=str(key), due=len(people["formal"]))
    return key


def _roll(work: UnitOfWork, rule: MeetingRule) -> dict[str, list[str]]:
    """Who is due, by kind; whoever counts as a formal member is nothing else."""
    taken: set[str] = set()
    found: dict[str, list[str]] = {}
    for kind, expression in zip(KINDS, (rule.formal, rule.observers, rule.guests), strict=True):
        people = work.value(expression) if expression else []
        found[kind] = [str(m) for m in dict.fromkeys(people or []) if m and str(m) not in taken]
        taken.update(found[kind])
    return found


def _invite(session: Session, meeting_id: UUID, people: dict[str, list[str]]) -> None:
    session.execute(
        _UNINVITE, {"meeting": meeting_id, "ids": [m for ids in people.values() for m in ids]}
    )
    for kind, ids in people.items():
        session.execute(_INVITE, {"meeting": meeting_id, "ids": ids, "kind": kind})


def _locked(session: Session, actor: Actor, meeting_id: UUID) -> tuple[UnitOfWork, Any, Any]:
    """Lock the instance, then the meeting; read its task."""
    where = select(_meeting.c.instance_id).where(_meeting.c.id == meeting_id)
    work = unit_of_work.lock(
        session, actor, access.must_see(session.execute(where).scalar()), "running"
    )
    found = session.execute(
        select(_meeting).where(_meeting.c.id == meeting_id).with_for_update()
    ).one()
    task = session.execute(select(tables.task).where(tables.task.c.id == found.task_id)).one()
    return work, found, task


def _must_run_it(work: UnitOfWork, task: Any) -> None:
    """Only the lane of the meeting's task opens it and checks people in."""
    rights.check(Case(work, "run_meeting", task.element))


def open_meeting(session: Session, actor: Actor, meeting_id: UUID) -> UUID:
    """Freeze the roll with its hash: from now on it is the denominator. Raises NotFound, Refused, Conflict."""
    work, found, task = _locked(session, actor, meeting_id)
    _must_run_it(work, task)
    if found.state != "called":
        raise Conflict("会议已经开始或结束。", code="not_called")
    rule = work.process.tasks[task.element].meeting
    assert rule is not None
    people = _roll(work, rule)
    _invite(session, meeting_id, people)
    present, digest = presence.here(session, meeting_id)["formal"], rolls.digest(people["formal"])
    values = {
        "state": "open",
        "due": len(people["formal"]),
        "present": present,
        "roll_hash": digest,
    }
    session.execute(
        update(_meeting).where(_meeting.c.id == meeting_id).values(**values, opened_at=clock.now())
    )
    told = presence.standing(work, task.element)
    work.log.add(
        "meeting_opened",
        actor,
        task=task.element,
        meeting=str(meeting_id),
        roll_hash=digest,
        **{k: told[k] for k in ("due", "present", "needed", "quorate", "observers", "guests")},
    )
    unit_of_work.save(work)
    return UUID(str(work.row["id"]))


def arrive(session: Session, actor: Actor, meeting_id: UUID, code: str) -> UUID:
    """Check oneself in with the code at the door. Raises NotFound when not on the roll, Refused for a wrong code."""
    found = _for_presence(session, meeting_id)
    if _kind(session, meeting_id, actor.id) is None:
        raise NotFound(instance_id=str(found.instance_id), verb="arrive")
    if not secrets.compare_digest(code.encode(), found.code.encode()):
        raise Refused(
            "签到码不对，请扫描会场的二维码。",
            code="wrong_code",
            instance_id=str(found.instance_id),
        )
    _note(session, found, [actor.id], True, "code", actor)
    return UUID(str(found.instance_id))


def leave(session: Session, actor: Actor, meeting_id: UUID) -> UUID:
    """Check oneself out."""
    found = _for_presence(session, meeting_id)
    if _kind(session, meeting_id, actor.id) is None:
        raise NotFound(instance_id=str(found.instance_id), verb="leave")
    _note(session, found, [actor.id], False, "code", actor)
    return UUID(str(found.instance_id))


def seat(
    session: Session,
    actor: Actor,
    meeting_id: UUID,
    members: Iterable[UUID],
    came: bool = True,
    way: str = "list",
) -> UUID:
    """The office of the meeting checks people in or out by list. Raises NotFound, Refused, Conflict."""
    work, found, task = _locked(session, actor, meeting_id)
    _must_run_it(work, task)
    if found.state not in ("called", "open"):
        raise Conflict("会议已经结束，不能再签到。", code="closed")
    _note(session, found, list(members), came, way, actor)
    return UUID(str(work.row["id"]))


def _for_presence(session: Session, meeting_id: UUID) -> Any:
    """The meeting's row, locked: arrivals take turns, and no poll opens between the counting and the vote."""
    found = access.must_see(
        session.execute(
            select(_meeting).where(_meeting.c.id == meeting_id).with_for_update()
        ).first()
    )
    if found.state not in ("called", "open"):
        raise Conflict("会议已经结束，不能再签到。", code="closed")
    return found


def _kind(session: Session, meeting_id: UUID, member_id: UUID) -> str | None:
    row = select(_attendance.c.kind).where(
        _attendance.c.meeting_id == meeting_id, _attendance.c.member_id == member_id
    )
    found: str | None = session.execute(row).scalar()
    return found


def _note(
    session: Session, found: Any, members: list[UUID], came: bool, way: str, actor: Actor
) -> None:
    """Write the ledger for those whose presence changes; coming twice is coming once."""
    changed = session.execute(
        update(_attendance)
        .where(
            _attendance.c.meeting_id == found.id,
            _attendance.c.member_id.in_(members),
            _attendance.c.here != came,
        )
        .values(here=came)
        .returning(_attendance.c.member_id, _attendance.c.kind)
    ).all()
    if not changed:
        return
    now = clock.now()
    rows = [
        {
            "meeting_id": found.id,
            "member_id": r.member_id,
            "came": came,
            "way": way,
            "by_id": actor.id,
            "at": now,
        }
        for r in sorted(changed, key=lambda r: str(r.member_id))
    ]
    session.execute(insert(_presence), rows)
    formal = sum(1 for r in changed if r.kind == "formal")
    session.execute(
        update(_meeting)
        .where(_meeting.c.id == found.id)
        .values(present=_meeting.c.present + (formal if came else -formal))
    )


def close(work: UnitOfWork, task: Any) -> dict[str, Any]:
    """The meeting of a task that is being completed: closed, and what the fact keeps of it. Raises Conflict."""
    found = presence.latest(work.session, work.row["id"], task.element, lock=True)
    if found is None or found.state != "open":
        raise Conflict("会议还没有开始，不能结束。", code="not_open")
    poll = tables.poll.c
    waiting = select(poll.id).where(
        poll.meeting_id == found.id, poll.state.in_(("called", "open", "counting"))
    )
    if work.session.execute(waiting.limit(1)).first():
        raise Conflict("还有表决没有结束，不能散会。", code="polls_open")
    told = presence.standing(work, task.element)
    now, ledger = clock.now(), rolls.ledger_hash(work.session, found.id)
    work.session.execute(
        update(_meeting).where(_meeting.c.id == found.id).values(state="closed", closed_at=now)
    )
    kept = {k: told[k] for k in ("due", "present", "needed", "quorate", "observers", "guests")}
    work.log.add(
        "meeting_closed",
        work.actor,
        task=task.element,
        meeting=str(found.id),
        ledger=ledger,
        **kept,
    )
    return {
        **kept,
        "roll_hash": found.roll_hash,
        "opened_at": found.opened_at.isoformat(),
        "closed_at": now.isoformat(),
    }
