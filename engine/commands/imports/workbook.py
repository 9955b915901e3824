"""Reads and writes .xlsx. What comes in is taken for hostile: bounded in size and rows, no macros, no formulas run."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import openpyxl
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from engine.commands.people import words
from engine.errors import Invalid
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
    """A column of an import; `also` are further headers that mean it."""

    key: str
    title: str
    title_en: str
    about: str
    example: str = ""
    required: bool = False
    also: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    is_day: bool = False

    @property
    def names(self) -> set[str]:
        """All headers that mean this column, as `plain_header` gives them."""
        return {plain_header(n) for n in (self.key, self.title, self.title_en, *self.also)}


@dataclass
class RawRow:
    """A row as it was read: its number in the sheet, the text of each column, what cannot be read."""

    number: int
    values: dict[str, str]
    faults: list[str] = field(default_factory=list)


def plain_header(value: Any) -> str:
    """A header without marks, notes in brackets, blanks and case."""
    text = str(value or "").replace("*", "").replace("＊", "").replace("（", "(").strip()
    return text.split("(")[0].replace(" ", "").replace("_", "").casefold()


def read(filename: str, data: bytes, columns: Sequence[Column]) -> tuple[list[RawRow], list[str]]:
    """The rows of the first sheet that hold something, and remarks on the file. Raises Invalid."""
    _must_be_harmless(filename, data)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
        lines = list(_lines(book.worksheets[0]))
    except Invalid:
        raise
    except Exception as fault:  # the reader raises whatever it stumbles over
        raise _bad(_("这个文件打不开，请用下载的模板重新填写。")) from fault
    return _rows(lines, columns)


def _bad(message: str) -> Invalid:
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


def _lines(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """(number, cells) of the rows that hold something."""
    found = 0
    for number, cells in enumerate(
        sheet.iter_rows(min_row=1, max_row=LAST_ROW + 1, max_col=MAX_COLUMNS), 1
    ):
        if all(cell.value is None or not str(cell.value).strip() for cell in cells):
            continue
        found += 1
        if number > LAST_ROW or found > MAX_ROWS + 1:
            raise _bad(_("行数太多，一次最多 {most} 行。", most=MAX_ROWS))
        yield number, cells


def _rows(
    lines: list[tuple[int, tuple[Any, ...]]], columns: Sequence[Column]
) -> tuple[list[RawRow], list[str]]:
    if not lines or lines[0][0] > HEADER_WITHIN:
        raise _bad(_("前 {n} 行中没有表头。", n=HEADER_WITHIN))
    places, notes = _header(lines[0][1], columns)
    rows, examples = [], 0
    for number, cells in lines[1:]:
        row = _row(number, cells, places)
        if not any(row.values.values()) and not row.faults:
            continue
        if str(cells[0].value or "").strip().startswith(EXAMPLE):
            examples += 1
            continue
        rows.append(row)
    if examples:
        notes.append(_("有 {n} 行以“{mark}”开头，不导入。", n=examples, mark=EXAMPLE))
    if not rows:
        raise _bad(_("文件里没有要导入的行。"))
    return rows, notes


def _header(
    cells: tuple[Any, ...], columns: Sequence[Column]
) -> tuple[dict[int, Column], list[str]]:
    places: dict[int, Column] = {}
    unknown: list[str] = []
    for place, cell in enumerate(cells):
        name = plain_header(cell.value)
        column = next((c for c in columns if name in c.names), None)
        if column is not None and column in places.values():
            raise _bad(_("表头“{title}”出现了两次。", title=column.title))
        if column is not None:
            places[place] = column
        elif name:
            unknown.append(visible(str(cell.value))[:20])
    missing = [c.title for c in columns if c.required and c not in places.values()]
    if missing:
        raise _bad(_("表头缺少：{columns}。", columns=Listed(missing)))
    return places, [_("不认识的列没有读：{columns}。", columns=Listed(unknown))] if unknown else []


def _row(number: int, cells: tuple[Any, ...], places: Mapping[int, Column]) -> RawRow:
    row = RawRow(number, {})
    for place, column in places.items():
        cell = cells[place] if place < len(cells) else None
        text = _text(getattr(cell, "value", None))
        row.values[column.key] = visible(text)[:MAX_CELL]
        fault = _fault(getattr(cell, "data_type", "s"), text)
        if fault:
            row.faults.append(f"{column.title}:{fault}")
    return row


def _fault(data_type: str, text: str) -> str:
    if data_type == "f" or text.startswith("="):
        return _("不能填写公式。")
    if data_type == "e":
        return _("单元格是错误值。")
    if words.hidden(text):
        return _("含有不可见的控制字符。")
    return _("最多 {most} 个字。", most=MAX_CELL) if len(text) > MAX_CELL else ""


def visible(text: str) -> str:
    """The text with a mark in place of each hidden character."""
    return "".join("\ufffd" if words.hidden(c) else c for c in text)


def _text(value: Any) -> str:
    """A cell's value as text: whole numbers without a point, days as 2026-03-01."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    return " ".join(
        str(value).replace("\r", " ").replace("\n", " ").replace("\t", " ").split(" ")
    ).strip()


# --- writing ---------------------------------------------------------------------------------------------------------
_HEAD = PatternFill("solid", fgColor="DCE6F1")


def write(title: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> bytes:
    """An .xlsx: a sheet of rows, one that explains the columns, one with the lists. Text never is a formula."""
    book = openpyxl.Workbook()
    sheet, about, lists = book.worksheets[0], book.create_sheet("说明"), book.create_sheet("选项")
    sheet.title = title
    _put(sheet, [c.title + ("*" if c.required else "") for c in columns], head=True)
    for row in rows:
        _put(sheet, row)
    sheet.freeze_panes = "A2"
    for place, column in enumerate(columns, 1):
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = 18
        if not column.is_day:
            sheet.column_dimensions[letter].number_format = "@"  # so that 00123 stays 00123
        if column.choices:
            _offer(sheet, lists, place, column)
    _explain(about, columns)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _put(sheet: Any, values: Sequence[Any], head: bool = False) -> None:
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


def _offer(sheet: Any, lists: Any, place: int, column: Column) -> None:
    letter = get_column_letter(place)
    lists.cell(1, place).value = column.title
    for n, choice in enumerate(column.choices, 2):
        lists.cell(n, place).value = choice
    last = len(column.choices) + 1
    rule = DataValidation(
        type="list", formula1=f"选项!${letter}$2:${letter}${last}", allow_blank=True
    )
    rule.error, rule.errorTitle, rule.showErrorMessage = _("请从列表中选择。"), column.title, True
    sheet.add_data_validation(rule)
    rule.add(f"{letter}2:{letter}{MAX_ROWS + 1}")


def _explain(about: Any, columns: Sequence[Column]) -> None:
    _put(about, ["列", "Column", "必填", "说明", "例"], head=True)
    for column in columns:
        _put(
            about,
            [
                column.title,
                column.title_en,
                "是" if column.required else "",
                column.about,
                column.example,
            ],
        )
    _put(
        about,
        [
            _(
                "以“{mark}”开头的行不导入。一次最多 {most} 行。不要使用公式。",
                mark=EXAMPLE,
                most=MAX_ROWS,
            )
        ],
    )
    about.column_dimensions["D"].width = 60
    for row in about.iter_rows(min_col=4, max_col=4):
        row[0].alignment = Alignment(wrap_text=True)
