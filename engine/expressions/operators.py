"""The operators: exact, and only between values that belong together."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, cast

from engine.expressions.values import NUMBER, Mistake, hashable, kind_of
from engine.messages import _

Number = int | Fraction
MAX_STRING = 10_000


def _numbers(left: object, right: object, sign: str) -> tuple[Number, Number]:
    """Both as numbers; a mistake when one is none."""
    if kind_of(left) != NUMBER or kind_of(right) != NUMBER:
        raise Mistake(
            _(
                "{left}与{right}之间不能用 {sign}",
                left=kind_of(left),
                right=kind_of(right),
                sign=sign,
            )
        )
    return cast("tuple[Number, Number]", (left, right))


def _add(left: object, right: object) -> object:
    if type(left) is list and type(right) is list:
        return left + right
    if type(left) is str and type(right) is str:
        if len(left) + len(right) > MAX_STRING:
            raise Mistake(_("拼出的文字超过 {most} 个字", most=MAX_STRING))
        return left + right
    one, other = _numbers(left, right, "+")
    return one + other


def _subtract(left: object, right: object) -> object:
    if type(left) is list and type(right) is list:
        hashable(left)
        gone = hashable(right)
        return [each for each in left if each not in gone]
    one, other = _numbers(left, right, "-")
    return one - other


def _between_numbers(
    sign: str, work: Callable[[Number, Number], Number], *, divides: bool = False
) -> Callable[[object, object], Number]:
    """`work` on two numbers; `divides`: the second may not be zero."""

    def apply(left: object, right: object) -> Number:
        one, other = _numbers(left, right, sign)
        if divides and other == 0:
            raise Mistake(_("除数为零"))
        return work(one, other)

    return apply


def _signed(sign: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def apply(value: object) -> Any:
        if kind_of(value) != NUMBER:
            raise Mistake(_("{kind}前面不能加正负号", kind=kind_of(value)))
        return sign(value)

    return apply


def _is_in(item: object, container: object) -> bool:
    if container is None:
        return False
    if type(container) is list:
        return item in container
    if type(container) is str:
        if item is not None and type(item) is not str:
            raise Mistake(_("文字里不能找{kind}", kind=kind_of(item)))
        return item is not None and item in container
    raise Mistake(_("in 的右边要是清单，这里是{kind}", kind=kind_of(container)))


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": _subtract,
    "*": _between_numbers("*", operator.mul),
    "/": _between_numbers("/", Fraction, divides=True),
    "//": _between_numbers("//", operator.floordiv, divides=True),
    "%": _between_numbers("%", operator.mod, divides=True),
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
