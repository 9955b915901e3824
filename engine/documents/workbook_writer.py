"""Writes an .xlsx, where a process of its own does nothing else. Text never is a formula."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import openpyxl
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties

from engine.documents.sheets import MAX_ROWS
from engine.documents.workbooks import Book, Printed, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from openpyxl.worksheet.worksheet import Worksheet

_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")
_WIDEST = 44  # of a column, in Latin characters
_MIDDLE = Alignment(horizontal="center", vertical="center")
_WRAPPED = Alignment(wrap_text=True, vertical="center")
_HEAD = PatternFill("solid", fgColor="DCE6F1")


def main() -> None:
    """One line: the .xlsx in base64 of the `Book` or the `Printed` that comes in as JSON."""
    told = json.load(sys.stdin)
    if "printed" in told:
        data = _printed(Printed(**told["printed"]))
    else:
        book = told["book"]
        columns = [Shape(**each) for each in book.pop("columns")]
        data = _written(Book(**book, columns=columns))
    sys.stdout.write(base64.b64encode(data).decode() + "\n")


def _written(told: Book) -> bytes:
    book = openpyxl.Workbook()
    sheet, about, lists = book.worksheets[0], book.create_sheet(), book.create_sheet()
    sheet.title, about.title, lists.title = told.titles
    _fill(sheet, [told.heads, *told.rows])
    sheet.freeze_panes = "A2"
    for place, column in enumerate(told.columns, 1):
        shape = sheet.column_dimensions[get_column_letter(place)]
        shape.width = 18
        if not column.is_day:
            shape.number_format = "@"  # so that 00123 stays 00123
        if column.choices:
            _offer(sheet, lists, place, column)
    _fill(about, told.about)
    about.column_dimensions["D"].width = 60
    for row in about.iter_rows(min_col=4, max_col=4):
        row[0].alignment = Alignment(wrap_text=True)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _fill(sheet: Worksheet, lines: Sequence[Sequence[Any]]) -> None:
    """Line by line, the first as a head."""
    for row, values in enumerate(lines, 1):
        for place, value in _filled(values):
            cell = sheet.cell(row, place)
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"
                cell.number_format = "@"
            elif isinstance(value, date):
                cell.number_format = "yyyy-mm-dd"
            if row == 1:
                cell.font, cell.fill = Font(bold=True), _HEAD


def _filled(values: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """The values that are there, by their place from 1."""
    for place, value in enumerate(values, 1):
        if value not in (None, ""):
            yield place, _meant(value)


def _meant(value: str | int | Mapping[str, str]) -> str | int | date:
    return value if isinstance(value, str | int) else date.fromisoformat(value["day"])


def _offer(sheet: Worksheet, lists: Worksheet, place: int, column: Shape) -> None:
    """Let people choose in a column; the choices stand in a column of the sheet `lists`."""
    letter = get_column_letter(place)
    for row, text in enumerate((column.title, *column.choices), 1):
        lists.cell(row, place).value = text
    last = len(column.choices) + 1
    source = f"{quote_sheetname(lists.title)}!${letter}$2:${letter}${last}"
    rule = DataValidation(type="list", formula1=source, allow_blank=True)
    rule.error, rule.errorTitle, rule.showErrorMessage = column.wrong, column.title, True
    sheet.add_data_validation(rule)
    rule.add(f"{letter}2:{letter}{MAX_ROWS + 1}")


# --- to be printed --------------------------------------------------------------------------------
def _printed(told: Printed) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = told.title[:31]
    _laid_out(sheet, told)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _laid_out(sheet: Worksheet, told: Printed) -> None:
    wide = len(told.lines[0])
    sheet.append([told.title])
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=wide)
    sheet["A1"].font, sheet["A1"].alignment = Font(bold=True, size=16), _MIDDLE
    for row, line in enumerate(told.lines, 2):
        for place, text in enumerate(line, 1):
            cell = sheet.cell(row, place)
            cell.alignment = _WRAPPED
            if row > 2 and _WHOLE.fullmatch(text):
                cell.value = int(text)
            elif text:
                cell.value, cell.data_type, cell.number_format = text, "s", "@"
    for place in range(1, wide + 1):
        sheet.cell(2, place).font = Font(bold=True)
        longest = max(_width(line[place - 1]) for line in told.lines)
        sheet.column_dimensions[get_column_letter(place)].width = min(longest + 2, _WIDEST)
    sheet.freeze_panes, sheet.print_title_rows = "D3", "1:2"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9  # A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _width(text: str) -> int:
    """In Latin characters: a Chinese one takes two."""
    return sum(1 if ord(character) < 0x2E80 else 2 for character in text)


if __name__ == "__main__":
    main()
