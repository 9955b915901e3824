"""One matter of each further process, told like a story and played through the commands into
the demo.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from engine import clock, scenarios
from webui.cli.demo import people as cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.db import Engine

Step = dict[str, Any]


def play(engine: Engine, members: Mapping[str, UUID], units: Mapping[str, str]) -> None:
    """Play them up to now. `members` by user name, `units` by code."""
    nine = datetime.combine(clock.today(), time(9), clock.CHINA)
    for process, began, steps in (
        ("cadre_transfer", nine - timedelta(days=6), TRANSFER),
        ("collective_consultation", nine - timedelta(days=6), CONSULTATION),
        ("dispute_mediation", nine - timedelta(days=4), MEDIATION),
        ("hardship_help", nine - timedelta(days=4), HELP),
        ("duty_elsewhere", nine - timedelta(days=3), ELSEWHERE),
        ("congress_session", clock.now() - timedelta(days=11, hours=7, minutes=30), _session()),
    ):
        scenarios.perform(
            engine,
            process,
            steps,
            began,
            union=cast.UNION,
            members={**members, **_called(members)},
            units=units,
        )


def _called(members: Mapping[str, UUID]) -> dict[str, UUID]:
    """Who is meant by the names of offices that the steps use."""
    return {name: members[username] for name, username in cast.OFFICE_HOLDERS.items()}


def _do(who: str, task: str, after: str = "", **given: Any) -> Step:
    return {
        "who": who,
        "does": "complete",
        "task": task,
        "with": given,
        **({"after": after} if after else {}),
    }


def _say(who: list[str], task: str, choice: str) -> Step:
    return {"who": who, "does": "respond", "task": task, "with": {"choice": choice}}


COMMITTEE = ["工会副主席", "工会委员甲", "工会委员乙", "工会委员丙", "工会委员丁", "工会委员戊"]
TRANSFER: list[Step] = [
    {
        "who": "组织部经办人",
        "does": "launch",
        "with": {
            "subject": "关于校工会主席任期未满调动",
            "office": "chair",
            "chair": "member:工会主席",
            "move": "exchange",
            "elected_on": cast.FROM,
            "term_ends": "2030-08-31",
            "new_committee": False,
            "new_post": "继续教育学院党委书记",
            "reason": "学院班子调整，急需有群众工作经验的干部",
            "effective_on": "day:+60",
            "urgency": "normal",
        },
    },
    _do(
        "工会秘书",
        "check_term",
        "1 hours",
        decision="in_term",
        elected_on=cast.FROM,
        term_ends="2030-08-31",
        new_committee=False,
        note="已核对选举结果批复",
        regime="public",
        full_time="full",
    ),
    _do(
        "工会主席",
        "hear",
        "4 hours",
        attitude="agree",
        statement="服从组织安排，请做好工会工作的衔接",
    ),
    _do(
        "工会秘书",
        "call_meeting",
        "1 hours",
        meeting_on="day:+0",
        place="行政楼二楼会议室",
        presides="vice_chair",
        vice="member:工会副主席",
        told=True,
        asked="none",
    ),
    {"who": "工会秘书", "does": "open_meeting", "task": "committee_meeting", "after": "1 hours"},
    {
        "who": "工会秘书",
        "does": "seat",
        "task": "committee_meeting",
        "with": {"members": [f"member:{m}" for m in COMMITTEE]},
    },
    _do("工会副主席", "put_vote", withdrew=True),
    _say(COMMITTEE, "committee_vote", "yes"),
    _do("工会秘书", "committee_meeting", note="会议按程序进行"),
    _do(
        "工会秘书",
        "committee_minutes",
        discussion="委员逐一发言，认为调动理由成立，工作有人接续",
        withdrew=True,
        recorder="陈晓岚",
    ),
    _do(
        "工会秘书",
        "request",
        kind="request",
        signed_by="vice_chair",
        vice="member:工会副主席",
        text="工会委员会已经讨论并表决同意，现请示如上",
    ),
]
CONSULTATION: list[Step] = [
    {
        "who": "工会主席",
        "does": "launch",
        "with": {
            "subject": "后勤服务公司年度集体合同",
            "employer": "company",
            "employer_name": "之江大学后勤服务有限公司",
            "staff": "contract",
            "kind": "general",
            "topics": "劳动报酬、工作时间、休息休假和职工培训的标准",
            "proposed_on": "day:+20",
            "place": "行政楼三楼会议室",
            "contact": "工会办公室 0571-88200001",
        },
    },
    _do(
        "人事代表",
        "reply_employer",
        "2 days",
        decision="agree",
        proposed_on="day:+18",
        contact="人事处 0571-88200002",
    ),
]
MEDIATION: list[Step] = [
    {
        "who": "提案人",
        "does": "launch",
        "with": {
            "way": "written",
            "subject": "课时酬金的计算",
            "respondent": "member:人事代表",
            "by": "worker",
            "employer": "public_university",
            "employer_name": "之江大学",
            "staff": "contract",
            "matter": "pay",
            "arrears": "no",
            "claims": "请求按合同约定补足上学期课时酬金",
            "facts": "合同约定按实际课时计酬，上学期少计十二课时",
            "known_on": "day:-40",
            "pending": "none",
            "esign": True,
            "contact": "13800000000",
        },
    },
    _do(
        "调解办",
        "examine",
        "3 hours",
        matter="pay",
        pending="none",
        times="as_told",
        legal_rep="陈守正",
        agent="member:人事代表",
        agent_power="special",
        agent_paper="授权委托书",
        agent_scan=["file:授权委托书.pdf"],
        arbitration_body="杭州市劳动人事争议仲裁委员会",
    ),
    _do("人事代表", "reply", "1 days", decision="agree", esign=True),
    _do("调解委主任", "accept", "2 hours", decision="accept"),
    _do("调解委主任", "assign", mode="single", chief="member:调解员甲"),
    {
        "who": "调解员甲",
        "does": "respond",
        "task": "disclose",
        "with": {"choice": "clear"},
        "after": "1 hours",
    },
]
PANEL = [f"评审{word}" for word in "甲乙丙丁戊己庚"]
HELP: list[Step] = [
    {
        "who": "提案人",
        "does": "launch",
        "with": {
            "subject": "家人患病申请帮扶",
            "college": "unit:XXGC",
            "cause": "illness",
            "happened_on": "day:-60",
            "story": "配偶患重大疾病，正在住院治疗",
            "household": [
                {"name": "本人", "relation": "本人", "born": 1985, "income": "40000"},
                {"name": "林芳", "relation": "配偶", "born": 1986, "income": "20000"},
                {"name": "女儿", "relation": "子女", "born": 2015, "income": "0"},
            ],
            "costs": "42000",
            "cost": "30000",
            "others_gave": "0",
            "homes": 1,
            "area": 90,
            "staff": 0,
            "cars": 1,
            "account": "6222000011112222",
            "named": "number",
            "attachments": ["file:诊断证明.pdf"],
            "truth": True,
            "consent": True,
        },
    },
    _do(
        "信息学院工会主席",
        "college",
        "1 days",
        opinion="support",
        visited_on="day:+0",
        visitors="王敏、李强",
        note="情况属实，治疗还要半年",
    ),
    _do(
        "帮扶专员",
        "check",
        "3 hours",
        decision="complete",
        income="60000",
        costs="42000",
        cost="30000",
        persons=3,
        line="1100",
        line_source="杭民发〔2026〕1号",
        proofs=["income", "medical"],
    ),
    _do(
        "帮扶专员",
        "convene",
        "1 hours",
        decision="put",
        amount="5000",
        pot="union",
        reasons="一等，照标准提请",
    ),
    _say(PANEL[:5], "panel_vote", "yes"),
    _say(PANEL[5:], "panel_vote", "no"),
]
ELSEWHERE: list[Step] = [
    {
        "who": "工会秘书",
        "does": "launch",
        "with": {
            "subject": "“中国梦·劳动美”主题宣讲会",
            "duty": "D07-1",
            "done_on": "day:-30",
            "what": "组织全校教职工主题宣讲会，二百一十人参加",
            "paper_no": "活动通知和签到表，校工〔2026〕12号",
            "papers": ["file:活动通知.pdf"],
        },
    },
    _do("工会主席", "confirm", "1 days", decision="confirm", reason="与通知、签到表相符"),
]


COUNTED = (
    "received",
    "reviewing",
    "filed",
    "suggested",
    "declined",
    "merged",
    "withdrawn",
    "satisfied",
    "basically",
    "unsatisfied",
    "unrated",
    "unfinished",
    "overdue",
)


def _session() -> list[Step]:
    """A session that is being held now: the hall is quorate and the first vote is open."""
    hall = [f"d{n:03}" for n in range(1, 171) if n != 3] + ["delegate"]
    return [
        {
            "who": "大会秘书",
            "does": "launch",
            "with": {
                "kind": "annual",
                "title": "第八届教职工代表大会第三次会议",
                "last_on": "day:-300",
            },
        },
        _do(
            "工会秘书",
            "credentials",
            "4 hours",
            regime="public",
            delegates="fact:roster.delegates",
            teachers=139,
            decision="pass",
        ),
        _do(
            "提案委主任",
            "motions_report",
            "1 days",
            **{key: f"fact:count_motions.{key}" for key in COUNTED},
        ),
        _do(
            "大会秘书",
            "agenda",
            "1 hours",
            items=["work_report", "motions_report", "rules"],
            members=[f"member:{name}" for name in hall[:9]],
            presidium_teachers=6,
        ),
        _do("主席团主席", "confirm_agenda", "2 hours", decision="approve"),
        _do("大会秘书", "call", meeting_on="day:+10", time="上午九时", place="学术报告厅"),
        {"who": "大会秘书", "does": "open_meeting", "task": "session", "after": "10 days"},
        {
            "who": "大会秘书",
            "does": "seat",
            "task": "session",
            "with": {"members": [f"member:{name}" for name in hall]},
        },
        _do("主席团主席", "declare_open", decision="open"),
        _say(hall[:60], "preparatory", "yes"),
    ]
