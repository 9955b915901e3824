"""The log of checkpoints beside the signing key: what was sealed once, the database must go on
from.

Who can rewrite the rows cannot write this file. One line of JSON per checkpoint, only ever
appended:
  {"kind": "sealed", "size", "root", "at", "key", "sig"}    a checkpoint, as it was signed
  {"kind": "restored", "size", "root", "at", "from", "by"}  from here on a backup of that moment
  {"kind": "repaired", "size", "root", "at", "by", "why"}   from here on, whatever stood before
Several hosts may each hold a key and a log; each log says the least that the database must hold.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from engine.db import tables
from engine.errors import HistoryBroken
from engine.history import keys
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engine.db import Session, rows

FILE_NAME = "checkpoints.log"
RESUMED = ("restored", "repaired")
_event, _checkpoint = tables.event.c, tables.checkpoint.c


@dataclass(frozen=True)
class Line:
    """One line: the tree of `size` leaves had this root (32 bytes) at that moment (aware).

    `key_id`, `signature`: of a sealed one. `words`: what a restored or repaired one says besides.
    """

    kind: str
    size: int
    root: bytes
    at: datetime
    key_id: str = ""
    signature: bytes = b""
    words: tuple[tuple[str, str], ...] = ()

    @property
    def checkpoint(self) -> keys.Checkpoint:
        """As somebody outside would have kept it."""
        return keys.Checkpoint(self.size, self.root, self.at, self.key_id, self.signature or None)

    def text(self) -> str:
        """As it stands in the file."""
        said = {"kind": self.kind, "size": self.size, "root": self.root.hex()}
        said["at"] = self.at.astimezone(UTC).isoformat(timespec="seconds")
        if self.kind == "sealed":
            said |= {"key": self.key_id, "sig": self.signature.hex()}
        return json.dumps({**said, **dict(self.words)}, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Log:
    """The log in this directory, that of the signing key."""

    directory: Path

    @property
    def path(self) -> Path:
        """The file; it need not be there yet."""
        return self.directory / FILE_NAME

    def lines(self) -> list[Line]:
        """All lines, oldest first. HistoryBroken: a line that is none; a half one at the end of a
        crash does not count.
        """
        if not self.path.exists():
            return []
        text = self.path.read_text("utf-8")
        whole = text[: text.rfind("\n") + 1].splitlines()
        return [_read(line, number) for number, line in enumerate(whole, 1)]

    def last(self) -> Line | None:
        """The newest line."""
        found = self.lines()
        return found[-1] if found else None

    def check(self, session: Session) -> None:
        """The database goes on from the last line. HistoryBroken: it does not, and nothing may be
        sealed on it.
        """
        last = self.last()
        if last is None or last.size == 0:
            return
        row = session.execute(
            select(_checkpoint.root).where(_checkpoint.size == last.size)
        ).scalar()
        newest = session.execute(select(func.max(_checkpoint.size))).scalar() or 0
        leaves = session.execute(select(func.max(_event.leaf_no))).scalar()
        if row is None or bytes(row) != last.root or leaves is None or leaves + 1 != newest:
            raise HistoryBroken(
                _(
                    "数据库没有接上日志末行的检查点 {size}，不再封存。请运行 yixing verify；如确属修复，须用 yixing repair 并由两人确认。",
                    size=last.size,
                ),
                code="not_extended",
                size=last.size,
            )

    def catch_up(self, session: Session, public: bytes) -> int:
        """Append the checkpoints that were committed since the last line and bear this key's
        signature; gives their number.
        """
        with self._locked():
            self.check(session)
            last = self.last()
            query = select(tables.checkpoint).order_by(_checkpoint.size)
            if last is not None:
                query = query.where(_checkpoint.size > last.size)
            rows = session.execute(query.where(_checkpoint.key_id == keys.key_id(public)))
            true = [line for line in map(_sealed, rows) if _signed(line, public)]
            self._append(true)
        return len(true)

    def resume(self, line: Line) -> None:
        """Append a line of a restoration or a repair."""
        with self._locked():
            self._append([line])

    def _append(self, lines: list[Line]) -> None:
        if not lines:
            return
        whole = self.path.read_bytes().rfind(b"\n") + 1  # without the half line of a crash
        with self.path.open("r+b") as file:
            file.truncate(whole)
            file.seek(whole)
            file.write("".join(line.text() for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time reads the end and appends to it."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def binding(lines: Sequence[Line]) -> list[Line]:
    """The lines that must still hold: what was above a restored size is given up, by a repair all
    of it.
    """
    found: list[Line] = []
    for line in lines:
        if line.kind == "repaired":
            found.clear()
        elif line.kind == "restored":
            found = [old for old in found if old.size <= line.size]
        found.append(line)
    return found


def _sealed(row: rows.Selected) -> Line:
    """The line of a checkpoint."""
    root, signature = bytes(row.root), bytes(row.signature)
    return Line("sealed", row.size, root, row.at, key_id=row.key_id, signature=signature)


def _signed(line: Line, public: bytes) -> bool:
    return keys.verify(public, line.signature, line.checkpoint.text())


def _read(text: str, number: int) -> Line:
    try:
        said = json.loads(text)
        fixed = {"kind", "size", "root", "at", "key", "sig"}
        return Line(
            said["kind"],
            int(said["size"]),
            bytes.fromhex(said["root"]),
            datetime.fromisoformat(said["at"]),
            key_id=said.get("key", ""),
            signature=bytes.fromhex(said.get("sig", "")),
            words=tuple((key, str(value)) for key, value in said.items() if key not in fixed),
        )
    except (ValueError, TypeError, KeyError) as fault:
        raise HistoryBroken(
            _("检查点日志第 {number} 行读不懂", number=number), code="log_unreadable"
        ) from fault
