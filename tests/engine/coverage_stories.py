"""Stories of the sound folder, and what they meet."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from engine import clock, db, definitions, scenarios
from engine.scenarios import Trace, coverage, play
from tests.conftest import fresh
from tests.hostile.sound import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine

STANDARD = scenarios.standard(ROOT / "processes")
AT = datetime(2026, 3, 2, 9, tzinfo=clock.CHINA)
LAUNCH = {"who": "张敏", "does": "launch", "with": {"subject": "修门"}}
SECRETARY = {"who": "工会秘书", "does": "complete"}
PASS = {**SECRETARY, "task": "check", "with": {"decision": "pass"}}
BACK = {**SECRETARY, "task": "check", "with": {"decision": "return", "reason": "请补充"}}
MEND = {"who": "张敏", "does": "complete", "task": "mend", "with": {"note": "补充了"}}
DO = {**SECRETARY, "task": "do", "with": {"note": "已修"}}
GOOD = {"who": ["张敏", "李强"], "does": "respond", "task": "rate", "with": {"choice": "good"}}


@pytest.fixture(scope="module")
def stage(server: str) -> Iterator[Engine]:
    """One database for all stories: none of them leaves anything in it."""
    with fresh(server) as url:
        made = db.connect(url, size=2)
        yield made
        made.dispose()


def met(
    stage: Engine, files: Mapping[str, str], *steps: Mapping[str, Any], ok: bool = True
) -> Trace:
    """What a story of these steps meets."""
    cast = {"张敏": ["formal_delegate@信息学院"], "李强": ["formal_delegate@math"]}
    story = {"title": "试", "at": AT, "cast": cast, "step": list(steps)}
    played = play(stage, story, files, STANDARD)
    assert played.ok == ok, played.why
    return played.met


def unmet(files: Mapping[str, str], trace: Trace) -> list[str]:
    """The ids of the flows that a run did not meet."""
    return [fault.element for fault in coverage.faults(definitions.load(files), trace)]
