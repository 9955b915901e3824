"""A finished errand for tests: a return, a missed deadline with its document, an attachment, a rating, a refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select, text

from engine import clock, db
from engine.commands import attachments, definitions, edge, instances, polls, tasks
from engine.db import canonical, tables
from engine.definitions import read
from engine.errors import EngineError, NotFound
from engine.history import keys, seals, verification
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import Engine

START = datetime(2026, 3, 2, 1, tzinfo=UTC)
KEY = keys.SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
SCAN = b"%PDF-1.4 scan"
NOTE = """#let d = json("data.json")
#set text(font: ("Noto Serif SC", "Noto Serif CJK SC"), lang: "zh")
= #d.document.title
#d.instance.number #d.instance.title #d.document.issued_on
"""


def files() -> dict[str, str]:
    """The errand, but its missed deadline issues a document, and its handler may add files."""
    found = read(Path(__file__).parent.parent / "processes" / "errand")
    toml = found["process.toml"].replace(
        'do = "remind"\ntask = "do"', 'do = "issue_document"\ndocument = "note"'
    )
    toml += '\n[documents.note]\ntitle = "催办单"\ntitle_en = "Reminder"\nnumbering = "催〔{year}〕{n:03}"\n'
    form = json.loads(found["forms/do.json"])
    form["components"].append(
        {"type": "filepicker", "key": "scans", "label": "附件", "multiple": True}
    )
    return {
        **found,
        "process.toml": toml,
        "documents/note.typ": NOTE,
        "forms/do.json": json.dumps(form),
    }


@dataclass
class Errands:
    """Two unions with their people by name, and the errands that were finished, with checkpoints in between."""

    engine: Engine
    key: keys.SigningKey
    at: datetime = START
    units: dict[str, UUID] = field(default_factory=dict)
    people: dict[str, UUID] = field(default_factory=dict)
    done: list[UUID] = field(default_factory=list)

    @classmethod
    def built(cls, engine: Engine, key: keys.SigningKey, count: int = 1) -> Errands:
        world = cls(engine, key)
        with db.transaction(engine) as session, clock.set_to(START):
            for union, college in (("工会", "信息学院"), ("外校工会", "外校学院")):
                world._unit(session, union, "university_union", None)
                world._unit(session, college, "college_union", union)
            for name in ("张敏", "李强", "王芳", "赵云", "孙丽"):
                world._member(session, name, "信息学院", "formal_delegate")
            for name, kind in (("陈秘书", "union_secretary"), ("孙审计", "auditor")):
                world._member(session, name, "工会", kind)
            world._member(session, "总管", "工会", organisation.RUNNER)
            world._member(session, "外人", "外校工会", "union_secretary")
            definitions.publish_shipped(session, files())
        for number in range(count):
            world.done.append(world.errand(f"办事 {number}:修缮会议室"))
        return world

    def _unit(self, session: db.Session, name: str, kind: str, union: str | None) -> None:
        key = self.units[name] = tables.new_id()
        above = self.units[union] if union else key
        session.execute(
            insert(tables.unit).values(
                id=key,
                code=name,
                kind=kind,
                name=name,
                parent_id=above if union else None,
                union_id=above,
                city="杭州",
            )
        )

    def _member(self, session: db.Session, name: str, unit: str, post: str) -> None:
        key = self.people[name] = tables.new_id()
        place = self.units[unit]
        union = session.execute(
            select(tables.unit.c.union_id).where(tables.unit.c.id == place)
        ).scalar_one()
        session.execute(
            insert(tables.member).values(
                id=key, username=name, name=name, unit_id=place, union_id=union, created_at=START
            )
        )
        session.execute(
            insert(tables.post).values(
                id=tables.new_id(),
                member_id=key,
                kind=post,
                unit_id=place,
                from_on=date(2025, 1, 1),
                term="八",
            )
        )

    def actor(self, name: str) -> organisation.Actor:
        with db.transaction(self.engine) as session, clock.set_to(self.at):
            return organisation.actor(session, self.people[name])

    def do(self, work: Any, after: timedelta = timedelta(hours=1)) -> Any:
        """Run in a transaction of its own, a while later."""
        self.at += after
        with db.transaction(self.engine) as session, clock.set_to(self.at):
            return work(session)

    def task(self, instance: UUID, element: str) -> UUID:
        task = tables.task.c
        query = select(task.id).where(
            task.instance_id == instance, task.element == element, task.state == "open"
        )
        with db.transaction(self.engine) as session:
            return session.execute(query).scalar_one()

    def complete(self, who: str, instance: UUID, element: str, **answers: Any) -> None:
        actor, key = self.actor(who), self.task(instance, element)
        self.do(lambda s: tasks.complete(s, actor, key, answers))

    def seal(self) -> None:
        self.do(lambda s: seals.seal(s, self.key))

    def errand(self, subject: str) -> UUID:
        """One errand from launch to end."""
        mover, secretary = self.actor("张敏"), self.actor("陈秘书")
        key: UUID = self.do(lambda s: instances.launch(s, mover, "errand", {"subject": subject}))
        self.complete("陈秘书", key, "check", decision="return", reason="=请写明地点")
        self.complete("张敏", key, "mend", note="三号楼会议室")
        self.seal()
        self.complete("陈秘书", key, "check", decision="pass")
        with pytest.raises(NotFound), clock.set_to(self.at):
            edge.carry_out(
                self.engine,
                mover,
                lambda s: tasks.complete(s, mover, self.task(key, "do"), {"note": "x"}),
            )
        timer = tables.timer.c
        query = select(timer.id).where(timer.instance_id == key, timer.state == "waiting")
        waiting = self.do(lambda s: s.execute(query).scalar_one())
        assert self.do(lambda s: instances.wake(s, waiting), timedelta(days=60))
        scan = self.do(
            lambda s: attachments.add(s, secretary, "验收单.pdf", SCAN + subject.encode())
        )
        self.complete("陈秘书", key, "do", note="已修缮", scans=[str(scan)])
        self.seal()
        poll = self.do(
            lambda s: s.execute(
                select(tables.poll.c.id).where(tables.poll.c.instance_id == key)
            ).scalar_one()
        )
        for name, choice in (("张敏", "good"), ("李强", "bad"), ("王芳", "good")):
            voter = self.actor(name)
            self.do(
                lambda s, v=voter, c=choice: polls.respond(
                    s, v, poll, c, "可以" if c == "good" else ""
                )
            )
        voter = self.actor("李强")
        self.do(lambda s: polls.take_back(s, voter, poll))
        self.do(lambda s: polls.respond(s, voter, poll, "good"))
        self.seal()
        return key


def sample(number: str = "教代提交〔2026〕001", title: str = "提案交办单") -> dict[str, Any]:
    """What the templates of congress_motion are filled with, long and with signs that mean something to typst."""
    ids = [f"0199aabb-0000-7000-8000-00000000000{n}" for n in range(9)]
    text = "教工食堂晚餐供应至十八时三十分，#轮班的教职工[常在]十九时以后用餐。$x$ *_`//"
    voters = {"yes": ids[1:4]}
    facts = {
        "launch": {
            "mover": ids[0],
            "subject": "延长供应时间",
            "reasons": text * 8,
            "measures": text * 4,
            "unit": ids[5],
        },
        "second": {"yes": 3, "passed": True, "voters": voters},
        "head_check": {"decision": "forward"},
        "unit": ids[6],
        "review": {
            "decision": "file",
            "grade": "general",
            "reason": text,
            "present": ids[1:4],
            "recused": [ids[0]],
        },
        "dispatch_plan": {"lead_unit": ids[5], "assisting_units": [ids[6]], "complex": False},
        "assign": {
            "lead_unit": ids[5],
            "assisting_units": [ids[6]],
            "at": "2026-03-20T01:00:00+00:00",
        },
        "reply": {
            "met_on": "2026-04-02",
            "meeting_record": text,
            "measures": text,
            "timetable": text,
            "code": "A",
        },
        "cosign": {"passed": True},
        "rate": {"satisfied": 1, "answered": 1},
        "escalation": {"title": "分管校领导"},
    }
    return {
        "instance": {
            "id": ids[8],
            "number": "教代提〔2026〕001",
            "title": "关于延长教工食堂晚餐供应时间的提案",
            "process": "教代会提案",
            "union": "浙江信息大学工会委员会",
            "started_on": "2026-03-02",
        },
        "facts": facts,
        "people": dict(zip(ids[:4], ("张敏", "李强", "王芳", "赵云"), strict=True)),
        "units": {ids[5]: "后勤集团", ids[6]: "信息学院"},
        "labels": {"rate": {"satisfied": "满意"}},
        "document": {"number": number, "title": title, "issued_on": "2026-03-20"},
    }


def sha(data: dict[str, Any]) -> str:
    """The digest that an issued document carries."""
    return canonical.digest(canonical.dumps(data)).hex()


# --- what tests of the verbs ask of it ------------------------------------------------------------
def act(world: Errands, who: str, does: Callable[..., Any], *given: Any, **more: Any) -> Any:
    """Somebody does something."""
    actor = world.actor(who)
    return world.do(lambda s: does(s, actor, *given, **more))


def seen(world: Errands, who: str, read: Callable[..., Any], *given: Any) -> Any:
    """What somebody reads."""
    with db.transaction(world.engine) as session:
        return read(session, world.actor(who), *given)


def refused(code: str, does: Callable[..., Any], *given: Any, **more: Any) -> None:
    """It is refused with this code."""
    with pytest.raises(EngineError) as why:
        does(*given, **more)
    assert why.value.code == code


def false(world: Errands, *statements: str) -> str:
    """What verification says after these statements, which do not stay; "" of nothing false."""
    with db.transaction(world.engine) as session:
        with session.begin_nested() as change:
            for each in statements:
                assert session.execute(text(each)).rowcount
            found = verification.first_false(session)
            change.rollback()
        return str(found.why) if found else ""


def whole(world: Errands) -> None:
    """Verification finds nothing false."""
    with db.transaction(world.engine) as session:
        assert verification.first_false(session) is None
