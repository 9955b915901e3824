"""What `make test` tries of many: the day draws it, and `make prove` tries all.

YIXING_DRAW=<number> (see the head of a run) draws the same again. Of the modules in SHARES `make test` tries one test in
so many, but each that holds a promise (tests/held.toml); whoever calls pytest by hand has all of them.
"""

from __future__ import annotations

import os
import random
import tomllib
import zlib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
SEED, SHORT = "YIXING_DRAW", "YIXING_SHORT"  # the latter is set by `make test`
SHARES = {
    "scenarios/test_late_entries": 2,
    "engine/test_evidence": 2,
    "engine/test_imports": 2,
    "engine/test_verify_pack": 2,
    "engine/test_kept": 2,
    "engine/test_hostile": 2,
    "engine/test_corrections": 2,
    "engine/test_write_ins": 2,
    "races/test_duels": 2,
    "webui/test_security": 2,
    "webui/test_own_versions": 2,
    "webui/test_cli_faults": 2,
    "test_setup": 2,
    "journeys": 3,  # of those that are of no desk, on the build server
}
PROMISES = tomllib.loads((HERE / "held.toml").read_text("utf-8"))
HELD = {each for held in PROMISES.values() for each in held}


def settle() -> str:
    """The number that draws, for this process and those that it starts."""
    return os.environ.setdefault(SEED, str(date.today().toordinal()))


def some(values: Iterable[Any], many: int) -> list[Any]:
    """All values, as parameters of a test; those that are not drawn wait for `make prove`."""
    every = list(values)
    today = set(random.Random(settle()).sample(range(len(every)), min(many, len(every))))
    return [
        value if n in today else pytest.param(value, marks=pytest.mark.prove)
        for n, value in enumerate(every)
    ]


def left_out(item: pytest.Item, chosen: str) -> bool:
    """Does it wait for `make prove`? `chosen`: the markers of this run."""
    share = SHARES.get(_place(item), 1)
    held = item.nodeid.partition("[")[0] in HELD or item.get_closest_marker("desk")
    if share == 1 or held:
        return False
    drawn = zlib.crc32(f"{settle()} {item.nodeid}".encode()) % share == 0
    return "prove" in chosen or (SHORT in os.environ and not drawn)


def _place(item: pytest.Item) -> str:
    if not item.path.is_relative_to(HERE):
        return ""
    path = item.path.relative_to(HERE).with_suffix("")
    return "journeys" if path.parts[0] == "journeys" else path.as_posix()
