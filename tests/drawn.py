"""What `make test` tries of many: the day draws it, and `make prove` tries all.

YIXING_DRAW=<number> (see the head of a run) draws the same again. Of the modules in SHARES `make test` tries one test in
so many, at least one, and each that holds a promise (tests/held.toml); whoever calls pytest by hand has all of them.
"""

from __future__ import annotations

import os
import random
import tomllib
import zlib
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
SEED, SHORT = "YIXING_DRAW", "YIXING_SHORT"  # the latter is set by `make test`
SHARES = {
    "bench/test_plans": 2,
    "booking/test_booking": 2,
    "chaos/test_database": 2,
    "chaos/test_stopping": 3,
    "engine/test_ballots": 2,
    "engine/test_commands": 3,
    "engine/test_corrections": 2,
    "engine/test_documents": 2,
    "engine/test_evidence": 3,
    "engine/test_hostile": 3,
    "engine/test_imports": 3,
    "engine/test_kept": 3,
    "engine/test_meetings": 2,
    "engine/test_own_versions": 2,
    "engine/test_pack_presence": 2,
    "engine/test_safekeeping": 3,
    "engine/test_shred": 2,
    "engine/test_verified_in_halves": 3,
    "engine/test_verify_pack": 3,
    "engine/test_write_ins": 2,
    "journeys": 3,  # of those that are of no desk, on the build server
    "measure/test_statements": 2,
    "mutants/test_mutants": 3,
    "races/test_crowds": 3,
    "races/test_duels": 3,
    "scenarios/test_late_entries": 4,
    "scenarios/test_papers": 3,
    "scenarios/test_stories": 8,
    "test_setup": 3,
    "walks/test_dead_ends": 3,
    "walks/test_walks": 3,
    "webui/test_cli_faults": 3,
    "webui/test_confidence": 2,
    "webui/test_definitions": 3,
    "webui/test_grid": 2,
    "webui/test_health": 2,
    "webui/test_own_versions": 2,
    "webui/test_pseudo": 4,
    "webui/test_security": 3,
    "webui/test_serve": 2,
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


def left_out(items: Iterable[pytest.Item], chosen: str) -> list[pytest.Item]:
    """Those that wait for `make prove`. `chosen`: the markers of this run."""
    if "prove" not in chosen and SHORT not in os.environ:
        return []
    rooms: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if _place(item) in SHARES and not _held(item):
            rooms[_place(item)].append(item)
    waiting = []
    for place, free in rooms.items():
        tried = 0 if "prove" in chosen else -(-len(free) // SHARES[place])
        by_lot = sorted(free, key=lambda item: zlib.crc32(f"{settle()} {item.nodeid}".encode()))
        waiting += by_lot[tried:]
    return waiting


def _held(item: pytest.Item) -> bool:
    if item.get_closest_marker("desk") or item.nodeid.partition("[")[0] in HELD:
        return True
    story = getattr(item, "callspec", None) and item.callspec.params.get("path")
    return isinstance(story, Path) and f"{story.parent.parent.name}/{story.stem[:3]}" in HELD


def _place(item: pytest.Item) -> str:
    if not item.path.is_relative_to(HERE):
        return ""
    path = item.path.relative_to(HERE).with_suffix("")
    return "journeys" if path.parts[0] == "journeys" else path.as_posix()
