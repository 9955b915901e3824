"""What is not yours does not exist: every operation on a matter, by people of another union and by bystanders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.webui.api.world import problem

if TYPE_CHECKING:
    from tests.webui.api.world import Api

READS = ("", "/history", "/proof", "/diagram")
REASON = {"reason": "试一试"}
ACTS: tuple[tuple[str, dict[str, Any] | None], ...] = (
    ("/withdraw", REASON),
    ("/terminate", REASON),
    ("/suspend", REASON),
    ("/resume", None),
    ("/evidence", None),
    ("/evidence/queued", None),
    ("/messages/withdraw", {"answers": {}}),
    ("/messages/none", {"answers": {}}),
    ("/incidents/01a20509-42be-7875-a54e-608a92498ac0/retry", None),
)


@pytest.mark.parametrize("who", ["b.secretary", "b.li", "plain", "admin"])
def test_a_matter_of_others_does_not_exist(shared: Api, who: str) -> None:
    key = shared.as_("zhang").launch("保密事项甲乙丙")
    stranger, office = shared.as_(who), shared.as_("secretary")
    before = office.read(f"/process-instances/{key}")["row"]
    for path in READS:
        problem(stranger.get(f"/process-instances/{key}{path}"), 404)
    for path, sent in ACTS:
        problem(stranger.post(f"/process-instances/{key}{path}", sent), 404)
    task = office.waiting("task", key, "check")
    problem(stranger.get(f"/tasks/{task['id']}"), 404)
    for verb, body in (
        ("claim", None),
        ("release", None),
        ("complete", {"answers": {"decision": "pass"}}),
    ):
        problem(stranger.post(f"/tasks/{task['id']}/{verb}", body), 404)
    problem(stranger.call("PUT", f"/tasks/{task['id']}/draft", {"answers": {}}), 404)
    for path in ("/process-instances", "/tasks", "/polls", "/search"):
        found = stranger.get(path, **({"q": "保密事项"} if path == "/search" else {}))
        assert found.status_code == 200 and key not in found.text and "保密事项" not in found.text
    assert office.read(f"/process-instances/{key}")["row"]["state"] == before["state"]


def test_a_poll_of_others_does_not_exist(shared: Api) -> None:
    key = shared.as_("zhang").launch("待评事项")
    office = shared.as_("secretary")
    office.complete(key, "check", decision="pass")
    office.complete(key, "do", note="已办")
    poll = shared.as_("li").waiting("poll", key, "rate")
    for who in ("b.secretary", "b.li", "plain"):
        stranger = shared.as_(who)
        problem(stranger.get(f"/polls/{poll['id']}"), 404)
        problem(stranger.post(f"/polls/{poll['id']}/respond", {"choice": "good"}), 404)
        problem(stranger.post(f"/polls/{poll['id']}/withdraw"), 404)
        problem(stranger.post(f"/polls/{poll['id']}/close"), 404)
    problem(shared.as_("li").post(f"/polls/{poll['id']}/close"), 403)


def test_people_of_others_do_not_exist(shared: Api) -> None:
    for who in ("b.secretary", "plain", "zhang"):
        stranger = shared.as_(who)
        other = shared.people["wang"]
        problem(stranger.get(f"/members/{other}"), 404)
        problem(stranger.get("/members", union=str(shared.units["XD"])), 404)
        problem(stranger.get("/units", union=str(shared.units["XD"])), 404)
        problem(stranger.call("PATCH", f"/members/{other}", {"name": "改名"}), 404)
        problem(
            stranger.post(f"/members/{other}/posts", POST | {"unit_id": str(shared.units["XX"])}),
            404,
        )
        problem(stranger.post(f"/members/{other}/password", {"password": "correct horse 9"}), 404)
        assert "姓名wang" not in stranger.get("/search", q="姓名wang").text
    problem(shared.as_("b.secretary").get("/rules", union=str(shared.units["XD"])), 404)


POST = {"kind": "observer_delegate", "from_on": "2026-01-01", "term": "第八届"}


def test_refusals_are_put_on_record(shared: Api) -> None:
    key = shared.as_("zhang").launch("留痕")
    problem(shared.as_("zhang").post(f"/process-instances/{key}/terminate", REASON), 403)
    events = shared.as_("auditor").read(f"/process-instances/{key}/history")["items"]
    assert "attempt_refused" in [e["kind"] for e in events] and "history_read" in [
        e["kind"] for e in events
    ]
