"""Reads decision tables from DMN 1.1 to 1.5, the open XML format; hostile or foreign XML is a
ProcessFault.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from lxml import etree

from engine.decisions.cell import split
from engine.decisions.table import AGGREGATIONS, POLICIES, DecisionTable, Input, Output, Row
from engine.errors import ProcessFault
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "https://www.omg.org/spec/DMN/20191111/MODEL/"
NAMESPACES = frozenset(
    {
        "http://www.omg.org/spec/DMN/20151101/dmn.xsd",  # 1.1
        "http://www.omg.org/spec/DMN/20180521/MODEL/",  # 1.2
        NAMESPACE,  # 1.3
        "https://www.omg.org/spec/DMN/20211108/MODEL/",  # 1.4
        "https://www.omg.org/spec/DMN/20230324/MODEL/",  # 1.5
    }
)
MAX_BYTES = 1_000_000
MAX_ELEMENTS = 2_000
VALUE = "value"  # the only output of a table, where nothing names it
_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
_DECIMAL = re.compile(  # by itself, compared with, or an end of a range
    r"(^|[\[\](,<>=-]|\.\.)(\s*)(\d+\.\d+)(?=\s*(?:$|[\])(\[,]|\.\.))"
)
_QUOTED = re.compile(r"(\"[^\"]*\"|'[^']*')")
_LOGIC = {
    "literalExpression",
    "invocation",
    "context",
    "relation",
    "list",
    "functionDefinition",
    "conditional",
    "for",
    "every",
    "some",
    "filter",
}
_NOT_READ = {
    "import": _("决策文件不能引入（import）别的文件"),
    "businessKnowledgeModel": _("决策文件里不能有业务知识模型（businessKnowledgeModel）"),
    "decisionService": _("决策文件里不能有决策服务（decisionService）"),
}


def parse(xml: bytes) -> DecisionTable:
    """The decision in `xml` on which no other one rests, with those that it rests on. ProcessFault
    if it is hostile, not DMN, or holds what cannot be decided here.
    """
    root = _root(xml)
    _read_as_one(root)
    if root.tag != f"{{{NAMESPACE}}}definitions":
        raise ProcessFault(_("决策文件应是 DMN 1.1 至 1.5，根元素是 definitions"))
    for tag, why in _NOT_READ.items():
        if root.find(f".//{{{NAMESPACE}}}{tag}") is not None:
            raise ProcessFault(why)
    return _joined(root.findall(f"{{{NAMESPACE}}}decision"))


def _read_as_one(root: etree._Element) -> None:
    """Elements of every version of DMN are read as those of 1.3: what is read here is the same."""
    for node in root.iter():
        namespace, _brace, tag = str(node.tag).removeprefix("{").partition("}")
        if namespace in NAMESPACES:
            node.tag = f"{{{NAMESPACE}}}{tag}"


def _joined(nodes: list[etree._Element]) -> DecisionTable:
    """The decision at the top with those below it, each after what it rests on."""
    by_id = {node.get("id") or "": node for node in nodes}
    if not nodes or "" in by_id or len(by_id) < len(nodes):
        raise ProcessFault(_("决策文件里要有 decision，每个都要有自己的 id"))
    rests_on = {key: _required(key, node, by_id) for key, node in by_id.items()}
    tops = by_id.keys() - {below for each in rests_on.values() for below in each}
    if len(tops) > 1:
        named = Listed(sorted(_key(by_id[key]) for key in tops))
        raise ProcessFault(
            _("几个 decision（{named}）互不依赖，不知道用哪一个的结果", named=named),
            advice=_("请分成几个文件，或用 informationRequirement 连起来。"),
        )
    order = _ordered(rests_on)
    tables = [_decision(by_id[key]) for key in order]
    if len({table.id for table in tables}) < len(tables):
        raise ProcessFault(_("有两个 decision 同名"), element=tables[-1].id)
    return replace(tables[-1], requires=tuple(tables[:-1]))


def _required(key: str, node: etree._Element, known: Mapping[str, Any]) -> list[str]:
    """The ids of the decisions that one rests on."""
    path = f"{{{NAMESPACE}}}informationRequirement/{{{NAMESPACE}}}requiredDecision"
    found = [(each.get("href") or "").removeprefix("#") for each in node.findall(path)]
    if lost := [each for each in found if each not in known]:
        raise ProcessFault(_("所依据的 decision {lost} 不在这个文件里", lost=lost[0]), element=key)
    return found


def _ordered(rests_on: Mapping[str, list[str]]) -> list[str]:
    """All ids, each after those that it rests on; ProcessFault where they rest on one another."""
    try:
        return list(TopologicalSorter(rests_on).static_order())
    except CycleError as fault:
        circle = Listed(fault.args[1], " → ")
        raise ProcessFault(_("decision 互相依据：{circle}", circle=circle)) from fault


def _key(node: etree._Element) -> str:
    """By what a decision is known: its id, or, where a tool made that up, a name that can stand in
    an expression.
    """
    key, name = node.get("id") or "", (node.get("name") or "").strip()
    return name if not _KEY.fullmatch(key) and _KEY.fullmatch(name) else key


def _decision(node: etree._Element) -> DecisionTable:
    key, tables = _key(node), node.findall(f"{{{NAMESPACE}}}decisionTable")
    if len(tables) != 1:
        logic = next((each for each in node if _local(each) in _LOGIC), None)
        what = "" if logic is None else _local(logic)
        raise ProcessFault(
            _(
                "decision {key} 应当是一张 decisionTable，不能是 {what}",
                key=key,
                what=what or _("空的"),
            ),
            element=key,
        )
    return _table(key, node.get("name") or "", tables[0])


def _local(node: etree._Element) -> str:
    return str(node.tag).rpartition("}")[2]


def _root(xml: bytes) -> Any:
    if len(xml) > MAX_BYTES:
        raise ProcessFault(_("决策文件太大，最多 {most} 字节", most=MAX_BYTES))
    if b"\0" in xml or b"<!DOCTYPE" in xml.upper():
        raise ProcessFault(_("决策文件应是不带 DOCTYPE 的 UTF-8 XML"))
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ProcessFault(_("决策文件不是完好的 XML"), advice=str(error)) from error
    document: Any = root.getroottree()
    if document.docinfo.doctype:
        raise ProcessFault(_("决策文件不能带 DOCTYPE"))
    if sum(1 for _ in root.iter()) > MAX_ELEMENTS:
        raise ProcessFault(_("决策文件太复杂，最多 {most} 个元素", most=MAX_ELEMENTS))
    return root


def _table(key: str, name: str, table: etree._Element) -> DecisionTable:
    notes = [each.get("name") for each in table.findall(f"{{{NAMESPACE}}}annotation")]
    columns = table.findall(f"{{{NAMESPACE}}}output")
    default = tuple(_text(each, "defaultOutputEntry", "text") for each in columns)
    found = DecisionTable(
        id=key,
        name=name,
        hit_policy=table.get("hitPolicy") or "UNIQUE",
        aggregation=table.get("aggregation") or "",
        inputs=tuple(_input(each) for each in table.findall(f"{{{NAMESPACE}}}input")),
        outputs=tuple(_output(each, VALUE if len(columns) == 1 else "") for each in columns),
        rules=tuple(_row(each, notes) for each in table.findall(f"{{{NAMESPACE}}}rule")),
        default=tuple(map(_exact, default)) if all(default) else (),
    )
    _refuse_policy(found)
    _refuse_ragged(found)
    if any(default) and not all(default):
        raise ProcessFault(_("默认结果要么每列都写，要么都不写"), element=key)
    return found


def _refuse_policy(table: DecisionTable) -> None:
    if table.hit_policy not in POLICIES:
        wrong = _(
            "命中策略只能是 {allowed}，这里是 {policy}",
            allowed=Listed(POLICIES),
            policy=table.hit_policy,
        )
        raise ProcessFault(wrong, element=table.id)
    if not table.aggregation:
        return
    if table.hit_policy != "COLLECT" or table.aggregation not in AGGREGATIONS:
        wrong = _(
            "汇总只用于 COLLECT，写 {allowed} 之一，这里是 {policy} 和 {how}",
            allowed=Listed(AGGREGATIONS),
            policy=table.hit_policy,
            how=table.aggregation,
        )
        raise ProcessFault(wrong, element=table.id)
    if len(table.outputs) != 1:
        raise ProcessFault(_("要汇总的决策表只能有一列结果"), element=table.id)


def _refuse_ragged(table: DecisionTable) -> None:
    if not table.inputs or not table.outputs or not table.rules:
        raise ProcessFault(_("决策表至少要有一列条件、一列结果和一行"), element=table.id)
    for number, row in enumerate(table.rules, 1):
        if (len(row.cells), len(row.results)) != (len(table.inputs), len(table.outputs)):
            raise ProcessFault(_("第 {number} 行的格数与列数不符", number=number), element=table.id)


def _input(element: etree._Element) -> Input:
    expression = _exact(_text(element, "inputExpression", "text"))
    asked = element.find(f"{{{NAMESPACE}}}inputExpression")
    type_ = "" if asked is None else (asked.get("typeRef") or "").rpartition(":")[2]
    return Input(
        element.get("label") or expression, expression, _values(element, "inputValues"), type_
    )


def _output(element: etree._Element, unnamed: str) -> Output:
    name = element.get("name", unnamed)
    return Output(name, element.get("label") or name, _values(element, "outputValues"))


def _row(element: etree._Element, notes: list[Any]) -> Row:
    """A rule; its annotation in the column "confidence" says how sure we are."""
    texts = [_text(each, "text") for each in element.findall(f"{{{NAMESPACE}}}annotationEntry")]
    return Row(
        confidence=dict(zip(notes, texts, strict=False)).get("confidence", ""),
        cells=_entries(element, "inputEntry"),
        results=_entries(element, "outputEntry"),
        description=_text(element, "description"),
    )


def _entries(element: etree._Element, tag: str) -> tuple[str, ...]:
    return tuple(_exact(_text(each, "text")) for each in element.findall(f"{{{NAMESPACE}}}{tag}"))


def _exact(text: str) -> str:
    """A decimal, as DMN writes it, is a fraction in our expressions: 0.5 is (1/2)."""
    parts = _QUOTED.split(text)  # what stands in quotes is at the odd places
    return "".join(
        part if place % 2 else _DECIMAL.sub(_fraction, part) for place, part in enumerate(parts)
    )


def _fraction(decimal: re.Match[str]) -> str:
    before, blank, written = decimal.groups()
    whole, _dot, digits = written.partition(".")
    exact = Fraction(int(whole + digits), 10 ** len(digits))
    number = str(exact) if exact.denominator == 1 else f"({exact})"
    return f"{before}{blank}{number}"


def _values(element: etree._Element, tag: str) -> tuple[str, ...]:
    text = _exact(_text(element, tag, "text"))
    return tuple(split(text, ",")) if text else ()


def _text(element: etree._Element, *path: str) -> str:
    found = element.find("/".join(f"{{{NAMESPACE}}}{tag}" for tag in path))
    return "" if found is None else "".join(map(str, found.itertext())).strip()
