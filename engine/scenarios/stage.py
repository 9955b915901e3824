"""Sets the stage of a story: a union of its own with units, people and posts, and the process in force."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import clock, definitions, law
from engine.commands import instances
from engine.db import tables
from engine.definitions.process import frozen
from engine.errors import Invalid, ProcessFault
from engine.instance.union_law import UnionLaw, rulebook
from engine.scenarios.story import cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.db import Session
    from engine.definitions import Process
    from engine.scenarios.story import Story

UNION = "union"
_POST = re.compile(
    r"([a-z][a-z0-9_]*)(?:@(\S+?))?(?: from (\d{4}-\d\d-\d\d))?(?: until (\d{4}-\d\d-\d\d))?"
)


@dataclass(frozen=True)
class Stage:
    """Who and what there is: ids by the names that a story uses. Units stand under their codes and their names."""

    process: Process
    others: Mapping[str, Process]  # further processes in force, by id
    union_id: UUID
    units: Mapping[str, UUID]
    members: Mapping[str, UUID]


@dataclass(frozen=True)
class _Held:
    name: str
    kind: str
    unit: UUID
    since: date
    until: date | None


def set_up(
    session: Session,
    story: Story,
    files: Mapping[str, str],
    standard: Mapping[str, Any],
    others: Mapping[str, Mapping[str, str]],
) -> Stage:
    """Everything that stands before the first step. Raises ProcessFault for posts and units that cannot be meant."""
    mark = tables.new_id().hex[-12:]
    units = _units(session, {**standard, **({"city": story.city} if story.city else {})}, mark)
    held, everybody = _posts(story, standard, units)
    members = _members(session, everybody, held, units, mark)
    _take_office(session, held, members, str(standard.get("term", "")))
    _own_rules(session, story, units[UNION], next(iter(members.values())))
    more = {key: _published(session, each) for key, each in others.items()}
    return Stage(_published(session, files), more, units[UNION], units, members)


def standing(
    session: Session,
    process_id: str,
    union: str,
    members: Mapping[str, UUID],
    units: Mapping[str, str],
) -> Stage:
    """A stage that is there already: a union by its code, its people by name, the process in force."""
    unit = tables.unit.c
    union_id = session.execute(select(unit.id).where(unit.code == union)).scalar_one()
    known = {UNION: union_id, **{code: UUID(key) for code, key in units.items()}}
    return Stage(instances.current(session, process_id), {}, union_id, known, members)


def _units(session: Session, standard: Mapping[str, Any], mark: str) -> dict[str, UUID]:
    table = standard.get("units", {})
    if UNION not in table:
        raise ProcessFault(
            "标准班底里没有校工会。", file="stories.toml", advice="请写 [units.union]。"
        )
    ids = {code: tables.new_id() for code in table}
    above = {unit["above"]: ids[code] for code, unit in table.items() if unit.get("above")}
    ours = {"managing_id": above.get("managing"), "guiding_id": above.get("guiding")}
    rows = [
        {
            "id": ids[code],
            "code": f"story-{mark}-{code}",
            "kind": unit.get("kind", "department"),
            "name": unit.get("name", code),
            "name_en": unit.get("name_en", ""),
            "parent_id": None if code == UNION or unit.get("above") else ids[UNION],
            "union_id": ids[code] if unit.get("above") else ids[UNION],
            "city": standard.get("city", ""),
            "active": True,
            **(ours if code == UNION else dict.fromkeys(ours)),
        }
        for code, unit in sorted(
            table.items(), key=lambda pair: (not pair[1].get("above"), pair[0] != UNION)
        )
    ]
    session.execute(insert(tables.unit), rows)
    return ids | {unit["name"]: ids[code] for code, unit in table.items() if unit.get("name")}


def _posts(
    story: Story, standard: Mapping[str, Any], units: Mapping[str, UUID]
) -> tuple[list[_Held], list[str]]:
    """The posts of the story's own people; a standing holder steps aside where the story fills the same post itself."""
    since = standard.get("from", date(2020, 1, 1))
    own = [_held(name, text, units, since) for name, posts in story.cast.items() for text in posts]
    filled = {(each.kind, each.unit) for each in own}
    standing = cast(standard.get("cast", {}))
    rest = [
        _held(name, text, units, since)
        for name, posts in standing.items()
        if name not in story.cast
        for text in posts
    ]
    return own + [each for each in rest if (each.kind, each.unit) not in filled], [
        *story.cast,
        *(standing.keys() - story.cast.keys()),
    ]


