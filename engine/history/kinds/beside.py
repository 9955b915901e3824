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


def _asked(facts: Facts) -> Message:
    return _ASKED[facts.body["what"]]


def _answered(facts: Facts) -> Message:
    if facts.body.get("declined"):
        return _("{who}表示不能答复“{task}”的委派或者加签")
    return _ANSWERED[facts.body["what"]]


def _withdrawn(facts: Facts) -> Message:
    return _WITHDRAWN[facts.body["what"]]


_KEYS = ("task", "id", "what", "of")
BESIDE = (
    kind("asked", _("委派、加签"), _asked, *_KEYS, "to", "digest"),
    kind("ask_answered", _("答复委派、加签"), _answered, *_KEYS, "digest"),
    kind("ask_withdrawn", _("收回委派、减签"), _withdrawn, *_KEYS, "to"),
)
