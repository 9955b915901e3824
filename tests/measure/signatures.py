"""What is said between functions: parameters typed `Any`, and calls that pass too much by position."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tests.measure.tree import Function

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.measure.tree import Source

ROWS = (
    "row",
    "poll",
    "task",
    "run",
    "found",
)  # parameters that are known rows and must have a type
MOST = 5


def any_parameters(sources: Iterable[Source]) -> list[str]:
    """Parameters annotated exactly `Any`, as "module.function(parameter)"; `*args` and `**kwargs` do not count."""
    return [
        f"{source.module}.{function.name}({given.arg})"
        for source in sources
        for function in source.functions
        for given in _parameters(function)
        if isinstance(given.annotation, ast.Name) and given.annotation.id == "Any"
    ]


def any_rows(sources: Iterable[Source]) -> list[str]:
    """Those of them that are named like a row."""
    return [each for each in any_parameters(sources) if each.rpartition("(")[2][:-1] in ROWS]


def _parameters(function: Function) -> list[ast.arg]:
    given = function.args
    return [*given.posonlyargs, *given.args, *given.kwonlyargs]


def long_calls(sources: Iterable[Source]) -> list[str]:
    """Calls of the product's own functions and classes with more than five arguments by position, as "path:line name".

    Own is whatever bears the name of a function or class defined in the product; `*args` counts as one argument.
    """
    files = list(sources)
    own = {
        node.name
        for source in files
        for node in ast.walk(source.tree)
        if isinstance(node, Function | ast.ClassDef)
    }
    return [
        f"{source.path}:{node.lineno} {_called(node)}"
        for source in files
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and len(node.args) > MOST and _called(node) in own
    ]


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""
