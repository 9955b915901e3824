"""Decision tables: reading DMN, finding faults before anyone is hurt by them, deciding."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decisions import NAMESPACE, DecisionTable, Input, Output, Row, decide, faults, parse
from engine.errors import ProcessFault

LAW = {"MO-SECOND": 3, "MO-MANY": 10}
FUNCTIONS = {"rule": lambda rule_id: LAW[rule_id]}


def table(
    rows: list[tuple[list[str], list[str]]],
    inputs: tuple[str, ...] = ("launch.kind", "second.yes"),
    policy: str = "UNIQUE",
    values: dict[int, tuple[str, ...]] | None = None,
    otherwise: bool = True,
) -> DecisionTable:
    all_rows = [*rows, (["-"] * len(inputs), ['"other"'])] if otherwise else rows
    return DecisionTable(
        id="route",
        name="分办",
        hit_policy=policy,
        inputs=tuple(Input(name, name, (values or {}).get(n, ())) for n, name in enumerate(inputs)),
        outputs=(Output("way", "去向", ()),),
        rules=tuple(Row(tuple(cells), tuple(results), "第七条") for cells, results in all_rows),
    )


def one(cell: str, policy: str = "UNIQUE") -> DecisionTable:
    """A table of one input `x`: "hit" if the cell is met, else "other"."""
    return table([([cell], ['"hit"'])], ("x",), policy)


def way(decision: DecisionTable, **facts: Any) -> Any:
    return decide(decision, facts, FUNCTIONS)["way"]


XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="{NAMESPACE}" id="d" name="d" namespace="http://yixing">
 <decision id="route" name="分办">
  <decisionTable id="t" hitPolicy="FIRST">
   <input id="i1" label="类别"><inputExpression id="e1"><text>launch.kind</text></inputExpression>
     <inputValues><text>"a, b","c"</text></inputValues></input>
   <input id="i2"><inputExpression id="e2"><text> second.yes </text></inputExpression></input>
   <output id="o1" name="way" label="去向"/><output id="o2" name="days"/>
   <rule id="r1"><description> 第七条<!-- hidden --> 第一款 </description>
     <inputEntry id="c1"><text>"a, b"</text></inputEntry><inputEntry id="c2"><text>&gt;= rule("MO-SECOND")</text></inputEntry>
     <outputEntry id="x1"><text><![CDATA["file"]]></text></outputEntry><outputEntry id="x2"><text>rule("MO-MANY")</text></outputEntry>
   </rule>
   <rule id="r2"><description>其他</description>
     <inputEntry id="c3"><text>-</text></inputEntry><inputEntry id="c4"><text></text></inputEntry>
     <outputEntry id="x3"><text>launch.kind</text></outputEntry><outputEntry id="x4"><text>null</text></outputEntry>
   </rule>
  </decisionTable>
 </decision>
</definitions>"""


