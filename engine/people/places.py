"""Where people work, and what they are: the unit and the posts of today, as papers say them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import and_, select

from engine import clock
from engine.db import tables
from engine.people import organisation, posts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.db import Session


def of(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Id of a member -> "信息学院 图书馆员"; only the unit for who holds no post today."""
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
    titles: dict[str, dict[str, None]] = defaultdict(dict)
    for key, name, kind in found:
        units[str(key)] = name
        if kind:
            known = posts.kinds().post(kind)
            titles[str(key)][known.title if known else kind] = None
    return {key: f"{name} {'、'.join(titles[key])}".strip() for key, name in units.items()}
