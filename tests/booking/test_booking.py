"""Rooms of a house are booked: another field than the one the shipped processes are for, with its own posts, units and law.

Nothing in its folder and nothing on its pages speaks of unions, congresses or motions.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import openpyxl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

import webui
from engine import clock, db, definitions, jobs, scenarios
from engine.commands import definitions as publishing
from engine.commands import imports, people
from engine.commands.people.logins import open_login
from engine.db import tables
from engine.definitions.check import check_folder
from engine.errors import Conflict
from engine.history import keys, seals
from engine.history.signing import Signer
from engine.instance.union_law import rulebook
from engine.people import organisation, posts
from engine.settings import Settings
from tests.booking.pages import Walk, read
from webui.http import evidence as words

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy import Engine

FOLDER = Path(__file__).parent
PROCESS = FOLDER / "room_booking"
FOREIGN = re.compile(
    "工会|教代会|职代会|提案|代表|职工|附议|会员|学校|高校|校领导|本会|大会|党委|干部|调解|协商|秘书|委员"
    r"|\b(?:union|congress|delegat(?!e\b)|motion|mover|federation|universit|college|school|cadre|mediat"
    r"|secretar|committee|seconder)[a-z]*",
    re.IGNORECASE,
)
KEY = keys.SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
START = datetime(2026, 3, 2, 1, tzinfo=UTC)
PEOPLE = {
    "zhou": ("老周", "caretaker", "house"),
    "qian": ("小钱", "inspector", "house"),
    "sun": ("老孙", "keykeeper", "house"),
    "lan": ("阿兰", "neighbour", "music"),
    "ming": ("阿明", "neighbour", "quiet"),
    "qing": ("阿青", "neighbour", "quiet"),
}


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIXING_PROCESSES", str(FOLDER))


# --- the folder -------------------------------------------------------------------------------------------------------
def test_the_folder_is_sound() -> None:
    assert check_folder(PROCESS, rulebook(), set(posts.kinds().posts)) == []


def test_the_folder_speaks_of_nothing_else() -> None:
    files = [
        path for path in FOLDER.rglob("*") if path.suffix in (".toml", ".bpmn", ".json", ".md")
    ]
    assert len(files) >= 14
    found = {path.name: FOREIGN.findall(path.read_text("utf-8")) for path in files}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize("story", scenarios.stories(PROCESS), ids=lambda path: path.stem)
def test_its_stories_go_as_they_are_told(engine: Engine, story: Path) -> None:
    standard = scenarios.standard(FOLDER)
    played = scenarios.play(engine, story, definitions.read(PROCESS), standard)
    assert played.ok, played.why
    assert played.steps


# --- its pages --------------------------------------------------------------------------------------------------------
@dataclass
class House:
    """The house with its people by user name, its pages, and what is told on them."""

    engine: Engine
    app: Flask
    at: datetime = START
    people: dict[str, UUID] = field(default_factory=dict)
    read: int = 0
    looks: int = 0
    foreign: dict[str, str] = field(default_factory=dict)  # words in their sentence: where

    @classmethod
    def built(cls, engine: Engine, app: Flask) -> House:
        made = cls(engine, app)
        with db.transaction(engine) as session, clock.set_to(START):
            top = people.create_unit(
                session, None, "H", "house", "梧桐楼", name_en="Sycamore House"
            )
            units = {"house": top}
            for code, name, english in (
                ("music", "琴房", "Music room"),
                ("quiet", "静室", "Quiet room"),
            ):
                units[code] = people.create_unit(
                    session, None, code, "room", name, parent_id=top, name_en=english
                )
            for username, (name, post, unit) in PEOPLE.items():
                key = people.create_member(session, None, username, name, units[unit])
                people.grant_post(session, None, key, post, units[unit], date(2026, 1, 1))
                made.people[username] = key
            publishing.publish_shipped(session, definitions.read(PROCESS))
        return made

    def browser(self, username: str, lang: str = "zh") -> FlaskClient:
        client = self.app.test_client()
        with db.transaction(self.engine) as session:
            secret = open_login(session, self.people[username])
        with client.session_transaction() as cookie:
            cookie["key"], cookie["lang"] = secret, lang
        return client

    def sent(self, username: str, address: str, action: str = "", **answers: Any) -> str:
        """Open a page, send its form; gives where that led."""
        browser = self.browser(username)
        with clock.set_to(self.at):
            page = browser.get(address)
            assert page.status_code == 200, (address, page.status_code)
            once = re.search(r'name="once" value="([^"]+)"', page.text)
            plain = {"choice": answers.pop("choice", "")}
            data = {f"f.{key}": value for key, value in answers.items()}
            data |= plain | ({"once": once[1]} if once else {})
            answer = browser.post(action or address, data=data)
        assert answer.status_code in (302, 303), read(answer.text)[0]
        return str(answer.location)

    def waiting(self, username: str) -> str:
        """The address of what waits for somebody."""
        with clock.set_to(self.at):
            page = self.browser(username).get("/").text
        found = re.search(r'href="(/(?:tasks|polls)/[0-9a-f-]{36})', page)
        assert found, read(page)[0]
        return found[1]

    def look(self, walk: Walk, *more: str) -> None:
        """Read pages of each kind as everybody, from one look to the next in the other language."""
        self.looks += 1
        for number, username in enumerate(PEOPLE):
            lang = ("zh", "en")[(number + self.looks) % 2]
            with clock.set_to(self.at):
                for address, words in walk.pages(self.browser(username, lang), "/", *more):
                    self.read += 1
                    for word in FOREIGN.finditer(words):
                        about = words[max(0, word.start() - 40) : word.end() + 40]
                        self.foreign.setdefault(about, f"{lang} {username} {address}")


@pytest.fixture
def house(url: str, engine: Engine, tmp_path: Path) -> House:
    app = webui.create_app(Settings(home=tmp_path, database_url=url, processes=FOLDER))
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=False, WTF_CSRF_ENABLED=False)
    app.extensions["engine"] = engine
    return House.built(engine, app)


PAGES = frozenset(
    {
        "inbox.index",
        "inbox.task",
        "inbox.poll",
        "launch.index",
        "launch.form",
        "matters.index",
        "matters.matter",
        "matters.message",
        "audit.index",
        "audit.instance",
        "audit.log",
        "audit.seal",
        "people.index",
        "people.member",
        "people.units",
        "people.import_",
        "rules.index",
        "rules.rule",
        "rules.calendar",
        "definitions.index",
        "definitions.process",
        "definitions.version",
        "auth.mine",
    }
)


def test_a_room_is_booked_on_pages_that_speak_of_nothing_else(house: House) -> None:
    walk = Walk(house.app)
    house.look(walk, "/login")
    lan, qing = str(house.people["lan"]), str(house.people["qing"])
    with db.transaction(house.engine) as session:
        room = str(_unit(session, "music"))
    booking = house.sent("zhou", "/launch/room_booking", purpose="练琴", room=room, guest=lan)
    house.look(walk, booking, f"{booking}/send/cancel")
    house.at += timedelta(days=4)
    with clock.set_to(house.at):
        jobs.sweep(house.engine)
    house.sent("zhou", house.waiting("zhou"), decision="free")
    poll = house.waiting("ming")
    house.look(walk)
    house.sent("ming", poll, f"{poll}/answer", choice="fine")
    house.sent("lan", poll, f"{poll}/close")
    house.look(walk, booking, f"{booking}/send/pass_on")
    house.sent("lan", f"{booking}/send/pass_on", successor=qing)
    house.sent("qing", house.waiting("qing"), note="钥匙已还")
    second = house.sent("ming", "/launch/room_booking", purpose="午睡", room=room)
    house.sent("ming", f"{second}/send/cancel", reason="不用了")
    house.look(walk, poll, booking, second)
    assert not house.foreign, "\n".join(f"{w!r}: {at}" for w, at in house.foreign.items())
    assert walk.met.keys() >= PAGES, PAGES - walk.met.keys()
    assert house.read > 200, (house.read, walk.met)
    with db.transaction(house.engine) as session:
        verdict = seals.verify(session, None)
        assert (verdict.broken, verdict.fault) == (None, "")


def test_nobody_is_invited_where_no_rule_says_for_how_long(house: House) -> None:
    with db.transaction(house.engine) as session, clock.set_to(START):
        actor = organisation.actor(session, house.people["sun"])
        with pytest.raises(Conflict) as refused:
            people.invite(session, actor, actor.union_id, [house.people["lan"]])
    assert refused.value.code == "no_rule"


@pytest.mark.parametrize("kind", imports.KINDS[:3])
def test_its_tables_speak_of_nothing_else(kind: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(imports.template(kind)))
    cells = [str(cell.value) for sheet in book for row in sheet for cell in row if cell.value]
    assert len(cells) > 20
    assert FOREIGN.findall(" ".join(cells)) == []


def test_an_evidence_pack_speaks_of_nothing_else(house: House) -> None:
    with db.transaction(house.engine) as session:
        room = str(_unit(session, "music"))
    booking = house.sent("lan", "/launch/room_booking", purpose="练琴", room=room)
    house.sent("zhou", house.waiting("zhou"), decision="taken")
    with db.transaction(house.engine) as session, clock.set_to(house.at):
        actor = organisation.actor(session, house.people["qian"])
        pack = words.export(session, actor, UUID(booking[-36:]), Signer(KEY))
    told = {name: text.decode() for name, text in _files(pack).items() if name.endswith(".txt")}
    assert len(told) >= 3, told.keys()
    assert {name: FOREIGN.findall(text) for name, text in told.items()} == {
        name: [] for name in told
    }


def _files(pack: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _unit(session: db.Session, code: str) -> UUID:
    unit = tables.unit.c
    return session.execute(select(unit.id).where(unit.code == code)).scalar_one()
