"""The ledger of a year as a letter with a table, PDF or DOCX."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine import clock
from engine.documents import docx, pdf
from engine.messages import Listed, _, worded
from engine.queries import ledger_words as words
from engine.queries.duty_cases import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.messages import Message
    from engine.queries.ledger import Ledger, Row

KIND = "ledger"
TEMPLATE = Path(pdf.__file__).parent / f"{KIND}.typ"
MAKERS = {"pdf": pdf.typeset, "docx": docx.typeset}
_HEAD = (_("编号"), _("职责"), _("期间"), _("状态"), _("说明"))


def report(ledger: Ledger, form: str, say: Callable[[str], str], lang: str) -> bytes:
    """The report as "pdf" or "docx"; `say` renders a message in its language. Raises ProcessFault,
    NotPrintable.
    """
    today = clock.today()
    kept = [row for row in ledger.rows if row.standing.state != State.NOT_KEPT]
    data = {
        "document": {
            "title": say(_("{year} 年度履职报告", year=ledger.year)),
            "issued_on": today.isoformat(),
        },
        "lang": lang,
        "union": ledger.union.name,
        "day": today.isoformat(),
        "lines": [say(line) for line in _opening(ledger, kept)],
        "head": [say(cell) for cell in _HEAD],
        "rows": [[say(cell) for cell in _cells(row)] for row in kept],
        "closing": [say(line) for line in _closing(ledger)],
    }
    return MAKERS[form]({f"documents/{KIND}.typ": TEMPLATE.read_text("utf-8")}, KIND, data)


def _opening(ledger: Ledger, kept: list[Row]) -> Iterable[Message]:
    told = _(
        "截至 {day}，本系统有记载的职责 {n} 项，全部依据事项的历史记录计算。",
        day=clock.today().isoformat(),
        n=len(kept),
    )
    return [told, summary(ledger)]


def summary(ledger: Ledger) -> Message:
    """How many stand how, of those that are kept."""
    counts = {state: ledger.count(state) for state in State if state != State.NOT_KEPT}
    parts = [_("{state} {n} 项", state=words.STATES[s], n=n) for s, n in counts.items() if n]
    return _("{parts}。", parts=Listed(parts, "，"))


def _cells(row: Row) -> tuple[str, ...]:
    when = words.period(row.standing.span) or worded(row.duty.period.title)
    state = words.STATES[row.standing.state]
    return row.duty.key, worded(row.duty.title), when, state, words.told(row)


def _closing(ledger: Ledger) -> Iterable[Message]:
    others = [row.duty.key for row in ledger.rows if row.standing.state == State.NOT_KEPT]
    if others:
        yield _("未在本系统办理的职责 {n} 项：{keys}。", n=len(others), keys=Listed(others))
