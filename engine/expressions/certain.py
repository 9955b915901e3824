"""What fails whatever the facts are: a division by zero, an order of null, a text beside a
number.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.expressions.evaluation import mistake_in
from engine.expressions.operators import BINARY, ORDERINGS
from engine.expressions.tree import Node
from engine.expressions.values import ORDERED, kind_of
from engine.messages import _

_DIVISIONS = frozenset({"/", "//", "%"})
_OPEN = frozenset({"fact", "call"})  # what is not known before there are facts
_WRITTEN = frozenset({"number", "value", "list"})


def certain_mistakes(tree: Node) -> list[str]:
    """The mistakes that every evaluation would meet, each once, in the order of the text."""
    return list(dict.fromkeys(_mistakes(tree)))


def _mistakes(node: Node) -> Iterator[str]:
    """Of the innermost operations first: what stands around a mistake makes no other."""
    inner = [wrong for each in node.args if isinstance(each, Node) for wrong in _mistakes(each)]
    if inner:
        yield from inner
    elif not any(each.op in _OPEN for each in node.walk()):  # it has one value always
        if node.op not in _WRITTEN and (wrong := mistake_in(node)):
            yield wrong
    elif node.op == "compare":
        yield from _orderings(node)
    elif node.op in BINARY:
        yield from _reckoning(node)


def _orderings(node: Node) -> Iterator[str]:
    """Only numbers, texts, days and moments have an order."""
    left, *rest = node.args
    for sign, right in zip(rest[::2], rest[1::2], strict=True):
        for operand in (left, right) if sign in ORDERINGS else ():
            if operand.op == "value" and kind_of(operand.args[0]) not in ORDERED:
                yield _("{value} 不能用 {sign} 比较大小", value=operand.written, sign=sign)
        left = right


def _reckoning(node: Node) -> Iterator[str]:
    left, right = node.args
    for operand in (left, right):
        if operand.op == "value" and not isinstance(operand.args[0], str):
            yield _("{value} 不能用 {sign} 计算", value=operand.written, sign=node.op)
    if node.op in _DIVISIONS and right.op == "number" and right.args[0] == 0:
        yield _("除数为零")
