"""What the desk of an approver calls things: parts of the inbox, flags, and next acts."""

from __future__ import annotations

from flask_babel import gettext as _


def act_words() -> dict[str, str]:
    """What one does next in a meeting, as a button says it."""
    return {
        "check_in": _("去签到"),
        "vote": _("去投票"),
        "take_key": _("领取密钥"),
        "paper": _("录入纸质票"),
        "open_box": _("开启选票"),
        "sign": _("计票签字"),
        "replace_teller": _("更换监票人"),
        "close": _("截止表决"),
        "declare": _("宣布结果"),
        "task": _("去办理"),
        "watch": _("看表决进展"),
    }


def part_words() -> dict[str, str]:
    """What the parts of the list are called, in their order."""
    return {
        "soon": _("逾期和今天"),
        "together": _("可一并办"),
        "look": _("要细看"),
        "poll": _("投票与同意"),
        "deputy": _("代理"),
        "optional": _("可响应"),
    }


def flag_words() -> dict[str, str]:
    """What sets a task apart from others of its kind."""
    return {
        "own": _("与本人有关"),
        "file": _("附件后补"),
        "changed": _("有新内容"),
        "long": _("篇幅较长"),
    }


def teller_words() -> dict[str, str]:
    """What a teller does next."""
    return {"take_key": _("领取密钥"), "open_box": _("开启选票"), "sign": _("计票签字")}
