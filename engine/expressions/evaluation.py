"""Evaluates an expression: our values, our operators, and a counter of steps."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from simpleeval import SimpleEval

from engine.errors import Conflict, EngineError, ProcessFault
from engine.expressions.functions import BUILT_IN
from engine.expressions.operators import OPERATORS, ORDERINGS
from engine.expressions.tree import fault_of, tree_of
from engine.expressions.values import CONSTANTS, ORDERED, Mistake, has_facts_inside, kind_of, plain

MAX_STEPS = 2_000
ELEMENTS_PER_STEP = (
    50  # a list costs one step for each 50 elements, so no expression passes over more than 100,000
)


def evaluate(
    text: str, facts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]] | None = None
) -> Any:
    """The value of `text`: int, Fraction, str, bool, None, date, datetime or a list of them.

    A missing fact is None. Every failure is a ProcessFault that says what is wrong in the author's words.
    """
    tree = tree_of(text)
    try:
        value = _Evaluator(facts, functions or {})._eval(tree)
    except Mistake as mistake:
        raise fault_of(text, str(mistake)) from mistake.__cause__
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise fault_of(text, "值的类型不合") from error
    if has_facts_inside(value):
        raise fault_of(text, "结果是一组事实，请写到其中一项")
    return value


class _Evaluator(SimpleEval):  # type: ignore[misc]
    """simpleeval's walk over the tree with our nodes, our values and a step counter; made anew for each evaluation."""

    def __init__(
        self, facts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
    ) -> None:
        # The parent's constructor is left out on purpose: it installs nodes that we refuse and costs more than a run.
        self.names, self.functions, self.operators = facts, functions, OPERATORS
        self.steps = 0

    def _eval(self, node: ast.AST) -> Any:
        self._spend(1)
        return _HANDLERS[type(node)](self, node)

    def _spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise Mistake("计算量太大")

    def _taken(self, value: Any, source: str) -> Any:
        """A plain value; a list is paid for by its length."""
        if type(value) is list or type(value) is tuple:
            self._spend(len(value) // ELEMENTS_PER_STEP)
        return plain(value, source)

    def _eval_constant(self, node: ast.Constant) -> Any:
        return node.value

    def _eval_name(self, node: ast.Name) -> Any:
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        return self._taken(self.names.get(node.id), node.id)

    def _eval_attribute(self, node: ast.Attribute) -> Any:
        owner = self._eval(node.value)
        if owner is None:
            return None
        if type(owner) is not dict:
            raise Mistake(f"{ast.unparse(node.value)} 是{kind_of(owner)}，没有下一级 {node.attr}")
        return self._taken(owner.get(node.attr), node.attr)

    def _eval_list(self, node: ast.List) -> list[Any]:
        return [self._eval(each) for each in node.elts]

    def _eval_unaryop(self, node: ast.UnaryOp) -> Any:
        value = self._eval(node.operand)
        if not isinstance(node.op, ast.Not):
            _present(node.operand, value)
        return self.operators[type(node.op)](value)

    def _eval_binop(self, node: ast.BinOp) -> Any:
        left, right = self._eval(node.left), self._eval(node.right)
        _present(node.left, left)
        _present(node.right, right)
        return self._taken(self.operators[type(node.op)](left, right), "计算结果")

    def _eval_compare(self, node: ast.Compare) -> bool:
        left_node, left = node.left, self._eval(node.left)
        for sign, right_node in zip(node.ops, node.comparators, strict=True):
            right = self._eval(right_node)
            if not self._holds(sign, (left_node, left), (right_node, right)):
                return False
            left_node, left = right_node, right
        return True

    def _holds(
        self, sign: ast.cmpop, left: tuple[ast.expr, Any], right: tuple[ast.expr, Any]
    ) -> bool:
        ordering = ORDERINGS.get(type(sign))
        if ordering is None:
            return bool(self.operators[type(sign)](left[1], right[1]))
        _present(*left)
        _present(*right)
        if kind_of(left[1]) != kind_of(right[1]) or kind_of(left[1]) not in ORDERED:
            raise Mistake(f"{kind_of(left[1])}与{kind_of(right[1])}不能用 {ordering[0]} 比较")
        return ordering[1](left[1], right[1])

    def _eval_call(self, node: ast.Call) -> Any:
        name: str = node.func.id  # type: ignore[attr-defined]
        function = self.functions.get(name) or BUILT_IN.get(name)
        if function is None:
            raise Mistake(f"没有函数 {name}()")
        return self._taken(
            _called(name, function, [self._eval(each) for each in node.args]), f"{name}()"
        )


_HANDLERS: dict[type[ast.AST], Callable[[_Evaluator, Any], Any]] = {
    ast.Constant: _Evaluator._eval_constant,
    ast.Name: _Evaluator._eval_name,
    ast.Attribute: _Evaluator._eval_attribute,
    ast.List: _Evaluator._eval_list,
    ast.UnaryOp: _Evaluator._eval_unaryop,
    ast.BinOp: _Evaluator._eval_binop,
    ast.BoolOp: _Evaluator._eval_boolop,
    ast.Compare: _Evaluator._eval_compare,
    ast.IfExp: _Evaluator._eval_ifexp,
    ast.Call: _Evaluator._eval_call,
}


def _present(node: ast.expr, value: Any) -> None:
    if value is None:
        raise Mistake(f"事实 {ast.unparse(node)} 还没有值，不能比较大小或计算")


def _called(name: str, function: Callable[..., Any], arguments: list[Any]) -> Any:
    """The function's result. A database error passes through untouched: whoever holds the transaction may retry."""
    try:
        return function(*arguments)
    except (Mistake, ProcessFault, Conflict):
        raise
    except EngineError as error:
        raise Mistake(f"{name}() 不成立：{error.message}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise Mistake(f"{name}() 的参数不对") from error
