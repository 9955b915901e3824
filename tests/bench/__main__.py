"""`make bench`: every figure of one run beside its floor and its target. `python -m tests.bench NAME ...` runs some of them."""

from __future__ import annotations

import platform
import sys

from tests.bench import measures
from tests.bench.ground import ground

ALL = (
    "completion",
    "peer",
    "through_api",
    "responses",
    "stored",
    "timers",
    "verified",
    "pages",
    "large",
)


def main(names: list[str]) -> int:
    """Run the named measures, each on a fresh database; 1 when a target is missed."""
    missed = 0
    print(
        f"Python {platform.python_version()}, {platform.machine()}, PostgreSQL embedded, fsync on"
    )
    for name in names or ALL:
        for here in ground():
            print(f"\n{name}", flush=True)
            for what, figure, unit, target in getattr(measures, name)(here):
                late = target.startswith("<=") and figure > float(target[2:])
                missed += late
                print(
                    f"  {what:<62} {figure:>10,.2f} {unit:<9} {target}{'  MISSED' if late else ''}",
                    flush=True,
                )
    return 1 if missed else 0


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(ALL)
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(ALL)}")
        sys.exit(2)
    sys.exit(main(sys.argv[1:]))
