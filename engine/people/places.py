"""Where people work, and what they are: the unit and the posts of today, as papers say them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.people import organisation, posts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.db import Session


def of(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Id of a member -> "信息学院 工会小组长"; only the unit for who holds no post today."""
    wanted = [UUID(key) for key in ids]
    member, unit, post = tables.member.c, tables.unit.c, tables.post.c
    units = session.execute(
        select(member.id, unit.name)
        .join(tables.unit, unit.id == member.unit_id)
        .where(member.id.in_(wanted))
    )
    held = session.execute(
        select(post.member_id, post.kind)
        .where(post.member_id.in_(wanted), organisation.in_office(clock.today()))
        .order_by(post.from_on, post.id)
    )
    titles: dict[UUID, dict[str, None]] = defaultdict(dict)
    for key, kind in held:
        known = posts.kinds().post(kind)
        titles[key][known.title if known else kind] = None
    return {str(key): " ".join([name, "、".join(titles[key])]).strip() for key, name in units}
