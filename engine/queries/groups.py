"""The others with which an instance was launched, as far as a person may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from engine.db import tables
from engine.instance import groups
from engine.instance.view import dotted
from engine.people import access, organisation
from engine.queries.instances import people_first

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.instance.context import Context

_instance = tables.instance.c


@dataclass(frozen=True)
class Mate:
    """One of a group; `who`: whom it is about; `stands`: where it stands, by the titles of what is
    open or of its end; `here`: it is the instance that is being read.
    """

    id: UUID
    number: str
    who: str
    state: str
    stands: tuple[str, ...]
    here: bool


def of_matter(context: Context, lang: str) -> tuple[Mate, ...]:
    """The group of an instance, itself among them, in the order in which they were launched; only
    those that the reader may see, and nothing where that is itself alone.
    """
    key, process = groups.key_of(context.facts), context.process
    if key is None or process.several is None or context.actor is None:
        return ()
    seen = groups.is_in(key, context.row["union_id"]), access.visible(context.actor)
    query = select(
        *(_instance.id, _instance.number, _instance.facts, _instance.state, _instance.outcome),
        _instance.stage,
    ).where(*seen)
    found = context.session.execute(query.order_by(groups.PLACE)).all()
    if len(found) < 2:
        return ()
    told = {row.id: str(dotted(row.facts, process.several.who) or "") for row in found}
    names = _names(context, told)

    def stands(stage: list[str], outcome: str) -> tuple[str, ...]:
        ends = [outcome] if outcome else []
        return tuple(process.title_of(e, lang) for e in people_first(process, stage) or ends)

    return tuple(
        Mate(
            id=row.id,
            number=row.number,
            who=names.get(told[row.id], told[row.id]),
            state=row.state,
            stands=stands(row.stage, row.outcome),
            here=row.id == context.row["id"],
        )
        for row in found
    )


def _names(context: Context, told: Mapping[UUID, str]) -> dict[str, str]:
    """The names of the people and units among what the instances are about."""
    ids = [UUID(text) for text in told.values() if len(text) == 36 and text.count("-") == 4]
    people, units = organisation.people_and_units(context.session, ids)
    return {str(key): name for key, name in (people | units).items()}
