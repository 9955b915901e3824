"""The cells of a decision table in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import expressions
from engine.decisions.cell import NULLS, cell_of
from engine.errors import ProcessFault
from engine.instance.union_law import rulebook
from engine.law.rules import amount_words
from engine.messages import Listed, Message, _

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from engine.decisions import Row
    from engine.instance.union_law import CommonLaw
    from engine.messages import Language
    from engine.queries.decisions.listing import Found

NOT_GIVEN, NOTHING = _("没有填写"), _("（没有）")
_SIGNS = {
    ">=": _("不少于 {value}"),
    ">": _("超过 {value}"),
    "<=": _("不超过 {value}"),
    "<": _("少于 {value}"),
}
_DAY_SIGNS = {
    ">=": _("{day} 以后"),
    ">": _("晚于 {day}"),
    "<=": _("{day} 以前"),
    "<": _("早于 {day}"),
}
_TRUTH = {True: _("是"), False: _("否")}
_NAMED = re.compile(r"[A-Z]{2,8}(?:-[A-Z0-9]+)+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Column:
    """A column: `name` is its key among the results, `expression` what is looked at, `words` what
    it means.
    """

    label: str
    name: str
    expression: str
    computed: bool


@dataclass(frozen=True)
class Cell:
    """A cell in words; `raw` as it stands in the table, `any`: it does not matter."""

    words: str
    raw: str
    any: bool = False


@dataclass(frozen=True)
class Line:
    """A row: conditions, results, the article, how sure we are of it, and the rules that it
    names.
    """

    number: int
    cells: tuple[Cell, ...]
    results: tuple[Cell, ...]
    because: str
    confidence: str
    otherwise: bool
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Wording:
    """Says the cells of one table in a language, with the numbers that hold on a day."""

    found: Found
    law: CommonLaw
    on: date
    say: Language

    def text(self, text: str) -> str:
        """A text of the author."""
        return self.found.lexicon.translated(text, self.say.code)

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns of the conditions."""
        return tuple(
            Column(self.text(c.label), short(c.expression), c.expression, not bare(c.expression))
            for c in self.found.table.inputs
        )

    @property
    def outputs(self) -> tuple[Column, ...]:
        """The columns of the results."""
        return tuple(
            Column(self.text(o.label), o.name, "", False) for o in self.found.table.outputs
        )

    @property
    def lines(self) -> tuple[Line, ...]:
        """The rows."""
        return tuple(self._line(n, row) for n, row in enumerate(self.found.table.rules, 1))

    def _line(self, number: int, row: Row) -> Line:
        table = self.found.table
        return Line(
            number=number,
            cells=tuple(self.cell(n, text) for n, text in enumerate(row.cells)),
            results=tuple(self._result(n, text) for n, text in enumerate(row.results)),
            because=self.text(row.description),
            confidence=confidence(row),
            otherwise=table.has_otherwise and number == len(table.rules),
            rules=rules_in(row.description, *row.cells, *row.results),
        )

    def cell(self, n: int, text: str) -> Cell:
        """A condition in words."""
        cell, name = cell_of(text), short(self.found.table.inputs[n].expression)
        if not cell.tests:
            return Cell(self.say(_("任意")), text, any=True)
        words = Listed(self._test(name, test.sign, test.operands) for test in cell.tests)
        return Cell(self.say(_("不是 {values}", values=words) if cell.negated else words), text)

    def _test(self, name: str, sign: str, operands: tuple[str, ...]) -> str:
        shown = [self.operand(name, each) for each in operands]
        if sign == "=":
            return shown[0]
        if len(shown) == 2:
            low, high = (">=" if sign[0] == "[" else ">"), ("<=" if sign[1] == "]" else "<")
            return Listed((_compared(low, shown[0]), _compared(high, shown[1])), "，")
        return _compared(sign, shown[0], is_day(operands[0]))

    def operand(self, name: str, text: str) -> str:
        """One value of a cell in words: a code by its meaning, a rule by its number."""
        if text in NULLS:
            return self.say(NOT_GIVEN)
        if text in ("true", "false"):
            return self.say(_TRUTH[text == "true"])
        calls = expressions.calls_in(text)
        if len(calls) == 1 and calls[0][0] == "rule" and text == f'rule("{calls[0][1][0]}")':
            return self._number(str(calls[0][1][0]))
        return self.code(name, text[1:-1]) if is_literal(text) else text

    def code(self, name: str, code: str) -> str:
        """What a code of a column means."""
        words = self.found.sheet.code(name, code)
        if words is not None:
            return self.say(words)
        return self.text(code) if code else self.say(_("空白"))

    def _number(self, rule_id: str) -> str:
        """The number of a rule with its unit; its id where nothing is in force that day."""
        try:
            ruling = self.law.ruling(rule_id, self.on)
        except ProcessFault:
            return rule_id
        if ruling.value is None:
            return rule_id
        return amount_words(ruling.value, ruling.unit, ruling.of, int(self.say.code == "en"))

    def _result(self, n: int, text: str) -> Cell:
        """A result in words: a code, a text, or how it is computed."""
        computed = self.found.lexicon.computed.get(text)
        if computed is not None:
            return Cell(self.say(computed), text)
        name = self.found.table.outputs[n].name
        return Cell("—" if text in NULLS else self.operand(name, text), text)

    def value(self, name: str, value: object) -> str:
        """A value that was given or that came out, in words."""
        if value is None:
            return self.say(NOT_GIVEN)
        if isinstance(value, bool):
            return self.say(_TRUTH[value])
        if isinstance(value, list):
            return self.say(Listed(self.value(name, each) for each in value)) or self.say(NOTHING)
        return self.code(name, value) if isinstance(value, str) else str(value)


def _compared(sign: str, value: str, is_day: bool = False) -> Message:
    if is_day:
        return Message(_DAY_SIGNS[sign].source, day=value)
    return Message(_SIGNS[sign].source, value=value)


def confidence(row: Row) -> str:
    """How sure we are of a row's article: as it says, else by its words and by the rules that it
    names; "" if unknown.
    """
    if row.confidence:
        return row.confidence
    if _says(row, "凭记忆", "待核对"):
        return "M"
    last = (rulebook().get(rule)[-1] for rule in rules_in(row.description, *row.cells))
    found = {entry.confidence for entry in last}
    if _says(row, "产品默认", "通例"):
        found.add("P")
    return next((each for each in "MPV" if each in found), "")


def _says(row: Row, *words: str) -> bool:
    return any(word in row.description for word in words)


def rules_in(*texts: str) -> tuple[str, ...]:
    """The rules of the rulebook that these texts name, each once."""
    known = rulebook().ids
    named: Iterable[str] = (rule for text in texts for rule in _NAMED.findall(text))
    return tuple(rule for rule in dict.fromkeys(named) if rule in known)


def bare(expression: str) -> bool:
    """Is it the name of a fact and no more?"""
    return expressions.names_in(expression) == {expression}


def short(expression: str) -> str:
    """The last part of a dotted name."""
    return expression.rpartition(".")[2]


def is_literal(text: str) -> bool:
    """Is it one text in quotation marks?"""
    return len(text) > 1 and text[0] in "\"'" and text[-1] == text[0] and text.count(text[0]) == 2


def is_day(text: str) -> bool:
    """Is it a day as tables write it, in quotation marks or without?"""
    return _DAY.fullmatch(text.strip('"')) is not None
