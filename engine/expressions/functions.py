"""The functions that every expression may call."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from engine.expressions.values import ORDERED, Mistake, hashable, kind_of


def _elements(name: str, arguments: tuple[Any, ...]) -> list[Any]:
    """The elements meant by f([a, b]) or by f(a, b)."""
    elements = arguments[0] if len(arguments) == 1 else list(arguments)
    if type(elements) is not list:
        raise Mistake(f"{name}() 里要是清单，这里是{kind_of(elements)}")
    return elements


def _comparable(name: str, arguments: tuple[Any, ...]) -> list[Any]:
    elements = _elements(name, arguments)
    kinds = {kind_of(each) for each in elements}
    if len(kinds) != 1 or not kinds <= ORDERED:
        raise Mistake(
            f"{name}() 里要有同一类可以比较的值，这里是{'、'.join(sorted(kinds)) or '空清单'}"
        )
    return elements


def _sum(*arguments: Any) -> int | Fraction:
    elements = _elements("sum", arguments)
    if any(kind_of(each) != "数字" for each in elements):
        raise Mistake("sum() 里只能有数字")
    total: int | Fraction = sum(elements)
    return total


def _len(value: Any) -> int:
    if type(value) is not list and type(value) is not str:
        raise Mistake(f"len() 里要是清单或文字，这里是{kind_of(value)}")
    return len(value)


def _count(value: Any) -> int:
    """How many elements a list has; a missing list has none."""
    return 0 if value is None else len(_elements("count", (value,)))


def _unique(value: Any) -> list[Any]:
    elements = _elements("unique", (value,))
    hashable(elements)
    return list(dict.fromkeys(elements))


BUILT_IN: dict[str, Callable[..., Any]] = {
    "len": _len,
    "min": lambda *arguments: min(_comparable("min", arguments)),
    "max": lambda *arguments: max(_comparable("max", arguments)),
    "sum": _sum,
    "any": lambda *arguments: any(_elements("any", arguments)),
    "all": lambda *arguments: all(_elements("all", arguments)),
    "count": _count,
    "unique": _unique,
}
