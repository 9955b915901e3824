"""What comes from outside is bounded: workbooks that unpack to millions of cells, processes that never end, quotas."""

from __future__ import annotations

import io
import resource
import time
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import openpyxl
import pytest

from engine import bounded
from engine.documents import docx, sheets, workbooks
from engine.errors import Conflict, Invalid, ProcessFault

if TYPE_CHECKING:
    from pathlib import Path

SHEET = (
    b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    b"<sheetData>%s</sheetData></worksheet>"
)


def workbook(rows: bytes) -> bytes:
    """A workbook that is sound but for its only sheet."""
    sound, made = io.BytesIO(), io.BytesIO()
    openpyxl.Workbook().save(sound)
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, SHEET % rows if "sheet1" in name else old.read(name))
    return made.getvalue()


MANY = b'<row r="1">' + b'<c r="A1"><v>1</v></c>' * 1_700_000 + b"</row>"
# a prefix hides the cells from the count; only the limits of the process are left
HIDDEN = b'<x:row xmlns:x="u">' + b"<x:c><x:v>1</x:v></x:c>" * 1_500_000 + b"</x:row>"
NESTED = b"<row>" * 400_000 + b"</row>" * 400_000


@pytest.mark.parametrize("rows", [MANY, HIDDEN, NESTED], ids=["cells", "hidden", "nested"])
def test_a_small_workbook_that_unpacks_to_millions_is_refused_within_seconds(rows: bytes) -> None:
    data = workbook(rows)
    assert len(data) < 200_000 < len(rows)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    try:
        found = sheets.read("x.xlsx", data)
        assert not any(sheet.rows for sheet in found)  # what hides its cells has none
    except Invalid as refused:
        assert len(refused.fields["file"]) == 1
    assert time.monotonic() - began < 3 * sheets.LIMITS.seconds
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # KB


def test_too_many_cells_are_counted_before_they_are_read() -> None:
    with pytest.raises(Invalid) as refused:
        sheets.read("x.xlsx", workbook(MANY))
    assert "单元格太多" in str(refused.value.fields["file"])


def test_what_is_no_workbook_is_said_to_be_none() -> None:
    for data, name in ((b"", "x.xlsx"), (b"PK", "x.xlsx"), (b"\xff" * 9, "x.csv"), (b"a", "x.pdf")):
        with pytest.raises(Invalid) as refused:
            sheets.read(name, data)
        assert list(refused.value.fields) == ["file"]


def test_cells_come_as_they_were_written() -> None:
    book, data = openpyxl.Workbook(), io.BytesIO()
    book.worksheets[0].append(["工号", "00123", 7, True])
    book.worksheets[0].append([])
    book.worksheets[0].append([None, "=1+1", "𠮷田\n一"])
    book.save(data)
    (sheet,) = sheets.read("x.xlsx", data.getvalue())
    first, second = sheet.rows
    assert (first.number, [cell.value for cell in first.cells[:4]]) == (
        1,
        ["工号", "00123", 7, True],
    )
    assert second.number == 3 and second.cells[1] == ("=1+1", "f")
    assert second.cells[2] == ("𠮷田\n一", "s")


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("while True: pass", b""),
        ("print(1, flush=True); x = bytearray(3 << 30)", b""),
        ("import sys; sys.exit(3)", b"x" * 5_000_000),
    ],
    ids=["never ends", "eats memory", "breaks unread"],
)
def test_a_process_that_goes_beyond_its_limits_is_ended(
    body: str, sent: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside_work.py").write_text(body, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    limits = bounded.Limits(seconds=2, megabytes=1024)
    with pytest.raises(bounded.Exceeded):
        list(bounded.lines("outside_work", sent, limits))


# --- what is written ----------------------------------------------------------------------------
def table(rows: int) -> workbooks.Book:
    shape = workbooks.Shape("工号", ("甲", "乙"), "请从列表中选择。", is_day=False)
    lines = [[f"00{n}", "=1+1", date(2026, 3, 1)] for n in range(rows)]
    return workbooks.Book(("人员", "说明", "选项"), ["工号*"], [shape], lines, [["列"]])


def test_a_table_is_written_elsewhere_and_its_text_is_no_formula() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbooks.written(table(3))))
    assert book.sheetnames == ["人员", "说明", "选项"]
    (number, formula, day) = book["人员"][4]
    assert (number.value, formula.value, formula.data_type) == ("002", "=1+1", "s")
    assert day.value.date() == date(2026, 3, 1)
    assert [cell.value for cell in book["选项"]["A"]] == ["工号", "甲", "乙"]


@pytest.mark.parametrize(
    ("seconds", "megabytes", "most"), [(0, 1024, 10), (20, 16, 10), (20, 1024, 2)]
)
def test_a_table_that_takes_too_long_or_too_much_is_refused(
    monkeypatch: pytest.MonkeyPatch, seconds: int, megabytes: int, most: int
) -> None:
    monkeypatch.setattr(workbooks, "LIMITS", bounded.Limits(seconds, megabytes))
    monkeypatch.setattr(workbooks, "MOST_ROWS", most)
    with pytest.raises(Conflict) as fault:
        workbooks.written(table(3))
    assert fault.value.code == "too_large"


def test_a_docx_has_no_more_memory_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    source = {"documents/a.typ": "= 标题\n" + "正文 " * 20_000}
    assert docx.typeset(source, "a", {}).startswith(b"PK")
    monkeypatch.setattr(docx, "MEGABYTES", 8)
    with pytest.raises(ProcessFault):
        docx.typeset(source, "a", {})
