"""What a trial of a decision table asks for, and the answers as facts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from engine import clock, expressions, messages
from engine.decisions.cell import NULLS, cell_of
from engine.errors import Invalid
from engine.instance.union_law import CommonLaw
from engine.messages import CHINESE, _
from engine.queries.decisions.words import Wording, bare, is_day, is_literal, short

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from engine.definitions.decision_tables import Ask, Sheet
    from engine.messages import Language
    from engine.queries.decisions.listing import Found

ASKED = {  # what a trial can work out by itself: all functions that need no instance
    name
    for name, function in expressions.FUNCTIONS.items()
    if function.asks is not expressions.Asks.INSTANCE
}
MOST = 200  # characters of a text
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TRUTH = {"true": True, "false": False, "yes": True, "no": False, "是": True, "否": False}


@dataclass(frozen=True)
class Question:
    """What a trial asks for; `type` is choice, boolean, number, date or string."""

    key: str
    label: str
    type: str
    choices: tuple[tuple[str, str], ...] = ()


# --- asking ---------------------------------------------------------------------------------------
def questions(found: Found, say: Language = CHINESE) -> tuple[Question, ...]:
    """The facts that a table needs, or the value of a column that only an instance could give."""
    wording = Wording(found, CommonLaw(), clock.today(), say)
    asks, inputs = found.sheet.asks, found.table.inputs
    facts = {column.expression for column in inputs if bare(column.expression)}
    asked: dict[str, Question] = {}
    for n, column in enumerate(inputs):
        if column.expression in facts:
            asked[column.expression] = _of_column(column.expression, wording, n)
        elif _only_direct(column.expression, facts, found.sheet):
            asked[f"column.{n + 1}"] = _of_column(f"column.{n + 1}", wording, n)
        else:
            wanted = expressions.names_in(column.expression)
            asked |= _asked(asks, wanted - asked.keys(), say)
    asked |= _asked(asks, asks.keys() - asked.keys(), say)
    return tuple(asked.values())


def _asked(asks: Mapping[str, Ask], wanted: Collection[str], say: Language) -> dict[str, Question]:
    return {k: Question(k, say(ask.title), ask.type) for k, ask in asks.items() if k in wanted}


def _only_direct(expression: str, facts: set[str], sheet: Sheet) -> bool:
    """Must the value of this column be asked for as such?"""
    if not expressions.names_in(expression) <= {*facts, *sheet.asks}:
        return True
    return any(name not in ASKED for name, _args in expressions.calls_in(expression))


def _of_column(key: str, wording: Wording, n: int) -> Question:
    """The question for the value of a column."""
    column = wording.found.table.inputs[n]
    spoken, label = _Spoken.of(wording.found, n), wording.text(column.label)
    if spoken.type != "choice":
        return Question(key, label, spoken.type)
    name, codes = short(column.expression), [value[1:-1] for value in spoken.known]
    return Question(key, label, "choice", tuple((c, wording.code(name, c)) for c in codes))


@dataclass(frozen=True)
class _Spoken:
    """What a column speaks of: its declared type, the values that it lists or that its cells are
    equal to, and those with which its cells compare by another sign.
    """

    declared: str
    values: tuple[str, ...]
    ordered: tuple[str, ...]

    @classmethod
    def of(cls, found: Found, n: int) -> _Spoken:
        column = found.table.inputs[n]
        tests = [test for row in found.table.rules for test in cell_of(row.cells[n]).tests]
        equal = [o for test in tests if test.sign == "=" for o in test.operands if o not in NULLS]
        ordered = (o for test in tests if test.sign != "=" for o in test.operands)
        return cls(column.type, column.values or tuple(dict.fromkeys(equal)), tuple(ordered))

    @property
    def known(self) -> list[str]:
        return [value for value in self.values if value not in NULLS]

    @property
    def type(self) -> str:
        if self.known and all(value in ("true", "false") for value in self.values):
            return "boolean"
        if self.declared == "date" or any(map(is_day, self.ordered)):
            return "date"
        if self.known and all(is_literal(value) and len(value) > 2 for value in self.known):
            return "choice"
        number = self.declared == "number" or self.ordered or any(map(str.isdigit, self.values))
        return "number" if number else "string"


# --- answering ------------------------------------------------------------------------------------
def answers(
    asked: tuple[Question, ...], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[int, Any]]:
    """Answers as nested facts, and as values of columns (from 0). Raises Invalid by question."""
    unknown = given.keys() - {question.key for question in asked}
    faults: dict[str, list[str]] = {key: [_("没有这一项。")] for key in given if key in unknown}
    facts: dict[str, Any] = {}
    columns: dict[int, Any] = {}
    for question in asked:
        try:
            value = _value(question, given.get(question.key))
        except ValueError as wrong:
            faults[question.key] = [wrong.args[0]]
            continue
        head, _dot, rest = question.key.partition(".")
        if head == "column":
            columns[int(rest) - 1] = value
        elif rest:
            facts.setdefault(head, {})[rest] = value
        else:
            facts[head] = value
    if faults:
        raise Invalid(faults)
    return facts, columns


def _value(question: Question, given: object) -> object:
    """An answer as a fact. Raises ValueError of a Message."""
    if given is None or given == "":
        return None
    if question.type == "boolean":
        return _truth(given)
    if question.type == "number":
        return _whole(given)
    if not isinstance(given, str):
        raise ValueError(_("请填写文字。"))
    if question.type == "date":
        return _day(given)
    if question.type == "choice" and given not in dict(question.choices):
        codes = messages.Listed(code for code, _label in question.choices)
        raise ValueError(_("应为 {choices} 之一。", choices=codes))
    if len(given) > MOST:
        raise ValueError(_("最多 {most} 个字。", most=MOST))
    return given


def _truth(given: object) -> bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given in _TRUTH:
        return _TRUTH[given]
    raise ValueError(_("请选择是或否。"))


def _whole(given: object) -> int:
    digits = str(given).strip()
    if isinstance(given, bool) or not _WHOLE.fullmatch(digits):
        raise ValueError(_("请填写整数。"))
    return int(digits)


def _day(given: str) -> str:
    wrong = ValueError(_("日期应写成 2026-03-01 的样子。"))
    if not _DAY.fullmatch(given):
        raise wrong
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError:
        raise wrong from None
