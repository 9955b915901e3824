"""All that is wrong with a table, in the words of its author."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fractions import Fraction

from engine import expressions
from engine.decisions.cell import NULLS, cell_of
from engine.decisions.choice import otherwise
from engine.decisions.reach import matching_faults
from engine.decisions.table import DecisionTable, Functions, Input, Output, Row
from engine.errors import ProcessFault
from engine.messages import Listed, _

RESERVED = frozenset({"because", "row", "rows", "required"})
UNORDERED = NULLS | {"true", "false", "True", "False"}


def faults(
    table: DecisionTable, functions: Functions | Collection[str], names: set[str] | None = None
) -> list[str]:
    """All that is wrong with a table, in plain words. `names` are the facts its inputs may use
    (None: any).

    `functions` may be callables or bare names; results of bare names are unknown, so only what
    overlaps whether the first-named is the smallest or the largest is reported.
    """
    known = frozenset(functions)
    static = [*_input_faults(table, names, known), *_output_faults(table)]
    static += [
        fault
        for number, row in enumerate(table.rules, 1)
        for fault in _row_faults(table, number, row, known)
    ]
    static += _mixed(table)
    static += _default_faults(table, known)
    if any(_cell_faults(cell, known) for row in table.rules for cell in row.cells) or _bad_values(
        table, known
    ):
        return static
    return [*static, *matching_faults(table, functions)]


def _default_faults(table: DecisionTable, known: frozenset[str]) -> Iterable[str]:
    """Something must be said where no row matches."""
    if not table.always_decides and table.hit_policy in ("UNIQUE", "FIRST"):
        yield _("最后缺一行全是 - 的“其他情形”")
    elif not table.always_decides:
        yield _("没有一行命中时没有结果，{advice}", advice=otherwise(table))
    for output, text in zip(table.outputs, table.default, strict=False):
        for wrong in _result_faults(output, text, known):
            label = output.label or output.name
            yield _("结果“{label}”的默认值 {text}:{wrong}", label=label, text=text, wrong=wrong)


def _input_faults(
    table: DecisionTable, names: set[str] | None, known: frozenset[str]
) -> Iterable[str]:
    for number, column in enumerate(table.inputs, 1):
        for wrong in expressions.check(column.expression, names, known):
            yield _(
                "第 {number} 列条件“{label}”：{wrong}",
                number=number,
                label=column.label,
                wrong=wrong,
            )
    yield from _bad_values(table, known)


def _mixed(table: DecisionTable) -> Iterable[str]:
    """Columns in which what is written is of several kinds: rows that no value can ever meet, or
    results that nothing can compare.
    """
    for place, column in enumerate(table.inputs):
        cells = [cell_of(row.cells[place]) for row in table.rules]
        if kinds := _several(operand for cell in cells for operand in cell.operands):
            yield _("“{label}”一列里混写了{kinds}", label=column.label, kinds=kinds)
    for place, output in enumerate(table.outputs):
        if kinds := _several(row.results[place] for row in table.rules):
            label = output.label or output.name
            yield _("结果“{label}”一列里混写了{kinds}", label=label, kinds=kinds)


def _several(written: Iterable[str]) -> Listed | None:
    """The kinds of what is written, if they are several."""
    kinds = _kinds(written)
    return Listed(kinds) if len(kinds) > 1 else None


def _kinds(written: Iterable[str]) -> list[str]:
    """The kinds of the values that are written out; null is of every kind."""
    found = dict.fromkeys(filter(None, map(_kind, written)))
    return list(found)


def _kind(text: str) -> str:
    if text[:1] == '"':
        return _("文字")
    if text in ("true", "false", "True", "False"):
        return _("是否")
    digits = text.removeprefix("-")
    return _("数字") if digits.isdigit() or text.startswith("rule(") else ""


def _bad_values(table: DecisionTable, known: frozenset[str]) -> list[str]:
    columns: tuple[Input | Output, ...] = (*table.inputs, *table.outputs)
    return [
        _("“{label}”的允许值 {value}:{wrong}", label=column.label, value=value, wrong=wrong)
        for column in columns
        for value in column.values
        for wrong in _operand_faults(value, known)
    ]


def _output_faults(table: DecisionTable) -> Iterable[str]:
    seen: set[str] = set()
    for number, output in enumerate(table.outputs, 1):
        if not output.name.isidentifier() or output.name.startswith("_"):
            yield _(
                "第 {number} 列结果要有名称（字母、数字、下划线），这里是“{name}”",
                number=number,
                name=output.name,
            )
        if output.name in RESERVED:
            yield _("结果不能叫 {name}，这个名称已有用途", name=output.name)
        if output.name in seen:
            yield _("有两列结果都叫 {name}", name=output.name)
        seen.add(output.name)


def _row_faults(
    table: DecisionTable, number: int, row: Row, known: frozenset[str]
) -> Iterable[str]:
    if not row.description:
        yield _("第 {number} 行没有说明，请在 description 写明依据的条款", number=number)
    for column, text in zip(table.inputs, row.cells, strict=True):
        for wrong in [
            *_cell_faults(text, known),
            *_law_faults(text, known),
            *_undeclared(column, text, known),
        ]:
            yield _(
                "第 {number} 行“{label}”的格 {text}:{wrong}",
                number=number,
                label=column.label,
                text=text,
                wrong=wrong,
            )
    for output, text in zip(table.outputs, row.results, strict=True):
        for wrong in _result_faults(output, text, known):
            yield _(
                "第 {number} 行结果“{label}”的格 {text}:{wrong}",
                number=number,
                label=output.label,
                text=text,
                wrong=wrong,
            )


def _cell_faults(text: str, known: frozenset[str]) -> list[str]:
    found = [
        wrong for operand in cell_of(text).operands for wrong in _operand_faults(operand, known)
    ]
    for test in cell_of(text).tests:
        unordered = UNORDERED.intersection(test.operands) if test.sign != "=" else ()
        found += [_("{value} 不能比较大小", value=value) for value in sorted(unordered)]
    return found


def _operand_faults(operand: str, known: frozenset[str]) -> list[str]:
    wrong = expressions.check(operand, None, known)
    if operand.startswith("["):
        wrong.insert(0, _('清单不写方括号，直接写 "a","b"；区间写 [1..5]'))
    if operand.startswith("not"):
        wrong.insert(0, _("not(…) 只能单独占一格，里面可以列多个值"))
    if not wrong and (names := sorted(expressions.names_in(operand))):
        wrong = [_('格里只写值，文字要加引号，例如 "{name}"', name=names[0])]
    return wrong


def _law_faults(text: str, known: frozenset[str]) -> Iterable[str]:
    for operand in cell_of(text).operands:
        if not _operand_faults(operand, known):
            for number in expressions.numbers_in(operand):
                if number not in {0, 1}:
                    yield _(
                        '数字 {number} 应当是规则，请在 processes/law 写明，并改写成 rule("…")',
                        number=number,
                    )


def _undeclared(column: Input, text: str, known: frozenset[str]) -> Iterable[str]:
    for test in cell_of(text).tests if column.values else ():
        operand = test.operands[0]
        if (
            test.sign == "="
            and not _operand_faults(operand, known)
            and operand not in {*column.values, *NULLS}
        ):
            yield _("不在允许值 {values} 之内", values=Listed(column.values))


def _is_broken(text: str) -> bool:
    """Is a result a number that no fact can hold?"""
    try:
        value = expressions.evaluate(text, {}, {})
    except ProcessFault:  # it asks for more than its words
        return False
    return isinstance(value, Fraction) and value.denominator > 1


def _result_faults(output: Output, text: str, known: frozenset[str]) -> list[str]:
    if text in {"", "-"}:
        return [_("没有填结果；确实没有时请写 null")]
    wrong = expressions.check(text, None, known)
    if not wrong and _is_broken(text):
        return [_("不是整数，事实里只存整数，请改用更小的单位，例如分")]
    if not wrong and output.values and text not in output.values:
        wrong = [_("不在允许值 {values} 之内", values=Listed(output.values))]
    return wrong
