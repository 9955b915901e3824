"""The papers of many matters as one PDF: chosen in the table, bound by a worker, fetched by whoever asked while they see them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from pypdfium2 import PdfDocument
from sqlalchemy import text

import webui
from engine import db
from engine.commands import instances, polls
from engine.commands.people import tokens
from engine.commands.people.logins import open_login
from engine.documents import reading
from engine.settings import ROOT, Settings
from tests.journeys.university import MOTION, University
from tests.webui.working import work

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from flask.testing import FlaskClient
    from sqlalchemy import Engine

PAGE = "/grid/congress_motion/papers"
SUBJECTS = ("延长图书馆开放时间", "增加往返两校区班车", "改善食堂晚间供餐")
PAPER = "dispatch_notice"


@pytest.fixture
def town(engine: Engine) -> University:
    return University.built(engine, logs_in=())


@pytest.fixture
def app(town: University, engine: Engine, url: str, tmp_path: Path) -> Any:
    made = webui.create_app(Settings(home=tmp_path, database_url=url, processes=ROOT / "processes"))
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    made.extensions["engine"] = engine
    return made


@pytest.fixture
def keys(town: University) -> list[UUID]:
    """Three matters; the first two have been assigned."""
    made = [_reviewable(town, subject) for subject in SUBJECTS]
    for key in made[:2]:
        _assigned(town, key)
    return made


def _reviewable(town: University, subject: str) -> UUID:
    key: UUID = town.do(
        "zhang", instances.launch, "congress_motion", {"subject": subject, **MOTION}
    )
    poll = town.waiting(key, "second").poll_id
    for who in ("li", "wang", "zhao"):
        town.do(who, polls.respond, poll, "yes")
    town.do("zhang", polls.close, poll)
    town.complete("head", key, "head_check", decision="forward")
    return key


def _assigned(town: University, key: UUID) -> None:
    present = [str(town.people[who]) for who in ("committee", "member2")]
    lead = {"lead_unit": str(town.units["HQ"])}
    said = {
        "grade": "general",
        "reason": "属于学校职权，措施具体，可以立案办理。",
        "present": present,
        **lead,
    }
    town.complete("committee", key, "review", decision="file", **said)
    town.complete("chair", key, "dispatch_plan", decision="approve", **lead)


def _browser(app: Any, town: University, who: str) -> FlaskClient:
    browser: FlaskClient = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["key"] = town.look(who, lambda s, actor: open_login(s, actor.id))
    return browser


def _run(town: University, statement: str, **values: Any) -> None:
    with db.transaction(town.engine) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(statement), values)


def _pages(data: bytes) -> int:
    with PdfDocument(data) as made:
        return len(made)


def test_the_papers_of_many_come_as_one_pdf_in_the_order_of_the_table(
    app: Any, town: University, keys: list[UUID]
) -> None:
    office, chosen = _browser(app, town, "secretary"), [str(key) for key in reversed(keys)]
    page = office.post(PAGE, data={"matter": chosen}).text
    assert re.findall(r'name="matter" value="([^"]+)"', page) == chosen
    assert "提案交办单" in page and "2 件有" in page
    sent = office.post(PAGE, data={"matter": chosen, "kind": PAPER})
    assert "已排队" in office.get(sent.location).text and work(town.engine) == 1
    came = office.get(sent.location).text
    assert "打印《提案交办单》" in came and "共 2 份，" in came
    assert re.search(r"没有印：</b>没有这种文书。 \S*003", came)
    file = office.get(f"{sent.location}/file")
    assert (
        file.mimetype == "application/pdf"
        and "filename*=UTF-8''" in file.headers["Content-Disposition"]
    )
    text_of = reading.close(reading.text_of(file.data))
    assert (
        0 < text_of.index(SUBJECTS[1]) < text_of.index(SUBJECTS[0]) and SUBJECTS[2] not in text_of
    )
    both = office.post(PAGE, data={"matter": chosen, "kind": PAPER, "both_sides": "1"})
    work(town.engine)
    plain, on_sheets = _pages(file.data), _pages(office.get(f"{both.location}/file").data)
    assert (
        on_sheets == plain + (plain // 2) % 2
    )  # both papers are as long: the first may get a blank page


def test_nobody_gets_a_paper_that_they_may_not_see(
    app: Any, town: University, keys: list[UUID]
) -> None:
    office, chosen = _browser(app, town, "secretary"), [str(key) for key in keys]
    sent = office.post(PAGE, data={"matter": chosen, "kind": PAPER})
    work(town.engine)
    assert _browser(app, town, "chair").get(f"{sent.location}/file").status_code == 404
    assert office.get(f"{sent.location}/file").status_code == 200
    # what is secret now is neither handed out nor bound again, and kept nowhere without its key
    _run(town, "UPDATE instance SET confidential = true WHERE id = :key", key=keys[0])
    again = office.post(PAGE, data={"matter": chosen, "kind": PAPER})
    work(town.engine)
    came = office.get(again.location).text
    assert "共 1 份" in came
    _run(town, "UPDATE document SET state = 'void'")
    nothing = office.post(PAGE, data={"matter": chosen}, follow_redirects=True).text
    assert "所选各件还没有可以打印的文书" in nothing
    assert office.post(PAGE, data={"matter": chosen, "kind": PAPER}).status_code == 404
    assert office.post(PAGE, data={"matter": chosen, "kind": "no such"}).status_code == 404


def test_a_program_has_them_bound_too(app: Any, town: University, keys: list[UUID]) -> None:
    with db.transaction(town.engine) as session:
        token = tokens.create_token(session, None, town.people["secretary"], "druck")
    client, head = app.test_client(), {"Authorization": f"Bearer {token}"}
    path = "/api/v1/grids/congress_motion/papers"
    asked = {"instances": [str(key) for key in keys], "kind": PAPER}
    reply = client.post(path, json=asked, headers=head)
    assert reply.status_code == 202 and reply.json["state"] == "waiting"
    at = reply.headers["Location"]
    assert at == f"/api/v1/operations/{reply.json['id']}"
    work(town.engine)
    came = client.get(at, headers=head).json
    assert (came["state"], came["result"]["papers"], came["has_file"]) == ("ready", 2, True)
    file = client.get(f"{at}/file", headers=head)
    assert file.mimetype == "application/pdf" and _pages(file.data) == came["result"]["pages"]
    assert client.post(path, json={**asked, "kind": "none"}, headers=head).status_code == 404
    assert client.post(path, json={**asked, "instances": []}, headers=head).status_code == 422
