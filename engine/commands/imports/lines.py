"""One row of an import while it is being checked: its values, what is wrong with it, and what is to
be done.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import select

from engine.commands.imports.columns import title_of
from engine.commands.people import words
from engine.db import tables
from engine.errors import Invalid
from engine.messages import Listed, Message, _
from engine.people import access, posts, spelling
from engine.people.organisation import INSTALLATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")


NEW = "new"  # the answer that a row means somebody who is not registered


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
    values included. `reads`: what was read as something else than is written. `choices`: the
    answers (value, label) to the question that stands among its errors, given as its value
    `same_as`.
    """

    number: int
    values: dict[str, str]
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    choices: list[tuple[str, str]] = field(default_factory=list)
    unit: str = ""  # the name of the unit it means, once known
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

    def read_as(self, title: Message, written: str, meant: str) -> None:
        """Say that a value was taken for another."""
        self.reads.append(
            _("{column}“{written}”读作“{meant}”", column=title, written=written, meant=meant)
        )

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


class Units:
    """The units that the rows of a file may mean: by code, or by name among those that the actor
    writes into.
    """

    def __init__(self, session: Session, actor: Actor) -> None:
        unions = [union for union in access.unions(actor, "import_people") if union != INSTALLATION]
        query = select(tables.unit).where(tables.unit.c.union_id.in_(unions))
        found = session.execute(query.order_by(tables.unit.c.id))
        self.by_code: dict[str, rows.Unit] = {}
        self.by_name: dict[str, list[rows.Unit]] = defaultdict(list)
        for unit in cast("Iterable[rows.Unit]", found):
            self.by_code[unit.code] = unit
            full = {spelling.words(unit.name), spelling.words(unit.name_en).casefold()} - {""}
            for name in full | {_short(name) for name in full}:
                self.by_name[name].append(unit)

    def named(self, text: str) -> list[rows.Unit]:
        """The units in use that a text names, outright or but for what lists write behind it."""
        for name in (text, text.casefold(), _short(text)):
            if found := [unit for unit in self.by_name.get(name, ()) if unit.active]:
                outright = [unit for unit in found if spelling.words(unit.name) == text]
                return outright or found
        return []


def _short(name: str) -> str:
    """A unit's name without what tells of which body of it is spoken."""
    endings = posts.kinds().categories.unit_endings
    end = next((end for end in endings if name.endswith(end) and name != end), "")
    return name.removesuffix(end)


def members_of(session: Session, lines: Iterable[Line]) -> dict[str, Registered]:
    """The members that these rows name, by user name."""
    member = tables.member.c
    names = sorted({words.login_name(line.values.get("username", "")) for line in lines})
    columns = [member[name] for name in Registered._fields]
    found = session.execute(select(*columns).where(member.username.in_(names)))
    return {row.username: Registered._make(row) for row in found}


def unit_for(line: Line, units: Units) -> rows.Unit | None:
    """The unit that a row names by its code or name, if it is there, in use and in a union that
    the actor may write into. Of several of one name the code must tell which.
    """
    text = line.need("unit_code")
    if not text:
        return None
    unit = units.by_code.get(text) or units.by_code.get(spelling.code(text))
    if unit is None:
        named = units.named(text)
        if len(named) > 1:
            codes = Listed(each.code for each in named)
            line.errors.append(
                _("有几个单位叫“{name}”，请写编码：{codes}。", name=text, codes=codes)
            )
            return None
        if not named:
            line.errors.append(_("没有编码或名称为“{code}”的单位。", code=text))
            return None
        unit = named[0]
        if text != unit.code:
            shown = f"{unit.name}（{unit.code}）"
            line.read_as(title_of("unit_code"), text, shown)
    if not unit.active:
        line.errors.append(_("单位“{name}”已撤销。", name=unit.name))
        return None
    line.unit = unit.name
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


class Namesakes:
    """Who is registered in the unions, by unit and name: a row that brings the same name into the
    same unit under a new number may mean the same person.
    """

    def __init__(self, session: Session, units: Units) -> None:
        member = tables.member.c
        here = {unit.union_id for unit in units.by_code.values()}
        columns = [member[name] for name in Registered._fields]
        query = select(*columns).where(member.union_id.in_(here), member.active)
        self.found: dict[tuple[UUID, str], list[Registered]] = defaultdict(list)
        for row in session.execute(query.order_by(member.username)):
            found = Registered._make(row)
            self.found[found.unit_id, spelling.words(found.name)].append(found)

    def ask(self, line: Line, unit_id: UUID, name: str) -> Registered | None:
        """Whom a row with a new number means: somebody registered, by its answer, or None for
        somebody new. Without an answer the row asks, by an error.
        """
        there: Sequence[Registered] = self.found.get((unit_id, spelling.words(name)), ())
        if not there:
            return None
        same = words.login_name(line.values.get("same_as", ""))
        if same == NEW:
            return None
        for member in there:
            if member.username == same:
                line.read_as(title_of("username"), line.text("username"), member.username)
                return member
        numbers = Listed(member.username for member in there)
        line.choices += [
            (member.username, f"{member.name}（{member.username}）") for member in there
        ]
        line.choices.append((NEW, _("另一个人，新登记")))
        line.errors.append(
            _(
                "同一单位已有同名的人（{numbers}）：是同一个人，还是另一个人？请选定。",
                numbers=numbers,
            )
        )
        return None
