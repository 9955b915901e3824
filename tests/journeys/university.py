"""A small university with the congress motion in force, made by the operator's commands, for people who use a browser."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine import clock, db, jobs
from engine.commands import definitions, edge, instances, people, polls, tasks
from engine.definitions import read
from engine.people import organisation
from engine.queries import instance as files
from engine.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import Engine

SECRET = "两校之间 correct horse"
FROM, TERM = date(2025, 9, 1), "第八届"
UNITS = (  # code, kind, name, name in English, code of the unit above
    ("ZGH", "provincial_federation", "省总工会", "Provincial Federation", ""),
    ("JYGH", "provincial_education_union", "省教育工会", "Provincial Education Union", "ZGH"),
    ("XD", "university_union", "信大工会", "Xinda Union", ""),
    ("XX", "college_union", "信息学院", "College of Information", "XD"),
    ("SX", "college_union", "数学学院", "College of Mathematics", "XD"),
    ("HQ", "department", "后勤处", "Logistics", "XD"),
    ("CW", "department", "财务处", "Finance", "XD"),
)
CAST = {  # user name: name, name in Latin letters, posts as kind@unit
    "zhang": ("张敏", "Zhang Min", "formal_delegate@XX"),
    "li": ("李强", "Li Qiang", "formal_delegate@SX"),
    "wang": ("王芳", "Wang Fang", "formal_delegate@SX"),
    "zhao": ("赵磊", "Zhao Lei", "formal_delegate@XX"),
    "qian": ("钱进", "Qian Jin", "formal_delegate@XX"),
    "head": ("周建国", "Zhou Jianguo", "delegation_head@XX"),
    "committee": ("吴淑华", "Wu Shuhua", "motions_committee@XD"),
    "member2": ("郑伟", "Zheng Wei", "motions_committee@XD"),
    "chair": ("孙立", "Sun Li", "motions_committee_chair@XD"),
    "logistics": ("冯刚", "Feng Gang", "unit_head@HQ"),
    "finance": ("沈丽", "Shen Li", "unit_head@CW"),
    "leader": ("许志远", "Xu Zhiyuan", "vice_president@XD"),
    "secretary": ("陈秘书", "Chen Hua", "union_secretary@XD"),
    "auditor": ("孙审计", "Sun Ming", "auditor@XD"),
    "admin": ("何管理", "He Guan", "administrator@XD", "installation@XD"),
    "admin2": ("高管理", "Gao Guan", "administrator@XD", "installation@XD"),
}
MOTION = {
    "reasons": "教职工晚间授课和值班结束后食堂已经停止供餐，近一年工会收到相关反映四十余次，周边又没有合适的就餐场所，亟待解决。",
    "measures": "建议东区食堂晚间供餐延长至二十一时，设一个值班窗口，试行一个学期后公布就餐人数再作调整。",
    "category": "welfare",
}
MOTION_EN = {
    "reasons": "Teachers who work in the evening find the canteen closed; the union was told so forty times within a year.",
    "measures": "Keep the eastern canteen open until nine in the evening for one term, then publish the numbers.",
    "category": "welfare",
}


@dataclass
class University:
    """Who is there; `do` carries out a command as one of them."""

    engine: Engine
    english: bool = False
    ahead: timedelta | None = None  # how far the clock of this university is ahead of the true one
    units: dict[str, UUID] = field(default_factory=dict)
    people: dict[str, UUID] = field(default_factory=dict)

    @classmethod
    def built(
        cls,
        engine: Engine,
        *,
        english: bool = False,
        logs_in: tuple[str, ...] = tuple(CAST),
        now: str = "",
    ) -> University:
        """The university; only those in `logs_in` get a password, which takes its time. `now`: where its clock begins."""
        made = cls(engine, english)
        if now:
            made.turn_to(now)
        with made.time(), db.transaction(engine) as session:
            for code, kind, name, name_en, above in UNITS:
                more: Any = (
                    {"owner_type": "province", "city": "杭州"} if kind == "university_union" else {}
                )
                made.units[code] = people.create_unit(
                    session,
                    None,
                    code,
                    kind,
                    name_en if english else name,
                    parent_id=made.units.get(above),
                    name_en=name_en,
                    **more,
                )
            for username, (name, latin, *posts) in CAST.items():
                home = posts[0].partition("@")[2]
                key = people.create_member(
                    session, None, username, latin if english else name, made.units[home]
                )
                made.people[username] = key
                for post in posts:
                    kind, _, unit = post.partition("@")
                    people.grant_post(session, None, key, kind, made.units[unit], FROM, term=TERM)
                if username in logs_in:
                    people.set_password(session, None, key, SECRET, temporary=False)
            definitions.publish_shipped(session, read(ROOT / "processes" / "congress_motion"))
        return made

    def time(self) -> AbstractContextManager[None]:
        """Inside the block it is as late as it is in this university."""
        return nullcontext() if self.ahead is None else clock.set_to(datetime.now(UTC) + self.ahead)

    def turn_to(self, moment: str) -> None:
        """Let it be this moment in China, for browsers too; what fell due until then happens."""
        self.ahead = datetime.fromisoformat(moment).replace(tzinfo=clock.CHINA) - datetime.now(UTC)
        with self.time():
            jobs.sweep(self.engine)

    def published(self, process_id: str) -> None:
        """A process that comes with the product, in force."""
        with self.time(), db.transaction(self.engine) as session:
            definitions.publish_shipped(session, read(ROOT / "processes" / process_id))

    def given(self, username: str, *posts: str) -> None:
        """More posts of somebody, as kind@unit."""
        with self.time(), db.transaction(self.engine) as session:
            for kind, _, unit in (post.partition("@") for post in posts):
                holder = self.people[username]
                people.grant_post(session, None, holder, kind, self.units[unit], FROM, term=TERM)

    def joined(self, username: str, name: str, *posts: str, logs_in: bool = False) -> None:
        """One more person, with posts as kind@unit."""
        with self.time(), db.transaction(self.engine) as session:
            homes = [self.units[post.partition("@")[2]] for post in posts]
            key = people.create_member(session, None, username, name, homes[0])
            self.people[username] = key
            for post, unit in zip(posts, homes, strict=True):
                people.grant_post(session, None, key, post.partition("@")[0], unit, FROM, term=TERM)
            if logs_in:
                people.set_password(session, None, key, SECRET, temporary=False)

    def look(self, username: str, query: Callable[..., Any], *given: Any) -> Any:
        with self.time(), db.transaction(self.engine) as session:
            return query(session, organisation.actor(session, self.people[username]), *given)

    def do(self, username: str, command: Callable[..., Any], *given: Any) -> Any:
        def work(session: db.Session) -> Any:
            return command(session, organisation.actor(session, self.people[username]), *given)

        with self.time():
            return edge.carry_out(self.engine, None, work)

    def motion(self, subject: str, mover: str = "zhang", unit: str = "") -> UUID:
        """A motion that has just been moved."""
        given = {"subject": subject, **(MOTION_EN if self.english else MOTION)}
        given |= {"unit": str(self.units[unit])} if unit else {}
        found: UUID = self.do(mover, instances.launch, "congress_motion", given)
        return found

    def waiting(self, key: UUID, element: str) -> files.Open:
        """The open task of a motion."""
        found = self.look("secretary", files.file, key).tasks
        return next(t for t in found if t.state == "open" and t.element == element)

    def complete(self, username: str, key: UUID, element: str, **answers: Any) -> None:
        self.do(username, tasks.complete, self.waiting(key, element).id, answers)

    def seconded(self, subject: str, mover: str = "zhang", unit: str = "") -> UUID:
        """A motion with enough seconders, before the head of the delegation."""
        key = self.motion(subject, mover, unit)
        poll = self.waiting(key, "second").poll_id
        for who in [w for w in ("li", "wang", "zhao", "qian") if w != mover][:3]:
            self.do(who, polls.respond, poll, "yes")
        self.do(mover, polls.close, poll)
        return key

    def reviewable(self, subject: str, unit: str = "") -> UUID:
        """A motion before the motions committee; `unit`: by whom its mover would have it answered."""
        key = self.seconded(subject, unit=unit)
        self.complete("head", key, "head_check", decision="forward")
        return key

    def filed(self, key: UUID) -> None:
        """File a motion that is before the committee, and assign it."""
        lead = {"lead_unit": str(self.units["HQ"])}
        present = [str(self.people[who]) for who in ("committee", "member2")]
        said = {"grade": "general", "reason": self.sound(), "present": present, **lead}
        self.complete("committee", key, "review", decision="file", **said)
        self.complete("chair", key, "dispatch_plan", decision="approve", **lead)

    def sound(self) -> str:
        """What the committee says of a good motion."""
        return (
            "A sound motion with measures that can be carried out."
            if self.english
            else "情况属实，措施可行，同意立案。"
        )

    def closed(self, subject: str) -> UUID:
        """A motion that went all the way."""
        key, words = self.reviewable(subject), self.sound()
        reply = (
            "It will be done by the end of the term, and the numbers will be published."
            if self.english
            else ("已制定方案并与有关单位商定，自下月起分步实施，结果向教职工公布。")
        )
        self.filed(key)
        self.complete(
            "logistics",
            key,
            "accept",
            decision="accept",
            officer="Feng Gang" if self.english else "冯刚",
        )
        given = {
            "met_on": "2026-03-20",
            "meeting_record": words,
            "measures": reply,
            "timetable": words,
            "code": "A",
        }
        self.complete("logistics", key, "reply", **given)
        self.complete("leader", key, "sign", decision="sign")
        self.do("zhang", polls.respond, self.waiting(key, "rate").poll_id, "satisfied")
        self.complete("committee", key, "close", result="A", publication="school")
        return key
