"""Instances that were launched by one act and belong together: which they are, and what one of
them may ask of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, cast, select

from engine.db import tables
from engine.definitions.several import SAID
from engine.instance.view import dotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

    from engine.instance.view import InstanceView

_instance = tables.instance.c
GROUP = _instance.facts[("launch", SAID, "id")].astext
PLACE = cast(_instance.facts[("launch", SAID, "at")].astext, Integer)


def key_of(facts: Mapping[str, Any]) -> str | None:
    """The id of the group to which an instance belongs; None when it was launched alone."""
    found = dotted(facts, f"launch.{SAID}.id")
    return str(found) if found else None


def others(view: InstanceView) -> list[Row[Any]]:
    """The other instances of its group, in the order in which they were launched: id, facts,
    state, outcome, stage.
    """
    key = key_of(view.facts)
    if key is None:
        return []
    columns = (_instance.id, _instance.facts, _instance.state, _instance.outcome, _instance.stage)
    of_group = GROUP == key, _instance.union_id == view.row["union_id"]
    query = select(*columns).where(*of_group, _instance.id != view.row["id"])
    return list(view.session.execute(query.order_by(PLACE)))


def of_group(view: InstanceView, path: str) -> list[Any]:
    """A dotted fact of this instance and of the others of its group, where it is known."""
    facts = [view.facts, *(other.facts for other in others(view))]
    return [fact for each in facts if (fact := dotted(each, path)) is not None]
