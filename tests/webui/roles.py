"""Everybody who may come to a page, and something of each kind for them to look at."""

from __future__ import annotations

import base64
import io
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import openpyxl
from sqlalchemy import insert, select

from engine import clock, db, jobs
from engine.commands import (
    attachments,
    corrections,
    definitions,
    drafts,
    edge,
    imports,
    instances,
    meetings,
    own_versions,
    people,
    polls,
    rules,
    tasks,
    teller_keys,
)
from engine.commands.people.logins import open_login
from engine.db import tables
from engine.definitions import read
from engine.people import organisation
from engine.queries import checkpoints, meeting_list
from engine.queries import instance as files
from engine.queries import meetings as sessions
from engine.queries import people as roster
from engine.settings import ROOT, Settings
from tests.conftest import fresh
from webui import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from uuid import UUID

    from flask import Flask
    from sqlalchemy import Connection, Engine
    from werkzeug.test import TestResponse


FOLDER = ROOT / "processes" / "congress_motion"


CANARY = {"a": "鹭岛甲密", "b": "鹭岛乙密"}  # in every text that belongs to a union


FROM = date(2025, 9, 1)


SOON = (clock.today() + timedelta(days=40)).isoformat()


WORDS = "情况属实，措施可行，同意立案。"


MOTION = {
    "reasons": "晚间授课和值班结束后食堂已经停止供餐，近一年收到相关反映四十余次，周边又没有合适的就餐场所，亟待解决。"
    * 2,
    "measures": "建议晚间供餐延长至二十一时，设一个值班窗口，试行一个学期后公布就餐人数再作调整。"
    * 2,
    "category": "welfare",
}


