"""What comes from outside is bounded: workbooks that unpack to millions of cells, processes that never end, quotas."""

from __future__ import annotations

import io
import resource
import time
import zipfile
from typing import TYPE_CHECKING

import openpyxl
import pytest

from engine import bounded
from engine.documents import sheets
from engine.errors import Invalid

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
