"""Edits of text at an anchor that stands in exactly one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PRODUCT = ("engine", "webui")
TOY = "tests/processes"
_TEXTS = (".py", ".html", ".js", ".css", ".toml", ".json")


class AnchorGone(Exception):
    """An anchor stands nowhere, or in several places; the message says which and where."""


@dataclass(frozen=True)
class Edit:
    """Put `text` on lines of its own `before` or `after` the line with this anchor, or in the place of it (`instead`)."""

    text: str
    before: str = ""
    after: str = ""
    instead: str = ""
    toy: bool = False  # in the toy processes, which are no product

    @property
    def anchor(self) -> str:
        """What has to stand there."""
        return self.before or self.after or self.instead

    def apply(self, root: Path) -> Path:
        """Write the edit; gives the file. Raises AnchorGone."""
        file = self._place(root)
        text = file.read_text("utf-8")
        at = text.index(self.anchor)
        if self.instead:
            file.write_text(text.replace(self.anchor, self.text, 1), "utf-8")
            return file
        start = text.rfind("\n", 0, at) + 1
        cut = start if self.before else text.index("\n", at) + 1
        file.write_text(f"{text[:cut]}{self.text}\n{text[cut:]}", "utf-8")
        return file

    def _place(self, root: Path) -> Path:
        files = [
            file for file in _files(root, (TOY,) if self.toy else PRODUCT) if self._is_in(file)
        ]
        if len(files) == 1 and files[0].read_text("utf-8").count(self.anchor) == 1:
            return files[0]
        where = ", ".join(str(file.relative_to(root)) for file in files) or "nowhere"
        raise AnchorGone(f"expected once, found in {where}: {self.anchor!r}")

    def _is_in(self, file: Path) -> bool:
        return self.anchor in file.read_text("utf-8")


def _files(root: Path, folders: Iterable[str]) -> list[Path]:
    return [
        path
        for folder in folders
        for path in sorted((root / folder).rglob("*"))
        if path.suffix in _TEXTS and path.is_file()
    ]
