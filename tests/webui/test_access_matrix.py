"""Every route by every role of two unions on the objects of both: what is not yours does not exist, and nothing leaks.

Routes are read from the application: one without a row in EXPECTED fails. Each request runs in transactions that are rolled
back, so that all of them meet the same world.
"""

from __future__ import annotations

import base64
import html
import io
import itertools
import json
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import openpyxl
import psycopg
import pytest

from engine import clock, db, jobs
from engine.commands import (
    attachments,
    ballots,
    definitions,
    drafts,
    edge,
    imports,
    instances,
    meetings,
    people,
    polls,
    rules,
    tasks,
)
from engine.commands.people.logins import open_login
from engine.db import embedded
from engine.definitions import process
from engine.people import organisation
from engine.queries import checkpoints
from engine.queries import instance as files
from engine.queries import meetings as sessions
from engine.queries import people as roster
from engine.settings import ROOT, Settings
from webui import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from uuid import UUID

    from flask import Flask
    from sqlalchemy import Connection, Engine
    from werkzeug.test import TestResponse

FOLDER = ROOT / "processes" / "congress_motion"
NOBODY = "01a20509-42be-7875-a54e-608a92498ac0"
CANARY = {"a": "鹭岛甲密", "b": "鹭岛乙密"}  # in every text that belongs to a union
ROLES = ("plain", "delegate", "committee", "secretary", "auditor", "admin")
SUPERIOR = "superior"  # holds the secretary's desk of the union above both
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

