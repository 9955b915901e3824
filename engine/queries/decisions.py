"""Decision tables for readers: which are in force, each in words, and what a case would come to. A
trial stores nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock, decisions, expressions, law, messages, settings
from engine.db import tables
from engine.decisions.cell import NULLS, cell_of
from engine.definitions import decision_tables as sheets
from engine.definitions.store import process_of
from engine.errors import Invalid, NotFound, ProcessFault
from engine.instance import numbers
from engine.instance.union_law import CommonLaw, UnionLaw, rulebook
from engine.law.rules import amount_words
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.db import Session
    from engine.definitions.decision_tables import Lexicon, Sheet
    from engine.people.organisation import Actor

_definition = tables.definition.c
ASKED = {  # what a trial can work out by itself: all functions that need no instance
    name
    for name, function in expressions.FUNCTIONS.items()
    if function.asks is not expressions.Asks.INSTANCE
}
SIGNS = {
    ">=": ("不少于 {}", "at least {}"),
    ">": ("超过 {}", "more than {}"),
    "<=": ("不超过 {}", "at most {}"),
    "<": ("少于 {}", "less than {}"),
}
DAY_SIGNS = {
    ">=": ("{} 以后", "on or after {}"),
    ">": ("晚于 {}", "after {}"),
    "<=": ("{} 以前", "on or before {}"),
    "<": ("早于 {}", "before {}"),
}
_NAMED = re.compile(r"[A-Z]{2,8}(?:-[A-Z0-9]+)+")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Use:
    """A published process that decides by a table."""

    hash: str
    title: str


@dataclass(frozen=True)
class Listed:
    """A table in the list. `shared`: it stands beside the processes; `uses`: the versions in force
    that decide by it.
    """

    id: str
    number: str
    title: str
    summary: str
    hit_policy: str
    rows: int
    shared: bool
    uses: tuple[Use, ...]


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
    any: bool


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
class Question:
    """What a trial asks for; `type` is choice, boolean, number, date or string."""

    key: str
    label: str
    type: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Shown:
    """A table with everything that a page shows. `on` is the day whose law a trial starts with."""

    listed: Listed
    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...]
    lines: tuple[Line, ...]
    questions: tuple[Question, ...]
    rules: tuple[str, ...]
    on: date


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
    row: int
    results: tuple[Result, ...]
    because: str
    confidence: str
    grounds: tuple[Ground, ...]
    misses: tuple[tuple[int, tuple[str, ...]], ...]


class Desk:
    """Asks the law on a day, for a table that is tried without a matter."""

    def __init__(self, around: CommonLaw, on: date) -> None:
        self.law, self.decisive_on = around, on
        self.measured: list[tuple[law.Ruling, int, int]] = []


@dataclass(frozen=True)
class _Found:
    """A table with its words and its users."""

    table: decisions.DecisionTable
    sheet: Sheet
    lexicon: Lexicon
    shared: bool
    uses: tuple[Use, ...]


# --- what there is ----------------------------------------------------------------------------------------------------
def listing(session: Session, actor: Actor, lang: str = "zh") -> tuple[Listed, ...]:
    """Every table in force by its number: the shared ones and those of the published processes.
    Raises NotFound.
    """
    _around(session, actor)
    found = _all(session, lang)
    in_order = sorted(
        found.values(), key=lambda f: (_order(f.sheet.number), not f.shared, f.sheet.id)
    )
    return tuple(_listed(each, lang) for each in in_order)


def _order(number: str) -> tuple[int, str]:
    digits = number[1:]
    return (int(digits) if digits.isdigit() else 999, number)


def _around(session: Session, actor: Actor) -> UnionLaw:
    if not access.may(actor, "see_rules", actor.union_id):
        raise NotFound
    return UnionLaw.of(session, actor.union_id)


def _all(session: Session, lang: str) -> dict[str, _Found]:
    lexicon, shared = sheets.known(settings.load().processes)
    uses: dict[str, list[Use]] = {}
    own: dict[str, decisions.DecisionTable] = {}
    for digest, process in _in_force(session):
        for key, table in process.decisions.items():
            table_id = key if shared.get(key) == table else f"{process.id}.{key}"
            own.setdefault(table_id, table)
            uses.setdefault(table_id, []).append(Use(digest, process.title.in_(lang)))
    return {
        key: _Found(
            table, lexicon.sheet(key, table), lexicon, key in shared, tuple(uses.get(key, ()))
        )
        for key, table in {**own, **shared}.items()
    }


def _in_force(session: Session) -> Iterator[tuple[str, Any]]:
    """The newest published version of each process; one that cannot be read is left out."""
    rows = session.execute(
        select(_definition.hash, _definition.process_id)
        .where(_definition.state == "published")
        .distinct(_definition.process_id)
        .order_by(_definition.process_id, _definition.number.desc())
    ).all()
    for row in rows:
        try:
            yield row.hash, process_of(session, row.hash)
        except ProcessFault:
            continue


def _listed(found: _Found, lang: str) -> Listed:
    sheet, table = found.sheet, found.table
    return Listed(
        id=sheet.id,
        number=sheet.number,
        title=sheet.title.in_(lang),
        summary=sheet.summary.in_(lang),
        hit_policy=table.hit_policy,
        rows=len(table.rules),
        shared=found.shared,
        uses=found.uses,
    )


def _one(session: Session, table_id: str, lang: str) -> _Found:
    found = _all(session, lang).get(table_id)
    if found is None:
        raise NotFound
    return found


# --- one table in words -----------------------------------------------------------------------------------------------
def shown(
    session: Session, actor: Actor, table_id: str, on: date | None = None, lang: str = "zh"
) -> Shown:
    """A table in words, with the union's own numbers on that day. Raises NotFound."""
    around = _around(session, actor)
    found = _one(session, table_id, lang)
    return _shown(found, around, on or found.sheet.on or clock.today(), lang)