class TestReading:
    def test_a_table_is_read(self) -> None:
        read = parse(XML.encode())
        assert (read.id, read.name, read.hit_policy) == ("route", "分办", "FIRST")
        assert read.inputs == (
            Input("类别", "launch.kind", ('"a, b"', '"c"')),
            Input("second.yes", "second.yes", ()),
        )
        assert read.outputs == (Output("way", "去向", ()), Output("days", "days", ()))
        assert read.rules[0] == Row(
            ('"a, b"', '>= rule("MO-SECOND")'), ('"file"', 'rule("MO-MANY")'), "第七条 第一款"
        )
        assert read.has_otherwise

    def test_a_table_that_is_read_decides(self) -> None:
        read = parse(XML.encode())
        assert faults(read, FUNCTIONS) == []
        assert decide(read, {"launch": {"kind": "a, b"}, "second": {"yes": 3}}, FUNCTIONS) == {
            "way": "file",
            "days": 10,
            "because": "第七条 第一款",
            "row": 1,
        }
        assert decide(read, {"launch": {"kind": "c"}}, FUNCTIONS) == {
            "way": "c",
            "days": None,
            "because": "其他",
            "row": 2,
        }

    def test_unique_is_the_default_policy(self) -> None:
        assert parse(XML.replace(' hitPolicy="FIRST"', "").encode()).hit_policy == "UNIQUE"

    @pytest.mark.parametrize(
        "xml",
        [
            b"",
            b"<a",
            b"not xml",
            b"\0",
            b"\xff\xfe<\0a\0/\0>\0",
            "<a/>".encode("utf-16"),
            b"<a/>",
            f'<definitions xmlns="{NAMESPACE}"/>'.encode(),
            f'<definitions xmlns="{NAMESPACE}"><decision id="a"/></definitions>'.encode(),
            XML.replace("20191111", "20151101").encode(),
            XML.replace('hitPolicy="FIRST"', 'hitPolicy="COLLECT" aggregation="AVG"').encode(),
            XML.replace('hitPolicy="FIRST"', 'hitPolicy="ANY" aggregation="SUM"').encode(),
            XML.replace('hitPolicy="FIRST"', 'hitPolicy="PRIORITY"').encode(),
            XML.replace('<inputEntry id="c4"><text></text></inputEntry>', "").encode(),
            XML.replace('<decision id="route"', "<decision").encode(),
            XML.replace("<definitions", "<!DOCTYPE a><definitions").encode(),
            XML.replace("<definitions", "<!doctype a><definitions").encode(),
            XML.replace(
                "<definitions", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><definitions'
            ).encode(),
            XML.replace(
                "<definitions", '<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><definitions'
            ).encode(),
            XML.replace("第七条", "&undefined;").encode(),
            XML.replace("UTF-8", "UTF-7")
            .encode()
            .replace(b"<definitions", b"+ADwAIQ-DOCTYPE a+AD4-<definitions"),
            XML.replace("分办", "x" * 1_000_000).encode(),
            XML.replace("</decision>", "<x/>" * 2_000 + "</decision>").encode(),
            XML.replace("</decision>", "<x>" * 900 + "</x>" * 900 + "</decision>").encode(),
            XML.encode()[:-20],
        ],
    )
    def test_what_is_hostile_or_not_dmn_is_refused(self, xml: bytes) -> None:
        with pytest.raises(ProcessFault):
            parse(xml)


class TestCells:
    @pytest.mark.parametrize(
        ("cell", "yes", "no"),
        [
            ('"a"', ["a"], ["b", "", None, 1]),
            ('"a","b"', ["a", "b"], ["c", None]),
            ('"a,b"', ["a,b"], ["a", "b"]),
            ('not("a")', ["b", None, 1], ["a"]),
            ('not("a","b")', ["c", None], ["a", "b"]),
            ("true", [True], [False, None, 1]),
            ("false", [False], [True, None, 0]),
            ("1", [1], [True, 0, 2, "1", None]),
            ("null", [None], [0, "", False]),
            ("not(null)", [0, ""], [None]),
            (">= 3", [3, 4, Fraction(7, 2)], [2, 0, -5]),
            ("> 3", [4], [3]),
            ("< 3", [2], [3]),
            ("<= 3", [3], [4]),
            ("< -1", [-2], [-1, 0]),
            ("[1..3]", [1, 2, 3], [0, 4]),
            ("(1..3)", [2], [1, 3]),
            ("[1..3)", [1, 2], [0, 3]),
            ("(1..3]", [2, 3], [1, 4]),
            ("[0..1],5,> 8", [0, 1, 5, 9], [2, 8]),
            ("not([1..3])", [0, 4], [1, 3]),
            ('>= rule("MO-SECOND")', [3, 10], [2]),
            ('[rule("MO-SECOND")..rule("MO-MANY"))', [3, 9], [2, 10]),
            ('>= "2026-03-01"', ["2026-03-01", "2027-01-01"], ["2026-02-28"]),
            ("null, > 3", [None, 4], [3]),
            ("> 3, null", [None, 4], [3]),
        ],
    )
    def test_a_cell_matches(self, cell: str, yes: list[Any], no: list[Any]) -> None:
        for policy, value in product(("UNIQUE", "FIRST"), yes):
            assert way(one(cell, policy), x=value) == "hit"
        for policy, value in product(("UNIQUE", "FIRST"), no):
            assert way(one(cell, policy), x=value) == "other"

    @pytest.mark.parametrize("value", [None, "a", True])
    def test_an_impossible_comparison_is_a_fault_that_names_the_fact(self, value: Any) -> None:
        with pytest.raises(ProcessFault, match="x"):
            way(one(">= 3"), x=value)

    def test_a_missing_fact_is_no_fault_where_the_column_speaks_of_null(self) -> None:
        decision = table([([">= 3"], ['"many"']), (["null"], ['"none"'])], ("x",))
        assert (way(decision), way(decision, x=1), way(decision, x=3)) == ("none", "other", "many")

    def test_a_comparison_that_does_not_matter_is_not_made(self) -> None:
        decision = table([(['"a"', ">= 3"], ['"hit"'])])
        assert way(decision, launch={"kind": "b"}) == "other"

    def test_a_list_is_not_silently_unequal(self) -> None:
        with pytest.raises(ProcessFault, match="清单"):
            way(one('"a"'), x=["a"])


