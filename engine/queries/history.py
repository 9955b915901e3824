"""The history of an instance for people: the timeline, the path taken through the diagram, and the
proof of its chain.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Select, select

from engine import clock
from engine.db import aside, tables
from engine.definitions.store import process_of
from engine.errors import Refused
from engine.history import event_log, witnesses
from engine.instance import polling, rooms
from engine.instance.context import context_of
from engine.people import access, spelling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from engine.db import Session, rows
    from engine.history.event_log import Break
    from engine.instance.context import Context
    from engine.people.organisation import Actor

_event, _instance = tables.event.c, tables.instance.c


@dataclass(frozen=True)
class Happened:
    """One event. `body` is what was hashed with the words beside it, less what was said in rooms
    that the reader may not enter (`room` = "closed").
    """

    id: int
    seq: int
    at: datetime
    kind: str
    actor: str
    body: Mapping[str, Any]
    hash: str
    leaf_no: int | None


@dataclass(frozen=True)
class Proof:
    """What can be said about a chain: how long it is, its first false line, and how far outside
    witnesses hold it.
    """

    events: int
    head: str
    broken: Break | None
    sealed: int  # events of this chain that are in the tree
    checkpoint_size: int
    checkpoint_root: str
    checkpoint_at: datetime | None
    witnessed_size: int


@dataclass(frozen=True)
class Which:
    """Which lines of a log: those of whom, between which days (both included), what was refused
    only; before this number.
    """

    who: str = ""
    since: date | None = None
    until: date | None = None
    refused: bool = False
    before: int | None = None


ALL = Which()
COUNTED = ("choice", "comment", "counts", "paper", "outcome")


def _seen(session: Session, actor: Actor, instance_id: UUID) -> Any:
    row = session.execute(
        select(
            _instance.id,
            _instance.union_id,
            _instance.version,
            _instance.seq,
            _instance.head,
            _instance.starter_id,
        ).where(_instance.id == instance_id, access.visible(actor))
    ).first()
    row = access.must_see(row)
    if not (access.may(actor, "read_history", row.union_id) or row.starter_id == actor.id):
        raise Refused(verb="read_history", instance_id=str(instance_id))
    return row


def timeline(
    session: Session, actor: Actor, instance_id: UUID, after: int = 0, limit: int = 500
) -> tuple[Happened, ...]:
    """The events of an instance after seq `after`. NotFound when it is not theirs to see, Refused
    when not theirs to read.
    """
    _seen(session, actor, instance_id)
    context = context_of(session, actor, instance_id)
    doors, unnamed = rooms.doors(context), rooms.unnamed(context)
    silent = polling.running_votes(session, instance_id)
    rows = session.execute(
        select(tables.event)
        .where(_event.instance_id == instance_id, _event.seq > after)
        .order_by(_event.seq)
        .limit(max(1, min(limit, 2000)))
    ).all()
    return tuple(_happened(row, doors.at(row.at), silent, unnamed, actor) for row in rows)


def _happened(
    row: rows.Selected,
    shut: frozenset[str] = frozenset(),
    silent: frozenset[str] = frozenset(),
    unnamed: frozenset[str] = frozenset(),
    actor: Actor | None = None,
) -> Happened:
    """`silent`: polls that still run; `unnamed`: those that do not tell the actor who answered
    what.
    """
    body = rooms.redacted(read_body(row.body, row.words), shut)
    body = rooms.without_names(body, unnamed, actor)
    if body.get("poll") in silent:
        body = {k: v for k, v in body.items() if k not in COUNTED}
    return Happened(
        id=row.id,
        seq=row.seq,
        at=row.at,
        kind=row.kind,
        actor=body.get("actor", {}).get("name", ""),
        body=body,
        hash=bytes(row.hash).hex(),
        leaf_no=row.leaf_no,
    )


def read_body(body: str, words: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A body as it was hashed, with the words that stand beside it; one that was altered beyond
    reading gives nothing, and the proof names its line.
    """
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return aside.whole(found, words) if isinstance(found, dict) else {}


def union_log(
    session: Session, actor: Actor, union_id: UUID, which: Which = ALL, limit: int = 100
) -> tuple[Happened, ...]:
    """What happened in a union besides its instances (people, rules, refusals), newest first.
    Raises NotFound, Refused.
    """
    access.check_own(actor, "read_history", union_id)
    rows = session.execute(log_of(union_id, which, limit)).all()
    silent = () if access.may(actor, "annotate", union_id) else ("note",)
    return tuple(_without(_happened(row), silent) for row in rows)