def _shown(found: _Found, around: CommonLaw, on: date, lang: str) -> Shown:
    table, words = found.table, _Speaker(found, around, on, lang)
    lines = tuple(words.line(number) for number in range(1, len(table.rules) + 1))
    named = {rule for line in lines for rule in line.rules} | {
        r for c in table.inputs for r in _rules_in(c.expression)
    }
    return Shown(
        listed=_listed(found, lang),
        inputs=tuple(words.input(n) for n in range(len(table.inputs))),
        outputs=tuple(Column(words.said(o.label), o.name, "", False) for o in table.outputs),
        lines=lines,
        questions=questions(found.table, found.sheet, found.lexicon, lang),
        rules=tuple(rule for rule in rulebook().ids if rule in named),
        on=on,
    )


def _rules_in(text: str) -> tuple[str, ...]:
    """The rules of the rulebook that a text names."""
    return tuple(rule for rule in dict.fromkeys(_NAMED.findall(text)) if rule in rulebook().ids)


class _Speaker:
    """Says the cells of one table in a language, with the numbers that hold on a day."""

    def __init__(self, found: _Found, around: CommonLaw, on: date, lang: str) -> None:
        self.table, self.sheet, self.lexicon = found.table, found.sheet, found.lexicon
        self.desk, self.lang, self.n = Desk(around, on), lang, 1 if lang == "en" else 0

    def said(self, text: str) -> str:
        return self.lexicon.said(text, self.lang)

    def input(self, n: int) -> Column:
        column = self.table.inputs[n]
        return Column(
            self.said(column.label),
            _short(column.expression),
            column.expression,
            not _bare(column.expression),
        )

    def line(self, number: int) -> Line:
        row = self.table.rules[number - 1]
        otherwise = self.table.has_otherwise and number == len(self.table.rules)
        texts = (row.description, *row.cells, *row.results)
        named = tuple(dict.fromkeys(rule for text in texts for rule in _rules_in(text)))
        return Line(
            number=number,
            cells=tuple(self.cell(n, text) for n, text in enumerate(row.cells)),
            results=tuple(self.result(n, text) for n, text in enumerate(row.results)),
            because=self.said(row.description),
            confidence=confidence(row),
            otherwise=otherwise,
            rules=named,
        )

    def cell(self, n: int, text: str) -> Cell:
        """A condition in words."""
        cell, name = cell_of(text), _short(self.table.inputs[n].expression)
        if not cell.tests:
            return Cell(("任意", "any")[self.n], text, True)
        parts = [self._test(name, test.sign, test.operands) for test in cell.tests]
        words = ("、", ", ")[self.n].join(parts)
        return Cell(
            ("不是 {}", "not {}")[self.n].format(words) if cell.negated else words, text, False
        )

    def _test(self, name: str, sign: str, operands: tuple[str, ...]) -> str:
        shown = [self.operand(name, each) for each in operands]
        if sign == "=":
            return shown[0]
        if len(shown) == 1:
            signs = DAY_SIGNS if _DAY.fullmatch(operands[0].strip('"')) else SIGNS
            return signs[sign][self.n].format(shown[0])
        low = ("不少于 {}", "at least {}") if sign[0] == "[" else ("超过 {}", "more than {}")
        high = ("不超过 {}", "at most {}") if sign[1] == "]" else ("少于 {}", "less than {}")
        return ("，", ", ")[self.n].join(
            (low[self.n].format(shown[0]), high[self.n].format(shown[1]))
        )

    def operand(self, name: str, text: str) -> str:
        """One value of a cell in words: a code by its meaning, a rule by its number."""
        if text in NULLS:
            return ("没有填写", "nothing")[self.n]
        if text in ("true", "false"):
            return (("否", "No"), ("是", "Yes"))[text == "true"][self.n]
        calls = expressions.calls_in(text)
        if len(calls) == 1 and calls[0][0] == "rule" and text == f'rule("{calls[0][1][0]}")':
            return self._number(str(calls[0][1][0]))
        return self.code(name, text[1:-1]) if _literal(text) else text

    def code(self, name: str, code: str) -> str:
        words = self.sheet.code(name, code)
        if words is not None:
            return words.in_(self.lang)
        return self.said(code) if code else ("空白", "blank")[self.n]

    def _number(self, rule_id: str) -> str:
        """The number of a rule with its unit; its id where nothing is in force that day."""
        try:
            ruling = self.desk.law.ruling(rule_id, self.desk.decisive_on)
        except ProcessFault:
            return rule_id
        return (
            rule_id
            if ruling.value is None
            else amount_words(ruling.value, ruling.unit, ruling.of, self.n)
        )

    def result(self, n: int, text: str) -> Cell:
        """A result in words: a code, a text, or how it is computed."""
        computed = self.lexicon.computed.get(text)
        if computed is not None:
            return Cell(computed.in_(self.lang), text, False)
        return Cell(
            "—" if text in NULLS else self.operand(self.table.outputs[n].name, text), text, False
        )

    def value(self, name: str, value: object) -> str:
        """A value that was given or that came out, in words."""
        if value is None:
            return ("没有填写", "nothing")[self.n]
        if isinstance(value, bool):
            return (("否", "No"), ("是", "Yes"))[value][self.n]
        return self.code(name, value) if isinstance(value, str) else str(value)


