"""One step of a story as it is written: read, and checked for what cannot be meant."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from engine.errors import ProcessFault
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

VERBS = {
    "launch": _("发起"),
    "complete": _("办理"),
    "respond": _("作答"),
    "take_back": _("拿回"),
    "send_back": _("退回"),
    "hand_over": _("转办"),
    "ask": _("委派、加签"),
    "answer_ask": _("答复委派、加签"),
    "decline_ask": _("不能答复委派、加签"),
    "withdraw_ask": _("收回委派、减签"),
    "step_aside": _("回避"),
    "step_back": _("收回回避"),
    "comment": _("评论"),
    "report_condition": _("报告条件落实"),
    "judge_condition": _("确认条件落实"),
    "copy": _("抄送"),
    "read_copy": _("阅看抄送"),
    "withdraw_copy": _("收回抄送"),
    "open": _("打开待办"),
    "claim": _("认领"),
    "release": _("放回"),
    "message": _("提出"),
    "object": _("对公示提出异议"),
    "withdraw": _("撤回"),
    "terminate": _("终止"),
    "remind": _("催办"),
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
    "dissent": _("不同意计票结果"),
    "declare": _("宣布表决结果"),
    "resign_teller": _("请求更换监票人"),
    "replace_teller": _("更换监票人"),
    "key": _("接替时领取或交出密钥"),
    "void_poll": _("宣布表决无效"),
    "answer_link": _("经链接答复"),
    "let_in": _("准许查阅"),
    "let_out": _("收回查阅"),
    "look": _("查看"),
    "name_deputy": _("指定代理人"),
    "end_deputy": _("终止代理"),
    "printed": _("核对印出的文书"),
    "calendar": _("按日历发起"),
}
_ON_TASK = frozenset(
    {
        "complete",
        "claim",
        "release",
        "message",
        "object",
        "open_meeting",
        "arrive",
        "leave",
        "seat",
        "answer_link",
        "printed",
        "send_back",
        "hand_over",
        "ask",
        "answer_ask",
        "decline_ask",
        "withdraw_ask",
        "report_condition",
        "judge_condition",
        "step_aside",
        "open",
    }
)
ALONE = frozenset({"wait", "printed", "calendar"})  # nobody does it
_STEP = frozenset(
    {
        "who",
        "does",
        "task",
        "with",
        "after",
        "refused",
        "says",
        "expect",
        "due",
        "on",
        "alias",
        "process",
    }
)


@dataclass(frozen=True)
class Step:
    """One thing that somebody does, or time that goes by. `expect` is None when nothing is said
    about what is open then; `due` are the last days of open tasks then, by task; `says` are pieces
    of what a refusal says.
    """

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
    says: tuple[str, ...] = ()
    due: Mapping[str, date] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The reason given with it."""
        return str(self.given.get("reason", ""))


def demand(holds: bool, wrong: str, advice: str = "") -> None:
    """Raises ProcessFault, with what is wrong and what to write, unless it `holds`."""
    if not holds:
        raise ProcessFault(wrong, advice=advice)


def table_of(value: object, wrong: str, advice: str) -> dict[str, Any]:
    """The value as a table. Raises ProcessFault, with what is wrong and what to write."""
    if not isinstance(value, dict):
        raise ProcessFault(wrong, advice=advice)
    return value


def check_keys(place: str, given: object, keys: Collection[str]) -> dict[str, Any]:
    """The table, which has no other keys than these. Raises ProcessFault."""
    advice = _("请按 processes/README.md 的例子写。")
    table = table_of(given, _("{place}的写法不对。", place=place), advice)
    for key in table:
        if key not in keys:
            wrong = _("{place}里有不认识的“{key}”。", place=place, key=key)
            raise ProcessFault(wrong, advice=_nearest(str(key), keys))
    return table


def _nearest(key: str, keys: Collection[str]) -> str:
    near = difflib.get_close_matches(key, list(keys), n=1)
    if near:
        return _("是不是 {near}?", near=near[0])
    return _("可以写：{allowed}。", allowed=Listed(sorted(keys)))


def read_step(number: int, given: object) -> Step:
    """A table [[step]]. Raises ProcessFault at the first thing that cannot be meant."""
    place = _("第 {number} 步", number=number)
    table = check_keys(place, given, _STEP)
    does = table.get("does", "")
    wrong = _("{place}没有写做什么，或写的 {does} 不认识。", place=place, does=repr(does))
    demand(does in VERBS, wrong, _("does 可以写：{verbs}。", verbs=Listed(VERBS)))
    texts = {key: table.get(key, "") for key in ("refused", "on", "alias", "process")}
    sound = all(isinstance(text, str) for text in texts.values())
    demand(sound, _("{place}的 refused、on、alias、process 应是文字。", place=place))
    return Step(
        number=number,
        who=_who(place, does, table),
        does=does,
        task=_task(place, does, table),
        given=_given(place, table),
        after=_after(place, does, table),
        expect=_texts(place, table, "expect"),
        says=_texts(place, table, "says") or (),
        due=_due(place, table),
        **texts,
    )


def _who(place: str, does: str, table: Mapping[str, Any]) -> tuple[str, ...]:
    who = table.get("who", [])
    names = [who] if isinstance(who, str) else who
    sound = isinstance(names, list) and all(isinstance(name, str) for name in names)
    demand(sound, _("{place}的 who 应是姓名或姓名的清单。", place=place))
    nobody = _("{place}没有写是谁。", place=place)
    demand(bool(names) or does in ALONE, nobody, _('请写 who = "姓名"。'))
    return tuple(names)


def _task(place: str, does: str, table: Mapping[str, Any]) -> str:
    task = table.get("task", "")
    sound = isinstance(task, str) and (bool(task) or does not in _ON_TASK)
    demand(sound, _("{place}没有写办哪一项。", place=place), _('请写 task = "环节的 id"。'))
    return str(task)


def _given(place: str, table: Mapping[str, Any]) -> dict[str, Any]:
    given = table.get("with", {})
    wrong = _("{place}的 with 应是答案。", place=place)
    demand(isinstance(given, dict), wrong, 'with = { decision = "file" }')
    return dict(given)


def _after(place: str, does: str, table: Mapping[str, Any]) -> str | datetime:
    after, example = table.get("after", ""), 'after = "3 days"'
    if not isinstance(after, str | datetime):
        raise ProcessFault(_("{place}的 after 写法不对。", place=place), advice=example)
    demand(does != "wait" or bool(after), _("{place}没有写等多久。", place=place), example)
    return after


def _due(place: str, table: Mapping[str, Any]) -> dict[str, date]:
    given = table.get("due", {})
    sound = isinstance(given, dict) and all(type(day) is date for day in given.values())
    wrong = _("{place}的 due 应是各环节的最后一天。", place=place)
    demand(sound, wrong, "due = { reply = 2026-04-21 }")
    return dict(given)


def _texts(place: str, table: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    """A list of texts, sorted; None when there is none."""
    given = table.get(key)
    if given is None:
        return None
    sound = isinstance(given, list) and all(isinstance(each, str) for each in given)
    wrong = _("{place}的 {key} 应是文字的清单。", place=place, key=key)
    demand(sound, wrong, f'{key} = ["review"]' if key == "expect" else f'{key} = ["人数不够"]')
    return tuple(sorted(given))
