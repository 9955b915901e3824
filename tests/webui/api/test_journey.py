"""A whole matter through the API alone, as several people."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.webui.api.world import Api


def test_an_errand_travels_from_launch_to_its_proof(api: Api) -> None:
    mover, office = api.as_("zhang"), api.as_("secretary")
    key = mover.launch("修缮三号楼会议室")
    office.complete(key, "check", decision="return", reason="请写明地点")
    mover.complete(key, "mend", note="三号楼二层")
    task = office.waiting("task", key, "check")
    assert task["bucket"] in ("today", "week", "later") and not task["claimed"]
    office.do(f"/tasks/{task['id']}/claim")
    assert office.read(f"/tasks/{task['id']}")["claimed_by_me"]
    assert [s["title"] for s in office.read(f"/tasks/{task['id']}")["said"]] == [
        "提出",
        "核对",
        "修改",
    ]
    office.do(f"/tasks/{task['id']}/release")
    office.complete(key, "check", decision="pass")
    office.complete(key, "do", note="已修缮")
    for who in ("zhang", "li"):
        api.as_(who).respond(key, "rate", "good")
    poll = api.as_("wang").waiting("poll", key, "rate")
    assert api.as_("wang").read(f"/polls/{poll['id']}")["counts"] == {"good": 2, "bad": 0}
    api.as_("wang").respond(key, "rate", "good")

    found = mover.read(f"/process-instances/{key}")
    assert found["row"]["state"] == "ended" and found["row"]["title"] == "修缮三号楼会议室"
    assert [t["element"] for t in found["tasks"] if t["state"] == "done"].count("check") == 2
    events = office.read(f"/process-instances/{key}/history", limit=3)
    seqs = [e["seq"] for e in events["items"]]
    while events["next"] is not None:
        events = office.read(f"/process-instances/{key}/history", limit=3, after=events["next"])
        seqs += [e["seq"] for e in events["items"]]
    assert seqs == list(range(1, len(seqs) + 1))
    proof = office.read(f"/process-instances/{key}/proof")
    assert proof["broken"] is None and proof["events"] == len(seqs)
    drawn = mover.read(f"/process-instances/{key}/diagram")
    assert "check" in drawn["passed"] and drawn["open"] == [] and "<" in drawn["bpmn"]
    pack = office.post(f"/process-instances/{key}/evidence")
    assert pack.status_code == 200 and pack.content_type == "application/zip", pack.text
    assert "verify.py" in zipfile.ZipFile(io.BytesIO(pack.data)).namelist()
    assert mover.post(f"/process-instances/{key}/evidence").status_code == 403
    assert office.read("/search", q="会议室")["items"][0]["id"] == key
    assert api.as_("b.secretary").read("/search", q="会议室")["items"] == []


def test_a_motion_travels_through_all_its_desks(motions: Api) -> None:
    say = motions.as_
    hq, me = str(motions.units["HQ"]), str(motions.people["committee"])
    opening = say("zhang").read("/process-definitions/congress_motion/opening")
    assert opening["form"]["id"] == "launch" and opening["next"][0]["title"] == "附议提案"
    answers = {
        "reasons": "教职工晚间授课和值班结束后食堂已经停止供餐，近一年工会收到相关反映四十余次，周边又没有合适的就餐场所。",
        "measures": "建议东区食堂晚间供餐延长至二十一时，设一个值班窗口，试行一个学期后公布就餐人数再作调整。",
        "category": "welfare",
    }
    key = say("zhang").launch("延长食堂晚间供餐时间", "congress_motion", **answers)
    for who in ("li", "wang", "zhao"):
        say(who).respond(key, "second", "yes")
    poll = say("zhang").read("/polls")["items"][0]
    say("zhang").do(f"/polls/{poll['id']}/close")
    say("head").complete(key, "head_check", decision="forward")
    say("committee").complete(
        key,
        "review",
        decision="file",
        grade="general",
        lead_unit=hq,
        reason="情况属实，措施可行，同意立案",
        present=[me],
    )
    say("chair").complete(key, "dispatch_plan", decision="approve", lead_unit=hq)
    say("hq").complete(key, "accept", decision="accept", officer="冯刚")
    say("hq").complete(
        key,
        "reply",
        met_on="2026-03-20",
        meeting_record="与提案人当面沟通，提案人认可主要措施",
        measures="已制定方案并与有关单位商定，自下月起分步实施，结果向教职工公布",
        timetable="四月底前完成",
        code="A",
    )
    say("leader").complete(key, "sign", decision="sign")
    say("zhang").respond(key, "rate", "satisfied")
    say("committee").complete(key, "close", result="A", publication="school")
    found = say("zhang").read(f"/process-instances/{key}")
    assert found["row"]["state"] in ("ended", "running") and len(found["papers"]) >= 5
    assert say("auditor").read(f"/process-instances/{key}/proof")["broken"] is None
    printed = say("zhang").get(
        f"/documents/{next(p['id'] for p in found['papers'] if p['kind'] == 'document')}"
    )
    assert (
        printed.status_code == 200
        and printed.data.startswith(b"%PDF-")
        and printed.content_type == "application/pdf"
    )
