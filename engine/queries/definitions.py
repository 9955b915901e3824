"""Process definitions for readers: the list, and a version in words and tables."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine import settings
from engine.db import tables
from engine.definitions import folder
from engine.definitions import outline as telling
from engine.definitions.store import SHIPPED, process_of
from engine.errors import NotFound, ProcessFault
from engine.messages import restored
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.process import TaskRule
    from engine.people.organisation import Actor

_definition = tables.definition.c


@dataclass(frozen=True)
class Version:
    """A version in a list. `latest`: new instances get it.."""

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


@dataclass(frozen=True)
class Listed:
    """A process with its version in force (None: none yet) and its proposals that wait."""

    process_id: str
    title: str
    summary: str
    basis: str
    current: Version | None
    versions: int
    waiting: tuple[Version, ...]


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
    columns = [c for c in _definition if c.name not in ("files", "beside")]
    query = select(*columns).where(*conditions)
    handles = access.may_somewhere(actor, "propose_definition")
    if not handles:  # who does sees the proposed and refused ones too
        query = query.where(_definition.state.in_(("published", "retired")))
    return list(
        session.execute(query.order_by(_definition.process_id, _definition.number.desc())).all()
    )


def _versions(session: Session, actor: Actor, rows: list[Any], lang: str) -> list[Version]:
    newest = (
        select(_definition.process_id, func.max(_definition.rank).label("rank"))
        .where(_definition.state == "published")
        .group_by(_definition.process_id)
    )
    latest: dict[str, int] = dict(session.execute(newest).tuples().all())
    people = organisation.names(
        session, [i for r in rows for i in (r.author_id, r.approver_id) if i]
    )
    return [
        Version(
            hash=r.hash,
            process_id=r.process_id,
            number=r.number,
            state=r.state,
            title=r.title_en or r.title if lang == "en" else r.title,
            note=SHIPPED if r.note == SHIPPED else r.note,
            author=people.get(r.author_id, ""),
            approver=people.get(r.approver_id, ""),
            created_at=r.created_at,
            decided_at=r.decided_at,
            latest=latest.get(r.process_id) == r.rank and r.state == "published",
            mine=r.author_id is not None and r.author_id == actor.id,
        )
        for r in rows
    ]


def listing(session: Session, actor: Actor, lang: str = "zh") -> tuple[Listed, ...]:
    """Every process, by its id; proposals only for those who handle them."""
    by_process: dict[str, list[Version]] = {}
    for version in _versions(session, actor, _rows(session, actor), lang):
        by_process.setdefault(version.process_id, []).append(version)
    return tuple(_listed(session, key, found, lang) for key, found in by_process.items())


def _listed(session: Session, process_id: str, versions: list[Version], lang: str) -> Listed:
    current = next((v for v in versions if v.latest), None)
    shown = current or versions[0]
    try:
        process = process_of(session, shown.hash)
        summary, basis = process.summary.in_(lang), process.basis.in_(lang)
    except ProcessFault:
        summary = basis = ""
    waiting = tuple(v for v in versions if v.state == "proposed")
    return Listed(
        process_id=process_id,
        title=shown.title,
        summary=summary,
        basis=basis,
        current=current,
        versions=len(versions),
        waiting=waiting,
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
        stories=stories(session, process.id, digest, lang),
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
    return {**files, **beside(session, version.process_id, digest)}


def beside(session: Session, process_id: str, digest: str) -> Mapping[str, str]:
    """The stories and notes of a version: as they were handed in, else as they stand in the folder
    on disk, when it holds just this version.
    """
    kept = session.execute(select(_definition.beside).where(_definition.hash == digest)).scalar()
    if kept or not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", process_id):
        return kept or {}
    return _on_disk(settings.load().processes / process_id, digest)


@lru_cache(maxsize=64)
def _on_disk(path: Path, digest: str) -> Mapping[str, str]:
    try:
        files = folder.read(path)
    except (ProcessFault, OSError):
        return {}
    return folder.unfrozen(files) if folder.fingerprint(files) == digest else {}


def stories(session: Session, process_id: str, digest: str, lang: str = "zh") -> tuple[Story, ...]:
    """The stories of a version, by file, and how each went before the version was approved."""
    files, results = beside(session, process_id, digest), _results(session, digest)
    names = sorted(n for n in files if n.startswith("scenarios/") and n.endswith(".toml"))
    return tuple(_story(name, files[name], results.get(name), lang) for name in names)


def _results(session: Session, digest: str) -> dict[str, Any]:
    column = tables.rehearsal.c
    rows = session.execute(select(tables.rehearsal).where(column.version == digest))
    return {row.file: row for row in rows}


def _story(name: str, text: str, result: Any, lang: str) -> Story:
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        told = {}
    title = (told.get("title_en") if lang == "en" else None) or told.get("title") or name
    ok, why = (None, "") if result is None else (result.ok, restored(result.why))
    return Story(name, str(title), str(told.get("proves", "")), ok, why)
