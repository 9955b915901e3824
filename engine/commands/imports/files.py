"""Reads .xlsx, .xls and .csv into sheets of cells. What comes in is taken for hostile: bounded in
size and rows, no macros, no formulas run.

What a file is, its first bytes say: offices save a .csv under the name .xls.
"""

from __future__ import annotations

import csv
import io
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import openpyxl
import python_calamine

from engine.errors import Invalid
from engine.messages import Message, _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_BYTES = 10_000_000
MAX_UNPACKED = 40_000_000
MAX_PARTS = 300
MAX_ROWS = 5_000  # with something in them
LAST_ROW = 20_000  # blank ones counted
MAX_COLUMNS = 40
MAX_SHEETS = 8
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


def read(filename: str, data: bytes) -> Iterator[Sheet]:
    """The sheets of a file, one after another. Raises Invalid."""
    if not filename.lower().endswith(ENDINGS):
        raise bad(_("只接受 .xlsx、.xls 和 .csv 文件。"))
    if not data or len(data) > MAX_BYTES:
        raise bad(_("文件应在 {megabytes} MB 以内，且不能为空。", megabytes=MAX_BYTES // 1_000_000))
    reader = _xlsx if data.startswith(b"PK") else _xls if data.startswith(_OLE) else _csv
    try:
        yield from reader(data)
    except Invalid:
        raise
    except Exception as fault:  # the readers raise whatever they stumble over
        raise bad(_("这个文件打不开，请用下载的模板重新填写。")) from fault


def _bounded(lines: Iterable[tuple[int, Sequence[Cell]]]) -> list[Row]:
    found: list[Row] = []
    for number, cells in lines:
        if all(cell.blank for cell in cells):
            continue
        if number > LAST_ROW or len(found) > MAX_ROWS:
            raise bad(_("行数太多，一次最多 {most} 行。", most=MAX_ROWS))
        found.append(Row(number, tuple(cells)))
    return found


def _xlsx(data: bytes) -> Iterator[Sheet]:
    _must_be_harmless(data)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
    for sheet in book.worksheets[:MAX_SHEETS]:
        read_rows = sheet.iter_rows(min_row=1, max_row=LAST_ROW + 1, max_col=MAX_COLUMNS)
        cells = ([Cell(c.value, c.data_type) for c in row] for row in read_rows)
        yield Sheet(sheet.title, _bounded(enumerate(cells, 1)))


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


def _xls(data: bytes) -> Iterator[Sheet]:
    if _MACROS in data:
        raise bad(_("文件带有宏，不能导入。"))
    book = python_calamine.load_workbook(io.BytesIO(data))
    for name in book.sheet_names[:MAX_SHEETS]:
        lines = book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=LAST_ROW + 1)
        cells = ([_calamine(value) for value in line[:MAX_COLUMNS]] for line in lines)
        yield Sheet(name, _bounded(enumerate(cells, 1)))


def _calamine(value: Any) -> Cell:
    return Cell(None if value == "" else value)


def _csv(data: bytes) -> Iterator[Sheet]:
    text = _decoded(data)
    head = text[:2000].splitlines()[:5]
    mark = "\t" if any("\t" in line for line in head) else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    cells = ([Cell(value) for value in line[:MAX_COLUMNS]] for line in lines)
    yield Sheet("", _bounded(enumerate(cells, 1)))


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
    raise bad(_("读不出文字：文件既不是 UTF-8，也不是 GB18030（WPS 的“CSV”）。"))
