"""Who is in the demo: the unions above, three universities, 213 formal delegates in 14
delegations, the offices.
"""

from __future__ import annotations

from typing import Any

from engine.people.organisation import RUNNER
from webui.pages.demo_accounts import ACCOUNTS as ACCOUNTS
from webui.pages.demo_accounts import PASSWORD as PASSWORD

OFFICE_HOLDERS = {  # the name of an office, as stories say it -> who holds it
    "工会秘书": "secretary",
    "工会主席": "chair",
    "工会副主席": "vice-chair",
    "工会委员甲": "u1",
    "工会委员乙": "u2",
    "工会委员丙": "u3",
    "工会委员丁": "u4",
    "工会委员戊": "u5",
    "大会秘书": "congress",
    "校长": "president",
    "党委书记": "party",
    "组织部经办人": "party-office",
    "提案委主任": "approver",
    "主席团主席": "presidium",
    "省教育工会经办人": "superior",
    "省教育工会负责人": "leader",
    "调解委主任": "mediation-chair",
    "调解办": "mediation",
    "调解员甲": "mediator",
    "人事代表": "hr",
    "提案人": "delegate",
    "帮扶专员": "welfare",
    "信息学院工会主席": "d002",
    **{f"评审{word}": f"c{n}" for n, word in enumerate("甲乙丙丁戊己", 1)},
    "评审庚": "h-hospital",
}
UNION = "XGH"
TERM, FROM = "第八届", "2025-09-01"

FOUNDED: tuple[tuple[str, str, str, str, str, dict[str, str]], ...] = (
    # code, kind, name, name in English, code of the unit above, and what else is known
    ("ZGH", "provincial_federation", "省总工会", "Provincial Federation of Trade Unions", "", {}),
    ("JYGH", "provincial_education_union", "省教育工会", "Provincial Education Union", "ZGH", {}),
    (
        "HZZGH",
        "municipal_federation",
        "杭州市总工会",
        "Hangzhou Federation of Trade Unions",
        "ZGH",
        {"city": "杭州"},
    ),
    (
        UNION,
        "university_union",
        "之江大学工会",
        "Zhijiang University Union",
        "",
        {"owner_type": "province", "city": "杭州"},
    ),
    (
        "SXY",
        "university_union",
        "杭州城市学院工会",
        "Hangzhou City College Union",
        "",
        {"owner_type": "city", "city": "杭州"},
    ),
    (
        "MBDX",
        "university_union",
        "钱塘民办大学工会",
        "Qiantang Private University Union",
        "",
        {"owner_type": "private", "affiliation": "city", "city": "杭州"},
    ),
)
FIRST: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    # user name, name, code of the unit, posts there
    ("admin", "系统管理员", UNION, ("administrator", RUNNER)),
    ("superior", "省教育工会干部", "JYGH", ("union_secretary", "superior_officer")),
    ("leader", "省教育工会负责人", "JYGH", ("superior_leader",)),
    ("city-officer", "市总工会干部", "HZZGH", ("union_secretary",)),
    ("mb-secretary", "民办大学工会秘书", "MBDX", ("union_secretary",)),
)
COLLEGES = (
    ("XXGC", "信息工程学院"),
    ("SXTJ", "数学与统计学院"),
    ("WLDZ", "物理与电子学院"),
    ("HXCL", "化学与材料学院"),
    ("SMKX", "生命科学学院"),
    ("JXGC", "机械工程学院"),
    ("TMJZ", "土木建筑学院"),
    ("JJGL", "经济管理学院"),
    ("RWCM", "人文与传媒学院"),
    ("WGYY", "外国语学院"),
    ("YSSJ", "艺术设计学院"),
    ("TYJX", "体育教学部"),
)
OFFICES = (
    ("hr", "人事处"),
    ("logistics", "后勤管理处"),
    ("finance", "计划财务处"),
    ("library", "图书馆"),
    ("academic", "教务处"),
    ("it", "信息化办公室"),
    ("security", "保卫处"),
    ("assets", "资产与实验室管理处"),
    ("construction", "基建处"),
    ("research", "科研处"),
    ("hospital", "校医院"),
    ("publicity", "党委宣传部"),
    ("office", "学校办公室"),
    ("safety", "安全环保处"),
    ("sports", "场馆中心"),
    ("union_office", "校工会办公室"),
)
EXTRA_DELEGATIONS = (("JGDY", "机关第一代表团"), ("JGDE", "机关第二代表团"))
SIZES = (16, 15, 15, 15, 15, 16, 15, 16, 15, 15, 15, 15, 15, 15)  # 213

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董潘袁蔡蒋余于杜叶程苏魏吕丁沈任姚卢傅钟姜崔谭廖范汪陆金石戴"
_GIVEN = (
    "敏",
    "静",
    "丽",
    "强",
    "磊",
    "军",
    "洋",
    "勇",
    "艳",
    "杰",
    "娟",
    "涛",
    "明",
    "超",
    "秀英",
    "霞",
    "平",
    "刚",
    "桂英",
    "建华",
    "文博",
    "思远",
    "晓东",
    "雨桐",
    "国强",
    "海燕",
    "志刚",
    "春梅",
    "立新",
    "永红",
    "佳宁",
    "俊峰",
    "慧",
    "婷",
    "鑫",
    "凯",
    "浩然",
    "诗涵",
)


