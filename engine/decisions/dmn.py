"""Reads a table from DMN 1.3, the open XML format; hostile or foreign XML is a ProcessFault."""

from __future__ import annotations

from typing import Any

from lxml import etree

from engine.decisions.cell import split
from engine.decisions.table import DecisionTable, Input, Output, Row
from engine.errors import ProcessFault
from engine.messages import _

NAMESPACE = "https://www.omg.org/spec/DMN/20191111/MODEL/"
MAX_BYTES = 1_000_000
MAX_ELEMENTS = 2_000


def parse(xml: bytes) -> DecisionTable:
    """The one decision table in `xml`; ProcessFault if it is hostile, not DMN 1.3 or not exactly
    one table.
    """
    root = _root(xml)
    decisions = root.findall(f"{{{NAMESPACE}}}decision")
    if etree.QName(root).namespace != NAMESPACE or len(decisions) != 1:
        raise ProcessFault(
            _("决策文件应是 DMN 1.3({namespace})，并且只有一个 decision", namespace=NAMESPACE)
        )
    decision = decisions[0]
    tables = decision.findall(f"{{{NAMESPACE}}}decisionTable")
    if len(tables) != 1 or not decision.get("id"):
        raise ProcessFault(
            _("decision 要有 id，并且只有一个 decisionTable"), element=decision.get("id") or ""
        )
    return _table(decision.get("id"), decision.get("name") or "", tables[0])


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


def _table(table_id: str, name: str, table: etree._Element) -> DecisionTable:
    policy = table.get("hitPolicy") or "UNIQUE"
    notes = [each.get("name") for each in table.findall(f"{{{NAMESPACE}}}annotation")]
    if policy not in {"UNIQUE", "FIRST"} or table.get("aggregation"):
        raise ProcessFault(
            _("命中策略只能是 UNIQUE 或 FIRST，这里是 {policy}", policy=policy), element=table_id
        )
    found = DecisionTable(
        id=table_id,
        name=name,
        hit_policy=policy,
        inputs=tuple(_input(each) for each in table.findall(f"{{{NAMESPACE}}}input")),
        outputs=tuple(_output(each) for each in table.findall(f"{{{NAMESPACE}}}output")),
        rules=tuple(_row(each, notes) for each in table.findall(f"{{{NAMESPACE}}}rule")),
    )
    _refuse_ragged(found)
    return found


def _refuse_ragged(table: DecisionTable) -> None:
    if not table.inputs or not table.outputs or not table.rules:
        raise ProcessFault(_("决策表至少要有一列条件、一列结果和一行"), element=table.id)
    for number, row in enumerate(table.rules, 1):
        if (len(row.cells), len(row.results)) != (len(table.inputs), len(table.outputs)):
            raise ProcessFault(_("第 {number} 行的格数与列数不符", number=number), element=table.id)


def _input(element: etree._Element) -> Input:
    expression = _text(element, "inputExpression", "text")
    asked = element.find(f"{{{NAMESPACE}}}inputExpression")
    type_ = "" if asked is None else asked.get("typeRef") or ""
    return Input(
        element.get("label") or expression, expression, _values(element, "inputValues"), type_
    )


def _output(element: etree._Element) -> Output:
    name = element.get("name") or ""
    return Output(name, element.get("label") or name, _values(element, "outputValues"))


def _row(element: etree._Element, notes: list[Any]) -> Row:
    """A rule; its annotation in the column "confidence" says how sure we are."""
    texts = [_text(each, "text") for each in element.findall(f"{{{NAMESPACE}}}annotationEntry")]
    return Row(
        confidence=dict(zip(notes, texts, strict=False)).get("confidence", ""),
        cells=tuple(_text(each, "text") for each in element.findall(f"{{{NAMESPACE}}}inputEntry")),
        results=tuple(
            _text(each, "text") for each in element.findall(f"{{{NAMESPACE}}}outputEntry")
        ),
        description=_text(element, "description"),
    )


def _values(element: etree._Element, tag: str) -> tuple[str, ...]:
    text = _text(element, tag, "text")
    return tuple(split(text, ",")) if text else ()


def _text(element: etree._Element, *path: str) -> str:
    found = element.find("/".join(f"{{{NAMESPACE}}}{tag}" for tag in path))
    return "" if found is None else "".join(map(str, found.itertext())).strip()