def log_of(chain: UUID, which: Which, limit: int) -> Select[Any]:
    """The query for the newest of these events of a chain, at most 500."""
    query = select(tables.event).where(_event.instance_id == chain)
    if which.who:
        named = select(tables.member.c.id).where(tables.member.c.name == spelling.name(which.who))
        query = query.where(_event.actor_id.in_(named))
    if which.since:
        query = query.where(_event.at >= clock.midnight(which.since))
    if which.until:
        query = query.where(_event.at < clock.midnight(which.until + timedelta(days=1)))
    if which.refused:
        query = query.where(_event.kind == "attempt_refused")
    if which.before is not None:
        query = query.where(_event.seq < which.before)
    return query.order_by(_event.seq.desc()).limit(max(1, min(limit, 500)))


def _without(event: Happened, keys: Sequence[str]) -> Happened:
    """An event without words that are for others: what auditors note is for auditors."""
    if event.kind != "matter_annotated" or not keys:
        return event
    return replace(event, body={k: v for k, v in event.body.items() if k not in keys})


def path(session: Session, actor: Actor, instance_id: UUID) -> tuple[str, ...]:
    """The ids of the elements passed so far, in order: what the diagram marks."""
    row = session.execute(
        select(_instance.version).where(_instance.id == instance_id, access.visible(actor))
    ).first()
    process = process_of(session, access.must_see(row).version)
    bodies = session.execute(
        select(tables.event.c.body).where(_event.instance_id == instance_id).order_by(_event.seq)
    ).scalars()
    passed = [element for body in bodies for element in read_body(body).get("passed", [])]
    return tuple(e for e in passed if e in process.diagram.elements)


def proof(session: Session, actor: Actor, instance_id: UUID) -> Proof:
    """Check the chain of one instance now, and say how much of it a checkpoint covers."""
    row = _seen(session, actor, instance_id)
    events = session.execute(
        select(_event.seq, _event.body, _event.hash, _event.leaf_no)
        .where(_event.instance_id == instance_id)
        .order_by(_event.seq)
    ).all()
    broken = event_log.first_broken(instance_id, events, row.seq, bytes(row.head))
    return _proof(session, bytes(row.head), [e.leaf_no for e in events], broken)


def _proof(
    session: Session, head: bytes, leaves: Sequence[int | None], broken: Break | None
) -> Proof:
    point = tables.checkpoint.c
    query = select(point.size, point.root, point.at)
    last = session.execute(query.order_by(point.size.desc()).limit(1)).first()
    return Proof(
        events=len(leaves),
        head=head.hex(),
        broken=broken,
        sealed=sum(leaf is not None for leaf in leaves),
        checkpoint_size=last.size if last else 0,
        checkpoint_root=bytes(last.root).hex() if last else "",
        checkpoint_at=last.at if last else None,
        witnessed_size=witnesses.newest(session) if last else 0,
    )


# --- the whole of it, for a page that shows everything at once ------------------------------------
@dataclass(frozen=True)
class Record:
    """All events of an instance as they were read: rows, and their bodies, of which an altered one
    may be empty.
    """

    rows: tuple[rows.Selected, ...]
    bodies: tuple[Mapping[str, Any], ...]


def record(context: Context) -> Record:
    """Read all events of an instance, oldest first. Raises Refused when its history is not the
    actor's to read.
    """
    actor, row = context.actor, context.row
    if actor is None or not (
        access.may(actor, "read_history", row["union_id"]) or row["starter_id"] == actor.id
    ):
        raise Refused(verb="read_history", instance_id=str(row["id"]))
    query = select(tables.event).where(_event.instance_id == row["id"]).order_by(_event.seq)
    rows = tuple(context.session.execute(query))
    return Record(rows, tuple(read_body(r.body, r.words) for r in rows))


def happened(context: Context, found: Record, silent: frozenset[str]) -> tuple[Happened, ...]:
    """The events as the actor may read them. `silent`: polls that still run."""
    doors, unnamed, actor = rooms.doors(context), rooms.unnamed(context), context.actor
    shut = (doors.at(row.at) for row in found.rows)
    rows = zip(found.rows, shut, strict=True)
    return tuple(_happened(row, closed, silent, unnamed, actor) for row, closed in rows)


def passed(context: Context, found: Record) -> tuple[str, ...]:
    """The ids of the elements passed, each once, in order."""
    elements = context.process.diagram.elements
    ids = [e for body in found.bodies for e in body.get("passed", ()) if e in elements]
    return tuple(dict.fromkeys(ids))


def proven(context: Context, found: Record) -> Proof:
    """Check the chain as it was read."""
    row, head = context.row, bytes(context.row["head"])
    broken = event_log.first_broken(row["id"], found.rows, row["seq"], head)
    return _proof(context.session, head, [r.leaf_no for r in found.rows], broken)
