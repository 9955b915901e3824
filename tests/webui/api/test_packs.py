"""Evidence packs that a worker makes, asked for and fetched by a program."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from engine import db, settings
from engine.db import queue
from engine.jobs import packing
from tests.webui.api.world import problem
from webui.http.messages import language

if TYPE_CHECKING:
    from pathlib import Path

    from tests.webui.api.world import Api


def test_a_pack_is_queued_followed_and_fetched(api: Api, tmp_path: Path) -> None:
    key = api.as_("zhang").launch()
    office, one = api.as_("secretary"), f"/process-instances/{key}/evidence"
    made = office.post(f"{one}/queued")
    assert made.status_code == 202, made.text
    found = made.get_json()
    assert found["state"] == "waiting" and found["size"] == 0 and found["until"] is None
    pack = f"{one}/{found['id']}"
    assert office.read(pack) == found
    problem(office.get(f"{pack}/zip"), 404)
    assert office.post(f"{one}/queued").get_json()["id"] == found["id"]
    engine = api.app.extensions["engine"]
    with db.transaction(engine) as session:
        (job,) = queue.waiting(session, ["pack"])
    own = settings.load({"YIXING_HOME": str(tmp_path)})
    packing.pack(engine, own, language("en"), **job.task_kwargs)
    found = office.read(pack)
    assert found["state"] == "ready" and found["size"] > 0 and found["until"] > found["ended_at"]
    reply = office.get(f"{pack}/zip")
    assert reply.content_type == "application/zip" and len(reply.data) == found["size"]
    assert "verify.py" in zipfile.ZipFile(io.BytesIO(reply.data)).namelist()
    assert api.as_("auditor").get(f"{pack}/zip").data == reply.data
    kinds = [e["kind"] for e in office.read(f"/process-instances/{key}/history")["items"]]
    assert kinds.count("evidence_exported") == 1
    for path in (pack, f"{pack}/zip"):
        problem(api.as_("zhang").get(path), 403)
        problem(api.as_("b.secretary").get(path), 404)
    problem(api.as_("zhang").post(f"{one}/queued"), 403)
