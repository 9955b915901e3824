"""DMN decision tables (DMN 1.3, hit policies UNIQUE and FIRST): read, searched for faults, decided.

Nothing is guessed: two matching rows or none are a fault, and a missing fact never slips through a comparison.
It opens no file and knows no law; the functions that cells may call are handed in.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from typing import Any

from lxml import etree

from engine import expressions
from engine.errors import ProcessFault

NAMESPACE = "https://www.omg.org/spec/DMN/20191111/MODEL/"
MAX_BYTES = 1_000_000
MAX_ELEMENTS = 2_000
MAX_PIECES = 20_000  # of the space of values, when looking for rows that are never reached
RESERVED = frozenset({"because", "row"})

Functions = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Input:
    """A column of conditions; `values` are the texts of the allowed literals, empty if any value may come."""

    label: str
    expression: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """A column of results; `values` as in `Input`."""

    name: str
    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One rule: a condition per input, a result per output, and the article it rests on."""

    cells: tuple[str, ...]
    results: tuple[str, ...]
    description: str

    @property
    def dashes(self) -> bool:
        """True if the row matches everything."""
        return all(cell in {"", "-"} for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Table:
    """A decision. The "otherwise" row, a last row of dashes, counts only when no other row matches."""

    id: str
    name: str
    hit_policy: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Row, ...]

    @property
    def has_otherwise(self) -> bool:
        return bool(self.rules) and self.rules[-1].dashes

    @property
    def body(self) -> tuple[Row, ...]:
        """The rows without the "otherwise" row."""
        return self.rules[:-1] if self.has_otherwise else self.rules


# --- reading XML ------------------------------------------------------------------------------------------------------


def parse(xml: bytes) -> Table:
    """The one decision table in `xml`; ProcessFault if it is hostile, not DMN 1.3 or not exactly one table."""
    root = _root(xml)
    decisions = root.findall(f"{{{NAMESPACE}}}decision")
    if etree.QName(root).namespace != NAMESPACE or len(decisions) != 1:
        raise ProcessFault(f"决策文件应是 DMN 1.3({NAMESPACE}),并且只有一个 decision")
    decision = decisions[0]
    tables = decision.findall(f"{{{NAMESPACE}}}decisionTable")
    if len(tables) != 1 or not decision.get("id"):
        raise ProcessFault("decision 要有 id,并且只有一个 decisionTable", element=decision.get("id") or "")
    return _table(decision.get("id"), decision.get("name") or "", tables[0])


def _root(xml: bytes) -> Any:
    if len(xml) > MAX_BYTES:
        raise ProcessFault(f"决策文件太大,最多 {MAX_BYTES} 字节")
    if b"\0" in xml or b"<!DOCTYPE" in xml.upper():
        raise ProcessFault("决策文件应是不带 DOCTYPE 的 UTF-8 XML")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ProcessFault("决策文件不是完好的 XML", advice=str(error)) from error
    document: Any = root.getroottree()
    if document.docinfo.doctype:
        raise ProcessFault("决策文件不能带 DOCTYPE")
    if sum(1 for _ in root.iter()) > MAX_ELEMENTS:
        raise ProcessFault(f"决策文件太复杂,最多 {MAX_ELEMENTS} 个元素")
    return root


def _table(table_id: str, name: str, table: Any) -> Table:
    policy = table.get("hitPolicy") or "UNIQUE"
    if policy not in {"UNIQUE", "FIRST"} or table.get("aggregation"):
        raise ProcessFault(f"命中策略只能是 UNIQUE 或 FIRST,这里是 {policy}", element=table_id)
    found = Table(
        id=table_id,
        name=name,
        hit_policy=policy,
        inputs=tuple(_input(each) for each in table.findall(f"{{{NAMESPACE}}}input")),
        outputs=tuple(_output(each) for each in table.findall(f"{{{NAMESPACE}}}output")),
        rules=tuple(_row(each) for each in table.findall(f"{{{NAMESPACE}}}rule")),
    )
    _refuse_ragged(found)
    return found


def _refuse_ragged(table: Table) -> None:
    if not table.inputs or not table.outputs or not table.rules:
        raise ProcessFault("决策表至少要有一列条件、一列结果和一行", element=table.id)
    for number, row in enumerate(table.rules, 1):
        if (len(row.cells), len(row.results)) != (len(table.inputs), len(table.outputs)):
            raise ProcessFault(f"第 {number} 行的格数与列数不符", element=table.id)


