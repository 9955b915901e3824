"""What all commands on people share: who may, the queue of changes, and the union's chain."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from engine.db import canonical, tables
from engine.errors import Invalid, NotFound
from engine.history import event_log
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.db import Session, rows
    from engine.people.organisation import Actor


class Note(NamedTuple):
    """An event to be: the union whose chain it goes to, its kind, the details."""

    chain_id: UUID
    kind: str
    details: dict[str, Any]


_QUEUE = text("SELECT pg_advisory_xact_lock(7020240001)")


def queue(session: Session) -> None:
    """Changes of people and units go one after another, so that two of them never overlap unseen;
    they are short.
    """
    session.execute(_QUEUE)


def allow(actor: Actor | None, verb: str, union_id: UUID | None) -> None:
    """Raise Refused unless the actor may do this in that union; the operator may."""
    if actor is None:
        return
    if union_id is None:
        raise NotFound
    access.check(actor, verb, union_id)


def sees(actor: Actor | None, union_id: UUID | None) -> bool:
    """Are the people of that union this actor's to see?"""
    return actor is None or (union_id is not None and access.may(actor, "see_people", union_id))


def unit_of(session: Session, actor: Actor | None, unit_id: UUID) -> rows.Unit:
    """The row of a unit that this actor may see. Raises NotFound."""
    row = session.execute(select(tables.unit).where(tables.unit.c.id == unit_id)).first()
    unit = cast("rows.Unit | None", row)
    if unit is None or not sees(actor, unit.union_id):
        raise NotFound(_("没有这个单位，或您无权查看。"))
    return unit


def open_unit(
    session: Session, actor: Actor | None, unit_id: UUID, field: str = "unit_id"
) -> rows.Unit:
    """The row of a visible unit that is in use. Raises NotFound, Invalid."""
    unit = unit_of(session, actor, unit_id)
    if not unit.active:
        raise Invalid({field: [_("这个单位已撤销。")]})
    return unit


def member_of(session: Session, actor: Actor | None, member_id: UUID) -> rows.Member:
    """The row of a member, locked; one's own is always there. Raises NotFound."""
    query = select(tables.member).where(tables.member.c.id == member_id).with_for_update()
    member = cast("rows.Member | None", session.execute(query).first())
    oneself = actor is not None and actor.id == member_id
    if member is None or not (oneself or sees(actor, member.union_id)):
        raise NotFound(_("没有这个人，或您无权查看。"))
    return member


def record(session: Session, actor: Actor | None, notes: Iterable[Note]) -> None:
    """Append many events at once, chain by chain in the order of ids; within a chain in the order
    given.
    """
    chains: dict[UUID, list[Note]] = defaultdict(list)
    for note in notes:
        chains[note.chain_id].append(note)
    for chain_id in sorted(chains, key=str):
        _append(session, actor, chain_id, chains[chain_id])


def _append(session: Session, actor: Actor | None, chain_id: UUID, notes: list[Note]) -> None:
    chain = tables.chain.c
    first = {"id": chain_id, "seq": 0, "head": canonical.genesis(chain_id)}
    session.execute(upsert(tables.chain).values(first).on_conflict_do_nothing())
    locked = select(chain.seq, chain.head).where(chain.id == chain_id).with_for_update()
    seq, head = session.execute(locked).one()
    log = event_log.EventLog(chain_id, seq, bytes(head))
    for note in notes:
        log.add(note.kind, actor, **note.details)
    log.flush(session)
    moved = update(tables.chain).where(chain.id == chain_id)
    session.execute(moved.values(seq=log.seq, head=log.head))


def plain(value: object) -> object:
    """A field's value as an event keeps it: an id is text."""
    return value if isinstance(value, bool | str) or value is None else str(value)
