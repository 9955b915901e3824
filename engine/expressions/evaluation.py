"""Evaluates an expression: our values, our operators, and a counter of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import Conflict, EngineError, ProcessFault
from engine.expressions.functions import BUILT_IN
from engine.expressions.operators import BINARY, ORDERINGS, RELATIONS, UNARY
from engine.expressions.registry import ROW, over_rows
from engine.expressions.tree import Node, fault_of, tree_of
from engine.expressions.values import (
    ORDERED,
    Mistake,
    are_rows,
    column,
    has_facts_inside,
    kind_of,
    plain,
)
from engine.messages import _

MAX_STEPS = 10_000  # enough to ask something of each of 200 rows
ELEMENTS_PER_STEP = (
    50  # a list costs one step for each 50 elements, so no expression passes over more than 500,000
)


def evaluate(
    text: str, facts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]] | None = None
) -> Any:
    """The value of `text`: int, Fraction, str, bool, None, date, datetime or a list of them.

    A missing fact is None. Every failure is a ProcessFault that says what is wrong in the author's
    words.
    """
    tree = tree_of(text)
    try:
        value = _Evaluation(facts, functions or {}).of(tree)
    except Mistake as mistake:
        raise fault_of(text, mistake.args[0]) from mistake.__cause__
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise fault_of(text, _("值的类型不合")) from error
    if has_facts_inside(value):
        raise fault_of(text, _("结果是一组事实，请写到其中一项"))
    return value


def mistake_in(node: Node) -> str | None:
    """Why an operation on written values alone fails; None when it does not."""
    try:
        _Evaluation({}, {}).of(node)
    except Mistake as mistake:
        wrong: str = mistake.args[0]  # a message
        return wrong
    except (TypeError, ValueError, ArithmeticError, RecursionError):
        return _("值的类型不合")
    return None


class _Evaluation:
    """One walk over a tree, which counts its steps."""

    def __init__(
        self, facts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
    ) -> None:
        self.facts, self.functions, self.steps = facts, functions, 0

    def of(self, node: Node) -> Any:
        self._spend(1)
        return OPERATIONS[node.op](self, node)

    def _spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise Mistake(_("计算量太大"))

    def _taken(self, value: object, source: str) -> Any:
        """A plain value; a list is paid for by its length."""
        if type(value) is list or type(value) is tuple:
            self._spend(len(value) // ELEMENTS_PER_STEP)
        return plain(value, source)

    def _present(self, node: Node) -> Any:
        return _present(node, self.of(node))

    def _literal(self, node: Node) -> Any:
        return node.args[0]

    def _fact(self, node: Node) -> Any:
        value = self._taken(self.facts.get(node.args[0]), node.args[0])
        for depth, name in enumerate(node.args[1:], 1):
            self._spend(1)
            if value is None:
                return None
            if value and are_rows(value):
                value = self._taken(column(value, name), name)
                continue
            if type(value) is not dict:
                if value == []:  # a table without rows
                    return value
                owner = ".".join(node.args[:depth])
                raise Mistake(
                    _(
                        "{owner} 是{kind}，没有下一级 {name}",
                        owner=owner,
                        kind=kind_of(value),
                        name=name,
                    )
                )
            value = self._taken(value.get(name), name)
        return value

    def _list(self, node: Node) -> list[Any]:
        return [self.of(each) for each in node.args]

    def _and(self, node: Node) -> Any:
        value = None
        for each in node.args:
            if not (value := self.of(each)):
                break
        return value

    def _or(self, node: Node) -> Any:
        value = None
        for each in node.args:
            if value := self.of(each):
                break
        return value

    def _not(self, node: Node) -> bool:
        return not self.of(node.args[0])

    def _unary(self, node: Node) -> Any:
        return UNARY[node.op](self._present(node.args[0]))

    def _binary(self, node: Node) -> Any:
        left, right = self.of(node.args[0]), self.of(node.args[1])
        _present(node.args[0], left)
        _present(node.args[1], right)
        return self._taken(BINARY[node.op](left, right), _("计算结果"))

    def _if(self, node: Node) -> Any:
        then, condition, otherwise = node.args
        return self.of(then if self.of(condition) else otherwise)

    def _compare(self, node: Node) -> bool:
        left, *rest = node.args
        value = self.of(left)
        for sign, right in zip(rest[::2], rest[1::2], strict=True):
            other = self.of(right)
            if sign in RELATIONS:
                holds = RELATIONS[sign](value, other)
            else:
                holds = _ordered(sign, _present(left, value), _present(right, other))
            if not holds:
                return False
            left, value = right, other
        return True

    def _call(self, node: Node) -> Any:
        name, *arguments = node.args
        function = self.functions.get(name) or BUILT_IN.get(name)
        if function is None:
            raise Mistake(_("没有函数 {name}()", name=name))
        if over_rows(name) and len(arguments) == 2:
            rows = self.of(arguments[0])
            given = [rows, self._of_each(rows, arguments[1])]
        else:
            given = [self.of(each) for each in arguments]
        return self._taken(_called(name, function, given), f"{name}()")

    def _of_each(self, rows: object, asked: Node) -> list[Any]:
        """The value of `asked` of each row, which it calls `row`."""
        around, values = self.facts, []
        try:
            for row in rows if are_rows(rows) else ():
                self.facts = {**around, ROW: row}
                values.append(self.of(asked))
        finally:
            self.facts = around
        return values


OPERATIONS: dict[str, Callable[[_Evaluation, Node], Any]] = {
    "number": _Evaluation._literal,
    "value": _Evaluation._literal,
    "fact": _Evaluation._fact,
    "list": _Evaluation._list,
    "and": _Evaluation._and,
    "or": _Evaluation._or,
    "not": _Evaluation._not,
    **dict.fromkeys(UNARY, _Evaluation._unary),
    **dict.fromkeys(BINARY, _Evaluation._binary),
    "if": _Evaluation._if,
    "compare": _Evaluation._compare,
    "call": _Evaluation._call,
}


def _present(node: Node, value: object) -> Any:
    if value is None:
        raise Mistake(_("事实 {written} 还没有值，不能比较大小或计算", written=node.written))
    return value


def _ordered(sign: str, left: object, right: object) -> bool:
    if kind_of(left) != kind_of(right) or kind_of(left) not in ORDERED:
        raise Mistake(
            _(
                "{left}与{right}不能用 {sign} 比较",
                left=kind_of(left),
                right=kind_of(right),
                sign=sign,
            )
        )
    return ORDERINGS[sign](left, right)


def _called(name: str, function: Callable[..., Any], arguments: list[Any]) -> Any:
    """The function's result. A database error passes through untouched: whoever holds the
    transaction may retry.
    """
    try:
        return function(*arguments)
    except (Mistake, ProcessFault, Conflict):
        raise
    except EngineError as error:
        raise Mistake(_("{name}() 不成立：{message}", name=name, message=error.message)) from error
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise Mistake(_("{name}() 的参数不对", name=name)) from error
