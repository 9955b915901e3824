"""A decision table as data: its columns, its rows, and the functions that its cells may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Functions = Mapping[str, Callable[..., Any]]
POLICIES = ("UNIQUE", "FIRST", "ANY", "COLLECT", "RULE ORDER")
AGGREGATIONS = ("SUM", "MIN", "MAX", "COUNT")


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
    """A decision. Under UNIQUE and FIRST a last row of dashes is the "otherwise" row, which counts
    only when no other row matches; elsewhere it is met like any other.

    `aggregation` is that of COLLECT, or "". `default` are the results where no row matches; empty:
    there are none. `requires` are the decisions of the same file that this one rests on, each after
    those that it rests on itself.
    """

    id: str
    name: str
    hit_policy: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Row, ...]
    aggregation: str = ""
    default: tuple[str, ...] = ()
    requires: tuple[DecisionTable, ...] = ()

    @property
    def lists(self) -> bool:
        """Does each output give the results of all rows that match, in their order?"""
        return self.hit_policy in ("COLLECT", "RULE ORDER")

    @property
    def has_otherwise(self) -> bool:
        return self.hit_policy in ("UNIQUE", "FIRST") and bool(self.rules) and self.rules[-1].dashes

    @property
    def always_decides(self) -> bool:
        """Is something said where no row matches? An empty list and the count 0 are answers."""
        empty = self.lists and self.aggregation in ("", "COUNT")
        return self.has_otherwise or bool(self.default) or empty

    @property
    def body(self) -> tuple[Row, ...]:
        """The rows without the "otherwise" row."""
        return self.rules[:-1] if self.has_otherwise else self.rules
