"""A story as it is written (scenarios/*.toml): read, and checked for what cannot be meant. It plays nothing."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from engine import law
from engine.errors import ProcessFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction
    from pathlib import Path

VERBS = {
    "launch": "发起",
    "complete": "办理",
    "respond": "作答",
    "take_back": "撤回作答",
    "claim": "签收",
    "release": "退回签收",
    "message": "提出",
    "withdraw": "撤回",
    "terminate": "终止",
    "suspend": "暂停",
    "resume": "恢复",
    "close_poll": "提前截止",
    "wait": "等待",
    "open_meeting": "宣布开会",
    "arrive": "签到",
    "leave": "离会",
    "seat": "登记到会",
    "give_paper": "发纸质票",
    "paper": "清点纸质票",
    "count": "计票签字",
    "void_poll": "宣布表决无效",
    "answer_link": "经链接答复",
    "let_in": "准许查阅",
    "look": "查看",
}
_ON_TASK = frozenset(
    {
        "complete",
        "claim",
        "release",
        "message",
        "open_meeting",
        "arrive",
        "leave",
        "seat",
        "answer_link",
    }
)
_STEP = frozenset(
    {"who", "does", "task", "with", "after", "refused", "expect", "on", "alias", "process"}
)
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
class Step:
    """One thing that somebody does, or time that goes by. `expect` is None when nothing is said about what is open then."""

    number: int
    who: tuple[str, ...]
    does: str
    task: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    after: str | datetime = ""
    refused: str = ""
    expect: tuple[str, ...] | None = None
    on: str = ""
    alias: str = ""
    process: str = ""


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
    """The story in a file or a table. Raises ProcessFault, in the writer's words, at the first thing that cannot be meant."""
    raw = _file(source) if hasattr(source, "read_text") else source  # type: ignore[arg-type]
    _known("故事", raw, _STORY)
    title, at = raw.get("title"), raw.get("at")
    _demand(isinstance(title, str) and bool(title), "故事没有标题。", '请写 title = "…"。')
    _demand(
        isinstance(at, datetime) and at.tzinfo is not None,
        "故事没有写从什么时候开始。",
        "请写 at = 2026-03-02T09:00:00+08:00。",
    )
    steps = raw.get("step", [])
    _demand(
        isinstance(steps, list) and 0 < len(steps) <= MOST_STEPS,
        "故事没有步骤，或步骤太多。",
        "每一步写成 [[step]]。",
    )
    return Story(
        title=str(title),
        title_en=str(raw.get("title_en", "")),
        proves=str(raw.get("proves", "")),
        at=at,  # type: ignore[arg-type]
        cast=cast(raw.get("cast", {})),
        rules=_rules(raw.get("rules", {})),
        vacations=tuple(_vacation(each) for each in raw.get("vacation", [])),
        also=_names(raw.get("also", [])),
        city=str(raw.get("city", "")),
        steps=tuple(_step(number, each) for number, each in enumerate(steps, 1)),
        ends=_all_ends(raw.get("ends", {})),
    )


def _names(value: Any) -> tuple[str, ...]:
    sound = isinstance(value, list) and all(
        isinstance(each, str) and each.isidentifier() for each in value
    )
    _demand(sound, "also 的写法不对。", '请写 also = ["congress_session"]，即流程文件夹的名称。')
    return tuple(value)


