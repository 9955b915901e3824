"""The marker of what takes long, and how many rounds a race is run."""

from __future__ import annotations

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "prove: takes long; only `make prove` runs it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "prove" in (config.getoption("-m") or ""):
        return
    for item in items:
        if item.get_closest_marker("prove"):
            item.add_marker(pytest.mark.skip(reason="takes long: make prove"))


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How many times a race is run: YIXING_ROUNDS, else 40, and 1,000 to prove."""
    many = "1000" if request.node.get_closest_marker("prove") else "40"
    return int(os.environ.get("YIXING_ROUNDS", many))
