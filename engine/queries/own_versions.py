"""What unions have as versions of their own: seen by their own people, and by who answers for the
installation; to everybody else they do not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import and_, func, or_, select, true

from engine.db import tables
from engine.db.states import OwnVersionState
from engine.definitions.store import in_force
from engine.people import access, organisation
from engine.people.organisation import INSTALLATION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select

    from engine.db import Session, rows
    from engine.people.organisation import Actor

_own, _definition = tables.own_version.c, tables.definition.c
_rehearsal = tables.rehearsal.c
_DECIDED = (OwnVersionState.IN_FORCE, OwnVersionState.ENDED)


@dataclass(frozen=True)
class Own:
    """A version that one union has for itself. `base`, `common`: the numbers of the version that
    was in force for all when it was proposed, and of the one that is now.

    `played` and `wrong`: how many of its `stories` have been played, and went otherwise than told.
    `decides`: the reader may decide on it; `ends`: may propose that the union go back to the
    common version.
    """

    id: UUID
    union_id: UUID
    union: str
    process_id: str
    version: str
    number: int
    state: str
    based_on: str
    base: int
    common_version: str
    common: int
    note: str
    author: str
    approver: str
    created_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None
    mine: bool
    decides: bool
    ends: bool
    beside: Mapping[str, str]
    played: int
    wrong: int
    stories: int

    @property
    def in_force(self) -> bool:
        """Do new matters of the union get it?"""
        return self.state == OwnVersionState.IN_FORCE

    @property
    def matters(self) -> bool:
        """Is it in force, or waits to be?"""
        return self.state in (OwnVersionState.IN_FORCE, OwnVersionState.PROPOSED)

    @property
    def may_come(self) -> bool:
        """Were all its stories played, and did all go as told?"""
        return self.played >= self.stories and not self.wrong

    @property
    def behind(self) -> bool:
        """Is another version in force for all than the one it is based on?"""
        return self.based_on != self.common_version


def visible(actor: Actor) -> ColumnElement[bool]:
    """The condition on `own_version` that this actor may know of it: what is or was in force is
    for everybody in that union, what waits or was refused for those there who may propose.
    """
    if actor.runs_installation:
        return true()
    mine = {actor.union_id, *(post.union_id for post in actor.posts if post.union_id)}
    handled = [union for union in mine if access.may(actor, "propose_definition", union)]
    return or_(and_(_own.union_id.in_(mine), _own.state.in_(_DECIDED)), _own.union_id.in_(handled))


def seen_by(actor: Actor) -> Select[tuple[str]]:
    """The hashes of the versions that this actor may know of as a union's own."""
    return select(_own.version).where(visible(actor))


def by_version(session: Session, actor: Actor, versions: Collection[str]) -> dict[str, list[Own]]:
    """Those of these versions that the actor may know of, by hash, the newest first."""
    found: dict[str, list[Own]] = {}
    for own in _read(session, actor, _own.version.in_(versions)):
        found.setdefault(own.version, []).append(own)
    return found


def listing(session: Session, actor: Actor) -> tuple[Own, ...]:
    """All that the actor may know of, the newest first."""
    return tuple(_read(session, actor))


def one(session: Session, actor: Actor, own_id: UUID) -> Own:
    """One of them. Raises NotFound."""
    return access.must_see(next(_read(session, actor, _own.id == own_id), None))


def everywhere(session: Session) -> tuple[Own, ...]:
    """All of every union, for the operator."""
    return tuple(_read(session, None))


def _read(session: Session, actor: Actor | None, *conditions: ColumnElement[bool]) -> Iterator[Own]:
    query = select(tables.own_version).where(visible(actor) if actor else true(), *conditions)
    found = cast("list[rows.OwnVersion]", session.execute(query.order_by(_own.id.desc())).all())
    if not found:
        return iter(())
    common = in_force(session).common
    named = {v for row in found for v in (row.version, row.based_on)} | {*common.values()}
    numbered = select(_definition.hash, _definition.number).where(_definition.hash.in_(named))
    numbers: dict[str, int] = dict(session.execute(numbered).tuples().all())
    ids = [i for row in found for i in (row.author_id, row.approver_id, row.union_id)]
    people, units = organisation.people_and_units(session, ids)
    played = _played(session, [str(row.id) for row in found])
    known = _Known(numbers, common, {**people, **units}, played)
    return (_told(row, actor, known) for row in found)


@dataclass(frozen=True)
class _Known:
    """Numbers by version, the version in force for all by process, names by id; by own version how
    many stories were played, and went wrong.
    """

    numbers: Mapping[str, int]
    common: Mapping[str, str]
    names: Mapping[UUID, str]
    played: Mapping[str, tuple[int, int]]


def _played(session: Session, keys: Collection[str]) -> dict[str, tuple[int, int]]:
    wrong = func.count().filter(~_rehearsal.ok)
    query = select(_rehearsal.version, func.count(), wrong).where(_rehearsal.version.in_(keys))
    rows = session.execute(query.group_by(_rehearsal.version)).tuples()
    return {key: (played, wrong) for key, played, wrong in rows}


def _told(row: rows.OwnVersion, actor: Actor | None, known: _Known) -> Own:
    common = known.common.get(row.process_id, "")
    mine, decides, ends = _may(actor, row) if actor else (False, False, False)
    kept: dict[str, Any] = {
        name: getattr(row, name)
        for name in ("id", "union_id", "process_id", "version", "state", "based_on", "note")
    }
    times = {name: getattr(row, name) for name in ("created_at", "decided_at", "ended_at")}
    played, wrong = known.played.get(str(row.id), (0, 0))
    return Own(
        **kept,
        **times,
        union=known.names.get(row.union_id, ""),
        number=known.numbers[row.version],
        base=known.numbers[row.based_on],
        common_version=common,
        common=known.numbers.get(common, 0),
        author=known.names.get(row.author_id, ""),
        approver=known.names.get(row.approver_id, "") if row.approver_id else "",
        mine=mine,
        decides=decides and row.state == OwnVersionState.PROPOSED,
        ends=ends and row.state == OwnVersionState.IN_FORCE,
        beside=row.beside,
        played=played,
        wrong=wrong,
        stories=sum(n.startswith("scenarios/") and n.endswith(".toml") for n in row.beside),
    )


def _may(actor: Actor, row: rows.OwnVersion) -> tuple[bool, bool, bool]:
    """Did the actor propose it, may they decide on it, may they propose to end it?"""
    mine, for_all = row.author_id == actor.id, access.may(actor, "approve_definition", INSTALLATION)
    decides = for_all or access.may(actor, "approve_own_version", row.union_id)
    ends = for_all or access.may(actor, "propose_definition", row.union_id)
    return mine, decides and not mine, ends
