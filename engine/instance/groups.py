"""Instances that were launched by one act and belong together: which they are, and what one of
them may ask of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, and_, cast, select

from engine.db import tables
from engine.definitions.several import SAID
from engine.instance.view import dotted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.instance.view import InstanceView

_instance = tables.instance.c
PLACE = cast(_instance.facts[("launch", SAID, "at")].astext, Integer)


def key_of(facts: Mapping[str, Any]) -> str | None:
    """The id of the group to which an instance belongs; None when it was launched alone."""
    found = dotted(facts, f"launch.{SAID}.id")
    return str(found) if found else None


def is_in(key: str, union_id: UUID) -> ColumnElement[bool]:
    """Does an instance belong to this group of a union?"""
    return and_(
        _instance.facts[("launch", SAID, "id")].astext == key, _instance.union_id == union_id
    )


def others(view: InstanceView) -> list[dict[str, Any]]:
    """The facts of the other instances of its group, in the order in which they were launched."""
    key = key_of(view.facts)
    if key is None:
        return []
    others_of = is_in(key, view.row["union_id"]), _instance.id != view.row["id"]
    query = select(_instance.facts).where(*others_of).order_by(PLACE)
    return list(view.session.execute(query).scalars())


def of_group(view: InstanceView, path: str) -> list[Any]:
    """A dotted fact of this instance and of the others of its group, where it is known."""
    return [
        fact for each in (view.facts, *others(view)) if (fact := dotted(each, path)) is not None
    ]
