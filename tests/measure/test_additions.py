"""What an addition costs, by making it: the limits, and that an edit whose anchor is gone says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.settings import ROOT
from tests.drawn import some
from tests.measure import additions
from tests.measure.limits import LIMITS
from tests.measure.patches import NAMES
from tests.measure.patches.edit import AnchorGone, Edit
from tests.measure.within import limits, once, worse

if TYPE_CHECKING:
    from pathlib import Path

COSTS = [name for name in LIMITS if name.startswith("files per ")]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    return once(tmp_path_factory, "additions", lambda: additions.measure(ROOT, tried=False))


@pytest.mark.parametrize("name", limits(COSTS))
def test_the_limit_holds(found: dict[str, float], name: str) -> None:
    assert found[name] <= LIMITS[name].most, LIMITS[name].why


@pytest.mark.parametrize("name", some(NAMES, 1))
def test_the_addition_works(name: str) -> None:
    assert additions.files(ROOT, name, tried=True)


def test_no_mark_hides_that_an_addition_got_dearer(found: dict[str, float]) -> None:
    assert not worse(found)


def test_an_edit_needs_its_anchor_exactly_once(tmp_path: Path) -> None:
    for folder in ("engine", "webui"):
        (tmp_path / folder).mkdir()
    file = tmp_path / "engine" / "a.py"
    file.write_text("a = 1\nb = 2\nb = 2\n", "utf-8")
    assert Edit("x = 0", before="a = 1").apply(tmp_path) == file
    assert Edit("y = 0", after="a = 1").apply(tmp_path) == file
    assert Edit("a = 3", instead="a = 1").apply(tmp_path) == file
    assert file.read_text("utf-8") == "x = 0\na = 3\ny = 0\nb = 2\nb = 2\n"
    with pytest.raises(AnchorGone, match="nowhere"):
        Edit("z", after="c = 3").apply(tmp_path)
    with pytest.raises(AnchorGone, match=r"engine/a\.py"):
        Edit("z", after="b = 2").apply(tmp_path)
