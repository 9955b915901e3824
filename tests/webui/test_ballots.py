"""Secret ballots on pages and by the API: the choice never leaves the browser, and what is checked stays there."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from engine import ballots
from engine.commands import ballots as voting
from engine.commands import people, polls, teller_keys, tellers
from engine.errors import Invalid
from tests.races.union import changed
from tests.webui.ballot_box import VOTERS, WORDS, Ballot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser

    from tests.webui.conftest import House


@pytest.fixture
def ballot(house: House) -> Ballot:
    return Ballot(house)


# --- pages without a browser --------------------------------------------------------------------------------------------
def test_tellers_take_their_keys_on_the_page(
    ballot: Ballot, client: Callable[[str], FlaskClient]
) -> None:
    path = f"/polls/{ballot.id}"
    page = client("mover").get(path).text
    assert "领取密钥" in page and "未领密钥" in page and "data-ballot" not in page
    assert "领取密钥" not in client("v0").get(path).text.replace("监票人全部领取密钥后开始投票", "")
    wrong = client("mover").post(
        f"{path}/key", data={"passphrase": "eins zwei drei", "again": "eins zwei"}
    )
    assert wrong.status_code == 422 and "两次输入的口令不同" in wrong.text
    weak = client("mover").post(f"{path}/key", data={"passphrase": "12345678", "again": "12345678"})
    assert weak.status_code == 422 and "太常见" in weak.text
    assert client("v0").post(
        f"{path}/key", data={"passphrase": "x" * 9, "again": "x" * 9}
    ).status_code in (404, 422)
    for who, words in WORDS.items():
        assert (
            client(who).post(f"{path}/key", data={"passphrase": words, "again": words}).status_code
            == 302
        )
        assert (
            str(ballot.id) not in client(who).get("/").text or ballot.state == "open"
        )  # done, until all have
    assert ballot.state == "open"
    assert "data-ballot" in client("v0").get(path).text


def test_there_is_no_form_that_would_send_a_choice(
    ballot: Ballot, client: Callable[[str], FlaskClient]
) -> None:
    ballot.open()
    page = client("v0").get(f"/polls/{ballot.id}").text
    before = page.partition("data-ballot")[0]
    assert before.count("<form") == before.count("</form>")  # the choices stand in no form
    assert "<form" not in page.partition("data-ballot")[2].partition("</article>")[0]
    assert "请启用 JavaScript" in page and re.search(r"<div hidden data-ballot", page)
    for sent in ({"choice": "yes"}, {"envelope": "yes"}):
        assert client("v0").post(f"/polls/{ballot.id}/ballot", data=sent).status_code == 422
    for sent in ({"choice": "yes"}, {"envelope": "AAAA", "choice": "yes"}, {"envelope": 1}, []):
        assert client("v0").post(f"/polls/{ballot.id}/ballot", json=sent).status_code == 422
    assert (
        client("v0").post(f"/polls/{ballot.id}/answer", data={"choice": "yes"}).status_code == 409
    )
    assert ballot.one("SELECT count(*) FROM envelope") == 0


def test_tellers_open_on_the_page_and_the_result_is_checked(
    ballot: Ballot, client: Callable[[str], FlaskClient]
) -> None:
    ballot.open().vote(*VOTERS[:6])
    path = f"/polls/{ballot.id}"
    assert "投票截止后可以核对" in client("v3").get(f"{path}/check").text
    ballot.house.do("office", polls.close, ballot.id)
    page = client("v3").get(f"{path}/check").text
    assert page.count("data-line") == 6 and "✗" not in page and "结果公布后" in page
    wrong = client("mover").post(f"{path}/join", data={"passphrase": "not this one"})
    assert wrong.status_code == 403 and "口令不对" in wrong.text and "开箱" in wrong.text
    assert client("v0").post(f"{path}/join", data={"passphrase": WORDS["mover"]}).status_code == 404
    assert (
        client("mover").post(f"{path}/join", data={"passphrase": WORDS["mover"]}).status_code == 302
    )
    assert "已输入口令" in client("second").get(path).text
    assert (
        client("second").post(f"{path}/join", data={"passphrase": WORDS["second"]}).status_code
        == 302
    )
    ballot.sign()
    page = client("v3").get(f"{path}/check").text
    assert (
        page.count('data-kind="code"') == page.count('data-kind="receipt"') == 6
        and page.count("✓") == 5
        and "✗" not in page
    )
    assert "核对选票" in client("v3").get(path).text


def test_candidates_stand_on_the_ballot_by_name(
    house: House, client: Callable[[str], FlaskClient], site: str, browser: Browser
) -> None:
    files = changed(
        "secret",
        (
            'kind = "vote"',
            'kind = "election"\ncandidates = "launch.tellers"\nseats = "2"\nwins = "2*votes > valid"',
        ),
        ("2*yes > roll", "elected != []"),
        ('choices = ["yes", "no", "abstain"]\n', ""),
    )
    files["process.toml"] = files["process.toml"].split("[tasks.ballot.poll.labels]")[0]
    ballot = Ballot(house, files).open()
    ballot.house.look(
        lambda s: people.set_password(s, None, ballot.house.people["v1"], SECRET, temporary=False)
    )
    page = client("v0").get(f"/polls/{ballot.id}").text
    assert 'data-most="2"' in page and page.count('type="checkbox"') == 3 and "王芳" in page
    desk = sit_down(browser, site, "v1", f"/polls/{ballot.id}")
    for name in ("张敏", "王芳"):
        desk.locator("label.yx-choice", has_text=name).click()
    assert desk.get_by_text("已选 2 人，最多 2 人").is_visible()
    assert desk.locator("label.yx-choice", has_text="李强").locator("input").is_disabled()
    shot(desk, "election")
    desk.get_by_role("button", name="下一步").click()
    desk.get_by_role("button", name="封好并投出").click()
    desk.get_by_text("选票已投出").wait_for()
    code = desk.locator("[data-part=code]").inner_text()
    for who in VOTERS[:4]:
        ballot.house.do(who, voting.cast, ballot.id, ballot.seal(str(house.people["mover"])))
    ballot.count()
    ballot.sign()
    page = client("v1").get(f"/polls/{ballot.id}/check").text
    line = next(one for one in page.split("<li") if code in one)
    assert "张敏" in line and "王芳" in line and "李强" not in line


def test_the_login_password_opens_no_ballots(house: House) -> None:
    ballot = Ballot(house)
    house.look(
        lambda s: people.set_password(s, None, house.people["mover"], SECRET, temporary=False)
    )
    with pytest.raises(Invalid, match="不能与登录密码相同"):
        house.do("mover", teller_keys.take, ballot.id, SECRET)
    house.do("mover", teller_keys.take, ballot.id, WORDS["mover"])


def test_too_few_paper_ballots_would_tell_who_voted_how(house: House) -> None:
    ballot = Ballot(
        house, changed("secret", ("secret = true", "secret = true\npaper = true"))
    ).open()
    with pytest.raises(Invalid, match="至少发给 5 人"):
        house.do("mover", tellers.give_paper, ballot.id, [house.people[v] for v in VOTERS[3:]])
    with pytest.raises(Invalid, match="只有 2 人，不到 5 人"):
        house.do("mover", tellers.give_paper, ballot.id, [house.people[v] for v in VOTERS[2:]])
    house.do("mover", tellers.give_paper, ballot.id, [house.people[v] for v in VOTERS])
    assert ballot.one("SELECT count(*) FROM roll WHERE paper") == len(VOTERS) == 7


# --- the API --------------------------------------------------------------------------------------------------------------
def test_a_program_seals_and_votes(ballot: Ballot, app: Flask) -> None:
    from webui import api, csrf

    if "api_ballots" not in app.blueprints:
        api.init_app(app)
        csrf.init_app(app)
    ballot.open()
    tokens = {
        u: ballot.house.look(
            lambda s, u=u: people.create_token(s, None, ballot.house.people[u], "test")
        )
        for u in (*VOTERS, "plain")
    }
    browser = app.test_client()

    def call(who: str, method: str, path: str, **more: Any) -> Any:
        return browser.open(
            f"/api/v1/polls/{ballot.id}{path}",
            method=method,
            headers={"Authorization": f"Bearer {tokens[who]}"},
            **more,
        )

    box = call("v0", "GET", "/box").json
    assert box["size"] == 256 and box["choices"] == ["yes", "no", "abstain"] and box["may_vote"]
    nonce = os.urandom(16)
    sealed = ballots.seal(
        box["poll_id"], ["no"], nonce, base64.b64decode(box["public_key"]), box["size"]
    )
    sent = {"envelope": base64.b64encode(sealed).decode()}
    reply = call("v0", "POST", "/ballots", json=sent)
    assert reply.status_code == 201 and reply.json == {
        "receipt": hashlib.sha256(sealed).hexdigest()
    }
    assert call("v0", "POST", "/ballots", json=sent).json == reply.json
    assert ballot.one("SELECT count(*) FROM reply") == 0  # who has which receipt is kept nowhere
    for wrong, status in (
        ({"choice": "no"}, 422),
        ({"envelope": "%%%"}, 422),
        ({"envelope": sent["envelope"][:-8]}, 422),
    ):
        assert call("v1", "POST", "/ballots", json=wrong).status_code == status, wrong
    assert call("v1", "POST", "/ballots", json=sent).status_code == 409
    assert call("plain", "POST", "/ballots", json=sent).status_code == 404
    for who in VOTERS[:3] + VOTERS[4:]:
        mine = base64.b64encode(ballot.seal("yes")).decode()
        assert call(who, "POST", "/ballots", json={"envelope": mine}).status_code == 201
    assert ballot.state == "counting"  # all have voted
    keyed = {"json": {"passphrase": WORDS["mover"]}}
    assert call("v0", "POST", "/keys/join", **keyed).status_code == 404
    assert (
        call("mover", "POST", "/keys/join", json={"passphrase": "no no no no"}).status_code == 403
    )
    assert call("mover", "POST", "/keys/join", **keyed).status_code == 200
    assert (
        call("second", "POST", "/keys/join", json={"passphrase": WORDS["second"]}).status_code
        == 200
    )
    assert call("v0", "GET", "/ballots").json["urn"] == []
    ballot.sign()
    found = call("v0", "GET", "/ballots").json
    assert (
        all(found["checks"].values())
        and len(found["checks"]) == 5
        and reply.json["receipt"] in found["board"]
    )
    assert {"code": hashlib.sha256(nonce).hexdigest(), "choices": ["no"]} in found["urn"]
    assert (
        ballot.one("SELECT count(*) FROM reply WHERE request <> ''") == 0
    )  # no digest of a passphrase is kept


# --- a real browser -------------------------------------------------------------------------------------------------------
@pytest.fixture
def site(app: Flask, browser: Browser) -> Iterator[str]:
    app.config["WTF_CSRF_ENABLED"] = True
    live = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=live.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{live.server_port}"
    for visit in browser.contexts:
        visit.close()
    live.shutdown()
    thread.join()
    live.server_close()


SECRET = "correct horse battery"


def sit_down(browser: Browser, site: str, who: str, path: str) -> Any:
    """A page on which this person has logged in."""
    page = browser.new_context(
        base_url=site, locale="zh-CN", viewport={"width": 390, "height": 844}
    ).new_page()
    page.goto(path)
    page.get_by_label("用户名").fill(who)
    page.locator("#password").fill(SECRET)
    page.locator("form.card button[type=submit]").click()
    page.wait_for_url(f"**{path}")
    return page


def test_the_tellers_desk_in_a_browser(ballot: Ballot, site: str, browser: Browser) -> None:
    for who in WORDS:
        ballot.house.look(
            lambda s, w=who: people.set_password(
                s, None, ballot.house.people[w], SECRET, temporary=False
            )
        )
    path = f"/polls/{ballot.id}"
    for who, words in WORDS.items():
        page = sit_down(browser, site, who, path)
        shot(page, "key")
        page.get_by_label("口令", exact=True).fill(words)
        page.get_by_label("再输入一次").fill(words)
        page.get_by_role("button", name="领取").click()
        page.get_by_text("密钥已领取").wait_for()
    ballot.vote(*VOTERS)
    ballot.house.do("office", polls.close, ballot.id)
    for who in ("second", "third"):
        page = sit_down(browser, site, who, path)
        shot(page, f"join-{who}")
        page.get_by_label("口令", exact=True).fill(WORDS[who])
        page.get_by_role("button", name="输入口令").click()
        page.get_by_text("口令正确").wait_for()
    shot(page, "opened")
    assert (
        ballot.one("SELECT count(*) FROM urn") == 7
        and ballot.one("SELECT count(*) FROM envelope") == 0
    )


def test_the_browser_seals_and_only_the_envelope_leaves_it(
    ballot: Ballot, site: str, browser: Browser
) -> None:
    ballot.open().vote(*VOTERS[:5])
    for who in ("v2", "office"):
        ballot.house.look(
            lambda s, w=who: people.set_password(
                s, None, ballot.house.people[w], SECRET, temporary=False
            )
        )
    context = browser.new_context(
        base_url=site, locale="zh-CN", viewport={"width": 390, "height": 844}
    )
    page, said, sent = context.new_page(), [], []
    page.on(
        "console",
        lambda m: said.append(m.text) if m.type == "error" and "ERR_FAILED" not in m.text else None,
    )
    page.on("pageerror", lambda e: said.append(str(e)))
    page.on("request", lambda r: sent.append((r.method, r.url, r.post_data or "")))
    page.goto(f"/polls/{ballot.id}")
    page.get_by_label("用户名").fill("v2")
    page.locator("#password").fill(SECRET)
    page.locator("form.card button[type=submit]").click()
    page.wait_for_url(f"**/polls/{ballot.id}")
    assert page.get_by_role("alert").filter(has_text="JavaScript").is_hidden()
    assert page.get_by_role("button", name="下一步").is_disabled()
    page.get_by_text("弃权", exact=True).click()
    shot(page, "choose")
    page.get_by_role("button", name="下一步").click()
    assert page.locator("[data-part=chosen]").inner_text() == "弃权"
    shot(page, "confirm")
    page.route("**/ballot", lambda route: route.abort())  # the network fails once
    page.get_by_role("button", name="封好并投出").click()
    page.get_by_text("重发的是同一个信封").wait_for()
    page.unroute("**/ballot")
    page.get_by_role("button", name="封好并投出").click()
    page.get_by_text("选票已投出").wait_for()
    shot(page, "done")
    receipt, code = (
        page.locator("[data-part=receipt]").inner_text(),
        page.locator("[data-part=code]").inner_text(),
    )
    page.get_by_role("button", name="复制").click()
    posted = [(url, data) for method, url, data in sent if method == "POST" and "/ballot" in url]
    assert (
        len(posted) == 2
        and posted[0] == posted[1]
        and set(json.loads(posted[0][1])) == {"envelope"}
    )
    sealed = base64.b64decode(json.loads(posted[0][1])["envelope"])
    assert (
        len(sealed) == 304
        and ballots.receipt_of(sealed) == receipt
        and re.fullmatch("[0-9a-f]{64}", code)
    )
    mark = ballots.mark_of(sealed)
    assert ballot.one(f"SELECT count(*) FROM envelope WHERE receipt = '{mark}'") == 1
    page.goto(f"/polls/{ballot.id}")
    assert (
        "您已于" in page.locator("main").inner_text()
        and receipt not in page.locator("main").inner_text()  # only this browser knows it
    )
    shot(page, "voted")
    ballot.count()
    ballot.sign()
    sent.clear()
    page.goto(f"/polls/{ballot.id}/check")
    assert page.get_by_role("status").filter(has_text="64 位").is_visible()
    for typed, answer in (
        (code, "记为：弃权"),
        (f"核对码: {code.upper()}\n", "记为：弃权"),
        (receipt, "公布的回执中"),
        ("ab" * 32, "没有找到"),
        ("ab", "完整"),
    ):
        page.get_by_label("我的回执或核对码").fill(typed)
        assert answer in page.locator("[data-part=answer]").inner_text()
    page.get_by_label("我的回执或核对码").fill(code)
    shot(page, "check")
    assert not [
        s for s in sent if code in str(s) or s[0] != "GET"
    ]  # looked up here, asked of nobody
    assert not said, said


def shot(page: Any, name: str) -> None:
    """A picture of the page for whoever wants to look: YIXING_SHOTS names a folder."""
    if folder := os.environ.get("YIXING_SHOTS"):
        for width, height in ((390, 844), (1440, 900)):
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 390, "height": 844})
