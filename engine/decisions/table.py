"""A decision table as data: its columns, its rows, and the functions that its cells may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Functions = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Input:
    """A column of conditions; `values` are the texts of the allowed literals, empty if any value
    may come.

    `type` is the column's typeRef: string, number, boolean, date or "".
    """

    label: str
    expression: str
    values: tuple[str, ...]
    type: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A column of results; `values` as in `Input`."""

    name: str
    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One rule: a condition per input, a result per output, and the article it rests on.

    `confidence` says how sure we are of the article: V, M or P as in the rulebook; "" when the
    table does not say.
    """

    cells: tuple[str, ...]
    results: tuple[str, ...]
    description: str
    confidence: str = ""

    @property
    def dashes(self) -> bool:
        """True if the row matches everything."""
        return all(cell in {"", "-"} for cell in self.cells)


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """A decision. The "otherwise" row, a last row of dashes, counts only when no other row
    matches.
    """

    id: str
    name: str
    hit_policy: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Row, ...]

    @property
    def has_otherwise(self) -> bool:
        return bool(self.rules) and self.rules[-1].dashes

    @property
    def body(self) -> tuple[Row, ...]:
        """The rows without the "otherwise" row."""
        return self.rules[:-1] if self.has_otherwise else self.rules