def confidence(row: decisions.Row) -> str:
    """How sure we are of a row's article: as it says, else by its words and by the rules that it
    names; "" if unknown.
    """
    if row.confidence:
        return row.confidence
    if "凭记忆" in row.description or "待核对" in row.description:
        return "M"
    texts = (row.description, *row.cells)
    found = {
        entry.confidence
        for text in texts
        for rule in _rules_in(text)
        for entry in rulebook().get(rule)[-1:]
    }
    if "产品默认" in row.description or "通例" in row.description:
        found.add("P")
    return next((each for each in "MPV" if each in found), "")


def _bare(expression: str) -> bool:
    return expressions.names_in(expression) == {expression}


def _short(expression: str) -> str:
    return expression.rpartition(".")[2]


def _literal(text: str) -> bool:
    return len(text) > 1 and text[0] in "\"'" and text[-1] == text[0] and text.count(text[0]) == 2


# --- trials -----------------------------------------------------------------------------------------------------------
def questions(
    table: decisions.DecisionTable, sheet: Sheet, lexicon: Lexicon, lang: str = "zh"
) -> tuple[Question, ...]:
    """What a trial asks for: the facts of a table, or the value of a column that only a matter
    could give.
    """
    speaker = _Speaker(_Found(table, sheet, lexicon, False, ()), CommonLaw(), clock.today(), lang)
    found: dict[str, Question] = {}
    bare = {c.expression for c in table.inputs if _bare(c.expression)}
    for n, column in enumerate(table.inputs):
        if column.expression in bare or _direct(column.expression, bare, sheet):
            key = column.expression if column.expression in bare else f"column.{n + 1}"
            found[key] = _question(key, speaker, n)
        else:
            wanted = expressions.names_in(column.expression)
            found.update(
                {
                    k: _asked(k, a, lang)
                    for k, a in sheet.asks.items()
                    if k in wanted and k not in found
                }
            )
    found.update({k: _asked(k, a, lang) for k, a in sheet.asks.items() if k not in found})
    return tuple(found.values())


