"""The functions that every expression may call: they need nothing but their arguments."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from engine.expressions.registry import Asks, Gives, Takes, declare
from engine.expressions.values import (
    MAX_DECIMALS,
    NUMBER,
    ORDERED,
    Mistake,
    are_rows,
    hashable,
    kind_of,
)
from engine.messages import Listed, _

BUILT_IN: dict[str, Callable[..., Any]] = {}


def _built_in(
    name: str, gives: Gives, many: bool = False, takes: tuple[Takes, ...] = (Takes.VALUE,)
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a function of one argument, of what it `takes`, or with `many` of a list or of its
    elements.
    """

    def declared(function: Callable[..., Any]) -> Callable[..., Any]:
        nonlocal takes
        takes = () if many else takes
        declare(name, *takes, many=many, gives=gives, asks=Asks.NOTHING)
        BUILT_IN[name] = function
        return function

    return declared


def _elements(name: str, arguments: tuple[Any, ...]) -> list[Any]:
    """The elements meant by f([a, b]) or by f(a, b)."""
    elements = arguments[0] if len(arguments) == 1 else list(arguments)
    if type(elements) is not list:
        raise Mistake(_("{name}() 里要是清单，这里是{kind}", name=name, kind=kind_of(elements)))
    return elements


def _comparable(name: str, arguments: tuple[Any, ...]) -> list[Any]:
    elements = _elements(name, arguments)
    kinds = {kind_of(each) for each in elements}
    if len(kinds) != 1 or not kinds <= ORDERED:
        raise Mistake(
            _(
                "{name}() 里要有同一类可以比较的值，这里是{kinds}",
                name=name,
                kinds=Listed(sorted(kinds)) or _("空清单"),
            )
        )
    return elements


@_built_in("sum", Gives.NUMBER, many=True)
def _sum(*arguments: Any) -> int | Fraction:
    elements = _elements("sum", arguments)
    if any(kind_of(each) != NUMBER for each in elements):
        raise Mistake(_("sum() 里只能有数字"))
    total: int | Fraction = sum(elements)
    return total


@_built_in("min", Gives.VALUE, many=True)
def _min(*arguments: Any) -> Any:
    return min(_comparable("min", arguments))


@_built_in("max", Gives.VALUE, many=True)
def _max(*arguments: Any) -> Any:
    return max(_comparable("max", arguments))


@_built_in("any", Gives.TRUTH, many=True)
def _any(*arguments: Any) -> bool:
    return any(_elements("any", arguments))


@_built_in("all", Gives.TRUTH, many=True)
def _all(*arguments: Any) -> bool:
    return all(_elements("all", arguments))


@_built_in("len", Gives.NUMBER)
def _len(value: object) -> int:
    if type(value) is not list and type(value) is not str:
        raise Mistake(_("len() 里要是清单或文字，这里是{kind}", kind=kind_of(value)))
    return len(value)


@_built_in("count", Gives.NUMBER)
def _count(value: object) -> int:
    """How many elements a list has; a missing list has none."""
    return 0 if value is None else len(_elements("count", (value,)))


@_built_in("unique", Gives.LIST)
def _unique(value: object) -> list[Any]:
    elements = _elements("unique", (value,))
    hashable(elements)
    return list(dict.fromkeys(elements))


# --- money and quantities: whole numbers of the smallest unit -------------------------------------
def _exact(name: str, value: object) -> int | Fraction:
    if kind_of(value) != NUMBER:
        raise Mistake(_("{name}() 里要是数字，这里是{kind}", name=name, kind=kind_of(value)))
    number: int | Fraction = value  # type: ignore[assignment]  # of that kind
    return number


@_built_in("quantity", Gives.NUMBER, takes=(Takes.VALUE, Takes.VALUE))
def _quantity(value: object, decimals: object) -> int | Fraction:
    """A number as it is kept in a field of so many decimals: quantity(2, 1) is 20."""
    places = _exact("quantity", decimals)
    if places.denominator != 1 or not 0 <= places <= MAX_DECIMALS:
        raise Mistake(_("quantity() 的小数位数是 0 至 {most}", most=MAX_DECIMALS))
    scale: int = 10**places.numerator
    return _exact("quantity", value) * scale


@_built_in("yuan", Gives.NUMBER)
def _yuan(value: object) -> int | Fraction:
    """So many yuan, in fen."""
    return _exact("yuan", value) * 100


@_built_in("rounded", Gives.NUMBER)
def _rounded(value: object) -> int:
    """The nearest whole number; a half goes away from zero."""
    number = _exact("rounded", value)
    size = (2 * abs(number.numerator) + number.denominator) // (2 * number.denominator)
    return size if number >= 0 else -size


# --- over rows ------------------------------------------------------------------------------------
def _of_rows(name: str, rows: object) -> list[dict[str, Any]]:
    if not are_rows(rows):
        raise Mistake(_("{name}() 里要是表格，这里是{kind}", name=name, kind=kind_of(rows)))
    return rows


@_built_in("each", Gives.LIST, takes=(Takes.ROWS, Takes.OF_ROW))
def _each(rows: object, values: list[Any]) -> list[Any]:
    """What the second argument says of each row, see engine/expressions/evaluation.py."""
    _of_rows("each", rows)
    return values


@_built_in("where", Gives.LIST, takes=(Takes.ROWS, Takes.OF_ROW))
def _where(rows: object, values: list[Any]) -> list[dict[str, Any]]:
    """The rows of which the second argument holds."""
    found = _of_rows("where", rows)
    return [row for row, holds in zip(found, values, strict=True) if holds]
