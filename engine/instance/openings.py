"""Which posts open confidential matters: whoever is given one reads what has waited for it, and
what will.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import or_, select

from engine import expressions, legacy
from engine.db import tables
from engine.definitions.store import process_of
from engine.instance.view import ENDED, dotted
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from engine.db import Session, rows
    from engine.definitions.process import Lane, Process

_instance = tables.instance.c


class Seat(NamedTuple):
    """A post in a unit, and the union that the unit belongs to."""

    kind: str
    unit_id: UUID
    union_id: UUID

    @classmethod
    def of(cls, kind: str, unit: rows.Unit) -> Seat:
        """This post in that unit."""
        return cls(kind, unit.id, unit.union_id)


def opens(session: Session, seat: Seat) -> bool:
    """Does this post open at least one confidential matter?

    One that has waited for it, ended or not; or one under way, of its union or of one that its
    union manages, that a lane, a roll or a meeting will bring before it.
    """
    return _has_waited(session, seat) or any(
        _will_wait(process_of(session, row.version), row, seat) for row in _under_way(session, seat)
    )


def _has_waited(session: Session, seat: Seat) -> bool:
    share, key = tables.share.c, organisation.seat_key(f"{seat.kind}@{seat.unit_id}")
    query = select(share.instance_id).join(tables.instance, _instance.id == share.instance_id)
    found = query.where(share.key == key, _instance.confidential).limit(1)
    return session.execute(found).first() is not None


def _under_way(session: Session, seat: Seat) -> list[rows.Selected]:
    unit = tables.unit.c
    managed = select(unit.id).where(unit.managing_id == seat.union_id)
    query = select(_instance.version, _instance.facts, _instance.union_id).where(
        _instance.confidential,
        _instance.state.not_in(ENDED),
        or_(_instance.union_id == seat.union_id, _instance.union_id.in_(managed)),
    )
    return list(session.execute(query).all())


def _will_wait(process: Process, row: rows.Selected, seat: Seat) -> bool:
    lanes = (lane for lane in process.lanes.values() if lane.post == seat.kind)
    return any(_means(lane, row, seat) for lane in lanes) or any(
        seat.kind == named for named in _named(process)
    )


def _means(lane: Lane, row: rows.Selected, seat: Seat) -> bool:
    """Does a lane of this post mean this unit? A lane that names none yet may come to mean it."""
    if lane.of_union:
        return bool(row.union_id == seat.union_id)
    unit = dotted(row.facts, lane.unit)
    units = unit if isinstance(unit, list) else [unit]
    return unit is None or str(seat.unit_id) in map(str, units)


def _named(process: Process) -> Iterator[str]:
    """The texts in the calls by which persons are found, as in holders("clerk")."""
    for expression in _who(process):
        for function, texts in expressions.texts_in(expression):
            yield from legacy.posts_meant(function, texts)


def _who(process: Process) -> Iterator[str]:
    """The expressions that say which persons a matter is brought before, and those of the facts
    that these read.
    """
    asked = [lane.person for lane in process.lanes.values()]
    for rule in process.tasks.values():
        asked += [rule.poll.roll] if rule.poll else []
        if rule.meeting:
            asked += [rule.meeting.formal, rule.meeting.observers, rule.meeting.guests]
    asked = [each for each in asked if each]
    yield from asked
    read = {name for each in asked for name in expressions.names_in(each)}
    for action in process.actions.values():
        for fact, expression in action.get("set", {}).items():
            if fact in read:
                yield expression
