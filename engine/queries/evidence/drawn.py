"""The answer and the timeline of a pack as PDFs for people, drawn from the very files beside them:
each names the digest of the one that it is drawn from, which the verifiers compare.
"""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import clock
from engine.documents import pdf
from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.queries.evidence.case import Case

KIND = "pack_text"
TEMPLATE = Path(pdf.__file__).parent / f"{KIND}.typ"
_COLUMNS = 6  # of the timeline: what machines read stands in the file only
ANSWER, TIMELINE = "结论与经过 Answer", "时间线 Timeline"


def answer(case: Case, text: str) -> tuple[str, bytes | str]:
    """answer.pdf from answer.txt, or why it cannot be drawn, as name and content."""
    halves = [half.strip("\n").split("\n") for half in text.split("\n\n\n")]
    told = [{"lines": lines, "heads": _heads(lines)} for lines in halves]
    return _drawn(case, "answer.pdf", "answer.txt", text.encode(), title=ANSWER, halves=told)


def timeline(case: Case, table: bytes) -> tuple[str, bytes | str]:
    """The same of timeline.pdf from timeline.csv."""
    head, *rows = csv.reader(io.StringIO(table.decode("utf-8-sig")))
    shown = {"head": head[:_COLUMNS], "rows": [row[:_COLUMNS] for row in rows]}
    return _drawn(case, "timeline.pdf", "timeline.csv", table, title=TIMELINE, **shown)


def _heads(lines: list[str]) -> list[str]:
    """What stands alone behind an empty line is a heading, as the first line is."""
    behind = zip(["", *lines], lines, strict=False)
    return [line for before, line in behind if not before and line and line[0] not in "#- "]


def _drawn(
    case: Case, name: str, file: str, source: bytes, *, title: str, **parts: Any
) -> tuple[str, bytes | str]:
    data = {
        "document": {"title": title, "issued_on": clock.day_of(case.events[-1].at).isoformat()},
        "number": case.row.number,
        "file": file,
        "source": hashlib.sha256(source).hexdigest(),
        "halves": [],
        "head": [],
        "rows": [],
        **parts,
    }
    try:
        files = {f"documents/{KIND}.typ": TEMPLATE.read_text("utf-8")}
        return name, pdf.typeset(files, KIND, data)
    except EngineError as fault:
        return f"{name}.txt", f"不能打印 cannot be printed: {fault.message}\n"
