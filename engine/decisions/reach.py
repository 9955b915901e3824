"""The reach of rows: which overlap and which are never met, found over finite domains of values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import combinations
from typing import Any

from engine import expressions
from engine.decisions.cell import Cell, Incomparable, cell_of, meets
from engine.decisions.table import DecisionTable, Functions, Row
from engine.errors import ProcessFault
from engine.messages import Listed, _

_FRESH = "其他值"  # a text that no table names
MAX_PIECES = 20_000  # of the space of values, when looking for rows that are never reached
_AFTER = "\u0001"  # makes of a text the next one in order
Box = tuple[int, ...]  # for each column the set of values, as bits of its domain


def matching_faults(table: DecisionTable, functions: Functions | Collection[str]) -> list[str]:
    """Faults found under every assumption about unknown functions, worded by the first."""
    found = [dict(_overlaps_and_reach(table, worths)) for worths in _assumptions(table, functions)]
    return [text for key, text in found[0].items() if all(key in other for other in found)]


def _assumptions(
    table: DecisionTable, functions: Functions | Collection[str]
) -> list[dict[str, Any]]:
    """What each operand is worth: known by evaluating it, else stand-ins in rising and in falling
    order.
    """
    given = functions if isinstance(functions, Mapping) else {}
    texts = [o for row in table.rules for cell in row.cells for o in cell_of(cell).operands]
    texts += [value for column in table.inputs for value in column.values]
    known: dict[str, Any] = {}
    unknown: list[str] = []
    for text in dict.fromkeys(texts):
        try:
            known[text] = expressions.evaluate(text, {}, given)
        except ProcessFault:
            unknown.append(text)
    rising = [1_000 * (n + 1) for n in range(len(unknown))]
    orders = [rising, rising[::-1]] if unknown else [rising]
    return [{**known, **dict(zip(unknown, order, strict=True))} for order in orders]


def _overlaps_and_reach(
    table: DecisionTable, worths: Mapping[str, Any]
) -> Iterable[tuple[tuple[int, ...], str]]:
    domains = [_domain(table, column, worths) for column in range(len(table.inputs))]
    boxes = [_box(row, domains, worths) for row in table.body]
    for number, box in enumerate(boxes, 1):
        if not all(box):
            yield (number,), _("第 {number} 行永远不会命中，条件自相矛盾", number=number)
        elif table.hit_policy == "FIRST" and _covered(box, boxes[: number - 1]):
            yield (number, 0), _("第 {number} 行永远轮不到，前面的行已全部命中", number=number)
    if table.hit_policy in ("UNIQUE", "ANY"):
        yield from _overlaps(table, domains, boxes)


def _overlaps(
    table: DecisionTable, domains: list[list[Any]], boxes: list[Box]
) -> Iterable[tuple[tuple[int, ...], str]]:
    for (i, one), (j, other) in combinations(enumerate(boxes, 1), 2):
        agree = table.hit_policy == "ANY" and _agree(table, i, j)
        if not agree and all(a & b for a, b in zip(one, other, strict=True)):
            witness = _witness(table, domains, one, other)
            text = _("第 {i} 行与第 {j} 行重叠：{witness} 时都命中", i=i, j=j, witness=witness)
            yield (i, j), text


def _agree(table: DecisionTable, i: int, j: int) -> bool:
    """Do two rows write the same results?"""
    return table.rules[i - 1].results == table.rules[j - 1].results


def _domain(table: DecisionTable, column: int, worths: Mapping[str, Any]) -> list[Any]:
    """Enough values to tell any two cells of a column apart: those named, their neighbours, a fresh
    one and null.
    """
    declared = table.inputs[column].values
    if declared:
        return _distinct([*(worths[value] for value in declared), None])
    named = [worths[o] for row in table.rules for o in cell_of(row.cells[column]).operands]
    exact = "/" in table.inputs[column].expression
    values = [near for value in named for near in _neighbours(value, exact)]
    if not {bool, int, Fraction} & set(map(type, named)):
        values += [_FRESH]
    if any(type(value) is str for value in named):
        values += ["", _FRESH]
    return _distinct([*values, None])


def _neighbours(value: object, exact: bool) -> list[Any]:
    if type(value) is bool:
        return [True, False]
    if type(value) is int or type(value) is Fraction:
        halves = [value - Fraction(1, 2), value + Fraction(1, 2)] if exact else []
        return [value - 1, value, value + 1, *halves]
    if type(value) is str:
        return [value, value + _AFTER]
    return [value]


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list({(type(value) is bool, value): value for value in values}.values())


def _box(row: Row, domains: list[list[Any]], worths: Mapping[str, Any]) -> Box:
    return tuple(
        sum(
            1 << bit
            for bit, value in enumerate(domain)
            if _might_meet(cell_of(text), value, worths)
        )
        for text, domain in zip(row.cells, domains, strict=True)
    )


def _might_meet(cell: Cell, value: object, worths: Mapping[str, Any]) -> bool:
    try:
        return meets(cell, value, worths.__getitem__)
    except Incomparable:
        return False


def _witness(table: DecisionTable, domains: list[list[Any]], one: Box, other: Box) -> str:
    parts = []
    for column, domain, a, b in zip(table.inputs, domains, one, other, strict=True):
        both = a & b
        if both != (1 << len(domain)) - 1:
            value = domain[(both & -both).bit_length() - 1]
            parts.append(_("{column} = {value}", column=column.label, value=_named(value)))
    return Listed(parts) or _("任何情形")


def _named(value: object) -> str:
    """A value of a domain, as an author reads it."""
    if value is None:
        return _("空值")
    return _("其他值") if value == _FRESH else str(value).rstrip(_AFTER)


def _covered(box: Box, earlier: list[Box]) -> bool:
    """True if the earlier boxes together leave nothing of `box`; False also when that would take
    too long to know.
    """
    left = [box]
    for other in earlier:
        left = [piece for each in left for piece in _without(each, other)]
        if len(left) > MAX_PIECES:
            return False
    return not left


def _without(box: Box, other: Box) -> Iterator[Box]:
    """`box` minus `other`, as boxes that do not overlap."""
    if not all(a & b for a, b in zip(box, other, strict=True)):
        yield box
        return
    for column, (a, b) in enumerate(zip(box, other, strict=True)):
        if outside := a & ~b:
            yield (*box[:column], outside, *box[column + 1 :])
        box = (*box[:column], a & b, *box[column + 1 :])
