"""Pages, API and command line of a union's own version of a process: whose version it is stands
wherever one launches, reads or audits; another union meets nothing of it.
"""

from __future__ import annotations

import io
import zipfile
from argparse import Namespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select

from engine import db, jobs
from engine.commands import definitions, people
from engine.db import tables
from engine.settings import load
from tests.hostile.sound import sound
from webui.cli import processes

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]

MARK = "本校另加一句"


@pytest.fixture(autouse=True)
def staffed(house: House) -> None:
    """An administrator in the union, one in the other, and who answers for the installation."""
    with db.transaction(house.engine) as session:
        house.person(session, "pair", "赵管理", "union", "union", "administrator@union")
        house.person(session, "far", "外校管理", "other", "other", "administrator@other")
        house.person(session, "runner", "全省管理", "other", "other", "installation@other")
        definitions.publish_shipped(session, sound())


def changed(mark: str = MARK) -> dict[str, str]:
    files = sound()
    text = files["process.toml"].replace('summary = "', f'summary = "{mark}。', 1)
    return files | {"process.toml": text}


def zipped(files: dict[str, str]) -> io.BytesIO:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"errand/{name}", text)
    data.seek(0)
    return data


def hand_in(browser: FlaskClient, union: object, files: dict[str, str] | None = None) -> Any:
    sent = {"note": "本校教代会决议", "union": str(union)}
    folder = (zipped(files or changed()), "errand.zip")
    return browser.post("/definitions/propose", data={**sent, "folder": folder})


def waiting(house: House) -> tuple[UUID, str]:
    """The own version that waits: its id and its hash, once its stories were played."""
    own = tables.own_version.c
    query = select(own.id, own.version).where(own.state == "proposed")
    key, version = house.look(lambda s: s.execute(query).one())
    jobs.rehearse(house.engine, str(key))
    return key, str(version)


def in_force(house: House, client: Login) -> tuple[UUID, str]:
    assert hand_in(client("office"), house.units["union"]).status_code == 302
    key, version = waiting(house)
    reply = client("pair").post(f"/own-versions/{key}/decide", data={"decision": "approve"})
    assert reply.status_code == 302
    return key, version


def test_a_union_gets_its_own_version_by_two_of_its_people(client: Login, house: House) -> None:
    office, pair = client("office"), client("pair")
    offered = office.get("/definitions/propose").text
    assert "全系统通用" in offered and "本单位版本：只在校工会施行" in offered
    assert "外校工会" not in offered
    assert hand_in(office, house.units["union"]).status_code == 302
    key, version = waiting(house)
    page = pair.get(f"/definitions/{version}").text
    assert "批准在本单位施行" in page and "以通用的第 2 版为基础" in page and "与所写不符" in page
    assert MARK in office.get(f"/definitions/{version}").text
    path = f"/own-versions/{key}/decide"
    assert office.post(path, data={"decision": "approve"}).status_code == 403
    assert pair.post(path, data={"decision": "x"}).status_code == 422
    assert client("mover").get("/launch/errand").text.count("全系统通用版本") == 1
    assert pair.post(path, data={"decision": "approve"}).status_code == 302
    assert pair.post(path, data={"decision": "refuse"}).status_code == 409
    launching = client("mover").get("/launch/errand").text
    assert "按本单位版本办理" in launching and MARK in launching
    assert "本单位版本" in client("mover").get("/launch").text
    listed = client("plain").get("/definitions").text
    assert "本单位版本：第 3 版" in listed and "全系统通用" in listed
    assert MARK in client("plain").get(f"/definitions/{version}").text
    assert "本单位版本" in client("plain").get("/definitions/process/errand").text


def test_another_union_meets_nothing_of_it(client: Login, house: House) -> None:
    key, version = in_force(house, client)
    assert hand_in(client("foreign"), house.units["union"]).status_code == 404
    for who in ("foreign", "far", "stranger"):
        browser = client(who)
        for path in ("/definitions", "/definitions/process/errand", "/proposals", "/launch"):
            text = browser.get(path).text
            assert MARK not in text and "本单位版本" not in text and version not in text, path
        for path in (
            f"/definitions/{version}",
            f"/definitions/{version}/folder.zip",
            f"/definitions/{version}/diagram.bpmn",
        ):
            assert browser.get(path).status_code == 404, path
        for path in (f"/own-versions/{key}/decide", f"/own-versions/{key}/end"):
            sent = {"decision": "approve", "note": "替他们停用"}
            assert browser.post(path, data=sent).status_code == 404, path
        again = browser.post(f"/definitions/{version}/again", data={"note": "拿来用"})
        assert again.status_code in (403, 404)
    assert "全系统通用版本" in client("stranger").get("/launch/errand").text
    assert "校工会：施行中" in client("runner").get(f"/definitions/{version}").text


def test_the_audit_says_whose_version_a_matter_goes_by(client: Login, house: House) -> None:
    from engine.commands import instances

    before = house.do("mover", instances.launch, "errand", {"subject": "照旧"})
    _key, version = in_force(house, client)
    after = house.do("mover", instances.launch, "errand", {"subject": "另办"})
    auditor = client("auditor")
    old, new = (auditor.get(f"/audit/{key}").text for key in (before, after))
    assert "全系统通用版本" in old and "按本单位版本办理" not in old
    assert "按本单位版本办理" in new and f"/definitions/{version}" in new
    log = auditor.get(f"/audit/log?of={house.units['union']}").text
    assert "批准本单位施行流程" in log
    assert "批准本单位施行流程" not in client("foreign").get("/audit/log").text


