"""Collects the Chinese texts of modules that know no gettext: constants, f-strings and sums of them as "… {0} …"."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CHINESE = re.compile(r"[\u3400-\u9fff]")
_CODE = re.compile(r"\\|!\$")  # a regular expression, an address in a spreadsheet
_NAMED = re.compile(r"\{\w*\}")
_GETTEXT = {"_", "_l", "Message", "gettext", "ngettext", "lazy_gettext"}
_FAULTS = {
    "EngineError",
    "Refused",
    "NotFound",
    "Conflict",
    "Invalid",
    "ProcessFault",
    "Unavailable",
    "HistoryBroken",
}
Found = tuple[int, str, str, list[str]]


def extract(
    fileobj: IO[bytes], _keywords: object, _tags: object, options: Mapping[str, Any]
) -> Iterable[Found]:
    """A Babel extraction method: (line, function, message, comments) for each text."""
    tree = ast.parse(fileobj.read())
    seen = set()
    for line, text in _texts(tree, options.get("twins") == "yes"):
        if text not in seen:
            seen.add(text)
            yield line, "", text, []


def _texts(tree: ast.AST, twins: bool) -> Iterator[tuple[int, str]]:
    skipped = set(_skipped(tree, twins))
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        said = (
            ast.get_docstring(node)
            if isinstance(node, ast.ClassDef) and node.name in _FAULTS
            else None
        )
        if said and CHINESE.search(said):
            yield getattr(node, "lineno", 0), said
        if id(node) in skipped or _is_gettext(node):
            continue
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
            text, inside = _pattern(node)
            if text is not None:
                if CHINESE.search(text) and not _CODE.search(text):
                    yield node.lineno, text
                todo += inside
                continue
        todo += ast.iter_child_nodes(node)


def _is_gettext(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _GETTEXT
    )


def _skipped(tree: ast.AST, twins: bool) -> Iterator[int]:
    """Docstrings, examples and other names of columns, and texts with their English right behind them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)
        if isinstance(node, ast.keyword) and node.arg == "also":
            yield id(node.value)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Column":
            yield from map(id, node.args[4:])
        if twins or not isinstance(node, ast.Tuple | ast.List | ast.Call | ast.IfExp):
            continue
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _FAULTS:
            continue
        for one, other in pairwise(_row(node)):
            mine, its = _pattern(one)[0], _pattern(other)[0]
            if (
                CHINESE.search(mine or "")
                and re.search("[A-Za-z]", its or "")
                and not CHINESE.search(its or "")
            ):
                yield id(one)


def _row(node: ast.Tuple | ast.List | ast.Call | ast.IfExp) -> list[ast.expr]:
    if isinstance(node, ast.Call):
        return node.args
    return [node.orelse, node.body] if isinstance(node, ast.IfExp) else node.elts


def _pattern(node: ast.AST) -> tuple[str | None, list[ast.AST]]:
    """The text of a node with {0}, {1} … for what is filled in, and the nodes that are filled in; None when it is no text."""
    parts, inside = list(_parts(node)), list[ast.AST]()
    if not any(isinstance(part, str) for part in parts):
        return None, []
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
        else:
            text += f"{{{len(inside)}}}"
            inside.append(part)
    if not inside:
        names = iter(range(99))
        text = _NAMED.sub(lambda _: f"{{{next(names)}}}", text)  # filled in by str.format
    return text, inside


def _parts(node: ast.AST) -> Iterator[str | ast.AST]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for value in node.values:
            yield (
                str(value.value)
                if isinstance(value, ast.Constant)
                else getattr(value, "value", value)
            )
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _parts(node.left)
        yield from _parts(node.right)
    else:
        yield node