class TestDeciding:
    def test_unique_refuses_two_matches_and_says_which(self) -> None:
        with pytest.raises(ProcessFault, match="第 1、2 行"):
            way(table([(["> 1"], ['"a"']), (["> 2"], ['"b"'])], ("x",)), x=3)

    def test_first_takes_the_first_and_looks_no_further(self) -> None:
        decision = table([(['"a"'], ['"a"']), (["> 2"], ['"b"'])], ("x",), "FIRST")
        assert decide(decision, {"x": "a"}, FUNCTIONS)["row"] == 1

    @pytest.mark.parametrize("policy", ["UNIQUE", "FIRST"])
    def test_no_match_is_a_fault(self, policy: str) -> None:
        with pytest.raises(ProcessFault, match="没有一行"):
            way(table([(["1"], ['"a"'])], ("x",), policy, otherwise=False), x=2)

    def test_the_otherwise_row_does_not_collide_under_unique(self) -> None:
        found = decide(one("1"), {"x": 1}, FUNCTIONS)
        assert found == {"way": "hit", "because": "第七条", "row": 1}
        assert decide(one("1"), {"x": 2}, FUNCTIONS)["row"] == 2


class TestFaults:
    def test_a_sound_table_has_none(self) -> None:
        rows = [
            (['"a"', '>= rule("MO-SECOND")'], ['"x"']),
            (['"a"', '< rule("MO-SECOND")'], ['"y"']),
            (['not("a")', "-"], ['"z"']),
        ]
        assert faults(table(rows), FUNCTIONS, {"launch", "second"}) == []
        assert faults(table(rows), {"rule"}) == []

    @pytest.mark.parametrize(
        ("a", "b"),
        [
            ('"a"', '"a","b"'),
            ('not("a")', 'not("b")'),
            ('not("a")', "null"),
            ('"b"', 'not("a")'),
            ("-", "1"),
            (">= 1", "<= 1"),
            ("[0..1]", ">= 1"),
            ('>= rule("MO-SECOND")', '> rule("MO-SECOND")'),
            ('>= rule("MO-SECOND")', '>= rule("MO-MANY")'),
            ('>= "2026-01-01"', '< "2026-06-01"'),
            ("not(true)", "false"),
        ],
    )
    def test_overlap_is_found_under_unique_only(self, a: str, b: str) -> None:
        rows = [([a, "-"], ['"x"']), ([b, "-"], ['"y"'])]
        assert any("第 1 行与第 2 行重叠" in wrong for wrong in faults(table(rows), FUNCTIONS))
        assert not any("重叠" in wrong for wrong in faults(table(rows, policy="FIRST"), FUNCTIONS))

    @pytest.mark.parametrize(
        ("a", "b"),
        [
            ('"a"', '"b"'),
            ('"a"', "null"),
            (">= 1", "< 1"),
            ("[0..1)", ">= 1"),
            ("> 0", "<= 0"),
            ("> 0", "< 1"),
            ("true", "not(true)"),
            ('>= rule("MO-SECOND")', '< rule("MO-SECOND")'),
            ('> rule("MO-MANY")', '< rule("MO-SECOND")'),
            ('< "2026-01-01"', '>= "2026-01-01"'),
        ],
    )
    def test_rows_that_exclude_each_other_do_not_overlap(self, a: str, b: str) -> None:
        rows = [([a, "-"], ['"x"']), ([b, "-"], ['"y"'])]
        assert not any("重叠" in wrong for wrong in faults(table(rows), FUNCTIONS))

    def test_between_whole_numbers_lie_fractions_when_the_input_divides(self) -> None:
        rows = [(["> 0"], ['"x"']), (["< 1"], ['"y"'])]
        assert any(
            "重叠" in wrong
            for wrong in faults(table(rows, ("second.yes / second.roll",)), FUNCTIONS)
        )

    def test_another_column_may_tell_rows_apart(self) -> None:
        rows = [(['"a"', "1"], ['"x"']), (['"a"', "0"], ['"y"'])]
        assert faults(table(rows), FUNCTIONS) == []

    def test_declared_values_bound_what_may_come(self) -> None:
        rows = [(['not("a", null)', "-"], ['"x"']), (['not("b", null)', "-"], ['"y"'])]
        assert any("重叠" in wrong for wrong in faults(table(rows), FUNCTIONS))
        assert faults(table(rows, values={0: ('"a"', '"b"')}), FUNCTIONS) == []

    def test_an_overlap_is_shown_by_an_example(self) -> None:
        rows = [([">= 1", "-"], ['"x"']), (["<= 1", "-"], ['"y"'])]
        assert any("launch.kind = 1" in wrong for wrong in faults(table(rows), FUNCTIONS))

    def test_bare_rule_names_report_only_what_is_certain(self) -> None:
        rows = [(['>= rule("A")'], ['"x"']), (['< rule("B")'], ['"y"'])]
        assert not any("重叠" in wrong for wrong in faults(table(rows, ("x",)), {"rule"}))
        rows = [(['>= rule("A")'], ['"x"']), (['<= rule("A")'], ['"y"'])]
        assert any("重叠" in wrong for wrong in faults(table(rows, ("x",)), {"rule"}))

    def test_a_row_that_is_never_reached_is_found_under_first(self) -> None:
        rows = [(["> 0"], ['"x"']), (["<= 0"], ['"y"']), (["1"], ['"z"'])]
        found = faults(table(rows, ("x",), "FIRST"), FUNCTIONS)
        assert [wrong for wrong in found if "轮不到" in wrong] == [
            "第 3 行永远轮不到，前面的行已全部命中"
        ]

    def test_a_row_covered_by_several_together_is_found(self) -> None:
        cells = [['"a"', "true"], ['"a"', "not(true)"], ['"a"', "-"], ["-", "1"]]
        rows = [(each, ['"x"']) for each in cells]
        found = faults(table(rows, policy="FIRST"), FUNCTIONS)
        assert sum("轮不到" in wrong for wrong in found) == 1
        assert any("第 3 行永远轮不到" in wrong for wrong in found)

    def test_a_row_that_contradicts_itself_is_found(self) -> None:
        assert any("自相矛盾" in wrong for wrong in faults(one("(0..0)"), FUNCTIONS))

    def test_the_otherwise_row_is_demanded(self) -> None:
        found = faults(table([(["1"], ['"a"'])], ("x",), otherwise=False), FUNCTIONS)
        assert any("其他情形" in wrong for wrong in found)

    @pytest.mark.parametrize(
        "cell", ["2", ">= 3", "[1..5]", "not(7)", "-1", 'rule("MO-SECOND") * 2']
    )
    def test_a_number_that_should_be_law_is_found(self, cell: str) -> None:
        assert any("应当是规则" in wrong for wrong in faults(one(cell), FUNCTIONS))

    @pytest.mark.parametrize(
        "cell", ["0", "1", "> 0", "[0..1]", '"3"', 'rule("MO-SECOND")', "true"]
    )
    def test_zero_and_one_are_no_law(self, cell: str) -> None:
        assert faults(one(cell), FUNCTIONS) == []

    @pytest.mark.parametrize(
        "cell",
        [
            "file",
            '"a',
            ">=",
            "= 1",
            '["a","b"]',
            'sum("a"',
            "[1..",
            "1..5",
            "1.5",
            "a.b",
            'law("X")',
            '"a",',
            ",",
            'not("a"), "b"',
            "__import__",
            "\u201ca\u201d",
        ],
    )
    def test_a_bad_cell_is_found(self, cell: str) -> None:
        assert any("第 1 行“x”的格" in wrong for wrong in faults(one(cell), FUNCTIONS))

    def test_an_empty_description_is_found(self) -> None:
        bare = DecisionTable(
            "t",
            "t",
            "FIRST",
            (Input("x", "x", ()),),
            (Output("y", "y", ()),),
            (Row(("-",), ("1",), ""),),
        )
        assert any("依据" in wrong for wrong in faults(bare, FUNCTIONS))

    @pytest.mark.parametrize("name", ["", "a b", "1a", "_x", "because", "row"])
    def test_an_unusable_output_is_found(self, name: str) -> None:
        bare = DecisionTable(
            "t",
            "t",
            "FIRST",
            (Input("x", "x", ()),),
            (Output(name, "", ()),),
            (Row(("-",), ("1",), "甲"),),
        )
        assert faults(bare, FUNCTIONS)

    @pytest.mark.parametrize("result", ["", "-", '"c"', "f(", '"a","b"'])
    def test_an_unknown_or_empty_result_is_found(self, result: str) -> None:
        output = Output("y", "y", ('"a"', '"b"'))
        bare = DecisionTable(
            "t", "t", "FIRST", (Input("x", "x", ()),), (output,), (Row(("-",), (result,), "甲"),)
        )
        assert any("结果" in wrong for wrong in faults(bare, FUNCTIONS))

    def test_a_value_outside_the_declared_ones_is_found(self) -> None:
        rows = [(['"c"', "-"], ['"x"'])]
        assert any(
            "允许值" in wrong for wrong in faults(table(rows, values={0: ('"a"',)}), FUNCTIONS)
        )

    def test_an_unknown_fact_is_found(self) -> None:
        assert any("没有名为 x" in wrong for wrong in faults(one("1"), FUNCTIONS, {"launch"}))

    def test_a_large_table_is_searched_quickly(self) -> None:
        rows = [
            ([str(n % 2), f'"{n}"', f"not({n % 2})", f'"{n % 7}","{n % 5}"'], ['"x"'])
            for n in range(150)
        ]
        faults(table(rows, ("a", "b", "c", "d"), "FIRST"), FUNCTIONS)


