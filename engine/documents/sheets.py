"""Reads .xlsx, .xls and .csv into sheets of cells, in a process of its own with limits of time and
memory. What comes in is taken for hostile: no macros, no formulas run.

What a file is, its first bytes say: offices save a .csv under the name .xls.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import openpyxl
import python_calamine

from engine import bounded
from engine.errors import Invalid
from engine.messages import Message, _
from engine.people import spelling

LIMITS = bounded.Limits(seconds=20, megabytes=1024)
MAX_BYTES = 10_000_000
MAX_UNPACKED = 40_000_000
MAX_PARTS = 300
MAX_ROWS = 5_000  # with something in them
LAST_ROW = 20_000  # blank ones counted
MAX_COLUMNS = 40
MAX_SHEETS = 8
MAX_CELLS = 400_000  # in one workbook, empty ones counted
LONGEST = 4_000  # characters kept of a cell
LINE = 600  # bytes of .xlsx, unpacked, that a line of text comes to
ENDINGS = (".xlsx", ".xls", ".csv")
_OLE = b"\xd0\xcf\x11\xe0"
_MACROS = "_VBA_PROJECT".encode("utf-16-le")


class Cell(NamedTuple):
    """A cell: `kind` is that of openpyxl, "f" for a formula, "e" for an error, anything else."""

    value: object
    kind: str = "s"

    @property
    def blank(self) -> bool:
        return self.value is None or not str(self.value).strip()


class Row(NamedTuple):
    """A row of a sheet that holds something, with its number there."""

    number: int
    cells: tuple[Cell, ...]


class Sheet(NamedTuple):
    name: str
    rows: list[Row]


def bad(message: Message) -> Invalid:
    """What is wrong with the file."""
    return Invalid({"file": [message]})


def read(filename: str, data: bytes) -> list[Sheet]:
    """The sheets of a file. Raises Invalid."""
    check(filename, data)
    found: list[Sheet] = []
    try:
        for line in bounded.lines(__name__, data, LIMITS):
            _take(found, json.loads(line))
    except (bounded.Exceeded, ValueError):
        raise bad(_("这个文件打不开，请用下载的模板重新填写。")) from None
    return found


def lines(filename: str, data: bytes, most: int) -> list[list[str]]:
    """What the cells of the first sheet with anything in it show, at most so many lines; formulas
    show nothing, since nobody works them out here. Raises Invalid.
    """
    rows = next((sheet.rows for sheet in read(filename, data) if sheet.rows), [])
    return [
        ["" if cell.kind in ("f", "e") else spelling.shown(cell.value) for cell in row.cells]
        for row in rows[:most]
    ]


def check(filename: str, data: bytes) -> None:
    """Raise Invalid for what is seen to be no table before it is read."""
    if not filename.lower().endswith(ENDINGS):
        raise bad(_("只接受 .xlsx、.xls 和 .csv 文件。"))
    if not data or len(data) > MAX_BYTES:
        raise bad(_("文件应在 {megabytes} MB 以内，且不能为空。", megabytes=MAX_BYTES // 1_000_000))
    if data.startswith(b"PK"):
        _must_be_harmless(data)
    elif _MACROS in data:
        raise bad(_("文件带有宏，不能导入。"))


def weight(data: bytes) -> int:
    """About how many bytes of .xlsx a file holds, unpacked: how long it takes to be read and
    looked at goes by them. Other kinds write the same rows in fewer.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError):
        return max(3 * len(data), LINE * data.count(b"\n"))


def _take(found: list[Sheet], said: Any) -> None:
    """What the process says: a sheet begins, a row of it, or what is wrong."""
    if isinstance(said, str):
        raise bad(_SAID[said])
    if len(said) == 1:
        found.append(Sheet(said[0], []))
        return
    number, cells = said
    found[-1].rows.append(Row(number, tuple(Cell(_meant(*cell), cell[1]) for cell in cells)))


def _meant(value: object, kind: str) -> object:
    """A day crossed over as text."""
    if kind != "d" or not isinstance(value, str):
        return value
    return datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)


_SAID = {
    "rows": _("行数太多，一次最多 {most} 行。", most=MAX_ROWS),
    "cells": _("表格里的单元格太多，最多 {most} 个，空的也算。", most=MAX_CELLS),
    "text": _("读不出文字：文件既不是 UTF-8，也不是 GB18030（WPS 的“CSV”）。"),
    "broken": _("这个文件打不开，请用下载的模板重新填写。"),
}


def _must_be_harmless(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as fault:
        raise bad(_("这不是 .xlsx 文件。")) from fault
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise bad(_("文件展开后太大。"))
    if any("vbaproject" in part.filename.lower() for part in parts):
        raise bad(_("文件带有宏，不能导入。"))


# --- in the process of its own --------------------------------------------------------------------
class _Wrong(Exception):
    """What is wrong, a key of `_SAID`."""


def main() -> None:
    """A line of JSON for each sheet, [name], and each of its rows, [number, cells]; or what is
    wrong.
    """
    data = sys.stdin.buffer.read()
    reader = _xlsx if data.startswith(b"PK") else _xls if data.startswith(_OLE) else _csv
    try:
        for name, lines in reader(data):
            _say([name])
            _rows(lines)
    except _Wrong as wrong:
        _say(str(wrong))
    except MemoryError:
        raise
    except Exception:  # the readers raise whatever they stumble over
        _say("broken")


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")


def _rows(lines: Iterator[Sequence[Cell]]) -> None:
    found = 0
    for number, cells in enumerate(lines, 1):
        if all(cell.blank for cell in cells):
            continue
        found += 1
        if number > LAST_ROW or found > MAX_ROWS + 1:
            raise _Wrong("rows")
        _say([number, [[_plain(cell.value), cell.kind] for cell in cells]])


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:LONGEST]


_Lines = Iterator[tuple[str, Iterator[Sequence[Cell]]]]


def _xlsx(data: bytes) -> _Lines:
    if _cells(data) > MAX_CELLS:
        raise _Wrong("cells")
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
    for sheet in book.worksheets[:MAX_SHEETS]:
        rows = sheet.iter_rows(min_row=1, max_row=LAST_ROW + 1, max_col=MAX_COLUMNS)
        yield sheet.title, ([Cell(c.value, c.data_type) for c in row] for row in rows)


def _cells(data: bytes) -> int:
    """How many cells the sheets have; what is unpacked here is bounded by MAX_UNPACKED."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        texts = (archive.read(name) for name in sheets)
        return sum(text.count(b"<c ") + text.count(b"<c>") for text in texts)


def _xls(data: bytes) -> _Lines:
    book = python_calamine.load_workbook(io.BytesIO(data))
    for name in book.sheet_names[:MAX_SHEETS]:
        lines = book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=LAST_ROW + 1)
        yield name, ([_calamine(value) for value in line[:MAX_COLUMNS]] for line in lines)


def _calamine(value: object) -> Cell:
    return Cell(None if value == "" else value, "d" if isinstance(value, date) else "s")


def _csv(data: bytes) -> _Lines:
    text = _decoded(data)
    head = text[:2000].splitlines()[:5]
    mark = "\t" if any("\t" in line for line in head) else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    yield "", ([Cell(value) for value in line[:MAX_COLUMNS]] for line in lines)


def _decoded(data: bytes) -> str:
    """Text as offices save it: with a mark of its encoding, as UTF-8, or as GB18030."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise _Wrong("text")


if __name__ == "__main__":
    main()