def _direct(expression: str, bare: set[str], sheet: Sheet) -> bool:
    """Must the value of this column be asked for as such?"""
    if not expressions.names_in(expression) <= {*bare, *sheet.asks}:
        return True
    return any(name not in ASKED for name, _args in expressions.calls_in(expression))


def _asked(key: str, ask: sheets.Ask, lang: str) -> Question:
    return Question(key, ask.title.in_(lang), ask.type, ())


def _question(key: str, speaker: _Speaker, n: int) -> Question:
    column, name = speaker.table.inputs[n], _short(speaker.table.inputs[n].expression)
    operands = [
        (t.sign, o)
        for row in speaker.table.rules
        for t in cell_of(row.cells[n]).tests
        for o in t.operands
    ]
    values = list(column.values) or list(
        dict.fromkeys(o for s, o in operands if s == "=" and o not in NULLS)
    )
    label = speaker.said(column.label)
    if values and all(v in ("true", "false") for v in values):
        return Question(key, label, "boolean", ())
    if column.type == "date" or any(s != "=" and _DAY.fullmatch(o.strip('"')) for s, o in operands):
        return Question(key, label, "date", ())
    if values and all(_literal(v) and len(v) > 2 for v in values if v not in NULLS):
        codes = [v[1:-1] for v in values if v not in NULLS]
        return Question(key, label, "choice", tuple((c, speaker.code(name, c)) for c in codes))
    number = column.type == "number" or any(s != "=" or o.isdigit() for s, o in operands)
    return Question(key, label, "number" if number else "string", ())


def evaluate(
    session: Session,
    actor: Actor,
    table_id: str,
    given: Mapping[str, Any],
    on: date | None = None,
    lang: str = "zh",
) -> Outcome:
    """What a case comes to by a table and the union's numbers on that day. Raises NotFound, Invalid
    by question.
    """
    around = _around(session, actor)
    found = _one(session, table_id, lang)
    return _evaluated(found, around, given, on, lang)


def questions_on_disk(table_id: str, lang: str = "zh") -> tuple[Question, ...]:
    """What a table asks for, as it stands in the processes folder. Raises Invalid."""
    found = _on_disk(table_id)
    return questions(found.table, found.sheet, found.lexicon, lang)