@dataclass
class World:
    """Two unions, the one above them, and by name whatever a route may ask for. `of[union]` are the objects of a union."""

    app: Flask
    engine: Engine
    people: dict[str, UUID] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    of: dict[str, dict[str, str]] = field(default_factory=dict)

    def do(self, who: str, command: Callable[..., Any], *given: Any, **more: Any) -> Any:
        def work(session: db.Session) -> Any:
            return command(session, organisation.actor(session, self.people[who]), *given, **more)

        return edge.carry_out(self.engine, None, work)

    def look(self, who: str, query: Callable[..., Any], *given: Any) -> Any:
        with db.transaction(self.engine) as session:
            return query(session, organisation.actor(session, self.people[who]), *given)

    def person(
        self, session: db.Session, who: str, name: str, unit: UUID, *posts: tuple[str, UUID]
    ) -> None:
        self.people[who] = key = people.create_member(session, None, who, name, unit)
        for kind, place in posts:
            people.grant_post(session, None, key, kind, place, FROM, term="第八届")
        self.tokens[who] = people.create_token(session, None, key, "matrix")
        self.secrets[who] = open_login(session, key)

    def union(self, session: db.Session, u: str) -> None:
        """A university with people in every role."""
        mark, top = CANARY[u], people.create_unit
        union = top(
            session,
            None,
            f"{u.upper()}GH",
            "university_union",
            f"{mark}工会",
            owner_type="province",
            city="杭州",
        )
        college = top(
            session, None, f"{u.upper()}XY", "college_union", f"{mark}学院", parent_id=union
        )
        office = top(session, None, f"{u.upper()}HQ", "department", f"{mark}后勤", parent_id=union)
        self.of[u] = {
            "union": str(union),
            "unit": str(college),
            "office": str(office),
            "ask": NOBODY,
        }
        posts: dict[str, tuple[tuple[str, UUID], ...]] = {
            "plain": (),
            "delegate": (("formal_delegate", college),),
            "committee": (("motions_committee", union),),
            "secretary": (("union_secretary", union),),
            "auditor": (("auditor", union),),
            "admin": (("administrator", union),),
            "second1": (("formal_delegate", college),),
            "second2": (("formal_delegate", college),),
            "second3": (("formal_delegate", college),),
            "second4": (("formal_delegate", college),),
            "head": (("delegation_head", college),),
            "chair": (("presidium_chair", union),),
            "pair": (("union_secretary", union),),
        }
        for role, held in posts.items():
            self.person(session, f"{u}.{role}", f"{mark}{role}", college, *held)

    def furnish(self, u: str) -> None:
        """What a union has: a motion under review, one that seeks seconders, and what its office keeps."""
        mark, own, me = CANARY[u], self.of[u], f"{u}.delegate"
        paper = self.do(me, attachments.add, f"{mark}.txt", mark.encode())
        given = {**MOTION, "subject": f"{mark}延长食堂供餐", "reasons": mark + MOTION["reasons"]}
        motion = self.do(
            me, instances.launch, "congress_motion", {**given, "attachments": [str(paper)]}
        )
        first = self._open(u, motion, "second")
        for n in (1, 2, 3):
            self.do(f"{u}.second{n}", polls.respond, first.poll_id, "yes", f"{mark}附议")
        self.do(me, polls.close, first.poll_id)
        self.do(
            f"{u}.head",
            tasks.complete,
            self._open(u, motion, "head_check").id,
            {"decision": "forward"},
        )
        young = self.do(
            me, instances.launch, "congress_motion", {**given, "subject": f"{mark}增设校车"}
        )
        tellers = [f"{u}.second1", f"{u}.second2"]
        given = {"subject": f"{mark}无记名表决", "tellers": [str(self.people[t]) for t in tellers]}
        sealed = self.do(f"{u}.secretary", instances.launch, "secret", given)
        secret = self._open(u, sealed, "ballot").poll_id
        for teller in tellers:
            self.do(teller, teller_keys.take, secret, WORDS)
        self.session(u)
        self.do(me, drafts.save, "launch:congress_motion", {"subject": f"{mark}草稿"})
        setting = self.do(
            f"{u}.pair",
            rules.propose_setting,
            own_id(own, "union"),
            "MO-SECOND",
            5,
            date.fromisoformat(SOON),
            f"{mark}决议",
        )
        vacation = self.do(
            f"{u}.secretary",
            rules.add_vacation,
            own_id(own, "union"),
            f"{mark}假",
            clock.today(),
            clock.today(),
        )
        batch = self.do(
            f"{u}.admin", imports.preview, "people", f"{mark}.xlsx", sheet(f"{u.upper()}XY", mark)
        ).id
        found = self.look(f"{u}.secretary", files.file, motion)
        kinds = {p.kind: p.id for p in found.papers}
        wish = ("void", f"{mark}不应发出")
        correction = self.do(f"{u}.pair", corrections.propose, kinds["document"], *wish)
        other = self.look(f"{u}.admin", roster.member_file, self.people[f"{u}.second1"])
        own.update(
            motion=str(motion),
            young=str(young),
            task=str(self._open(u, motion, "review").id),
            poll=str(self._open(u, young, "second").poll_id),
            secret=str(secret),
            document=str(kinds["document"]),
            correction=str(correction),
            attachment=str(kinds["attachment"]),
            setting=str(setting),
            vacation=str(vacation),
            batch=str(batch),
            member=str(other.id),
            start=str(self._missed(own_id(own, "union"))),
            post=str(other.posts[0].id),
            mark=mark,
            token=self._token(u),
        )

    def session(self, u: str) -> None:
        """A meeting at which one vote is over and an election is open; the delegate is one of its tellers."""
        mark, own, chair = CANARY[u], self.of[u], f"{u}.chair"
        called = self.do(chair, instances.launch, "hall", {"subject": f"{mark}第八届二次"})
        held = self.look(chair, meeting_list.meetings)[0][0].id
        code = self.look(chair, sessions.meeting, held).code
        delegates = [
            f"{u}.{who}" for who in ("delegate", "second1", "second2", "second3", "second4")
        ]
        for who in delegates:
            self.do(who, meetings.arrive, held, code)
        self.do(chair, meetings.open_meeting, held)
        ids = [str(self.people[who]) for who in delegates]
        self.do(
            chair,
            tasks.complete,
            self._open(u, called, "put").id,
            {"candidates": ids[1:3], "tellers": [ids[0], ids[3]]},
        )
        vote = self._open(u, called, "vote").poll_id
        for who in delegates:
            self.do(who, polls.respond, vote, "yes")
        self.do(chair, polls.close, vote)
        own.update(
            meeting=str(held),
            door=code,
            vote=str(vote),
            elect=str(self._open(u, called, "elect").poll_id),
            session=str(called),
        )

    def _missed(self, union: UUID) -> UUID:
        """A start of the calendar that nobody could be given."""
        row = {"id": tables.new_id(), "union_id": union, "process_id": "congress_motion"}
        told = {"key": "missed", "day": clock.today(), "state": "missed", "at": clock.now()}
        with db.transaction(self.engine) as session:
            session.execute(insert(tables.calendar_start).values(**row, **told))
        return row["id"]  # type: ignore[return-value]

    def _open(self, u: str, key: UUID, element: str) -> Any:
        found = self.look(f"{u}.secretary", files.file, key)
        return next(t for t in found.tasks if t.state == "open" and t.element == element)

    def post(self, u: str) -> None:
        """A confidential matter that has published to the delegates."""
        mark, own = CANARY[u], self.of[u]
        given = {"subject": f"{mark}聘任", "candidate": f"{mark}聘任", "office": "head"}
        given["background"] = f"{mark}考察"
        key = self.do(f"{u}.delegate", instances.launch, "posting", given)
        check = tables.task.c.instance_id == key, tables.task.c.element == "check"
        found = self.look(
            f"{u}.secretary",
            lambda s, _a: s.execute(select(tables.task.c.id).where(*check)).scalar_one(),
        )
        self.do(f"{u}.secretary", tasks.complete, found, {"decision": "publish"})
        shown = select(tables.publication.c.id).where(tables.publication.c.instance_id == key)
        own["publication"] = str(
            self.look(f"{u}.delegate", lambda s, _a: s.execute(shown).scalar_one())
        )

    def _token(self, u: str) -> str:
        """The token of a colleague, by its id."""
        found = self.look(f"{u}.second1", roster.member_file, self.people[f"{u}.second1"])
        return str(found.tokens[0].id)

    def share(self, home: Path) -> None:
        """What belongs to the whole installation: a proposed version and a checkpoint."""
        texts = {
            f.relative_to(FOLDER).as_posix(): f.read_text("utf-8")
            for f in FOLDER.rglob("*")
            if f.is_file()
        }
        proposed = {
            **texts,
            "process.toml": texts["process.toml"].replace('summary = "', 'summary = "修订。', 1),
        }
        with db.transaction(self.engine) as session:
            old = definitions.publish_shipped(session, read(FOLDER))
        new = self.do("operator", definitions.propose, proposed, "修订说明")
        year = self.notice_of_next_year()
        waiting = self.do("operator", rules.propose_notice, NEXT, year, "国务院通知").id
        jobs.seal(self.engine, Settings(home=home, database_url="", processes=ROOT / "processes"))
        size = self.look("operator", checkpoints.checkpoints, None).points[0].size
        for u, mark in CANARY.items():  # each union has one that waits for itself
            union = own_id(self.of[u], "union")
            mine = {
                **texts,
                "process.toml": proposed["process.toml"].replace("修订。", f"{mark}。"),
            }
            given = union, mine, mark
            self.of[u]["own"] = str(self.do(f"{u}.secretary", own_versions.propose, *given))
        for own in self.of.values():
            own.update(old=old, new=new, size=str(size), process="congress_motion")
            own["proposal"] = str(waiting)

    @staticmethod
    def notice_of_next_year() -> list[tuple[str, str, str]]:
        return [(f"{NEXT}-{day}", "休", "节") for day in ("01-01", "05-01", "10-01")]


