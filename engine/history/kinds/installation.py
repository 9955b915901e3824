"""The kinds of events of rules, calendars, process versions and the history as a whole."""

from __future__ import annotations

from engine.history.kinds.kind import Facts, kind, told_if
from engine.messages import Message, _


def _history_verified(facts: Facts) -> Message:
    if facts.body.get("whole"):
        return _("{who}校验了全部 {events} 条记录，完整")
    return _("{who}校验了全部记录，发现断裂：{fault}")


_ABOUT = ("own", "process", "version")
OWN_VERSIONS = (  # told by the chain of the union
    kind(
        "own_version_proposed",
        _("提出本单位的流程版本"),
        _("{who}为本单位提出流程 {process} 的版本 {version}，以通用版本 {based_on} 为基础"),
        *(*_ABOUT, "based_on"),
    ),
    kind(
        "own_version_stories_replaced",
        _("更换本单位流程版本的故事"),
        _("{who}更换本单位流程 {process} 的版本 {version} 的故事"),
        *_ABOUT,
    ),
    kind(
        "own_version_rehearsed",
        _("演练本单位流程版本的故事"),
        _("演练本单位流程 {process} 的版本 {version}：共 {stories} 个故事，{wrong} 个与所写不符"),
        *(*_ABOUT, "stories", "wrong"),
    ),
    kind(
        "own_version_in_force",
        _("本单位流程版本施行"),
        _("{who}批准本单位施行流程 {process} 的版本 {version}"),
        *(*_ABOUT, "by"),
        mark="outcome",
    ),
    kind(
        "own_version_refused",
        _("未批准本单位流程版本"),
        _("{who}未批准本单位流程 {process} 的版本 {version}"),
        *_ABOUT,
        mark="outcome",
    ),
    kind(
        "own_version_behind",
        _("通用版本已更新"),
        _("流程 {process} 的通用版本改为 {common}，本单位的版本 {version} 以 {based_on} 为基础"),
        *(*_ABOUT, "based_on", "common"),
        mark="outcome",
    ),
    kind(
        "start_missed",
        _("未能按日历发起"),
        _("按日历应于 {day} 发起流程 {process}，没有发起成：{why}"),
        *("process", "start", "day", "why"),
        mark="incident",
    ),
    kind(
        "start_dropped",
        _("不再按日历发起"),
        _("{who}写明：流程 {process} 应于 {day} 的发起不再办理：{reason}"),
        *("process", "start", "day", "reason"),
        mark="outcome",
    ),
    kind(
        "own_version_end_proposed",
        _("提议改用通用版本"),
        _("{who}提议停用本单位流程 {process} 的版本 {version}，改用通用版本"),
        *(*_ABOUT, "proposal"),
    ),
    kind(
        "own_version_ended",
        _("改用通用版本"),
        _("{who}批准停用本单位流程 {process} 的版本 {version}，改用通用版本"),
        *(*_ABOUT, "proposal"),
        mark="outcome",
    ),
    kind(
        "own_version_end_refused",
        _("未批准改用通用版本"),
        _("{who}未批准停用本单位流程 {process} 的版本 {version}"),
        *(*_ABOUT, "proposal"),
        mark="outcome",
    ),
)
INSTALLATION = (
    kind(
        "setting_proposed",
        _("提议规则"),
        _("{who}提议把规则 {rule} 定为 {value}，自 {valid_from} 起"),
        *("setting", "rule", "value", "valid_from"),
    ),
    kind(
        "setting_approved",
        _("批准规则"),
        _("{who}批准规则 {rule} 定为 {value}，自 {valid_from} 起"),
        *("setting", "rule", "value", "valid_from"),
        mark="outcome",
    ),
    kind(
        "setting_refused",
        _("未批准规则"),
        _("{who}未批准规则 {rule} 定为 {value}"),
        *("setting", "rule", "value"),
        mark="outcome",
    ),
    kind(
        "vacation_added",
        _("假期已登记"),
        _("{who}登记假期“{name}”，{from_on} 至 {to_on}"),
        *("vacation", "name", "from_on", "to_on"),
    ),
    kind(
        "vacation_removed",
        _("删除假期"),
        _("{who}删除假期“{name}”，{from_on} 至 {to_on}"),
        *("vacation", "name", "from_on", "to_on"),
    ),
    kind(
        "notice_loaded",
        _("放假安排已载入"),
        _("{who}载入 {year} 年放假安排（{source}）"),
        *("year", "source", "sha256"),
        mark="outcome",
    ),
    kind(
        "notice_proposed",
        _("提出放假安排"),
        _("{who}提出 {year} 年放假安排（{source}）"),
        *("proposal", "year", "source", "sha256"),
    ),
    kind(
        "notice_refused",
        _("未批准放假安排"),
        _("{who}未批准 {year} 年放假安排（{source}）"),
        *("proposal", "year", "sha256"),
        mark="outcome",
    ),
    kind(
        "definition_again_proposed",
        _("提议恢复流程版本"),
        _("{who}提议恢复流程 {process} 的版本 {version}"),
        *("proposal", "process", "version"),
    ),
    kind(
        "definition_again",
        _("流程版本恢复施行"),
        _("{who}批准恢复流程 {process} 的版本 {version}"),
        *("proposal", "process", "version", "rank"),
        mark="outcome",
    ),
    kind(
        "definition_again_refused",
        _("未批准恢复流程版本"),
        _("{who}未批准恢复流程 {process} 的版本 {version}"),
        *("proposal", "process", "version"),
        mark="outcome",
    ),
    kind(
        "definition_proposed",
        _("提出流程版本"),
        _("{who}提出流程 {process} 的新版本 {version}"),
        *("process", "version"),
    ),
    kind(
        "definition_stories_replaced",
        _("更换流程版本的故事"),
        _("{who}更换流程 {process} 的版本 {version} 的故事"),
        *("process", "version"),
    ),
    kind(
        "definition_rehearsed",
        _("演练流程版本的故事"),
        _("演练流程 {process} 的版本 {version}：共 {stories} 个故事，{wrong} 个与所写不符"),
        *("process", "version", "stories", "wrong"),
    ),
    kind(
        "definition_published",
        _("流程版本施行"),
        _("流程 {process} 的版本 {version} 施行（{who}）"),
        *("process", "version"),
        mark="outcome",
    ),
    kind(
        "definition_refused",
        _("未批准流程版本"),
        _("{who}未批准流程 {process} 的版本 {version}"),
        *("process", "version"),
        mark="outcome",
    ),
    *OWN_VERSIONS,
    kind(
        "checkpoint_witnessed",
        _("检查点交外部保存"),
        _("{who}登记检查点 {size} 已交{witness}保存"),
        *("size", "root", "witness"),
        mark="outcome",
    ),
    kind(
        "key_introduced",
        _("启用签名密钥"),
        _("启用签名密钥 {key}"),
        *("key", "public"),
    ),
    kind(
        "witness_registered",
        _("登记检查点的证人"),
        _("{who}批准登记证人{name}，公钥 {key}"),
        *("name", "key", "public", "proposer"),
        mark="outcome",
    ),
    kind(
        "witness_ended",
        _("注销检查点的证人"),
        _("{who}注销证人{name}，公钥 {key}"),
        *("name", "key"),
    ),
    kind(
        "checkpoint_countersigned",
        _("证人已会签检查点"),
        _("{name}以公钥 {key} 会签检查点 {size}"),
        *("size", "root", "name", "key", "note"),
        mark="outcome",
    ),
    kind(
        "checkpoint_stamped",
        _("检查点已加时间戳"),
        _("检查点 {size} 已加时间戳（RFC 3161）"),
        *("size", "root", "name", "stamped", "reply"),
        mark="outcome",
    ),
    kind(
        "countersignature_given",
        _("为其他系统会签"),
        _("{who}为其他系统（密钥 {origin}）会签检查点 {size}"),
        *("size", "origin", "note"),
    ),
    kind(
        "database_restored",
        _("已恢复备份"),
        _("{by} 用 {source} 的备份恢复到 {size}，须由两人确认"),
        *("size", "root", "by"),
        mark="incident",
    ),
    kind(
        "registry_baselined",
        _("补记单位、人员和职务"),
        _("升级时补记单位、人员和职务的现状，此后逐项核对"),
        *("tells", "table", "rows"),
    ),
    kind(
        "history_baselined",
        _("升级时补记现状"),
        _("升级时补记了 {matters} 件事项和 {unions} 个单位的现状，须由两人确认"),
        *("matters", "unions"),
        mark="incident",
    ),
    kind(
        "history_repaired",
        _("记录已修复"),
        _("{by} 修复记录，自 {size} 起继续，须由两人确认：{why}"),
        *("size", "root", "by"),
        mark="incident",
    ),
    kind(
        "resumption_confirmed",
        _("确认恢复或修复"),
        _("{who}确认第 {resumption} 条所记的恢复或修复"),
        "resumption",
        mark="outcome",
    ),
    kind(
        "matter_annotated",
        _("审计批注"),
        told_if(
            "note",
            _("{who}批注 {number} 第 {about} 条：{note}"),
            _("{who}批注了 {number} 第 {about} 条"),
        ),
        *("matter", "number", "about"),
    ),
    kind("history_sampled", _("抽查历史"), _("{who}抽查了 {year} 年的结论"), "year", mark="read"),
    kind("history_verified", _("历史已校验"), _history_verified, "events", mark="outcome"),
)
