"""What belongs to the device: the installed app, and the keys of the keyboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.webui import errands

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]


@pytest.mark.parametrize(("language", "name"), [("zh", "议行"), ("en", "Yixing")])
def test_the_pages_install_as_an_app_in_the_language_of_the_browser(
    client: Browser, language: str, name: str
) -> None:
    browser = client("plain")
    browser.post(f"/language/{language}")
    linked = re.search(r'<link rel="manifest" href="([^"]+)"', browser.get("/").text)
    assert linked
    found = browser.get(linked[1])
    assert found.mimetype == "application/manifest+json" and found.json
    assert found.json["name"] == name and found.json["start_url"] == "/"
    assert {icon["purpose"] for icon in found.json["icons"]} == {"any", "maskable"}
    for icon in found.json["icons"]:
        picture = browser.get(icon["src"]).data
        side = int(icon["sizes"].partition("x")[0])
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(picture[16:20], "big") == side, "not as large as it says"


def test_keys_are_told_on_list_and_card_and_switched_off_in_one_browser(
    house: House, client: Browser
) -> None:
    errands.started(house)
    browser, other = client("office"), client("office")
    task = re.search(r'href="(/tasks/[^"]+)"', browser.get("/").text)
    assert task
    for path in ("/", task[1]):
        page = browser.get(path).text
        assert 'id="keys"' in page and "keys.js" in page and "按问号看快捷键" in page
    assert browser.post("/keys/off").location == "/me"
    assert "打开快捷键" in browser.get("/me").text
    for path in ("/", task[1]):
        assert "keys.js" not in browser.get(path).text
    assert "keys.js" in other.get("/").text, "another browser keeps its keys"
    browser.post("/keys/on")
    assert "keys.js" in browser.get("/").text
