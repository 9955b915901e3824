"""What the parts of an event, the numbers of a poll and the verbs of the access table are
called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import Both, Message, _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Labelled(Protocol):
        """A field, or one of its choices, of a form."""

        @property
        def label(self) -> str: ...

        @property
        def label_en(self) -> str: ...


DETAILS: Mapping[str, Message] = {  # in the order in which an event shows them
    "number": _("编号"),
    "outcome": _("结论"),
    "choice": _("选择"),
    "comment": _("意见"),
    "reason": _("理由"),
    "why": _("原因"),
    "due": _("期限"),
    "closes": _("截止"),
    "roll": _("名册人数"),
    "rule": _("规则"),
    "result": _("结果"),
    "into": _("并入"),
    "present": _("实到"),
    "needed": _("须到"),
    "issued": _("发出"),
    "returned": _("收回"),
    "cast": _("投票人数"),
    "invalid": _("无效票"),
    "to": _("收件人"),
    "name": _("姓名"),
    "stopped_days": _("暂停天数"),
    "documents": _("文书份数"),
    "verb": _("所欲办理"),
    "message": _("说明"),
    "old": _("原"),
    "new": _("现"),
    "ended": _("办结于"),
}
DUE_MEMBERS = _("应到")  # `due` of a meeting counts people
NUMBERS: Mapping[str, Message] = {  # of a poll, in their order
    "roll": _("名册"),
    "answered": _("作答"),
    "silent": _("未作答"),
    "issued": _("发出"),
    "returned": _("收回"),
    "valid": _("有效"),
    "invalid": _("无效"),
    "present": _("截止时到会"),
    "present_at_opening": _("开始时到会"),
    "present_least": _("表决期间最少到会"),
    "present_needed": _("须到"),
    "abstain": _("弃权"),
    "seats": _("名额"),
}
TELLERS_ONLY = frozenset(
    {"issued", "returned", "valid", "invalid"}
)  # numbers of ballots that are counted
CLOSINGS: Mapping[str, Message] = {  # why a poll was closed
    "window_ended": _("期满截止"),
    "early": _("结果已定，提前截止"),
    "all_answered": _("全部作答，截止"),
    "closed_by_owner": _("人数已够，由提出人截止"),
    "closed_by_mover": _("人数已够，由提案人截止"),  # of old
    "closed_by_chair": _("由主持人截止"),
    "signed": _("监票人全部签字"),
    "declared": _("监票人签字，主持人宣布结果"),
}
VERBS: Mapping[str, Message] = {  # besides those of access.VERBS
    "load_notice": _("载入放假安排或假期"),
    "complete": _("办理"),
    "hand_over": _("转办"),
    "send_back": _("退回"),
    "recall": _("拿回"),
    "delegate": _("委派"),
    "join": _("加签"),
    "step_aside": _("回避"),
    "respond": _("作答"),
    "take_back": _("撤回作答"),
    "close_poll": _("提前截止"),
    "run_meeting": _("主持会议"),
    "arrive": _("签到"),
    "leave": _("离场"),
    "count": _("计票"),
    "void_poll": _("宣布表决无效"),
    "cast": _("投票"),
    "take_key": _("领取密钥"),
    "join_key": _("开箱"),
    "launch": _("发起"),
    "message": _("提出申请"),
    "withdraw": _("撤回"),
}


def verb_words(key: str) -> str:
    """What a verb of the access table is called; the key itself when it has no name."""
    verb = key.partition(":")[0]
    return access.VERBS[verb].title if verb in access.VERBS else VERBS.get(verb, key)


def label_words(labelled: Labelled) -> Both:
    """The label of a field or of a choice, in both languages."""
    return Both(labelled.label, labelled.label_en)
