"""`python -m tests.measure [CHECKOUT]`: one table. With OTHER as well: before and after, and what vanished.

`--only-read` leaves out what needs a database. Instead of the table, `--statements "errand task"` shows what a page asks,
and `--places "long positional calls"` where a figure comes from.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from subprocess import CalledProcessError

from tests.measure import additions, features, figures, pages
from tests.measure.limits import LIMITS
from tests.measure.patches import NAMES
from tests.measure.patches.edit import AnchorGone

HERE = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """Measure and print; 1 when something that was offered before has vanished."""
    given = _arguments()
    checkouts = [path.resolve() for path in given.checkouts] or [HERE]
    if given.statements:
        return _statements(checkouts[-1], given.statements)
    if given.places:
        print(*figures.PLACES[given.places](checkouts[-1]), sep="\n")
        return 0
    measured = [_measured(checkout, only_read=given.only_read) for checkout in checkouts]
    _table(measured)
    return _vanished(checkouts[0], checkouts[-1]) if len(checkouts) == 2 else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.measure", description=__doc__)
    parser.add_argument("checkouts", nargs="*", type=Path, metavar="CHECKOUT")
    parser.add_argument("--only-read", action="store_true")
    parser.add_argument("--statements", metavar="PAGE")
    parser.add_argument("--places", choices=sorted(figures.PLACES))
    given = parser.parse_args()
    if len(given.checkouts) > 2:
        parser.error("one checkout, or two to compare")
    return given


def _measured(checkout: Path, *, only_read: bool) -> figures.Figures:
    found = figures.read(checkout)
    if not only_read:
        found |= figures.asked(pages.measure(checkout))
        for name in NAMES:
            try:
                found |= additions.measure(checkout, [name])
            except (AnchorGone, CalledProcessError) as fault:  # made for another state of the code
                print(f"{checkout}: {name}: {fault}", file=sys.stderr)
    return found


def _table(measured: list[figures.Figures]) -> None:
    heads = ("before", "after") if len(measured) == 2 else ("figure",)
    print(f"{'':<44}{''.join(f'{head:>10}' for head in heads)}{'aim':>12}")
    for name in dict.fromkeys([*LIMITS, *(each for one in measured for each in one)]):
        if not any(name in one for one in measured):
            continue
        cells = "".join(f"{_cell(one.get(name)):>10}" for one in measured)
        aim = f"≤ {LIMITS[name].most:,.0f}" if name in LIMITS else ""
        missed = name in LIMITS and measured[-1].get(name, 0) > LIMITS[name].most
        print(f"{name:<44}{cells}{aim:>12}{'  not yet' if missed else ''}")


def _cell(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:,.0f}"


def _statements(checkout: Path, page: str) -> int:
    ground, _, name = page.partition(" ")
    seen = pages.measure(checkout)[f"{ground} {pages.LENGTHS[-1]}"][name]
    for number, statement in enumerate(seen["statements"], 1):
        print(f"{number:>3}  {' '.join(statement.split())[:200]}")
    print(f"{seen['transactions']} transactions", *seen["changes"], *seen["climbs"], sep="\n  ")
    return 0


def _vanished(before: Path, after: Path) -> int:
    gone = features.vanished(before, after)
    print(f"\nvanished: {len(gone)} of {len(features.offered(before))}", *gone, sep="\n  ")
    return 1 if gone else 0


if __name__ == "__main__":
    raise SystemExit(main())
