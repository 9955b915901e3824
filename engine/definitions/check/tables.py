"""Faults of the decision tables that stand outside of process folders, and of the words about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import decisions
from engine.definitions import sheets
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.language import FUNCTIONS, Language
from engine.errors import ProcessFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from engine.definitions.check.language import Rules

CONFIDENCES = frozenset({"V", "M", "P"})
MOST = 900  # values in the cells of one table: what overlaps is found by trying them against one another


def check_tables(place: Path, rules: Rules) -> list[Fault]:
    """Everything that is wrong with the tables of a folder such as processes/decisions; empty when they may be used."""
    found: list[Fault] = []
    try:
        lexicon = sheets.read_words(place.parent)
    except ProcessFault as fault:
        return [Fault(sheets.WORDS, "", fault.message, "请检查引号和方括号是否成对。")]
    for path in sorted(place.glob("*.dmn")):
        found += _file(path, rules, lexicon if place.name == sheets.SHARED else None)
    return found


def _file(path: Path, rules: Rules, lexicon: sheets.Lexicon | None) -> Iterator[Fault]:
    try:
        table = decisions.parse(path.read_bytes())
    except ProcessFault as fault:
        yield Fault(
            path.name,
            path.stem,
            f"{fault.message}。",
            fault.advice or "请用 DMN 编辑器重新保存决策表。",
        )
        return
    yield from _table(path, table, rules)
    if lexicon is not None:
        yield from _words(path, table, lexicon)


def _table(path: Path, table: decisions.Table, rules: Rules) -> Iterator[Fault]:
    name, key = path.name, path.stem
    if table.id != key:
        yield Fault(
            name,
            key,
            f"决策的 id 是 {shown(table.id)}。",
            f"<decision> 的 id 应当与文件名相同：{key}。",
        )
    if sum(cell.count(",") + 1 for row in table.rules for cell in row.cells) > MOST:
        yield Fault(name, key, f"决策表太大，各格里的值合计最多 {MOST} 个。", "请分成几张表。")
        return
    for wrong in decisions.faults(
        table, {**dict.fromkeys(FUNCTIONS, _unknown), "rule": _numbers(rules)}
    ):
        yield Fault(name, key, f"{shown(wrong, 300)}。", "请在决策表里改正。")
    language = Language({}, frozenset(), rules, frozenset())
    for column in table.inputs:
        yield from language.calls(name, key, f"条件列“{shown(column.label)}”", column.expression)
    for number, row in enumerate(table.rules, 1):
        for cell in (*row.cells, *row.results):
            yield from language.cell(name, key, f"第 {number} 行的格", cell)
        if row.confidence and row.confidence not in CONFIDENCES:
            yield Fault(
                name,
                key,
                f"第 {number} 行的可信程度是 {shown(row.confidence)}。",
                "应为 V、M 或 P，见 processes/law。",
            )


def _numbers(rules: Rules) -> Callable[[str], Any]:
    """The number of a rule whenever it holds, so that rows can be weighed against one another."""

    def number(rule: str) -> Any:
        values = (
            [each.value for each in rules.get(rule) if each.value is not None]
            if rule in rules.ids
            else []
        )
        return values[-1] if values else _unknown()

    return number


def _unknown(*_given: Any) -> Any:
    raise ProcessFault("没有值")


def _words(path: Path, table: decisions.Table, lexicon: sheets.Lexicon) -> Iterator[Fault]:
    """A shared table is read by people: its title, the certainty of each row, and English for all that it says."""
    if table.id not in lexicon.sheets:
        yield Fault(
            sheets.WORDS, table.id, f"没有写明 {table.id} 的标题。", f"请写 [tables.{table.id}]。"
        )
    for number, row in enumerate(table.rules, 1):
        if not row.confidence:
            yield Fault(
                path.name,
                table.id,
                f"第 {number} 行没有写可信程度。",
                "请在 annotationEntry 里写 V、M 或 P。",
            )
    columns = [*(each.label for each in table.inputs), *(each.label for each in table.outputs)]
    for text in dict.fromkeys(
        [*columns, *(row.description for row in table.rules), *_texts(table)]
    ):
        if text and not text.isascii() and text not in lexicon.english:
            yield Fault(
                sheets.WORDS, table.id, f"“{shown(text, 60)}”没有英文。", "请在 [english] 里补上。"
            )
    sheet = lexicon.sheet(table.id, table)
    for column, code in _codes(table):
        if sheet.code(column, code) is None:
            yield Fault(
                sheets.WORDS,
                table.id,
                f"没有写明 {column} 的代码 {shown(code)} 是什么意思。",
                "请在 codes 里补上。",
            )


def _texts(table: decisions.Table) -> Iterator[str]:
    """Literal texts among the results, without codes."""
    for row in table.rules:
        for result in row.results:
            if result[:1] == '"' and result[-1:] == '"' and result.count('"') == 2:
                yield result[1:-1]


def _codes(table: decisions.Table) -> Iterator[tuple[str, str]]:
    """Every declared code with the short name of its column."""
    for column in table.inputs:
        yield from (
            (column.expression.rpartition(".")[2], v[1:-1]) for v in column.values if v[:1] == '"'
        )
    for output in table.outputs:
        yield from ((output.name, v[1:-1]) for v in output.values if v[:1] == '"')
