"""Saved views: filters of the inbox that a person keeps under names, on the server, so that each of
their devices has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from engine.db import tables
from engine.errors import Invalid
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session
    from engine.people.organisation import Actor

_view = tables.saved_view
MOST, LONGEST = 20, 40  # views of a person, characters of a name
KEYS = ("part", "of", "process", "bucket", "words")


def save(session: Session, actor: Actor, name: str, wanted: Mapping[str, str]) -> None:
    """Keep a filter under a name, in place of an older one of that name. Raises Invalid for a name
    that is empty or too long, an empty filter, and one view more than a person may have.
    """
    name = name.strip()
    if not name or len(name) > LONGEST or not name.isprintable():
        raise Invalid({"name": [_("名称应为 1 至 {most} 个字。", most=LONGEST)]})
    kept = {key: wanted[key][:200] for key in KEYS if wanted.get(key)}
    if not kept or not all(value.isprintable() for value in kept.values()):
        raise Invalid({"wanted": [_("请先选择条件，再存为视图。")]})
    others = _view.c.member_id == actor.id, _view.c.name != name
    counted = select(func.count()).select_from(_view).where(*others)
    if session.execute(counted).scalar_one() >= MOST:
        raise Invalid({"name": [_("视图最多 {most} 个，请先删去一些。", most=MOST)]})
    row = insert(_view).values(member_id=actor.id, name=name, wanted=kept)
    session.execute(
        row.on_conflict_do_update(index_elements=["member_id", "name"], set_={"wanted": kept})
    )


def drop(session: Session, actor: Actor, name: str) -> None:
    """Forget a view; nothing happens when there is none of that name."""
    session.execute(delete(_view).where(_view.c.member_id == actor.id, _view.c.name == name))