def own_id(own: dict[str, str], name: str) -> UUID:
    from uuid import UUID as Id

    return Id(own[name])


def sheet(unit: str, mark: str) -> bytes:
    book, data = openpyxl.Workbook(), io.BytesIO()
    assert book.active is not None
    for row in (("用户名", "姓名", "单位编码"), (f"new-{unit}", f"{mark}新人", unit)):
        book.active.append(row)
    book.save(data)
    return data.getvalue()


NOBODY = "01a20509-42be-7875-a54e-608a92498ac0"


SUPERIOR = "superior"  # holds the secretary's desk of the union above both


# --- the world ----------------------------------------------------------------------------------------------------------
class Trial:
    """Looks like the engine; whatever is done through it is undone afterwards."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            try:
                yield connection
            finally:
                connection.rollback()


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("x/process.toml", "id = 'x'")
    return data.getvalue()


@contextmanager
def two_unions(server: str, home: Path) -> Iterator[World]:
    """Everybody and everything of two unions, in a database of its own."""
    with fresh(server) as url:
        app = create_app(Settings(home=home, database_url=url, processes=ROOT / "processes"))
        app.config.update(WTF_CSRF_ENABLED=False)
        made = World(app, app.extensions["engine"])
        with db.transaction(made.engine) as session:
            top = people.create_unit(session, None, "ZGH", "provincial_federation", "省总工会")
            above = people.create_unit(
                session, None, "JYGH", "provincial_education_union", "省教育工会", parent_id=top
            )
            for u in CANARY:
                made.union(session, u)
            made.person(session, SUPERIOR, "上级秘书", above, ("union_secretary", above))
            made.person(
                session,
                "operator",
                "运维",
                above,
                ("administrator", above),
                ("union_secretary", above),
            )
            definitions.publish_shipped(session, read(FOLDER))
            for name in ("secret", "posting"):
                folder = ROOT / "tests" / "processes" / name
                definitions.publish_shipped(session, read(folder))
            definitions.publish_shipped(session, read(ROOT / "tests" / "processes" / "hall"))
        for u in CANARY:
            made.furnish(u)
            made.post(u)
        made.share(home)
        app.extensions["engine"] = Trial(made.engine)
        yield made
        db.release(url)


# --- the requests -------------------------------------------------------------------------------------------------------
PATHS = {
    "instance_id": "{motion}",
    "incident_id": NOBODY,
    "task_id": "{task}",
    "poll_id": "{poll}",
    "publication_id": "{publication}",
    "attachment_id": "{attachment}",
    "document_id": "{document}",
    "correction_id": "{correction}",
    "verification_id": NOBODY,
    "pack_id": NOBODY,
    "operation_id": NOBODY,
    "member_id": "{member}",
    "post_id": "{post}",
    "comment_id": NOBODY,
    "copy_id": NOBODY,
    "decision": NOBODY,
    "no": "1",
    "ask_id": "{ask}",
    "deputy_id": NOBODY,
    "unit_id": "{unit}",
    "batch_id": "{batch}",
    "start_id": "{start}",
    "sending_id": "01a20509-42be-7875-a54e-608a92498ac0",
    "secret": "nobodys",
    "setting_id": "{setting}",
    "vacation_id": "{vacation}",
    "token_id": "{token}",
    "proposal_id": "{proposal}",
    "own_id": "{own}",
    "digest": "{old}",
    "old": "{old}",
    "new": "{new}",
    "process_id": "{process}",
    "kind": "people",
    "name": "withdraw",
    "size": "{size}",
    "seq": "1",
    "rule_id": "MO-SECOND",
    "table_id": "recusal",
    "code": "en",
    "meeting_id": "{meeting}",
    "what": "check-in",
    "username": "a.secretary",
    "filename": "app.css",
    "token": "x",
    "key": "{process}",
}


REVIEW = {"decision": "return", "reason": "请补充经费来源", "present": "{committee}"}


REASON = {"reason": "按规定办理"}


PERSON = {"username": "zz.new", "name": "某人", "unit_id": "{unit}"}


POST = {"kind": "delegation_head", "unit_id": "{unit}", "term": "第八届", "from_on": "2026-01-01"}


UNIT = {"code": "ZZ", "kind": "department", "name": "新处", "parent_id": "{union}"}


VALUE = {"value": "6", "valid_from": SOON, "source": "会议决议"}


BREAK = {"name": "寒假", "from_on": SOON, "to_on": SOON}


NOTICE = {
    "year": str(clock.today().year + 1),
    "source": "通知",
    "rows": "坏行",
}  # refused by whoever may load it


NEXT = clock.today().year + 1


LAUNCH = {**MOTION, "subject": "延长图书馆开放时间"}


OF = {"union": "{union}"}


# what a row sends, by its name: path values that differ, query, form, JSON, a file (field, name)
VOTE, ELECT = {"poll_id": "{vote}"}, {"poll_id": "{elect}"}


SECRET = {"poll_id": "{secret}"}


ENVELOPE = {"envelope": base64.b64encode(bytes(304)).decode()}


SENT: dict[str, dict[str, Any]] = {
    "publications.make": {"form": {"f.reason": "任职年限不够"}},
    "api_publications.make_objection": {"json": {"answers": {"reason": "任职年限不够"}}},
    "inbox.poll in a meeting": {"path": VOTE},
    "meetings.arrive": {"form": {"code": "{door}"}},
    "meetings.arrive leave": {"path": {"what": "leave"}},
    "meetings.match": {"form": {"names": "鹭岛"}},
    "meetings.seat": {"form": {"member": "{member}", "came": "1"}},
    "polls.certificate": {"path": VOTE},
    "polls.verify": {"path": VOTE, "query": {"hash": "0" * 64}},
    "polls.enter_paper": {"path": ELECT, "form": {"returned": "1", "invalid": "1"}},
    "polls.sign": {"path": ELECT},
    "polls.dissent": {"path": ELECT, "form": {"dissent": "数目不对"}},
    "polls.declare": {"path": ELECT},
    "polls.resign": {"path": ELECT, "form": {"leave": "身体不适"}},
    "polls.replace_teller": {
        "path": ELECT,
        "form": {"teller": "{member}", "successor": "{member}", "left": "离会"},
    },
    "polls.give_paper": {"path": ELECT, "form": {"member": "{member}"}},
    "polls.print_pad": {"path": ELECT, "form": {"ballots": "2"}},
    "polls.take_back": {
        "path": ELECT,
        "form": {"back_first": "1", "back_last": "1", "back_reason": "印坏"},
    },
    "polls.paper": {"path": ELECT | {"what": "tally", "form": "pdf"}},
    "api_paper_ballots.print_pad": {"path": ELECT, "json": {"ballots": 2}},
    "api_paper_ballots.take_back": {
        "path": ELECT,
        "json": {"first": 1, "last": 1, "reason": "印坏"},
    },
    "api_paper_ballots.get_pad_pdf": {"path": ELECT},
    "api_paper_ballots.get_pad_docx": {"path": ELECT},
    "api_paper_ballots.get_tally_pdf": {"path": ELECT},
    "api_paper_ballots.get_tally_docx": {"path": ELECT},
    "polls.void": {"path": ELECT, "form": REASON},
    "api_meetings.arrive": {"json": {"code": "{door}"}},
    "api_meetings.list_meetings of": {"query": {"instance": "{session}"}},
    "api_meetings.match": {"json": {"names": "鹭岛"}},
    "api_meetings.seat": {"json": {"members": ["{member}"]}},
    "api_polls.get_certificate": {"path": VOTE},
    "api_polls.verify_certificate": {"path": VOTE, "query": {"hash": "0" * 64}},
    "api_polls.enter_paper": {"path": ELECT, "json": {"returned": 1, "invalid": 1, "counts": {}}},
    "api_polls.sign": {"path": ELECT},
    "api_polls.dissent": {"path": ELECT, "json": REASON},
    "api_polls.declare": {"path": ELECT},
    "api_polls.resign": {"path": ELECT, "json": REASON},
    "api_polls.replace_teller": {
        "path": ELECT,
        "json": {"teller": "{member}", "successor": "{member}", "reason": "离会"},
    },
    "api_polls.give_paper": {"path": ELECT, "json": {"members": ["{member}"]}},
    "api_polls.void_poll": {"path": ELECT, "json": REASON},
    "ballots.cast": {"path": SECRET, "json": ENVELOPE},
    "ballots.check": {"path": SECRET},
    "inbox.poll secret": {"path": SECRET},
    "ballots.give_up": {"path": SECRET, "form": {"passphrase": WORDS}},
    "ballots.join": {"path": SECRET, "form": {"passphrase": WORDS}},
    "ballots.take": {"path": SECRET, "form": {"passphrase": WORDS, "again": WORDS}},
    "api_ballots.cast": {"path": SECRET, "json": ENVELOPE},
    "api_ballots.get_box": {"path": SECRET},
    "api_ballots.get_ballots": {"path": SECRET},
    "api_ballots.join_key": {"path": SECRET, "json": {"passphrase": WORDS}},
    "api_ballots.give_key": {"path": SECRET, "json": {"passphrase": WORDS}},
    "api_ballots.take_key": {"path": SECRET, "json": {"passphrase": WORDS}},
    "inbox.complete": {"form": {f"f.{k}": v for k, v in REVIEW.items()}},
    "inbox.hold": {"path": {"what": "claim"}},
    "inbox.hold release": {"path": {"what": "release"}},
    "verbs.comment": {"form": {"text": "请补充预算。"}},
    "provisos.say": {"path": {"what": "report"}, "form": {"f.text": "已办"}},
    "api_provisos.report_condition": {"json": {"text": "已办"}},
    "api_provisos.judge_condition": {"json": {"met": True}},
    "copies.send": {"form": {"to": "{member}", "text": "请知悉。"}},
    "api_copies.send_copies": {"json": {"to": ["{member}"], "text": "请知悉。"}},
    "verbs.do_hand": {"path": {"what": "over"}, "form": {**REASON, "to": "{member}"}},
    "verbs.do_hand back": {"path": {"what": "back"}, "form": REASON},
    "verbs.do_send_back": {"form": {**REASON, "to": "launch"}},
    "api_tasks.send_back": {"json": {**REASON, "to": "launch"}},
    "asks.do_ask": {"form": {"what": "join", "to": "{member}", "text": "请看。"}},
    "asks.do": {"path": {"what": "answer"}, "form": {"text": "可以。", "view": "agree"}},
    "deputies.name": {"form": {"to": "{member}", "from_on": "2026-01-01", "to_on": ""}},
    "api_deputies.name_deputy": {
        "json": {
            "to": "{member}",
            "from_on": "2026-01-01",
            "to_on": "2026-01-02",
            "processes": ["nothing"],
        }
    },
    "api_asks.ask": {"json": {"what": "join", "to": "{member}", "text": "请看。"}},
    "api_asks.answer_ask": {"json": {"text": "可以。", "view": "agree"}},
    "api_asks.decline_ask": {"json": REASON},
    "api_comments.make_comment": {"json": {"text": "请补充预算。"}},
    "verbs.do_aside": {"form": REASON},
    "api_tasks.step_aside": {"json": REASON},
    "api_tasks.hand_over": {"json": {**REASON, "to": "{member}"}},
    "api_tasks.give_back": {"json": REASON},
    "inbox.undo": {"path": {"what": "undo"}},
    "inbox.undo seen": {"path": {"what": "seen"}},
    "inbox.draft": {"path": {"key": "task:{task}"}, "json": {"reason": "草稿"}},
    "inbox.respond": {"path": {"what": "answer"}, "form": {"choice": "yes"}},
    "inbox.respond withdraw": {"path": {"what": "withdraw"}},
    "inbox.respond close": {"path": {"what": "close"}},
    "inbox.index search": {"query": {"words": "鹭岛"}},
    "together.form": {"path": {"of": "congress_motion.review"}},
    "together.act": {
        "path": {"of": "congress_motion.review"},
        "form": {"batch": "01a20509-42be-7875-a54e-608a92498ac0"},
    },
    "together.chosen": {"path": {"of": "congress_motion.review"}},
    "grid.table": {"path": {"process_id": "congress_motion"}},
    "grid.board": {"path": {"process_id": "congress_motion"}},
    "grid.sheet": {"path": {"process_id": "congress_motion", "form": "xlsx"}},
    "grid.sheet csv": {"path": {"process_id": "congress_motion", "form": "csv"}},
    "grid.sheet print": {"path": {"process_id": "congress_motion", "form": "print"}},
    "grid.act": {
        "path": {"process_id": "congress_motion", "what": "remind"},
        "form": {"matter": "{motion}", "reason": WORDS, "send": "1"},
    },
    "grid.compare": {"path": {"process_id": "congress_motion"}, "form": {"matter": "{motion}"}},
    "grid.beside of": {"query": {"matter": ["{motion}", "{young}"]}},
    "grid.papers": {
        "path": {"process_id": "congress_motion"},
        "form": {"matter": "{motion}"},
    },
    "grid.papers kind": {
        "path": {"process_id": "congress_motion"},
        "form": {"matter": "{motion}", "kind": "reply_letter"},
    },
    "grid.booklet": {"path": {"process_id": "congress_motion"}, "form": {"matter": "{motion}"}},
    "grid.booklet form": {
        "path": {"process_id": "congress_motion"},
        "form": {"matter": "{motion}", "form": "pdf"},
    },
    "grid.save_view": {
        "path": {"process_id": "congress_motion"},
        "query": {"state": "running"},
        "form": {"name": "在办的"},
    },
    "grid.drop_view": {"path": {"process_id": "congress_motion"}, "form": {"name": "在办的"}},
    "entries.form": {"path": {"process_id": "congress_motion"}},
    "entries.enter": {"path": {"process_id": "congress_motion"}},
    "entries.choose": {"path": {"process_id": "congress_motion"}},
    "entries.preview": {"path": {"process_id": "congress_motion"}},
    "entries.confirm": {"path": {"process_id": "congress_motion"}, "form": {"rows": "x"}},
    "api_process-instances.enter": {
        "json": {"process_id": "congress_motion", "owner": "{member}", "answers": {}}
    },
    "api_grids.get_grid": {"path": {"process_id": "congress_motion"}},
    "api_grids.get_indicators": {"path": {"process_id": "congress_motion"}},
    "indicators.page": {"path": {"process_id": "congress_motion"}},
    "api_grids.get_board": {"path": {"process_id": "congress_motion"}},
    "api_plans.plan_launch": {
        "path": {"process_id": "congress_motion"},
        "json": {"answers": {}},
    },
    "api_operations.queue_packs": {"json": {"instances": ["{motion}"]}},
    "api_grids.act_on_many": {
        "path": {"process_id": "congress_motion", "what": "remind"},
        "json": {**REASON, "instances": ["{motion}"]},
    },
    "api_side_by_side.compare": {"query": {"matters": "{motion},{young}"}},
    "api_grids.bind_papers": {
        "path": {"process_id": "congress_motion"},
        "json": {"instances": ["{motion}"], "kind": "reply_letter"},
    },
    "api_grids.bind_booklet": {
        "path": {"process_id": "congress_motion"},
        "json": {"instances": ["{motion}"]},
    },
    "api_grids.list_grid_views": {"path": {"process_id": "congress_motion"}},
    "api_grids.save_grid_view": {
        "path": {"process_id": "congress_motion", "name": "在办的"},
        "json": {"wanted": {"state": "running"}},
    },
    "api_grids.drop_grid_view": {"path": {"process_id": "congress_motion", "name": "在办的"}},
    "api_tasks.preview_together": {
        "json": {"batch": "01a20509-42be-7875-a54e-608a92498ac0", "tasks": [{"id": "{task}"}]}
    },
    "together.now": {"path": {"of": "congress_motion.review"}},
    "queued.act": {"form": {"key": "queued-1", "as_of": "1.1.0"}},
    "notices.wish": {"form": {"singly": "all", "digest": "07:30"}},
    "api_notices.set_wishes": {"json": {"singly": "all"}},
    "together.undo": {"path": {"batch_id": "01a20509-42be-7875-a54e-608a92498ac0"}},
    "mine.done search": {"query": {"words": "鹭岛"}},
    "mine.save_view": {"query": {"part": "look"}, "form": {"name": "甲"}},
    "mine.change_phrase": {"path": {"what": "keep"}, "form": {"text": "同意"}},
    "mine.change_phrase drop": {"path": {"what": "drop"}, "form": {"text": "同意"}},
    "mine.drop_view": {"form": {"name": "甲"}},
    "matters.index search": {"query": {"words": "鹭岛"}},
    "matters.desk": {"path": {"what": "suspend"}, "form": REASON},
    "matters.desk remind": {"path": {"what": "remind"}, "form": REASON},
    "matters.desk resume": {"path": {"what": "resume"}},
    "matters.desk terminate": {"path": {"what": "terminate"}, "form": REASON},
    "matters.send": {"form": {"f.reason": "有关单位已经解决，不再需要立案。"}},
    "confidence.guard": {
        "path": {"what": "readers"},
        "form": {**REASON, "member": "{member}", "until": "2199-12-31"},
    },
    "confidence.guard guests": {
        "path": {"what": "guests"},
        "form": {**REASON, "member": "{member}"},
    },
    "confidence.guard erase": {"path": {"what": "erase"}, "form": REASON},
    "outside.invite": {"form": {"to": "某单位"}},
    "api_tasks.send_link": {"json": {"to": "某单位"}},
    "launch.start": {"form": {f"f.{k}": v for k, v in LAUNCH.items()} | {"once": "k-1"}},
    "launch.start with a file": {
        "form": {f"f.{k}": v for k, v in LAUNCH.items()}
        | {"once": "k-2", "f.attachments": "{attachment}"}
    },
    "launch.alike": {"query": {"title": "延长食堂供餐增设校车"}},
    "files.lines": {"file": ("file", "a.csv", b"x,y")},
    "files.upload": {"file": ("file", "a.txt", b"x")},
    "audit.index search": {"query": {"words": "鹭岛"}},
    "audit.index csv": {"query": {"format": "csv"}},
    "audit.index unit": {"query": {"unit": "{unit}"}},
    "audit.log of": {"query": {"of": "{union}"}},
    "audit.sample of": {"query": {"of": "{union}"}},
    "audit.figures of": {"query": {"of": "{union}"}},
    "ledger.index of": {"query": {"of": "{union}"}},
    "api_ledgers.ledger": {"path": {"union_id": "{union}"}},
    "api_answers.sample": {"query": {"union": "{union}", "year": "2026"}},
    "audit.log installation": {"query": {"of": "installation"}},
    "audit.witness": {"form": {"who": "某某"}},
    "people.index of": {"query": OF},
    "people.index unit": {"query": {"unit": "{unit}"}},
    "people.index search": {"query": {"q": "鹭岛"}},
    "people.units of": {"query": OF},
    "people.new of": {"query": OF},
    "people.create": {"query": OF, "form": PERSON},
    "people.change": {
        "form": {"name": "改名", "unit_id": "{unit}", "locale": "zh", "active": "yes"}
    },
    "people.grant": {"form": POST},
    "people.correct": {"path": {"number": "2"}, "form": {"v.name": "新人"}},
    "people.end_term": {"form": {"term": "T90", "last": "2026-12-31"}},
    "people.invite": {"query": OF},
    "people.hand_over": {"form": {"username": "nobody", "reason": "leaves"}},
    "people.join": {"form": {"username": "nobody", "why": "registered twice"}},
    "people.succeed": {
        "path": {"how": "replace"},
        "form": {"username": "nobody", "on": "2026-12-31", "why": "stands in"},
    },
    "api_imports.correct_row": {"path": {"number": "2"}, "json": {"values": {}}},
    "api_succession.end_term": {"json": {"term": "T90", "last": "2026-12-31"}},
    "api_succession.hand_over": {"json": {"to": NOBODY, "reason": "leaves"}},
    "api_succession.join": {"json": {"into": NOBODY, "why": "registered twice"}},
    "api_succession.move": {"json": {"unit_id": NOBODY, "on": "2026-12-31", "why": "转团"}},
    "api_succession.replace": {
        "json": {"member_id": NOBODY, "on": "2026-12-31", "why": "stands in"}
    },
    "people.end": {"form": {"on": "2026-12-31", "why": "届满"}},
    "people.password": {"form": {"secret": "short"}},
    "people.add_unit": {"query": OF, "form": UNIT},
    "people.change_unit": {"query": OF, "form": {"name": "改名", "name_en": ""}},
    "people.import_ POST": {
        "form": {"kind": "people"},
        "file": ("file", "a.xlsx", sheet("XX", "某")),
    },
    "definitions.version proposed": {"path": {"digest": "{new}"}},
    "definitions.decide": {"path": {"digest": "{new}"}, "form": {"decision": "approve"}},
    "definitions.propose": {"form": {"note": "试"}, "file": ("folder", "x.zip", zipped())},
    "api_decision-tables.evaluate": {"json": {"facts": {"case.duty": "grant"}}},
    "rules.index of": {"query": OF},
    "rules.rule of": {"query": OF},
    "rules.calendar of": {"query": OF},
    "rules.propose": {"query": OF, "form": VALUE},
    "rules.decide": {"form": {"decision": "approve"}},
    "rules.load": {"form": NOTICE},
    "own_versions.decide": {"form": {"decision": "approve"}},
    "own_versions.end": {"form": {"note": "改用通用的"}},
    "api_own-versions.end_own_version": {"json": {"note": "改用通用的"}},
    "proposals.decide": {"form": {"decision": "approve"}},
    "proposals.again": {"form": {"note": "新版有误"}},
    "rules.add_vacation": {"query": OF, "form": BREAK},
    "auth.do_login": {"form": {"username": "a.secretary", "password": "no such word"}},
    "auth.mine POST": {"form": {"old": "x", "new": "y"}},
    "api_rules.rule_changes": {"query": {"before": "2020-01-01", "after": "2026-01-01"}},
    "audit.annotate": {"form": {"seq": "1", "text": "某"}},
    "api_answers.add_note": {"json": {"about": 1, "text": "某"}},
    "api_audit.note_witness": {"json": {"who": "某某"}},
    "api_audit.countersign": {"json": {"checkpoint": "x"}},
    "api_audit.receive": {"json": {"note": "x"}},
    "api_audit.given_before": {"path": {"key_id": "0123456789abcdef"}},
    "audit.end_witness": {"path": {"key_id": "0123456789abcdef"}},
    "audit.propose_witness": {"form": {"name": "某某", "public": "ab"}},
    "api_despatch.list_despatch of": {"query": OF},
    "api_despatch.propose_correction": {"json": {"kind": "void", "reason": "不应发出"}},
    "despatch.index of": {"query": OF},
    "starts.drop": {"form": {"reason": WORDS}},
    "api_starts.drop_start": {"json": REASON},
    "despatch.propose": {"form": {"kind": "void", "reason": "不应发出"}},
    "despatch.decide": {"path": {"what": "approve"}},
    "api_files.upload": {"file": ("file", "a.txt", b"x")},
    "api_imports.list_imports of": {"query": OF},
    "api_imports.preview_import": {
        "form": {"kind": "people"},
        "file": ("file", "a.xlsx", sheet("XX", "某")),
    },
    "api_members.list_members of": {"query": OF},
    "api_invitations.list_newcomers of": {"query": OF},
    "api_invitations.invite": {"json": {"union": "{union}", "members": ["{member}"]}},
    "api_members.list_members unit": {"query": {"unit": "{unit}"}},
    "api_members.list_members search": {"query": {"q": "鹭岛"}},
    "api_members.change_member": {"json": {"name": "改名"}},
    "api_members.change_password": {"json": {"old": "x", "new": "y"}},
    "api_members.create_member": {"json": PERSON},
    "api_members.create_token": {"json": {"name": "新的"}},
    "api_members.end_post": {"json": {"on": "2026-12-31", "why": "届满"}},
    "api_members.grant_post": {"json": POST},
    "api_members.set_password": {"json": {"password": "short"}},
    "api_polls.respond": {"json": {"choice": "yes"}},
    "api_process-definitions.difference": {"path": {"key": "{new}"}, "query": {"old": "{old}"}},
    "api_process-definitions.approve": {"path": {"key": "{new}"}},
    "api_process-definitions.refuse": {"path": {"key": "{new}"}},
    "api_process-definitions.get_definition proposed": {"path": {"key": "{new}"}},
    "api_process-definitions.propose": {
        "json": {"files": {"process.toml": "id = 'x'"}, "note": "试"}
    },
    "api_process-definitions.check_folder": {
        "json": {"files": {"process.toml": "id = 'x'"}, "note": "试"}
    },
    "api_process-instances.alike": {
        "query": {"process": "{process}", "title": "延长食堂供餐增设校车"}
    },
    "api_process-instances.launch": {"json": {"process_id": "{process}", "answers": LAUNCH}},
    "api_process-instances.launch_several": {
        "json": {"process_id": "{process}", "matters": [{}, {}]}
    },
    "api_process-instances.launch with a file": {
        "json": {"process_id": "{process}", "answers": {**LAUNCH, "attachments": ["{attachment}"]}}
    },
    "api_process-instances.list_instances search": {"query": {"words": "鹭岛"}},
    "api_process-instances.list_instances unit": {"query": {"unit": "{unit}"}},
    "api_process-instances.list_instances starter": {"query": {"starter": "{delegate}"}},
    "api_process-instances.send_message": {
        "json": {"answers": {"reason": "有关单位已经解决，不再需要立案。"}}
    },
    "api_process-instances.erase": {"json": REASON},
    "api_process-instances.hold": {"json": REASON},
    "api_process-instances.let_in": {
        "json": {**REASON, "member_id": "{member}", "until": "2199-12-31"}
    },
    "api_process-instances.let_out": {"json": {**REASON, "member_id": "{member}"}},
    "api_process-instances.remind": {"json": REASON},
    "api_process-instances.suspend": {"json": REASON},
    "api_process-instances.terminate": {"json": REASON},
    "api_process-instances.withdraw": {"json": REASON},
    "api_rules.add_vacation": {"json": BREAK | OF},
    "api_rules.get_calendar of": {"query": OF},
    "api_rules.get_rule of": {"query": OF},
    "api_rules.list_proposed_settings of": {"query": OF},
    "api_rules.list_rules of": {"query": OF},
    "api_rules.load_notice": {"json": {"year": NEXT, "source": "通知", "days": []}},
    "api_rules.propose_setting": {"json": {**VALUE, "value": 6} | OF},
    "api_search.search": {"query": {"q": "鹭岛"}},
    "api_tasks.complete": {"json": {"answers": {**REVIEW, "present": ["{committee}"]}}},
    "api_tasks.save_task_draft": {"json": {"answers": {"reason": "草稿"}}},
    "api_tasks.save_draft": {
        "path": {"key": "launch:{process}"},
        "json": {"answers": {"subject": "草稿"}},
    },
    "api_tasks.complete_together": {
        "json": {"batch": "01a20509-42be-7875-a54e-608a92498ac0", "tasks": [{"id": "{task}"}]}
    },
    "api_tasks.undo_together": {"path": {"batch_id": "01a20509-42be-7875-a54e-608a92498ac0"}},
    "api_tasks.save_view": {"path": {"name": "甲"}, "json": {"part": "look"}},
    "api_tasks.drop_view": {"path": {"name": "甲"}},
    "api_tasks.drop_draft": {"path": {"key": "launch:{process}"}},
    "api_units.change_unit": {"json": {"name": "改名"}},
    "api_units.create_unit": {"json": UNIT},
    "api_units.union_history": {"path": {"unit_id": "{union}"}},
    "api_units.unit_tree of": {"query": OF},
    "api_units.list_units of": {"query": OF},
}


def filled(given: Any, own: dict[str, str]) -> Any:
    """Text with the objects of a union in the place of their names."""
    if isinstance(given, str):
        return given.format(**own)
    if isinstance(given, dict):
        return {k: filled(v, own) for k, v in given.items()}
    return [filled(v, own) for v in given] if isinstance(given, list) else given


def methods(app: Flask) -> dict[str, tuple[Any, str]]:
    """Every route by its name: the endpoint, with the method where an endpoint takes several."""
    found: dict[str, tuple[Any, str]] = {}
    for rule in app.url_map.iter_rules():
        several = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        for method in several:
            found[rule.endpoint if method == several[0] else f"{rule.endpoint} {method}"] = (
                rule,
                method,
            )
    return found


def ask(world: World, who: str, row: str, union: str, english: bool = False) -> TestResponse:
    """The request of a row by a person (or nobody), on the objects of a union; a row is a route or a key of SENT."""
    name = row.split(" ")
    routes = methods(world.app)
    rule, method = routes.get(" ".join(name[:2])) or routes[name[0]]
    sent = SENT.get(row, {})
    own = {
        **world.of[union],
        "committee": str(world.people[f"{union}.committee"]),
        "delegate": str(world.people[f"{union}.delegate"]),
    }
    values = {a: sent.get("path", {}).get(a, PATHS.get(a)) for a in rule.arguments}
    path = world.app.url_map.bind("localhost").build(
        rule.endpoint, filled(values, own), method=method
    )
    more: dict[str, Any] = {"query_string": filled(sent.get("query", {}), own)}
    if "json" in sent:
        more["json"] = filled(sent["json"], own)
    if "form" in sent or "file" in sent:
        more["data"] = filled(sent.get("form", {}), own)
    if "file" in sent:
        at, filename, data = sent["file"]
        more["data"] = {**more["data"], at: (io.BytesIO(data), filename)}
    if english:
        more["headers"] = {"Accept-Language": "en"}
        if not path.startswith("/api/"):
            more["query_string"] = {**more["query_string"], "lang": "en"}
    browser = world.app.test_client(use_cookies=not path.startswith("/api/"))
    if path.startswith("/api/"):
        token = {"Authorization": f"Bearer {world.tokens[who]}"} if who else {}
        more["headers"] = {**more.get("headers", {}), **token}
    elif who:
        with browser.session_transaction() as cookie:
            cookie["key"] = world.secrets[who]
    return browser.open(path, method=method, **more)
