"""The operators: exact, and only between values that belong together."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from engine.expressions.values import Mistake, hashable, kind_of

MAX_STRING = 10_000


def _numbers(left: Any, right: Any, sign: str) -> None:
    if kind_of(left) != "数字" or kind_of(right) != "数字":
        raise Mistake(f"{kind_of(left)}与{kind_of(right)}之间不能用 {sign}")


def _add(left: Any, right: Any) -> Any:
    if type(left) is list and type(right) is list:
        return left + right
    if type(left) is str and type(right) is str:
        if len(left) + len(right) > MAX_STRING:
            raise Mistake(f"拼出的文字超过 {MAX_STRING} 个字")
        return left + right
    _numbers(left, right, "+")
    return left + right


def _subtract(left: Any, right: Any) -> Any:
    if type(left) is list and type(right) is list:
        hashable(left)
        gone = hashable(right)
        return [each for each in left if each not in gone]
    _numbers(left, right, "-")
    return left - right


def _multiply(left: Any, right: Any) -> Any:
    _numbers(left, right, "*")
    return left * right


def _divisor(left: Any, right: Any, sign: str) -> None:
    _numbers(left, right, sign)
    if right == 0:
        raise Mistake("除数为零")


def _divide(left: Any, right: Any) -> Fraction:
    _divisor(left, right, "/")
    return Fraction(left) / Fraction(right)


def _floor_divide(left: Any, right: Any) -> Any:
    _divisor(left, right, "//")
    return left // right


def _remainder(left: Any, right: Any) -> Any:
    _divisor(left, right, "%")
    return left % right


def _signed(sign: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        if kind_of(value) != "数字":
            raise Mistake(f"{kind_of(value)}前面不能加正负号")
        return sign(value)

    return apply


def _is_in(item: Any, container: Any) -> bool:
    if container is None:
        return False
    if type(container) is list:
        return item in container
    if type(container) is str:
        if item is not None and type(item) is not str:
            raise Mistake(f"文字里不能找{kind_of(item)}")
        return item is not None and item in container
    raise Mistake(f"in 的右边要是清单，这里是{kind_of(container)}")


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "//": _floor_divide,
    "%": _remainder,
}
UNARY: dict[str, Callable[[Any], Any]] = {
    "minus": _signed(operator.neg),
    "plus": _signed(operator.pos),
}
RELATIONS: dict[
    str, Callable[[Any, Any], bool]
] = {  # hold between any two values, missing ones too
    "==": operator.eq,
    "!=": operator.ne,
    "in": _is_in,
    "not in": lambda item, container: not _is_in(item, container),
}
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {  # only between present values of one kind
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
