"""Where people work, and what they are: the unit and the posts of today, as papers say them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import and_, select

from engine import clock
from engine.db import tables
from engine.people import organisation, posts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.db import Session


@dataclass(frozen=True)
class Place:
    """The unit of a person, and the kinds of the posts held today."""

    unit: str
    kinds: tuple[str, ...]

    def __str__(self) -> str:
        """As a paper says it: "信息学院 图书馆员"; only the unit for who holds no post."""
        known = [posts.kinds().post(kind) for kind in self.kinds]
        titles = [
            post.title if post else kind for post, kind in zip(known, self.kinds, strict=True)
        ]
        return f"{self.unit} {'、'.join(titles)}".strip()


def of(session: Session, ids: Iterable[str]) -> dict[str, Place]:
    """By id of a member."""
    member, unit, post = tables.member.c, tables.unit.c, tables.post.c
    today = and_(post.member_id == member.id, organisation.in_office(clock.today()))
    found = session.execute(
        select(member.id, unit.name, post.kind)
        .join(tables.unit, unit.id == member.unit_id)
        .outerjoin(tables.post, today)
        .where(member.id.in_([UUID(key) for key in ids]))
        .order_by(post.from_on, post.id)
    )
    units: dict[str, str] = {}
    kinds: dict[str, dict[str, None]] = defaultdict(dict)
    for key, name, kind in found:
        units[str(key)] = name
        if kind:
            kinds[str(key)][kind] = None
    return {key: Place(name, tuple(kinds[key])) for key, name in units.items()}
