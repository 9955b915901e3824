"""Evidence packs of several matters in one ZIP, with a list of them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from uuid import UUID

from engine.queries.evidence import sheets

_HEAD = ("编号 number", "事项 matter", "文件 file", "SHA-256")


class Volume:
    """Holds packs as they were made: each verifies by itself. `matters`: of which."""

    def __init__(self) -> None:
        self._file = io.BytesIO()
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED)
        self._list: list[list[object]] = [[*_HEAD]]
        self.matters: list[UUID] = []

    @property
    def size(self) -> int:
        """Bytes until now."""
        return self._file.tell()

    def add(self, instance_id: UUID, number: str, title: str, pack: bytes) -> None:
        """One more pack."""
        self.matters.append(instance_id)
        name = f"{len(self.matters):03}-{instance_id}.zip"
        self._zip.writestr(name, pack)
        self._list.append([number, title, name, hashlib.sha256(pack).hexdigest()])

    def close(self) -> bytes:
        """The ZIP, with list.csv at its end."""
        self._zip.writestr("list.csv", sheets.table(self._list))
        self._zip.close()
        return self._file.getvalue()
