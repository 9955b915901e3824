"""How the files look: lines, columns, exceptions from the formatter."""

from __future__ import annotations

import ast
import io
import re
import shutil
import subprocess
import sys
import tempfile
import tokenize
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from tests.measure import tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.measure.tree import Source

COLUMNS, PAGE_COLUMNS, FILE_LINES = 100, 140, 400
IN_ONE = {  # files that stay one file however long, and why
    "engine/history/verify_pack.py": "goes into every evidence pack as it is and stands alone there",
}
PAGES = ("templates/**/*.html", "static/*.css", "static/css/**/*.css")

_EXCEPTION = re.compile(r"[ \t]*# fmt: (skip|off|on)\b.*")


def width(text: str) -> int:
    """Columns on a screen: an East Asian wide or full-width character takes two."""
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


def skips(sources: Iterable[Source]) -> list[tuple[str, str]]:
    """Every `fmt: skip` and `fmt: off` as ("path:line", its reason): what the comment says beside it; "" without one."""
    found = []
    for source in sources:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            mark = next((m for m in ("fmt: skip", "fmt: off") if m in token.string), "")
            if token.type == tokenize.COMMENT and mark:
                reason = token.string.replace(mark, "").strip("#:;,-–— ()")
                found.append((f"{source.path}:{token.start[0]}", reason))
    return found


def long_lines(sources: Iterable[Source]) -> list[str]:
    """Lines over 100 columns that stay so when the strings on them are taken out, as "path:line". Comments are no strings."""
    return [
        f"{source.path}:{number}"
        for source in sources
        for number, line in _wide(source)
        if width(_without(line, _spans(_outermost(source.tree)).get(number, []))) > COLUMNS
    ]


def long_docstrings(sources: Iterable[Source]) -> list[str]:
    """Lines of docstrings over 100 columns, which could be broken, as "path:line"."""
    return [
        f"{source.path}:{number}"
        for source in sources
        for number, _ in _wide(source)
        if number in _spans(_docstrings(source.tree))
    ]


def _wide(source: Source) -> list[tuple[int, str]]:
    lines = enumerate(source.text.splitlines(), 1)
    return [(number, line) for number, line in lines if width(line) > COLUMNS]


def _without(line: str, spans: list[tuple[int, int]]) -> str:
    data = line.encode()
    for start, end in sorted(spans, reverse=True):
        data = data[:start] + data[end:]
    return data.decode()


def _spans(strings: Iterable[ast.expr]) -> dict[int, list[tuple[int, int]]]:
    """Line number -> byte spans of these strings on it."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for node in strings:
        for number in range(node.lineno, (node.end_lineno or 0) + 1):
            start = node.col_offset if number == node.lineno else 0
            end = (node.end_col_offset or 0) if number == node.end_lineno else sys.maxsize
            spans.setdefault(number, []).append((start, end))
    return spans


def _outermost(node: ast.AST) -> Iterator[ast.expr]:
    """The strings that stand in no other string."""
    for child in ast.iter_child_nodes(node):
        literal = isinstance(child, ast.Constant) and isinstance(child.value, str | bytes)
        if isinstance(child, ast.expr) and (literal or isinstance(child, ast.JoinedStr)):
            yield child
        else:
            yield from _outermost(child)


def _docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, owners) and ast.get_docstring(node, clean=False) is not None:
            statement = node.body[0]
            assert isinstance(statement, ast.Expr)
            yield statement.value


def long_files(sources: Iterable[Source]) -> list[tuple[str, int]]:
    """Python files over 400 lines, blank ones counted, longest first; those apart that have a
    reason to be one file.
    """
    split = (s for s in sources if not s.is_migration and s.path.as_posix() not in IN_ONE)
    sizes = [(str(s.path), len(s.text.splitlines())) for s in split]
    return sorted((each for each in sizes if each[1] > FILE_LINES), key=lambda each: -each[1])


def lines(sources: Iterable[Source]) -> int:
    """Lines of Python as they stand, blank ones counted, migrations too."""
    return sum(len(source.text.splitlines()) for source in sources)


def formatted(root: Path) -> list[Source]:
    """The product's files after `ruff format` at 100 columns, exceptions from it taken away, so that two checkouts compare.

    `root` itself stays as it is.
    """
    with tempfile.TemporaryDirectory() as folder:
        for package in tree.PACKAGES:
            shutil.copytree(
                root / package,
                Path(folder) / package,
                ignore=lambda at, names: [
                    name for name in names if not name.endswith(".py") and "." in name
                ],
            )
        for file in Path(folder).rglob("*.py"):
            file.write_text(_EXCEPTION.sub("", file.read_text("utf-8")), "utf-8")
        ruff = Path(sys.executable).parent / "ruff"
        command = [ruff, "format", "--quiet", "--isolated", "--line-length", str(COLUMNS), folder]
        subprocess.run(command, check=True)
        return tree.read(Path(folder))


def long_page_lines(root: Path) -> list[str]:
    """Lines over 140 columns in templates and the product's own style sheets (not the vendors'), as "path:line"."""
    files = sorted({path for each in PAGES for path in (root / "webui").glob(each)})
    return [
        f"{path.relative_to(root)}:{number}"
        for path in files
        if "vendor" not in path.parts
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if width(line) > PAGE_COLUMNS
    ]
