"""A story as it is written (scenarios/*.toml): read, and checked for what cannot be meant. It plays nothing."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from engine import law
from engine.errors import ProcessFault
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction
    from pathlib import Path

VERBS = {
    "launch": _("发起"),
    "complete": _("办理"),
    "respond": _("作答"),
    "take_back": _("撤回作答"),
    "claim": _("签收"),
    "release": _("退回签收"),
    "message": _("提出"),
    "withdraw": _("撤回"),
    "terminate": _("终止"),
    "suspend": _("暂停"),
    "resume": _("恢复"),
    "close_poll": _("提前截止"),
    "wait": _("等待"),
    "open_meeting": _("宣布开会"),
    "arrive": _("签到"),
    "leave": _("离会"),
    "seat": _("登记到会"),
    "give_paper": _("发纸质票"),
    "paper": _("清点纸质票"),
    "count": _("计票签字"),
    "void_poll": _("宣布表决无效"),
    "answer_link": _("经链接答复"),
    "let_in": _("准许查阅"),
    "look": _("查看"),
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

    @property
    def reason(self) -> str:
        """The reason given with it."""
        return str(self.given.get("reason", ""))


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
    _known(_("故事"), raw, _STORY)
    title, at = raw.get("title"), raw.get("at")
    _demand(isinstance(title, str) and bool(title), _("故事没有标题。"), _('请写 title = "…"。'))
    _demand(
        isinstance(at, datetime) and at.tzinfo is not None,
        _("故事没有写从什么时候开始。"),
        _("请写 at = 2026-03-02T09:00:00+08:00。"),
    )
    steps = raw.get("step", [])
    _demand(
        isinstance(steps, list) and 0 < len(steps) <= MOST_STEPS,
        _("故事没有步骤，或步骤太多。"),
        _("每一步写成 [[step]]。"),
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
    _demand(
        sound, _("also 的写法不对。"), _('请写 also = ["congress_session"]，即流程文件夹的名称。')
    )
    return tuple(value)


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


def _file(path: Any) -> dict[str, Any]:
    return toml(path)


def _demand(holds: bool, wrong: str, advice: str = "") -> None:
    if not holds:
        raise ProcessFault(wrong, advice=advice)


def _known(place: str, table: Any, keys: Iterable[str]) -> None:
    _demand(
        isinstance(table, dict),
        _("{place}的写法不对。", place=place),
        _("请按 processes/README.md 的例子写。"),
    )
    for key in table:
        if key not in keys:
            near = difflib.get_close_matches(str(key), list(keys), n=1)
            advice = (
                _("是不是 {near}?", near=near[0])
                if near
                else _("可以写：{keys}。", keys=Listed(sorted(keys)))
            )
            raise ProcessFault(
                _("{place}里有不认识的“{key}”。", place=place, key=key), advice=advice
            )


def cast(table: Any) -> dict[str, tuple[str, ...]]:
    """Name -> posts. Raises ProcessFault."""
    _demand(isinstance(table, dict), _("[cast] 的写法不对。"), _('每行写 "姓名" = ["职务@单位"]。'))
    found = {}
    for name, posts in table.items():
        listed = [posts] if isinstance(posts, str) else posts
        sound = isinstance(listed, list) and all(isinstance(post, str) for post in listed)
        _demand(
            sound,
            _("{name} 的职务写法不对。", name=name),
            _('请写 "{name}" = ["formal_delegate@信息学院"]。', name=name),
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
        _("[rules] 的写法不对。"),
        _('每行写 "MO-SECOND" = 2，即本校自定的数值；比例写 "CG-QUORUM" = "3/4"。'),
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
        _("[[vacation]] 的写法不对。"),
        _('请写 name = "寒假"、from = 2026-01-20、to = 2026-02-20。'),
    )
    return dict(table)


def _step(number: int, table: Any) -> Step:
    place = _("第 {number} 步", number=number)
    _known(place, table, _STEP)
    does = table.get("does", "")
    _demand(
        does in VERBS,
        _("{place}没有写做什么，或写的 {does} 不认识。", place=place, does=repr(does)),
        _("does 可以写：{verbs}。", verbs=Listed(VERBS)),
    )
    who = table.get("who", [])
    names = [who] if isinstance(who, str) else who
    _demand(
        isinstance(names, list) and all(isinstance(n, str) for n in names),
        _("{place}的 who 应是姓名或姓名的清单。", place=place),
    )
    _demand(
        bool(names) or does == "wait",
        _("{place}没有写是谁。", place=place),
        _('请写 who = "姓名"。'),
    )
    task = table.get("task", "")
    _demand(
        isinstance(task, str) and (bool(task) or does not in _ON_TASK),
        _("{place}没有写办哪一项。", place=place),
        _('请写 task = "环节的 id"。'),
    )
    given = table.get("with", {})
    _demand(
        isinstance(given, dict),
        _("{place}的 with 应是答案。", place=place),
        'with = { decision = "file" }',
    )
    after = table.get("after", "")
    _demand(
        isinstance(after, str | datetime),
        _("{place}的 after 写法不对。", place=place),
        'after = "3 days"',
    )
    _demand(
        does != "wait" or bool(after), _("{place}没有写等多久。", place=place), 'after = "3 days"'
    )
    expect = table.get("expect")
    sound = expect is None or (isinstance(expect, list) and all(isinstance(e, str) for e in expect))
    _demand(sound, _("{place}的 expect 应是环节的清单。", place=place), 'expect = ["review"]')
    texts = {key: table.get(key, "") for key in ("refused", "on", "alias", "process")}
    _demand(
        all(isinstance(text, str) for text in texts.values()),
        _("{place}的 refused、on、alias、process 应是文字。", place=place),
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
    _demand(isinstance(table, dict), _("[ends] 的写法不对。"), _('请写 at = "filed"。'))
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
        _("{place} 的 facts 应是一组事实。", place=place),
        'facts = { "second.passed" = true }',
    )
    _demand(
        issued is None or isinstance(issued, list),
        _("{place} 的 issued 应是文书的清单。", place=place),
    )
    _demand(isinstance(events, list), _("{place} 的 events 应是清单。", place=place))
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
