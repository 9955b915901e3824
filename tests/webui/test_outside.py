"""Answers from outside: the link is shown once, holds once, tells no more than the letter, and leaves no cookie."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text

from engine import clock
from engine.commands import outside
from engine.db import tables
from tests.webui.quiet import CANARY, SUBJECT, confidential_case, done

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient
    from sqlalchemy import Engine
    from werkzeug.test import TestResponse

    from tests.webui.conftest import House
    from tests.webui.quiet import Case

WHO = {"name": "赵处长", "office": "处长", "unit": "省教育工会"}
GOOD = {**WHO, "f.days": "3", "f.opinion": "同意征询"}
STRONG = {"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


@pytest.fixture
def case(house: House, engine: Engine, url: str, tmp_path: Path) -> Case:
    return confidential_case(house, engine, url, tmp_path)


def stranger(case: Case) -> FlaskClient:
    """A browser that never was here, with the CSRF check on."""
    case.app.config.update(WTF_CSRF_ENABLED=True)
    return case.app.test_client()


def sealed(reply: TestResponse) -> None:
    assert "Set-Cookie" not in reply.headers
    for name, value in STRONG.items():
        assert value in reply.headers[name], name


def test_the_sender_gets_the_link_once_and_the_older_one_ends(case: Case) -> None:
    page = case.browser("judge")
    task = f"/tasks/{case.own['task_id']}"
    shown = page.get(task).text
    assert "发给外单位答复" in shown and "翠鸟密语外单位" in shown and "等待答复" in shown
    assert page.post(f"{task}/links", data={"to": " "}).status_code == 422
    reply = page.post(f"{task}/links", data={"to": "省教育工会办公室"})
    found = re.search(r"http://localhost/outside/([\w-]{43})", reply.text)
    assert (
        reply.status_code == 200 and found and "复制链接" in reply.text and "限用一次" in reply.text
    )
    assert found[1] not in page.get(task).text
    assert case.app.test_client().get(f"/outside/{found[1]}").status_code == 200
    assert case.app.test_client().get(f"/outside/{case.own['token']}").status_code == 404
    for who in ("mover", "office", "third"):
        assert case.browser(who).post(f"{task}/links", data={"to": "某单位"}).status_code == 404
    made = case.api("judge", f"{task}/links", "POST", json={"to": "某单位"})
    assert (
        made.status_code == 201
        and case.app.test_client().get(made.get_json()["link"]).status_code == 200
    )
    assert [s["state"] for s in case.api("judge", task).get_json()["links"]] == [
        "open",
        "ended",
        "ended",
    ]


def test_the_letter_says_what_is_asked_and_nothing_else(case: Case) -> None:
    browser = stranger(case)
    reply = browser.get(f"/outside/{case.own['token']}")
    sealed(reply)
    assert (
        reply.status_code == 200
        and "校工会请您答复" in reply.text
        and case.number in reply.text
        and "征询函" in reply.text
    )
    assert SUBJECT not in reply.text  # confidential: the number must do
    assert "f.scan" not in reply.text and "张敏" not in reply.text
    assert (
        "English" in reply.text
        and "asks for your reply" in browser.get(f"/outside/{case.own['token']}?lang=en").text
    )
    paper = browser.get(f"/outside/{case.own['token']}/documents/{case.own['document_id']}")
    assert paper.status_code == 200 and paper.data.startswith(b"%PDF-")
    assert (
        browser.get(f"/outside/{case.own['token']}/documents/{case.own['task_id']}").status_code
        == 404
    )


def test_the_files_of_an_enclosed_paper_go_along_and_no_others(case: Case) -> None:
    browser, address = stranger(case), f"/outside/{case.own['token']}"
    page = browser.get(address).text
    assert "随函附件" in page and f"{CANARY}证据.txt" in page
    assert f"/files/{case.own['attachment_id']}" in page and case.own["inside"] not in page
    file = browser.get(f"{address}/files/{case.own['attachment_id']}")
    assert file.status_code == 200 and file.data == CANARY.encode()
    assert "Set-Cookie" not in file.headers and file.headers["X-Robots-Tag"] == "noindex"
    assert "no-store" in file.headers["Cache-Control"]
    assert file.headers["Content-Disposition"].startswith("attachment;")
    for other in (case.own["inside"], case.own["task_id"]):
        assert browser.get(f"{address}/files/{other}").status_code == 404
    wrong = f"/outside/{'x' * 43}/files/{case.own['attachment_id']}"
    assert browser.get(wrong).status_code == 404
    browser.post(address, data=GOOD)
    assert browser.get(f"{address}/files/{case.own['attachment_id']}").status_code == 404


def test_an_answer_counts_once_and_its_receipt_names_its_place_in_the_history(case: Case) -> None:
    browser, address = stranger(case), f"/outside/{case.own['token']}"
    reply = browser.post(address, data={**GOOD, "name": "", "f.opinion": "写好的意见"})
    assert reply.status_code == 422 and "请填写" in reply.text and "写好的意见" in reply.text
    reply = browser.post(address, data={**GOOD, "f.days": "0"})
    assert (
        reply.status_code == 403 and "期限至少一天" in reply.text and "同意征询" in reply.text
    )  # a gate refuses, nothing is lost
    reply = browser.post(address, data=GOOD)
    sealed(reply)
    assert reply.status_code == 200 and "答复已收到" in reply.text and "赵处长" in reply.text
    event = tables.event.c
    hashes = case.house.look(
        lambda s: (
            s.execute(
                select(event.hash)
                .where(event.instance_id == case.id, event.kind == "task_completed")
                .order_by(event.seq.desc())
            )
            .scalars()
            .all()
        )
    )
    assert bytes(hashes[0]).hex() in reply.text
    for again in (browser.get(address), browser.post(address, data=GOOD)):
        sealed(again)
        assert again.status_code == 404 and "已经用过" in again.text
    facts = case.house.look(
        lambda s: s.execute(
            select(tables.instance.c.facts).where(tables.instance.c.id == case.id)
        ).scalar_one()
    )
    assert (
        facts["reply"]["by_way"] == "link"
        and facts["reply"]["outside"] == WHO
        and facts["reply"]["days"] == 3
    )
    assert "同意征询" in case.browser("judge").get(f"/matters/{case.id}").text


def test_the_page_says_who_answered_and_that_nobody_was_checked(case: Case) -> None:
    stranger(case).post(
        f"/outside/{case.own['token']}",
        data={**GOOD, "name": "路某", "office": "办事员", "unit": "某物业公司"},
    )
    said = "某物业公司 办事员 路某（经一次性链接，自填，未核对身份，系统未见印章）"
    assert said in case.browser("judge").get(f"/matters/{case.id}").text


def test_an_answer_entered_by_an_account_says_who_entered_it_and_without_a_scan(case: Case) -> None:
    done(case.house, "judge", {"days": 2, "opinion": "纸质函已收到"})
    page = case.browser("judge").get(f"/matters/{case.id}").text
    assert "（由账号登记，没有扫描件，系统未见印章）" in page
    facts = case.house.look(
        lambda s: s.execute(
            select(tables.instance.c.facts).where(tables.instance.c.id == case.id)
        ).scalar_one()
    )
    assert facts["reply"]["by_way"] == "inbox" and len(facts["reply"]["entered_by"]) == 36


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE member SET active = false WHERE id = :who",
        "UPDATE post SET to_on = from_on WHERE member_id = :who",
    ],
    ids=["left", "post ended"],
)
def test_a_link_ends_with_its_sender(case: Case, end: str) -> None:
    browser, address = case.app.test_client(), f"/outside/{case.own['token']}"
    assert browser.get(address).status_code == 200
    sender = case.house.look(
        lambda s: s.execute(select(tables.invitation.c.sent_by)).scalars().first()
    )
    case.house.look(lambda s: s.execute(text(end), {"who": sender}))
    for reply in (browser.get(address), browser.post(address, data=GOOD)):
        sealed(reply)
        assert reply.status_code == 404 and "链接无效" in reply.text


def test_reading_a_confidential_letter_by_its_link_is_on_record_once_a_day(case: Case) -> None:
    browser, address = stranger(case), f"/outside/{case.own['token']}"
    paper = f"{address}/documents/{case.own['document_id']}"
    for each in (address, address, paper, paper):
        assert browser.get(each).status_code == 200
    assert browser.get(f"/outside/{'x' * 43}").status_code == 404
    event = tables.event.c
    kinds = case.house.look(
        lambda s: (
            s.execute(
                select(event.kind).where(event.instance_id == case.id, event.kind == "letter_read")
            )
            .scalars()
            .all()
        )
    )
    assert len(kinds) == 2  # the letter, and the paper that goes with it
    page = case.browser("judge").get(f"/matters/{case.id}").text
    assert "打开链接的人（链接发给翠鸟密语外单位）" in page and "经链接查阅来函" in page


def test_wrong_and_ended_links_say_so_and_leave_nothing(case: Case) -> None:
    browser = stranger(case)
    before = case.house.look(
        lambda s: s.execute(select(func.count()).select_from(tables.event)).scalar_one()
    )
    for token in ("x" * 43, "1", case.own["token"][:-1], "%E4%B8%80", "a" * 2000):
        for reply in (
            browser.get(f"/outside/{token}"),
            browser.post(f"/outside/{token}", data=GOOD),
        ):
            sealed(reply)
            assert (
                reply.status_code == 404
                and "链接无效" in reply.text
                and CANARY not in reply.text
                and case.number not in reply.text
            )
    case.house.look(
        lambda s: s.execute(text("UPDATE invitation SET ends_at = :now"), {"now": clock.now()})
    )
    assert browser.get(f"/outside/{case.own['token']}").status_code == 404
    assert (
        case.house.look(
            lambda s: s.execute(select(func.count()).select_from(tables.event)).scalar_one()
        )
        == before
    )


def test_guessing_is_limited_by_address_but_a_good_link_opens_all_the_same(
    case: Case,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outside, "PER_ADDRESS", 3)
    browser = case.app.test_client()
    codes = [browser.get(f"/outside/{n}").status_code for n in range(5)]
    assert codes == [404, 404, 404, 429, 429]
    assert browser.get(f"/outside/{case.own['token']}").status_code == 200


def test_whoever_is_logged_in_answers_as_somebody_outside(case: Case) -> None:
    page = case.browser("office").get(f"/outside/{case.own['token']}").text
    assert "陈秘书" not in page and "待办" not in page


def test_a_task_done_in_the_meantime_shuts_the_link(case: Case) -> None:
    done(case.house, "judge", {"days": 2, "opinion": "纸质函已收到"})
    assert case.app.test_client().get(f"/outside/{case.own['token']}").status_code == 404
