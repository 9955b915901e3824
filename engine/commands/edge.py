"""What the three edges (a request, a job, a command-line verb) call: one transaction, and refusals put on record."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from sqlalchemy import select, text

from engine import clock, db
from engine.commands import instances, unit_of_work
from engine.db import tables
from engine.errors import Conflict, EngineError, Invalid, NotFound, ProcessFault, Refused
from engine.history import event_log
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from engine.db import Session
    from engine.people.organisation import Actor

T = TypeVar("T")
MAX_KEY = 200


def carry_out(engine: Engine, actor: Actor | None, work: Callable[[Session], T]) -> T:
    """Run a command in one transaction. A refusal, and a fault of the process, are put on record in another one."""
    try:
        return db.again(engine, work)
    except (Refused, NotFound, ProcessFault) as fault:
        if actor is not None:
            _record(engine, actor, fault)
        raise


def _record(engine: Engine, actor: Actor, fault: EngineError) -> None:
    instance_id = fault.details.get("instance_id")
    if instance_id is None:
        if isinstance(fault, Refused) and fault.details.get("verb"):
            db.again(engine, lambda session: _note_in_union(session, actor, fault))
        return
    key = UUID(str(instance_id))
    with suppress(NotFound):  # there is no such instance at all
        if isinstance(fault, ProcessFault):
            db.again(engine, lambda s: instances.note_incident(s, key, "command", fault))
        else:
            db.again(engine, lambda s: _note_in_instance(s, actor, key, fault))


def _note_in_union(session: Session, actor: Actor, fault: Refused) -> None:
    verb, why = fault.details["verb"], fault.message
    event_log.note(session, actor.union_id, "attempt_refused", actor, verb=verb, why=why)


def _note_in_instance(session: Session, actor: Actor, key: UUID, fault: EngineError) -> None:
    work = unit_of_work.lock(session, None, key)
    wanted = {k: v for k, v in fault.details.items() if k in ("verb", "element")}
    work.log.add("attempt_refused", actor, code=fault.code, why=fault.message, **wanted)
    unit_of_work.save(work)


@dataclass(frozen=True)
class Reply:
    """What a request with an Idempotency-Key was answered."""

    status: int
    body: str
    location: str = ""


_TAKE = text(
    "INSERT INTO reply (member_id, key, request, status, body, location, at) VALUES (:who, :key, :request, 0, '', '', :at) "
    "ON CONFLICT DO NOTHING"
)
_GIVE = text(
    "UPDATE reply SET status = :status, body = :body, location = :location WHERE member_id = :who AND key = :key"
)


def request_hash(method: str, path: str, body: bytes) -> str:
    """What makes two requests with one key the same request."""
    return hashlib.sha256(f"{method} {path}\n".encode() + body).hexdigest()


def once(
    session: Session, actor: Actor, key: str, request: str, work: Callable[[], Reply]
) -> Reply:
    """Do `work` once per (person, key), in this transaction; a repetition gets the first reply.

    Rivals wait on the unique key until the first has committed. Raises Invalid when the key comes with another request.
    """
    if not key or len(key) > MAX_KEY or not key.isprintable():
        raise Invalid({"Idempotency-Key": [_("应为 1 至 {most} 个可见字符。", most=MAX_KEY)]})
    whose = {"who": actor.id, "key": key}
    if session.execute(_TAKE, {**whose, "request": request, "at": clock.now()}).rowcount != 1:
        return _given(session, actor, key, request)
    reply = work()
    session.execute(_GIVE, {**whose, **vars(reply)})
    return reply


def _given(session: Session, actor: Actor, key: str, request: str) -> Reply:
    """The reply that this request was given before. Raises Invalid for another request, Conflict for a broken one."""
    reply = tables.reply.c
    whose = reply.member_id == actor.id, reply.key == key
    row = session.execute(select(tables.reply).where(*whose)).one()
    if row.request != request:
        raise Invalid({"Idempotency-Key": [_("同一个键不能用于不同的请求。")]})
    if row.status == 0:
        raise Conflict
    return Reply(row.status, row.body, row.location)
