"""The kinds of events of a matter, but its polls and meetings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.history.duties import Mark
from engine.history.kinds.kind import Facts, kind, told_if
from engine.messages import Message, _

if TYPE_CHECKING:
    from collections.abc import Mapping


def _task_reassigned(facts: Facts) -> Message:
    named = facts.body.get("name")
    if named and not facts["reason"]:
        return _("“{task}”由{name}接着办理")
    if named:
        return _("{who}把“{task}”移交{name}：{reason}")
    if facts["reason"]:
        return _("{who}把“{task}”退回同岗位：{reason}")
    return _("{who}改派“{task}”")


def _task_sent_back(facts: Facts) -> Message:
    if facts.body["how"] == "straight":
        return _("{who}把“{task}”退回“{to_task}”，改后直达：{reason}")
    return _("{who}把“{task}”退回“{to_task}”，改后重走：{reason}")


def _task_given_back(facts: Facts) -> Message:
    if facts.body.get("new"):
        return _("{who}把“{task}”交还{name}：{reason}")
    return _("{who}把“{task}”交还同岗位：{reason}")


def _comment_made(facts: Facts) -> Message:
    about, named = facts["task"], facts.body["members"]
    if about and named:
        return _("{who}就“{task}”评论，提到{members}")
    if about:
        return _("{who}就“{task}”评论")
    return _("{who}评论，提到{members}") if named else _("{who}评论")


def _instance_launched(facts: Facts) -> Message:
    if facts.body.get("for"):
        return _("{who}代{name}登记，编号 {number}")
    if (facts.body.get("origin") or {}).get("calendar"):
        return _("按日历发起，由{who}承办，编号 {number}")
    if facts.body.get("whose") == "union":
        return _("{who}提出，编号 {number}（按本单位版本办理）")
    return _("{who}提出，编号 {number}")


_OF_DUTIES: Mapping[str, Message] = {
    Mark.OPEN: _("记入履职台账：{duty} 开始办理"),
    Mark.DONE: _("记入履职台账：{duty} 已履行，{day}"),
    Mark.UNDONE: _("记入履职台账：{duty} 不再算履行，{day}"),
    Mark.BREACHED: _("记入履职台账：{duty} 违反，{day}"),
    Mark.NONE: _("记入履职台账：{duty} 不适用"),
    Mark.CLOSED: _("记入履职台账：{duty} 本件结束"),
    Mark.VOID: _("记入履职台账：{duty} 撤回、终止，不作证明"),
}


def _duty_noted(facts: Facts) -> Message:
    return _OF_DUTIES.get(facts.body["mark"], _("记入履职台账：{duty}，{day}"))


MATTERS = (
    kind(
        "instance_launched",
        _("提出本件"),
        _instance_launched,
        *("process", "version", "number"),
        mark="outcome",
    ),
    kind(
        "task_completed",
        _("办理完毕"),
        told_if("outcome", _("{who}办理了“{task}”，结论：{outcome}"), _("{who}办理了“{task}”")),
        "task",
        mark="outcome",
    ),
    kind(
        "act_held",
        _("办理，可以撤回"),
        _("{who}办理“{task}”，短时间内可以撤回"),
        *("task", "id", "digest", "given", "until"),
    ),
    kind("act_withdrawn", _("撤回办理"), _("{who}撤回对“{task}”的办理"), "task", "id"),
    kind(
        "act_dropped",
        _("办理未成"),
        _("{name}对“{task}”的办理没有成：{why}"),
        *("task", "id", "member", "why"),
        mark="refused",
    ),
    kind("task_claimed", _("认领"), _("{who}认领“{task}”"), "task"),
    kind("task_released", _("放回"), _("{who}把“{task}”放回，由同岗位的人办理"), "task"),
    kind("task_reassigned", _("已改派"), _task_reassigned, "task"),
    kind(
        "task_handed_over",
        _("转办"),
        _("{who}把“{task}”转办给{name}：{reason}"),
        *("task", "id", "new", "reason"),
    ),
    kind(
        "task_given_back",
        _("交还"),
        _task_given_back,
        *("task", "id", "reason"),
    ),
    kind(
        "task_sent_back",
        _("退回"),
        _task_sent_back,
        *("task", "to", "how", "reason", "passed"),
        mark="outcome",
    ),
    kind("task_taken_back", _("拿回"), _("{who}拿回“{task}”"), "task", "passed", mark="outcome"),
    kind("task_opened", _("打开"), _("{who}打开了“{task}”"), "task", "id", mark="read"),
    kind("comment_made", _("评论"), _comment_made, *("id", "digest", "members")),
    kind("comment_withdrawn", _("收回评论"), _("{who}收回一条评论"), "id"),
    kind("message_sent", _("提出请求"), _("{who}提出“{message}”"), "message", mark="outcome"),
    kind(
        "publication_opened",
        _("公示开始"),
        _("“{element}”开始，公示给 {people} 人，至 {until_on}"),
        *("publication", "element", "people", "circle_hash", "until", "until_on"),
        mark="outcome",
    ),
    kind(
        "objection_made",
        _("提出异议"),
        _("{who}对“{element}”提出异议"),
        *("publication", "element", "answers"),
        mark="outcome",
    ),
    kind("decision_taken", _("判定"), _("按决策表“{decision}”判定"), "decision", mark="clock"),
    kind("timer_fired", _("到期"), _("“{element}”到时"), "element", mark="clock"),
    kind("deadline_extended", _("延期"), _("“{task}”延期至 {due}"), "task", "due", mark="clock"),
    kind(
        "deadline_kept",
        _("已办理，不再延期"),
        _("“{task}”已办理，不再延期"),
        "task",
        mark="clock",
    ),
    kind(
        "deadline_recomputed",
        _("重新计算期限"),
        _("放假安排载入后重新计算期限：{deadlines}"),
        "deadlines",
        mark="clock",
    ),
    kind("matter_reminded", _("催办本件"), _("{who}催办：{reason}"), "reason", mark="outcome"),
    kind(
        "urging_raised",
        _("催办告知"),
        _("第 {n} 次催办“{task}”，同时告知{to}"),
        *("task", "id", "n", "to"),
        mark="outcome",
    ),
    kind("reminder_sent", _("发出提醒"), _("提醒“{task}”的期限"), mark="clock"),
    kind(  # of old
        "mover_replaced",
        _("更换提案人"),
        _("提案人由{old}改为{new}"),
        *("old", "new"),
        mark="outcome",
    ),
    kind(
        "owner_replaced",
        _("更换提出人"),
        _("{owner}由{old}改为{new}"),
        *("old", "new"),
        mark="outcome",
    ),
    kind("instance_merged", _("并案"), _("{who}确认并入 {number}"), "into", mark="outcome"),
    kind("origin_merged", _("并入他案"), _("{number} 并入本件"), mark="outcome"),
    kind("instance_suspended", _("暂停本件"), _("{who}暂停本件：{reason}"), mark="outcome"),
    kind(
        "instance_resumed",
        _("恢复本件"),
        _("{who}恢复本件，停了 {stopped_days} 天"),
        mark="outcome",
    ),
    kind("instance_withdrawn", _("撤回本件"), _("{who}撤回本件：{reason}"), mark="outcome"),
    kind("instance_terminated", _("终止本件"), _("{who}终止本件：{reason}"), mark="outcome"),
    kind(
        "instance_archived",
        _("归档"),
        _("归档，文书 {documents} 份，保存 {retention_years} 年"),
        "documents",
    ),
    kind("instance_marked", _("登记"), _("登记：{element}"), "element"),
    kind("added_to_report", _("列入报告"), _("列入向下次大会的报告")),  # of old
    kind(
        "document_issued",
        _("签发文书"),
        _("签发文书《{document}》 {number}"),
        *("document", "id", "sha256"),
        mark="document",
    ),
    kind(
        "document_faulty",
        _("文书不能打印"),
        _("文书《{document}》已编号，模板有误，不能打印：{fault}"),
        *("document", "fault"),
        mark="incident",
    ),
    kind(
        "correction_proposed",
        _("提议更正文书"),
        _("{who}提议更正、作废或重新打印文书《{document}》 {number}：{reason}"),
        *("correction", "document", "id", "reason"),
        mark="document",
    ),
    kind(
        "correction_refused",
        _("未批准更正文书"),
        _("{who}未批准对文书《{document}》 {number} 的提议"),
        *("correction", "document", "id"),
        mark="document",
    ),
    kind(
        "document_corrected",
        _("更正文书"),
        _("{who}批准更正文书《{document}》 {number}，原件作废，更正件 {new_number}：{reason}"),
        *("correction", "proposer", "document", "id", "new"),
        mark="document",
    ),
    kind(
        "document_voided",
        _("文书作废"),
        _("{who}批准文书《{document}》 {number} 作废：{reason}"),
        *("correction", "proposer", "document", "id"),
        mark="document",
    ),
    kind(
        "document_reprinted",
        _("文书换模板打印"),
        _("{who}批准用修正后的模板打印文书《{document}》 {number}：{reason}"),
        *("correction", "proposer", "document", "id", "template"),
        mark="document",
    ),
    kind("link_sent", _("发送一次性链接"), _("{who}为“{task}”向{to}发送一次性链接"), "task", "to"),
    kind("matter_begun", _("发起关联事项"), _("由本件发起关联事项 {number}"), mark="outcome"),
    kind("matter_linked", _("关联另一事项"), _("与 {number} 关联"), mark="outcome"),
    kind("matter_told", _("告知关联事项"), _("把结果告知 {number}"), mark="outcome"),
    kind(
        "letter_read",
        _("经链接查阅"),
        _("发给{to}的一次性链接被打开，“{task}”的来函被查阅"),
        *("task", "to", "token"),
        mark="read",
    ),
    kind(
        "matter_baselined",
        _("补记现状"),
        _("升级时补记本件的现状，此后逐项核对"),
        *("tells", "standing", "tellers"),
    ),
    kind("matter_read", _("查阅本件"), _("{who}查看了本件"), mark="read"),
    kind(
        "member_let_in",
        _("准予查阅"),
        told_if(
            "until",
            _("{who}准许{name}查阅至 {until}：{reason}"),
            _("{who}准许{name}查阅：{reason}"),
        ),
        *("member", "reason"),
        mark="read",
    ),
    kind(
        "member_let_out",
        _("收回查阅"),
        _("{who}收回{name}的查阅：{reason}"),
        *("member", "reason"),
        mark="read",
    ),
    kind(
        "matter_disclosed", _("解除保密"), _("“{element}”以后不再保密"), "element", mark="outcome"
    ),
    kind("duty_noted", _("履职台账"), _duty_noted, *("duty", "mark", "day", "union")),
    kind("erasure_proposed", _("提议删除内容"), _("{who}提议删除内容"), "proposal"),
    kind("erasure_refused", _("未批准删除内容"), _("{who}未批准删除内容"), "proposal"),
    kind("hold_placed", _("依法保留"), _("{who}要求保留内容，解除之前不能删除"), "proposal"),
    kind("hold_lifted", _("解除保留"), _("{who}解除对内容的保留"), "proposal"),
    kind("matter_erased", _("内容已删除"), _("{who}按规定删除了内容：{reason}"), mark="outcome"),
    kind("evidence_exported", _("证据包已导出"), _("{who}导出证据包"), mark="read"),
    kind("history_read", _("查看历史"), _("{who}查看了历史"), mark="read"),
    kind("incident_noted", _("异常"), _("出现异常：{incident}"), "message", mark="incident"),
    kind("incident_retried", _("异常重试"), _("{who}重试异常"), mark="incident"),
    kind(
        "attempt_refused",
        _("办理被拒"),
        told_if(
            "attempted",
            _("{who}想办理“{attempted}”，被拒绝：{why}"),
            _("{who}的一次操作被拒绝：{why}"),
        ),
        "why",
        mark="refused",
    ),
)
