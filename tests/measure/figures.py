"""All figures of a checkout, by the names of the table of limits and some more that only inform."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from tests.measure import bodies, imports, layout, pages, signatures, tree

Figures = dict[str, float]


# where the larger figures come from, a line each
PLACES: dict[str, Callable[[Path], Iterable[object]]] = {
    "files in import circles": lambda root: imports.circles(_edges(root, types=False)),
    "files in import circles, types too": lambda root: imports.circles(_edges(root, types=True)),
    "imports between the doors": lambda root: imports.between_doors(_edges(root, types=False)),
    "imports between the doors, types too": lambda root: imports.between_doors(
        _edges(root, types=True)
    ),
    "body nodes, p90": lambda root: bodies.largest(_engine(tree.read(root))),
    "shreds": lambda root: bodies.shreds(_engine(layout.formatted(root))),
    "parameters typed Any": lambda root: signatures.any_parameters(tree.read(root)),
    "rows typed Any": lambda root: signatures.any_rows(tree.read(root)),
    "long positional calls": lambda root: signatures.long_calls(tree.read(root)),
    "lines over 100 columns": lambda root: layout.long_lines(tree.read(root)),
    "docstring lines over 100 columns": lambda root: layout.long_docstrings(tree.read(root)),
    "files over 400 lines": lambda root: layout.long_files(tree.read(root)),
    "page lines over 140 columns": layout.long_page_lines,
    "fmt: skip": lambda root: layout.skips(tree.read(root, (*tree.PACKAGES, "tests"))),
}


def _edges(root: Path, *, types: bool) -> imports.Graph:
    return imports.graph(tree.read(root), types=types)


def read(root: Path) -> Figures:
    """What reading the files shows; takes some seconds."""
    sources, same = tree.read(root), layout.formatted(root)
    return {
        **_rooms(sources),
        **_functions(_engine(sources), _engine(same)),
        "parameters typed Any": len(signatures.any_parameters(sources)),
        "rows typed Any": len(signatures.any_rows(sources)),
        "long positional calls": len(signatures.long_calls(sources)),
        **_layout(root, sources),
        "lines of Python, formatted": layout.lines(same),
    }


def _engine(sources: list[tree.Source]) -> list[tree.Source]:
    return [each for each in sources if each.module.startswith("engine")]


def _rooms(sources: list[tree.Source]) -> Figures:
    found: Figures = {}
    for types, more in ((False, ""), (True, ", types too")):
        edges = imports.graph(sources, types=types)
        found[f"files in import circles{more}"] = sum(map(len, imports.circles(edges)))
        found[f"imports between the doors{more}"] = len(imports.between_doors(edges))
    rooms = {tree.room(each.module) for each in sources} - set(tree.PACKAGES)
    for package in tree.PACKAGES:
        found[f"rooms of {package}"] = sum(each.startswith(f"{package}.") for each in rooms)
    return found


def _functions(engine: list[tree.Source], same: list[tree.Source]) -> Figures:
    """`same`: the engine after formatting, since shreds are counted by lines."""
    found = bodies.bodies(engine)
    return {
        "functions in engine": found.functions,
        "body nodes, median": found.median,
        "body nodes, p90": found.p90,
        "body nodes, sum": found.sum,
        "shreds": len(bodies.shreds(same)),
    }


def _layout(root: Path, sources: list[tree.Source]) -> Figures:
    skips = layout.skips([*sources, *tree.read(root, ("tests",))])  # the tests are formatted too
    return {
        "fmt: skip": len(skips),
        "fmt: skip without reason": sum(not reason for _, reason in skips),
        "lines over 100 columns": len(layout.long_lines(sources)),
        "docstring lines over 100 columns": len(layout.long_docstrings(sources)),
        "files over 400 lines": len(layout.long_files(sources)),
        "lines of Python": layout.lines(sources),
        "page lines over 140 columns": len(layout.long_page_lines(root)),
    }


def asked(found: pages.Figures) -> Figures:
    """What the pages needed with long lists, by the names of the table."""
    figures: Figures = {}
    for ground in ("errand", "motion"):
        measured = found[f"{ground} {pages.LENGTHS[-1]}"]
        for page, seen in measured.items():
            figures[f"{ground} {page}"] = len(seen["statements"])
        submit = measured["submit"]
        figures[f"{ground} submit, transactions"] = submit["transactions"]
        figures[f"{ground} submit, room changes"] = len(submit["changes"])
        figures[f"{ground} submit, room changes with pages"] = len(submit["with pages"])
        figures[f"{ground} submit, climbs"] = len(submit["climbs"])
    return figures
