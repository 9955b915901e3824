"""Reads the cells of a workbook that somebody uploaded, in a process of its own with limits of time
and memory: what unpacks to millions of cells is refused, and takes nothing along.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, NamedTuple

import openpyxl

from engine import bounded
from engine.errors import Invalid
from engine.messages import _

LIMITS = bounded.Limits(seconds=10, megabytes=1024)
MAX_CELLS = 400_000  # in one sheet, empty ones counted
LONGEST = 1_000  # characters kept of a cell; nobody reads more
_PIECE = 1 << 16
_CELLS = (b"<c ", b"<c>", b"<c/")


class Cell(NamedTuple):
    """`kind` as the workbook has it: n, s, d, b, e for an error, f for a formula; `text`: whole
    numbers without a point, days as 2026-03-01.
    """

    kind: str
    text: str


class Line(NamedTuple):
    """A row of the sheet that holds something, and its number."""

    number: int
    cells: tuple[Cell, ...]


def read(data: bytes, last_row: int, most_columns: int) -> list[Line]:
    """The rows of the first sheet that hold something, up to `last_row` and one more, the first
    columns of each. Raises Invalid for what is no workbook, or too large a one.
    """
    asked = json.dumps([last_row, most_columns]).encode() + b"\n" + data
    try:
        found = [json.loads(line) for line in bounded.lines(__name__, asked, LIMITS)]
    except bounded.Exceeded:
        raise _bad(_("表格太大或太复杂，几秒之内读不完；请用下载的模板重新填写。")) from None
    if found and found[-1] == "cells":
        raise _bad(_("表格里的单元格太多，最多 {most} 个，空的也算。", most=MAX_CELLS))
    if not found or found[-1] != "end":
        raise _bad(_("这个文件打不开，请用下载的模板重新填写。"))
    return [Line(n, tuple(Cell(*cell) for cell in cells)) for n, cells in found[:-1]]


def _bad(message: Any) -> Invalid:
    return Invalid({"file": [message]})


# --- in the process of its own --------------------------------------------------------------------
def main() -> None:
    """One line of JSON for each row; the last one says how it ended."""
    asked, _newline, data = sys.stdin.buffer.read().partition(b"\n")
    last_row, most_columns = json.loads(asked)
    if _too_many(data):
        _say("cells")
        return
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
        rows = book.worksheets[0].iter_rows(max_row=last_row + 1, max_col=most_columns)
        for number, cells in enumerate(rows, 1):
            line = [Cell(each.data_type, _text(each.value)[:LONGEST]) for each in cells]
            if any(cell.text for cell in line):
                _say([number, line])
    except MemoryError:
        raise
    except Exception:  # the reader raises whatever it stumbles over
        _say("broken")
    else:
        _say("end")


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")


def _too_many(data: bytes) -> bool:
    """Has any sheet more cells than may be? Counted as it is unpacked, piece by piece."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sheets = [n for n in archive.namelist() if n.lower().startswith("xl/worksheets/")]
            return any(_cells(_pieces(archive, name)) > MAX_CELLS for name in sheets)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        return False  # that it is none is found by its reader


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as sheet:
        while piece := sheet.read(_PIECE):
            yield piece


def _cells(pieces: Iterator[bytes]) -> int:
    """How many cells begin in the pieces of a sheet; it stops counting above MAX_CELLS."""
    found, rest = 0, b""
    for piece in pieces:
        text = rest + piece
        found += sum(text.count(mark) for mark in _CELLS)
        rest = text[-2:]
        if found > MAX_CELLS:
            break
    return found


def _text(value: object) -> str:
    """A cell's value as text: whole numbers without a point, days as 2026-03-01."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    plain = str(value).replace("\r", " ").replace("\n", " ").replace("\t", " ")
    return plain.strip()


if __name__ == "__main__":
    main()
