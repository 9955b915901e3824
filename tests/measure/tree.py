"""The Python files of a checkout, read and parsed but never imported: modules are found by walking, so moves need no list."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGES = ("engine", "webui")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file: its path inside the checkout, its dotted module, its text."""

    path: Path
    module: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, str(self.path))

    @property
    def is_package(self) -> bool:
        """Is this the `__init__` of a package?"""
        return self.path.name == "__init__.py"

    @property
    def is_migration(self) -> bool:
        """Is this a step of the schema? Those are frozen and not judged."""
        return "migrations" in self.path.parts

    @property
    def functions(self) -> list[Function]:
        """Every function of the file, methods and nested ones too."""
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]


def read(root: Path, packages: tuple[str, ...] = PACKAGES) -> list[Source]:
    """The files of these packages, by path. Raises FileNotFoundError when a package is not there."""
    found = []
    for package in packages:
        if not (root / package / "__init__.py").is_file():
            raise FileNotFoundError(f"{root} holds no package {package}")
        found += [_source(root, path) for path in sorted((root / package).rglob("*.py"))]
    return found


def _source(root: Path, path: Path) -> Source:
    inside = path.relative_to(root)
    parts = inside.with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Source(inside, module, path.read_text("utf-8"))


def room(module: str) -> str:
    """The room of a module: the package or file right below engine/ or webui/; the package itself for its `__init__`."""
    return ".".join(module.split(".")[:2])
