"""The motions of the demo: what each is about, and how its story goes, up to a stage of its own."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine import clock
from webui.cli.demo import people as cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID


class Cast(Protocol):
    """Who is who: members by user name, ids of units by code."""

    @property
    def members(self) -> Mapping[str, UUID]: ...

    @property
    def units(self) -> Mapping[str, str]: ...


ASSIST = {
    "logistics": ["finance"],
    "hr": ["finance", "office"],
    "construction": ["assets"],
    "it": ["office"],
}
# stage -> (how many motions, how many days ago they were moved)
STAGES = (
    ("seconding", 9, 2),
    ("failed", 3, 9),
    ("head", 6, 6),
    ("review", 10, 10),
    ("returned", 2, 12),
    ("plan", 4, 14),
    ("accept", 6, 17),
    ("replying", 10, 25),
    ("late", 4, 64),
    ("cosign", 3, 31),
    ("sign", 4, 42),
    ("rating", 4, 34),
    ("redo", 3, 58),
    ("closing", 2, 52),
    ("closed", 6, 60),
    ("suggestion", 2, 30),
    ("declined", 1, 32),
    ("withdrawn", 1, 20),
)


@dataclass
class Motion:
    """One motion of the demo and how far its story goes."""

    number: int
    subject: str
    category: str
    lead: str
    problem: str
    measure: str
    stage: str
    began: datetime
    mover: str
    head: str
    id: UUID | None = None
    steps: list[tuple[float, str, str, dict[str, Any]]] = field(default_factory=list)


def motions(now: datetime) -> list[Motion]:
    with (Path(__file__).parent / "motions.tsv").open(encoding="utf-8") as file:
        lines = list(csv.reader(file, delimiter="\t"))
    stages = [(name, days) for name, many, days in STAGES for _ in range(many)]
    heads: list[tuple[str, str]] = []
    number = 1
    for _code, _name, size in cast.delegations():
        heads += [(f"d{n:03}", f"d{number:03}") for n in range(number, number + size)]
        number += size
    found = []
    for n, (subject, category, lead, problem, measure) in enumerate(lines):
        stage, days = stages[(n * 37) % len(stages)]
        mover, head = heads[(n * 53 + 5) % len(heads)]
        if mover == head:  # nobody checks a motion of their own
            mover = f"d{int(mover[1:]) + 1:03}"
        began = datetime.combine(
            clock.day_of(now) - timedelta(days=days), time(9 + n % 8, (n * 13) % 60), clock.CHINA
        )
        mover = "delegate" if mover == "d003" or n in (4, 17, 33) else mover
        head = "d001" if mover == "delegate" else head
        found.append(
            Motion(
                number=n + 1,
                subject=subject,
                category=category,
                lead=lead,
                problem=problem,
                measure=measure,
                stage=stage,
                began=began,
                mover=mover,
                head=head,
            )
        )
    return found


def story(known: Cast, m: Motion) -> Iterator[tuple[float, str, str, dict[str, Any]]]:
    """(days after the start, who, does, answers) up to the motion's stage."""
    units, head_of = known.units, f"h-{m.lead}".replace("_", "-")
    lead, assisting = units[m.lead], [units[u] for u in ASSIST.get(m.lead, [])]
    yield (
        0,
        m.mover,
        "launch",
        {
            "subject": m.subject,
            "category": m.category,
            "reasons": f"{m.problem}。代表团在走访中收集到多名教职工的同类意见，认为有必要由学校统筹研究，尽快拿出可行的办法并向教职工公布。",
            "measures": f"建议{m.measure}；由主办单位提出实施方案和时间表，每学期末向教代会执行委员会报告进展。",
        },
    )
    seconders = [f"d{(m.number * 17 + k * 29) % 213 + 1:03}" for k in range(1, 7)]
    seconders = [s for s in dict.fromkeys(seconders) if s not in (m.mover, "d003")]
    for k, who in enumerate(seconders[: {"seconding": m.number % 4, "failed": 2}.get(m.stage, 4)]):
        yield (
            0.2 + k * 0.3,
            who,
            "respond:second",
            {"choice": "yes", "comment": "情况属实，赞成。" if k == 0 else ""},
        )
    if m.stage in ("seconding", "failed"):
        return
    yield 2, m.mover, "close:second", {}
    if m.stage == "head":
        return
    yield 3.1, m.head, "complete:head_check", {"decision": "forward"}
    if m.stage == "withdrawn":
        yield 4, m.mover, "withdraw", {"reason": "有关单位已先行解决，不再需要立案。"}
        return
    if m.stage == "review":
        return
    yield from _reviewed(known, m, lead, assisting)
    if m.stage in ("returned", "suggestion", "declined", "plan"):
        return
    yield (
        9,
        "approver",
        "complete:dispatch_plan",
        {"decision": "approve", "lead_unit": lead, "assisting_units": assisting},
    )
    if m.stage == "accept":
        return
    yield (
        10,
        head_of,
        "complete:accept",
        {"decision": "accept", "officer": cast.name_of(m.number + 400), "phone": "0571-88200000"},
    )
    if m.stage in ("replying", "late"):
        return
    yield from _handled(m, head_of, assisting)


