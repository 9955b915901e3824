"""What an expression contains: the facts it uses, the numbers written in it, the functions it calls."""

from __future__ import annotations

import ast

from engine.expressions.tree import tree_of
from engine.expressions.values import CONSTANTS


def names_in(text: str) -> set[str]:
    """The dotted names of the facts that `text` uses, e.g. {"review.decision"}; ProcessFault if it cannot be read."""
    return facts_of(tree_of(text))


def numbers_in(text: str) -> list[int]:
    """The numbers written in `text`, from left to right, a minus sign included; ProcessFault if it cannot be read."""
    tree = tree_of(text)
    signed = {
        id(node.operand)
        for node in ast.walk(tree)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    }
    numbers = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and type(node.value) is int
    ]
    numbers.sort(key=lambda node: (node.lineno, node.col_offset))
    return [-int(node.value) if id(node) in signed else int(node.value) for node in numbers]  # type: ignore[arg-type]


def calls_in(text: str) -> list[tuple[str, list[object]]]:
    """Each function that `text` calls, from left to right, with those of its arguments that are literals."""
    return [
        (call.func.id, _literals(call))
        for call in calls_of(tree_of(text))
        if isinstance(call.func, ast.Name)
    ]


def facts_of(tree: ast.expr) -> set[str]:
    """The dotted names of the facts in a tree."""
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    inner |= {id(call.func) for call in calls_of(tree)}
    found = {_dotted(node) for node in ast.walk(tree) if id(node) not in inner}
    return {name for name in found if name and name not in CONSTANTS}


def _dotted(node: ast.AST) -> str | None:
    """`a.b.c` for a name with its attributes."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := _dotted(node.value)):
        return f"{head}.{node.attr}"
    return None


def calls_of(tree: ast.expr) -> list[ast.Call]:
    """The calls in a tree, from left to right."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return sorted(found, key=lambda call: (call.lineno, call.col_offset))


def _literals(call: ast.Call) -> list[object]:
    values: list[object] = []
    for argument in call.args:
        if isinstance(argument, ast.Name) and argument.id in CONSTANTS:
            values.append(CONSTANTS[argument.id])
            continue
        try:
            values.append(ast.literal_eval(argument))
        except (ValueError, TypeError):
            continue
    return values
