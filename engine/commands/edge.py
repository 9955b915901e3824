"""What the three edges (a request, a job, a command-line verb) call: one transaction, and refusals
put on record.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from sqlalchemy import or_, select, text

from engine import clock, db
from engine.commands import incidents, unit_of_work
from engine.db import tables
from engine.errors import (
    Conflict,
    EngineError,
    Invalid,
    NotFound,
    NotPrintable,
    ProcessFault,
    Refused,
)
from engine.history import event_log
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from engine.db import Session
    from engine.people.organisation import Actor

T = TypeVar("T")
MAX_KEY = 200
_instance = tables.instance.c


def carry_out(engine: Engine, actor: Actor | None, work: Callable[[Session], T]) -> T:
    """Run a command in one transaction.

    A refusal, and a fault of the process, are put on record in another one.
    """
    try:
        return db.again(engine, work)
    except (Refused, NotFound, NotPrintable, ProcessFault) as fault:
        if actor is not None:
            _record(engine, actor, fault)
        raise


def _record(engine: Engine, actor: Actor, fault: EngineError) -> None:
    instance_id = fault.details.get("instance_id")
    if isinstance(fault, NotFound) and not _may_know(engine, actor, instance_id):
        return
    if instance_id is not None:
        with suppress(NotFound):  # there is no such instance at all
            db.again(engine, lambda session: _note(session, actor, UUID(instance_id), fault))
    elif isinstance(fault, Refused) and fault.details.get("verb"):
        db.again(engine, lambda session: _note_in_union(session, actor, fault))


def _may_know(engine: Engine, actor: Actor, instance_id: str | None) -> bool:
    """Is it a matter that this person may know of, or at least none that is confidential?

    Of others nothing is noted: tries of outsiders would make a confidential history grow, and take
    longer where there is a matter than where there is none.
    """
    if instance_id is None:
        return False
    known = select(_instance.id).where(
        _instance.id == UUID(instance_id), or_(~_instance.confidential, access.visible(actor))
    )
    return db.again(engine, lambda session: session.execute(known).first()) is not None


def _note_in_union(session: Session, actor: Actor, fault: Refused) -> None:
    """Put an attempt that was about no instance on record in the actor's union."""
    noted = {"verb": fault.details["verb"], "why": fault.message}
    event_log.note(session, actor.union_id, "attempt_refused", actor, **noted)


def _note(session: Session, actor: Actor, instance_id: UUID, fault: EngineError) -> None:
    """Put it on record in the instance: a fault of its process as an incident, anything else as an
    attempt.
    """
    if isinstance(fault, ProcessFault):
        incidents.note(session, instance_id, "command", fault)
        return
    work = unit_of_work.lock(session, None, instance_id, still=True)
    about = {k: v for k, v in fault.details.items() if k in ("verb", "element")}
    work.log.add("attempt_refused", actor, code=fault.code, why=fault.message, **about)
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

    Rivals wait on the unique key until the first has committed. Raises Invalid when the key comes
    with another request.
    """
    if not key or len(key) > MAX_KEY or not key.isprintable():
        raise Invalid({"Idempotency-Key": [_("应为 1 至 {most} 个可见字符。", most=MAX_KEY)]})
    values = {"who": actor.id, "key": key, "request": request, "at": clock.now()}
    if session.execute(_TAKE, values).rowcount != 1:
        return _given_before(session, actor, key, request)
    done = work()
    session.execute(_GIVE, {"who": actor.id, "key": key, **asdict(done)})
    return done


def _given_before(session: Session, actor: Actor, key: str, request: str) -> Reply:
    """The reply to the first request of this key. Raises Invalid, Conflict when it has none yet."""
    reply = tables.reply.c
    query = select(tables.reply).where(reply.member_id == actor.id, reply.key == key)
    found = session.execute(query).one()
    if found.request != request:
        raise Invalid({"Idempotency-Key": [_("同一个键不能用于不同的请求。")]})
    if found.status == 0:
        raise Conflict
    return Reply(found.status, found.body, found.location)
