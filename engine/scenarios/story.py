"""A story as it is written (scenarios/*.toml): read, and checked for what cannot be meant. It plays
nothing.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from engine import law
from engine.errors import ProcessFault
from engine.messages import _
from engine.scenarios.steps import Step, check_keys, demand, read_step, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction
    from pathlib import Path

_STORY = frozenset(
    {
        "title",
        "title_en",
        "proves",
        "at",
        "cast",
        "step",
        "ends",
        "rules",
        "vacation",
        "also",
        "process",
        "city",
    }
)
_ENDS = frozenset({"at", "outcome", "issued", "events", "facts"})
MOST_STEPS = 500


@dataclass(frozen=True)
class Ends:
    """How one instance stands at the end; empty or None: nothing is said about it."""

    at: str = ""
    outcome: str = ""
    issued: tuple[str, ...] | None = None
    events: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    """`ends` by alias of the instance; "" means the first one."""

    title: str
    title_en: str
    proves: str
    at: datetime
    cast: Mapping[str, tuple[str, ...]]
    rules: Mapping[str, int | Fraction]
    vacations: tuple[Mapping[str, Any], ...]
    also: tuple[str, ...]  # other processes of the folder that are in force
    city: str
    steps: tuple[Step, ...]
    ends: Mapping[str, Ends]


def read(source: Mapping[str, Any] | Path) -> Story:
    """The story in a file or a table. Raises ProcessFault, in the writer's words, at the first
    thing that cannot be meant.
    """
    raw = _file(source) if hasattr(source, "read_text") else source  # type: ignore[arg-type]
    check_keys(_("故事"), raw, _STORY)
    title, at, steps = raw.get("title"), raw.get("at"), raw.get("step", [])
    titled = isinstance(title, str) and bool(title)
    demand(titled, _("故事没有标题。"), _('请写 title = "…"。'))
    if not isinstance(at, datetime) or at.tzinfo is None:
        advice = _("请写 at = 2026-03-02T09:00:00+08:00。")
        raise ProcessFault(_("故事没有写从什么时候开始。"), advice=advice)
    playable = isinstance(steps, list) and 0 < len(steps) <= MOST_STEPS
    demand(playable, _("故事没有步骤，或步骤太多。"), _("每一步写成 [[step]]。"))
    return Story(
        title=str(title),
        title_en=str(raw.get("title_en", "")),
        proves=str(raw.get("proves", "")),
        at=at,
        cast=cast(raw.get("cast", {})),
        rules=_rules(raw.get("rules", {})),
        vacations=tuple(_vacation(each) for each in raw.get("vacation", [])),
        also=_names(raw.get("also", [])),
        city=str(raw.get("city", "")),
        steps=tuple(read_step(number, each) for number, each in enumerate(steps, 1)),
        ends=_all_ends(raw.get("ends", {})),
    )


def beginning(source: Mapping[str, Any] | Path) -> tuple[str, ...]:
    """By what stories stand together that begin alike: the world, then step for step; () of what
    cannot be read.
    """
    try:
        raw = _file(source) if hasattr(source, "read_text") else source  # type: ignore[arg-type]
    except ProcessFault:
        return ()
    told = ("title", "title_en", "proves", "step", "ends")
    stands = {key: value for key, value in sorted(raw.items()) if key not in told}
    steps = raw.get("step")
    return (repr(stands), *map(repr, steps if isinstance(steps, list) else ()))


def _names(value: object) -> tuple[str, ...]:
    names = tuple(value) if isinstance(value, list) else ("",)
    sound = all(isinstance(each, str) and each.isidentifier() for each in names)
    demand(sound, _("also 的写法不对。"), _('请写 also = ["…"]，即流程文件夹的名称。'))
    return names


def toml(path: Path) -> dict[str, Any]:
    """A TOML file. Raises ProcessFault when it cannot be read."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise ProcessFault(
            _("{name} 读不懂：{fault}", name=path.name, fault=fault),
            file=path.name,
            advice=_("请检查引号、括号是否成对。"),
        ) from fault


def _file(path: Path) -> dict[str, Any]:
    return toml(path)


def cast(value: object) -> dict[str, tuple[str, ...]]:
    """Name -> posts. Raises ProcessFault."""
    table = table_of(value, _("[cast] 的写法不对。"), _('每行写 "姓名" = ["职务@单位"]。'))
    found = {}
    for name, posts in table.items():
        listed = [posts] if isinstance(posts, str) else posts
        sound = isinstance(listed, list) and all(isinstance(post, str) for post in listed)
        demand(
            sound,
            _("{name} 的职务写法不对。", name=name),
            _('请写 "{name}" = ["职务@单位"]。', name=name),
        )
        found[name] = tuple(listed)
    return found


def _rules(table: object) -> dict[str, int | Fraction]:
    found = (
        {rule: _amount(value) for rule, value in table.items()}
        if isinstance(table, dict)
        else {"": None}
    )
    sound = {rule: value for rule, value in found.items() if value is not None}
    demand(
        sound == found,
        _("[rules] 的写法不对。"),
        _('每行写 "MO-SECOND" = 2，即本单位自定的数值；比例写 "CG-QUORUM" = "3/4"。'),
    )
    return sound


def _amount(value: object) -> int | Fraction | None:
    """A whole number, or a share as "3/4"."""
    if isinstance(value, str):
        return law.fraction(value)
    return value if type(value) is int else None


def _vacation(value: object) -> Mapping[str, Any]:
    wrong = _("[[vacation]] 的写法不对。")
    advice = _('请写 name = "寒假"、from = 2026-01-20、to = 2026-02-20。')
    table = table_of(value, wrong, advice)
    demand(all(type(table.get(key)) is date for key in ("from", "to")), wrong, advice)
    return table


def _all_ends(value: object) -> dict[str, Ends]:
    """[ends] tells of the first instance, [ends.B] of the one called B."""
    table = table_of(value, _("[ends] 的写法不对。"), _('请写 at = "filed"。'))
    others = {
        key: value for key, value in table.items() if key not in _ENDS and isinstance(value, dict)
    }
    own = {key: value for key, value in table.items() if key not in others}
    found = {"": _ends("[ends]", own)} if own else {}
    return found | {alias: _ends(f"[ends.{alias}]", value) for alias, value in others.items()}


def _ends(place: str, table: dict[str, Any]) -> Ends:
    check_keys(place, table, _ENDS)
    facts, issued, events = table.get("facts", {}), table.get("issued"), table.get("events", [])
    demand(
        isinstance(facts, dict),
        _("{place} 的 facts 应是一组事实。", place=place),
        'facts = { "second.passed" = true }',
    )
    demand(
        issued is None or isinstance(issued, list),
        _("{place} 的 issued 应是文书的清单。", place=place),
    )
    demand(isinstance(events, list), _("{place} 的 events 应是清单。", place=place))
    return Ends(
        at=str(table.get("at", "")),
        outcome=str(table.get("outcome", "")),
        issued=None if issued is None else tuple(issued),
        events=tuple(events),
        facts=dict(_dotted(facts)),
    )


def _dotted(facts: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    """ "second.passed" = true and second.passed = true mean the same."""
    for key, value in facts.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