def _held(name: str, text: str, units: Mapping[str, UUID], since: date) -> _Held:
    found = _POST.fullmatch(text.strip())
    if found is None:
        raise ProcessFault(
            f"{name} 的职务“{text}”读不懂。",
            advice='请写成 "formal_delegate@信息学院"，可加 " until 2026-03-20"（最后一天）。',
        )
    kind, unit, begin, end = found.groups()
    if (unit or UNION) not in units:
        raise ProcessFault(
            f"{name} 的职务“{text}”里没有单位 {unit}。", advice=f"可以写：{'、'.join(units)}。"
        )
    try:
        return _Held(name, kind, units[unit or UNION], _day(begin) or since, _day(end))
    except ValueError:
        raise ProcessFault(
            f"{name} 的职务“{text}”里的日期不对。", advice="请写成 2026-03-20。"
        ) from None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _members(
    session: Session, names: Iterable[str], held: list[_Held], units: Mapping[str, UUID], mark: str
) -> dict[str, UUID]:
    unit = tables.unit.c
    found = session.execute(select(unit.id, unit.union_id).where(unit.id.in_(units.values())))
    unions = {row.id: row.union_id for row in found}
    home = {each.name: each.unit for each in reversed(held)}
    ids = {name: tables.new_id() for name in names}
    rows = [
        {
            "id": key,
            "username": f"story-{mark}-{number}",
            "name": name,
            "unit_id": home.get(name, units[UNION]),
            "union_id": unions[home.get(name, units[UNION])],
            "created_at": clock.now(),
        }
        for number, (name, key) in enumerate(ids.items())
    ]
    session.execute(insert(tables.member), rows)
    return ids


def _take_office(
    session: Session, held: list[_Held], members: Mapping[str, UUID], term: str
) -> None:
    rows = [
        {
            "id": tables.new_id(),
            "member_id": members[each.name],
            "kind": each.kind,
            "unit_id": each.unit,
            "term": term,
            "from_on": each.since,
            "to_on": each.until,
        }
        for each in held
    ]
    if rows:
        session.execute(insert(tables.post), rows)


def _own_rules(session: Session, story: Story, union_id: UUID, proposer: UUID) -> None:
    """What the university sets for itself in this story: numbers of rules, and vacations.

    Raises ProcessFault for a value that a union could not set, such as one that loosens law.
    """
    if story.rules:
        places = UnionLaw.of(session, union_id).jurisdictions
        for rule, value in story.rules.items():
            try:
                law.check_setting(
                    rulebook(), law.Setting(rule, value, clock.today(), source="故事"), places
                )
            except Invalid as fault:
                raise ProcessFault(f"[rules] 里的“{rule}”：{fault.message}") from None
    rules = [
        {
            "id": tables.new_id(),
            "unit_id": union_id,
            "rule_id": rule,
            "value": value.numerator,
            "per": value.denominator,
            "valid_from": date(2000, 1, 1),
            "source": "故事",
            "state": "in_force",
            "proposer_id": proposer,
            "created_at": clock.now(),
        }
        for rule, value in story.rules.items()
    ]
    vacations = [
        {
            "id": tables.new_id(),
            "unit_id": union_id,
            "name": str(v.get("name", "假期")),
            "from_on": v["from"],
            "to_on": v["to"],
        }
        for v in story.vacations
    ]
    if rules:
        session.execute(insert(tables.setting), rules)
    if vacations:
        session.execute(insert(tables.vacation), vacations)


def _published(session: Session, files: Mapping[str, str]) -> Process:
    """Make these files the version that new instances get."""
    process = definitions.load(files)
    column = tables.definition.c
    newest = select(func.coalesce(func.max(column.number), 0)).where(
        column.process_id == process.id
    )
    last = session.execute(newest).scalar_one()
    now = clock.now()
    row = {
        "hash": process.hash,
        "process_id": process.id,
        "number": last + 1,
        "state": "published",
        "title": process.title.zh,
        "title_en": process.title.en,
        "files": frozen(files),
        "note": "",
        "created_at": now,
        "decided_at": now,
    }
    put = (
        upsert(tables.definition)
        .values(**row)
        .on_conflict_do_nothing(index_elements=["hash"])
        .returning(column.hash)
    )
    made = session.execute(put).first()
    if made is None:
        known = session.execute(
            select(column.number, column.state).where(column.hash == process.hash)
        ).one()
        if (known.number, known.state) != (last, "published"):
            session.execute(
                update(tables.definition)
                .where(column.hash == process.hash)
                .values(number=last + 1, state="published")
            )
    return process
