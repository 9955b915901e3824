"""The events of a case for process mining: XES (IEEE 1849-2016) and OCEL 2.0 (JSON).

The words of steps are made here; seq, kind, moment, person and hash are those of the events, and
the verifiers of a pack compare them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from engine.messages import CHINESE
from engine.queries.evidence import entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.queries.evidence.case import Case, Entry

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EXTENSIONS = (
    ("Concept", "concept", "http://www.xes-standard.org/concept.xesext"),
    ("Time", "time", "http://www.xes-standard.org/time.xesext"),
    ("Organizational", "org", "http://www.xes-standard.org/org.xesext"),
    ("Lifecycle", "lifecycle", "http://www.xes-standard.org/lifecycle.xesext"),
)
_ABOUT = {"poll": "poll", "meeting": "meeting", "id": "document"}  # a body's key -> type of object
_OF_EVENT = ("step", "by", "hash")


def _activity(case: Case, entry: Entry) -> str:
    """What was done, in words: the kind of the event, and the step it is about."""
    step = CHINESE(entries.step_of(case, entry))
    kind = CHINESE(entries.kind_of(entry))
    return f"{kind}：{step}" if step else kind


def _at(entry: Entry) -> str:
    return str(entry.says.get("at", ""))


# --- XES ------------------------------------------------------------------------------------------
def xes(case: Case) -> str:
    """One trace: the instance, with all its events in order."""
    process = case.process.title
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">',
        *(f'<extension name="{n}" prefix="{p}" uri="{uri}"/>' for n, p, uri in _EXTENSIONS),
        f'<global scope="trace">{_string("concept:name", "")}</global>',
        f'<global scope="event">{_string("concept:name", "")}'
        '<date key="time:timestamp" value="1970-01-01T00:00:00+00:00"/></global>',
        '<classifier name="Activity" keys="concept:name"/>',
        _string("concept:name", process.zh),
        "<trace>",
        _string("concept:name", case.row.number),
    ]
    return "\n".join([*head, *(_event(case, each) for each in case.events), "</trace>", "</log>\n"])


def _event(case: Case, entry: Entry) -> str:
    attributes = (
        f'<int key="yixing:seq" value="{entry.seq}"/>',
        _string("yixing:kind", entry.kind),
        f'<date key="time:timestamp" value={quoteattr(_at(entry))}/>',
        _string("org:resource", entries.by(entry)),
        _string("yixing:hash", entry.hash.hex()),
        _string("concept:name", _activity(case, entry)),
        _string("lifecycle:transition", "complete"),
    )
    return f"<event>{''.join(attributes)}</event>"


def _string(key: str, value: str) -> str:
    quoted = quoteattr(_NOT_XML.sub("\ufffd", value), {'"': "&quot;"})
    return f'<string key="{key}" value={quoted}/>'


# --- OCEL -----------------------------------------------------------------------------------------
def ocel(case: Case) -> str:
    """The instance, its polls, meetings and documents and the people who acted, as objects of the
    events.
    """
    objects = dict(_objects(case))
    kinds = sorted({entry.kind for entry in case.events})
    types = sorted({each["type"] for each in objects.values()})
    log = {
        "objectTypes": [{"name": t, "attributes": [_attribute("name")]} for t in types],
        "eventTypes": [
            {"name": kind, "attributes": [_attribute(name) for name in _OF_EVENT]} for kind in kinds
        ],
        "objects": list(objects.values()),
        "events": [_ocel_event(case, entry) for entry in case.events],
    }
    return json.dumps(log, ensure_ascii=False, indent=1) + "\n"


def _attribute(name: str) -> dict[str, str]:
    return {"name": name, "type": "string"}


def _objects(case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object by its id, named as of the first event that mentions it."""
    matter = str(case.row.id)
    yield matter, _object(matter, "matter", case.row.number, _at(case.events[0]))
    seen = {matter}
    for entry in case.events:
        for key, kind, name in _mentioned(case, entry):
            if key not in seen:
                seen.add(key)
                yield key, _object(key, kind, name, _at(entry))


def _mentioned(case: Case, entry: Entry) -> Iterable[tuple[str, str, str]]:
    """The objects of an event beside its instance: id, type, name."""
    actor = entry.says.get("actor")
    if isinstance(actor, dict):
        yield str(actor["id"]), "person", str(actor["name"])
    for key, kind in _ABOUT.items():
        value = entry.says.get(key)
        if isinstance(value, str) and (kind != "document" or entry.kind == "document_issued"):
            yield value, kind, CHINESE(entries.step_of(case, entry))


def _object(key: str, kind: str, name: str, at: str) -> dict[str, Any]:
    named = {"name": "name", "time": at, "value": name}
    return {"id": key, "type": kind, "attributes": [named], "relationships": []}


def _ocel_event(case: Case, entry: Entry) -> dict[str, Any]:
    said = (_activity(case, entry), entries.by(entry), entry.hash.hex())
    of = [(str(case.row.id), "of"), *((key, kind) for key, kind, _n in _mentioned(case, entry))]
    return {
        "id": str(entry.seq),
        "type": entry.kind,
        "time": _at(entry),
        "attributes": [
            {"name": name, "value": text} for name, text in zip(_OF_EVENT, said, strict=True)
        ],
        "relationships": [{"objectId": key, "qualifier": how} for key, how in of],
    }