CELLS = st.sampled_from(
    [
        "-",
        "1",
        "0",
        "> 0",
        "<= 1",
        "[0..1]",
        "not(1)",
        "null",
        '"a"',
        'not("a")',
        '"a","b"',
        "true",
        "not(null)",
    ]
)
VALUES = [None, True, False, -1, 0, 1, 2, "a", "b", "c"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_a_table_without_overlap_never_matches_twice(pairs: list[tuple[str, str]]) -> None:
    decision = table([([a, b], ['"x"']) for a, b in pairs], ("p", "q"))
    overlapping = any("重叠" in wrong for wrong in faults(decision, FUNCTIONS))
    twice = False
    for p, q in product(VALUES, VALUES):
        try:
            decide(decision, {"p": p, "q": q}, FUNCTIONS)
        except ProcessFault as fault:
            twice = twice or "同时命中" in fault.message
    assert overlapping or not twice


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_a_row_said_to_be_unreachable_is_never_taken(pairs: list[tuple[str, str]]) -> None:
    decision = table([([a, b], ['"x"']) for a, b in pairs], ("p", "q"), "FIRST")
    found = faults(decision, FUNCTIONS)
    unreachable = {n for n in range(1, 6) if any(f"第 {n} 行永远" in wrong for wrong in found)}
    for p, q in product(VALUES, VALUES):
        try:
            taken = decide(decision, {"p": p, "q": q}, FUNCTIONS)["row"]
        except ProcessFault:
            continue
        assert taken not in unreachable


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=30), st.sampled_from(VALUES))
def test_any_cell_gives_a_result_or_a_fault(cell: str, value: Any) -> None:
    faults(one(cell), FUNCTIONS)
    with suppress(ProcessFault):
        decide(one(cell), {"x": value}, FUNCTIONS)
