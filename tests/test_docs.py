"""docs/architecture.md names files and functions: each of them is there."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
NAMES = sorted(set(re.findall(r"`((?:engine|webui|processes|docs)[\w./-]*)`", TEXT)))


def is_there(name: str) -> bool:
    """A path from the top of the tree, or a module, or something in one."""
    if "/" in name:
        return (ROOT / name).exists()
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:size]))
        except ModuleNotFoundError:
            continue
        for part in parts[size:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def test_it_names_many_places() -> None:
    assert len(NAMES) > 60


@pytest.mark.parametrize("name", NAMES)
def test_what_it_names_is_there(name: str) -> None:
    assert is_there(name)


def test_the_drawing_of_the_rooms_is_the_contract() -> None:
    """Every room of the engine stands in the drawing and in .importlinter, on a line with the same strangers."""
    contract = (ROOT / ".importlinter").read_text("utf-8")
    drawn = TEXT.partition("engine:   ")[2].partition("```")[0]
    for line in filter(None, map(str.strip, drawn.splitlines())):
        assert f"\n    {line}\n" in contract, line
