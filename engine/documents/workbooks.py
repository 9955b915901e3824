"""Tables as .xlsx, written in a process of its own with limits of time and memory: a long table
keeps nobody else waiting. See workbook_writer.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any

from engine import bounded
from engine.errors import Conflict
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMITS = bounded.Limits(seconds=60, megabytes=1024)
WRITER = "engine.documents.workbook_writer"
MOST_ROWS = 100_000  # of a table that is written


@dataclass(frozen=True)
class Shape:
    """A column of the table: its title, the texts to choose from, what is said of any other, and
    whether it holds days.
    """

    title: str
    choices: Sequence[str]
    wrong: str
    is_day: bool


@dataclass(frozen=True)
class Book:
    """A table of `rows` under the titles of its columns; a sheet that explains them, line by line,
    its head first; and one with the choices. `titles` of the three sheets.
    """

    titles: tuple[str, str, str]
    heads: Sequence[str]
    columns: Sequence[Shape]
    rows: Sequence[Sequence[Any]]
    about: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Printed:
    """A table of texts ready to be printed: `lines` under a title, the first of them as its head;
    whole numbers become numbers.
    """

    title: str
    lines: Sequence[Sequence[str]]


def written(book: Book) -> bytes:
    """The .xlsx. Raises Conflict when it is too large to be written within the limits."""
    return _sent(len(book.rows), json.dumps({"book": asdict(book)}, default=_day))


def printed(table: Printed) -> bytes:
    """The same of a table to be printed."""
    return _sent(len(table.lines), json.dumps({"printed": asdict(table)}))


def _sent(rows: int, told: str) -> bytes:
    if rows > MOST_ROWS:
        raise _too_large()
    sent = told.encode()
    try:
        (line,) = islice(bounded.lines(WRITER, sent, LIMITS), 2)
    except (bounded.Exceeded, ValueError):
        raise _too_large() from None
    return base64.b64decode(line)


def _too_large() -> Conflict:
    return Conflict(_("表格太大，没有写完；请分开导出，或告诉管理员。"), code="too_large")


def _day(value: object) -> dict[str, str]:
    """A day crosses over as text."""
    if not isinstance(value, date):
        raise TypeError(type(value))
    return {"day": value.isoformat()}
