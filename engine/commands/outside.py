"""Answers from outside the installation: a signed one-time link to one task's form, for somebody without an account."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert, select, update

from engine import clock
from engine.commands import tasks, unit_of_work
from engine.db import rows, tables
from engine.db.states import TaskState
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.instance.invitations import SHUT, asked, token_hash, usable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.errors import EngineError
    from engine.people.organisation import Actor

_invitation, _task = tables.invitation, tables.task
VALID = timedelta(
    days=60
)  # then a new link is sent; the limits of the matter itself stand in its process
MAX_NAME = 100
WHO = ("name", "office", "unit")
WINDOW, PER_ADDRESS = timedelta(minutes=15), 30  # wrong links from one address


def invite(session: Session, actor: Actor, task_id: UUID, to: str) -> str:
    """A new link for whoever shall answer this task from outside; older links of the task end. Gives the token, once.

    Raises NotFound (not yours), Conflict (done, or not a task that may be answered from outside), Invalid.
    """
    held = tasks.open_task(session, actor, task_id, None)
    if not held.rule.link:
        raise Conflict("此项不能由外单位在线答复。", code="no_link")
    plain = to.strip()
    if not plain or len(plain) > MAX_NAME or "\0" in plain:
        raise Invalid({"to": [f"请写明发给谁，不超过 {MAX_NAME} 字。"]})
    now, token = clock.now(), secrets.token_urlsafe(32)
    unused = _invitation.c.task_id == task_id, _invitation.c.used_at.is_(None)
    session.execute(update(_invitation).where(*unused).values(ends_at=now))
    session.execute(
        insert(_invitation).values(
            id=tables.new_id(),
            task_id=task_id,
            token=token_hash(token),
            sent_by=actor.id,
            to=plain,
            sent_at=now,
            ends_at=now + VALID,
        )
    )
    until = clock.day_of(now + VALID).isoformat()
    hashed = token_hash(token).hex()
    held.work.log.add("link_sent", actor, task=held.rule.id, to=plain, token=hashed, until=until)
    unit_of_work.save(held.work)
    return token


def knock(session: Session, token: str, address: str) -> EngineError | None:
    """What keeps this link shut: NotFound (wrong, used, ended), or Refused after too many wrong ones from this address.

    Commit what it wrote, so that failures count; then raise what it gave.
    """
    try:
        usable(session, token)
    except NotFound as fault:
        wrong = fault
    else:
        return None
    attempt, key = tables.attempt.c, f"link:{address if address.isprintable() else ''}"[:100]
    recent = (
        select(attempt.at)
        .where(attempt.key == key, attempt.at > clock.now() - WINDOW)
        .order_by(attempt.at.desc())
    )
    oldest = session.execute(recent.offset(PER_ADDRESS - 1).limit(1)).scalar()
    if oldest is not None:
        wait = max(1, int((oldest + WINDOW - clock.now()).total_seconds()))
        return Refused(
            f"尝试次数过多，请在 {-(-wait // 60)} 分钟后再试。", code="too_many_attempts", wait=wait
        )
    session.execute(insert(tables.attempt).values(key=key, at=clock.now()))
    return wrong


def answer(
    session: Session, token: str, answers: Mapping[str, Any], outside: Mapping[str, str]
) -> UUID:
    """Answer the task of a link, once. `outside` says who answers: name, office, unit. Raises NotFound, Conflict, Invalid."""
    found = usable(session, token)
    who = {key: str(outside.get(key, "")).strip() for key in WHO}
    missing = {
        key: ["请填写。"]
        for key in WHO
        if not who[key] or len(who[key]) > MAX_NAME or "\0" in who[key]
    }
    if missing:
        raise Invalid(missing)
    work, task = _locked(session, found.task_id)
    used = update(_invitation).where(_invitation.c.id == found.id, _invitation.c.used_at.is_(None))
    if session.execute(used.values(used_at=clock.now())).rowcount != 1:
        raise Conflict("此链接已经用过。", code="used")
    rule = work.process.tasks[task.element]
    held = tasks.Held(work, task, rule, frozenset())
    with work.answering():
        clean = tasks.clean_answers(work, asked(rule.form), answers)
        tasks.pass_gates(work, rule, clean, task.due_at)
        tasks.finish(held, {**clean, "by_way": "link", "outside": who})
    return UUID(str(work.row["id"]))


def _locked(session: Session, task_id: UUID) -> tuple[UnitOfWork, rows.Task]:
    where = select(_task.c.instance_id).where(_task.c.id == task_id)
    work = unit_of_work.lock(session, None, session.execute(where).scalar_one(), "running")
    task = rows.Task(*session.execute(select(_task).where(_task.c.id == task_id)).one())
    if task.state != TaskState.OPEN:
        raise NotFound(SHUT)
    return work, task
