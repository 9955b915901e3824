"""What links between instances are called: processes/links.toml, for old and new versions alike."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from engine import settings
from engine.messages import Both

if TYPE_CHECKING:
    from pathlib import Path


class Linked(NamedTuple):
    """How one instance speaks of the other: of the one it linked, and of the one that linked it."""

    there: Both
    back: Both


def words(kind: str) -> Linked | None:
    """What a kind of link is called; None where nobody says. A folder without links.toml says what
    the shipped one says.
    """
    return _read(settings.processes()).get(kind)


@lru_cache(maxsize=4)
def _read(folder: Path) -> dict[str, Linked]:
    path = folder / "links.toml"
    if not path.is_file():
        return {} if folder == settings.SHIPPED else _read(settings.SHIPPED)
    tables = tomllib.loads(path.read_text("utf-8")).items()
    return {
        kind: Linked(
            Both(table["title"], table.get("title_en", "")),
            Both(table["back"], table.get("back_en", "")),
        )
        for kind, table in tables
    }
