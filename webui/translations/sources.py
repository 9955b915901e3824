"""What `make words` collects, by the module that a file has its `_` from: Babel extraction
methods.

`engine`: messages of engine.messages, and the docstrings of the errors, which are said when
nothing else is. `pages`: texts of flask_babel. A file may have both, each under its own name.
"""

from __future__ import annotations

import ast
import io
from typing import IO, TYPE_CHECKING, Any

from babel.messages.extract import extract_python

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Found = tuple[int, str, Any, list[str]]  # line, function, text or texts, comments

# what makes a text -> the function of gettext that Babel takes it for
ENGINE = {"_": "gettext", "Message": "gettext"}
PAGES = {"gettext": "gettext", "lazy_gettext": "gettext", "ngettext": "ngettext"}


def engine(
    file: IO[bytes], _keywords: object, tags: list[str], options: Mapping[str, Any]
) -> Iterable[Found]:
    """Messages of the engine, and of whoever else makes messages."""
    source = file.read()
    yield from _called(source, _imported(source, "engine.messages", ENGINE), tags, options)


def errors(
    file: IO[bytes],
    _keywords: object,
    _tags: object,
    options: object,  # noqa: ARG001 -- Babel calls it by this name
) -> Iterable[Found]:
    """The docstring of each class of engine/errors.py whose reader may be anybody."""
    for node in ast.walk(ast.parse(file.read())):
        text = ast.get_docstring(node) if isinstance(node, ast.ClassDef) else None
        if text and not text.isascii():
            yield node.lineno, "", text, []  # type: ignore[attr-defined]


def pages(
    file: IO[bytes], _keywords: object, tags: list[str], options: Mapping[str, Any]
) -> Iterable[Found]:
    """Texts of pages and of the API."""
    source = file.read()
    names = _imported(source, "flask_babel", PAGES)
    if "_" not in _imported(source, "engine.messages", ENGINE):
        names["_"] = "gettext"  # a mark of the file's own, for texts that are said later
    return _called(source, names, tags, options)


def _called(
    source: bytes, names: Mapping[str, str], tags: list[str], options: Mapping[str, Any]
) -> Iterator[Found]:
    """The texts in calls of these names."""
    extracted: Any = extract_python  # its types say less than it takes and gives
    for line, name, texts, comments in extracted(io.BytesIO(source), names, tags, options):
        yield line, names[name], texts, comments


def _imported(source: bytes, module: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """The names under which a file has what is wanted of a module."""
    return {
        alias.asname or alias.name: wanted[alias.name]
        for node in _imports(source)
        if node.module == module
        for alias in node.names
        if alias.name in wanted
    }


def _imports(source: bytes) -> Iterator[ast.ImportFrom]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
