"""A table as a file that spreadsheets open rightly: CSV with a mark of its encoding, or .xlsx ready
to be printed; no cell that they would compute.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Response

from engine.documents import workbooks
from engine.documents.docx import MEDIA_TYPE as DOCX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def media_type(name: str) -> str:
    """That of a file that a worker made, by its name."""
    return {"pdf": "application/pdf", "docx": DOCX}.get(name.rpartition(".")[2], XLSX)


def csv_text(lines: Iterable[Sequence[str]]) -> str:
    """The lines as CSV."""
    out = io.StringIO()
    csv.writer(out).writerows([_plain(cell) for cell in line] for line in lines)
    return out.getvalue()


def csv_file(name: str, lines: Iterable[Sequence[str]]) -> Response:
    """The lines as a file to be saved."""
    return file(name, csv_text(lines).encode("utf-8-sig"), "text/csv; charset=utf-8")


def xlsx_file(name: str, title: str, lines: Sequence[Sequence[str]]) -> Response:
    """The lines as a sheet under a title, the first of them as its head; whole numbers are numbers,
    everything else is text. Raises Conflict when it is too large.
    """
    table = workbooks.Printed(title, lines)
    return file(name, workbooks.printed(table), XLSX)


def file(name: str, data: bytes, content_type: str) -> Response:
    """The bytes of a table to be saved under a name."""
    return Response(
        data,
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def named(name: str) -> str:
    """A file name for Content-Disposition: as it is (RFC 5987), and in ASCII for whoever cannot
    read that.
    """
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-()") else "_" for c in name)
    return (
        f"filename=\"{plain}\"; filename*=UTF-8''{quote(name.encode('utf-8', 'replace'), safe='')}"
    )


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
