"""The values that expressions know: plain data of a few kinds, within limits, and what a mistake
with them is.
"""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Any, TypeGuard

from engine.messages import _

MAX_NUMBER = 10**18
MAX_DECIMALS = 6  # of a quantity
CONSTANTS: dict[str, bool | None] = {
    "true": True,
    "false": False,
    "null": None,
}  # DMN, TOML and FEEL write them so
NUMBER, TEXT, DAY, MOMENT = _("数字"), _("文字"), _("日期"), _("时刻")
_KINDS: dict[type, str] = {
    int: NUMBER,
    Fraction: NUMBER,
    str: TEXT,
    bool: _("是否"),
    type(None): _("空值"),
    date: DAY,
    datetime: MOMENT,
    list: _("清单"),
    dict: _("一组事实"),
}
ORDERED = frozenset({NUMBER, TEXT, DAY, MOMENT})
SCALARS = frozenset({int, Fraction, str, bool, type(None), date, datetime})
_PLAIN = SCALARS - {int, Fraction} | {dict}


class Mistake(Exception):
    """What is wrong in an expression, in the author's words; `evaluate` makes a ProcessFault of
    it.
    """


def kind_of(value: object) -> str:
    """The kind of a value, as the author calls it."""
    return _KINDS.get(type(value), type(value).__name__)


def plain(value: Any, source: str) -> Any:
    """`value` if it is plain data (a tuple becomes a list), else a mistake that names its
    `source`.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int or kind is Fraction:
        if max(abs(value.numerator), value.denominator) > MAX_NUMBER:
            raise Mistake(_("{source} 的数字太大", source=source))
        return value
    if kind is list or kind is tuple:
        if not set(map(type, value)) <= SCALARS - {Fraction, int}:
            return [plain(each, source) for each in value]
        return value if kind is list else list(value)
    if kind is float:
        raise Mistake(_("{source} 是小数，只能使用整数或分数", source=source))
    raise Mistake(_("{source} 的值不是普通数据（{type}）", source=source, type=kind.__name__))


def are_rows(value: object) -> TypeGuard[list[dict[str, Any]]]:
    """Is this a table: a list, of rows only? An empty list may be one."""
    return type(value) is list and all(type(each) is dict for each in value)


def column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    """What stands in the rows under a name; where nothing does, the row says nothing."""
    return [row[name] for row in rows if row.get(name) is not None]


def has_facts_inside(value: object) -> bool:
    """True for a group of facts, also deep in lists."""
    return type(value) is dict or (type(value) is list and any(map(has_facts_inside, value)))


def hashable(elements: list[Any]) -> set[Any]:
    """The set of the elements; a mistake if there is a list among them."""
    try:
        return set(elements)
    except TypeError:
        raise Mistake(_("清单里还有清单，不能相减或去重")) from None