def _input(element: Any) -> Input:
    expression = _text(element, "inputExpression", "text")
    return Input(element.get("label") or expression, expression, _values(element, "inputValues"))


def _output(element: Any) -> Output:
    name = element.get("name") or ""
    return Output(name, element.get("label") or name, _values(element, "outputValues"))


def _row(element: Any) -> Row:
    return Row(
        cells=tuple(_text(each, "text") for each in element.findall(f"{{{NAMESPACE}}}inputEntry")),
        results=tuple(_text(each, "text") for each in element.findall(f"{{{NAMESPACE}}}outputEntry")),
        description=_text(element, "description"),
    )


def _values(element: Any, tag: str) -> tuple[str, ...]:
    text = _text(element, tag, "text")
    return tuple(_split(text, ",")) if text else ()


def _text(element: Any, *path: str) -> str:
    found = element.find("/".join(f"{{{NAMESPACE}}}{tag}" for tag in path))
    return "" if found is None else "".join(found.itertext()).strip()


# --- reading cells ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Test:
    """`sign` is "=", an ordering, or "[]", "[)", "(]", "()" for a range; `operands` are one or two expressions."""

    sign: str
    operands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Cell:
    """Met if one of its tests is (or, negated, if none is); without tests it is always met."""

    tests: tuple[_Test, ...] = ()
    negated: bool = False

    @property
    def operands(self) -> tuple[str, ...]:
        return tuple(operand for test in self.tests for operand in test.operands)


def _split(text: str, separator: str) -> list[str]:
    """`text` cut at each `separator` that stands outside quotes and brackets."""
    parts, quote, depth, start, at = [], "", 0, 0, 0
    while at < len(text):
        character = text[at]
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif depth == 0 and text.startswith(separator, at):
            parts.append(text[start:at].strip())
            at += len(separator)
            start = at
            continue
        at += 1
    return [*parts, text[start:].strip()]


@lru_cache(maxsize=4096)
def _cell(text: str) -> _Cell:
    if text in {"", "-"}:
        return _Cell()
    parts = _split(text, ",")
    negated = len(parts) == 1 and text.startswith("not(") and text.endswith(")")
    return _Cell(tuple(_test(each) for each in (_split(text[4:-1], ",") if negated else parts)), negated)


def _test(text: str) -> _Test:
    for sign in ("<=", ">=", "<", ">"):
        if text.startswith(sign):
            return _Test(sign, (text[len(sign) :].strip(),))
    if text[:1] in {"[", "("} and text[-1:] in {"]", ")"}:
        ends = _split(text[1:-1], "..")
        if len(ends) == 2:
            return _Test(text[0] + text[-1], tuple(ends))
    return _Test("=", (text,))


class _Incomparable(Exception):
    """A value that the sign of a test cannot be applied to."""


def _meets(cell: _Cell, value: Any, worth: Callable[[str], Any]) -> bool:
    if not cell.tests:
        return True
    met, comparable = False, True
    for test in cell.tests:
        try:
            met = met or _passes(test, value, [worth(each) for each in test.operands])
        except _Incomparable:
            comparable = False
    if not met and not comparable:
        raise _Incomparable
    return met != cell.negated


def _passes(test: _Test, value: Any, bounds: list[Any]) -> bool:
    if test.sign == "=":
        return _same(value, bounds[0])
    if value is None or any(_family(bound) != _family(value) for bound in bounds):
        raise _Incomparable
    if len(bounds) == 1:
        (bound,) = bounds
        return bool(_ORDERINGS[test.sign](value, bound))
    low, high = bounds
    above_low = value > low or (test.sign[0] == "[" and value == low)
    below_high = value < high or (test.sign[1] == "]" and value == high)
    return bool(above_low and below_high)


_ORDERINGS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def _same(value: Any, other: Any) -> bool:
    return (type(value) is bool) == (type(other) is bool) and bool(value == other)


def _family(value: Any) -> str:
    """Values are ordered only inside one family."""
    families = {int: "number", Fraction: "number", str: "text", date: "day", datetime: "moment"}
    return families.get(type(value), f"no order for {type(value).__name__}")


