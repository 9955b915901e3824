"""The frame of every page: places by desk, the numbers beside them, themes, and the page of all components."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.webui import errands
from webui.http.places import ICONS, ON_PHONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]

PLACE = r'<a class="yx-place([^"]*)" href="([^"]+)"( aria-current="page")?'


def bar(page: str) -> list[str]:
    """Addresses of the places on the bar of a phone."""
    return [href for marks, href, _here in re.findall(PLACE, page) if "yx-rail-only" not in marks][
        :ON_PHONE
    ]


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("plain", ["/", "/matters", "/publications", "/launch"]),
        ("office", ["/", "/grid", "/audit", "/despatch"]),
        ("auditor", ["/audit", "/audit/log", "/audit/seal", "/"]),
    ],
)
def test_the_bar_of_a_phone_holds_the_four_places_of_ones_desk_and_the_rest_opens(
    client: Browser, who: str, expected: list[str]
) -> None:
    browser = client(who)
    page = browser.get("/").text
    assert bar(page) == expected
    more = set(re.findall(PLACE, page.partition("yx-more-list")[2]))
    assert more and not {href for _marks, href, _here in more} & set(expected)
    for _marks, href, _here in set(re.findall(PLACE, page)):
        assert browser.get(href).status_code == 200, href


@pytest.mark.parametrize(
    ("path", "here"),
    [("/audit", "/audit"), ("/audit/seal", "/audit/seal"), ("/rules/tables", "/rules")],
)
def test_a_page_belongs_to_the_nearest_place_above_it(
    client: Browser, path: str, here: str
) -> None:
    found = re.findall(PLACE, client("office").get(path).text)
    active = {href for marks, href, _current in found if "active" in marks}
    current = {href for _marks, href, mark in found if mark}
    assert active == {here} and current == ({here} if here == path else set())


def test_a_task_belongs_to_the_inbox(house: House, client: Browser) -> None:
    errands.started(house)
    browser = client("office")
    task = re.search(r'href="(/tasks/[^"]+)"', browser.get("/").text)
    assert task
    found = re.findall(PLACE, browser.get(task[1]).text)
    assert {href for marks, href, _current in found if "active" in marks} == {"/"}


def test_the_numbers_are_those_of_the_inbox_and_nobody_elses(house: House, client: Browser) -> None:
    errands.started(house)
    asked = {who: client(who).get("/places/now").json for who in ("office", "plain")}
    assert asked["office"] == {"inbox": 1, "publications": 0} and asked["plain"]["inbox"] == 0
    assert client("").get("/places/now").status_code == 302


def test_a_theme_is_kept_by_the_browser_until_the_system_shall_choose_again(
    client: Browser,
) -> None:
    browser = client("plain")
    assert "data-theme" not in browser.get("/").text
    for code in ("dark", "light"):
        reply = browser.post(f"/theme/{code}", data={"next": "/matters"})
        assert reply.headers["Location"] == "/matters"
        page = browser.get("/").text
        assert f'data-theme="{code}"' in page
        assert re.search(rf'aria-pressed="true" formaction="/theme/{code}"', page)
    browser.set_cookie("theme", '"><script>')
    assert "data-theme" not in browser.get("/").text
    browser.post("/theme/auto")
    assert "data-theme" not in browser.get("/").text


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_one_page_shows_every_component_and_speaks_both_languages(
    client: Browser, lang: str
) -> None:
    browser = client("office")
    browser.post(f"/language/{lang}")
    page = browser.get("/design").text
    for part in ("btn-primary", "btn-danger", "disabled", "yx-bar", "yx-split", "yx-table"):
        assert part in page, part
    for state in ("empty", "skeleton", "state-partial", "state-done", "state-refused"):
        assert f"yx-{state}" in page, state
    main = page.partition("<main")[2]
    assert bool(re.search("[一-鿿]", main)) == (lang == "zh")


def test_every_place_has_an_icon_of_its_own() -> None:
    assert len(set(ICONS.values())) == len(ICONS)
