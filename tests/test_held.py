"""What the product promises of truth, line by line, and the tests and stories that hold it: tests/held.toml.

Each test named there exists and runs, each story is shipped; a promise that nothing holds is a fault of the list.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROMISES: dict[str, list[str]] = tomllib.loads((ROOT / "tests" / "held.toml").read_text("utf-8"))
IDS = sorted({each for held in PROMISES.values() for each in held})
WHOLE = 2000  # tests of a run that is not of some files only


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> dict[str, pytest.Item]:
    """The tests of this run by file and function, parameters left out; one that is skipped gives way to one that is not."""
    found: dict[str, pytest.Item] = {}
    for item in request.session.items:
        key = item.nodeid.partition("[")[0]
        if key not in found or found[key].get_closest_marker("skip"):
            found[key] = item
    if len(request.session.items) < WHOLE:
        pytest.skip("only a run of all tests shows that a test ran")
    return found


@pytest.mark.parametrize("each", [each for each in IDS if "::" in each])
def test_what_holds_a_promise_runs(running: dict[str, pytest.Item], each: str) -> None:
    assert each in running, "no such test"
    for mark in ("skip", "xfail"):
        assert not running[each].get_closest_marker(mark), f"it is marked {mark}"


@pytest.mark.parametrize("each", [each for each in IDS if "::" not in each])
def test_a_story_that_holds_a_promise_is_shipped(each: str) -> None:
    folder, _, number = each.partition("/")
    assert list((ROOT / "processes" / folder / "scenarios").glob(f"{number}*.toml"))


def test_no_promise_stands_alone() -> None:
    assert PROMISES
    assert not [promise for promise, held in PROMISES.items() if not held]
