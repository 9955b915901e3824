"""The marker of what takes long, and how many rounds a race is run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from engine import db
from tests.conftest import fresh
from tests.races.arena import Arena
from tests.races.latches import Latches
from tests.races.union import CAST, Union, changed, folder

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How many times a race is run: YIXING_ROUNDS, else 8, which is every order once, and 1,000 to prove."""
    many = "1000" if request.node.get_closest_marker("prove") else "8"
    return int(os.environ.get("YIXING_ROUNDS", many))


@pytest.fixture(scope="module")
def arena(server: str) -> Iterator[Arena]:
    """A union whose polls stay open until their end, with rivals; one for all rounds of a module."""
    with fresh(server) as url:
        engine = db.connect(url, size=24)
        errand = changed("errand", ('early = "decided"', 'early = "never"'))
        union = Union.built(engine, errand, folder("trio"), interrupted())
        latches = Latches(engine, url)
        yield Arena(union, latches, {name: union.actor(name) for name in CAST})
        latches.end()
        union.whole()
        db.release(url)


def interrupted() -> dict[str, str]:
    """The errand whose missed deadline takes the task away."""
    files = changed("errand", ('id = "errand"', 'id = "strict"'), ("办〔", "限〔"))
    for old, new in (
        ('<bpmn:process id="errand"', '<bpmn:process id="strict"'),
        (' cancelActivity="false"', ""),
    ):
        assert old in files["process.bpmn"]
        files["process.bpmn"] = files["process.bpmn"].replace(old, new)
    return files
