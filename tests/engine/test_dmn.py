"""Decision tables as other tools write them: every version of the format, several decisions in a file, all hit policies."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from engine import decisions
from engine.decisions import decide, explain, parse
from engine.decisions.dmn import NAMESPACES
from engine.definitions import load
from engine.definitions.check import check_tables
from engine.definitions.check import faults as folder_faults
from engine.definitions.outline import outline
from engine.errors import ProcessFault
from tests import foreign
from tests.hostile.sound import POSTS, edited, rulebook, sound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

DMN = "graded.dmn"
NEWEST = "https://www.omg.org/spec/DMN/20230324/MODEL/"


def table(
    *rows: tuple[str, str],
    policy: str = "UNIQUE",
    more: str = "",
    key: str = "fee",
    column: str = "years",
    default: str = "",
    below: tuple[str, ...] = (),
) -> str:
    """A decision of one input and one output; `rows` are cell and result, `below` what it rests on."""
    rests = "".join(
        f'<informationRequirement id="r_{each}"><requiredDecision href="#{each}"/></informationRequirement>'
        for each in below
    )
    otherwise = (
        f"<defaultOutputEntry><text>{default}</text></defaultOutputEntry>" if default else ""
    )
    lines = "".join(
        f"<rule><description>第 {n} 条</description><inputEntry><text>{cell}</text></inputEntry>"
        f"<outputEntry><text>{result}</text></outputEntry></rule>"
        for n, (cell, result) in enumerate(rows, 1)
    )
    return (
        f'<decision id="{key}" name="{key}">{rests}<decisionTable hitPolicy="{policy}" {more}>'
        f'<input><inputExpression typeRef="number"><text>{column}</text></inputExpression></input>'
        f'<output name="amount" label="金额">{otherwise}</output>{lines}</decisionTable></decision>'
    )


def file(*tables: str, namespace: str = NEWEST) -> bytes:
    return (
        f'<definitions xmlns="{namespace}" id="d" name="d">{"".join(tables)}</definitions>'.encode()
    )


def amount(xml: bytes, **facts: Any) -> Any:
    return decide(parse(xml), facts, {})["amount"]


GROWING = (("&gt; 1", "100"), ("&gt; 2", "200"), ("&gt; 3", "0.5"))


@pytest.mark.parametrize("namespace", sorted(NAMESPACES))
def test_every_version_of_the_format_is_read(namespace: str) -> None:
    xml = file(table(("&gt; 1", "7"), ("-", "8")), namespace=namespace)
    assert amount(xml, years=2) == 7 and amount(xml, years=1) == 8


def test_a_format_that_is_none_is_refused() -> None:
    assert len(NAMESPACES) == 5
    for namespace in ("urn:x", "", "https://www.omg.org/spec/DMN/20991231/MODEL/"):
        with pytest.raises(ProcessFault, match="根元素是 definitions"):
            parse(file(table(("-", "1")), namespace=namespace))


@pytest.mark.parametrize(
    ("policy", "more", "years", "expected"),
    [
        ("COLLECT", "", 9, [100, 200, Fraction(1, 2)]),
        ("COLLECT", "", 0, []),
        ("RULE ORDER", "", 3, [100, 200]),
        ("COLLECT", 'aggregation="SUM"', 9, Fraction(601, 2)),
        ("COLLECT", 'aggregation="SUM"', 3, 300),
        ("COLLECT", 'aggregation="MIN"', 9, Fraction(1, 2)),
        ("COLLECT", 'aggregation="MAX"', 9, 200),
        ("COLLECT", 'aggregation="COUNT"', 9, 3),
        ("COLLECT", 'aggregation="COUNT"', 0, 0),
    ],
)
def test_several_rows_count(policy: str, more: str, years: int, expected: Any) -> None:
    """Exact: a half is a half, and a whole sum of halves is whole."""
    found = decide(parse(file(table(*GROWING, policy=policy, more=more))), {"years": years}, {})
    assert found["amount"] == expected and type(found["amount"]) is type(expected)
    assert found["rows"] == [n for n in (1, 2, 3) if years > n]
    assert found["row"] == (1 if years > 1 else 0)
    assert found["because"] == "；".join(f"第 {n} 条" for n in found["rows"])


def test_halves_make_a_whole() -> None:
    halves = table(
        ("&gt; 0", "0.5"), ("&gt; 0", "1.50"), policy="COLLECT", more='aggregation="SUM"'
    )
    found = amount(file(halves), years=1)
    assert found == 2 and type(found) is int


@pytest.mark.parametrize("how", ["SUM", "MIN", "MAX"])
def test_of_nothing_no_number_is_made_up(how: str) -> None:
    bare = table(*GROWING, policy="COLLECT", more=f'aggregation="{how}"')
    with pytest.raises(ProcessFault, match="默认值"):
        amount(file(bare), years=0)
    assert "默认值" in "".join(decisions.faults(parse(file(bare)), {}))
    told = table(*GROWING, policy="COLLECT", more=f'aggregation="{how}"', default="0")
    found = decide(parse(file(told)), {"years": 0}, {})
    assert found == {"amount": 0, "because": "默认结果", "row": 0, "rows": []}
    assert "默认值" not in "".join(decisions.faults(parse(file(told)), {}))


def test_texts_are_not_summed() -> None:
    words = table(("&gt; 0", '"a"'), ("&gt; 0", '"b"'), policy="COLLECT", more='aggregation="SUM"')
    with pytest.raises(ProcessFault, match="不都是数字"):
        amount(file(words), years=1)
    mixed = table(("&gt; 0", '"a"'), ("&gt; 0", "2"), policy="COLLECT", more='aggregation="MAX"')
    with pytest.raises(ProcessFault, match="不都是数字"):
        amount(file(mixed), years=1)


def test_under_any_rows_may_match_that_say_the_same() -> None:
    same = file(table(("&gt; 1", "7"), ("&gt; 2", "7"), ("&lt;= 1", "8"), policy="ANY"))
    assert amount(same, years=3) == 7 and decide(parse(same), {"years": 3}, {})["row"] == 1
    assert not [w for w in decisions.faults(parse(same), {}) if "重叠" in w]
    other = file(table(("&gt; 1", "7"), ("&gt; 2", "9"), ("&lt;= 1", "8"), policy="ANY"))
    with pytest.raises(ProcessFault, match="结果却不相同"):
        amount(other, years=3)
    assert [w for w in decisions.faults(parse(other), {}) if "重叠" in w]


def test_where_all_rows_count_none_is_out_of_reach() -> None:
    twice = table(("&gt; 1", "7"), ("&gt; 1", "9"), policy="RULE ORDER")
    assert not [w for w in decisions.faults(parse(file(twice)), {}) if "轮不到" in w]
    first = table(("&gt; 1", "7"), ("&gt; 1", "9"), ("-", "1"), policy="FIRST")
    assert [w for w in decisions.faults(parse(file(first)), {}) if "轮不到" in w]


def test_a_dash_is_met_by_everything_where_all_rows_count() -> None:
    assert amount(file(table(("&gt; 1", "7"), ("-", "9"), policy="COLLECT")), years=3) == [7, 9]
    assert amount(file(table(("&gt; 1", "7"), ("-", "9"), policy="UNIQUE")), years=3) == 7


BASE = table(("&gt; 2", "10"), ("-", "20"), key="base")
RISK = table(("10", "1"), ("-", "2"), key="risk", column="base.amount", below=("base",))
TOP = table(
    ("2", "5"),
    ("-", "6"),
    key="fee",
    column="risk.amount + base.amount * 0",
    below=("risk", "base"),
)


@pytest.mark.parametrize("order", [(BASE, RISK, TOP), (TOP, RISK, BASE), (RISK, TOP, BASE)])
def test_decisions_rest_on_one_another_in_whatever_order_they_stand(order: tuple[str, ...]) -> None:
    found = parse(file(*order))
    assert found.id == "fee" and [each.id for each in found.requires] == ["base", "risk"]
    said = decide(found, {"years": 1}, {})
    assert said["amount"] == 5
    assert {key: each["amount"] for key, each in said["required"].items()} == {
        "base": 20,
        "risk": 2,
    }
    assert decide(found, {"years": 3}, {})["amount"] == 6


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        ((BASE, table(("-", "1"), key="other")), "互不依赖"),
        ((BASE, RISK.replace('"#base"', '"#gone"')), "gone 不在这个文件里"),
        ((table(("-", "1"), key="a", below=("b",)), table(("-", "1"), key="b", below=("a",))), "互相依据"),
        ((BASE, BASE), "自己的 id"),
        ((table(("-", "1"), policy="PRIORITY"),), "命中策略只能是 UNIQUE"),
        ((table(("-", "1"), policy="OUTPUT ORDER"),), "命中策略只能是 UNIQUE"),
        ((table(("-", "1"), more='aggregation="SUM"'),), "汇总只用于 COLLECT"),
        (('<decision id="a"><literalExpression><text>1</text></literalExpression></decision>',), "literalExpression"),
        (('<decision id="a"/>',), "空的"),
        ((BASE, '<businessKnowledgeModel id="m"/>'), "业务知识模型"),
        ((BASE, '<import namespace="urn:x"/>'), "import"),
        ((), "要有 decision"),
    ],
)  # fmt: skip  # a case a line
def test_what_cannot_be_decided_is_refused_in_a_sentence(tables: tuple[str, ...], why: str) -> None:
    with pytest.raises(ProcessFault, match=why):
        parse(file(*tables))


def test_a_made_up_id_gives_way_to_a_name_that_can_be_used() -> None:
    base = BASE.replace('id="base"', 'id="Decision_0x1ab"')
    risk = RISK.replace('"#base"', '"#Decision_0x1ab"')
    found = parse(file(base, risk))
    assert [each.id for each in found.requires] == ["base"]
    assert decide(found, {"years": 3}, {})["amount"] == 1


def test_decimals_are_exact_wherever_they_stand() -> None:
    """Nothing in quotes is touched, and no name that holds digits and dots."""
    xml = table(("[0.1..0.3]", "1.25"), ("-", '"1.5"')).replace(">years<", ">years / 10<")
    assert amount(file(xml), years=3) == Fraction(5, 4) and amount(file(xml), years=4) == "1.5"
    named = table(("-", "2.0"), column="a1.b2")
    assert parse(file(named)).inputs[0].expression == "a1.b2"
    assert amount(file(named), a1={"b2": 1}) == 2 and type(amount(file(named), a1={"b2": 1})) is int


# --- in a folder ----------------------------------------------------------------------------------
UPPER = """<decision id="mood" name="mood"><decisionTable hitPolicy="UNIQUE">
    <input label="结论"><inputExpression><text>check.decision</text></inputExpression></input>
    <output label="心情" name="mark"/>
    <rule><description>甲</description><inputEntry><text>"pass"</text></inputEntry><outputEntry><text>"good"</text></outputEntry></rule>
    <rule><description>乙</description><inputEntry><text>-</text></inputEntry><outputEntry><text>"bad"</text></outputEntry></rule>
  </decisionTable></decision>"""
NEEDS = '<informationRequirement id="n"><requiredDecision href="#mood"/></informationRequirement>'


def resting(expression: str = "mood.mark", cell: str = '"good"') -> dict[str, str]:
    """The sound folder, whose table rests on another one in the same file."""
    files = edited(DMN, "check.decision", expression)
    files[DMN] = files[DMN].replace('<text>"pass"</text>', f"<text>{cell}</text>")
    files[DMN] = files[DMN].replace("<decisionTable id", f"{NEEDS}<decisionTable id")
    files[DMN] = files[DMN].replace("</definitions>", f"{UPPER}</definitions>")
    return files


def said(files: Mapping[str, str]) -> str:
    return "\n".join(map(str, folder_faults(files, rulebook(), POSTS, folder="errand")))


def test_a_folder_may_hold_tables_that_rest_on_one_another() -> None:
    files = resting()
    assert said(files) == ""
    process = load(files)
    assert (
        decide(process.decisions["graded"], {"check": {"decision": "pass"}}, {})["grade"] == "high"
    )
    assert "graded 所依据的 mood" in outline(process)


def test_the_check_reads_every_table_of_a_file() -> None:
    assert "mod" in said(resting("mod.mark"))
    assert "marc" in said(resting("mood.marc"))
    broken = resting()
    broken[DMN] = broken[DMN].replace("<description>甲</description>", "")
    assert "mood" in said(broken) and "没有说明" in said(broken)
    taken = resting()
    taken[DMN] = taken[DMN].replace("mood", "check")
    assert "check" in said(taken)


def test_the_outline_tells_how_rows_are_taken() -> None:
    for policy, more, words in (
        ("ANY", "", "命中各行结果相同"),
        ("RULE ORDER", "", "按行的次序取全部命中行"),
        ("COLLECT", ' aggregation="COUNT"', "取全部命中行，计数"),
    ):
        files = edited(DMN, 'hitPolicy="UNIQUE"', f'hitPolicy="{policy}"{more}')
        assert words in outline(load(files))


def test_what_all_rows_give_is_explained() -> None:
    found = explain(parse(file(table(*GROWING, policy="COLLECT"))), {"years": 3}, {})
    assert (found.row, found.rows, found.misses) == (1, (1, 2), {3: (0,)})
    nothing = explain(parse(file(table(*GROWING, policy="COLLECT"))), {"years": 0}, {})
    assert (nothing.row, nothing.rows, nothing.found) == (0, (), {"amount": []})


def test_shared_tables_are_checked_too(tmp_path: Path) -> None:
    (tmp_path / "organisation").mkdir()
    (tmp_path / "organisation" / "fee.dmn").write_bytes(
        file(BASE, RISK, TOP.replace("第 1 条", ""))
    )
    found = "\n".join(map(str, check_tables(tmp_path / "organisation", rulebook())))
    assert "第 1 行没有说明" in found


# --- the compliance kit ---------------------------------------------------------------------------
_KIT = "{http://www.omg.org/spec/DMN/20160719/testcase}"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def _value(node: Any) -> Any:
    text, kind = node.text or "", (node.get(_TYPE) or "").rpartition(":")[2]
    if kind == "boolean":
        return text == "true"
    return Fraction(text) if kind in ("decimal", "double", "integer") else text


def _expected(node: Any) -> Any:
    """A value, or a list of values, of which those with parts are known by their names."""
    if (several := node.find(f"{_KIT}list")) is not None:
        return [_expected(each) for each in several.findall(f"{_KIT}item")]
    if parts := node.findall(f"{_KIT}component"):
        return {each.get("name"): _expected(each) for each in parts}
    value = node.find(f"{_KIT}value")
    return None if value is None else _value(value)


def _said(found: dict[str, Any]) -> Any:
    """What a decision came to, as the kit writes it."""
    outputs = {k: v for k, v in found.items() if k not in ("because", "row", "rows", "required")}
    if list(outputs) == ["value"]:
        return outputs["value"]
    if "rows" not in found:
        return outputs
    return [dict(zip(outputs, each, strict=True)) for each in zip(*outputs.values(), strict=True)]


def _cases(path: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    for tests in sorted(path.parent.glob("*-test-*.xml")):
        for case in etree.parse(tests).iter(f"{_KIT}testCase"):
            given = {n.get("name"): _expected(n) for n in case.findall(f"{_KIT}inputNode")}
            yield given, _expected(case.find(f"{_KIT}resultNode/{_KIT}expected"))


def test_the_compliance_kit_comes_to_what_it_expects_or_is_refused_in_a_sentence() -> None:
    cases = refused = 0
    for path in foreign.files("dmn-tck-level-2/*/*.dmn"):
        try:
            found = parse(path.read_bytes())
        except ProcessFault as fault:
            assert fault.message and "\n" not in fault.message, path
            refused += 1
            continue
        for facts, expected in _cases(path):
            cases += 1
            if expected is None:  # we say that nothing is said, where the kit says null
                with pytest.raises(ProcessFault):
                    decide(found, facts, {})
                continue
            assert _said(decide(found, facts, {})) == expected, (path.name, facts)
    assert cases >= 30 and refused >= 10, (cases, refused)


def test_the_sound_folder_is_sound() -> None:
    assert said(sound()) == ""
