"""A process folder as text files: read from disk, completed with what processes share, and what of
it is frozen.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from engine import settings
from engine.definitions import booklet, foreign
from engine.errors import ProcessFault
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAX_BYTES = 4_000_000
# What documents have in common, in processes/documents: their layout; amounts and tables in them.
COMMON = ("letter.typ", "amounts.typ")
_TEXTS = {".toml", ".bpmn", ".dmn", ".json", ".typ", ".md", ".txt"}
# With every *.dmn these make the version; stories and notes do not.
_FROZEN = ("process.toml", "process.bpmn", "forms/", "documents/")
_DECIDES = re.compile(r"businessRuleTask\b[^>]*?\bid=\"([a-z][a-z0-9_]{0,59})\"")


def read(folder: Path) -> dict[str, str]:
    """All text files of a folder by relative path. Raises ProcessFault when it is none or too
    large.
    """
    if not folder.is_dir():
        raise ProcessFault(_("没有这个流程文件夹：{folder}", folder=folder), file=str(folder))
    files: dict[str, str] = {}
    size = 0
    for path in _texts(folder):
        data = path.read_bytes()
        size += len(data)
        if size > MAX_BYTES:
            wrong = _("流程文件夹超过 {size} MB。", size=MAX_BYTES // 1_000_000)
            raise ProcessFault(wrong, file=str(folder))
        try:
            files[path.relative_to(folder).as_posix()] = data.decode("utf-8")
        except UnicodeDecodeError as fault:
            raise ProcessFault(_("文件不是 UTF-8 编码。"), file=path.name) from fault
    beside = completed(files, folder.resolve().parent)
    return completed(beside, settings.processes())  # of a folder that lies elsewhere


def _texts(folder: Path) -> Iterator[Path]:
    """Its text files, by name; hidden ones are left out."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix in _TEXTS and not hidden and path.is_file():
            yield path


def completed(files: Mapping[str, str], processes: Path) -> dict[str, str]:
    """The files with what they name and do not have, but several processes have in common: tables,
    the layout of letters and of the volume.
    """
    decisions = _DECIDES.findall(foreign.plain(files).text)
    named = {f"{key}.dmn": f"decisions/{key}.dmn" for key in decisions}
    for common in COMMON:
        if any(common in text for name, text in files.items() if name.startswith("documents/")):
            named[f"documents/{common}"] = f"documents/{common}"
    if booklet.is_declared(files):
        named[f"documents/{booklet.KIND}.typ"] = f"documents/{booklet.KIND}.typ"
    places = {name: processes / place for name, place in sorted(named.items())}
    shared = {name: path.read_text("utf-8") for name, path in places.items() if path.is_file()}
    return {**shared, **files}


def frozen(files: Mapping[str, str]) -> dict[str, str]:
    """The files that make the version: what runs. Stories, outline and notes may change without a
    new version. The diagram is in our elements, whoever drew it.
    """
    kept = {name: text for name, text in files.items() if _is_frozen(name)}
    return {**kept, foreign.FILE: foreign.plain(files).text} if foreign.FILE in kept else kept


def unfrozen(files: Mapping[str, str]) -> dict[str, str]:
    """The files kept beside the version: stories, outline, notes."""
    return {name: text for name, text in files.items() if not _is_frozen(name)}


def _is_frozen(name: str) -> bool:
    return name.startswith(_FROZEN) or ("/" not in name and name.endswith(".dmn"))


def fingerprint(files: Mapping[str, str]) -> str:
    """SHA-256 over the frozen files, by name and content."""
    digest = hashlib.sha256()
    for name, text in sorted(frozen(files).items()):
        digest.update(f"{name}\0{len(text.encode())}\0".encode() + text.encode())
    return digest.hexdigest()
