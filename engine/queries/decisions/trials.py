"""What a case would come to by a decision table, and why. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine import clock, decisions, messages, settings
from engine.definitions import decision_tables as sheets
from engine.errors import Invalid, ProcessFault
from engine.instance import numbers
from engine.instance.union_law import CommonLaw
from engine.messages import CHINESE, _
from engine.queries.decisions.listing import Found, find, law_for
from engine.queries.decisions.questions import answers, questions
from engine.queries.decisions.words import Wording, confidence, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from engine.db import Session
    from engine.law import Ruling
    from engine.messages import Language
    from engine.people.organisation import Actor
    from engine.queries.decisions.questions import Question


@dataclass(frozen=True)
class Result:
    """One output: `value` as processes get it, `words` as people read it."""

    name: str
    label: str
    value: Any
    words: str


@dataclass(frozen=True)
class Ground:
    """A condition of the row that was met: what was given and what the cell asks for."""

    label: str
    value: str
    cell: str


@dataclass(frozen=True)
class Outcome:
    """What a case comes to, and why: the row, its article, its conditions, and of each other row
    what did not fit.
    """

    table: str
    on: date
    row: int  # 0: none, the table's default
    rows: tuple[int, ...]  # all that count
    results: tuple[Result, ...]
    because: str
    confidence: str
    grounds: tuple[Ground, ...]
    misses: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass
class _Case:
    """Asks the law on a day, for a table that is tried without an instance."""

    law: CommonLaw
    decisive_on: date
    measured: list[tuple[Ruling, int, int]] = field(default_factory=list)


def evaluate(
    session: Session,
    actor: Actor,
    table_id: str,
    given: Mapping[str, Any],
    *,
    on: date | None = None,
    say: Language = CHINESE,
) -> Outcome:
    """What a case comes to by a table and the union's numbers on that day. Raises NotFound, Invalid
    by question.
    """
    law = law_for(session, actor)
    return _evaluated(find(session, table_id, say), law, given, on, say)


def questions_on_disk(table_id: str, say: Language = CHINESE) -> tuple[Question, ...]:
    """What a table asks for, as it stands in the processes folder. Raises Invalid."""
    return questions(_on_disk(table_id), say)


def evaluate_on_disk(
    table_id: str, given: Mapping[str, Any], on: date | None = None, say: Language = CHINESE
) -> Outcome:
    """As `evaluate`, for the tables as they stand in the processes folder and a union that set
    nothing itself.
    """
    return _evaluated(_on_disk(table_id), CommonLaw(), given, on, say)


def _on_disk(table_id: str) -> Found:
    root = settings.load().processes
    known = sheets.paths(root)
    if table_id not in known:
        wrong = _(
            "没有决策表“{table}”。可以写：{known}。", table=table_id, known=messages.Listed(known)
        )
        raise Invalid({"table": [wrong]})
    lexicon, table = sheets.read_words(root), _parsed(known[table_id].read_bytes())
    return Found(table, lexicon.sheet(table_id, table), lexicon, shared=True)


_parsed = lru_cache(maxsize=64)(decisions.parse)


def _evaluated(
    found: Found, law: CommonLaw, given: Mapping[str, Any], on: date | None, say: Language
) -> Outcome:
    day = on or found.sheet.on or clock.today()
    facts, columns = answers(questions(found, say), given)
    try:
        decided = decisions.explain(found.table, facts, numbers.of_law(_Case(law, day)), columns)
    except ProcessFault as fault:
        text = fault.message
        raise Invalid({"_": [text if text.endswith("。") else f"{text}。"]}) from fault
    wording = Wording(found, law, day, say)
    row = found.table.rules[decided.row - 1] if decided.row else None
    labels = [wording.text(column.label) for column in found.table.inputs]
    return Outcome(
        table=found.sheet.id,
        on=day,
        row=decided.row,
        rows=decided.rows,
        results=tuple(_results(wording, decided.found)),
        because=wording.text(decided.because),
        confidence=confidence(row) if row else "",
        grounds=tuple(_grounds(wording, row, decided.values)) if row else (),
        misses=tuple((n, tuple(labels[c] for c in wrong)) for n, wrong in decided.misses.items()),
    )


def _results(wording: Wording, found: Mapping[str, Any]) -> Iterator[Result]:
    for column in wording.found.table.outputs:
        value = found[column.name]
        label, words = wording.text(column.label), wording.value(column.name, value)
        yield Result(column.name, label, value, words)


def _grounds(wording: Wording, row: decisions.Row, values: Sequence[Any]) -> Iterator[Ground]:
    """The conditions of a row that matter, with the values that met them."""
    for n, column in enumerate(wording.found.table.inputs):
        cell = wording.cell(n, row.cells[n])
        if not cell.any:
            value = wording.value(short(column.expression), values[n])
            yield Ground(wording.text(column.label), value, cell.words)
