"""Random walks through every process: nothing breaks, the history proves itself, and the law holds in every one of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.walks.walker import ROOT, walking

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from tests.walks.walker import Walk

FOLDERS = sorted(path.parent for path in ROOT.glob("processes/*/process.toml"))
SHORT, LONG = 6, 60  # walks of one test; short in `make test`, long in `make prove`
STEPS = 60


# --- what must hold in every history ------------------------------------------------------------------------------------
def passed_votes_had_their_quorum(events: list[tuple[str, dict[str, Any]]]) -> None:
    """A vote in a meeting opened with two thirds of all present; a passed one reached every share that its rule asked for."""
    for kind, says in events:
        if kind == "poll_closed" and "present_at_opening" in says["outcome"]:
            outcome = says["outcome"]
            assert (
                3 * outcome["present_at_opening"] >= 2 * outcome["roll"] or outcome["roll"] == 0
            ), outcome
            if outcome["passed"]:
                assert "未达到" not in outcome["why"], outcome


def consents_come_first(events: list[tuple[str, dict[str, Any]]]) -> None:
    """No order of transfer before the vote of the own committee and the consent of the superior union."""
    voted = consented = False
    for kind, says in events:
        if kind == "poll_closed" and says["task"] == "committee_vote":
            voted = says["outcome"]["passed"]
        if kind == "document_issued" and says["document"] == "consent_sheet":
            consented = True
        if (kind == "document_issued" and says["document"] == "order") or "issue_order" in says.get(
            "passed", []
        ):
            assert voted and consented, "transferred before its consents"


def four_signatures_make_an_agreement(events: list[tuple[str, dict[str, Any]]]) -> None:
    """Both parties, the mediator and the seal: only then is the agreement effective."""
    signed = {"sign_applicant": 0, "sign_respondent": 0, "sign_mediator": 0, "seal": 0}
    for kind, says in events:
        if kind == "task_completed" and says["task"] in signed:
            signed[says["task"]] += 1
        if kind == "document_issued" and says["document"] == "agreement":
            assert all(signed.values()), signed


LAW: dict[str, list[Callable[[list[tuple[str, dict[str, Any]]]], None]]] = {
    "cadre_transfer": [consents_come_first],
    "dispute_mediation": [four_signatures_make_an_agreement],
}


def walk(engine: Engine, folder: Path, seed: int, steps: int = STEPS) -> None:
    with walking(engine, folder, seed) as on:
        try:
            for _ in range(4):
                if on.launch():
                    break
            if not on.progress.instances:
                return
            for _ in range(steps):
                on.step()
            _must_hold(on, folder)
        except Exception as fault:
            raise AssertionError(f"seed {seed}: {fault!r}\n" + "\n".join(on.done[-40:])) from fault


def _must_hold(on: Walk, folder: Path) -> None:
    on.nothing_is_broken()
    events = [(row.kind, json.loads(row.body)) for row in on.told()]
    for rule in [passed_votes_had_their_quorum, *LAW.get(folder.name, [])]:
        rule(events)


@pytest.mark.parametrize("seed", range(SHORT))
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_random_walk_breaks_nothing(engine: Engine, folder: Path, seed: int) -> None:
    walk(engine, folder, seed)


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(SHORT, LONG))
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_many_random_walks_break_nothing(engine: Engine, folder: Path, seed: int) -> None:
    walk(engine, folder, seed, 150)
