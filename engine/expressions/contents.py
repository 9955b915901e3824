"""What an expression contains: its tree, the facts it uses, the numbers written in it, the
functions it calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.expressions.registry import ROW, over_rows
from engine.expressions.tree import Node, tree_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def tree_in(text: str) -> list[Any]:
    """The tree of `text` as JSON, see engine/expressions/tree.py; ProcessFault if it cannot be
    read.
    """
    return tree_of(text).plain()


def names_in(text: str) -> set[str]:
    """The dotted names of the facts that `text` uses, e.g. {"review.decision"}; ProcessFault if it
    cannot be read.
    """
    return facts_of(tree_of(text))


def numbers_in(text: str) -> list[int]:
    """The numbers written in `text`, from left to right, a minus sign included; ProcessFault if it
    cannot be read.
    """
    nodes = list(tree_of(text).walk())
    negative = {id(node.args[0]) for node in nodes if node.op == "minus"}
    return [
        -node.args[0] if id(node) in negative else node.args[0]
        for node in nodes
        if node.op == "number"
    ]


def compared_in(text: str) -> list[tuple[str, str]]:
    """Each fact that `text` compares with a text written out, by == != in or `not in`, and that
    text: {review.decision == "file"} gives ("review.decision", "file"); a list gives each of its
    texts, and `"a" in list` the fact that is the list.
    """
    found = []
    for node in tree_of(text).walk():
        if node.op == "compare":
            operands, signs = node.args[::2], node.args[1::2]
            for left, sign, right in zip(operands, signs, operands[1:], strict=False):
                found += _compared(left, sign, right)
    return found


def _compared(left: Node, sign: str, right: Node) -> list[tuple[str, str]]:
    if sign not in ("==", "!=", "in", "not in"):
        return []
    if right.op == "fact" and _is_text(left):
        left, right = right, left
    if left.op != "fact":
        return []
    given = right.args if right.op == "list" else (right,)
    return [(".".join(left.args), each.args[0]) for each in given if _is_text(each)]


def calls_in(text: str) -> list[tuple[str, list[object]]]:
    """Each function that `text` calls, from left to right, with those of its arguments that are
    literals.
    """
    return [
        (name, [_literal(node) for node in arguments if _is_literal(node)])
        for name, arguments in calls_of(tree_of(text))
    ]


def texts_in(text: str) -> list[tuple[str, list[str | None]]]:
    """Each function that `text` calls, from left to right, with all its arguments: a text written
    out, or else None.
    """
    return [
        (name, [node.args[0] if _is_text(node) else None for node in arguments])
        for name, arguments in calls_of(tree_of(text))
    ]


def facts_of(tree: Node) -> set[str]:
    """The dotted names of the facts in a tree; what is asked of each row of a table, `row.amount`,
    is a fact of that table: `invoices.amount`.
    """
    return {".".join(names) for names in _facts(tree, ())}


def _facts(node: Node, row: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The names of each fact; those of `row` stand where it is asked of each row of a table."""
    if node.op == "fact":
        head, *rest = node.args
        yield (*row, *rest) if head == ROW and row else tuple(node.args)
        return
    args = [each for each in node.args if isinstance(each, Node)]
    if node.op == "call" and over_rows(node.args[0]) and len(args) == 2:
        yield from _facts(args[0], row)
        yield from _facts(args[1], table_of(args[0], row))
        return
    for each in args:
        yield from _facts(each, row)


def table_of(rows: Node, row: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The name of the table whose rows a node gives: () where none is named."""
    if rows.op == "fact":
        head, *rest = rows.args
        return (*row, *rest) if head == ROW and row else tuple(rows.args)
    if rows.op == "call" and over_rows(rows.args[0]) and len(rows.args) > 1:
        return table_of(rows.args[1], row)
    return ()


def calls_of(tree: Node) -> list[tuple[str, tuple[Node, ...]]]:
    """The names and the arguments of the calls in a tree, from left to right."""
    return [(node.args[0], node.args[1:]) for node in tree.walk() if node.op == "call"]


def _is_text(node: Node) -> bool:
    return node.op == "value" and isinstance(node.args[0], str)


def _is_literal(node: Node) -> bool:
    if node.op in ("minus", "plus"):
        return bool(node.args[0].op == "number")
    return node.op in ("number", "value") or (
        node.op == "list" and all(map(_is_literal, node.args))
    )


def _literal(node: Node) -> object:
    if node.op == "list":
        return [_literal(each) for each in node.args]
    if node.op == "minus":
        return -node.args[0].args[0]
    return node.args[0].args[0] if node.op == "plus" else node.args[0]