# --- deciding ---------------------------------------------------------------------------------------------------------


def decide(table: Table, facts: Mapping[str, Any], functions: Functions) -> dict[str, Any]:
    """The outputs of the matching row by name, with "because" (its description) and "row" (its number from 1).

    ProcessFault if no row matches, if two match under UNIQUE, or if a missing fact would have to be compared.
    """
    values = [expressions.evaluate(column.expression, facts, functions) for column in table.inputs]
    _refuse_lists(table, values)
    matching = _matching(table, values, functions)
    if len(matching) > 1:
        raise _fault(table, f"第 {'、'.join(map(str, matching))} 行同时命中,只能命中一行")
    if not matching and not table.has_otherwise:
        raise _fault(table, "没有一行命中,请在最后加一行全是 - 的“其他情形”")
    number = matching[0] if matching else len(table.rules)
    row = table.rules[number - 1]
    found = {
        output.name: expressions.evaluate(result, facts, functions)
        for output, result in zip(table.outputs, row.results, strict=True)
    }
    return {**found, "because": row.description, "row": number}


def _matching(table: Table, values: list[Any], functions: Functions) -> list[int]:
    """The numbers of the matching rows; under FIRST nothing after the first is looked at."""
    found: list[int] = []
    for number, row in enumerate(table.body, 1):
        if _row_matches(table, row, values, functions):
            found.append(number)
            if table.hit_policy == "FIRST":
                break
    return found


def _row_matches(table: Table, row: Row, values: list[Any], functions: Functions) -> bool:
    return all(
        _cell_matches(table, column, row.cells[column], value, functions) for column, value in enumerate(values)
    )


def _cell_matches(table: Table, column: int, text: str, value: Any, functions: Functions) -> bool:
    """An ordering met by a missing fact is a fault, unless the table says elsewhere in the column what null means."""

    def worth(operand: str) -> Any:
        return expressions.evaluate(operand, {}, functions)

    try:
        return _meets(_cell(text), value, worth)
    except _Incomparable:
        if value is None and _speaks_of_null(table, column):
            return False
        label = table.inputs[column].label
        shown = "还没有值" if value is None else f"的值是 {value!r}"
        raise _fault(table, f"“{label}”({table.inputs[column].expression}){shown},不能与 {text} 比较") from None


def _speaks_of_null(table: Table, column: int) -> bool:
    return any(o in {"null", "None"} for row in table.rules for o in _cell(row.cells[column]).operands)


def _refuse_lists(table: Table, values: list[Any]) -> None:
    for column, value in zip(table.inputs, values, strict=True):
        if isinstance(value, list):
            raise _fault(table, f"“{column.label}”是清单,请把条件写成 \"…\" in {column.expression}")


def _fault(table: Table, wrong: str) -> ProcessFault:
    return ProcessFault(f"决策“{table.name or table.id}”:{wrong}", file=f"{table.id}.dmn", element=table.id)


# --- finding faults ---------------------------------------------------------------------------------------------------


def faults(
    table: Table, functions: Functions | Collection[str], names: set[str] | None = None
) -> list[str]:
    """All that is wrong with a table, in plain words. `names` are the facts its inputs may use (None: any).

    `functions` may be callables or bare names; results of bare names are unknown, so only what overlaps whether
    the first-named is the smallest or the largest is reported.
    """
    known = frozenset(functions)
    static = [*_input_faults(table, names, known), *_output_faults(table)]
    static += [fault for number, row in enumerate(table.rules, 1) for fault in _row_faults(table, number, row, known)]
    if not table.has_otherwise:
        static.append("最后缺一行全是 - 的“其他情形”")
    if any(_cell_faults(cell, known) for row in table.rules for cell in row.cells) or _bad_values(table, known):
        return static
    return [*static, *_matching_faults(table, functions)]


def _input_faults(table: Table, names: set[str] | None, known: frozenset[str]) -> Iterable[str]:
    for number, column in enumerate(table.inputs, 1):
        for wrong in expressions.check(column.expression, names, known):
            yield f"第 {number} 列条件“{column.label}”:{wrong}"
    yield from _bad_values(table, known)


