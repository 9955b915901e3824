"""Finds the list in a file, wherever its header stands, and reads each cell as it is meant; writes
.xlsx.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from engine.commands.people import words
from engine.documents import sheets as files
from engine.documents import workbooks
from engine.messages import Listed, Message, _
from engine.people import spelling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HEADER_WITHIN = 15  # rows: titles stand above it
MAX_CELL = 300
PASSED = {"序号", "编号", "no", "no.", "#"}  # columns that nobody misses
REMARKS = ("合计", "总计", "小计", "共计", "备注", "说明", "注", "填表", "制表", "审核", "日期")
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
    heard: tuple[str, ...] = ()  # headers that offices write besides
    spelt: Callable[[str], str] = spelling.unseen_out

    @property
    def names(self) -> set[str]:
        """All headers that mean this column, as `plain_header` gives them."""
        return {plain_header(name) for name in (self.key, self.title, *self.also, *self.heard)}

    @property
    def guesses(self) -> set[str]:
        """The headers that may mean this column."""
        return {plain_header(name) for name in self.heard}

    def reads(self, value: object) -> str:
        """What a cell of this column means."""
        if self.is_day:
            return spelling.day(value)
        return self.spelt(_written(value))


@dataclass
class RawRow:
    """A row as it was read: its number in the sheet, the text of each column, what cannot be
    read, and what was read as something else than it says.
    """

    number: int
    values: dict[str, str]
    faults: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    def take(self, column: Column, value: object, kind: str = "s") -> None:
        """Take the value of a column, with what is wrong with it."""
        written = _written(value)
        fault = _fault(kind, written, column.reads(value))
        if fault is None:
            self.put(column, value)
            return
        self.values[column.key] = visible(written)[:MAX_CELL]
        self.faults.append(_("{column}:{fault}", column=column.title, fault=fault))

    def put(self, column: Column, value: object) -> None:
        """Take the value of a column as it is meant, and say so where it was written otherwise."""
        meant, written = column.reads(value), _written(value)
        self.values[column.key] = meant
        if meant != written:
            old = visible(written)[:MAX_CELL]
            self.reads.append(
                _("{column}“{written}”读作“{meant}”", column=column.title, written=old, meant=meant)
            )


def plain_header(value: object) -> str:
    """A header without marks, notes in brackets, blanks, line breaks, width and case."""
    text = unicodedata.normalize("NFKC", spelling.unseen_out(str(value or "")))
    for mark in ("*", "_", " ", ":"):
        text = text.replace(mark, "")
    return text.split("(")[0].casefold()


def read(
    filename: str, data: bytes, columns: Sequence[Column]
) -> tuple[list[RawRow], list[Message]]:
    """The rows that hold something, of the first sheet that has the header, and remarks on the
    file. Raises Invalid.
    """
    best: _Head | None = None
    sheets = 0
    for sheet in files.read(filename, data):
        sheets += 1
        head = _head_of(sheet, columns)
        if head is not None and (best is None or len(head.places) > len(best.places)):
            best = head
        if best is not None and not best.missing(columns):
            break
    if best is None:
        raise files.bad(_("前 {n} 行中没有表头。", n=HEADER_WITHIN))
    if best.twice is not None:
        raise files.bad(_("表头“{title}”出现了两次。", title=best.twice.title))
    if missing := best.missing(columns):
        raise files.bad(_("表头缺少：{columns}。", columns=Listed(missing)))
    return _rows(best, sheets)


@dataclass
class _Head:
    """The row of a sheet that names the columns, and which stands where."""

    sheet: files.Sheet
    at: int  # its place among the rows that hold something
    places: dict[int, Column] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    twice: Column | None = None

    def missing(self, columns: Sequence[Column]) -> list[Message]:
        """The titles of the required columns that are not there."""
        known = self.places.values()
        return [c.title for c in columns if c.required and c not in known]


def _head_of(sheet: files.Sheet, columns: Sequence[Column]) -> _Head | None:
    """Of the first rows the one that names most columns; None where none names any."""
    first = [row for row in sheet.rows[:HEADER_WITHIN] if row.number <= 2 * HEADER_WITHIN]
    found = [_header(sheet, at, columns) for at in range(len(first))]
    best = max(found, key=lambda head: len(head.places), default=None)
    return best if best is not None and best.places else None


def _header(sheet: files.Sheet, at: int, columns: Sequence[Column]) -> _Head:
    head = _Head(sheet, at)
    for place, cell in enumerate(sheet.rows[at].cells):
        name = plain_header(cell.value)
        column = next((c for c in columns if name in c.names), None)
        if column is None:
            passed = name in PASSED
            head.unknown += [visible(str(cell.value))[:20]] if name and not passed else []
        elif column not in head.places.values():
            head.places[place] = column
        elif name not in column.guesses:
            _twice(head, place, column)
    return head


def _twice(head: _Head, place: int, column: Column) -> None:
    """A header that names a column outright stands before one that may mean it."""
    before = next(p for p, known in head.places.items() if known is column)
    if plain_header(head.sheet.rows[head.at].cells[before].value) not in column.guesses:
        head.twice = column
        return
    del head.places[before]
    head.places[place] = column


def _rows(head: _Head, sheets: int) -> tuple[list[RawRow], list[Message]]:
    title = head.sheet.rows[head.at]
    notes = (
        [_("不认识的列没有读：{columns}。", columns=Listed(head.unknown))] if head.unknown else []
    )
    if sheets > 1 or head.at:
        where = {"sheet": visible(head.sheet.name)[:31], "number": title.number}
        notes.append(_("表头读自“{sheet}”第 {number} 行，以上各行没有读。", **where))
    below = head.sheet.rows[head.at + 1 :]
    data = [line for line in below if not _is_remark(line, head) and not _repeats(line, title)]
    if passed := len(below) - len(data):
        notes.append(_("有 {n} 行是小结、说明或重复的表头，没有读。", n=passed))
    read_rows = [(line, _row(line, head.places)) for line in data]
    filled = [(line, row) for line, row in read_rows if any(row.values.values()) or row.faults]
    rows = [row for line, row in filled if not _is_example(line)]
    if examples := len(filled) - len(rows):
        notes.append(_("有 {n} 行以“{mark}”开头，不导入。", n=examples, mark=EXAMPLE))
    if not rows:
        raise files.bad(_("文件里没有要导入的行。"))
    return rows, notes


def _is_example(line: files.Row) -> bool:
    return str(line.cells[0].value or "").strip().startswith(EXAMPLE)


def _is_remark(line: files.Row, head: _Head) -> bool:
    """A sum, a signature or a note under the list: it begins with such a word and fills at most
    half of the columns that must be filled.
    """
    held = [cell for cell in line.cells if not cell.blank]
    first = plain_header(held[0].value)
    known = [c for place, c in head.places.items() if place < len(line.cells) and c.required]
    filled = [p for p, c in head.places.items() if c in known and not line.cells[p].blank]
    return first.startswith(REMARKS) and 2 * len(filled) <= len(known)


def _repeats(line: files.Row, title: files.Row) -> bool:
    """Is it the header again, as at the top of each printed page?"""
    return [plain_header(c.value) for c in line.cells] == [
        plain_header(c.value) for c in title.cells
    ]


def _row(line: files.Row, places: Mapping[int, Column]) -> RawRow:
    row = RawRow(line.number, {})
    for place, column in places.items():
        cell = line.cells[place] if place < len(line.cells) else files.Cell(None)
        row.take(column, cell.value, cell.kind)
    return row


def _fault(kind: str, written: str, meant: str) -> Message | None:
    if kind == "f" or written.startswith("="):
        return _("不能填写公式。")
    if kind == "e":
        return _("单元格是错误值。")
    if words.hidden(meant):
        return _("含有不可见的控制字符。")
    if len(meant) > MAX_CELL:
        return _("最多 {most} 个字。", most=MAX_CELL)
    return None


def visible(text: str) -> str:
    """The text with a mark in place of each hidden character."""
    return "".join("\ufffd" if words.hidden(c) else c for c in text)


def _written(value: object) -> str:
    """A cell as it stands on the screen: days as 2026-03-01, line breaks as blanks."""
    if isinstance(value, date):
        return spelling.day(value)
    return " ".join(re.split("[ \r\n\t]", spelling.plain(value))).strip()


# --- writing --------------------------------------------------------------------------------------
Say = Callable[[str], str]  # gives a message in the reader's language


def write(
    title: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]], say: Say = str
) -> bytes:
    """An .xlsx: a sheet of rows, one that explains the columns, one with the lists. Raises Conflict
    when it is too large.
    """
    wrong = say(_("请从列表中选择。"))
    shapes = [workbooks.Shape(say(c.title), c.choices, wrong, c.is_day) for c in columns]
    heads = [say(c.title) + ("*" if c.required else "") for c in columns]
    titles = (say(title), say(_("说明")), say(_("选项")))
    return workbooks.written(workbooks.Book(titles, heads, shapes, rows, _about(columns, say)))


def _about(columns: Sequence[Column], say: Say) -> list[list[str]]:
    """What explains the columns, a line each."""
    head = (_("列"), _("也可写作"), _("必填"), _("说明"), _("例"))
    lines = [[say(text) for text in head]]
    for column in columns:
        also, required = "、".join(column.also), say(_("是")) if column.required else ""
        lines.append([say(column.title), also, required, say(column.about), column.example])
    last = _(
        "以“{mark}”开头的行不导入。一次最多 {most} 行。不要使用公式。",
        mark=EXAMPLE,
        most=files.MAX_ROWS,
    )
    return [*lines, [say(last)]]
