"""The columns of the table of all instances of a process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.definitions.words import Words


@dataclass(frozen=True)
class ColumnRule:
    """A column of the table of instances: the first of its dotted `facts` that says anything.
    `filter`: the table narrows by it. `like`: another column; alike there, mostly alike here.
    """

    key: str
    title: Words
    facts: tuple[str, ...]
    filter: bool
    like: str = ""
