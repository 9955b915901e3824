"""Gives the process of a version from the database, parsed once per worker: versions never
change. Which version is in force, for all and for one union, stands here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Uuid, literal, or_, select, union_all

from engine.db import tables
from engine.db.states import DefinitionState, OwnVersionState
from engine.definitions.loading import load
from engine.errors import NotFound
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from sqlalchemy import Select

    from engine.db import Session
    from engine.definitions.process import Process

SHIPPED = _("随产品发布")  # the note of a version that came along
_loaded: dict[str, Process] = {}
_definition, _own = tables.definition.c, tables.own_version.c


def process_of(session: Session, version: str) -> Process:
    """The process of a version (hash). Raises NotFound."""
    found = _loaded.get(version)
    if found is None:
        query = select(_definition.files).where(_definition.hash == version)
        files = session.execute(query).scalar()
        if files is None:
            raise NotFound
        found = _loaded[version] = load(files)
    return found


@dataclass(frozen=True)
class InForce:
    """Hashes of versions: `common` those in force for all, by process; `own` those that unions
    have for themselves, by process and union.
    """

    common: Mapping[str, str]
    own: Mapping[tuple[str, UUID], str]

    def of(self, process_id: str, union_id: UUID | None) -> str | None:
        """The version that a matter of this union gets when it is launched; None: none."""
        own = self.own.get((process_id, union_id)) if union_id else None
        return own or self.common.get(process_id)


def in_force(
    session: Session, unions: Collection[UUID] = (), process_id: str | None = None
) -> InForce:
    """What is in force for all, and for these unions beside it; of one process or of every one."""
    common = (
        select(_definition.process_id, _definition.hash, literal(None, Uuid))
        .distinct(_definition.process_id)
        .where(_definition.state == DefinitionState.PUBLISHED)
        .order_by(_definition.process_id, _definition.rank.desc())
    )
    own = select(_own.process_id, _own.version, _own.union_id).where(
        _own.state == OwnVersionState.IN_FORCE, _own.union_id.in_(unions)
    )
    if process_id is not None:
        common = common.where(_definition.process_id == process_id)
        own = own.where(_own.process_id == process_id)
    query = union_all(select(common.subquery()), own) if unions else common
    rows = session.execute(query).tuples().all()
    return InForce(
        common={process: version for process, version, union in rows if union is None},
        own={(process, union): version for process, version, union in rows if union},
    )


def once_in_force(process_id: str, union_id: UUID) -> Select[str, int]:
    """Hash and number of each version of a process that two people put in force, for all or for
    this union: only these print its papers.
    """
    states = (OwnVersionState.IN_FORCE, OwnVersionState.ENDED)
    own = select(_own.version).where(_own.union_id == union_id, _own.state.in_(states))
    common = _definition.state.in_((DefinitionState.PUBLISHED, DefinitionState.RETIRED))
    query = select(_definition.hash, _definition.number)
    return query.where(_definition.process_id == process_id, or_(common, _definition.hash.in_(own)))
