"""The rest of what pages can do, done by programs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from openpyxl import load_workbook

from engine import db, jobs
from engine.commands import operations, people
from tests.webui.api.world import BASE, ERRAND, MOTION, faults, folder, problem, send, zipped
from tests.webui.working import work

if TYPE_CHECKING:
    import pytest

    from tests.webui.api.world import Api


def test_a_definition_is_read_in_words(api: Api) -> None:
    me = api.as_("zhang")
    listed = me.read("/process-definitions")
    assert [(d["process_id"], d["launchable"]) for d in listed["items"]] == [("errand", True)]
    found = me.read("/process-definitions/errand")
    assert found["version"]["hash"] == listed["items"][0]["current"]["hash"] and found[
        "launch"
    ] == ["formal_delegate"]
    assert set(found["forms"]) == {"launch", "check", "do", "mend"}
    launch = found["forms"]["launch"]
    assert launch["form"]["fields"][0]["label"] == "事由"
    assert faults(launch["answers"], {"subject": "x"}) == []
    assert launch["answers"]["required"] == ["subject"]
    english = me.call(
        "GET",
        f"/process-definitions/{found['version']['hash']}",
        headers={"Accept-Language": "en-GB,zh;q=0.5"},
    )
    assert (
        english.json["title"] == "Errand"
        and english.json["forms"]["launch"]["form"]["fields"][0]["label"] == "Subject"
    )
    assert {lane["title"]: [s["title"] for s in lane["steps"]] for lane in english.json["lanes"]}[
        "Union office"
    ]
    files = me.read("/process-definitions/errand/files")["files"]
    assert "process.toml" in files and "process.bpmn" in files


def test_a_new_version_takes_two_people(motions: Api) -> None:
    author, other, reader = motions.as_("admin2"), motions.as_("runner"), motions.as_("zhang")
    files = folder(MOTION)
    files["process.toml"] = files["process.toml"].replace(
        'title = "教代会提案"', 'title = "教代会提案（新）"', 1
    )
    stories = sorted((n for n in files if n.startswith("scenarios/")), key=lambda n: len(files[n]))
    sent = {"files": {n: t for n, t in files.items() if n not in stories[1:]}, "note": "改名"}
    assert author.do("/process-definitions/check", sent)["faults"] == []
    digest = author.do("/process-definitions", sent)["hash"]
    problem(author.post("/process-definitions", sent), 409, "same")
    problem(author.post(f"/process-definitions/{digest}/approve"), 403, "separated")
    problem(reader.get(f"/process-definitions/{digest}"), 404)
    problem(reader.post(f"/process-definitions/{digest}/approve"), 403)
    problem(motions.as_("admin").post(f"/process-definitions/{digest}/approve"), 403, "refused")
    problem(other.post(f"/process-definitions/{digest}/approve"), 409, "stories")
    jobs.rehearse(motions.engine, digest)
    told = author.read(f"/process-definitions/{digest}")["rehearsals"]
    assert [(each["file"], each["ok"]) for each in told] == [(stories[0], True)]
    assert stories[0] in author.read(f"/process-definitions/{digest}/files")["beside"]
    assert other.do(f"/process-definitions/{digest}/approve")["hash"] == digest
    problem(other.post(f"/process-definitions/{digest}/refuse"), 409)
    assert reader.read("/process-definitions/congress_motion")["title"] == "教代会提案（新）"
    old = reader.read("/process-definitions/congress_motion/versions")["items"][-1]["hash"]
    changed = reader.read("/process-definitions/congress_motion/difference", old=old)["files"]
    assert [f["name"] for f in changed] == ["process.toml"]
    again = {
        **sent["files"],
        "process.toml": sent["files"]["process.toml"].replace("（新）", "（又新）"),
    }
    made = send(
        author,
        "/process-definitions",
        file=(zipped({f"m/{k}": v for k, v in again.items()}), "m.zip"),
        note="再改",
    )
    assert made.status_code == 201, made.text
    assert other.do(f"/process-definitions/{made.json['hash']}/refuse")


def test_a_faulty_folder_is_refused_with_all_its_faults(api: Api) -> None:
    files = folder(ERRAND) | {
        "process.toml": 'id = "errand"',
        "forms/do.json": "{",
        "process.bpmn": "<x/>",
    }
    found = problem(
        api.as_("secretary").post("/process-definitions", {"files": files, "note": "n"}), 422
    )
    assert len(found["errors"]["files"]) >= 3
    found = problem(
        send(
            api.as_("secretary"),
            "/process-definitions",
            file=(zipped(dict(files)), "x.zip"),
            note="n",
        ),
        422,
    )
    assert len(found["errors"]["files"]) >= 3


def test_drafts_are_kept_and_forgotten(api: Api) -> None:
    me = api.as_("zhang")
    assert (
        me.call("PUT", "/drafts/launch:errand", {"answers": {"subject": "半"}}).status_code == 204
    )
    assert me.read("/process-definitions/errand/opening")["draft"] == {"subject": "半"}
    assert [d["key"] for d in me.read("/drafts")["items"]] == ["launch:errand"]
    assert api.as_("li").read("/drafts")["items"] == []
    problem(me.call("PUT", "/drafts/other", {"answers": {}}), 404)
    me.launch()
    assert me.read("/drafts")["items"] == []
    me.call("PUT", "/drafts/launch:errand", {"answers": {}})
    assert (
        me.call("DELETE", "/drafts/launch:errand").status_code == 204
        and me.read("/drafts")["items"] == []
    )


def test_the_desk_urges_once_a_day(api: Api) -> None:
    key, office = api.as_("zhang").launch(), api.as_("secretary")
    office.do(f"/process-instances/{key}/remind", {"reason": "请今天办结"})
    item = office.read("/tasks")["items"][0]
    assert "请今天办结" in office.read(f"/tasks/{item['id']}")["urged"]
    problem(office.post(f"/process-instances/{key}/remind", {"reason": "再催"}), 409)
    problem(office.post(f"/process-instances/{key}/remind", {"reason": " "}), 422)
    problem(api.as_("zhang").post(f"/process-instances/{key}/remind", {"reason": "快"}), 403)


def test_the_desk_suspends_resumes_and_terminates(api: Api) -> None:
    key, office = api.as_("zhang").launch(), api.as_("secretary")
    office.do(f"/process-instances/{key}/suspend", {"reason": "补充材料"})
    assert office.read("/process-instances", state="suspended")["items"][0]["id"] == key
    assert office.read("/tasks")["total"] == 0
    problem(office.post(f"/process-instances/{key}/suspend", {"reason": "再停"}), 409)
    office.do(f"/process-instances/{key}/resume")
    office.do(f"/process-instances/{key}/terminate", {"reason": "重复"})
    assert office.read(f"/process-instances/{key}")["row"]["state"] == "terminated"
    problem(office.post(f"/process-instances/{key}/terminate", {"reason": " "}), 409)
    other = api.as_("zhang").launch("另一件")
    api.as_("zhang").do(f"/process-instances/{other}/withdraw", {"reason": "不办了"})
    assert api.as_("zhang").read(f"/process-instances/{other}")["row"]["state"] == "withdrawn"


def test_lists_go_page_by_page(api: Api) -> None:
    made = [api.as_("zhang").launch(f"第{n}件") for n in range(5)]
    office = api.as_("secretary")
    for path in ("/process-instances", "/tasks"):
        seen: list[str] = []
        after: dict[str, str] = {}
        for _ in range(3):
            page = office.read(path, limit=2, **after)
            seen += [i.get("instance_id", i["id"]) for i in page["items"]]
            after = {"after": page["next"]}
        assert page["next"] is None and sorted(seen) == sorted(made)
    page = office.read("/tasks", bucket="overdue")
    assert page["items"] == [] and page["total"] == 5 and page["by_process"] == {"errand": 5}


def test_possible_duplicates_are_shown(api: Api) -> None:
    key = api.as_("zhang").launch("修缮三号楼会议室的空调")
    found = api.as_("li").read(
        "/process-instances/alike", process="errand", title="三号楼会议室空调"
    )
    assert [i["id"] for i in found["items"]] == [key]
    problem(
        api.as_("plain").get(
            "/process-instances/alike", process="errand", title="三号楼会议室空调"
        ),
        403,
    )


def test_people_are_managed(api: Api) -> None:
    admin, me = api.as_("admin"), api.as_("zhang")
    unit = str(api.units["XX"])
    made = admin.do("/members", {"username": "chen", "name": "陈晨", "unit_id": unit})["id"]
    assert admin.call("PATCH", f"/members/{made}", {"phone": "13800000000"}).json == {
        "changed": True
    }
    post = {"kind": "observer_delegate", "unit_id": unit, "from_on": "2026-01-01", "term": "第八届"}
    granted = admin.do(f"/members/{made}/posts", post)["id"]
    errors = problem(admin.post(f"/members/{made}/posts", post), 422)["errors"]
    assert list(errors) == ["from_on"]
    admin.do(f"/posts/{granted}/end", {"on": "2026-02-01", "why": "任期届满"})
    found = admin.read(f"/members/{made}")
    assert found["phone"] == "13800000000" and found["posts"][0]["to_on"] == "2026-02-01"
    page = admin.read("/members", q="陈")
    assert [m["name"] for m in page["items"]] == ["陈晨"] and admin.read("/search", q="陈晨")[
        "members"
    ][0]["id"] == made
    assert len(admin.read("/members", limit=3)["items"]) == 3
    problem(me.post("/members", {"username": "x1", "name": "某", "unit_id": unit}), 404)
    assert me.call("PATCH", f"/members/{api.people['zhang']}", {"locale": "en"}).json == {
        "changed": True
    }
    assert me.read("/process-definitions")["items"][0]["title"] == "Errand"
    assert me.call("PATCH", f"/members/{api.people['zhang']}", {"name": "改"}).status_code == 403


def test_a_password_is_changed_and_wrong_ones_are_counted(api: Api) -> None:
    admin, me = api.as_("admin"), api.as_("zhang")
    assert (
        admin.post(
            f"/members/{api.people['zhang']}/password", {"password": "correct horse 9"}
        ).status_code
        == 204
    )
    problem(me.get("/members/me"), 401, "unauthenticated")  # the older tokens have ended
    with db.transaction(api.engine) as session:
        me.token = people.create_token(session, None, api.people["zhang"], "new")
    for _ in range(5):
        assert (
            me.post("/members/me/password", {"old": "wrong", "new": "another horse 9"}).status_code
            == 422
        )
    limited = problem(
        me.post("/members/me/password", {"old": "correct horse 9", "new": "another horse 9"}), 403
    )
    assert limited["code"] == "too_many_attempts"


def test_units_are_listed_and_entered(api: Api) -> None:
    admin = api.as_("admin")
    items = admin.read("/units")["items"]
    assert {u["code"]: u["parent_id"] for u in items}["XX"] == str(api.units["XD"]) and items[0][
        "parent_id"
    ] is None
    assert admin.read("/units/tree")["root"]["code"] == "XD"
    unit = {
        "code": "WL",
        "kind": "college_union",
        "name": "物理学院",
        "parent_id": str(api.units["XD"]),
    }
    made = admin.do("/units", unit)["id"]
    assert admin.call("PATCH", f"/units/{made}", {"name": "物理与天文学院"}).json == {
        "changed": True
    }
    problem(admin.post("/units", unit), 422)
    log = api.as_("auditor").read(f"/units/{api.units['XD']}/history", limit=2)
    assert [e["kind"] for e in log["items"]] == ["unit_changed", "unit_created"] and log[
        "next"
    ] == str(log["items"][-1]["seq"])


def test_people_are_imported_after_a_preview(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    office = api.as_("secretary")
    sheet = office.get("/imports/templates/people")
    assert sheet.status_code == 200
    book = load_workbook(io.BytesIO(sheet.data))
    page = book.worksheets[0]
    for column, value in enumerate(("u2001", "吴用", "XX", "", ""), 1):
        page.cell(2, column, value)
    kept = io.BytesIO()
    book.save(kept)

    xlsx = (kept.getvalue(), "人员.xlsx")
    found = send(office, "/imports", kind="people", file=xlsx)
    assert found.status_code == 201, found.text
    assert found.json["counts"]["create"] == 1, found.json
    key = found.json["id"]
    assert office.read("/imports", state="previewed")["items"][0]["id"] == key
    assert office.do(f"/imports/{key}/confirm")["created"] == 1
    problem(office.post(f"/imports/{key}/confirm"), 409)
    assert office.read("/members", q="吴用")["items"]
    problem(send(office, "/imports", kind="people", file=(b"no sheet", "a.xlsx")), 422)
    problem(send(office, "/imports", kind="none", file=xlsx), 404)
    problem(api.as_("b.secretary").get(f"/imports/{key}"), 404)
    exported = office.post("/exports/people")
    assert exported.status_code == 200 and exported.headers["Content-Disposition"].startswith(
        "attachment"
    )
    problem(api.as_("zhang").post("/exports/people"), 403)
    monkeypatch.setattr(operations, "SMALL_ROWS", 0)
    monkeypatch.setattr(operations, "SMALL_BYTES", 0)
    engine = api.app.extensions["engine"]
    roster = ("工号,姓名,单位编码\nu2002,吴学,XX".encode(), "人员.csv")
    sent = send(office, "/imports", kind="people", file=roster)
    assert sent.status_code == 202 and sent.json["state"] == "waiting"
    at = sent.headers["Location"].removeprefix("/api/v1")
    problem(api.as_("b.secretary").get(at), 404)
    work(engine)
    found = office.read(at)
    assert found["state"] == "ready" and not found["has_file"]
    done = office.post(f"/imports/{found['result']['batch']}/confirm")
    assert done.status_code == 202 and work(engine) == 1
    assert office.read(f"/operations/{done.json['id']}")["result"]["created"] == 1
    made = office.post("/exports/people")
    work(engine)
    reply = office.get(f"/operations/{made.json['id']}/file")
    assert reply.status_code == 200 and "u2002" in str(
        list(load_workbook(io.BytesIO(reply.data)).active.values)
    )
    kinds = [each["kind"] for each in office.read("/operations")["items"]]
    assert kinds == ["export", "import_confirmation", "import_preview"]


def test_a_union_sets_a_rule_by_two_people(api: Api) -> None:
    office, admin = api.as_("secretary"), api.as_("admin")
    assert len(office.read("/rules")["items"]) > 20
    one = office.read("/rules/MO-SECOND")
    assert one["line"]["id"] == "MO-SECOND" and one["may_propose"]
    made = office.post(
        "/rules/MO-SECOND/settings",
        {"value": 5, "valid_from": "2199-01-01", "source": "校工会委员会决议"},
    )
    assert list(problem(made, 422)["errors"]) == ["valid_from"]
    tomorrow = _in_days(2)
    made = office.do(
        "/rules/MO-SECOND/settings",
        {"value": 5, "valid_from": tomorrow, "source": "校工会委员会决议"},
    )["id"]
    assert [w["rule_id"] for w in admin.read("/settings")["items"]] == ["MO-SECOND"]
    problem(office.post(f"/settings/{made}/approve"), 403, "separated")
    assert admin.post(f"/settings/{made}/approve").status_code == 204
    assert admin.read("/rules/MO-SECOND")["settings"][0]["state"] == "in_force"
    faulty = {"valid_from": tomorrow, "source": "校教代会决议"}
    for value in ("2", "0.75", 0.75, "3/0", True, None, ["3/4"], -1, 10**9, "½"):
        found = problem(office.post("/rules/CG-QUORUM/settings", {**faulty, "value": value}), 422)
        assert list(found["errors"]) == ["value"] and (
            value is None or "2/3" in found["errors"]["value"][0]
        )
    found = problem(office.post("/rules/CG-QUORUM/settings", {**faulty, "value": "1/2"}), 422)
    assert "不得放宽为 1/2" in found["errors"]["value"][0]
    made = office.do("/rules/CG-QUORUM/settings", {**faulty, "value": "3/4"})["id"]
    assert admin.post(f"/settings/{made}/approve").status_code == 204
    assert admin.read("/rules/CG-QUORUM")["settings"][0]["value"] == "不少于全体的 3/4"
    told = (
        api.app.test_client()
        .get(f"{BASE}/openapi.json")
        .json["components"]["schemas"]["NewSetting"]["properties"]["value"]
    )
    assert (
        told["type"] == ["integer", "string"] and "2/3" in told["description"] and told["pattern"]
    )
    vacation = office.do(
        "/calendar/vacations", {"name": "暑假", "from_on": _in_days(30), "to_on": _in_days(60)}
    )["id"]
    assert [v["id"] for v in office.read("/calendar")["vacations"]] == [vacation]
    assert office.call("DELETE", f"/calendar/vacations/{vacation}").status_code == 204
    faulty = {"year": int(_in_days(0)[:4]) + 1, "days": [], "source": "国务院办公厅通知"}
    problem(office.post("/calendar/notices", faulty), 422)


def _in_days(days: int) -> str:
    from datetime import timedelta

    from engine import clock

    return (clock.today() + timedelta(days=days)).isoformat()


def test_the_auditor_proves_the_whole(api: Api) -> None:
    key, auditor = api.as_("zhang").launch(), api.as_("auditor")
    runner = api.as_("runner")
    api.as_("secretary").do(f"/process-instances/{key}/evidence")
    points = auditor.read("/checkpoints")
    size = points["items"][0]["size"]
    problem(auditor.post(f"/checkpoints/{size}/witness", {"who": "省教育工会"}), 403)
    assert runner.post(f"/checkpoints/{size}/witness", {"who": "省教育工会"}).status_code == 204
    problem(runner.post(f"/checkpoints/{size}/witness", {"who": "别人"}), 409)
    problem(runner.post(f"/checkpoints/{'9' * 5000}/witness", {"who": "别人"}), 404)
    verdict = auditor.do("/verifications")
    assert verdict["broken"] is None and verdict["fault"] == "" and verdict["events"] > 5
    assert auditor.read("/history")["items"][0]["kind"] == "history_verified"
    problem(api.as_("zhang").post("/verifications"), 403)