# What each role gets for objects of its own union (plain, delegate, committee, secretary, auditor, admin; one number for
# all), and what strangers get: roles of the other union and the superior's secretary. "-": no object is named, so that
# strangers get what their own role gets. A row that ends in "!" needs no login.
EXPECTED = """
api.openapi | 200 | -!
api_audit.installation_history | 403 403 403 200 200 403 | -
api_audit.list_checkpoints | 403 403 403 200 200 403 | -
api_audit.note_witness | 403 403 403 204 204 403 | -
api_audit.verify | 403 403 403 200 200 403 | -
api_ballots.cast | 404 201 404 404 404 404 | 404
api_ballots.get_ballots | 404 200 404 200 200 404 | 404
api_ballots.get_box | 404 200 404 200 200 404 | 404
api_ballots.join_key | 404 | 404
api_ballots.take_key | 404 | 404
api_files.get_document | 404 200 200 200 200 404 | 404
api_files.get_document_docx | 404 200 200 200 200 404 | 404
api_files.get_file | 404 200 200 200 200 404 | 404
api_files.upload | 201 | -
api_imports.confirm_import | 404 404 404 200 403 200 | 404
api_imports.export_people | 403 403 403 200 200 200 | -
api_imports.get_import | 404 404 404 200 200 200 | 404
api_imports.import_template | 200 | -
api_imports.list_imports | 404 404 404 200 200 200 | -
api_imports.list_imports of | 404 404 404 200 200 200 | 404
api_imports.preview_import | 403 403 403 201 403 201 | -
api_meetings.arrive | 404 200 404 404 404 404 | 404
api_meetings.get_meeting | 404 200 404 200 200 404 | 404
api_meetings.leave | 404 200 404 404 404 404 | 404
api_meetings.list_meetings | 200 | -
api_meetings.list_meetings of | 200 | -
api_meetings.list_people | 404 | 404
api_meetings.match | 404 | 404
api_meetings.open_meeting | 404 403 404 403 403 404 | 404
api_meetings.seat | 404 403 404 403 403 404 | 404
api_members.change_member | 404 404 404 200 403 200 | 404
api_members.change_password | 422 | -
api_members.create_member | 404 404 404 201 403 201 | 404
api_members.create_token | 201 | -
api_members.end_post | 404 404 404 204 403 204 | 404
api_members.end_token | 404 404 404 403 403 204 | 404
api_members.get_me | 200 | -
api_members.get_member | 404 404 404 200 200 200 | 404
api_members.grant_post | 404 404 404 201 403 201 | 404
api_members.list_members | 404 404 404 200 200 200 | -
api_members.list_members of | 404 404 404 200 200 200 | 404
api_members.list_members search | 404 404 404 200 200 200 | -
api_members.list_members unit | 404 404 404 200 200 200 | -
api_members.set_password | 404 404 404 403 403 422 | 404
api_polls.close_poll | 404 409 404 403 403 404 | 404
api_polls.enter_paper | 404 409 404 404 404 404 | 404
api_polls.get_certificate | 404 200 404 200 200 404 | 404
api_polls.get_poll | 404 200 404 200 200 404 | 404
api_polls.give_paper | 404 200 404 404 404 404 | 404
api_polls.list_polls | 200 | -
api_polls.respond | 404 | -
api_polls.sign | 404 409 404 404 404 404 | 404
api_polls.verify_certificate | 404 200 404 200 200 404 | 404
api_polls.void_poll | 404 200 404 200 403 404 | 404
api_polls.withdraw_answer | 404 | -
api_process-definitions.approve | 403 403 403 403 403 200 | -
api_process-definitions.check_folder | 403 403 403 200 403 200 | -
api_process-definitions.difference | 404 404 404 200 404 200 | -
api_process-definitions.get_definition | 200 | -
api_process-definitions.get_definition proposed | 404 404 404 200 404 200 | -
api_process-definitions.get_definition_files | 200 | -
api_process-definitions.get_opening | 403 200 403 403 403 403 | -
api_process-definitions.list_definitions | 200 | -
api_process-definitions.list_versions | 200 | -
api_process-definitions.propose | 403 403 403 422 403 422 | -
api_process-definitions.refuse | 403 403 403 403 403 200 | -
api_process-instances.alike | 403 200 403 403 403 403 | -
api_process-instances.diagram | 404 200 200 200 200 404 | 404
api_process-instances.erase | 404 409 409 409 409 404 | 404
api_process-instances.export_evidence | 404 403 403 200 200 404 | 404
api_process-instances.get_instance | 404 200 200 200 200 404 | 404
api_process-instances.history | 404 200 403 200 200 404 | 404
api_process-instances.let_in | 404 409 409 409 409 404 | 404
api_process-instances.list_readings | 404 200 200 200 200 404 | 404
api_process-instances.launch | 403 201 403 403 403 403 | -
api_process-instances.launch with a file | 403 422 403 403 403 403 | -
api_process-instances.list_instances | 200 | -
api_process-instances.list_instances search | 200 | -
api_process-instances.list_instances starter | 200 | -
api_process-instances.list_instances unit | 200 | -
api_process-instances.proof | 404 200 403 200 200 404 | 404
api_process-instances.remind | 404 403 403 200 403 404 | 404
api_process-instances.resume | 404 403 403 409 403 404 | 404
api_process-instances.retry | 404 | -
api_process-instances.send_message | 404 200 403 403 403 404 | 404
api_process-instances.suspend | 404 403 403 200 403 404 | 404
api_process-instances.terminate | 404 403 403 200 403 404 | 404
api_process-instances.withdraw | 404 200 403 403 403 404 | 404
api_rules.add_vacation | 403 403 403 201 403 201 | 404
api_rules.approve_setting | 403 403 403 204 403 204 | 404
api_rules.get_calendar | 200 | -
api_rules.get_calendar of | 200 | 404
api_rules.get_rule | 200 | -
api_rules.get_rule of | 200 | 404
api_rules.list_proposed_settings | 200 | -
api_rules.list_proposed_settings of | 200 | 404
api_rules.list_rules | 200 | -
api_rules.list_rules of | 200 | 404
api_rules.load_notice | 403 403 403 422 403 422 | -
api_rules.propose_setting | 403 403 403 409 403 403 | 404
api_rules.refuse_setting | 403 403 403 204 403 204 | 404
api_rules.remove_vacation | 403 403 403 204 403 204 | 404
api_decision-tables.evaluate | 200 | -
api_decision-tables.get_table | 200 | -
api_decision-tables.list_tables | 200 | -
api_search.search | 200 | -
api_tasks.claim | 404 404 200 404 404 404 | 404
api_tasks.complete | 404 404 200 404 404 404 | 404
api_tasks.drop_draft | 204 | -
api_tasks.get_task | 404 404 200 404 404 404 | 404
api_tasks.list_drafts | 200 | -
api_tasks.list_tasks | 200 | -
api_tasks.release | 404 404 409 404 404 404 | 404
api_tasks.send_link | 404 404 409 404 404 404 | 404
api_tasks.save_draft | 204 | -
api_tasks.save_task_draft | 404 404 204 404 404 404 | 404
api_units.change_unit | 404 404 404 200 403 200 | 404
api_units.create_unit | 404 404 404 201 403 201 | 404
api_units.list_units | 404 404 404 200 200 200 | -
api_units.list_units of | 404 404 404 200 200 200 | 404
api_units.union_history | 403 403 403 200 200 403 | 404
api_units.unit_tree | 404 404 404 200 200 200 | -
api_units.unit_tree of | 404 404 404 200 200 200 | 404
audit.index | 403 403 403 200 200 403 | -
audit.index csv | 403 403 403 200 200 403 | -
audit.index search | 403 403 403 200 200 403 | -
audit.index unit | 403 403 403 200 200 403 | -
audit.instance | 404 200 403 200 200 404 | 404
audit.log | 403 403 403 200 200 403 | -
audit.log installation | 403 403 403 200 200 403 | -
audit.log of | 403 403 403 200 200 403 | 404~
audit.pack | 404 403 403 200 200 404 | 404
audit.seal | 403 403 403 200 200 403 | -
audit.verify | 403 403 403 200 200 403 | -
audit.witness | 403 403 403 302 302 403 | -
auth.demo | 404 | -!
auth.do_login | 403 | -!
auth.language | 302 | -!
auth.login | 200 | -!
auth.logout | 302 | -!
auth.mine | 200 | -
auth.mine POST | 422 | -
ballots.cast | 404 200 404 404 404 404 | 404
ballots.check | 404 200 404 200 200 404 | 404
ballots.join | 404 | 404
ballots.take | 404 | 404
confidence.guard | 404 409 409 409 409 404 | 404
confidence.guard erase | 404 409 409 409 409 404 | 404
definitions.decide | 403 403 403 403 403 302 | -
definitions.diagram | 200 | -
definitions.diff | 404 404 404 200 404 200 | -
definitions.folder | 200 | -
definitions.index | 200 | -
definitions.process | 200 | -
definitions.propose | 403 403 403 422 403 422 | -
definitions.proposing | 403 403 403 200 403 200 | -
definitions.version | 200 | -
definitions.version proposed | 404 404 404 200 404 200 | -
files.attachment | 404 200 200 200 200 404 | 404
files.document | 404 200 200 200 200 404 | 404
files.upload | 201 | -
health.alive | 200 | -!
health.metrics | 200 | -!
health.ready | 200 | -!
inbox.complete | 404 404 302 404 404 404 | 404
inbox.draft | 200 | -
inbox.hold | 404 404 302 404 404 404 | 404
inbox.hold release | 404 404 409 404 404 404 | 404
inbox.index | 200 | -
inbox.index search | 200 | -
inbox.poll | 404 200 404 200 200 404 | 404
inbox.poll in a meeting | 404 200 404 200 200 404 | 404
inbox.poll secret | 404 200 404 200 200 404 | 404
inbox.respond | 404 | -
inbox.respond close | 404 409 404 403 403 404 | 404
inbox.respond withdraw | 404 | -
inbox.task | 404 404 200 404 404 404 | 404
launch.alike | 403 200 403 403 403 403 | -
launch.discard | 303 | -
launch.form | 403 200 403 403 403 403 | -
launch.index | 200 | -
launch.start | 403 303 403 403 403 403 | -
launch.start with a file | 403 422 403 403 403 403 | -
matters.desk | 404 403 403 303 403 404 | 404
matters.desk remind | 404 403 403 303 403 404 | 404
matters.desk resume | 404 403 403 409 403 404 | 404
matters.desk terminate | 404 403 403 303 403 404 | 404
matters.diagram | 404 200 200 200 200 404 | 404
matters.index | 200 | -
matters.index search | 200 | -
matters.matter | 404 200 200 200 200 404 | 404
matters.message | 404 200 409 409 409 404 | 404
matters.retry | 404 | -
matters.send | 404 422 409 409 409 404 | 404
meetings.arrive | 404 303 404 404 404 404 | 404
meetings.arrive leave | 404 303 404 404 404 404 | 404
meetings.check_in | 404 200 404 200 200 404 | 404
meetings.hall | 404 200 404 200 200 404 | 404
meetings.hall_now | 404 200 404 200 200 404 | 404
meetings.match | 404 | 404
meetings.meeting | 404 200 404 200 200 404 | 404
meetings.now | 404 200 404 200 200 404 | 404
meetings.open_ | 404 403 404 403 403 404 | 404
meetings.seat | 404 403 404 403 403 404 | 404
outside.answer | 404 | -!
outside.document | 404 | -!
outside.invite | 404 404 409 404 404 404 | 404
outside.letter | 404 | -!
people.add_unit | 404 404 404 302 403 302 | 404
people.change | 404 404 404 302 403 302 | 404
people.change_unit | 404 404 404 302 403 302 | 404
people.confirm | 404 404 404 302 403 302 | 404
people.create | 404 404 404 302 403 302 | 404
people.end | 404 404 404 302 403 302 | 404
people.export | 403 403 403 200 200 200 | -
people.grant | 404 404 404 302 403 302 | 404
people.import_ | 403 403 403 200 403 200 | -
people.import_ POST | 403 403 403 302 403 302 | -
people.index | 404 404 404 200 200 200 | -
people.index of | 404 404 404 200 200 200 | 404
people.index search | 404 404 404 200 200 200 | -
people.index unit | 404 404 404 200 200 200 | -
people.member | 404 404 404 200 200 200 | 404
people.new | 404 404 404 200 403 200 | -
people.new of | 403 403 403 200 403 200 | 404
people.password | 404 404 404 403 403 422 | 404
people.preview | 404 404 404 200 200 200 | 404
people.template | 403 403 403 200 403 200 | -
people.units | 404 404 404 200 200 200 | -
people.units of | 404 404 404 200 200 200 | 404
polls.certificate | 404 200 404 200 200 404 | 404
polls.enter_paper | 404 409 404 404 404 404 | 404
polls.give_paper | 404 303 404 404 404 404 | 404
polls.sign | 404 409 404 404 404 404 | 404
polls.verify | 404 200 404 200 200 404 | 404
polls.void | 404 303 404 303 403 404 | 404
rules.add_vacation | 403 403 403 302 403 302 | 404
rules.calendar | 200 | -
rules.calendar of | 200 | 404
rules.decide | 403 403 403 302 403 302 | 404
rules.index | 200 | -
rules.index of | 200 | 404
rules.load | 403 403 403 422 403 422 | -
rules.propose | 403 403 403 409 403 403 | 404
rules.remove_vacation | 403 403 403 302 403 302 | 404
rules.rule | 200 | -
rules.rule of | 200 | 404
static | 200 | -!
tables.index | 200 | -
tables.table | 200 | -
tables.trial | 200 | -
"""


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
        self.of[u] = {"union": str(union), "unit": str(college), "office": str(office)}
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
            self.do(teller, ballots.take, secret, WORDS)
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
        other = self.look(f"{u}.admin", roster.member_file, self.people[f"{u}.second1"])
        own.update(
            motion=str(motion),
            young=str(young),
            task=str(self._open(u, motion, "review").id),
            poll=str(self._open(u, young, "second").poll_id),
            secret=str(secret),
            document=str(kinds["document"]),
            attachment=str(kinds["attachment"]),
            setting=str(setting),
            vacation=str(vacation),
            batch=str(batch),
            member=str(other.id),
            post=str(other.posts[0].id),
            mark=mark,
            token=self._token(u),
        )

    def session(self, u: str) -> None:
        """A meeting at which one vote is over and an election is open; the delegate is one of its tellers."""
        mark, own, chair = CANARY[u], self.of[u], f"{u}.chair"
        called = self.do(chair, instances.launch, "hall", {"subject": f"{mark}第八届二次"})
        held = self.look(chair, sessions.meetings)[0][0].id
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

    def _open(self, u: str, key: UUID, element: str) -> Any:
        found = self.look(f"{u}.secretary", files.file, key)
        return next(t for t in found.tasks if t.state == "open" and t.element == element)

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
            old = definitions.publish_shipped(session, process.read(FOLDER))
        new = self.do("operator", definitions.propose, proposed, "修订说明")
        jobs.seal(self.engine, Settings(home=home, database_url="", processes=ROOT / "processes"))
        size = self.look("operator", checkpoints.checkpoints, None).points[0].size
        for own in self.of.values():
            own.update(old=old, new=new, size=str(size), process="congress_motion")


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


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("x/process.toml", "id = 'x'")
    return data.getvalue()


