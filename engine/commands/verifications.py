"""A verification of the whole history, asked for in a page and carried out by a worker: it outlasts
a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from engine import clock, db
from engine.commands import reads
from engine.db import queue, tables
from engine.db.progress import Progress
from engine.errors import EngineError, Unavailable
from engine.messages import stored
from engine.people import access, organisation

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine

    from engine.db import Session
    from engine.history.kept import Log
    from engine.people.organisation import Actor

_asked = tables.verification.c


def ask(session: Session, actor: Actor) -> UUID:
    """Let a worker verify everything; gives the id of the verification. One that has not ended yet
    serves for all who ask meanwhile. Raises Refused.
    """
    access.unions(actor, "verify")
    open_ = select(_asked.id).where(_asked.ended_at.is_(None)).order_by(_asked.id.desc())
    key: UUID | None = session.execute(open_.limit(1)).scalar()
    if key is None:
        key = tables.new_id()
        values = {"id": key, "member_id": actor.id, "asked_at": clock.now()}
        session.execute(insert(tables.verification).values(**values))
    queue.defer(session, "verify", once=f"verify:{key}", verification=str(key))
    return key


def carry_out(engine: Engine, key: UUID, public: bytes | None, log: Log) -> None:
    """Verify, keep how far it is while it runs, and what came of it. Done already: nothing."""
    with db.transaction(engine) as session:
        query = select(_asked.member_id).where(_asked.id == key, _asked.ended_at.is_(None))
        member_id: UUID | None = session.execute(query).scalar()
        if member_id is None:
            return
        total = reads.events(session)
        _keep(session, key, begun_at=clock.now(), total=total, done=0)
    progress = Progress(engine, lambda s, done, _total: _keep(s, key, done=done))
    try:
        with db.transaction(engine) as session:
            if not reads.alone(session):
                raise Unavailable(reads.BUSY)
            actor = organisation.actor(session, member_id)
            verdict = reads.verified(session, actor, public, log, progress)
            _keep(session, key, done=total, verdict=verdict.told(), ended_at=clock.now())
    except Unavailable:
        raise  # another one runs, or the database went away: the job is tried again
    except EngineError as fault:
        with db.transaction(engine) as session:
            refused = {"refused": stored(fault.message)}
            _keep(session, key, verdict=refused, ended_at=clock.now())


def _keep(session: Session, key: UUID, **values: Any) -> None:
    session.execute(update(tables.verification).where(_asked.id == key).values(**values))
