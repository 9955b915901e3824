"""The tree of an expression: the one form in which it is checked, evaluated, and sent to a page.

A node is an operation with its arguments in the order in which they are written. As JSON it is a
list:

    ["number", "12"]  ["value", "text" | true | false | null]   literals; a number as digits, for
                                                                it may be large
    ["fact", "review", "decision"]                              a fact by its dotted name; null
                                                                where it is missing
    ["list", …]  ["call", "sum", …]                             a list; a named function of
                                                                its arguments
    ["and", a, b, …]  ["or", a, b, …]  ["not", a]               `and`, `or`: the operand that
                                                                decides, else the last
    ["if", a, c, b]                                             a if c else b
    ["minus", a]  ["plus", a]  ["+" "-" "*" "/" "//" "%", a, b]
    ["compare", a, "<", b, "!=", c]                             a < b != c; also == <= > >= in,
                                                                not in

engine/expressions/evaluation.py evaluates it in Python and webui/static/expressions.js in a page,
alike.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine.errors import ProcessFault
from engine.expressions.syntax import MAX_CHARACTERS, SIGNS, parsed
from engine.expressions.values import CONSTANTS
from engine.messages import Listed, _


@dataclass(frozen=True, slots=True)
class Node:
    """An operation. `args` are nodes, but for names, literals and the signs of a comparison;
    `written` is its text.
    """

    op: str
    args: tuple[Any, ...]
    written: str

    def walk(self) -> Iterator[Node]:
        """This node and all below it, from left to right."""
        yield self
        for each in self.args:
            if isinstance(each, Node):
                yield from each.walk()

    def plain(self) -> list[Any]:
        """The node as JSON."""
        if self.op == "number":
            return ["number", str(self.args[0])]
        return [self.op, *(each.plain() if isinstance(each, Node) else each for each in self.args)]


def tree_of(text: str) -> Node:
    """The tree of `text`; ProcessFault if it cannot be read."""
    tree, wrong = readable(text)
    if tree is None or wrong:
        raise fault_of(text, Listed(wrong, "；"))
    return tree


def fault_of(text: str, wrong: str) -> ProcessFault:
    """What is wrong with `text`, shown short and printable."""
    shown = "".join(c if c.isprintable() else "?" for c in str(text)[:80])
    return ProcessFault(
        _("表达式“{shown}”有误：{wrong}", shown=shown, wrong=wrong), element=shown, advice=wrong
    )


def readable(text: str) -> tuple[Node | None, tuple[str, ...]]:
    """The tree of `text` (None if there is none) and its faults; with faults it may hold what
    cannot be evaluated.
    """
    if not isinstance(text, str):
        return None, (_("表达式应是文字，这里是 {type}", type=type(text).__name__),)
    return _read(text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS + 1])


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[Node | None, tuple[str, ...]]:
    tree, wrong, source = parsed(text)
    return (None if tree is None else _Reader(source).node(tree)), wrong


class _Reader:
    """Makes nodes of Python's."""

    def __init__(self, source: str) -> None:
        self.source = source

    def node(self, python: ast.AST) -> Node:
        read: _Read = READERS.get(type(python), _Reader._unreadable)
        op, args = read(self, python)
        return Node(op, tuple(args), ast.get_source_segment(self.source, python) or "")

    def _nodes(self, several: list[ast.expr]) -> list[Any]:
        return [self.node(each) for each in several]

    def _constant(self, python: ast.Constant) -> tuple[str, list[Any]]:
        return ("number" if type(python.value) is int else "value"), [python.value]

    def _name(self, python: ast.Name) -> tuple[str, list[Any]]:
        if python.id in CONSTANTS:
            return "value", [CONSTANTS[python.id]]
        return "fact", [python.id]

    def _attribute(self, python: ast.Attribute) -> tuple[str, list[Any]]:
        names, owner = [python.attr], python.value
        while isinstance(owner, ast.Attribute):
            names, owner = [owner.attr, *names], owner.value
        if not isinstance(owner, ast.Name):
            return UNREADABLE, [self.node(owner)]
        return "fact", [owner.id, *names]

    def _list(self, python: ast.List) -> tuple[str, list[Any]]:
        return "list", self._nodes(python.elts)

    def _operation(self, python: ast.BoolOp | ast.UnaryOp | ast.BinOp) -> tuple[str, list[Any]]:
        sign = SIGNS.get(type(python.op), UNREADABLE)
        return sign, [self.node(each) for each in OPERANDS[type(python)](python)]

    def _compare(self, python: ast.Compare) -> tuple[str, list[Any]]:
        args: list[Any] = [self.node(python.left)]
        for sign, right in zip(python.ops, python.comparators, strict=True):
            args += [SIGNS.get(type(sign), UNREADABLE), self.node(right)]
        return "compare", args

    def _ifexp(self, python: ast.IfExp) -> tuple[str, list[Any]]:
        return "if", self._nodes([python.body, python.test, python.orelse])

    def _call(self, python: ast.Call) -> tuple[str, list[Any]]:
        if not isinstance(python.func, ast.Name):
            return self._unreadable(python)
        given = [*python.args, *(each.value for each in python.keywords)]
        return "call", [python.func.id, *self._nodes(given)]

    def _unreadable(self, python: ast.AST) -> tuple[str, list[Any]]:
        """What is refused, kept only so that the names inside it are checked too."""
        return UNREADABLE, [
            self.node(each)
            for each in ast.iter_child_nodes(python)
            if not isinstance(each, (ast.operator, ast.unaryop, ast.cmpop, ast.expr_context))
        ]


UNREADABLE = "?"
OPERANDS: dict[type[ast.AST], Callable[[Any], list[ast.expr]]] = {
    ast.BoolOp: lambda python: python.values,
    ast.UnaryOp: lambda python: [python.operand],
    ast.BinOp: lambda python: [python.left, python.right],
}
_Read = Callable[[_Reader, Any], tuple[str, list[Any]]]
READERS: dict[type[ast.AST], _Read] = {
    ast.Constant: _Reader._constant,
    ast.Name: _Reader._name,
    ast.Attribute: _Reader._attribute,
    ast.List: _Reader._list,
    **dict.fromkeys(OPERANDS, _Reader._operation),
    ast.Compare: _Reader._compare,
    ast.IfExp: _Reader._ifexp,
    ast.Call: _Reader._call,
}
