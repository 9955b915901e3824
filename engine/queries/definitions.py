"""Process definitions for readers: the list, and a version in words and tables."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from engine import settings
from engine.db import tables
from engine.db.states import DefinitionState
from engine.definitions import folder
from engine.definitions import outline as telling
from engine.definitions.store import SHIPPED, in_force, process_of
from engine.errors import NotFound, ProcessFault
from engine.messages import restored
from engine.people import access, organisation
from engine.queries import own_versions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from engine.db import Session, rows
    from engine.definitions import Process
    from engine.definitions.process import TaskRule
    from engine.people.organisation import Actor

_definition = tables.definition.c


@dataclass(frozen=True)
class Version:
    """A version in a list. `latest`: new instances get it, where the union has none of its own;
    `own`: as what unions that the reader belongs to have it for themselves.
    """

    hash: str
    process_id: str
    number: int
    state: str
    title: str
    note: str
    author: str
    approver: str
    created_at: datetime
    decided_at: datetime | None
    latest: bool
    mine: bool
    own: tuple[own_versions.Own, ...] = ()


@dataclass(frozen=True)
class Listed:
    """A process with its version in force for all (None: none yet), its proposals that wait, and
    what unions have for themselves, in force or waiting.
    """

    process_id: str
    title: str
    summary: str
    basis: str
    current: Version | None
    versions: int
    waiting: tuple[Version, ...]
    own: tuple[own_versions.Own, ...]


@dataclass(frozen=True)
class Step:
    """A user task or a message in words."""

    id: str
    title: str
    asks: str
    due: str
    poll: str
    not_by: tuple[str, ...]
    recuse: str
    next: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LaneSteps:
    """A lane: its title and what is done in it."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Story:
    """A story of a version. `ok` is None until it was played; `why` says what went otherwise than
    told.
    """

    file: str
    title: str
    proves: str
    ok: bool | None
    why: Any


@dataclass(frozen=True)
class Full:
    """A version with all that a page shows; `process` has forms and decisions."""

    version: Version
    process: Process
    lanes: tuple[LaneSteps, ...]
    outline: str
    stories: tuple[Story, ...]
    others: tuple[Version, ...]

    @property
    def played(self) -> int:
        """How many of its stories have been played."""
        return sum(story.ok is not None for story in self.stories)

    @property
    def wrong(self) -> int:
        """How many of them went otherwise than told."""
        return sum(story.ok is False for story in self.stories)


def _rows(session: Session, actor: Actor, *conditions: Any) -> list[Any]:
    """The versions that the actor may know of, with `told` whether as one of the installation."""
    columns = [c for c in _definition if c.name not in ("files", "beside")]
    handles = access.may_somewhere(actor, "propose_definition")
    states = ["published", "retired", *(["proposed", "refused"] if handles else [])]
    told = _definition.state.in_(states)
    seen = or_(told, _definition.hash.in_(own_versions.seen_by(actor)))
    query = select(*columns, told.label("told")).where(*conditions, seen)
    ordered = query.order_by(_definition.process_id, _definition.number.desc())
    return list(session.execute(ordered).all())


def _versions(session: Session, actor: Actor, rows: list[Any], lang: str) -> list[Version]:
    latest = set(in_force(session).common.values())
    own = own_versions.by_version(session, actor, {r.hash for r in rows})
    ids = [i for r in rows if r.told for i in (r.author_id, r.approver_id) if i]
    people = organisation.names(session, ids)
    return [
        Version(
            hash=r.hash,
            process_id=r.process_id,
            number=r.number,
            title=r.title_en or r.title if lang == "en" else r.title,
            latest=r.hash in latest,
            own=tuple(own.get(r.hash, ())),
            **(_told(r, actor, people) if r.told else _as_own(own[r.hash][0])),
        )
        for r in rows
    ]


def _told(row: rows.Selected, actor: Actor, people: Mapping[UUID, str]) -> dict[str, Any]:
    """How a version of the installation came about."""
    return {
        "state": row.state,
        "note": SHIPPED if row.note == SHIPPED else row.note,
        "author": people.get(row.author_id, ""),
        "approver": people.get(row.approver_id, ""),
        "created_at": row.created_at,
        "decided_at": row.decided_at,
        "mine": row.author_id is not None and row.author_id == actor.id,
    }


def _as_own(own: own_versions.Own) -> dict[str, Any]:
    """The same of a version that the reader knows only as a union's own."""
    names = "note", "author", "approver", "created_at", "decided_at", "mine"
    return {"state": DefinitionState.OWN.value, **{name: getattr(own, name) for name in names}}


def listing(session: Session, actor: Actor, lang: str = "zh") -> tuple[Listed, ...]:
    """Every process, by its id; proposals only for those who handle them."""
    by_process: dict[str, list[Version]] = {}
    for version in _versions(session, actor, _rows(session, actor), lang):
        by_process.setdefault(version.process_id, []).append(version)
    return tuple(_listed(session, key, found, lang) for key, found in by_process.items())


def _listed(session: Session, process_id: str, versions: list[Version], lang: str) -> Listed:
    current = next((v for v in versions if v.latest), None)
    shown = current or versions[0]  # of what is in force for all
    try:
        process = process_of(session, shown.hash)
        summary, basis = process.summary.in_(lang), process.basis.in_(lang)
    except ProcessFault:
        summary = basis = ""
    waiting = tuple(v for v in versions if v.state == "proposed")
    own = (each for version in versions for each in version.own if each.matters)
    return Listed(
        process_id=process_id,
        title=shown.title,
        summary=summary,
        basis=basis,
        current=current,
        versions=len(versions),
        waiting=waiting,
        own=tuple(own),
    )


