"""The accounts of the demo, as the login page offers them and the demo makes them."""

from __future__ import annotations

from engine.messages import _

PASSWORD = "yixing-demo-2026"
ACCOUNTS = (
    ("secretary", PASSWORD, _("校工会秘书")),
    ("approver", PASSWORD, _("提案委主任")),
    ("delegate", PASSWORD, _("正式代表")),
    ("auditor", PASSWORD, _("经审委员")),
    ("superior", PASSWORD, _("省教育工会")),
    ("admin", PASSWORD, _("管理员")),
    ("chair", PASSWORD, _("校工会主席")),
    ("mediator", PASSWORD, _("调解员")),
    ("hr", PASSWORD, _("用人单位代表（人事）")),
    ("congress", PASSWORD, _("大会秘书")),
    ("leader", PASSWORD, _("省教育工会负责人")),
    ("presidium", PASSWORD, _("主席团主席")),
    ("h-logistics", PASSWORD, _("后勤管理处负责人")),
    ("d004", PASSWORD, _("另一名正式代表")),
)

TITLES = {  # as short as a button
    "secretary": _("工会秘书"),
    "approver": _("审批人"),
    "delegate": _("代表"),
    "auditor": _("审计"),
    "superior": _("上级工会"),
    "admin": _("管理员"),
    "chair": _("工会主席"),
    "mediator": _("调解员"),
    "hr": _("单位代表"),
    "congress": _("大会秘书"),
    "leader": _("上级工会负责人"),
    "presidium": _("主席团主席"),
    "h-logistics": _("承办单位"),
    "d004": _("另一代表"),
}
