"""Plays the demo into an empty database: imports, then eighty motions day by day up to now, each by the right person."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine import clock, jobs
from engine.commands import edge, imports, instances, people, polls, tasks
from engine.commands.imports import columns, workbook
from engine.people import organisation
from engine.queries import instance as files
from engine.queries import people as roster
from webui.cli.demo import matters
from webui.cli.demo import people as cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.db import Engine
    from engine.people.organisation import Actor
    from engine.settings import Settings

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


class Stage:
    """The scene: who is who by user name, and the present engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.members: dict[str, UUID] = {}
        self.units: dict[str, str] = {}

    def run(self, username: str, work: Callable[[Any, Actor], Any]) -> Any:
        """Carry out a command as this person, at the present moment of the story."""

        def inside(session: Any) -> Any:
            return work(session, organisation.actor(session, self.members[username]))

        return edge.carry_out(self.engine, None, inside)


def load(engine: Engine, own: Settings | None = None) -> None:
    """Fill an empty installation with the demo. Takes some ten seconds."""
    del own
    stage = Stage(engine)
    now = clock.now()
    with clock.set_to(now - timedelta(days=80)):
        _found(stage)
        _import(stage)
        _passwords(stage)
    _play(stage, now)
    matters.play(engine, stage.members, stage.units)
    jobs.sweep(engine)


def _found(stage: Stage) -> None:
    """What the operator enters by hand: the unions above, the universities, the first administrator."""

    def work(session: Any) -> None:
        def unit(
            code: str, kind: str, name: str, name_en: str, parent: UUID | None = None, **more: str
        ) -> UUID:
            return people.create_unit(
                session, None, code, kind, name, parent_id=parent, name_en=name_en, **more
            )

        top = unit(
            "ZGH", "provincial_federation", "省总工会", "Provincial Federation of Trade Unions"
        )
        education = unit(
            "JYGH", "provincial_education_union", "省教育工会", "Provincial Education Union", top
        )
        city = unit(
            "HZZGH",
            "municipal_federation",
            "杭州市总工会",
            "Hangzhou Federation of Trade Unions",
            top,
            city="杭州",
        )
        main = unit(
            cast.UNION,
            "university_union",
            "之江大学工会",
            "Zhijiang University Union",
            owner_type="province",
            city="杭州",
        )
        unit(
            "SXY",
            "university_union",
            "杭州城市学院工会",
            "Hangzhou City College Union",
            owner_type="city",
            city="杭州",
        )
        other = unit(
            "MBDX",
            "university_union",
            "钱塘民办大学工会",
            "Qiantang Private University Union",
            owner_type="private",
            city="杭州",
        )
        for username, name, at, posts in (
            ("admin", "系统管理员", main, [("administrator", main)]),
            (
                "superior",
                "省教育工会干部",
                education,
                [("union_secretary", education), ("superior_officer", education)],
            ),
            ("leader", "省教育工会负责人", education, [("superior_leader", education)]),
            ("city-officer", "市总工会干部", city, [("union_secretary", city)]),
            ("mb-secretary", "民办大学工会秘书", other, [("union_secretary", other)]),
        ):
            stage.members[username] = people.create_member(session, None, username, name, at)
            for kind, place in posts:
                people.grant_post(
                    session,
                    None,
                    stage.members[username],
                    kind,
                    place,
                    from_on=clock.today(),
                    term=cast.TERM,
                )

    edge.carry_out(stage.engine, None, work)


def _import(stage: Stage) -> None:
    """The rest comes by the same files that a real office would upload."""
    for kind, rows in (
        ("units", cast.unit_rows()),
        ("people", cast.staff_rows()),
        ("delegates", cast.delegate_rows()),
        ("posts", cast.post_rows()),
    ):
        given = columns.of(kind)
        data = workbook.write(
            imports.KINDS[kind], given, [[row.get(c.key, "") for c in given] for row in rows]
        )

        def work(session: Any, actor: Actor, kind: str = kind, data: bytes = data) -> None:
            batch = imports.preview(session, actor, kind, f"{kind}.xlsx", data)
            wrong = [
                f"{r.number}: {'; '.join(r.messages)}" for r in batch.rows if r.level == "error"
            ]
            if wrong:
                raise RuntimeError(f"demo import of {kind}: {wrong[:3]}")
            imports.confirm(session, actor, batch.id)

        stage.run("admin", work)

    def look(session: Any, actor: Actor) -> None:
        after = None
        while True:
            page = roster.roster(session, actor, actor.union_id, after=after, limit=200)
            stage.members.update({p.username: p.id for p in page.items})
            stage.units.update({})
            after = page.next
            if after is None:
                break
        tree = roster.unit_tree(session, actor, actor.union_id)
        stage.units.update({node.code: str(node.id) for node in tree.root.children})

    stage.run("admin", look)


def _passwords(stage: Stage) -> None:
    for username, secret, _words in cast.ACCOUNTS:
        edge.carry_out(stage.engine, None, partial(_set_password, stage.members[username], secret))


def _set_password(member_id: UUID, secret: str, session: Any) -> None:
    people.set_password(session, None, member_id, secret)


def _motions(now: datetime) -> list[Motion]:
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


def _play(stage: Stage, now: datetime) -> None:
    order = count()
    agenda = []
    for motion in _motions(now):
        for at, who, does, given in _story(stage, motion):
            moment = motion.began + timedelta(days=at)
            if moment < now:
                agenda.append((moment, next(order), motion, who, does, given))
    for moment, _, motion, who, does, given in sorted(agenda, key=lambda a: a[:2]):
        with clock.set_to(moment):
            jobs.sweep(stage.engine)
            _act(stage, motion, who, does, given)
    jobs.sweep(stage.engine)


def _act(stage: Stage, motion: Motion, who: str, does: str, given: dict[str, Any]) -> None:
    if does == "launch":
        motion.id = stage.run(who, lambda s, a: instances.launch(s, a, "congress_motion", given))
        return
    key = motion.id
    assert key is not None
    if does == "withdraw":
        stage.run(who, lambda s, a: instances.send(s, a, key, "withdraw", given))
        return
    verb, _, element = does.partition(":")
    found = stage.run("secretary", lambda s, a: files.file(s, a, key))
    waiting = [t for t in found.tasks if t.state == "open" and t.element == element]
    if not waiting:
        raise RuntimeError(
            f"demo motion {motion.number} ({motion.stage}): {element} is not open but {found.row.stage}"
        )
    task = waiting[0]
    if verb == "complete":
        stage.run(who, lambda s, a: tasks.complete(s, a, task.id, given))
    elif verb == "respond":
        stage.run(who, lambda s, a: polls.respond(s, a, task.poll_id, **given))
    else:
        stage.run(who, lambda s, a: polls.close(s, a, task.poll_id))


def _story(stage: Stage, m: Motion) -> Iterator[tuple[float, str, str, dict[str, Any]]]:
    """(days after the start, who, does, answers) up to the motion's stage."""
    units, head_of = stage.units, f"h-{m.lead}".replace("_", "-")
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
    yield from _reviewed(stage, m, lead, assisting)
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
    stage: Stage, m: Motion, lead: str, assisting: list[str]
) -> Iterator[tuple[float, str, str, dict[str, Any]]]:
    present = [str(stage.members[u]) for u in ("approver", "c1", "c2", "c3", "c4")]
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
