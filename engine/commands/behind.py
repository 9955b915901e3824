"""A union with a version of its own is told when another version comes in force for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.db import tables
from engine.db.states import OwnVersionState
from engine.definitions.store import in_force
from engine.history import event_log

if TYPE_CHECKING:
    from engine.db import Session

_own = tables.own_version.c


def tell(session: Session, process_id: str) -> None:
    """Tell every union whose own version of this process is based on another one than is now in
    force for all, once for each of these.
    """
    common = in_force(session, process_id=process_id).common[process_id]
    query = select(tables.own_version).where(
        _own.process_id == process_id,
        _own.state == OwnVersionState.IN_FORCE,
        _own.based_on != common,
    )
    for row in session.execute(query.order_by(_own.id)):
        about = {"own": str(row.id), "process": process_id, "version": row.version}
        told = {"based_on": row.based_on, "common": common}
        event_log.note(session, row.union_id, "own_version_behind", None, **about, **told)
