"""The tables of a pack as CSV, in UTF-8 with byte order mark: timeline, rolls, who was due at a
meeting.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from engine.messages import CHINESE, Listed
from engine.queries.evidence import entries

if TYPE_CHECKING:
    from engine.queries.evidence.case import Case, Entry, Hall, Question

_TIMELINE = (  # both languages in one line: a table has one head
    "序号 no.",
    "时间 time (UTC+8)",
    "事项 event",
    "环节 step",
    "办理人 by",
    "说明 details",
    "kind",
    "hash",
    "leaf_no",
)
_ROLL = ("member", "姓名 name", "选择 choice", "choice", "意见 comment", "时间 time (UTC+8)")
_DUE = ("member", "姓名 name", "身份 kind")
_INVITED = {"formal": "正式 formal", "observer": "列席 observer", "guest": "特邀 guest"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def timeline(case: Case) -> bytes:
    """timeline.csv for a spreadsheet."""
    return table([[*_TIMELINE], *(_event(case, entry) for entry in case.events)])


def _event(case: Case, entry: Entry) -> list[object]:
    answers = (entries.labelled(*pair) for pair in entries.answers_of(case, entry, CHINESE))
    details = Listed([*entries.details_of(case, entry), *answers], "；")
    return [
        entry.seq,
        entries.moment(entry.at),
        CHINESE(entries.kind_of(entry)),
        CHINESE(entries.step_of(case, entry)),
        entries.by(entry),
        CHINESE(details),
        entry.kind,
        entry.hash.hex(),
        "" if entry.leaf_no is None else entry.leaf_no,
    ]


def roll(case: Case, question: Question) -> bytes:
    """The roll of a poll: who could answer, and what they answered."""
    rule = case.process.tasks[question.element].poll
    labels = rule.labels if rule else {}
    lines: list[list[object]] = [[*_ROLL]]
    for voice in question.voices:
        choice = voice.choice or ""
        label = labels[choice].zh if choice in labels else choice
        said = (label, choice, voice.comment, entries.moment(voice.at))
        lines.append([str(voice.member_id), voice.name, *said])
    return table(lines)


def due(hall: Hall) -> bytes:
    """The roll of a meeting: who was due, and as what."""
    rows = [[str(d.member_id), d.name, _INVITED.get(d.kind, d.kind)] for d in hall.due]
    return table([[*_DUE], *rows])


def table(lines: list[list[object]]) -> bytes:
    """Lines of cells as CSV; no cell can be taken for a formula."""
    out = io.StringIO()
    csv.writer(out).writerows([[_inert(cell) for cell in line] for line in lines])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _inert(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
