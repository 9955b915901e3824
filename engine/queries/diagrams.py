"""The diagram of a version as a person may see it: BPMN XML in which lanes and elements carry
words, not keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree
from sqlalchemy import select

from engine.db import tables
from engine.definitions.diagram import BPMN, parse_xml
from engine.definitions.store import process_of
from engine.people import access

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.definitions import Process
    from engine.people.organisation import Actor

_drawn: dict[tuple[str, str], bytes] = {}


def of_instance(session: Session, actor: Actor, instance_id: UUID, lang: str = "zh") -> bytes:
    """The diagram of the version that an instance runs on. Raises NotFound when it is not this
    person's to see.
    """
    instance = tables.instance.c
    version = session.execute(
        select(instance.version).where(instance.id == instance_id, access.visible(actor))
    ).scalar()
    return drawn(process_of(session, access.must_see(version)), lang)


def drawn(process: Process, lang: str = "zh") -> bytes:
    """The diagram with the titles of its lanes, and with its elements' English names when `lang` is
    "en".
    """
    key = (process.hash, lang)
    if key not in _drawn:
        _drawn[key] = _relabelled(process, lang)
    return _drawn[key]


def _relabelled(process: Process, lang: str) -> bytes:
    tree = parse_xml(process.files["process.bpmn"].encode())
    for lane in tree.iter(f"{{{BPMN}}}lane"):
        known = process.lanes.get(lane.get("name", ""))
        if known:
            lane.set("name", known.title.in_(lang))
    for pool in tree.iter(f"{{{BPMN}}}participant"):
        pool.set("name", process.title.in_(lang))
    if lang.startswith("en"):
        names = process.raw.get("names_en", {})
        for node in tree.iter():
            own = node.get("id", "") if isinstance(node.tag, str) else ""
            if own in process.diagram.elements:
                node.set("name", process.title_of(own, lang))
            elif own in names:
                node.set("name", str(names[own]))
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
