"""The kinds of events of polls and meetings."""

from __future__ import annotations

from engine.history.kinds.kind import Facts, kind, told_if
from engine.messages import Message, _


def _presence_noted(facts: Facts) -> Message:
    if facts.body.get("way") == "code":
        return _("{who}签到“{task}”") if facts.body.get("came") else _("{who}离开“{task}”")
    if facts.body.get("came"):
        return _("{who}登记“{task}”到会 {count} 人")
    return _("{who}登记“{task}”离开 {count} 人")


def _poll_closed(facts: Facts) -> Message:
    if facts.body.get("room"):
        return _("“{task}”截止，结果不向您显示")
    if (facts.body.get("outcome") or {}).get("passed"):
        return _("“{task}”截止：通过")
    return _("“{task}”截止：未通过")


POLLS = (
    kind("poll_called", _("等监票人领取密钥"), _("“{task}”等监票人领取密钥"), "task", "poll"),
    kind(
        "poll_opened",
        _("表决开始"),
        _("“{task}”开始，名册 {roll} 人"),
        *("task", "poll", "roll", "roll_hash"),
        mark="poll",
    ),
    kind(
        "poll_answered",
        _("作答"),
        told_if("choice", _("{who}在“{task}”中答：{choice}"), _("{who}在“{task}”中作答")),
        "task",
        "poll",
    ),
    kind(
        "poll_answer_withdrawn",
        _("撤回答复"),
        _("{who}撤回在“{task}”中的答复"),
        *("task", "poll"),
    ),
    kind("key_taken", _("监票人领取密钥"), _("监票人{who}领取“{task}”的密钥"), "poll", mark="poll"),
    kind(
        "ballots_cast",
        _("投票结束，公布回执"),
        _("“{task}”投票 {cast} 人，回执公布，散列 {board}"),
        *("poll", "voters", "board"),
        mark="poll",
    ),
    kind(
        "key_joined", _("监票人输入口令"), _("监票人{who}为“{task}”输入口令"), "poll", mark="poll"
    ),
    kind(
        "ballots_opened",
        _("选票开启"),
        _("“{task}”的选票开启，无效票 {invalid} 张，选票散列 {urn}"),
        *("poll", "urn", "counts", "invalid"),
        mark="outcome",
    ),
    kind(
        "poll_stopped",
        _("表决截止，等待计票"),
        _("“{task}”截止，等监票人计票"),
        *("task", "poll"),
        mark="poll",
    ),
    kind(
        "ballots_printed",
        _("选票已登记印制"),
        _("{who}登记印制“{task}”的选票 {first} 至 {last} 号"),
        *("task", "poll", "first", "last"),
        mark="poll",
    ),
    kind(
        "ballots_taken_back",
        _("未用的选票已收回"),
        _("{who}收回“{task}”未用的选票 {first} 至 {last} 号：{reason}"),
        *("task", "poll", "first", "last", "reason"),
        mark="poll",
    ),
    kind("paper_ballots_given", _("纸质票已发出"), _("{who}在“{task}”中发出纸质票"), "poll"),
    kind(
        "paper_ballots_counted",
        _("纸质票已录入"),
        _("{who}录入“{task}”的纸质票：发出 {issued}，收回 {returned}"),
        "poll",
    ),
    kind(
        "poll_dissented",
        _("监票人不同意计票结果"),
        _("{who}不同意“{task}”的计票结果：{reason}"),
        *("task", "poll", "reason"),
        mark="poll",
    ),
    kind(
        "teller_resigned",
        _("监票人请求更换"),
        _("监票人{who}请求更换：{reason}"),
        *("task", "poll", "reason"),
        mark="poll",
    ),
    kind(
        "teller_replaced",
        _("更换监票人"),
        _("{who}更换“{task}”的监票人：{old}改为{new}，{reason}"),
        *("task", "poll", "old", "new", "reason", "tellers"),
        mark="poll",
    ),
    kind(
        "key_handed_over",
        _("监票人交出密钥"),
        _("{who}把“{task}”的密钥份额交给接替的监票人{new}"),
        *("poll", "new"),
        mark="poll",
    ),
    kind("poll_signed", _("监票人签字"), _("{who}在“{task}”的计票结果上签字"), *("task", "poll")),
    kind(
        "poll_closed",
        _("表决截止"),
        _poll_closed,
        *("task", "poll", "outcome"),
        mark="outcome",
    ),
    kind(
        "poll_void_proposed",
        _("提出表决无效"),
        _("{who}提出“{task}”无效，等另一方确认：{reason}"),
        *("task", "poll"),
        mark="poll",
    ),
    kind(
        "poll_voided",
        _("表决作废"),
        _("{who}宣布“{task}”无效：{reason}"),
        *("task", "poll"),
        mark="outcome",
    ),
    kind(
        "poll_recounted",
        _("重新计票"),
        _("{who}退出后重新计票：“{task}”"),
        *("task", "passed"),
        mark="outcome",
    ),
    kind(
        "meeting_called",
        _("召集会议"),
        _("召集“{task}”，应到 {due} 人"),
        *("task", "meeting", "due"),
    ),
    kind(
        "presence_noted",
        _("签到或离场"),
        _presence_noted,
        *("task", "meeting", "members", "came", "way"),
    ),
    kind(
        "meeting_opened",
        _("会议开始"),
        _("{who}宣布“{task}”开始，应到 {due} 人，须到 {needed} 人，实到 {present} 人"),
        *("task", "meeting", "roll_hash", "due", "needed", "present"),
        mark="outcome",
    ),
    kind(
        "meeting_struck",
        _("从名册中除名"),
        _("{who}从“{task}”的名册中除名，应到 {due} 人：{reason}"),
        *("task", "meeting", "members", "reason", "roll_hash", "due"),
        mark="outcome",
    ),
    kind(
        "meeting_closed",
        _("散会"),
        _("“{task}”结束，应到 {due} 人，实到 {present} 人"),
        *("task", "meeting", "ledger", "due", "present"),
        mark="outcome",
    ),
)
