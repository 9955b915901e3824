"""What is done with the history and must itself stand in it: reading a case, handing out a
checkpoint, a verification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, text

from engine import clock
from engine.commands import unit_of_work
from engine.commands.people import words
from engine.db import tables
from engine.errors import Conflict, Invalid
from engine.history import event_log, seals, witnesses
from engine.instance import rights
from engine.instance.context import COLUMNS, context_from
from engine.instance.rights import Case
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from sqlalchemy import Select

    from engine.db import Session
    from engine.history.kept import Log
    from engine.history.keys import Checkpoint
    from engine.history.seals import Verdict
    from engine.people.organisation import Actor

MOST_EVENTS = 300_000  # above it a verification outlasts a request: the command line does it
BUSY = _("另一次校验正在进行，请稍后再试。")
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('verification'))")
_event, _instance = tables.event.c, tables.instance


def read_history(session: Session, actor: Actor, instance_id: UUID) -> bool:
    """Put on record that this person read the history of an instance: once a day.

    False: it stands there already.

    Raises NotFound when the instance is not theirs to see, Refused when they may not read its
    history.
    """
    noted = _today(actor, instance_id, "history_read")
    seen = select(noted.exists(), *COLUMNS).where(_instance.c.id == instance_id)
    found = session.execute(seen.where(access.visible(actor))).first()
    noted_before, *values = access.must_see(found)
    rights.check(Case(context_from(session, actor, values), "read_history"))
    if noted_before:
        return False
    work = unit_of_work.lock(session, None, instance_id, still=True)
    if noted_today(session, actor, instance_id, "history_read"):
        return False  # by another page, while this one waited for the lock
    work.log.add("history_read", actor)
    unit_of_work.note(work)
    return True


def read_sample(session: Session, actor: Actor, union_id: UUID, year: int) -> None:
    """Put on record that this person read what the matters of a union came to: once a day and
    year. Raises Refused.
    """
    access.check_own(actor, "read_history", union_id)
    noted = _today(actor, union_id, "history_sampled")
    if session.execute(noted.where(_event.body.contains(f'"year":{year}'))).first() is None:
        event_log.note(session, union_id, "history_sampled", actor, year=year)


def noted_today(session: Session, actor: Actor, instance_id: UUID, kind: str) -> bool:
    """Does the history of an instance hold an event of this kind by this person since midnight?"""
    return session.execute(_today(actor, instance_id, kind)).first() is not None


def _today(actor: Actor, instance_id: UUID, kind: str) -> Select[Any]:
    """The first event of this kind by this person in the history of an instance since midnight."""
    noted = select(_event.id).where(
        _event.instance_id == instance_id,
        _event.kind == kind,
        _event.actor_id == actor.id,
        _event.at >= clock.midnight(clock.today()),
    )
    return noted.limit(1)


def witness(session: Session, actor: Actor, size: int, who: str) -> None:
    """Note that somebody outside holds a checkpoint.

    Raises Refused, NotFound, Invalid, Conflict when one is noted.
    """
    access.check(actor, "witness", event_log.INSTALLATION)
    who = words.line("who", who, 100, 2)
    point = tables.checkpoint.c
    query = select(point.witness, point.root).where(point.size == size).with_for_update()
    row = access.must_see(session.execute(query).first())
    if row.witness:
        held = _("这个检查点已登记由“{witness}”保存。", witness=row.witness)
        raise Conflict(held, code="witnessed")
    seals.witness(session, size, who)
    event_log.note(
        session,
        event_log.INSTALLATION,
        "checkpoint_witnessed",
        actor,
        size=size,
        root=bytes(row.root).hex(),
        witness=who,
    )


def verify(
    session: Session, actor: Actor, public: bytes | None, log: Log, kept: str = ""
) -> Verdict:
    """Check everything within one request, as `verified`; one at a time. `kept`: checkpoints and
    countersignatures that somebody kept outside, which must still hold.

    Raises Refused, Invalid when there is too much for one request or `kept` cannot be read,
    Conflict when one runs already.
    """
    access.unions(actor, "verify")
    count = events(session)
    if count > MOST_EVENTS:
        raise Invalid(
            _("记录已有 {count} 条，一次请求内校验不完，请排队校验，由后台办理。", count=count)
        )
    if not alone(session):
        raise Conflict(BUSY, code="busy")
    outside = witnesses.parse_kept(session, kept) if kept.strip() else []
    return verified(session, actor, public, log, outside=outside)


def alone(session: Session) -> bool:
    """Does no other verification run? None begins until this transaction ends."""
    return bool(session.execute(_ALONE).scalar())


def events(session: Session) -> int:
    """How many events there are."""
    return int(session.execute(select(func.count()).select_from(tables.event)).scalar_one())


def verified(
    session: Session,
    actor: Actor,
    public: bytes | None,
    log: Log,
    progress: Callable[[int], None] | None = None,
    outside: Iterable[Checkpoint] = (),
) -> Verdict:
    """Check every chain, leaf, checkpoint and stored answer of the installation; the result goes on
    record. Raises Refused.
    """
    access.unions(actor, "verify")  # tells that something is false, never what it says
    verdict = seals.verify(session, public, progress, outside, log.lines())
    whole = verdict.broken is None and not verdict.fault
    event_log.note(
        session,
        event_log.INSTALLATION,
        "history_verified",
        actor,
        events=verdict.events,
        leaves=verdict.leaves,
        checkpoints=verdict.checkpoints,
        whole=whole,
        fault=verdict.fault or None,
        unproved=verdict.unproved or None,
    )
    return verdict
