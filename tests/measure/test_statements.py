"""What a page asks the database, counted at the driver, and the way a completion takes through the rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from engine.settings import ROOT
from tests.measure import figures, pages
from tests.measure.driver import counted
from tests.measure.ground import GROUNDS
from tests.measure.limits import LIMITS
from tests.measure.walk import Walk
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
    walk.arrows.update({("a", "b"): 20, ("b", "clock"): 3, ("b", "a"): 1})
    assert walk.changes == [("a", "b"), ("b", "a")]