def toml(path: Path) -> dict[str, Any]:
    """A TOML file. Raises ProcessFault when it cannot be read."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise ProcessFault(
            f"{path.name} 读不懂：{fault}", file=path.name, advice="请检查引号、括号是否成对。"
        ) from fault


def _file(path: Any) -> dict[str, Any]:
    return toml(path)


def _demand(holds: bool, wrong: str, advice: str = "") -> None:
    if not holds:
        raise ProcessFault(wrong, advice=advice)


def _known(place: str, table: Any, keys: Iterable[str]) -> None:
    _demand(isinstance(table, dict), f"{place}的写法不对。", "请按 processes/README.md 的例子写。")
    for key in table:
        if key not in keys:
            near = difflib.get_close_matches(str(key), list(keys), n=1)
            advice = f"是不是 {near[0]}?" if near else f"可以写：{'、'.join(sorted(keys))}。"
            raise ProcessFault(f"{place}里有不认识的“{key}”。", advice=advice)


def cast(table: Any) -> dict[str, tuple[str, ...]]:
    """Name -> posts. Raises ProcessFault."""
    _demand(isinstance(table, dict), "[cast] 的写法不对。", '每行写 "姓名" = ["职务@单位"]。')
    found = {}
    for name, posts in table.items():
        listed = [posts] if isinstance(posts, str) else posts
        sound = isinstance(listed, list) and all(isinstance(post, str) for post in listed)
        _demand(
            sound, f"{name} 的职务写法不对。", f'请写 "{name}" = ["formal_delegate@信息学院"]。'
        )
        found[name] = tuple(listed)
    return found


def _rules(table: Any) -> dict[str, int | Fraction]:
    found = (
        {rule: _amount(value) for rule, value in table.items()}
        if isinstance(table, dict)
        else {"": None}
    )
    sound = {rule: value for rule, value in found.items() if value is not None}
    _demand(
        sound == found,
        "[rules] 的写法不对。",
        '每行写 "MO-SECOND" = 2，即本校自定的数值；比例写 "CG-QUORUM" = "3/4"。',
    )
    return sound


def _amount(value: Any) -> int | Fraction | None:
    """A whole number, or a share as "3/4"."""
    if isinstance(value, str):
        return law.fraction(value)
    return value if type(value) is int else None


def _vacation(table: Any) -> Mapping[str, Any]:
    sound = isinstance(table, dict) and all(type(table.get(key)) is date for key in ("from", "to"))
    _demand(
        sound,
        "[[vacation]] 的写法不对。",
        '请写 name = "寒假"、from = 2026-01-20、to = 2026-02-20。',
    )
    return dict(table)


def _step(number: int, table: Any) -> Step:
    place = f"第 {number} 步"
    _known(place, table, _STEP)
    does = table.get("does", "")
    _demand(
        does in VERBS,
        f"{place}没有写做什么，或写的 {does!r} 不认识。",
        f"does 可以写：{'、'.join(VERBS)}。",
    )
    who = table.get("who", [])
    names = [who] if isinstance(who, str) else who
    _demand(
        isinstance(names, list) and all(isinstance(n, str) for n in names),
        f"{place}的 who 应是姓名或姓名的清单。",
    )
    _demand(bool(names) or does == "wait", f"{place}没有写是谁。", '请写 who = "姓名"。')
    task = table.get("task", "")
    _demand(
        isinstance(task, str) and (bool(task) or does not in _ON_TASK),
        f"{place}没有写办哪一项。",
        '请写 task = "环节的 id"。',
    )
    given = table.get("with", {})
    _demand(isinstance(given, dict), f"{place}的 with 应是答案。", 'with = { decision = "file" }')
    after = table.get("after", "")
    _demand(isinstance(after, str | datetime), f"{place}的 after 写法不对。", 'after = "3 days"')
    _demand(does != "wait" or bool(after), f"{place}没有写等多久。", 'after = "3 days"')
    expect = table.get("expect")
    sound = expect is None or (isinstance(expect, list) and all(isinstance(e, str) for e in expect))
    _demand(sound, f"{place}的 expect 应是环节的清单。", 'expect = ["review"]')
    texts = {key: table.get(key, "") for key in ("refused", "on", "alias", "process")}
    _demand(
        all(isinstance(text, str) for text in texts.values()),
        f"{place}的 refused、on、alias、process 应是文字。",
    )
    return Step(
        number,
        tuple(names),
        does,
        task,
        dict(given),
        after,
        expect=None if expect is None else tuple(sorted(expect)),
        **texts,
    )


def _all_ends(table: Any) -> dict[str, Ends]:
    """[ends] tells of the first instance, [ends.B] of the one called B."""
    _demand(isinstance(table, dict), "[ends] 的写法不对。", '请写 at = "filed"。')
    others = {
        key: value for key, value in table.items() if key not in _ENDS and isinstance(value, dict)
    }
    own = {key: value for key, value in table.items() if key not in others}
    found = {"": _ends("[ends]", own)} if own else {}
    return found | {alias: _ends(f"[ends.{alias}]", value) for alias, value in others.items()}


def _ends(place: str, table: dict[str, Any]) -> Ends:
    _known(place, table, _ENDS)
    facts, issued, events = table.get("facts", {}), table.get("issued"), table.get("events", [])
    _demand(
        isinstance(facts, dict),
        f"{place} 的 facts 应是一组事实。",
        'facts = { "second.passed" = true }',
    )
    _demand(issued is None or isinstance(issued, list), f"{place} 的 issued 应是文书的清单。")
    _demand(isinstance(events, list), f"{place} 的 events 应是清单。")
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