def test_the_union_is_told_of_a_newer_common_version_and_goes_back_by_two(
    client: Login, house: House
) -> None:
    key, version = in_force(house, client)
    with db.transaction(house.engine) as session:
        definitions.publish_shipped(session, changed("通用的新版"))
    assert "通用版本已更新为第 4 版" in client("office").get("/definitions").text
    page = client("office").get(f"/definitions/{version}").text
    assert "本单位版本仍以第 2 版为基础" in page
    reply = client("office").post(f"/own-versions/{key}/end", data={"note": "改用新的"})
    assert reply.status_code == 302
    assert client("office").post(f"/own-versions/{key}/end", data={"note": "再"}).status_code == 422
    told = client("pair").get("/proposals").text
    assert "停用流程" in told and "改按通用版本办理" in told
    (row,) = house.look(lambda s: s.execute(select(tables.proposal.c.id)).all())
    path = f"/proposals/{row.id}/decide"
    assert client("office").post(path, data={"decision": "approve"}).status_code == 403
    assert client("far").post(path, data={"decision": "approve"}).status_code == 404
    assert client("pair").post(path, data={"decision": "approve"}).status_code == 302
    assert "通用的新版" in client("mover").get("/launch/errand").text
    assert "已停用" in client("office").get(f"/definitions/{version}").text


# --- API -----------------------------------------------------------------------------------------
def test_the_api_proposes_reads_approves_and_ends_it(client: Login, house: House) -> None:
    tokens = {
        who: house.do(who, lambda s, a: people.create_token(s, None, a.id, "试"))
        for who in ("office", "pair", "foreign", "plain", "mover")
    }
    bare = client("")

    def call(who: str, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {tokens[who]}"}
        return bare.open(f"/api/v1{path}", method=method, headers=headers, **more)

    sent = {"files": changed(), "note": "本校教代会决议", "union_id": str(house.units["union"])}
    other = {**sent, "union_id": str(house.units["other"])}
    assert call("office", "POST", "/process-definitions", json=other).status_code == 404
    assert call("foreign", "POST", "/process-definitions", json=sent).status_code == 404
    assert call("foreign", "POST", "/process-definitions/check", json=sent).status_code == 404
    assert call("office", "POST", "/process-definitions/check", json=sent).json == {"faults": []}
    made = call("office", "POST", "/process-definitions", json=sent)
    assert made.status_code == 201, made.text
    own = f"/own-versions/{made.json['own']}"
    assert call("plain", "GET", own).status_code == 404
    assert call("foreign", "GET", own).status_code == 404
    jobs.rehearse(house.engine, made.json["own"])
    got = call("pair", "GET", own).json
    assert (got["state"], got["decides"], got["wrong"]) == ("proposed", True, 0)
    assert got["played"] == got["stories"] > 0
    assert call("foreign", "POST", f"{own}/approve").status_code == 404
    assert call("office", "POST", f"{own}/approve").status_code == 403
    assert call("pair", "POST", f"{own}/approve").json["hash"] == got["version"]
    opening = call("mover", "GET", "/process-definitions/errand/opening").json
    assert (opening["own"], opening["version"]) == (True, got["version"])
    mine, theirs = (call(who, "GET", "/process-definitions").json for who in ("plain", "foreign"))
    (row,), (their_row,) = mine["items"], theirs["items"]
    assert row["own"][0]["union"] == "校工会" and row["current"]["number"] == 2
    assert their_row["own"] == [] and MARK not in str(theirs)
    in_union = call("plain", "GET", "/process-definitions/errand").json["version"]
    elsewhere = call("foreign", "GET", "/process-definitions/errand").json["version"]
    assert (in_union["hash"], in_union["state"]) == (got["version"], "own")
    assert elsewhere["latest"] and elsewhere["own"] == []
    assert call("foreign", "GET", "/own-versions").json["items"] == []
    ended = call("office", "POST", f"{own}/end", json={"note": "改用通用的"})
    assert ended.status_code == 201
    path = f"/proposals/{ended.json['proposal']}/approve"
    assert call("foreign", "POST", path).status_code == 404
    assert call("pair", "POST", path).status_code == 204
    assert call("plain", "GET", own).json["state"] == "ended"


# --- command line --------------------------------------------------------------------------------
def test_the_command_line_says_which_version_is_in_force_where(
    client: Login,
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _key, version = in_force(house, client)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.delenv("LANGUAGE", raising=False)
    monkeypatch.setattr(processes, "database", lambda _settings: house.engine)
    given = Namespace(process="errand")
    assert processes.versions(given, load()) == 0
    said = capsys.readouterr().out
    common = next(line for line in said.splitlines() if "全系统通用" in line)
    assert f"校工会：本单位版本 {version[:16]}，以现行的第 2 版为基础" in said
    assert common.startswith("errand") and version[:16] not in common
    with db.transaction(house.engine) as session:
        definitions.publish_shipped(session, changed("通用的新版"))
    assert processes.versions(given, load()) == 0
    assert "以第 2 版为基础，通用的已是第 4 版" in capsys.readouterr().out
    assert processes.versions(Namespace(process="nothing"), load()) == 0
    assert capsys.readouterr().out == ""