def name_of(number: int) -> str:
    """The name of the n-th person; the same in every installation."""
    return (
        _SURNAMES[(number * 7) % len(_SURNAMES)]
        + _GIVEN[(number * 11 + number // len(_SURNAMES)) % len(_GIVEN)]
    )


def delegations() -> list[tuple[str, str, int]]:
    """(unit code, name, number of formal delegates) of the fourteen delegations."""
    return [(c, n, s) for (c, n), s in zip((*COLLEGES, *EXTRA_DELEGATIONS), SIZES, strict=True)]


def unit_rows() -> list[dict[str, Any]]:
    """The colleges, delegations and offices of the university, for the import."""
    rows = [
        {"code": c, "name": n, "kind": "学院工会", "parent_code": UNION}
        for c, n in (*COLLEGES, *EXTRA_DELEGATIONS)
    ]
    rows += [{"code": c, "name": n, "kind": "职能部门", "parent_code": UNION} for c, n in OFFICES]
    rows.append({"code": "DW", "name": "党委", "kind": "党委", "parent_code": UNION})
    return rows


def delegate_rows() -> list[dict[str, Any]]:
    """213 formal delegates, 12 observers and 6 guests."""
    rows = []
    number = 0
    for code, _name, size in delegations():
        for _ in range(size):
            number += 1
            rows.append(
                _delegate(number, code, "正式", "delegate" if number == 3 else f"d{number:03}")
            )
        rows.append(_delegate(300 + number, code, "列席", f"l{number:03}"))
    rows += [_delegate(600 + n, "JGDY", "特邀", f"t{n:03}") for n in range(1, 7)]
    return rows


def _delegate(number: int, code: str, category: str, username: str) -> dict[str, Any]:
    return {
        "username": username,
        "name": name_of(number),
        "unit_code": code,
        "category": category,
        "term": TERM,
        "from_on": FROM,
    }


def staff_rows() -> list[dict[str, Any]]:
    """Those who hold an office and are no delegates."""
    rows = [
        {"username": "secretary", "name": "陈晓岚", "unit_code": "union_office"},
        {"username": "approver", "name": "王建国", "unit_code": "office"},
        {"username": "auditor", "name": "孙明远", "unit_code": "finance"},
        {"username": "vp", "name": "方正平", "unit_code": "office"},
        {"username": "inspector", "name": "钱立群", "unit_code": "office"},
        {"username": "presidium", "name": "郑国华", "unit_code": "office"},
        {"username": "chair", "name": "林秀珍", "unit_code": "union_office"},
        {"username": "vice-chair", "name": "高志远", "unit_code": "union_office"},
        {"username": "congress", "name": "何静文", "unit_code": "union_office"},
        {"username": "president", "name": "沈宏伟", "unit_code": "office"},
        {"username": "party", "name": "许德民", "unit_code": "DW"},
        {"username": "party-office", "name": "潘立平", "unit_code": "DW"},
        {"username": "mediation-chair", "name": "汤慧芳", "unit_code": "union_office"},
        {"username": "mediation", "name": "石卫东", "unit_code": "union_office"},
        {"username": "mediator", "name": "唐明哲", "unit_code": "union_office"},
        {"username": "mediator2", "name": "俞晓梅", "unit_code": "union_office"},
        {"username": "hr", "name": "贺长春", "unit_code": "hr"},
        {"username": "welfare", "name": "顾惠芳", "unit_code": "union_office"},
        {"username": "cashier", "name": "江素琴", "unit_code": "union_office"},
    ]
    rows += [
        {"username": f"u{n}", "name": name_of(900 + n), "unit_code": COLLEGES[n][0]}
        for n in range(1, 6)
    ]
    rows += [
        {"username": f"c{n}", "name": name_of(800 + n), "unit_code": COLLEGES[n][0]}
        for n in range(1, 7)
    ]
    rows += [
        {"username": f"h-{code}".replace("_", "-"), "name": name_of(700 + n), "unit_code": code}
        for n, (code, _) in enumerate(OFFICES)
    ]
    return rows


def post_rows() -> list[dict[str, Any]]:
    """The offices: secretary, committee, heads of units and delegations."""
    rows = [
        _post("secretary", "union_secretary", UNION),
        _post("auditor", "auditor", UNION),
        _post("approver", "motions_committee_chair", UNION),
        _post("approver", "motions_committee", UNION),
        _post("vp", "vice_president", UNION),
        _post("inspector", "inspection_officer", UNION),
        _post("presidium", "presidium_chair", UNION),
        _post("chair", "union_chair", UNION),
        _post("vice-chair", "union_vice_chair", UNION),
        _post("congress", "congress_secretary", UNION),
        _post("president", "president", UNION),
        _post("party", "party_secretary", "DW"),
        _post("party-office", "party_officer", "DW"),
        _post("mediation-chair", "mediation_chair", UNION),
        _post("mediation", "mediation_clerk", UNION),
        _post("mediator", "mediator", UNION),
        _post("mediator2", "mediator", UNION),
        _post("hr", "hr_officer", UNION),
        _post("welfare", "hardship_clerk", UNION),
        _post("cashier", "union_finance", UNION),
        _post("chair", "hardship_approver", UNION),
        _post("vice-chair", "hardship_approver", UNION),
        _post("h-hospital", "hardship_panel", UNION),
        _post("d002", "union_chair", COLLEGES[0][0]),
    ]
    rows += [_post(f"u{n}", "union_committee", UNION) for n in range(1, 6)]
    rows += [
        _post(f"c{n}", kind, UNION)
        for n in range(1, 7)
        for kind in ("motions_committee", "hardship_panel")
    ]
    rows += [_post(f"h-{code}".replace("_", "-"), "unit_head", code) for code, _ in OFFICES]
    first = 1
    for code, _name, size in delegations():
        rows.append(_post(f"d{first:03}", "delegation_head", code))
        first += size
    return rows


def _post(username: str, kind: str, unit: str) -> dict[str, Any]:
    return {"username": username, "post": kind, "unit_code": unit, "term": TERM, "from_on": FROM}
