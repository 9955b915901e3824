"""Who was in the hall, what a vote came to, and all that stands beside the events of a pack: counted again from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.engine import halls
from tests.engine.packs import remanifest, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_true_meeting_holds(tmp_path: Path) -> None:
    code, lines = run(halls.pack(tmp_path / "pack", halls.held()))
    assert (code, lines[-1]) == (0, "PASS 22/22"), lines
    (said,) = (line for line in lines if " presence: " in line)
    # 4 numbers of moves, 5 of the opening, 2 and 4 of the vote, 1 of the striking, 5 of the close
    assert said.endswith("22 处人数 numbers"), said


@pytest.mark.parametrize(
    ("number", "lie", "check"), [lie[1:] for lie in halls.LIES], ids=[lie[0] for lie in halls.LIES]
)
def test_an_event_that_says_more_than_was_is_false(
    tmp_path: Path, number: int, lie: dict[str, Any], check: str
) -> None:
    """Although chain, leaves and signatures hold: whoever wrote it had database and key."""
    code, lines = run(halls.pack(tmp_path / "pack", halls.held({number: lie})))
    assert code == 1 and f" {check}: " in lines[-1], lines
    named = "about event" if check in ("documents", "meetings") else "first false event"
    assert f"{named}: #{number} " in lines[-1], lines[-1]


@pytest.mark.parametrize(
    ("change", "check"), [each[1:] for each in halls.BESIDE], ids=[each[0] for each in halls.BESIDE]
)
def test_what_stands_beside_the_events_is_theirs(
    tmp_path: Path, change: Callable[[Path], None], check: str
) -> None:
    folder = halls.pack(tmp_path / "pack", halls.held())
    change(folder)
    code, lines = run(remanifest(folder))
    assert code == 1 and f" {check}: " in lines[-1] and "first false event" not in lines[-1], lines


@pytest.mark.parametrize("lie", [{"yes": 2}, {"present": 3}, {"passed": True}])
def test_a_document_says_what_the_vote_came_to(tmp_path: Path, lie: dict[str, Any]) -> None:
    code, lines = run(halls.pack(tmp_path / "pack", halls.held(paper=lie)))
    assert code == 1 and " documents: " in lines[-1] and "about event: #12" in lines[-1], lines


def test_a_meeting_whose_events_do_not_tell_who_came_is_as_before(tmp_path: Path) -> None:
    """As of packs that were made before: only its roll and the digest of its ledger are compared."""
    code, lines = run(halls.pack(tmp_path / "pack", halls.older()))
    assert code == 0, lines[-1]