def _reviewed(
    known: Cast, m: Motion, lead: str, assisting: list[str]
) -> Iterator[tuple[float, str, str, dict[str, Any]]]:
    present = [str(known.members[u]) for u in ("approver", "c1", "c2", "c3", "c4")]
    decision = {"returned": "return", "suggestion": "suggest", "declined": "decline"}.get(
        m.stage, "file"
    )
    given: dict[str, Any] = {
        "decision": decision,
        "present": present,
        "reason": "事关教职工切身利益，内容具体，措施可行。",
    }
    if decision == "file":
        given.update(
            grade="key" if m.number % 5 == 0 else "general",
            lead_unit=lead,
            assisting_units=assisting,
        )
    if decision == "decline":
        given.update(grounds=["out_of_scope"], reason="所提事项超出学校职权范围。")
    if decision == "return":
        given.update(reason="请补充涉及范围和预计经费。")
    yield 7.2, f"c{m.number % 6 + 1}", "complete:review", given
    if decision == "suggest":
        yield (
            9,
            "secretary",
            "complete:suggestion_note",
            {"unit": lead, "note": "请结合年度工作研究参考，并告知提案人。"},
        )


def _handled(
    m: Motion, head_of: str, assisting: list[str]
) -> Iterator[tuple[float, str, str, dict[str, Any]]]:
    met = clock.day_of(m.began + timedelta(days=27)).isoformat()
    reply = {
        "met_on": met,
        "meeting_record": "与提案人当面沟通，现场查看情况，就措施和时间安排达成一致。",
        "measures": f"经研究，采纳建议：{m.measure}。由本单位牵头落实，接受教职工监督。",
        "timetable": "本学期内完成方案，下学期开学前落实到位。",
        "code": "A",
    }
    yield 28, head_of, "complete:reply", reply
    helpers = [f"h-{u}".replace("_", "-") for u in ASSIST.get(m.lead, [])]
    if m.stage == "cosign" and assisting:
        return
    for k, who in enumerate(helpers):
        yield 29 + k * 0.4, who, "respond:cosign", {"choice": "yes"}
    if m.stage in ("cosign", "sign"):
        return
    yield 31, "vp", "complete:sign", {"decision": "sign"}
    if m.stage == "rating":
        return
    grade = (
        "unsatisfied" if m.stage == "redo" else "basically" if m.number % 3 == 0 else "satisfied"
    )
    yield (
        34,
        m.mover,
        "respond:rate",
        {"choice": grade, "comment": "希望尽快落实。" if grade != "satisfied" else "办理认真。"},
    )
    if m.stage in ("redo", "closing"):
        return
    yield (
        38,
        "c1" if m.number % 6 else "c2",
        "complete:close",
        {"result": "A", "publication": "school", "nominated": False},
    )
