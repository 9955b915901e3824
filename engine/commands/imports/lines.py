"""One row of an import while it is being checked: its values, what is wrong with it, and what is to be done."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.commands.people import words
from engine.db import tables
from engine.errors import Invalid
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")


@dataclass
class Line:
    """A row: `do` is create, change or skip; `plan` holds what will be written, plain JSON, old values included."""

    number: int
    values: dict[str, str]
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    do: str = ""
    plan: dict[str, Any] = field(default_factory=dict)

    @property
    def level(self) -> str:
        """error, warning or ok."""
        return "error" if self.errors else "warning" if self.warnings else "ok"

    def take(self, key: str, check: Callable[[str], Any]) -> Any:
        """The cleaned value of a column; None, and an error on record, when it is wrong."""
        try:
            return check(self.values.get(key, ""))
        except Invalid as fault:
            self.errors.extend(
                m for messages in fault.fields.values() for m in messages if m not in self.errors
            )
            return None

    def need(self, key: str, title: str) -> str:
        """The text of a column that must be filled."""
        text = self.values.get(key, "").strip()
        if not text:
            self.errors.append(_("没有填“{title}”。", title=title))
        return text

    def skip(self, why: str) -> None:
        """Nothing is to be done."""
        self.do = "skip"
        self.warnings.append(why)


def day(text: str) -> date:
    """A day written 2026-03-01, 2026/3/1, 2026.3.1 or 2026年3月1日. Raises Invalid."""
    found = _DAY.fullmatch(text.strip())
    try:
        made = date(*map(int, found.groups())) if found else None
    except ValueError:
        made = None
    if made is None:
        raise Invalid({"day": [_("日期“{text}”不对，请写成 2026-03-01。", text=text[:20])]})
    return made


def days_of(line: Line) -> tuple[date, date | None] | None:
    """The first and last day of a row; None, with errors, when they are wrong."""
    if not line.need("from_on", "起"):
        return None
    from_on = line.take("from_on", day)
    to_on = line.take("to_on", lambda text: day(text) if text.strip() else None)
    if from_on is None or (to_on is None and line.values.get("to_on", "").strip()):
        return None
    try:
        words.days(from_on, to_on)
    except Invalid as fault:
        line.errors.extend(m for messages in fault.fields.values() for m in messages)
        return None
    return from_on, to_on


def may_import(actor: Actor, union_id: UUID | None) -> bool:
    """May this actor write into that union?"""
    return union_id is not None and access.may(actor, "import_people", union_id)


def units_by_code(session: Session, codes: Iterable[str]) -> dict[str, Any]:
    """The units with these codes."""
    unit = tables.unit.c
    wanted = sorted(set(codes))
    rows = session.execute(select(tables.unit).where(unit.code.in_(wanted))).all() if wanted else []
    return {row.code: row for row in rows}


def members_by_username(session: Session, usernames: Iterable[str]) -> dict[str, Any]:
    """The members with these user names."""
    member = tables.member.c
    wanted = sorted(set(usernames))
    columns = [c for c in member if c.name != "password"]
    rows = (
        session.execute(select(*columns).where(member.username.in_(wanted))).all() if wanted else []
    )
    return {row.username: row for row in rows}


def unit_for(line: Line, actor: Actor, units: dict[str, Any]) -> Any:
    """The unit that a row names, if it is there, in use and in a union that the actor may write into."""
    code = line.need("unit_code", "单位编码")
    if not code:
        return None
    unit = units.get(code)
    if unit is None or not may_import(actor, unit.union_id):
        line.errors.append(_("没有编码为“{code}”的单位。", code=code))
        return None
    if not unit.active:
        line.errors.append(_("单位“{name}”已撤销。", name=unit.name))
        return None
    return unit


def tell_twins(lines: Iterable[Line], key: str, title: str, fold: Callable[[str], str]) -> None:
    """An error on every row that repeats the key of an earlier one."""
    first: dict[str, int] = {}
    for line in lines:
        value = fold(line.values.get(key, ""))
        if value and value in first:
            line.errors.append(_("{title}与第 {first} 行重复。", title=title, first=first[value]))
        first.setdefault(value, line.number)
