"""What a page asks the database, counted at the driver, and the way a completion takes through the rooms."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from engine.settings import ROOT
from tests.measure import figures, pages
from tests.measure.driver import counted
from tests.measure.ground import GROUNDS
from tests.measure.limits import LIMITS
from tests.measure.walk import Walk, walked
from tests.measure.within import limits, once, worse

if TYPE_CHECKING:
    from tests.measure.pages import Figures

PAGES = [name for name in LIMITS if name.startswith(("errand ", "motion "))]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    return once(tmp_path_factory, "pages", lambda: pages.measure(ROOT))


@pytest.mark.parametrize("name", limits(PAGES))
def test_the_limit_holds(found: Figures, name: str) -> None:
    figure = figures.asked(found)[name]
    assert figure <= LIMITS[name].most, LIMITS[name].why


def test_no_mark_hides_that_a_figure_got_worse(found: Figures) -> None:
    assert not worse(figures.asked(found))


@pytest.mark.parametrize("ground", GROUNDS)
def test_the_number_of_statements_does_not_depend_on_the_length_of_lists(
    found: Figures, ground: str
) -> None:
    short, long = (_counts(found[f"{ground} {rows}"]) for rows in pages.LENGTHS)
    assert short == long


def _counts(measured: dict[str, Any]) -> dict[str, int]:
    return {page: len(seen["statements"]) for page, seen in measured.items()}


def test_the_driver_counts_every_way_and_leaves_out_what_frames_a_transaction(url: str) -> None:
    with psycopg.connect(url) as connection, counted() as seen:
        connection.execute("SELECT 1")
        with connection.transaction():
            connection.cursor().executemany("SELECT %s", [(1,), (2,)])
        connection.commit()
        connection.execute(b"SELECT 2")
        with connection.cursor().copy("COPY (SELECT 3) TO STDOUT") as copied:
            assert list(copied)
    assert seen.statements == ["SELECT 1", "SELECT %s", "SELECT 2", "COPY (SELECT 3) TO STDOUT"]
    assert seen.transactions == 2


def test_a_room_that_only_answers_is_no_change_and_an_arrow_counts_once() -> None:
    walk = Walk()
    walk.arrows.update({("engine.a", "engine.b"): 20, ("engine.b", "engine.clock"): 3})
    walk.arrows.update({("engine.b", "engine.a"): 1})
    assert walk.changes == walk.with_pages == [("engine.a", "engine.b"), ("engine.b", "engine.a")]


def test_the_page_around_a_completion_and_a_version_met_first_are_no_part_of_its_trip() -> None:
    walk = Walk()
    walk.arrows.update({("webui.pages", "engine.a"): 1, ("engine.a", "engine.definitions"): 1})
    walk.arrows.update({("engine.definitions", "engine.b"): 1, ("engine.a", "engine.b"): 1})
    walk.arrows.update({("engine.b", "engine.clock"): 1})
    assert walk.changes == [("engine.a", "engine.b")]
    assert len(walk.with_pages) == 4


def test_a_call_back_into_commands_is_a_climb() -> None:
    """Seen at a real call: a function of commands, handed to a room below, which calls it."""
    from engine.commands.numbers import next_number
    from engine.expressions import evaluate

    with walked() as walk, suppress(Exception):
        evaluate("f(1, 2, 3, 4)", {}, {"f": next_number})
    assert [climb.partition(" -> ")[2] for climb in walk.climbs] == [
        "engine.commands.numbers.next_number"
    ]