def _bad_values(table: Table, known: frozenset[str]) -> list[str]:
    columns: tuple[Input | Output, ...] = (*table.inputs, *table.outputs)
    return [
        f"“{column.label}”的允许值 {value}:{wrong}"
        for column in columns
        for value in column.values
        for wrong in _operand_faults(value, known)
    ]


def _output_faults(table: Table) -> Iterable[str]:
    seen: set[str] = set()
    for number, output in enumerate(table.outputs, 1):
        if not output.name.isidentifier() or output.name.startswith("_"):
            yield f"第 {number} 列结果要有名称(字母、数字、下划线),这里是“{output.name}”"
        if output.name in RESERVED:
            yield f"结果不能叫 {output.name},这个名称已有用途"
        if output.name in seen:
            yield f"有两列结果都叫 {output.name}"
        seen.add(output.name)


def _row_faults(table: Table, number: int, row: Row, known: frozenset[str]) -> Iterable[str]:
    if not row.description:
        yield f"第 {number} 行没有说明,请在 description 写明依据的条款"
    for column, text in zip(table.inputs, row.cells, strict=True):
        for wrong in [*_cell_faults(text, known), *_law_faults(text, known), *_undeclared(column, text, known)]:
            yield f"第 {number} 行“{column.label}”的格 {text}:{wrong}"
    for output, text in zip(table.outputs, row.results, strict=True):
        for wrong in _result_faults(output, text, known):
            yield f"第 {number} 行结果“{output.label}”的格 {text}:{wrong}"


def _cell_faults(text: str, known: frozenset[str]) -> list[str]:
    return [wrong for operand in _cell(text).operands for wrong in _operand_faults(operand, known)]


def _operand_faults(operand: str, known: frozenset[str]) -> list[str]:
    wrong = expressions.check(operand, None, known)
    if operand.startswith("["):
        wrong.insert(0, "清单不写方括号,直接写 \"a\",\"b\";区间写 [1..5]")
    if operand.startswith("not"):
        wrong.insert(0, "not(…) 只能单独占一格,里面可以列多个值")
    if not wrong and (names := sorted(expressions.names_in(operand))):
        wrong = [f'格里只写值,文字要加引号,例如 "{names[0]}"']
    return wrong


def _law_faults(text: str, known: frozenset[str]) -> Iterable[str]:
    for operand in _cell(text).operands:
        if not _operand_faults(operand, known):
            for number in expressions.numbers_in(operand):
                if number not in {0, 1}:
                    yield f"数字 {number} 应当是规则,请在 processes/law 写明,并改写成 rule(\"…\")"


def _undeclared(column: Input, text: str, known: frozenset[str]) -> Iterable[str]:
    for test in _cell(text).tests if column.values else ():
        operand = test.operands[0]
        if test.sign == "=" and not _operand_faults(operand, known) and operand not in {*column.values, "null", "None"}:
            yield f"不在允许值 {'、'.join(column.values)} 之内"


def _result_faults(output: Output, text: str, known: frozenset[str]) -> list[str]:
    if text in {"", "-"}:
        return ["没有填结果;确实没有时请写 null"]
    wrong = expressions.check(text, None, known)
    if not wrong and output.values and text not in output.values:
        wrong = [f"不在允许值 {'、'.join(output.values)} 之内"]
    return wrong


# --- overlap and reach, by finite domains -----------------------------------------------------------------------------

_AFTER = "\u0001"  # makes of a text the next one in order
Box = tuple[int, ...]  # for each column the set of values, as bits of its domain


def _matching_faults(table: Table, functions: Functions | Collection[str]) -> list[str]:
    """Faults found under every assumption about unknown functions, worded by the first."""
    found = [dict(_overlaps_and_reach(table, worths)) for worths in _assumptions(table, functions)]
    return [text for key, text in found[0].items() if all(key in other for other in found)]


