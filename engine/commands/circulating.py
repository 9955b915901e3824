"""A matter is put before people for information: by whoever sends it to them, or along with an act
that they are to know of.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from engine import clock
from engine.db import canonical, tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from engine.commands.unit_of_work import UnitOfWork
    from engine.people.organisation import Actor


def circulate(
    work: UnitOfWork, actor: Actor, to: Sequence[UUID], note: str, element: str = ""
) -> list[UUID]:
    """Put it before them, with a note and the event that tells it; gives the ids of what was sent,
    in the order of `to`.
    """
    salt, at = os.urandom(canonical.SALT_BYTES), clock.now()
    shared: dict[str, Any] = {"instance_id": work.row["id"], "by_id": actor.id, "at": at}
    shared |= {"element": element, "text": note, "salt": salt}
    new = [{"id": tables.new_id(), "to_id": person, **shared} for person in to]
    work.session.execute(insert(tables.copy), new)
    told: dict[str, Any] = {"task": element} if element else {}
    told["copies"] = {str(row["id"]): str(row["to_id"]) for row in new}
    told |= {"members": [str(each) for each in to]}
    work.log.add("copied", actor, digest=canonical.salted({"text": note}, salt), **told)
    return [row["id"] for row in new]