def evaluate_on_disk(
    table_id: str, given: Mapping[str, Any], on: date | None = None, lang: str = "zh"
) -> Outcome:
    """As `evaluate`, for the tables as they stand in the processes folder and a union that set
    nothing itself.
    """
    return _evaluated(_on_disk(table_id), CommonLaw(), given, on, lang)


def _on_disk(table_id: str) -> _Found:
    root = settings.load().processes
    path = sheets.paths(root).get(table_id)
    if path is None:
        raise Invalid(
            {
                "table": [
                    _(
                        "没有决策表“{table}”。可以写：{known}。",
                        table=table_id,
                        known=messages.Listed(sheets.paths(root)),
                    )
                ]
            }
        )
    lexicon, table = sheets.read_words(root), decisions.parse(path.read_bytes())
    return _Found(table, lexicon.sheet(table_id, table), lexicon, True, ())


def _evaluated(
    found: _Found, around: CommonLaw, given: Mapping[str, Any], on: date | None, lang: str
) -> Outcome:
    table, day = found.table, on or found.sheet.on or clock.today()
    facts, columns = _answers(questions(table, found.sheet, found.lexicon, lang), given)
    desk = Desk(around, day)
    try:
        told = decisions.explain(table, facts, numbers.of_law(desk), columns)
    except ProcessFault as fault:
        raise Invalid(
            {"_": [fault.message if fault.message.endswith("。") else f"{fault.message}。"]}
        ) from fault
    speaker, row = _Speaker(found, around, day, lang), table.rules[told.row - 1]
    labels = [speaker.said(column.label) for column in table.inputs]
    return Outcome(
        table=found.sheet.id,
        on=day,
        row=told.row,
        results=tuple(
            Result(
                o.name,
                speaker.said(o.label),
                told.found[o.name],
                speaker.value(o.name, told.found[o.name]),
            )
            for o in table.outputs
        ),
        because=speaker.said(told.because),
        confidence=confidence(row),
        grounds=tuple(
            Ground(
                label,
                speaker.value(_short(c.expression), told.values[n]),
                speaker.cell(n, row.cells[n]).words,
            )
            for n, (label, c) in enumerate(zip(labels, table.inputs, strict=True))
            if not speaker.cell(n, row.cells[n]).any
        ),
        misses=tuple(
            (number, tuple(labels[n] for n in wrong)) for number, wrong in told.misses.items()
        ),
    )


def _answers(
    asked: tuple[Question, ...], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[int, Any]]:
    """Answers as nested facts, and as values of columns (from 0). Raises Invalid by question."""
    faults: dict[str, list[str]] = {
        key: [_("没有这一项。")] for key in given if key not in {q.key for q in asked}
    }
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


def _value(question: Question, text: object) -> Any:
    """An answer as a fact. Raises ValueError of a Message."""
    if text is None or text == "":
        return None
    if question.type == "boolean":
        known = {
            True: True,
            False: False,
            "true": True,
            "false": False,
            "yes": True,
            "no": False,
            "是": True,
            "否": False,
        }
        if isinstance(text, bool | str) and text in known:
            return known[text]
        raise ValueError(_("请选择是或否。"))
    if question.type == "number":
        digits = str(text).strip()
        if isinstance(text, bool) or not _WHOLE.fullmatch(digits):
            raise ValueError(_("请填写整数。"))
        return int(digits)
    if not isinstance(text, str):
        raise ValueError(_("请填写文字。"))
    if question.type == "date":
        return _day(text)
    if question.type == "choice" and text not in dict(question.choices):
        codes = messages.Listed(code for code, _label in question.choices)
        raise ValueError(_("应为 {choices} 之一。", choices=codes))
    if len(text) > 200:
        raise ValueError(_("最多 200 个字。"))
    return text


def _day(text: str) -> str:
    if not _DAY.fullmatch(text):
        raise ValueError(_("日期应写成 2026-03-01 的样子。"))
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(_("日期应写成 2026-03-01 的样子。")) from None