def _assumptions(table: Table, functions: Functions | Collection[str]) -> list[dict[str, Any]]:
    """What each operand is worth: known by evaluating it, else stand-ins in rising and in falling order."""
    given = functions if isinstance(functions, Mapping) else {}
    texts = [o for row in table.rules for cell in row.cells for o in _cell(cell).operands]
    texts += [value for column in table.inputs for value in column.values]
    known: dict[str, Any] = {}
    unknown: list[str] = []
    for text in dict.fromkeys(texts):
        try:
            known[text] = expressions.evaluate(text, {}, given)
        except ProcessFault:
            unknown.append(text)
    rising = [1_000 * (n + 1) for n in range(len(unknown))]
    orders = [rising, rising[::-1]] if unknown else [rising]
    return [{**known, **dict(zip(unknown, order, strict=True))} for order in orders]


def _overlaps_and_reach(table: Table, worths: Mapping[str, Any]) -> Iterable[tuple[tuple[int, ...], str]]:
    domains = [_domain(table, column, worths) for column in range(len(table.inputs))]
    boxes = [_box(row, domains, worths) for row in table.body]
    for number, box in enumerate(boxes, 1):
        if not all(box):
            yield (number,), f"第 {number} 行永远不会命中,条件自相矛盾"
    if table.hit_policy == "UNIQUE":
        for (i, one), (j, other) in combinations(enumerate(boxes, 1), 2):
            if all(a & b for a, b in zip(one, other, strict=True)):
                yield (i, j), f"第 {i} 行与第 {j} 行重叠:{_witness(table, domains, one, other)} 时都命中"
    else:
        for number, box in enumerate(boxes, 1):
            if all(box) and _covered(box, boxes[: number - 1]):
                yield (number, 0), f"第 {number} 行永远轮不到,前面的行已全部命中"


def _domain(table: Table, column: int, worths: Mapping[str, Any]) -> list[Any]:
    """Enough values to tell any two cells of a column apart: those named, their neighbours, a fresh one and null."""
    declared = table.inputs[column].values
    if declared:
        return _distinct([*(worths[value] for value in declared), None])
    named = [worths[o] for row in table.rules for o in _cell(row.cells[column]).operands]
    exact = "/" in table.inputs[column].expression
    values = [near for value in named for near in _neighbours(value, exact)]
    if not {bool, int, Fraction} & set(map(type, named)):
        values += ["其他值"]
    if any(type(value) is str for value in named):
        values += ["", "其他值"]
    return _distinct([*values, None])


def _neighbours(value: Any, exact: bool) -> list[Any]:
    if type(value) is bool:
        return [True, False]
    if type(value) is int or type(value) is Fraction:
        halves = [value - Fraction(1, 2), value + Fraction(1, 2)] if exact else []
        return [value - 1, value, value + 1, *halves]
    if type(value) is str:
        return [value, value + _AFTER]
    return [value]


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list({(type(value) is bool, value): value for value in values}.values())


def _box(row: Row, domains: list[list[Any]], worths: Mapping[str, Any]) -> Box:
    return tuple(
        sum(1 << bit for bit, value in enumerate(domain) if _might_meet(_cell(text), value, worths))
        for text, domain in zip(row.cells, domains, strict=True)
    )


def _might_meet(cell: _Cell, value: Any, worths: Mapping[str, Any]) -> bool:
    try:
        return _meets(cell, value, worths.__getitem__)
    except _Incomparable:
        return False


def _witness(table: Table, domains: list[list[Any]], one: Box, other: Box) -> str:
    parts = []
    for column, domain, a, b in zip(table.inputs, domains, one, other, strict=True):
        both = a & b
        if both != (1 << len(domain)) - 1:
            value = domain[(both & -both).bit_length() - 1]
            parts.append(f"{column.label} = {'空值' if value is None else str(value).rstrip(_AFTER)}")
    return "、".join(parts) or "任何情形"


def _covered(box: Box, earlier: list[Box]) -> bool:
    """True if the earlier boxes together leave nothing of `box`; False also when that would take too long to know."""
    left = [box]
    for other in earlier:
        left = [piece for each in left for piece in _without(each, other)]
        if len(left) > MAX_PIECES:
            return False
    return not left


def _without(box: Box, other: Box) -> Iterator[Box]:
    """`box` minus `other`, as boxes that do not overlap."""
    if not all(a & b for a, b in zip(box, other, strict=True)):
        yield box
        return
    for column, (a, b) in enumerate(zip(box, other, strict=True)):
        if outside := a & ~b:
            yield (*box[:column], outside, *box[column + 1 :])
        box = (*box[:column], a & b, *box[column + 1 :])
