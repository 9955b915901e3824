"""How much a function does: syntax nodes of its body, and shreds that only one caller needs."""

from __future__ import annotations

import ast
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.measure.tree import Function

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.measure.tree import Source

SHRED_LINES = 3


@dataclass(frozen=True)
class Bodies:
    """Body nodes over all functions: how many functions, median, 90th percentile, sum."""

    functions: int
    median: float
    p90: float
    sum: int


def nodes(function: Function) -> int:
    """Nodes of the body as `ast.walk` gives them (contexts such as Load too), without the docstring.

    A nested function counts in the function around it, and for itself besides: moving it out changes the sum by nothing
    but what it saves.
    """
    return sum(1 for statement in _body(function) for _ in ast.walk(statement))


def _body(function: Function) -> list[ast.stmt]:
    has_docstring = ast.get_docstring(function, clean=False) is not None
    return function.body[1:] if has_docstring else function.body


def bodies(sources: Iterable[Source]) -> Bodies:
    """The figures over every function, migrations left out."""
    sizes = sorted(size for size, _ in largest(sources))
    middle, high = statistics.median(sizes), sizes[int(len(sizes) * 0.9)]
    return Bodies(len(sizes), middle, high, sum(sizes))


def largest(sources: Iterable[Source]) -> list[tuple[int, str]]:
    """(nodes, "module.name") of every function that is counted, largest first."""
    found = [
        (nodes(function), f"{source.module}.{function.name}")
        for source in sources
        if not source.is_migration
        for function in source.functions
    ]
    return sorted(found, reverse=True)


def shreds(sources: Iterable[Source]) -> list[str]:
    """Private functions whose body has at most three lines and whose name stands in one other place of the product.

    As "module.name". Names are counted, not resolved; the same private name in two files hides both, which errs to the
    mild side.
    """
    files = [source for source in sources if not source.is_migration]
    used = Counter(name for source in files for name in _names(source.tree))
    return [
        f"{source.module}.{function.name}"
        for source in files
        for function in source.functions
        if function.name.startswith("_")
        and not function.name.startswith("__")
        and _lines(function) <= SHRED_LINES
        and used[function.name] == 1
    ]


def _lines(function: Function) -> int:
    body = _body(function)
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _names(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
