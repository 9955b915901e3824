"""The accounts of the demo, as the login page offers them and the demo makes them."""

from __future__ import annotations

PASSWORD = "yixing-demo-2026"
ACCOUNTS = (
    ("secretary", PASSWORD, "校工会秘书 / union secretary"),
    ("approver", PASSWORD, "提案委主任 / chair of the motions committee"),
    ("delegate", PASSWORD, "正式代表 / formal delegate"),
    ("auditor", PASSWORD, "经审委员 / auditor"),
    ("superior", PASSWORD, "省教育工会 / provincial education union"),
    ("admin", PASSWORD, "管理员 / administrator"),
    ("chair", PASSWORD, "校工会主席 / chair of the union"),
    ("mediator", PASSWORD, "调解员 / mediator"),
    ("hr", PASSWORD, "用人单位代表（人事）/ employer's representative"),
    ("congress", PASSWORD, "大会秘书 / secretary of the congress"),
    ("leader", PASSWORD, "省教育工会负责人 / leader of the superior union"),
    ("presidium", PASSWORD, "主席团主席 / chair of the presidium"),
    ("h-logistics", PASSWORD, "后勤管理处负责人 / head of logistics"),
    ("d004", PASSWORD, "另一名正式代表 / another formal delegate"),
)