_count = itertools.count(1)


@pytest.fixture(scope="module")
def world(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    name = f"matrix_{next(_count)}"
    url = server.replace(f"/{embedded.DATABASE}", f"/{name}", 1)
    home = tmp_path_factory.mktemp("matrix")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE tpl".encode())
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
            definitions.publish_shipped(session, process.read(FOLDER))
            definitions.publish_shipped(
                session, process.read(ROOT / "tests" / "processes" / "secret")
            )
            definitions.publish_shipped(
                session, process.read(ROOT / "tests" / "processes" / "hall")
            )
        for u in CANARY:
            made.furnish(u)
        made.share(home)
        app.extensions["engine"] = Trial(made.engine)
        yield made
        db.release(url)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


# --- the requests -------------------------------------------------------------------------------------------------------
PATHS = {
    "instance_id": "{motion}",
    "incident_id": NOBODY,
    "task_id": "{task}",
    "poll_id": "{poll}",
    "attachment_id": "{attachment}",
    "document_id": "{document}",
    "member_id": "{member}",
    "post_id": "{post}",
    "unit_id": "{unit}",
    "batch_id": "{batch}",
    "setting_id": "{setting}",
    "vacation_id": "{vacation}",
    "token_id": "{token}",
    "digest": "{old}",
    "old": "{old}",
    "new": "{new}",
    "process_id": "{process}",
    "kind": "people",
    "name": "withdraw",
    "size": "{size}",
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
    "inbox.poll in a meeting": {"path": VOTE},
    "meetings.arrive": {"form": {"code": "{door}"}},
    "meetings.arrive leave": {"path": {"what": "leave"}},
    "meetings.match": {"form": {"names": "鹭岛"}},
    "meetings.seat": {"form": {"member": "{member}", "came": "1"}},
    "polls.certificate": {"path": VOTE},
    "polls.verify": {"path": VOTE, "query": {"hash": "0" * 64}},
    "polls.enter_paper": {"path": ELECT, "form": {"returned": "1", "invalid": "1"}},
    "polls.sign": {"path": ELECT},
    "polls.give_paper": {"path": ELECT, "form": {"member": "{member}"}},
    "polls.void": {"path": ELECT, "form": REASON},
    "api_meetings.arrive": {"json": {"code": "{door}"}},
    "api_meetings.list_meetings of": {"query": {"instance": "{session}"}},
    "api_meetings.match": {"json": {"names": "鹭岛"}},
    "api_meetings.seat": {"json": {"members": ["{member}"]}},
    "api_polls.get_certificate": {"path": VOTE},
    "api_polls.verify_certificate": {"path": VOTE, "query": {"hash": "0" * 64}},
    "api_polls.enter_paper": {"path": ELECT, "json": {"returned": 1, "invalid": 1, "counts": {}}},
    "api_polls.sign": {"path": ELECT},
    "api_polls.give_paper": {"path": ELECT, "json": {"members": ["{member}"]}},
    "api_polls.void_poll": {"path": ELECT, "json": REASON},
    "ballots.cast": {"path": SECRET, "json": ENVELOPE},
    "ballots.check": {"path": SECRET},
    "inbox.poll secret": {"path": SECRET},
    "ballots.join": {"path": SECRET, "form": {"passphrase": WORDS}},
    "ballots.take": {"path": SECRET, "form": {"passphrase": WORDS, "again": WORDS}},
    "api_ballots.cast": {"path": SECRET, "json": ENVELOPE},
    "api_ballots.get_box": {"path": SECRET},
    "api_ballots.get_ballots": {"path": SECRET},
    "api_ballots.join_key": {"path": SECRET, "json": {"passphrase": WORDS}},
    "api_ballots.take_key": {"path": SECRET, "json": {"passphrase": WORDS}},
    "inbox.complete": {"form": {f"f.{k}": v for k, v in REVIEW.items()}},
    "inbox.hold": {"path": {"what": "claim"}},
    "inbox.hold release": {"path": {"what": "release"}},
    "inbox.draft": {"path": {"key": "task:{task}"}, "json": {"reason": "草稿"}},
    "inbox.respond": {"path": {"what": "answer"}, "form": {"choice": "yes"}},
    "inbox.respond withdraw": {"path": {"what": "withdraw"}},
    "inbox.respond close": {"path": {"what": "close"}},
    "inbox.index search": {"query": {"words": "鹭岛"}},
    "matters.index search": {"query": {"words": "鹭岛"}},
    "matters.desk": {"path": {"what": "suspend"}, "form": REASON},
    "matters.desk remind": {"path": {"what": "remind"}, "form": REASON},
    "matters.desk resume": {"path": {"what": "resume"}},
    "matters.desk terminate": {"path": {"what": "terminate"}, "form": REASON},
    "matters.send": {"form": {"f.reason": "有关单位已经解决，不再需要立案。"}},
    "confidence.guard": {"path": {"what": "readers"}, "form": {**REASON, "member": "{member}"}},
    "confidence.guard erase": {"path": {"what": "erase"}, "form": REASON},
    "outside.invite": {"form": {"to": "某单位"}},
    "api_tasks.send_link": {"json": {"to": "某单位"}},
    "launch.start": {"form": {f"f.{k}": v for k, v in LAUNCH.items()} | {"once": "k-1"}},
    "launch.start with a file": {
        "form": {f"f.{k}": v for k, v in LAUNCH.items()}
        | {"once": "k-2", "f.attachments": "{attachment}"}
    },
    "launch.alike": {"query": {"title": "延长食堂供餐增设校车"}},
    "files.upload": {"file": ("file", "a.txt", b"x")},
    "audit.index search": {"query": {"words": "鹭岛"}},
    "audit.index csv": {"query": {"format": "csv"}},
    "audit.index unit": {"query": {"unit": "{unit}"}},
    "audit.log of": {"query": {"of": "{union}"}},
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
    "rules.add_vacation": {"query": OF, "form": BREAK},
    "auth.do_login": {"form": {"username": "a.secretary", "password": "no such word"}},
    "auth.mine POST": {"form": {"old": "x", "new": "y"}},
    "api_audit.note_witness": {"json": {"who": "某某"}},
    "api_files.upload": {"file": ("file", "a.txt", b"x")},
    "api_imports.list_imports of": {"query": OF},
    "api_imports.preview_import": {
        "form": {"kind": "people"},
        "file": ("file", "a.xlsx", sheet("XX", "某")),
    },
    "api_members.list_members of": {"query": OF},
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
    "api_process-instances.let_in": {"json": {**REASON, "member_id": "{member}"}},
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


def ask(world: World, who: str, row: str, union: str) -> TestResponse:
    """The request of a row by a person (or nobody), on the objects of a union."""
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
    browser = world.app.test_client(use_cookies=not path.startswith("/api/"))
    if path.startswith("/api/"):
        more["headers"] = {"Authorization": f"Bearer {world.tokens[who]}"} if who else {}
    elif who:
        with browser.session_transaction() as cookie:
            cookie["key"] = world.secrets[who]
    return browser.open(path, method=method, **more)


def words_in(reply: TestResponse) -> str:
    """All text of a reply: inside of ZIP (and so of .xlsx) files too."""
    if reply.data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(reply.data)) as archive:
            return html.unescape(
                "".join(archive.read(n).decode("utf-8", "replace") for n in archive.namelist())
            )
    text = reply.data.decode("utf-8", "replace") + str(reply.headers)
    return text + (json.dumps(reply.json, ensure_ascii=False) if reply.is_json else "")


@dataclass(frozen=True)
class Row:
    """What a row promises. `strangers`: None when they get what their own role gets, 0 for 404 or what their role gets anyway."""

    own: tuple[int, ...]
    strangers: int | None
    open: bool

    def of(self, role: str, stranger: bool) -> tuple[int, ...]:
        mine = self.own[ROLES.index("secretary" if role == SUPERIOR else role)]
        if not stranger or self.strangers is None:
            return (mine,)
        return (self.strangers,) if self.strangers else (404, mine) if mine == 403 else (404,)


def expected() -> dict[str, Row]:
    found = {}
    for line in filter(None, map(str.strip, EXPECTED.splitlines())):
        name, own, theirs = (part.strip() for part in line.split("|"))
        codes = tuple(map(int, own.split()))
        strangers = {"-": None, "404~": 0, "404": 404}[theirs.rstrip("!")]
        found[name] = Row(
            codes * len(ROLES) if len(codes) == 1 else codes, strangers, theirs.endswith("!")
        )
    return found


# --- the tests ----------------------------------------------------------------------------------------------------------
def test_every_route_has_its_row(world: World) -> None:
    rows, routes = expected(), methods(world.app)
    assert not set(routes) - set(rows), (
        f"routes without a row in EXPECTED: {sorted(set(routes) - set(rows))}"
    )
    gone = [row for row in rows if row not in routes and row.split(" ")[0] not in routes]
    assert not gone and not set(SENT) - set(rows), (
        f"rows without a route: {gone}, {sorted(set(SENT) - set(rows))}"
    )


@pytest.mark.parametrize("people", ["own", "strange"])
def test_everybody_gets_what_the_matrix_says_and_nothing_of_the_other_union(
    world: World, people: str
) -> None:
    wrong, leaks, seen = [], [], set()
    who_asks = (
        [f"a.{role}" for role in ROLES]
        if people == "own"
        else [*(f"b.{role}" for role in ROLES), SUPERIOR]
    )
    for row, promise in expected().items():
        for who in who_asks:
            reply = ask(world, who, row, "a")
            words = words_in(reply)
            union, _, role = who.rpartition(".")
            if reply.status_code not in promise.of(role, union != "a"):
                wrong.append(
                    f"{row}: {who} got {reply.status_code}, not {promise.of(role, union != 'a')}"
                )
            for u, mark in CANARY.items():
                if mark in words:
                    seen.add((row, who))
                    if u != union:
                        leaks.append(f"{row}: {who} reads of union {u}")
    assert not leaks, "\n".join(leaks)
    assert not wrong, "\n".join(wrong)
    if people == "strange":
        return
    # the marks do stand where they belong, or the search for them would prove nothing
    for row in ("inbox.index", "inbox.task", "api_tasks.list_tasks"):
        assert (row, "a.committee") in seen, row
    for row in (
        "matters.matter",
        "matters.index",
        "launch.index",
        "inbox.poll",
        "api_process-instances.list_instances",
    ):
        assert (row, "a.delegate") in seen, row
    for row in (
        "audit.index search",
        "audit.log",
        "audit.pack",
        "people.index search",
        "people.export",
        "rules.index",
        "rules.calendar",
        "api_search.search",
        "people.preview",
    ):
        assert (row, "a.secretary") in seen, row


def test_nobody_who_is_not_logged_in_gets_anywhere(world: World) -> None:
    for row, promise in expected().items():
        reply = ask(world, "", row, "a")
        if promise.open:
            assert reply.status_code in promise.own, row
        elif row.startswith("api_"):
            assert reply.status_code == 401 and "WWW-Authenticate" in reply.headers, row
        else:
            assert reply.status_code == 302 and reply.location.startswith("/login"), (
                row,
                reply.status_code,
            )
        assert not any(mark in words_in(reply) for mark in CANARY.values()), row


def test_a_token_opens_no_page_and_a_cookie_no_api(world: World) -> None:
    browser = world.app.test_client()
    with browser.session_transaction() as cookie:
        cookie["key"] = world.secrets["a.secretary"]
    assert browser.get("/api/v1/tasks").status_code == 401
    plain = world.app.test_client(use_cookies=False)
    for path in ("/", "/audit", f"/matters/{world.of['a']['motion']}"):
        assert (
            plain.get(
                path, headers={"Authorization": f"Bearer {world.tokens['a.secretary']}"}
            ).status_code
            == 302
        )
    for token in ("", "x", world.tokens["a.admin"][:-1], world.tokens["a.admin"] + "a", "\u4e00"):
        reply = plain.get(
            "/api/v1/tasks", headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")}
        )
        assert reply.status_code == 401, token


def test_nothing_of_another_union_can_be_named_in_what_one_sends(world: World) -> None:
    """An own object, moved into the other union or given something of it."""
    theirs, own = world.of["b"], world.of["a"]
    admin, mover, judge = (Sender(world, f"a.{who}") for who in ("admin", "delegate", "committee"))
    strange = str(world.people["b.committee"])
    for reply in (
        admin.patch(f"/members/{own['member']}", {"unit_id": theirs["unit"]}),
        admin.post(
            f"/members/{own['member']}/posts", {**filled(POST, own), "unit_id": theirs["unit"]}
        ),
        admin.post(f"/members/{theirs['member']}/posts", filled(POST, own)),
        admin.post("/members", {**filled(PERSON, own), "unit_id": theirs["unit"]}),
        admin.post("/units", {**filled(UNIT, own), "parent_id": theirs["union"]}),
        admin.patch(f"/units/{own['unit']}", {"parent_id": theirs["union"]}),
        mover.post(
            "/process-instances",
            {
                "process_id": "congress_motion",
                "answers": {**LAUNCH, "attachments": [theirs["attachment"]]},
            },
        ),
        mover.post(
            "/process-instances",
            {"process_id": "congress_motion", "answers": {**LAUNCH, "unit": theirs["office"]}},
        ),
        judge.post(f"/tasks/{own['task']}/complete", {"answers": {**REVIEW, "present": [strange]}}),
        judge.post(
            f"/tasks/{own['task']}/complete",
            {
                "answers": {
                    "decision": "merge",
                    "merge_into": theirs["motion"],
                    "reason": WORDS,
                    "present": [str(world.people["a.committee"])],
                }
            },
        ),
        judge.post(
            f"/tasks/{own['task']}/complete",
            {
                "answers": {
                    "decision": "file",
                    "grade": "key",
                    "lead_unit": theirs["office"],
                    "reason": WORDS,
                    "present": [str(world.people["a.committee"])],
                }
            },
        ),
    ):
        assert reply.status_code in (403, 404, 422), (
            reply.request.path,
            reply.status_code,
            reply.text,
        )
        assert CANARY["b"] not in reply.text


@dataclass
class Sender:
    world: World
    who: str

    def _send(self, method: str, path: str, sent: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.world.tokens[self.who]}"}
        return self.world.app.test_client(use_cookies=False).open(
            f"/api/v1{path}", method=method, json=sent, headers=headers
        )

    def post(self, path: str, sent: Any) -> TestResponse:
        return self._send("POST", path, sent)

    def patch(self, path: str, sent: Any) -> TestResponse:
        return self._send("PATCH", path, sent)
