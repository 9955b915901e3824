"""Every story of every process goes as it is told."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine import db, definitions, scenarios
from engine.scenarios import coverage
from tests.conftest import fresh

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
STORIES = sorted(  # those that begin alike stand together, and are not begun twice
    [*ROOT.glob("processes/*/scenarios/*.toml"), *ROOT.glob("tests/processes/*/scenarios/*.toml")],
    key=lambda path: (path.parent, scenarios.beginning(path), path),
)
OF_FOLDER = Counter(path.parent.parent for path in STORIES)
# every flow has a story
WHOLE = {
    "cadre_transfer",
    "collective_consultation",
    "congress_motion",
    "congress_session",
    "dispute_mediation",
    "duty_elsewhere",
    "funds_budget",
    "hardship_help",
}
STANDARD = scenarios.standard(ROOT / "processes")
FILES = lru_cache(maxsize=2)(definitions.read)  # hundreds of stories stand beside one process
ALONE = 3600.0  # seconds: nobody else waits for this database


@pytest.fixture(scope="module")
def player(server: str) -> Iterator[scenarios.Player]:
    """One database for all stories: none of them leaves anything in it."""
    with fresh(server) as url:
        with scenarios.Player(db.connect(url, size=2), STANDARD, ALONE) as made:
            yield made
        db.release(url)


@pytest.fixture(scope="session")
def met(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Where the flows that stories met are kept, for all the processes that play them."""
    own = tmp_path_factory.getbasetemp()
    place = (own if worker_id == "master" else own.parent) / "met"
    place.mkdir(exist_ok=True)
    return place


def _keep(met: Path, path: Path, trace: scenarios.Trace) -> scenarios.Trace | None:
    """Put down what a story met; gives what all stories of its folder met, once all have been
    played: the last one sees them all, whichever process plays it.
    """
    place = met / path.parent.parent.name
    place.mkdir(exist_ok=True)
    half = place / f"{path.stem}.half"
    half.write_text(json.dumps(sorted(trace.flows)), "utf-8")
    half.rename(place / f"{path.stem}.json")
    kept = list(place.glob("*.json"))
    if len(kept) < OF_FOLDER[path.parent.parent]:
        return None
    flows = (tuple(flow) for each in kept for flow in json.loads(each.read_text("utf-8")))
    return scenarios.Trace(flows=set(flows))


@pytest.mark.parametrize(
    "path", STORIES, ids=lambda path: f"{path.parent.parent.name}: {path.stem}"
)
def test_a_story_goes_as_told(player: scenarios.Player, path: Path, met: Path) -> None:
    """And the last one of a folder that is whole finds that every flow of it was met."""
    told = scenarios.read(path)
    assert told.title_en and told.proves  # in both languages, and it says what it shows
    assert told.ends or told.steps[-1].refused  # a launch that is refused leaves nothing to tell of
    files = FILES(path.parent.parent)
    played = player.play(path, files)
    assert played.ok, f"{played.title}\n{played.why}\n" + "\n".join(
        f"{s.number}. {s.who} {s.does}: {s.happened}" for s in played.steps
    )
    everything = _keep(met, path, played.met)
    if everything is not None and path.parent.parent.name in WHOLE:
        process = definitions.load(files)
        assert process.diagram.flows and everything.flows
        assert not [str(fault) for fault in coverage.faults(process, everything)]
