"""Answers from outside the installation: a signed one-time link to one task's form, for somebody without an account."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert, select, update

from engine import access, clock, tables
from engine.commands import settle, tasks
from engine.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.commands.run import Run
    from engine.db import Session
    from engine.organisation import Actor

_invitation, _task = tables.invitation, tables.task
VALID = timedelta(days=60)  # then a new link is sent; the limits of the matter itself stand in its process
MAX_NAME = 100
WHO = ("name", "office", "unit")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def invite(session: Session, actor: Actor, task_id: UUID, to: str) -> str:
    """A new link for whoever shall answer this task from outside; older links of the task end. Gives the token, once.

    Raises NotFound (not yours), Conflict (done, or not a task that may be answered from outside), Invalid.
    """
    run, task, rule = tasks.open_task(session, actor, task_id, None)
    if not rule.link:
        raise Conflict("此项不能由外单位在线答复。", code="no_link")
    plain = to.strip()
    if not plain or len(plain) > MAX_NAME or "\0" in plain:
        raise Invalid({"to": [f"请写明发给谁，不超过 {MAX_NAME} 字。"]})
    now, token = clock.now(), secrets.token_urlsafe(32)
    unused = _invitation.c.task_id == task_id, _invitation.c.used_at.is_(None)
    session.execute(update(_invitation).where(*unused).values(ends_at=now))
    session.execute(
        insert(_invitation).values(
            id=tables.new_id(), task_id=task_id, token=_hash(token), sent_by=actor.id, to=plain, sent_at=now,
            ends_at=now + VALID,
        )
    )  # fmt: skip
    run.ledger.add("link_sent", actor, task=task.element, to=plain, token=_hash(token).hex())
    settle.save(run)
    return token


def answer(session: Session, token: str, answers: Mapping[str, Any], outside: Mapping[str, str]) -> UUID:
    """Answer the task of a link, once. `outside` says who answers: name, office, unit. Raises NotFound, Conflict, Invalid."""
    found = _usable(session, token)
    who = {key: str(outside.get(key, "")).strip() for key in WHO}
    missing = {key: ["请填写。"] for key in WHO if not who[key] or len(who[key]) > MAX_NAME or "\0" in who[key]}
    if missing:
        raise Invalid(missing)
    run, task = _locked(session, found.task_id)
    used = update(_invitation).where(_invitation.c.id == found.id, _invitation.c.used_at.is_(None))
    if session.execute(used.values(used_at=clock.now())).rowcount != 1:
        raise Conflict("此链接已经用过。", code="used")
    rule = run.process.tasks[task.element]
    with run.answering():
        clean = tasks.clean_answers(run, rule.form, answers)
        tasks.pass_gates(run, rule, clean, task.due_at)
        tasks.finish(run, task, rule, {**clean, "by_way": "link", "outside": who})
    return UUID(str(run.row["id"]))


def _usable(session: Session, token: str) -> Any:
    """The invitation of a link that still holds; a wrong, used or ended one does not exist. Raises NotFound."""
    found = access.must_see(
        session.execute(select(_invitation).where(_invitation.c.token == _hash(token))).first()
    )
    if found.used_at is not None or found.ends_at <= clock.now():
        raise NotFound("此链接已失效。如需答复，请与发出链接的工会联系。")
    return found


def _locked(session: Session, task_id: UUID) -> tuple[Run, Any]:
    where = select(_task.c.instance_id).where(_task.c.id == task_id)
    run = settle.lock(session, None, session.execute(where).scalar_one(), "running")
    row = session.execute(select(_task).where(_task.c.id == task_id)).mappings().one()
    if row["state"] != "open":
        raise NotFound("此链接已失效：这一项已经办理。")
    return run, SimpleNamespace(**row)
