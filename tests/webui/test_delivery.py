"""What a page costs on its way: bytes of a first visit, what is kept, and what compression may not give away."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import brotli
import pytest

import webui
from engine.commands import instances
from engine.queries import inbox as waiting
from tests.webui import errands

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]

STATIC = Path(webui.__file__).parent / "static"
COLD = 90_000  # bytes sent for a page and all its parts, nothing kept before
ROWS, LIST = 60, 60_000  # bytes of a list of so many rows, before compression
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}


class Parts(HTMLParser):
    """The style sheets, scripts and pictures that a page asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") in ("stylesheet", "icon"):
            self.found.append(str(given["href"]))
        if tag in ("script", "img") and given.get("src"):
            self.found.append(str(given["src"]))


def parts(page: str) -> list[str]:
    """Addresses of the parts of this page."""
    reader = Parts()
    reader.feed(page)
    return reader.found


def fetched(browser: FlaskClient, path: str, **headers: str) -> TestResponse:
    reply = browser.get(path, headers={**BROWSER, **headers})
    assert reply.status_code == 200, path
    return reply


def plain(reply: TestResponse) -> str:
    return brotli.decompress(reply.data).decode()


def sixty(house: House) -> dict[str, tuple[str, str]]:
    """Who opens which page: an inbox of sixty rows, a card, a poll."""
    errands.started(house)
    errands.finish(house, "office", {"decision": "pass"})
    errands.finish(house, "office", {"note": "已换"})
    for n in range(ROWS):
        house.do("mover", instances.launch, "errand", {"subject": f"第 {n} 件：更换三号楼饮水机"})
    items = house.look(lambda s: waiting.inbox(s, house.actor("office"))).items
    asked = next(
        i
        for i in house.look(lambda s: waiting.inbox(s, house.actor("mover"))).items
        if i.what == "poll"
    )
    return {
        "inbox": ("office", "/"),
        "card": ("office", f"/tasks/{items[-1].id}"),
        "poll": ("mover", f"/polls/{asked.id}"),
    }


def test_a_first_visit_costs_little_and_a_second_one_asks_for_no_part(
    house: House, client: Browser
) -> None:
    for name, (who, path) in sixty(house).items():
        browser = client(who)
        reply = fetched(browser, path)
        page = plain(reply)
        asked = parts(page)
        assert len(asked) >= 5, (name, asked)
        sent = {path: len(reply.data)}
        for part in asked:
            got = fetched(browser, part)
            assert got.headers["Cache-Control"] == "public, max-age=31536000, immutable", part
            sent[part] = len(got.data)
        assert sum(sent.values()) <= COLD, (name, sent)
        assert reply.headers["Cache-Control"] == "no-store"


def test_a_list_of_sixty_rows_is_no_long_text(house: House, client: Browser) -> None:
    who, path = sixty(house)["inbox"]
    page = plain(fetched(client(who), path))
    assert page.count('class="yx-row') >= ROWS
    assert len(page.encode()) <= LIST


def test_the_address_of_a_part_changes_with_its_contents(
    client: Browser,
    house: House,
    app: Flask,
    tmp_path: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser = client("office")
    address = next(p for p in parts(browser.get("/").text) if "app.css" in p)
    path = urlsplit(address).path
    for stale in (path, f"{path}?v=0123456789ab"):
        reply = browser.get(stale)
        assert reply.headers["Cache-Control"] == "no-cache" and reply.headers["ETag"]
        again = browser.get(stale, headers={"If-None-Match": reply.headers["ETag"]})
        assert again.status_code == 304 and again.headers["Cache-Control"] == "no-cache"
    monkeypatch.setattr(app, "static_folder", str(tmp_path))
    (app_css := tmp_path / "app.css").write_text("a {}")  # type: ignore[operator]
    with app.test_request_context():
        first = app.url_for("static", filename="app.css")
        app_css.write_text("b { color: red }")
        second = app.url_for("static", filename="app.css")
        assert app.url_for("static", filename="missing.css") == "/static/missing.css"
    assert len({address, first, second}) == 3


def test_what_is_text_is_compressed_as_the_browser_can_read_it(
    house: House, client: Browser
) -> None:
    errands.started(house)
    browser = client("office")
    as_it_is = browser.get("/", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in as_it_is.headers and "待办" in as_it_is.text
    for path in ("/", "/static/app.css"):
        for name, undo in (("br", brotli.decompress), ("gzip", gzip.decompress)):
            reply = browser.get(path, headers={"Accept-Encoding": name})
            assert reply.headers["Content-Encoding"] == name
            assert "Accept-Encoding" in reply.headers["Vary"]
            assert b"yx-top" in undo(reply.data)


def test_no_two_pages_hold_the_same_token_and_each_token_is_taken(
    house: House, client: Browser
) -> None:
    browser = client("office")
    pages = [browser.get("/me").text for _ in range(3)]
    tokens = [set(re.findall(r'name="csrf_token" value="([^"]+)"', page)) for page in pages]
    assert all(len(found) == 1 for found in tokens)  # one pad a page, so that it stays small
    one, two, three = (found.pop() for found in tokens)
    shared = {one[n : n + 6] for n in range(len(one) - 5)}
    assert not [n for n in range(len(two) - 5) if two[n : n + 6] in shared]
    altered = three[:30] + ("A" if three[30] != "A" else "B") + three[31:]
    app = browser.application
    app.config["WTF_CSRF_ENABLED"] = True
    for token, status in (
        (one, 302),
        (two, 302),
        (altered, 400),
        ("", 400),
        ("é", 400),
        ("AAAA", 400),
    ):
        sent = {"csrf_token": token, "next": "/me"}
        assert browser.post("/language/en", data=sent).status_code == status, token
        reply = browser.post(
            "/language/zh",
            data={"next": "/me"},
            headers={"X-CSRFToken": token} if token.isascii() else {},
        )
        assert reply.status_code == status, token


def test_own_style_sheets_name_only_values_that_there_are() -> None:
    kept = (STATIC / "vendor" / "tabler" / "css" / "tabler.min.css").read_text("utf-8")
    own = "".join(path.read_text("utf-8") for path in STATIC.glob("*.css"))
    set_here = set(re.findall(r"^\s*(--[\w-]+):", own, re.MULTILINE))
    used = set(re.findall(r"var\((--[\w-]+)", own))
    assert len(used) > 20 and not used - set_here
    theirs = {name for name in set_here if name.startswith("--tblr-")}
    assert len(theirs) > 10 and not [name for name in theirs if f"var({name}" not in kept]
