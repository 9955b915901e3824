"""What anybody can check of a counted ballot. One function, used by `yixing verify`, the page
"核对选票" and the tests.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.ballots.tally import tally
from engine.db import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.ballots.envelopes import Ballot

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Paper:
    """What stands in public: the sorted board and urn, and what the history says of them.

    `voters`: how many the history says voted; `urn_hash`, `counts` and `invalid` are None while
    nothing is counted.
    """

    roll: int
    choices: tuple[str, ...]
    board: tuple[str, ...]
    urn: tuple[Ballot, ...]
    voters: int
    board_hash: str
    urn_hash: str | None = None
    counts: Mapping[str, int] | None = None
    invalid: int | None = None
    write_in: bool = False  # somebody who is no candidate may be chosen, too


@dataclass(frozen=True)
class Report:
    """Each check with its answer, in the order of CHECKS; `receipt`, `code` None when none was
    given.

    `choices` are those of the ballot with the given code.
    """

    checks: Mapping[str, bool]
    receipt: bool | None = None
    code: bool | None = None
    choices: tuple[str, ...] | None = None

    @property
    def holds(self) -> bool:
        """Is everything true that could be checked?"""
        return all(self.checks.values()) and self.receipt is not False and self.code is not False


def board_hash(receipts: Iterable[str]) -> str:
    """SHA-256 of the canonical JSON list of the sorted receipts."""
    return canonical.digest(canonical.dumps(sorted(receipts))).hex()


def urn_hash(urn: Iterable[Ballot]) -> str:
    """SHA-256 of the canonical JSON list of [code, [choices]], sorted."""
    return canonical.digest(canonical.dumps(sorted([b.code, sorted(b.choices)] for b in urn))).hex()


def report(paper: Paper, receipt: str = "", code: str = "") -> Report:
    """All checks that can be made now; with a receipt or a code, also whether they are there."""
    checks = {
        "board": board_hash(paper.board) == paper.board_hash and _alone(paper.board),
        "voters": len(paper.board) == paper.voters <= paper.roll,
    }
    if paper.urn_hash is not None:
        checks |= _counted(paper)
    mine = next((b for b in paper.urn if b.code == _typed(code)), None)
    return Report(
        checks,
        _typed(receipt) in paper.board if receipt.strip() else None,
        mine is not None if code.strip() else None,
        mine.choices if mine else None,
    )


def _counted(paper: Paper) -> dict[str, bool]:
    counts = dict(paper.counts or {})
    return {
        "urn": urn_hash(paper.urn) == paper.urn_hash and _alone([b.code for b in paper.urn]),
        "sum": paper.invalid is not None
        and paper.invalid >= 0
        and len(paper.urn) + paper.invalid == len(paper.board),
        "tally": _adds_up(paper, counts),
    }


def _adds_up(paper: Paper, counts: Mapping[str, int]) -> bool:
    """Do the ballots give the count, of the candidates and of whoever was written in?"""
    found = tally(paper.choices, (b.choices for b in paper.urn))
    told = dict.fromkeys(paper.choices) if not paper.write_in else dict.fromkeys([*counts, *found])
    beside = {"answered", "abstain"} - set(paper.choices)
    return found == {choice: counts.get(choice) for choice in told if choice not in beside}


def first_false(paper: Paper) -> str:
    """The name of the first check that is false; "" when all hold."""
    return next((name for name, holds in report(paper).checks.items() if not holds), "")


def _alone(texts: Iterable[str]) -> bool:
    counted = Counter(texts)
    return all(n == 1 and _HEX.fullmatch(t) for t, n in counted.items())


def _typed(text: str) -> str:
    """What a person pasted: spaces and line ends, upper case and hyphens do not matter."""
    return re.sub(r"[\s-]", "", text).lower()
