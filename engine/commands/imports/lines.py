"""One row of an import while it is being checked: its values, what is wrong with it, and what is to
be done.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import select

from engine.commands.imports.columns import title_of
from engine.commands.people import words
from engine.db import tables
from engine.errors import Invalid
from engine.messages import Message, _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")


class Registered(NamedTuple):
    """A member as far as an import looks at one."""

    id: UUID
    username: str
    name: str
    unit_id: UUID
    union_id: UUID
    phone: str
    email: str
    active: bool


@dataclass
class Line:
    """A row: `do` is create, change or skip; `plan` holds what will be written, plain JSON, old
    values included.
    """

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

    def text(self, key: str) -> str:
        """The text of a column, "" when it is empty."""
        return self.values.get(key, "").strip()

    def take(self, key: str, check: Callable[[str], Any]) -> Any:
        """The cleaned value of a column; None, and an error on record, when it is wrong."""
        try:
            return check(self.values.get(key, ""))
        except Invalid as fault:
            self.refuse(fault)
            return None

    def refuse(self, fault: Invalid) -> None:
        """What is wrong with it, said once."""
        said = [message for messages in fault.fields.values() for message in messages]
        self.errors.extend(message for message in said if message not in self.errors)

    def need(self, key: str) -> str:
        """The text of a column that must be filled."""
        text = self.text(key)
        if not text:
            self.errors.append(_("没有填“{title}”。", title=title_of(key)))
        return text

    def skip(self) -> None:
        """Nothing is to be done: it is all there."""
        self.do = "skip"
        self.warnings.append(_("已登记，内容相同，跳过。"))


def replaced(title: Message, old: str, new: str) -> Message:
    """A warning: what is registered will be replaced."""
    return _("已登记，{title}将由“{old}”改为“{new}”。", title=title, old=old, new=new)


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
    if not line.need("from_on"):
        return None
    from_on = line.take("from_on", day)
    to_on = line.take("to_on", day) if line.text("to_on") else None
    if from_on is None or (to_on is None and line.text("to_on")):
        return None
    try:
        words.days(from_on, to_on)
    except Invalid as fault:
        line.refuse(fault)
        return None
    return from_on, to_on


def may_import(actor: Actor, union_id: UUID | None) -> bool:
    """May this actor write into that union?"""
    return union_id is not None and access.may(actor, "import_people", union_id)


def units_of(session: Session, lines: Iterable[Line]) -> dict[str, rows.Unit]:
    """The units that these rows name, by code."""
    codes = sorted({line.values.get("unit_code", "") for line in lines})
    found = session.execute(select(tables.unit).where(tables.unit.c.code.in_(codes)))
    return {unit.code: unit for unit in cast("Iterable[rows.Unit]", found)}


def members_of(session: Session, lines: Iterable[Line]) -> dict[str, Registered]:
    """The members that these rows name, by user name."""
    member = tables.member.c
    names = sorted({words.login_name(line.values.get("username", "")) for line in lines})
    columns = [member[name] for name in Registered._fields]
    found = session.execute(select(*columns).where(member.username.in_(names)))
    return {row.username: Registered._make(row) for row in found}


def unit_for(line: Line, actor: Actor, units: Mapping[str, rows.Unit]) -> rows.Unit | None:
    """The unit that a row names, if it is there, in use and in a union that the actor may write
    into.
    """
    code = line.need("unit_code")
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


def tell_twins(lines: Iterable[Line], key: str, fold: Callable[[str], str]) -> None:
    """An error on every row that repeats the key of an earlier one."""
    first: dict[str, int] = {}
    for line in lines:
        value = fold(line.values.get(key, ""))
        if value and value in first:
            line.errors.append(
                _("{title}与第 {first} 行重复。", title=title_of(key), first=first[value])
            )
        first.setdefault(value, line.number)
