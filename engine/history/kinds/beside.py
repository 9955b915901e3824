"""The kinds of events of what people ask one another beside the decision of a task."""

from __future__ import annotations

from engine.history.kinds.kind import Facts, kind
from engine.messages import Message, _

_ASKED = {
    "delegate": _("{who}就“{task}”委派{name}拟办"),
    "join": _("{who}就“{task}”加签，请{name}发表意见"),
}
_ANSWERED = {
    "delegate": _("{who}交回“{task}”的拟办内容"),
    "join": _("{who}就“{task}”发表加签意见"),
}
_WITHDRAWN = {
    "delegate": _("{who}收回就“{task}”对{name}的委派"),
    "join": _("{who}减签，“{task}”不再等{name}的意见"),
}


_OTHER = _("{who}，“{task}”的委派或者加签")  # of what this release does not know


def _asked(facts: Facts) -> Message:
    return _ASKED.get(facts.body["what"], _OTHER)


def _answered(facts: Facts) -> Message:
    if facts.body.get("declined"):
        return _("{who}表示不能答复“{task}”的委派或者加签")
    return _ANSWERED.get(facts.body["what"], _OTHER)


def _withdrawn(facts: Facts) -> Message:
    return _WITHDRAWN.get(facts.body["what"], _OTHER)


def _aside(facts: Facts) -> Message:
    if facts.body.get("new"):
        return _("{who}对本件回避，“{task}”由{name}接办：{reason}")
    return _("{who}对本件回避，“{task}”由同岗位的其他人办理：{reason}")


def _copied(facts: Facts) -> Message:
    if facts["task"]:
        return _("{who}在“{task}”时把此件抄送{members}")
    return _("{who}把此件抄送{members}")


_KEYS = ("task", "id", "what", "of")
_OF = ("task", "of", "no")  # of a condition
BESIDE = (
    kind("asked", _("委派、加签"), _asked, *(*_KEYS, "to", "digest")),
    kind("ask_answered", _("答复委派、加签"), _answered, *(*_KEYS, "digest")),
    kind("stepped_aside", _("本人回避"), _aside, *("task", "id", "reason"), mark="outcome"),
    kind("aside_withdrawn", _("收回回避"), _("{who}收回对本件的回避"), *("task", "id")),
    kind("proviso_reported", _("报告条件落实"), _("{who}报告“{task}”的条件第 {no} 项已落实"), *_OF),
    kind(
        "proviso_met",
        _("确认条件落实"),
        _("{who}确认“{task}”的条件第 {no} 项已落实"),
        *_OF,
        mark="outcome",
    ),
    kind(
        "proviso_unmet",
        _("认定条件未落实"),
        _("{who}认定“{task}”的条件第 {no} 项没有落实"),
        *_OF,
        mark="outcome",
    ),
    kind("copied", _("抄送"), _copied, *("copies", "digest", "members")),
    kind("copy_read", _("已阅"), _("{who}看了抄送给自己的此件"), "id", mark="read"),
    kind("copy_withdrawn", _("收回抄送"), _("{who}收回给{name}的抄送"), *("id", "to")),
    kind("ask_withdrawn", _("收回委派、减签"), _withdrawn, *(*_KEYS, "to")),
)
