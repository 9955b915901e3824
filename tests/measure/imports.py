"""Who imports whom, inside functions too: circles of files, and imports between the two doors."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from tests.measure.names import COMMANDS, QUERIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.measure.tree import Source

Graph = dict[str, set[str]]


def graph(sources: Iterable[Source], *, types: bool) -> Graph:
    """Module -> modules of the product that it imports, at its head or inside its functions.

    `types`: with the imports under `if TYPE_CHECKING`. `from a import b` means the module a.b where there is one, else a.
    """
    files = list(sources)
    known = {each.module for each in files}
    return {
        each.module: {
            found for found in _imported(each, known, types=types) if found != each.module
        }
        for each in files
    }


def _imported(source: Source, known: set[str], *, types: bool) -> Iterator[str]:
    for node in _statements(source.tree, types=types):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        else:
            base = _base(source, node)
            wanted = [
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base
                for alias in node.names
            ]
        yield from (name for name in wanted if name in known)


def _base(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = source.module.split(".")
    kept = parts[: len(parts) - node.level + source.is_package]
    return ".".join([*kept, node.module] if node.module else kept)


def _statements(tree: ast.AST, *, types: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in [*(node.body if types else []), *node.orelse]:
                yield from _statements(ast.Module([child], []), types=types)
        else:
            yield from _statements(node, types=types)


def circles(edges: Graph) -> list[list[str]]:
    """The sets of modules that reach one another (strongly connected, more than one), largest first."""
    reached = {module: _reach(edges, module) for module in edges}
    found = {
        tuple(sorted({module} | {other for other in reached[module] if module in reached[other]}))
        for module in edges
        if module in reached[module]
    }
    assert bool(found) is _has_cycle(edges)  # two ways of looking, one answer
    return sorted((list(each) for each in found), key=lambda each: (-len(each), each))


def _reach(edges: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = edges[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


def _has_cycle(edges: Graph) -> bool:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError:
        return True
    return False


def between_doors(edges: Graph) -> list[tuple[str, str]]:
    """Imports from commands to queries or from queries to commands, as (importer, imported)."""
    return sorted(
        (module, other)
        for module, others in edges.items()
        for other in others
        if {_door(module), _door(other)} == {COMMANDS, QUERIES}
    )


def _door(module: str) -> str:
    return next((d for d in (COMMANDS, QUERIES) if f"{module}.".startswith(f"{d}.")), "")
