"""Faults of decision tables, those of a process folder and those outside of all, and of the words
about the latter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine import decisions, expressions
from engine.decisions.cell import cell_of
from engine.definitions import decision_tables
from engine.definitions.check.diagram import named
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.language import FUNCTIONS, Language
from engine.definitions.check.names import decided
from engine.errors import ProcessFault
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from engine.decisions import DecisionTable, Row
    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Keys, Rules
    from engine.definitions.decision_tables import Lexicon

CONFIDENCES = frozenset({"V", "M", "P"})
# Values in the cells of one table: what overlaps is found by trying them against one another.
MAX_OF_PROCESS, MAX_SHARED = 500, 900
_DECISION = _("决策")


# --- tables of a process folder -------------------------------------------------------------------
def faults(draft: Draft, language: Language) -> Iterator[Fault]:
    """All faults of the tables that the business rule tasks of a folder decide by."""
    wanted = set(draft.elements("businessRuleTask"))
    if draft.diagram is not None:
        for key in sorted(wanted - draft.tables.keys()):
            name = shown(key)
            what = _("业务规则任务 {name} 没有决策表。", name=name)
            yield Fault(f"{name}.dmn", name, what, _("请补上 {name}.dmn。", name=name))
        for key in sorted(draft.tables.keys() - wanted):
            what = _("流程图里没有业务规则任务 {key}。", key=key)
            advice = _("请把文件名改成业务规则任务的 id，或删去这个文件。")
            yield Fault(f"{key}.dmn", key, what, advice)
    for key, table in draft.tables.items():
        if table is not None:
            yield from _of_process(f"{key}.dmn", key, table, language)


def _of_process(path: str, key: str, table: DecisionTable, language: Language) -> Iterator[Fault]:
    yield from _id(path, key, table)
    if (too_large := _too_large(path, key, table, MAX_OF_PROCESS)) is not None:
        yield too_large
        return
    known = dict(language.facts)
    for each in table.requires:
        yield from _taken(path, each, known)
        yield from _one_of_process(path, each, replace(language, facts=known))
        known[each.id] = decided(each)
    yield from named(path, key, _DECISION)
    yield from _one_of_process(path, table, replace(language, facts=known))


def _taken(path: str, table: DecisionTable, known: Mapping[str, Keys]) -> Iterator[Fault]:
    """A decision that another one rests on has a name of its own."""
    yield from named(path, table.id, _DECISION)
    if table.id in known:
        what = _("决策 {name} 与一项事实同名。", name=shown(table.id))
        yield Fault(path, table.id, what, _("请换一个编号。"))


def _one_of_process(path: str, table: DecisionTable, language: Language) -> Iterator[Fault]:
    key = table.id
    try:
        yield from _own_faults(path, key, decisions.faults(table, FUNCTIONS))
    except (
        ProcessFault,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        RecursionError,
    ) as fault:
        what = _("决策表读不懂：{fault}", fault=shown(fault, 160))
        yield Fault(path, key, what, _("请检查各格的写法。"))
    for column in table.inputs:
        if not expressions.check(column.expression, None, FUNCTIONS):
            # What cannot be read was said above.
            label = _column(column.label)
            yield from language.faults(path, key, label, column.expression)
    yield from _unknown_choices(path, key, table, language)
    for number, row in enumerate(table.rules, 1):
        yield from _results(path, key, number, row, language)
        yield from _cells(path, key, number, row, language)


def _unknown_choices(
    path: str, key: str, table: DecisionTable, language: Language
) -> Iterator[Fault]:
    """Cells with a value that the fact of their column never has."""
    for place, column in enumerate(table.inputs):
        for number, row in enumerate(table.rules, 1):
            written = [t.operands[0] for t in cell_of(row.cells[place]).tests if t.sign == "="]
            texts = [text[1:-1] for text in written if _is_literal(text)]
            for what, advice in language.choice_faults((column.expression, t) for t in texts):
                label = _("第 {number} 行的格", number=number)
                yield Fault(path, key, _("{where}：{wrong}", where=label, wrong=what), advice)


def _results(path: str, key: str, number: int, row: Row, language: Language) -> Iterator[Fault]:
    """Facts that do not exist: most often a text without its quotes."""
    names = set(language.facts)
    for result in row.results:
        found = expressions.check(result, names, FUNCTIONS) if result not in ("", "-") else []
        for wrong in filter(expressions.is_unknown_fact, found):  # the rest was said above
            what = _(
                "第 {number} 行的结果 {result}：{wrong}。",
                number=number,
                result=shown(result),
                wrong=wrong,
            )
            yield Fault(path, key, what, _("文字要写在引号里。"))


# --- tables outside of process folders ------------------------------------------------------------
def check_tables(place: Path, rules: Rules) -> list[Fault]:
    """Everything that is wrong with the tables of a folder such as processes/decisions; empty when
    they may be used.
    """
    try:
        lexicon = decision_tables.read_words(place.parent)
    except ProcessFault as fault:
        advice = _("请检查引号和方括号是否成对。")
        return [Fault(decision_tables.WORDS, "", fault.message, advice)]
    words = lexicon if place.name == decision_tables.SHARED else None
    return [fault for path in sorted(place.glob("*.dmn")) for fault in _of_file(path, rules, words)]


def _of_file(path: Path, rules: Rules, lexicon: Lexicon | None) -> Iterator[Fault]:
    try:
        table = decisions.parse(path.read_bytes())
    except ProcessFault as fault:
        advice = fault.advice or _("请用 DMN 编辑器重新保存决策表。")
        yield Fault(path.name, path.stem, _("{wrong}。", wrong=fault.message), advice)
        return
    yield from _shared(path.name, path.stem, table, rules)
    if lexicon is not None:
        yield from _confidences_given(path.name, table)
        yield from _words(table, lexicon)


def _shared(path: str, key: str, table: DecisionTable, rules: Rules) -> Iterator[Fault]:
    yield from _id(path, key, table)
    if (too_large := _too_large(path, key, table, MAX_SHARED)) is not None:
        yield too_large
        return
    functions = {**dict.fromkeys(FUNCTIONS, _unknown), "rule": _numbers(rules)}
    for each in (*table.requires, table):
        yield from _one_shared(path, each, functions, rules)


def _one_shared(
    path: str, table: DecisionTable, functions: Mapping[str, Callable[..., Any]], rules: Rules
) -> Iterator[Fault]:
    key = table.id
    yield from _own_faults(path, key, decisions.faults(table, functions))
    language = Language({}, frozenset(), rules, frozenset())
    for column in table.inputs:
        yield from language.calls(path, key, _column(column.label), column.expression)
    for number, row in enumerate(table.rules, 1):
        yield from _cells(path, key, number, row, language)
        if row.confidence and row.confidence not in CONFIDENCES:
            what = _(
                "第 {number} 行的可信程度是 {confidence}。",
                number=number,
                confidence=shown(row.confidence),
            )
            yield Fault(path, key, what, _("应为 V、M 或 P，见 processes/law。"))


def _numbers(rules: Rules) -> Callable[[str], Any]:
    """The number of a rule whenever it holds, so that rows can be weighed against one another."""

    def number(rule: str) -> Any:
        entries = rules.get(rule) if rule in rules.ids else ()
        values = [entry.value for entry in entries if entry.value is not None]
        return values[-1] if values else _unknown()

    return number


def _unknown(*_given: Any) -> Any:
    raise ProcessFault(_("没有值"))


# --- both -----------------------------------------------------------------------------------------
def _id(path: str, key: str, table: DecisionTable) -> Iterator[Fault]:
    if table.id != key:
        what = _("决策的 id 是 {id}。", id=shown(table.id))
        yield Fault(path, key, what, _("<decision> 的 id 应当与文件名相同：{key}。", key=key))


def _too_large(path: str, key: str, table: DecisionTable, most: int) -> Fault | None:
    rows = [row for each in (*table.requires, table) for row in each.rules]
    values = sum(cell.count(",") + 1 for row in rows for cell in row.cells)
    if values <= most:
        return None
    what = _("决策表太大，各格里的值合计最多 {most} 个。", most=most)
    return Fault(path, key, what, _("请分成几张表。"))


def _own_faults(path: str, key: str, wrongs: Iterable[str]) -> Iterator[Fault]:
    for wrong in wrongs:
        yield Fault(path, key, _("{wrong}。", wrong=shown(wrong, 300)), _("请在决策表里改正。"))


def _cells(path: str, key: str, number: int, row: Row, language: Language) -> Iterator[Fault]:
    label = _("第 {number} 行的格", number=number)
    for cell in (*row.cells, *row.results):
        yield from language.cell(path, key, label, cell)


def _column(label: str) -> str:
    return _("条件列“{label}”", label=shown(label))


# --- the words about shared tables ----------------------------------------------------------------
def _confidences_given(path: str, table: DecisionTable) -> Iterator[Fault]:
    for number, row in enumerate(table.rules, 1):
        if not row.confidence:
            what = _("第 {number} 行没有写可信程度。", number=number)
            yield Fault(path, table.id, what, _("请在 annotationEntry 里写 V、M 或 P。"))


def _words(table: DecisionTable, lexicon: Lexicon) -> Iterator[Fault]:
    """A shared table is read by people: its title, and English for all that it says."""
    file = decision_tables.WORDS
    if table.id not in lexicon.sheets:
        what = _("没有写明 {table} 的标题。", table=table.id)
        yield Fault(file, table.id, what, _("请写 [tables.{table}]。", table=table.id))
    for text in dict.fromkeys(_chinese_texts(table)):
        if text not in lexicon.english:
            what = _("“{text}”没有英文。", text=shown(text))
            yield Fault(file, table.id, what, _("请在 [english] 里补上。"))
    sheet = lexicon.sheet(table.id, table)
    for column, code in _codes(table):
        if sheet.code(column, code) is None:
            what = _(
                "没有写明 {column} 的代码 {code} 是什么意思。", column=column, code=shown(code)
            )
            yield Fault(file, table.id, what, _("请在 codes 里补上。"))


def _chinese_texts(table: DecisionTable) -> Iterator[str]:
    """Labels, grounds, and literal texts among the results; no codes."""
    texts = [each.label for each in table.inputs] + [each.label for each in table.outputs]
    texts += [row.description for row in table.rules]
    results = (result for row in table.rules for result in row.results)
    texts += [text[1:-1] for text in results if _is_literal(text)]
    return (text for text in texts if text and not text.isascii())


def _is_literal(result: str) -> bool:
    return result[:1] == '"' and result[-1:] == '"' and result.count('"') == 2


def _codes(table: DecisionTable) -> Iterator[tuple[str, str]]:
    """Every declared code with the short name of its column."""
    named = [(each.expression.rpartition(".")[2], each.values) for each in table.inputs]
    named += [(each.name, each.values) for each in table.outputs]
    for name, values in named:
        yield from ((name, value[1:-1]) for value in values if value[:1] == '"')
