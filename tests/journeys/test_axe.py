"""axe finds nothing serious: on every page once, on the main pages in both languages, themes and sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.journeys.axe import AXE, looking, pages
from tests.journeys.desk import DESKTOP, PHONE
from tests.webui.roles import World, two_unions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

MAIN = (
    *(
        "inbox.index",
        "inbox.task",
        "inbox.poll",
        "matters.index",
        "matters.matter",
        "places.design",
    ),
    *("launch.form", "meetings.meeting", "people.index", "audit.instance", "rules.rule"),
)


@pytest.fixture(scope="module")
def world(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with two_unions(server, tmp_path_factory.mktemp("axe")) as made:
        yield made


@pytest.mark.desk
def test_nothing_serious_on_any_page(world: World, browser: Browser) -> None:
    assert AXE.is_file(), "make setup installs it"
    found, met = [], set()
    with looking(world, browser, size=PHONE) as look:
        for shown in pages(world):
            seen = look(shown)
            assert seen.passed > 5, shown.row  # it did look
            met.add(shown.row)
            found += [f"{shown.row} ({shown.who}) {fault}" for fault in seen.faults]
    assert len(met) > 50 and not set(MAIN) - met
    assert not found, "\n".join(found)


@pytest.mark.parametrize("english", [False, True], ids=["zh", "en"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_serious_on_the_main_pages_in_any_language_and_theme(
    world: World, browser: Browser, english: bool, dark: bool
) -> None:
    """Each size in both themes and both languages; on a phone all pages are looked at above."""
    size, found, met = (PHONE if english == dark else DESKTOP), [], set()
    with looking(world, browser, dark=dark, size=size) as look:
        for shown in pages(world, english=english, rows=MAIN):
            met.add(shown.row)
            found += [f"{shown.row} {size[0]} {fault}" for fault in look(shown).faults]
    assert met == set(MAIN)
    assert not found, "\n".join(found)


@pytest.mark.desk
def test_a_page_with_faults_is_seen(world: World, browser: Browser) -> None:
    shown = next(iter(pages(world, rows=("inbox.index",))))
    shown.answer.data = shown.answer.data.replace(
        b"</main>", b'<input><p style="color: #bbb; background: #fff">pale</p></main>'
    )
    with looking(world, browser, size=PHONE) as look:
        seen = look(shown)
    assert {fault.partition(":")[0] for fault in seen.faults} == {"label", "color-contrast"}