def versions(
    session: Session, actor: Actor, process_id: str, lang: str = "zh"
) -> tuple[Version, ...]:
    """The versions of a process, the newest first. Raises NotFound when there is none to see."""
    rows = _rows(session, actor, _definition.process_id == process_id)
    if not rows:
        raise NotFound
    return tuple(_versions(session, actor, rows, lang))


def one(session: Session, actor: Actor, digest: str, lang: str = "zh") -> Version:
    """A version by its hash. Raises NotFound."""
    rows = _rows(session, actor, _definition.hash == digest)
    if not rows:
        raise NotFound
    return _versions(session, actor, rows, lang)[0]


def diagram(session: Session, actor: Actor, digest: str) -> str:
    """The BPMN file of a version. Raises NotFound."""
    return process_of(session, one(session, actor, digest).hash).files["process.bpmn"]


def full(session: Session, actor: Actor, digest: str, lang: str = "zh") -> Full:
    """A version with everything in it. Raises NotFound."""
    version = one(session, actor, digest, lang)
    process = process_of(session, digest)
    others = tuple(
        v for v in versions(session, actor, version.process_id, lang) if v.hash != digest
    )
    return Full(
        version=version,
        process=process,
        lanes=_lanes(process, lang),
        outline=outline(process),
        stories=stories(session, version, lang),
        others=others,
    )


def _lanes(process: Process, lang: str) -> tuple[LaneSteps, ...]:
    found = []
    for key in process.lanes:
        lane = process.lanes[key]
        steps = tuple(_step(process, t, lang) for t in process.tasks.values() if t.lane == key)
        found.append(LaneSteps(lane.title.in_(lang), steps))
    return tuple(found)


def _step(process: Process, rule: TaskRule, lang: str) -> Step:
    labels = {
        c.value: (c.label_en if lang == "en" and c.label_en else c.label) for c in _choices(rule)
    }
    return Step(
        id=rule.id,
        title=rule.title.in_(lang),
        asks=rule.asks.in_(lang),
        due=rule.due,
        poll=rule.poll.passes if rule.poll else "",
        not_by=tuple(process.title_of(t, lang) for t in rule.not_by),
        recuse=rule.recuse,
        next=tuple((labels.get(k, k), w.in_(lang)) for k, w in (rule.next or {}).items()),
    )


def _choices(rule: TaskRule) -> tuple[Any, ...]:
    fields = rule.form.fields if rule.form else ()
    return next((f.choices for f in fields if f.key == rule.outcomes), ())


def outline(process: Process) -> str:
    """The process in words; empty when it cannot be told."""
    try:
        return telling.outline(process)
    except ProcessFault:
        return ""


def whole_folder(session: Session, actor: Actor, digest: str) -> dict[str, str]:
    """All files of a version as it was handed in, stories and notes among them. Raises NotFound."""
    version = one(session, actor, digest)
    files = process_of(session, digest).files
    return {**files, **beside(session, version)}


def beside(session: Session, version: Version) -> Mapping[str, str]:
    """The stories and notes of a version: as they were handed in, else as they stand in the folder
    on disk, when it holds just this version. Of one that waits, or that the reader knows, as a
    union's own: those handed in for that union.
    """
    if own := _spoken_for(version):
        return own.beside
    kept = select(_definition.beside).where(_definition.hash == version.hash)
    found = session.execute(kept).scalar()
    if found or not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", version.process_id):
        return found or {}
    return _on_disk(settings.load().processes / version.process_id, version.hash)


@lru_cache(maxsize=64)
def _on_disk(path: Path, digest: str) -> Mapping[str, str]:
    try:
        files = folder.read(path)
    except (ProcessFault, OSError):
        return {}
    return folder.unfrozen(files) if folder.fingerprint(files) == digest else {}


def _spoken_for(version: Version) -> own_versions.Own | None:
    """The union's own version whose stories are to be read, where it is not the common one's."""
    if version.state == DefinitionState.OWN:
        return version.own[0]
    waits = (own for own in version.own if own.state == "proposed")
    return None if version.state == DefinitionState.PROPOSED else next(waits, None)


def stories(session: Session, version: Version, lang: str = "zh") -> tuple[Story, ...]:
    """The stories of a version, by file, and how each went before the version was approved."""
    files = beside(session, version)
    own = _spoken_for(version)
    results = _results(session, str(own.id) if own else version.hash)
    names = sorted(n for n in files if n.startswith("scenarios/") and n.endswith(".toml"))
    return tuple(_story(name, files[name], results.get(name), lang) for name in names)


def _results(session: Session, key: str) -> dict[str, Any]:
    column = tables.rehearsal.c
    rows = session.execute(select(tables.rehearsal).where(column.version == key))
    return {row.file: row for row in rows}


def _story(name: str, text: str, result: Any, lang: str) -> Story:
    told = _headed(text)
    title = (told.get("title_en") if lang == "en" else None) or told.get("title") or name
    ok, why = (None, "") if result is None else (result.ok, restored(result.why))
    return Story(name, str(title), str(told.get("proves", "")), ok, why)


@lru_cache(maxsize=1024)  # a version keeps its stories for ever, and may have hundreds
def _headed(text: str) -> Mapping[str, Any]:
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
    return {key: told[key] for key in ("title", "title_en", "proves") if key in told}
