"""Which code belongs together and which tests guard it: the one table to change when either moves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Room:
    """Sources are globs from the top of the tree; a folder stands for every module below it.

    Tests are what pytest takes, fastest first: the first failure ends the trial of a mutant.
    """

    name: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]

    def modules(self, house: Path = HOUSE) -> list[Path]:
        """The modules, relative to the top, in order. LookupError: a glob that matches nothing, or a test that is gone."""
        found = {module for pattern in self.sources for module in _modules(house, pattern)}
        for test in self.tests:
            if not (house / test.partition("::")[0]).exists():
                raise LookupError(f"{self.name}: no test {test}; see tests/mutants/rooms.py")
        return sorted(found)


def _modules(house: Path, pattern: str) -> list[Path]:
    places = [p for p in house.glob(pattern) if p.is_dir() or p.suffix == ".py"]
    files = [f for p in places for f in (p.rglob("*.py") if p.is_dir() else [p])]
    if not files:
        raise LookupError(f"no module matches {pattern}; see tests/mutants/rooms.py")
    return [f.relative_to(house) for f in files]


_ALL = (
    Room("machine", ("engine/machine",), ("tests/engine/test_machine.py",)),
    Room(
        "polls",
        (
            "engine/ballots",
            "engine/commands/ballots*",
            "engine/commands/locked_poll*",
            "engine/commands/poll_lifecycle*",
            "engine/commands/polls*",
            "engine/commands/teller_keys*",
            "engine/commands/tellers*",
            "engine/instance/counting*",
            "engine/instance/polling*",
            "engine/instance/presence*",
        ),
        ("tests/engine/test_meetings.py", "tests/engine/test_ballots.py"),
    ),
    Room(
        "access",
        (
            "engine/people/access*",
            "engine/people/organisation*",
            "engine/people/posts*",
            "engine/instance/lanes*",
            "engine/instance/rooms*",
            "engine/queries/people*",
        ),
        (
            "tests/engine/test_access.py",
            "tests/engine/test_people.py",
            "tests/webui/test_access_matrix.py",
        ),
    ),
    Room(
        "history",
        (
            "engine/history",
            "engine/db/canonical*",
        ),
        (
            "tests/engine/test_history.py",
            "tests/engine/test_canonical.py",
            "tests/engine/test_merkle.py",
            "tests/engine/test_verify_pack.py",
            "tests/engine/test_kept.py",
            "tests/engine/test_evidence.py",
        ),
    ),
    Room("law", ("engine/law",), ("tests/engine/test_law.py", "tests/engine/test_rules.py")),
    Room("expressions", ("engine/expressions",), ("tests/engine/test_expressions.py",)),
    Room("calendar", ("engine/calendar",), ("tests/engine/test_calendar.py",)),
    Room("forms", ("engine/forms",), ("tests/engine/test_forms.py",)),
)
ROOMS = {room.name: room for room in _ALL}
