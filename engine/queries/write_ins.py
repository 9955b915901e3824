"""Who may be written in on a ballot, as its voters and its tellers pick them: everybody gets the
whole list at once, so that nobody learns for whom a voter looks.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from engine.db import tables
from engine.people.ordering import on_screen

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session

_member, _unit, _write_in = tables.member.c, tables.unit.c, tables.write_in.c


@dataclass(frozen=True)
class Eligible:
    """Somebody who may be written in. `label`: name and unit, which nobody else on the list has."""

    id: UUID
    label: str

    @property
    def id_text(self) -> str:
        """The id as counts have it."""
        return str(self.id)


def eligible(session: Session, poll_id: UUID) -> tuple[Eligible, ...]:
    """All who may be written in on the ballots of a poll, by name."""
    found = session.execute(
        select(_member.id, _member.name, func.coalesce(_unit.name, ""), _member.username)
        .join(tables.write_in, _write_in.member_id == _member.id)
        .outerjoin(tables.unit, _unit.id == _member.unit_id)
        .where(_write_in.poll_id == poll_id)
        .order_by(_member.id)
    ).all()
    called = [" ".join(filter(None, (name, unit))) for _key, name, unit, _user in found]
    times = Counter(called)
    people = [
        Eligible(row[0], label if times[label] == 1 else f"{label} {row[3]}")
        for row, label in zip(found, called, strict=True)
    ]
    return tuple(on_screen(people, lambda each: each.label))
