"""The world of a story: a union of its own with units, people and posts, and the process in
force.
"""

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
from engine.db.states import DefinitionState, SettingState
from engine.definitions.folder import frozen
from engine.errors import Invalid, ProcessFault
from engine.instance.union_law import UnionLaw, rulebook
from engine.instance.verbs import lendable
from engine.messages import Listed, _
from engine.scenarios.story import cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.db import Session
    from engine.definitions import Process
    from engine.scenarios.story import Story

UNION, TENANT = (
    "union",
    "tenant",
)  # the code of the union among the units; it may be written either way
SOURCE = "故事"  # of the numbers that a story sets
_definition = tables.definition.c
_POST = re.compile(
    r"([a-z][a-z0-9_]*)(?:@(\S+?))?(?: from (\d{4}-\d\d-\d\d))?(?: until (\d{4}-\d\d-\d\d))?"
)


@dataclass(frozen=True)
class World:
    """Who and what there is: ids by the names that a story uses. Units stand under their codes and
    their names.
    """

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


def build(
    session: Session,
    story: Story,
    files: Mapping[str, str],
    standard: Mapping[str, Any],
    others: Mapping[str, Mapping[str, str]],
) -> World:
    """Everything that stands before the first step. Raises ProcessFault for posts and units that
    cannot be meant.
    """
    mark = tables.new_id().hex[-12:]
    units = _units(session, {**standard, **({"city": story.city} if story.city else {})}, mark)
    held, everybody = _posts(story, standard, units)
    members = _members(session, everybody, held, units, mark)
    _take_office(session, held, members, str(standard.get("term", "")))
    _own_rules(session, story, units[UNION], next(iter(members.values())))
    more = {key: _published(session, each) for key, each in others.items()}
    return World(_published(session, files), more, units[UNION], units, members)


def existing(
    session: Session,
    process_id: str,
    union: str,
    members: Mapping[str, UUID],
    units: Mapping[str, str],
) -> World:
    """A world that is there already: a union by its code, its people by name, the process in
    force.
    """
    unit = tables.unit.c
    union_id = session.execute(select(unit.id).where(unit.code == union)).scalar_one()
    known = {UNION: union_id, **{code: UUID(key) for code, key in units.items()}}
    return World(instances.current(session, process_id, union_id), {}, union_id, known, members)


def _units(session: Session, standard: Mapping[str, Any], mark: str) -> dict[str, UUID]:
    """Adds the units of the cast; gives their ids by code and by name. The codes stored are unique
    by `mark`.
    """
    written: dict[str, dict[str, str]] = standard.get("units", {})
    declared = {UNION if code == TENANT else code: unit for code, unit in written.items()}
    if UNION not in declared:
        wrong, advice = _("标准班底里没有本组织。"), _("请写 [units.tenant]。")
        raise ProcessFault(wrong, file="stories.toml", advice=advice)
    ids = {code: tables.new_id() for code in declared}
    above = {unit["above"]: ids[code] for code, unit in declared.items() if unit.get("above")}
    superiors = {"managing_id": above.get("managing"), "guiding_id": above.get("guiding")}
    nobody = dict.fromkeys(superiors)
    city = standard.get("city", "")
    # Superiors first, then the union: what others refer to must be there.
    order = sorted(declared, key=lambda code: (not declared[code].get("above"), code != UNION))
    added = [
        {
            **_unit_row(code, declared[code], ids),
            "code": f"story-{mark}-{code}",
            "city": city,
            **(superiors if code == UNION else nobody),
        }
        for code in order
    ]
    session.execute(insert(tables.unit), added)
    names = {unit["name"]: ids[code] for code, unit in declared.items() if unit.get("name")}
    return ids | {TENANT: ids[UNION]} | names


def _unit_row(code: str, unit: Mapping[str, str], ids: Mapping[str, UUID]) -> dict[str, Any]:
    """A unit above the union is its own; every other belongs to the union."""
    is_superior = bool(unit.get("above"))
    return {
        "id": ids[code],
        "kind": unit.get("kind", "department"),
        "name": unit.get("name", code),
        "name_en": unit.get("name_en", ""),
        "parent_id": None if code == UNION or is_superior else ids[UNION],
        "union_id": ids[code if is_superior else UNION],
        "active": True,
    }


