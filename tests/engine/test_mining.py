"""The logs of a pack for process mining have the shape of their standards, and every event once."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from engine.history.signing import Signer
from tests.engine.errands import KEY, Errands
from webui.http import evidence

if TYPE_CHECKING:
    from sqlalchemy import Engine

XES = "{http://www.xes-standard.org/}"
ATTRIBUTES = {"string", "date", "int", "float", "boolean", "id"}  # of IEEE 1849


@pytest.fixture
def files(engine: Engine) -> dict[str, bytes]:
    world = Errands.built(engine, KEY)
    auditor = world.actor("孙审计")
    made = world.do(lambda s: evidence.export(s, auditor, world.done[0], Signer(KEY)))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def kinds(files: dict[str, bytes]) -> list[str]:
    return [json.loads(line)["kind"] for line in files["events.jsonl"].splitlines()]


def test_the_xes_is_one_trace_with_every_event(files: dict[str, bytes]) -> None:
    log = ET.fromstring(files["log.xes"])
    assert log.tag == f"{XES}log" and log.get("xes.version")
    declared = {each.get("prefix") for each in log.iter(f"{XES}extension")}
    (trace,) = log.findall(f"{XES}trace")
    events = trace.findall(f"{XES}event")
    told = [{a.get("key"): a.get("value") for a in event} for event in events]
    assert [each["yixing:kind"] for each in told] == kinds(files) and len(told) > 5
    for event in events:
        assert {a.tag.removeprefix(XES) for a in event} <= ATTRIBUTES
        prefixes = {str(a.get("key")).partition(":")[0] for a in event}
        assert prefixes - {"yixing"} <= declared
    moments = [datetime.fromisoformat(str(each["time:timestamp"])) for each in told]
    assert moments == sorted(moments) and all(each.tzinfo for each in moments)
    assert any(each["org:resource"] for each in told)


def test_the_ocel_names_only_what_it_declares(files: dict[str, bytes]) -> None:
    log = json.loads(files["ocel.json"])
    assert set(log) == {"objectTypes", "eventTypes", "objects", "events"}
    objects = {each["id"]: each for each in log["objects"]}
    assert len(objects) == len(log["objects"]) > 2
    assert {o["type"] for o in log["objects"]} == {t["name"] for t in log["objectTypes"]}
    types = {t["name"]: {a["name"] for a in t["attributes"]} for t in log["eventTypes"]}
    assert [e["type"] for e in log["events"]] == kinds(files)
    for event in log["events"]:
        assert {a["name"] for a in event["attributes"]} == types[event["type"]]
        assert event["relationships"]
        assert {r["objectId"] for r in event["relationships"]} <= set(objects)
        assert datetime.fromisoformat(event["time"]).tzinfo
    assert {"matter", "person", "poll", "document"} <= {o["type"] for o in log["objects"]}
