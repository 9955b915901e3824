"""Keys that will be destroyed: they lie in YIXING_HOME/shred of one host, or in the folders of
YIXING_SHRED, which several hosts may share; in no database, log or backup.

What is sealed to such a key goes with it, wherever copies of it lie: in dead rows, in the
write-ahead log, in a backup. Which of them an installation has is said by its engine (`of`), so
that a command that works on a database works on the right home. Stories and tests, which have no
home, keep theirs in the memory of the process.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine import settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy import Connection, Engine

FOLDER = "shred"
_OPTION = "yixing_shred"
_NAME = re.compile(r"[0-9a-f]{64}")


class Shred(Protocol):
    """A place of secrets by their names, 64 hex digits each."""

    def keep(self, name: str, secret: bytes) -> None:
        """Keep a secret; it is on the disk when this returns. OSError."""

    def find(self, name: str) -> bytes | None:
        """The secret; None when it is not here."""

    def destroy(self, name: str) -> None:
        """Nothing is left of it here; nothing happens when there was none. OSError."""

    def names(self) -> list[str]:
        """Of all that lie here, sorted."""


@dataclass(frozen=True)
class Folder:
    """The secrets of a host, a file each, for the owner's eyes only."""

    path: Path

    def keep(self, name: str, secret: bytes) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(self._file(name), flags, 0o600), "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        self._sync()

    def find(self, name: str) -> bytes | None:
        with suppress(FileNotFoundError):
            return self._file(name).read_bytes()
        return None

    def destroy(self, name: str) -> None:
        """Overwritten, then removed: on a disk that writes in place nothing is left."""
        with suppress(FileNotFoundError):
            with self._file(name).open("r+b") as file:
                file.write(bytes(os.fstat(file.fileno()).st_size))
                file.flush()
                os.fsync(file.fileno())
            self._file(name).unlink()
            self._sync()

    def names(self) -> list[str]:
        if not self.path.is_dir():
            return []
        return sorted(file.name for file in self.path.iterdir() if _NAME.fullmatch(file.name))

    def _file(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(name)
        return self.path / name

    def _sync(self) -> None:
        """The names of the folder are on the disk, too."""
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@dataclass(frozen=True)
class Copies:
    """The same secrets in several folders: one may be lost, and all are destroyed."""

    folders: tuple[Folder, ...]

    def keep(self, name: str, secret: bytes) -> None:
        for folder in self.folders:
            folder.keep(name, secret)

    def find(self, name: str) -> bytes | None:
        found = (folder.find(name) for folder in self.folders)
        return next((secret for secret in found if secret is not None), None)

    def destroy(self, name: str) -> None:
        for folder in self.folders:
            folder.destroy(name)

    def names(self) -> list[str]:
        return sorted({name for folder in self.folders for name in folder.names()})


class Memory:
    """The secrets of a process that has no home."""

    def __init__(self, kept: Mapping[str, bytes] | None = None) -> None:
        self._kept = dict(kept or {})

    def keep(self, name: str, secret: bytes) -> None:
        self._kept[name] = secret

    def find(self, name: str) -> bytes | None:
        return self._kept.get(name)

    def destroy(self, name: str) -> None:
        self._kept.pop(name, None)

    def names(self) -> list[str]:
        return sorted(self._kept)


_MEMORY = Memory()


def settle(engine: Engine, home: Path) -> None:
    """From now on what is sealed through this engine has its keys in this home, or in the folders
    of YIXING_SHRED.
    """
    named = settings.load().shred or (home / FOLDER,)
    engine.update_execution_options(**{_OPTION: Copies(tuple(Folder(each) for each in named))})


def rehearse(session: Connection, kept: Mapping[str, bytes] | None = None) -> None:
    """What is done in this connection is thrown away: its keys lie in memory, and go with it; those
    of `kept` are there from the start.
    """
    session.execution_options(**{_OPTION: Memory(kept)})


def rehearsed(session: Connection) -> dict[str, bytes]:
    """The keys of a connection whose doings are thrown away, as they are now."""
    memory = of(session)
    return {name: memory.find(name) or b"" for name in memory.names()}


def of(session: Connection) -> Shred:
    """Where the keys of this session's installation lie."""
    found: Shred = session.get_execution_options().get(_OPTION, _MEMORY)
    return found
