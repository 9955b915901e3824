"""Reads and writes .xlsx. What comes in is taken for hostile: bounded in size and rows, no macros,
no formulas run.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import openpyxl
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation

from engine.commands.people import words
from engine.documents import cells
from engine.documents.cells import Cell, Line
from engine.errors import Invalid
from engine.messages import Listed, Message, _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from openpyxl.worksheet.worksheet import Worksheet

MAX_BYTES = 10_000_000
MAX_UNPACKED = 40_000_000
MAX_PARTS = 300
MAX_ROWS = 5_000  # with something in them
LAST_ROW = 20_000  # blank ones counted
MAX_COLUMNS = 40
MAX_CELL = 300
HEADER_WITHIN = 5
EXAMPLE = "示例"  # a row whose first cell begins so is none


@dataclass(frozen=True)
class Column:
    """A column of an import; `also` are further headers that mean it, its English title among
    them.
    """

    key: str
    title: Message
    about: str = ""
    example: str = ""
    required: bool = False
    also: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    is_day: bool = False

    @property
    def names(self) -> set[str]:
        """All headers that mean this column, as `plain_header` gives them."""
        return {plain_header(name) for name in (self.key, self.title, *self.also)}


@dataclass
class RawRow:
    """A row as it was read: its number in the sheet, the text of each column, what cannot be
    read.
    """

    number: int
    values: dict[str, str]
    faults: list[str] = field(default_factory=list)


def plain_header(value: object) -> str:
    """A header without marks, notes in brackets, blanks and case."""
    text = str(value or "").replace("*", "").replace("＊", "").replace("（", "(").strip()
    return text.split("(")[0].replace(" ", "").replace("_", "").casefold()


def read(
    filename: str, data: bytes, columns: Sequence[Column]
) -> tuple[list[RawRow], list[Message]]:
    """The rows of the first sheet that hold something, and remarks on the file. Raises Invalid."""
    _must_be_harmless(filename, data)
    return _rows(_bounded(cells.read(data, LAST_ROW, MAX_COLUMNS)), columns)


def _bad(message: Message) -> Invalid:
    return Invalid({"file": [message]})


def _must_be_harmless(filename: str, data: bytes) -> None:
    if not filename.lower().endswith(".xlsx"):
        raise _bad(_("只接受 .xlsx 文件。"))
    if not data or len(data) > MAX_BYTES:
        raise _bad(
            _("文件应在 {megabytes} MB 以内，且不能为空。", megabytes=MAX_BYTES // 1_000_000)
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as fault:
        raise _bad(_("这不是 .xlsx 文件。")) from fault
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise _bad(_("文件展开后太大。"))
    if any("vbaproject" in part.filename.lower() for part in parts):
        raise _bad(_("文件带有宏，不能导入。"))


def _bounded(lines: Sequence[Line]) -> Sequence[Line]:
    """The lines, if they are no more than anybody may import. Raises Invalid."""
    if len(lines) > MAX_ROWS + 1 or (lines and lines[-1].number > LAST_ROW):
        raise _bad(_("行数太多，一次最多 {most} 行。", most=MAX_ROWS))
    return lines


def _is_example(line: Line) -> bool:
    return line.cells[0].text.startswith(EXAMPLE)


def _rows(lines: Sequence[Line], columns: Sequence[Column]) -> tuple[list[RawRow], list[Message]]:
    if not lines or lines[0].number > HEADER_WITHIN:
        raise _bad(_("前 {n} 行中没有表头。", n=HEADER_WITHIN))
    places, notes = _header(lines[0].cells, columns)
    read = [(line, _row(line, places)) for line in lines[1:]]
    filled = [(line, row) for line, row in read if any(row.values.values()) or row.faults]
    rows = [row for line, row in filled if not _is_example(line)]
    if examples := len(filled) - len(rows):
        notes.append(_("有 {n} 行以“{mark}”开头，不导入。", n=examples, mark=EXAMPLE))
    if not rows:
        raise _bad(_("文件里没有要导入的行。"))
    return rows, notes


def _header(
    found: tuple[Cell, ...], columns: Sequence[Column]
) -> tuple[dict[int, Column], list[Message]]:
    """Which column stands where, and a remark on those that are not known."""
    places: dict[int, Column] = {}
    unknown: list[str] = []
    for place, cell in enumerate(found):
        name = plain_header(cell.text)
        column = next((c for c in columns if name in c.names), None)
        if column is None:
            unknown += [visible(cell.text)[:20]] if name else []
        elif column in places.values():
            raise _bad(_("表头“{title}”出现了两次。", title=column.title))
        else:
            places[place] = column
    missing = [c.title for c in columns if c.required and c not in places.values()]
    if missing:
        raise _bad(_("表头缺少：{columns}。", columns=Listed(missing)))
    if not unknown:
        return places, []
    return places, [_("不认识的列没有读：{columns}。", columns=Listed(unknown))]


def _row(line: Line, places: Mapping[int, Column]) -> RawRow:
    row = RawRow(line.number, {})
    for place, column in places.items():
        cell = line.cells[place] if place < len(line.cells) else Cell("s", "")
        row.values[column.key] = visible(cell.text)[:MAX_CELL]
        fault = _fault(cell.kind, cell.text)
        if fault is not None:
            row.faults.append(_("{column}:{fault}", column=column.title, fault=fault))
    return row


def _fault(data_type: str, text: str) -> Message | None:
    if data_type == "f" or text.startswith("="):
        return _("不能填写公式。")
    if data_type == "e":
        return _("单元格是错误值。")
    if words.hidden(text):
        return _("含有不可见的控制字符。")
    if len(text) > MAX_CELL:
        return _("最多 {most} 个字。", most=MAX_CELL)
    return None


def visible(text: str) -> str:
    """The text with a mark in place of each hidden character."""
    return "".join("\ufffd" if words.hidden(c) else c for c in text)


# --- writing --------------------------------------------------------------------------------------
_HEAD = PatternFill("solid", fgColor="DCE6F1")


Say = Callable[[str], str]  # gives a message in the reader's language


def write(
    title: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]], say: Say = str
) -> bytes:
    """An .xlsx: a sheet of rows, one that explains the columns, one with the lists. Text never is a
    formula.
    """
    book = openpyxl.Workbook()
    sheet, about, lists = book.worksheets[0], book.create_sheet(), book.create_sheet()
    sheet.title, about.title, lists.title = say(title), say(_("说明")), say(_("选项"))
    _put(sheet, [say(c.title) + ("*" if c.required else "") for c in columns], head=True)
    for row in rows:
        _put(sheet, row)
    sheet.freeze_panes = "A2"
    for place, column in enumerate(columns, 1):
        shape = sheet.column_dimensions[get_column_letter(place)]
        shape.width = 18
        if not column.is_day:
            shape.number_format = "@"  # so that 00123 stays 00123
        if column.choices:
            _offer(sheet, lists, place, column, say)
    _explain(about, columns, say)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _put(sheet: Worksheet, values: Sequence[Any], head: bool = False) -> None:
    row = sheet.max_row + 1 if sheet.max_row > 1 or sheet["A1"].value is not None else 1
    for place, value in enumerate(values, 1):
        if value in (None, ""):
            continue
        cell = sheet.cell(row, place)
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"
            cell.number_format = "@"
        elif isinstance(value, date):
            cell.number_format = "yyyy-mm-dd"
        if head:
            cell.font, cell.fill = Font(bold=True), _HEAD


def _offer(sheet: Worksheet, lists: Worksheet, place: int, column: Column, say: Say) -> None:
    """Let people choose in a column; the choices stand in a column of the sheet `lists`."""
    letter, title = get_column_letter(place), say(column.title)
    for row, text in enumerate((title, *column.choices), 1):
        lists.cell(row, place).value = text
    last = len(column.choices) + 1
    source = f"{quote_sheetname(lists.title)}!${letter}$2:${letter}${last}"
    rule = DataValidation(type="list", formula1=source, allow_blank=True)
    rule.error, rule.errorTitle, rule.showErrorMessage = say(_("请从列表中选择。")), title, True
    sheet.add_data_validation(rule)
    rule.add(f"{letter}2:{letter}{MAX_ROWS + 1}")


def _explain(about: Worksheet, columns: Sequence[Column], say: Say) -> None:
    head = (_("列"), _("也可写作"), _("必填"), _("说明"), _("例"))
    _put(about, [say(text) for text in head], head=True)
    for column in columns:
        also, required = "、".join(column.also), say(_("是")) if column.required else ""
        _put(about, [say(column.title), also, required, say(column.about), column.example])
    last = _(
        "以“{mark}”开头的行不导入。一次最多 {most} 行。不要使用公式。",
        mark=EXAMPLE,
        most=MAX_ROWS,
    )
    _put(about, [say(last)])
    about.column_dimensions["D"].width = 60
    for row in about.iter_rows(min_col=4, max_col=4):
        row[0].alignment = Alignment(wrap_text=True)
