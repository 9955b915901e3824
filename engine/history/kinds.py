"""Every kind of event once: its words, its mark, and what its body must hold.

A kind is stored for ever: none is ever renamed or taken out. To add one, write it here and note it
in a command; the timeline, the evidence pack, the stories and the verification know it then. Holes
of a sentence are filled from the body, with ids turned into names: see
`engine.queries.telling.Facts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.messages import Message, _

# How much the events of a matter tell, as its first one says. 2: every change of a fact; 3: each
# timer and the exact end of each time limit, and who may read it; without the number, what the
# kinds of before told.
TELLS = 3


class Facts(Protocol):
    """What a sentence may name: `body` as it was hashed, and the words for each hole."""

    @property
    def body(self) -> Mapping[str, Any]: ...

    def __getitem__(self, hole: str) -> object: ...


Sentence = Message | Callable[[Facts], Message]


@dataclass(frozen=True)
class Kind:
    """A kind of event.

    key: as it is stored. label: what happened, without who and where. sentence: the whole of it,
    with holes; a function where the body decides between several. needs: keys that every body of
    this kind holds. mark: how a timeline shows it, one of outcome, poll, document, clock, read,
    refused, incident, or "".
    """

    key: str
    label: Message
    sentence: Sentence
    needs: frozenset[str]
    mark: str = ""

    def told(self, facts: Facts) -> Message:
        """The sentence with its holes still open."""
        return self.sentence if isinstance(self.sentence, Message) else self.sentence(facts)


def missing(kind: str, body: Mapping[str, Any]) -> list[str]:
    """The keys that a body of this kind must hold and does not."""
    known = KINDS.get(kind)
    return sorted(known.needs - body.keys()) if known else []


# --- sentences that the body decides --------------------------------------------------------------
def _task_completed(facts: Facts) -> Message:
    if facts["outcome"]:
        return _("{who}办理了“{task}”，结论：{outcome}")
    return _("{who}办理了“{task}”")


def _poll_answered(facts: Facts) -> Message:
    if facts["choice"]:
        return _("{who}在“{task}”中答：{choice}")
    return _("{who}在“{task}”中作答")


def _poll_closed(facts: Facts) -> Message:
    if facts.body.get("room"):
        return _("“{task}”截止，结果不向您显示")
    if (facts.body.get("outcome") or {}).get("passed"):
        return _("“{task}”截止：通过")
    return _("“{task}”截止：未通过")


def _attempt_refused(facts: Facts) -> Message:
    if facts["attempted"]:
        return _("{who}想办理“{attempted}”，被拒绝：{why}")
    return _("{who}的一次操作被拒绝：{why}")


def _task_reassigned(facts: Facts) -> Message:
    if facts["name"]:
        return _("{who}把“{task}”移交{name}：{reason}")
    if facts["reason"]:
        return _("{who}把“{task}”退回同岗位：{reason}")
    return _("{who}改派“{task}”")


def _history_verified(facts: Facts) -> Message:
    if facts.body.get("whole"):
        return _("{who}校验了全部 {events} 条记录，完整")
    return _("{who}校验了全部记录，发现断裂：{fault}")


# --- the kinds ------------------------------------------------------------------------------------
def _kind(key: str, label: Message, sentence: Sentence, *needs: str, mark: str = "") -> Kind:
    return Kind(key, label, sentence, frozenset(needs), mark)


_MATTER = (
    _kind(
        "instance_launched",
        _("提出本件"),
        _("{who}提出，编号 {number}"),
        *("process", "version", "number"),
        mark="outcome",
    ),
    _kind("task_completed", _("办理完毕"), _task_completed, "task", mark="outcome"),
    _kind("task_claimed", _("签收"), _("{who}签收“{task}”"), "task"),
    _kind("task_released", _("退回签收"), _("{who}把“{task}”退回同岗位"), "task"),
    _kind("task_reassigned", _("已改派"), _task_reassigned, "task"),
    _kind("message_sent", _("提出请求"), _("{who}提出“{message}”"), "message", mark="outcome"),
    _kind("decision_taken", _("判定"), _("按决策表“{decision}”判定"), "decision", mark="clock"),
    _kind("timer_fired", _("到期"), _("“{element}”到时"), "element", mark="clock"),
    _kind("deadline_extended", _("延期"), _("“{task}”延期至 {due}"), "task", "due", mark="clock"),
    _kind(
        "deadline_kept",
        _("已办理，不再延期"),
        _("“{task}”已办理，不再延期"),
        "task",
        mark="clock",
    ),
    _kind(
        "deadline_recomputed",
        _("重新计算期限"),
        _("放假安排载入后重新计算期限：{deadlines}"),
        "deadlines",
        mark="clock",
    ),
    _kind("matter_reminded", _("催办本件"), _("{who}催办：{reason}"), "reason", mark="outcome"),
    _kind("reminder_sent", _("发出提醒"), _("提醒“{task}”的期限"), mark="clock"),
    _kind(  # of old
        "mover_replaced",
        _("更换提案人"),
        _("提案人由{old}改为{new}"),
        *("old", "new"),
        mark="outcome",
    ),
    _kind(
        "owner_replaced",
        _("更换提出人"),
        _("{owner}由{old}改为{new}"),
        *("old", "new"),
        mark="outcome",
    ),
    _kind("instance_merged", _("并案"), _("{who}确认并入 {number}"), "into", mark="outcome"),
    _kind("origin_merged", _("并入他案"), _("{number} 并入本件"), mark="outcome"),
    _kind("instance_suspended", _("暂停本件"), _("{who}暂停本件：{reason}"), mark="outcome"),
    _kind(
        "instance_resumed",
        _("恢复本件"),
        _("{who}恢复本件，停了 {stopped_days} 天"),
        mark="outcome",
    ),
    _kind("instance_withdrawn", _("撤回本件"), _("{who}撤回本件：{reason}"), mark="outcome"),
    _kind("instance_terminated", _("终止本件"), _("{who}终止本件：{reason}"), mark="outcome"),
    _kind(
        "instance_archived",
        _("归档"),
        _("归档，文书 {documents} 份，保存 {retention_years} 年"),
        "documents",
    ),
    _kind("instance_marked", _("登记"), _("登记：{element}"), "element"),
    _kind("added_to_report", _("列入报告"), _("列入向下次大会的报告")),  # of old
    _kind(
        "document_issued",
        _("签发文书"),
        _("签发文书《{document}》 {number}"),
        *("document", "id", "sha256"),
        mark="document",
    ),
    _kind(
        "document_faulty",
        _("文书不能打印"),
        _("文书《{document}》已编号，模板有误，不能打印：{fault}"),
        *("document", "fault"),
        mark="incident",
    ),
    _kind(
        "correction_proposed",
        _("提议更正文书"),
        _("{who}提议更正、作废或重新打印文书《{document}》 {number}：{reason}"),
        *("correction", "document", "id", "reason"),
        mark="document",
    ),
    _kind(
        "correction_refused",
        _("未批准更正文书"),
        _("{who}未批准对文书《{document}》 {number} 的提议"),
        *("correction", "document", "id"),
        mark="document",
    ),
    _kind(
        "document_corrected",
        _("更正文书"),
        _("{who}批准更正文书《{document}》 {number}，原件作废，更正件 {new_number}：{reason}"),
        *("correction", "proposer", "document", "id", "new"),
        mark="document",
    ),
    _kind(
        "document_voided",
        _("文书作废"),
        _("{who}批准文书《{document}》 {number} 作废：{reason}"),
        *("correction", "proposer", "document", "id"),
        mark="document",
    ),
    _kind(
        "document_reprinted",
        _("文书换模板打印"),
        _("{who}批准用修正后的模板打印文书《{document}》 {number}：{reason}"),
        *("correction", "proposer", "document", "id", "template"),
        mark="document",
    ),
    _kind("link_sent", _("发送一次性链接"), _("{who}为“{task}”向{to}发送一次性链接"), "task", "to"),
    _kind("matter_begun", _("发起关联事项"), _("由本件发起关联事项 {number}"), mark="outcome"),
    _kind("matter_linked", _("关联另一事项"), _("与 {number} 关联"), mark="outcome"),
    _kind("matter_told", _("告知关联事项"), _("把结果告知 {number}"), mark="outcome"),
    _kind(
        "letter_read",
        _("经链接查阅"),
        _("发给{to}的一次性链接被打开，“{task}”的来函被查阅"),
        *("task", "to", "token"),
        mark="read",
    ),
    _kind("matter_read", _("查阅本件"), _("{who}查看了本件"), mark="read"),
    _kind(
        "member_let_in",
        _("准予查阅"),
        _("{who}准许{name}查阅：{reason}"),
        *("member", "reason"),
        mark="read",
    ),
    _kind(
        "matter_disclosed", _("解除保密"), _("“{element}”以后不再保密"), "element", mark="outcome"
    ),
    _kind("erasure_proposed", _("提议删除内容"), _("{who}提议删除内容"), "proposal"),
    _kind("erasure_refused", _("未批准删除内容"), _("{who}未批准删除内容"), "proposal"),
    _kind("hold_placed", _("依法保留"), _("{who}要求保留内容，解除之前不能删除"), "proposal"),
    _kind("hold_lifted", _("解除保留"), _("{who}解除对内容的保留"), "proposal"),
    _kind("matter_erased", _("内容已删除"), _("{who}按规定删除了内容：{reason}"), mark="outcome"),
    _kind("evidence_exported", _("证据包已导出"), _("{who}导出证据包"), mark="read"),
    _kind("history_read", _("查看历史"), _("{who}查看了历史"), mark="read"),
    _kind("incident_noted", _("异常"), _("出现异常：{incident}"), "message", mark="incident"),
    _kind("incident_retried", _("异常重试"), _("{who}重试异常"), mark="incident"),
    _kind("attempt_refused", _("办理被拒"), _attempt_refused, "why", mark="refused"),
)
_POLLS = (
    _kind("poll_called", _("等监票人领取密钥"), _("“{task}”等监票人领取密钥"), "task", "poll"),
    _kind(
        "poll_opened",
        _("表决开始"),
        _("“{task}”开始，名册 {roll} 人"),
        *("task", "poll", "roll", "roll_hash"),
        mark="poll",
    ),
    _kind("poll_answered", _("作答"), _poll_answered, "task", "poll"),
    _kind(
        "poll_answer_withdrawn",
        _("撤回答复"),
        _("{who}撤回在“{task}”中的答复"),
        *("task", "poll"),
    ),
    _kind(
        "key_taken", _("监票人领取密钥"), _("监票人{who}领取“{task}”的密钥"), "poll", mark="poll"
    ),
    _kind(
        "ballots_cast",
        _("投票结束，公布回执"),
        _("“{task}”投票 {cast} 人，回执公布，散列 {board}"),
        *("poll", "voters", "board"),
        mark="poll",
    ),
    _kind(
        "key_joined", _("监票人输入口令"), _("监票人{who}为“{task}”输入口令"), "poll", mark="poll"
    ),
    _kind(
        "ballots_opened",
        _("选票开启"),
        _("“{task}”的选票开启，无效票 {invalid} 张，选票散列 {urn}"),
        *("poll", "urn", "counts", "invalid"),
        mark="outcome",
    ),
    _kind(
        "poll_stopped",
        _("表决截止，等待计票"),
        _("“{task}”截止，等监票人计票"),
        *("task", "poll"),
        mark="poll",
    ),
    _kind("paper_ballots_given", _("纸质票已发出"), _("{who}在“{task}”中发出纸质票"), "poll"),
    _kind(
        "paper_ballots_counted",
        _("纸质票已录入"),
        _("{who}录入“{task}”的纸质票：发出 {issued}，收回 {returned}"),
        "poll",
    ),
    _kind("poll_signed", _("监票人签字"), _("{who}在“{task}”的计票结果上签字"), *("task", "poll")),
    _kind(
        "poll_closed",
        _("表决截止"),
        _poll_closed,
        *("task", "poll", "outcome"),
        mark="outcome",
    ),
    _kind(
        "poll_void_proposed",
        _("提出表决无效"),
        _("{who}提出“{task}”无效，等另一方确认：{reason}"),
        *("task", "poll"),
        mark="poll",
    ),
    _kind(
        "poll_voided",
        _("表决作废"),
        _("{who}宣布“{task}”无效：{reason}"),
        *("task", "poll"),
        mark="outcome",
    ),
    _kind(
        "poll_recounted",
        _("重新计票"),
        _("{who}退出后重新计票：“{task}”"),
        *("task", "passed"),
        mark="outcome",
    ),
    _kind(
        "meeting_called",
        _("召集会议"),
        _("召集“{task}”，应到 {due} 人"),
        *("task", "meeting", "due"),
    ),
    _kind(
        "meeting_opened",
        _("会议开始"),
        _("{who}宣布“{task}”开始，应到 {due} 人，须到 {needed} 人，实到 {present} 人"),
        *("task", "meeting", "roll_hash", "due", "needed", "present"),
        mark="outcome",
    ),
    _kind(
        "meeting_closed",
        _("散会"),
        _("“{task}”结束，应到 {due} 人，实到 {present} 人"),
        *("task", "meeting", "ledger", "due", "present"),
        mark="outcome",
    ),
)
_PEOPLE = (
    _kind("unit_created", _("单位已新增"), _("{who}新增单位“{name}”"), "unit"),
    _kind("unit_changed", _("更改单位"), _("{who}更改单位“{name}”"), "unit"),
    _kind("member_created", _("登记人员"), _("{who}登记人员{name}"), "member"),
    _kind("member_changed", _("更改登记"), _("{who}更改{name}的登记"), "member"),
    _kind(
        "post_granted",
        _("任职"),
        _("{name}任{unit}{post}，{from_on} 至 {to_on}（{who}登记）"),
        *("member", "post_kind"),
    ),
    _kind(
        "post_ended",
        _("免职"),
        _("{name}不再任{unit}{post}，至 {to_on}：{cause}（{who}登记）"),
        *("member", "post_kind"),
    ),
    _kind("password_set", _("密码已设置"), _("{who}为{name}设置密码"), "member"),
    _kind("password_changed", _("密码已更改"), _("{who}更改了自己的密码"), "member"),
    _kind("logged_in", _("登录系统"), _("{name}登录"), "member", mark="read"),
    _kind("logged_out", _("退出系统"), _("{name}退出登录"), "member", mark="read"),
    _kind(
        "login_locked",
        _("登录锁定"),
        _("{name}的登录因多次失败暂时锁定"),
        "member",
        mark="refused",
    ),
    _kind("token_created", _("新建接口令牌"), _("{who}新建接口令牌（{name}）"), "name"),
    _kind("token_ended", _("停用接口令牌"), _("{who}停用接口令牌（{name}）"), "name"),
    _kind(
        "member_joined",
        _("合并重复登记"),
        _("{who}把重复登记的{name}并入账号 {username}：{why}"),
        *("member", "into", "why"),
    ),
    _kind("import_undone", _("撤销导入"), _("{who}撤销了文件 {file} 的导入"), "batch", "file"),
    _kind("import_confirmed", _("导入文件"), _("{who}导入文件 {file}"), "batch", "file"),
    _kind(
        "people_exported",
        _("导出人员资料"),
        _("{who}导出人员资料 {rows} 行"),
        "rows",
        mark="read",
    ),
)
_INSTALLATION = (
    _kind(
        "setting_proposed",
        _("提议规则"),
        _("{who}提议把规则 {rule} 定为 {value}，自 {valid_from} 起"),
        *("setting", "rule", "value", "valid_from"),
    ),
    _kind(
        "setting_approved",
        _("批准规则"),
        _("{who}批准规则 {rule} 定为 {value}，自 {valid_from} 起"),
        *("setting", "rule", "value", "valid_from"),
        mark="outcome",
    ),
    _kind(
        "setting_refused",
        _("未批准规则"),
        _("{who}未批准规则 {rule} 定为 {value}"),
        *("setting", "rule", "value"),
        mark="outcome",
    ),
    _kind(
        "vacation_added",
        _("假期已登记"),
        _("{who}登记假期“{name}”，{from_on} 至 {to_on}"),
        *("vacation", "name", "from_on", "to_on"),
    ),
    _kind(
        "vacation_removed",
        _("删除假期"),
        _("{who}删除假期“{name}”，{from_on} 至 {to_on}"),
        *("vacation", "name", "from_on", "to_on"),
    ),
    _kind(
        "notice_loaded",
        _("放假安排已载入"),
        _("{who}载入 {year} 年放假安排（{source}）"),
        *("year", "source", "sha256"),
        mark="outcome",
    ),
    _kind(
        "notice_proposed",
        _("提出放假安排"),
        _("{who}提出 {year} 年放假安排（{source}）"),
        *("proposal", "year", "source", "sha256"),
    ),
    _kind(
        "notice_refused",
        _("未批准放假安排"),
        _("{who}未批准 {year} 年放假安排（{source}）"),
        *("proposal", "year", "sha256"),
        mark="outcome",
    ),
    _kind(
        "definition_again_proposed",
        _("提议恢复流程版本"),
        _("{who}提议恢复流程 {process} 的版本 {version}"),
        *("proposal", "process", "version"),
    ),
    _kind(
        "definition_again",
        _("流程版本恢复施行"),
        _("{who}批准恢复流程 {process} 的版本 {version}"),
        *("proposal", "process", "version", "rank"),
        mark="outcome",
    ),
    _kind(
        "definition_again_refused",
        _("未批准恢复流程版本"),
        _("{who}未批准恢复流程 {process} 的版本 {version}"),
        *("proposal", "process", "version"),
        mark="outcome",
    ),
    _kind(
        "definition_proposed",
        _("提出流程版本"),
        _("{who}提出流程 {process} 的新版本 {version}"),
        *("process", "version"),
    ),
    _kind(
        "definition_stories_replaced",
        _("更换流程版本的故事"),
        _("{who}更换流程 {process} 的版本 {version} 的故事"),
        *("process", "version"),
    ),
    _kind(
        "definition_rehearsed",
        _("演练流程版本的故事"),
        _("演练流程 {process} 的版本 {version}：共 {stories} 个故事，{wrong} 个与所写不符"),
        *("process", "version", "stories", "wrong"),
    ),
    _kind(
        "definition_published",
        _("流程版本施行"),
        _("流程 {process} 的版本 {version} 施行（{who}）"),
        *("process", "version"),
        mark="outcome",
    ),
    _kind(
        "definition_refused",
        _("未批准流程版本"),
        _("{who}未批准流程 {process} 的版本 {version}"),
        *("process", "version"),
        mark="outcome",
    ),
    _kind(
        "checkpoint_witnessed",
        _("检查点交外部保存"),
        _("{who}登记检查点 {size} 已交{witness}保存"),
        *("size", "root", "witness"),
        mark="outcome",
    ),
    _kind(
        "key_introduced",
        _("启用签名密钥"),
        _("启用签名密钥 {key}"),
        *("key", "public"),
    ),
    _kind(
        "witness_registered",
        _("登记检查点的证人"),
        _("{who}批准登记证人{name}，公钥 {key}"),
        *("name", "key", "public", "proposer"),
        mark="outcome",
    ),
    _kind(
        "witness_ended",
        _("注销检查点的证人"),
        _("{who}注销证人{name}，公钥 {key}"),
        *("name", "key"),
    ),
    _kind(
        "checkpoint_countersigned",
        _("证人已会签检查点"),
        _("{name}以公钥 {key} 会签检查点 {size}"),
        *("size", "root", "name", "key", "note"),
        mark="outcome",
    ),
    _kind(
        "checkpoint_stamped",
        _("检查点已加时间戳"),
        _("检查点 {size} 已加时间戳（RFC 3161）"),
        *("size", "root", "name", "stamped", "reply"),
        mark="outcome",
    ),
    _kind(
        "countersignature_given",
        _("为其他系统会签"),
        _("{who}为其他系统（密钥 {origin}）会签检查点 {size}"),
        *("size", "origin", "note"),
    ),
    _kind(
        "database_restored",
        _("已恢复备份"),
        _("{by} 用 {source} 的备份恢复到 {size}，须由两人确认"),
        *("size", "root", "by"),
        mark="incident",
    ),
    _kind(
        "history_repaired",
        _("记录已修复"),
        _("{by} 修复记录，自 {size} 起继续，须由两人确认：{why}"),
        *("size", "root", "by"),
        mark="incident",
    ),
    _kind(
        "resumption_confirmed",
        _("确认恢复或修复"),
        _("{who}确认第 {resumption} 条所记的恢复或修复"),
        "resumption",
        mark="outcome",
    ),
    _kind("history_verified", _("历史已校验"), _history_verified, "events", mark="outcome"),
)
KINDS: Mapping[str, Kind] = {
    kind.key: kind for kind in (*_MATTER, *_POLLS, *_PEOPLE, *_INSTALLATION)
}