def _posts(
    story: Story, standard: Mapping[str, Any], units: Mapping[str, UUID]
) -> tuple[list[_Held], list[str]]:
    """The posts held, and everybody's names. A standing holder steps aside where the story fills
    the same post itself.
    """
    since, standing = standard.get("from", date(2020, 1, 1)), cast(standard.get("cast", {}))
    own = [_held(name, text, units, since) for name, posts in story.cast.items() for text in posts]
    filled = {(each.kind, each.unit) for each in own}
    others = {name: posts for name, posts in standing.items() if name not in story.cast}
    rest = [_held(name, text, units, since) for name, posts in others.items() for text in posts]
    held = own + [each for each in rest if (each.kind, each.unit) not in filled]
    return held, [*story.cast, *others]


def _held(name: str, text: str, units: Mapping[str, UUID], since: date) -> _Held:
    found = _POST.fullmatch(text.strip())
    if found is None:
        advice = _('请写成 "职务@单位"，可加 " until 2026-03-20"（最后一天）。')
        raise ProcessFault(_("{name} 的职务“{text}”读不懂。", name=name, text=text), advice=advice)
    kind, unit, begin, end = found.groups()
    if (unit or UNION) not in units:
        wrong = _("{name} 的职务“{text}”里没有单位 {unit}。", name=name, text=text, unit=unit)
        raise ProcessFault(wrong, advice=_("可以写：{allowed}。", allowed=Listed(units)))
    try:
        since, until = _day(begin) or since, _day(end)
    except ValueError:
        wrong = _("{name} 的职务“{text}”里的日期不对。", name=name, text=text)
        raise ProcessFault(wrong, advice=_("请写成 2026-03-20。")) from None
    return _Held(name=name, kind=kind, unit=units[unit or UNION], since=since, until=until)


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
    """What the union sets for itself in this story: numbers of rules, and vacations.

    Raises ProcessFault for a value that a union could not set, such as one that loosens law.
    """
    _refuse_unlawful(session, story, union_id)
    for rule, value in story.rules.items():
        setting = {
            "id": tables.new_id(),
            "unit_id": union_id,
            "rule_id": rule,
            "value": value.numerator,
            "per": value.denominator,
            "valid_from": date(2000, 1, 1),
            "source": SOURCE,
            "state": SettingState.IN_FORCE,
            "proposer_id": proposer,
            "created_at": clock.now(),
        }
        session.execute(insert(tables.setting).values(setting))
    for vacation in story.vacations:
        free = {
            "id": tables.new_id(),
            "unit_id": union_id,
            "name": str(vacation.get("name", "假期")),
            "from_on": vacation["from"],
            "to_on": vacation["to"],
        }
        session.execute(insert(tables.vacation).values(free))


def _refuse_unlawful(session: Session, story: Story, union_id: UUID) -> None:
    if not story.rules:
        return
    places = UnionLaw.of(session, union_id).jurisdictions
    for rule, value in story.rules.items():
        setting = law.Setting(rule, value, clock.today(), source=SOURCE)
        try:
            law.check_setting(rulebook(), setting, places)
        except Invalid as fault:
            wrong = _("[rules] 里的“{rule}”：{wrong}", rule=rule, wrong=fault.message)
            raise ProcessFault(wrong) from None


def _published(session: Session, files: Mapping[str, str]) -> Process:
    """Make these files the version that new instances get."""
    process = definitions.load(files)
    last = _last_number(session, process.id)
    put = (
        upsert(tables.definition)
        .values(**_version_row(process, files, last + 1))
        .on_conflict_do_nothing(index_elements=["hash"])
        .returning(_definition.hash)
    )
    if session.execute(put).first() is None:
        _put_in_force(session, process.hash, last)
    return process


def _last_number(session: Session, process_id: str) -> int:
    newest = func.coalesce(func.max(_definition.number), 0)
    query = select(newest).where(_definition.process_id == process_id)
    last: int = session.execute(query).scalar_one()
    return last


def _version_row(process: Process, files: Mapping[str, str], number: int) -> dict[str, Any]:
    now = clock.now()
    return {
        "hash": process.hash,
        "process_id": process.id,
        "number": number,
        "rank": number,
        "state": DefinitionState.PUBLISHED,
        "title": process.title.zh,
        "title_en": process.title.en,
        "files": frozen(files),
        "batch": process.batch,
        "lent": lendable(process),
        "note": "",
        "created_at": now,
        "decided_at": now,
    }


def _put_in_force(session: Session, digest: str, last: int) -> None:
    """A version that is known already becomes the newest, if it is not."""
    this = _definition.hash == digest
    known = session.execute(select(_definition.number, _definition.state).where(this)).one()
    if (known.number, known.state) != (last, DefinitionState.PUBLISHED):
        session.execute(
            update(tables.definition)
            .where(this)
            .values(number=last + 1, rank=last + 1, state=DefinitionState.PUBLISHED)
        )
