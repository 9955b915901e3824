"""Saved views: filters of the inbox, or of the table of a process, that a person keeps under names,
on the server, so that each of their devices has them. An office shares those of a table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from engine.db import tables
from engine.errors import Invalid
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session
    from engine.people.organisation import Actor

_view = tables.saved_view
MOST, LONGEST = 20, 40  # views of a person, characters of a name
KEYS = ("part", "of", "process", "bucket", "words")
INBOX = ""  # the place of the views of the inbox; of a table "grid:<process>"
KEY = re.compile(r"[a-z][a-z0-9_.]{0,60}")  # what a view of a table may narrow


def save(
    session: Session,
    actor: Actor,
    name: str,
    wanted: Mapping[str, str],
    *,
    place: str = INBOX,
    shared: bool = False,
) -> None:
    """Keep a filter under a name, in place of an older one of that name; `shared`: everybody of the
    union finds it. Raises Invalid for a name that is empty or too long, an empty filter, and one
    view more than a person may have; Refused when another than the office shares one.
    """
    name = name.strip()
    if not name or len(name) > LONGEST or not name.isprintable():
        raise Invalid({"name": [_("名称应为 1 至 {most} 个字。", most=LONGEST)]})
    if shared:
        access.check(actor, "share_view", actor.union_id)
    kept = _kept(wanted, place)
    mine = _view.c.member_id == actor.id, _view.c.place == place
    counted = select(func.count()).select_from(_view).where(*mine, _view.c.name != name)
    if session.execute(counted).scalar_one() >= MOST:
        raise Invalid({"name": [_("视图最多 {most} 个，请先删去一些。", most=MOST)]})
    values = {"wanted": kept, "shared_in": actor.union_id if shared else None}
    row = insert(_view).values(member_id=actor.id, place=place, name=name, **values)
    of = ["member_id", "place", "name"]
    session.execute(row.on_conflict_do_update(index_elements=of, set_=values))


def _kept(wanted: Mapping[str, str], place: str) -> dict[str, str]:
    """What of a filter is kept. Raises Invalid when that is nothing, or not to be shown."""
    keys = KEYS if place == INBOX else [key for key in wanted if KEY.fullmatch(key)][:MOST]
    kept = {key: wanted[key][:200] for key in keys if wanted.get(key)}
    if not kept or not all(value.isprintable() for value in kept.values()):
        raise Invalid({"wanted": [_("请先选择条件，再存为视图。")]})
    return kept


def drop(session: Session, actor: Actor, name: str, *, place: str = INBOX) -> None:
    """Forget a view of one's own; nothing happens when there is none of that name."""
    mine = _view.c.member_id == actor.id, _view.c.place == place, _view.c.name == name
    session.execute(delete(_view).where(*mine))
