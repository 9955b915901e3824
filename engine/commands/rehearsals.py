"""The stories of a proposed version are played before anybody approves it: by a job, each result
kept as it comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import clock
from engine.db import queue, tables
from engine.db.states import DefinitionState, OwnVersionState
from engine.errors import Conflict
from engine.history import event_log
from engine.messages import _

if TYPE_CHECKING:
    from engine.db import Session

_definition, _rehearsal = tables.definition.c, tables.rehearsal.c
_own = tables.own_version.c
_HASH = 64  # letters of a hash; the id of an own version has fewer


@dataclass(frozen=True)
class Standing:
    """How far the stories of a version have been played: how many, how many went wrong, of how
    many.
    """

    played: int
    wrong: int
    total: int

    @property
    def holds(self) -> bool:
        """Were all played, and all as told?"""
        return self.played >= self.total and not self.wrong


def stories(beside: dict[str, str]) -> list[str]:
    """The files of stories among what is kept beside a version."""
    return sorted(n for n in beside if n.startswith("scenarios/") and n.endswith(".toml"))


def call(session: Session, key: str) -> None:
    """Forget what was played of this version (its hash, or the id of a union's own one) and let a
    worker play its stories.
    """
    session.execute(delete(tables.rehearsal).where(_rehearsal.version == key))
    queue.defer(session, "rehearse", once=f"rehearse:{key}", version=key)


@dataclass(frozen=True)
class _Waiting:
    """A version that waits for approval: its files, whose chain tells of it, and as what."""

    files: dict[str, str]
    beside: dict[str, str]
    chain: UUID
    kind: str
    about: dict[str, str]


def _waiting(session: Session, key: str) -> _Waiting | None:
    """The version of this hash, or the own one of this id, if it waits."""
    return _of_all(session, key) if len(key) == _HASH else _of_union(session, UUID(key))


def _of_all(session: Session, version: str) -> _Waiting | None:
    query = select(_definition.files, _definition.beside, _definition.process_id).where(
        _definition.hash == version, _definition.state == DefinitionState.PROPOSED
    )
    row = session.execute(query).first()
    if row is None:
        return None
    about, chain = {"process": row.process_id, "version": version}, event_log.INSTALLATION
    return _Waiting(row.files, row.beside, chain, "definition_rehearsed", about)


def _of_union(session: Session, own_id: UUID) -> _Waiting | None:
    columns = _definition.files, _own.beside, _own.process_id, _own.version, _own.union_id
    query = select(*columns).join(tables.definition, _definition.hash == _own.version)
    waits = _own.id == own_id, _own.state == OwnVersionState.PROPOSED
    row = session.execute(query.where(*waits)).first()
    if row is None:
        return None
    about = {"process": row.process_id, "version": row.version, "own": str(own_id)}
    return _Waiting(row.files, row.beside, row.union_id, "own_version_rehearsed", about)


def wanted(session: Session, key: str) -> dict[str, str] | None:
    """All files of a version that waits for approval, stories among them; None for another."""
    found = _waiting(session, key)
    return None if found is None else {**found.files, **found.beside}


def note(session: Session, key: str, **result: Any) -> None:
    """Keep how a story went: file, title, ok, why."""
    values = {"version": key, **result, "at": clock.now()}
    put = upsert(tables.rehearsal).values(**values)
    session.execute(put.on_conflict_do_update(index_elements=["version", "file"], set_=values))


def end(session: Session, key: str) -> None:
    """Put on record how the stories of a version went, if it still waits for approval."""
    row = _waiting(session, key)
    if row is None:
        return
    found = standing(session, key, row.beside)
    counts = {"stories": found.total, "wrong": found.wrong}
    event_log.note(session, row.chain, row.kind, None, **row.about, **counts)


def standing(session: Session, key: str, beside: dict[str, str]) -> Standing:
    """How far the stories of a version, which are kept beside it, have been played."""
    query = select(func.count(), func.count().filter(~_rehearsal.ok))
    counted = session.execute(query.where(_rehearsal.version == key)).one()
    return Standing(*counted, len(stories(beside)))


def must_hold(session: Session, key: str, beside: dict[str, str]) -> None:
    """Raise Conflict unless all stories of a proposed version went as told. Versions handed in
    before stories were kept have none.
    """
    found = standing(session, key, beside)
    if found.holds:
        return
    if found.wrong:
        why = _("{n} 个故事与所写不符，不能批准；请提出人改正后重新上传。", n=found.wrong)
    else:
        counts = {"n": found.played, "total": found.total}
        why = _("故事还在演练（{n}/{total}），演完才能批准。", **counts)
    raise Conflict(why, code="stories")
