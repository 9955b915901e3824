"""A table as a file that spreadsheets open rightly: CSV with a mark of its encoding, or .xlsx ready
to be printed; no cell that they would compute.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import openpyxl
from flask import Response
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from openpyxl.worksheet.worksheet import Worksheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")
WIDEST = 44
_MIDDLE = Alignment(horizontal="center", vertical="center")
_WRAPPED = Alignment(wrap_text=True, vertical="center")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(lines: Iterable[Sequence[str]]) -> str:
    """The lines as CSV."""
    out = io.StringIO()
    csv.writer(out).writerows([_plain(cell) for cell in line] for line in lines)
    return out.getvalue()


def csv_file(name: str, lines: Iterable[Sequence[str]]) -> Response:
    """The lines as a file to be saved."""
    return _file(name, csv_text(lines).encode("utf-8-sig"), "text/csv; charset=utf-8")


def xlsx_file(name: str, title: str, lines: Sequence[Sequence[str]]) -> Response:
    """The lines as a sheet under a title, the first of them as its head; whole numbers are numbers,
    everything else is text.
    """
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = title[:31]
    _fill(sheet, title, lines)
    stream = io.BytesIO()
    book.save(stream)
    return _file(name, stream.getvalue(), XLSX)


def _fill(sheet: Worksheet, title: str, lines: Sequence[Sequence[str]]) -> None:
    wide = len(lines[0])
    sheet.append([title])
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=wide)
    sheet["A1"].font, sheet["A1"].alignment = Font(bold=True, size=16), _MIDDLE
    for row, line in enumerate(lines, 2):
        for place, text in enumerate(line, 1):
            cell = sheet.cell(row, place)
            cell.alignment = _WRAPPED
            if row > 2 and WHOLE.fullmatch(text):
                cell.value = int(text)
            elif text:
                cell.value, cell.data_type, cell.number_format = text, "s", "@"
    for place in range(1, wide + 1):
        sheet.cell(2, place).font = Font(bold=True)
        longest = max(_width(line[place - 1]) for line in lines)
        sheet.column_dimensions[get_column_letter(place)].width = min(longest + 2, WIDEST)
    sheet.freeze_panes, sheet.print_title_rows = "D3", "1:2"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9  # A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _width(text: str) -> int:
    """In Latin characters: a Chinese one takes two."""
    return sum(1 if ord(character) < 0x2E80 else 2 for character in text)


def _file(name: str, data: bytes, content_type: str) -> Response:
    return Response(
        data,
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
