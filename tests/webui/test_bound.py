"""The papers of many matters as one PDF: chosen in the table, bound by a worker, fetched by whoever asked while they see them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from pypdfium2 import PdfDocument
from sqlalchemy import text

from engine import db
from engine.commands.people import tokens
from engine.documents import bound, reading
from engine.instance import rooms
from tests.journeys.university import University
from tests.webui import apps
from tests.webui.working import work

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from flask import Flask
    from sqlalchemy import Engine

PAGE = "/grid/congress_motion/papers"
SUBJECTS = ("延长图书馆开放时间", "增加往返两校区班车", "改善食堂晚间供餐")
PAPER = "dispatch_notice"


@pytest.fixture
def town(engine: Engine) -> University:
    return University.built(engine, logs_in=())


@pytest.fixture
def app(town: University, url: str, tmp_path: Path) -> Flask:
    return apps.of(town, url, tmp_path)


@pytest.fixture
def keys(town: University) -> list[UUID]:
    """Three matters; the first two have been assigned."""
    made = [town.reviewable(subject) for subject in SUBJECTS]
    for key in made[:2]:
        town.filed(key)
    return made


def _run(town: University, statement: str, **values: Any) -> None:
    with db.transaction(town.engine) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(statement), values)


def _pages(data: bytes) -> int:
    with PdfDocument(data) as made:
        return len(made)


def test_the_papers_of_many_come_as_one_pdf_in_the_order_of_the_table(
    app: Flask, town: University, keys: list[UUID]
) -> None:
    office, chosen = apps.logged_in(app, town, "secretary"), [str(key) for key in reversed(keys)]
    page = office.post(PAGE, data={"matter": chosen}).text
    assert re.findall(r'name="matter" value="([^"]+)"', page) == chosen
    assert "提案交办单" in page and "2 件有" in page
    sent = office.post(PAGE, data={"matter": chosen, "kind": PAPER})
    assert "已排队" in office.get(sent.location).text and work(town.engine) == 1
    came = office.get(sent.location).text
    assert "打印《提案交办单》" in came and "共 2 份，" in came
    assert re.search(r"1 件没有印：</b>没有这种文书。 \S*003", came)
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
    app: Flask, town: University, keys: list[UUID]
) -> None:
    office, chosen = apps.logged_in(app, town, "secretary"), [str(key) for key in keys]
    sent = office.post(PAGE, data={"matter": chosen, "kind": PAPER})
    work(town.engine)
    assert apps.logged_in(app, town, "chair").get(f"{sent.location}/file").status_code == 404
    assert office.get(f"{sent.location}/file").status_code == 200
    # what is confidential by now is handed out no more, and not bound again
    _run(town, "UPDATE instance SET confidential = true WHERE id = :key", key=keys[0])
    again = office.post(PAGE, data={"matter": chosen, "kind": PAPER})
    work(town.engine)
    came = office.get(again.location).text
    assert (
        "共 1 份" in came and "1 件没有印：</b>没有这种文书。" in came
    )  # of what nobody shows it, no word
    assert "保密" not in came
    mover = apps.logged_in(app, town, "zhang")  # sees it, being the one who moved it
    own = mover.post(PAGE, data={"matter": chosen, "kind": PAPER})
    work(town.engine)
    assert "1 件没有印：</b>保密事项的文书请在其页面逐件打印。" in mover.get(own.location).text
    assert office.get(f"{sent.location}/file").status_code == 404
    _run(town, "UPDATE document SET state = 'void'")
    nothing = office.post(PAGE, data={"matter": chosen}, follow_redirects=True).text
    assert "所选各件还没有可以打印的文书" in nothing
    assert office.post(PAGE, data={"matter": chosen, "kind": PAPER}).status_code == 404
    assert office.post(PAGE, data={"matter": chosen, "kind": "no such"}).status_code == 404


def test_a_program_has_them_bound_too(app: Flask, town: University, keys: list[UUID]) -> None:
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


def test_more_than_can_be_done_at_a_time_is_refused_and_nothing_left_out_silently(
    app: Flask, town: University, keys: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bound, "MOST", 2)
    office, chosen = apps.logged_in(app, town, "secretary"), [str(key) for key in keys]
    for form in ({"matter": chosen}, {"matter": chosen, "kind": PAPER}):
        refused = office.post(PAGE, data=form)
        assert refused.status_code == 409 and "一次最多打印 2 件的文书" in refused.text
    assert work(town.engine) == 0


def test_a_paper_that_says_what_a_room_keeps_is_offered_to_whom_may_read_it(
    app: Flask, town: University, keys: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each matter by itself: one that is closed hides no other."""
    open_ = {keys[1]}
    monkeypatch.setattr(rooms, "is_open_paper", lambda process, kind: False)
    monkeypatch.setattr(rooms, "may_read_paper", lambda context, kind: context.row["id"] in open_)
    office, chosen = apps.logged_in(app, town, "secretary"), [str(key) for key in keys]
    assert "1 件有" in office.post(PAGE, data={"matter": chosen}).text
    sent = office.post(PAGE, data={"matter": chosen, "kind": PAPER})
    work(town.engine)
    assert "共 1 份" in office.get(sent.location).text
