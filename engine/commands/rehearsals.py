"""The stories of a proposed version are played before anybody approves it: by a job, each result
kept as it comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import clock
from engine.db import queue, tables
from engine.db.states import DefinitionState
from engine.errors import Conflict
from engine.history import event_log
from engine.messages import _

if TYPE_CHECKING:
    from engine.db import Session, rows

_definition, _rehearsal = tables.definition.c, tables.rehearsal.c


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


def call(session: Session, version: str) -> None:
    """Forget what was played of this version and let a worker play its stories."""
    session.execute(delete(tables.rehearsal).where(_rehearsal.version == version))
    queue.defer(session, "rehearse", once=f"rehearse:{version}", version=version)


def wanted(session: Session, version: str) -> dict[str, str] | None:
    """All files of a version that waits for approval, stories among them; None for another."""
    query = select(_definition.files, _definition.beside).where(
        _definition.hash == version, _definition.state == DefinitionState.PROPOSED
    )
    row = session.execute(query).first()
    return None if row is None else {**row.files, **row.beside}


def note(session: Session, version: str, **result: Any) -> None:
    """Keep how a story went: file, title, ok, why."""
    values = {"version": version, **result, "at": clock.now()}
    put = upsert(tables.rehearsal).values(**values)
    session.execute(put.on_conflict_do_update(index_elements=["version", "file"], set_=values))


def end(session: Session, version: str) -> None:
    """Put on record how the stories of a version went, if it still waits for approval."""
    query = select(tables.definition).where(
        _definition.hash == version, _definition.state == DefinitionState.PROPOSED
    )
    row = cast("rows.Definition | None", session.execute(query).first())
    if row is None:
        return
    found = standing(session, row)
    about = {"process": row.process_id, "version": version}
    counts = {"stories": found.total, "wrong": found.wrong}
    event_log.note(session, event_log.INSTALLATION, "definition_rehearsed", None, **about, **counts)


def standing(session: Session, row: rows.Definition) -> Standing:
    """How far the stories of a version have been played."""
    query = select(func.count(), func.count().filter(~_rehearsal.ok))
    counted = session.execute(query.where(_rehearsal.version == row.hash)).one()
    return Standing(*counted, len(stories(row.beside)))


def must_hold(session: Session, row: rows.Definition) -> None:
    """Raise Conflict unless all stories of a proposed version went as told. Versions handed in
    before stories were kept have none.
    """
    found = standing(session, row)
    if found.holds:
        return
    if found.wrong:
        why = _("{n} 个故事与所写不符，不能批准；请提出人改正后重新上传。", n=found.wrong)
    else:
        counts = {"n": found.played, "total": found.total}
        why = _("故事还在演练（{n}/{total}），演完才能批准。", **counts)
    raise Conflict(why, code="stories")
