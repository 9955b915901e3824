"""Files that nobody of this project made, beside the repository; whoever has none of them skips these tests aloud."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOREIGN = Path(os.environ.get("YIXING_FOREIGN", ROOT.parent / "shared" / "foreign"))


def files(pattern: str) -> list[Path]:
    """The files that match, at least one; without the folder the test is skipped."""
    if not FOREIGN.is_dir():
        pytest.skip(
            f"no foreign files: {FOREIGN} is not there (YIXING_FOREIGN names another place)"
        )
    found = sorted(FOREIGN.glob(pattern))
    assert found, pattern
    return found
