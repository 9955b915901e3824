"""The choice of the row that some facts lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine import expressions
from engine.decisions.cell import NULLS, Incomparable, cell_of, meets
from engine.decisions.table import DecisionTable, Functions, Row
from engine.errors import ProcessFault
from engine.messages import Listed, _


@dataclass(frozen=True, slots=True)
class Told:
    """A decision with its grounds: the value of each column, the outputs, and for each other row
    what did not fit.

    `misses` has row number -> the columns (from 0) whose cell was not met; empty for a row after
    the first under FIRST.
    """

    row: int
    values: tuple[Any, ...]
    found: dict[str, Any]
    because: str
    misses: dict[int, tuple[int, ...]]


def decide(table: DecisionTable, facts: Mapping[str, Any], functions: Functions) -> dict[str, Any]:
    """The outputs of the matching row by name, with "because" (its description) and "row" (its
    number from 1).

    ProcessFault if no row matches, if two match under UNIQUE, or if a missing fact would have to be
    compared.
    """
    values = [expressions.evaluate(column.expression, facts, functions) for column in table.inputs]
    return _decided(table, facts, functions, values)


def explain(
    table: DecisionTable,
    facts: Mapping[str, Any],
    functions: Functions,
    given: Mapping[int, Any] | None = None,
) -> Told:
    """The decision as `decide` takes it, with its grounds. `given` are columns (from 0) whose value
    is given as such.
    """
    known = given or {}
    values = [
        known[n] if n in known else expressions.evaluate(column.expression, facts, functions)
        for n, column in enumerate(table.inputs)
    ]
    found = _decided(table, facts, functions, values)
    row, because = found.pop("row"), found.pop("because")
    return Told(row, tuple(values), found, because, _misses(table, values, row, functions))


def _misses(
    table: DecisionTable, values: list[Any], chosen: int, functions: Functions
) -> dict[int, tuple[int, ...]]:
    """Of each row that was looked at and is not the chosen one, the columns that did not fit."""
    found: dict[int, tuple[int, ...]] = {}
    for number, row in enumerate(table.body, 1):
        if number != chosen:
            found[number] = tuple(
                n
                for n, value in enumerate(values)
                if _misfits(table, n, row.cells[n], value, functions)
            )
    return found


def _misfits(
    table: DecisionTable, column: int, text: str, value: object, functions: Functions
) -> bool:
    """A cell that cannot be weighed, because a value or a rule is missing, does not fit either."""
    try:
        return not _cell_matches(table, column, text, value, functions)
    except ProcessFault:
        return True


def _decided(
    table: DecisionTable, facts: Mapping[str, Any], functions: Functions, values: list[Any]
) -> dict[str, Any]:
    _refuse_lists(table, values)
    matching = _matching(table, values, functions)
    if len(matching) > 1:
        raise _fault(
            table, _("第 {matching} 行同时命中，只能命中一行", matching=Listed(map(str, matching)))
        )
    if not matching and not table.has_otherwise:
        raise _fault(table, _("没有一行命中，请在最后加一行全是 - 的“其他情形”"))
    number = matching[0] if matching else len(table.rules)
    row = table.rules[number - 1]
    found = {
        output.name: expressions.evaluate(result, facts, functions)
        for output, result in zip(table.outputs, row.results, strict=True)
    }
    return {**found, "because": row.description, "row": number}


def _matching(table: DecisionTable, values: list[Any], functions: Functions) -> list[int]:
    """The numbers of the matching rows; under FIRST nothing after the first is looked at."""
    found: list[int] = []
    for number, row in enumerate(table.body, 1):
        if _row_matches(table, row, values, functions):
            found.append(number)
            if table.hit_policy == "FIRST":
                break
    return found


def _row_matches(table: DecisionTable, row: Row, values: list[Any], functions: Functions) -> bool:
    return all(
        _cell_matches(table, column, row.cells[column], value, functions)
        for column, value in enumerate(values)
    )


def _cell_matches(
    table: DecisionTable, column: int, text: str, value: object, functions: Functions
) -> bool:
    """An ordering met by a missing fact is a fault, unless the table says elsewhere in the column
    what null means.
    """

    def worth(operand: str) -> Any:
        return expressions.evaluate(operand, {}, functions)

    try:
        return meets(cell_of(text), value, worth)
    except Incomparable:
        if value is None and _speaks_of_null(table, column):
            return False
        label = table.inputs[column].label
        shown = _("还没有值") if value is None else _("的值是 {value}", value=repr(value))
        raise _fault(
            table,
            _(
                "“{label}”（{expression}）{shown}，不能与 {text} 比较",
                label=label,
                expression=table.inputs[column].expression,
                shown=shown,
                text=text,
            ),
        ) from None


def _speaks_of_null(table: DecisionTable, column: int) -> bool:
    return any(o in NULLS for row in table.rules for o in cell_of(row.cells[column]).operands)


def _refuse_lists(table: DecisionTable, values: list[Any]) -> None:
    for column, value in zip(table.inputs, values, strict=True):
        if isinstance(value, list):
            raise _fault(
                table,
                _(
                    '“{label}”是清单，请把条件写成 "…" in {expression}',
                    label=column.label,
                    expression=column.expression,
                ),
            )


def _fault(table: DecisionTable, wrong: str) -> ProcessFault:
    return ProcessFault(
        _("决策“{name}”：{wrong}", name=table.name or table.id, wrong=wrong),
        file=f"{table.id}.dmn",
        element=table.id,
    )
