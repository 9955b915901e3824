"""Which duties a folder fulfils (`[[duty]]`), and all duties there are: processes/duties.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine import settings
from engine.definitions.words import words_of
from engine.errors import ProcessFault
from engine.forms.form import Choice
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.definitions.words import Words
    from engine.forms import Form

FILE = "duties.toml"
SOURCE = "duties"  # of a list in a form that offers all of the catalogue
OCCASION, TERM = "occasion", "term"  # periods that are no spans of the calendar
LAW = "LAW"  # the level of a duty that a law imposes


@dataclass(frozen=True)
class DutyRule:
    """A duty that a folder fulfils: `of`, its key in the catalogue, or `fact`, the answer that
    names it, where the folder enters what was done elsewhere.

    `when`: which instances are about it (empty: all). Elements: `opens` (none: the launch), `done`,
    `undone`, `breached`; `none`: ends at which it turned out not to apply. Expressions for days:
    `on`, when it was done; `due`, its last day; `until`, how long what was done holds.
    """

    of: str
    done: frozenset[str]
    fact: str = ""
    opens: frozenset[str] = frozenset()
    undone: frozenset[str] = frozenset()
    breached: frozenset[str] = frozenset()
    none: frozenset[str] = frozenset()
    when: str = ""
    on: str = ""
    due: str = ""
    until: str = ""


def duties_of(tables: Iterable[Mapping[str, Any]]) -> tuple[DutyRule, ...]:
    """The duties of a folder as process.toml writes them."""
    return tuple(map(_rule, tables))


def _rule(table: Mapping[str, Any]) -> DutyRule:
    def named(key: str) -> frozenset[str]:
        return frozenset(table.get(key, ()))

    return DutyRule(
        of=str(table.get("of", "")),
        fact=str(table.get("fact", "")),
        done=named("done"),
        opens=named("opens"),
        undone=named("undone"),
        breached=named("breached"),
        none=named("none"),
        when=str(table.get("when", "")),
        on=str(table.get("on", "")),
        due=str(table.get("due", "")),
        until=str(table.get("until", "")),
    )


# --- the catalogue --------------------------------------------------------------------------------
@dataclass(frozen=True)
class Period:
    """How often a duty is due. `months` of a span of the calendar, 0 of any other; `shift`: the
    rule of how many months later than the calendar year its year begins.
    """

    key: str
    title: Words
    months: int
    shift: str


@dataclass(frozen=True)
class Duty:
    """A duty: its text, where it stands, who answers for it. `level`, `confidence`: as of a rule of
    law. `units`: the kinds of units that have it; `owners`: by whom they are run (none: by
    anybody); `why` it is not theirs otherwise.
    """

    key: str
    title: Words
    source: Words
    article: str
    owner: Words
    period: Period
    level: str
    confidence: str
    units: frozenset[str]
    owners: frozenset[str]
    why: Words


def catalogue() -> Mapping[str, Duty]:
    """All duties by key, in order; none where an installation has no such file. Raises
    ProcessFault when it cannot be read.
    """
    path = settings.processes() / FILE
    try:
        return _read(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}


@lru_cache(maxsize=4)
def _read(text: str) -> Mapping[str, Duty]:
    try:
        told = tomllib.loads(text)
        periods = {key: _period(key, table) for key, table in told["periods"].items()}
        return {key: _duty(key, table, told, periods) for key, table in told["duties"].items()}
    except (ValueError, LookupError, TypeError, AttributeError) as fault:
        wrong = _("{file} 读不懂：{fault}", file=FILE, fault=repr(fault))
        raise ProcessFault(wrong, file=FILE) from fault


def offered(form: Form) -> Form:
    """A form whose lists of duties offer those of the catalogue."""
    if all(field.source != SOURCE for field in form.fields):
        return form
    every = tuple(
        Choice(key, f"{key} {duty.title.zh}", f"{key} {duty.title.en}")
        for key, duty in catalogue().items()
    )
    fields = (
        replace(each, source="", choices=every) if each.source == SOURCE else each
        for each in form.fields
    )
    return replace(form, fields=tuple(fields))


def _period(key: str, table: Mapping[str, Any]) -> Period:
    return Period(
        key, words_of(table, "title"), int(table.get("months", 0)), table.get("shift", "")
    )


def _duty(
    key: str, table: Mapping[str, Any], told: Mapping[str, Any], periods: Mapping[str, Period]
) -> Duty:
    common = told["applies"]
    own = table if "units" in table or "owners" in table else common
    return Duty(
        key=key,
        title=words_of(table, "title"),
        source=words_of(told["sources"][table["source"]], "title"),
        article=str(table.get("article", "")),
        owner=words_of(told["owners"][table["owner"]], "title"),
        period=periods[table["period"]],
        level=str(table["level"]),
        confidence=str(table.get("confidence", "V")),
        units=frozenset(own.get("units", common["units"])),
        owners=frozenset(own.get("owners", ())),
        why=words_of(own if "why" in own else common, "why"),
    )
