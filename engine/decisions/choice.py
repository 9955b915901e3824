"""The choice of the row that some facts lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine import expressions
from engine.decisions.cell import NULLS, Incomparable, cell_of, meets
from engine.decisions.table import DecisionTable, Functions, Row
from engine.errors import ProcessFault
from engine.messages import Listed, Message, _

DEFAULT = "默认结果"  # why, where no row matches and the table has a default
_SUMMED: Mapping[str, Callable[[list[Any]], Any]] = {"SUM": sum, "MIN": min, "MAX": max}
_AMOUNT = {Fraction: int}  # exact numbers are of one kind


@dataclass(frozen=True, slots=True)
class Told:
    """A decision with its grounds: the value of each column, the outputs, and for each other row
    what did not fit. `row`: as in `decide`.

    `misses` has row number -> the columns (from 0) whose cell was not met; empty for a row after
    the first under FIRST.
    """

    row: int
    values: tuple[Any, ...]
    found: dict[str, Any]
    because: str
    misses: dict[int, tuple[int, ...]]
    rows: tuple[int, ...]  # all that count


def decide(table: DecisionTable, facts: Mapping[str, Any], functions: Functions) -> dict[str, Any]:
    """The outputs of the matching row by name, with "because" (its description) and "row" (its
    number from 1; 0: none, the default). Where all rows that match count: their results as lists or
    as what these come to, and all numbers as "rows". What it rests on is decided first and stands
    under "required" by name.

    ProcessFault if no row matches, if two match under UNIQUE or disagree under ANY, or if a missing
    fact would have to be compared.
    """
    required: dict[str, Any] = {}
    for other in table.requires:
        required[other.id] = _on(other, {**facts, **required}, functions)
    found = _on(table, {**facts, **required}, functions)
    return {**found, "required": required} if required else found


def broken(found: object) -> Fraction | None:
    """The first number in a decision that is not whole: facts hold none."""
    if isinstance(found, Fraction):
        return found
    inside = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    return next((each for each in map(broken, inside) if each is not None), None)


def _on(table: DecisionTable, facts: Mapping[str, Any], functions: Functions) -> dict[str, Any]:
    """What one table says on these facts."""
    values = [expressions.evaluate(column.expression, facts, functions) for column in table.inputs]
    return _decided(table, facts, functions, values)


def explain(
    table: DecisionTable,
    facts: Mapping[str, Any],
    functions: Functions,
    given: Mapping[int, Any] | None = None,
) -> Told:
    """The decision as `decide` takes it, with its grounds. `given` are columns (from 0) whose value
    is given as such; of decisions that it rests on the facts tell the outcome.
    """
    known = given or {}
    values = [
        known[n] if n in known else expressions.evaluate(column.expression, facts, functions)
        for n, column in enumerate(table.inputs)
    ]
    found = _decided(table, facts, functions, values)
    row, because = found.pop("row"), found.pop("because")
    met = found.pop("rows", [row])
    misses = _misses(table, values, met, functions)
    return Told(row, tuple(values), found, because, misses=misses, rows=tuple(filter(None, met)))


def _misses(
    table: DecisionTable, values: list[Any], met: list[int], functions: Functions
) -> dict[int, tuple[int, ...]]:
    """Of each row that was looked at and does not count, the columns that did not fit."""
    found: dict[int, tuple[int, ...]] = {}
    for number, row in enumerate(table.body, 1):
        if number not in met:
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
    numbers = _matching(table, values, functions)
    if not numbers and table.has_otherwise:
        numbers = [len(table.rules)]
    results = [_results(table, table.rules[n - 1].results, facts, functions) for n in numbers]
    if not numbers and table.default:
        default = _results(table, table.default, facts, functions)
        return {**default, "because": DEFAULT, "row": 0, **({"rows": []} if table.lists else {})}
    if not table.always_decides and not numbers:
        raise _fault(table, _("没有一行命中，{advice}", advice=otherwise(table)))
    if table.lists:
        return _gathered(table, numbers, results)
    _refuse_several(table, numbers, results)
    return {**results[0], "because": table.rules[numbers[0] - 1].description, "row": numbers[0]}


def otherwise(table: DecisionTable) -> Message:
    """What to write so that something is said where no row matches."""
    if table.hit_policy in ("UNIQUE", "FIRST"):
        return _("请在最后加一行全是 - 的“其他情形”")
    return _("请在每列结果写默认值（defaultOutputEntry）")


def _results(
    table: DecisionTable, texts: tuple[str, ...], facts: Mapping[str, Any], functions: Functions
) -> dict[str, Any]:
    """What a row gives, by the names of the outputs."""
    named = zip(table.outputs, texts, strict=True)
    return {each.name: _whole(expressions.evaluate(text, facts, functions)) for each, text in named}


def _whole(value: object) -> Any:
    """A whole number as such, however it was reckoned."""
    return int(value) if isinstance(value, Fraction) and value.denominator == 1 else value


def _refuse_several(
    table: DecisionTable, numbers: list[int], results: list[dict[str, Any]]
) -> None:
    """Several rows may match under ANY, if all give the same. Raises ProcessFault."""
    if len(numbers) == 1:
        return
    matching = Listed(map(str, numbers))
    if table.hit_policy != "ANY":
        raise _fault(table, _("第 {matching} 行同时命中，只能命中一行", matching=matching))
    if any(each != results[0] for each in results):
        wrong = _("第 {matching} 行同时命中，结果却不相同", matching=matching)
        raise _fault(table, wrong)


def _gathered(
    table: DecisionTable, numbers: list[int], results: list[dict[str, Any]]
) -> dict[str, Any]:
    """The results of all rows that match, in the order of the rows, or what they come to."""
    found: dict[str, Any] = {
        output.name: [each[output.name] for each in results] for output in table.outputs
    }
    if table.aggregation:
        (name,) = found
        found[name] = _aggregated(table, found[name])
    reasons = dict.fromkeys(filter(None, (table.rules[n - 1].description for n in numbers)))
    first = numbers[0] if numbers else 0
    return {**found, "because": "；".join(reasons), "row": first, "rows": numbers}


def _aggregated(table: DecisionTable, values: list[Any]) -> Any:
    if table.aggregation == "COUNT":
        return len(values)
    kinds = {_AMOUNT.get(type(value), type(value)) for value in values}
    if not kinds <= {int} and (table.aggregation == "SUM" or kinds != {str}):
        wrong = _("命中各行的结果不都是数字，不能求 {how}", how=table.aggregation)
        raise _fault(table, wrong)
    return _whole(_SUMMED[table.aggregation](values))


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
