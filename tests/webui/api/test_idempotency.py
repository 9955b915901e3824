"""The same request with the same key is carried out once, however often and however much at once it comes."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.webui.api.world import BASE

if TYPE_CHECKING:
    from tests.webui.api.world import Api

SENT = {"process_id": "errand", "answers": {"subject": "一次"}}


def test_twenty_at_once_have_one_effect_and_twenty_equal_replies(api: Api) -> None:
    def post(_n: int) -> Any:
        return api.as_("zhang").post("/process-instances", SENT, key="k1")

    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(post, range(20)))
    assert {r.status_code for r in replies} == {201}, [
        r.text for r in replies if r.status_code != 201
    ]
    assert (
        len({r.data for r in replies}) == 1 and len({r.headers["Location"] for r in replies}) == 1
    )
    assert [r.headers.get("Idempotency-Replayed") for r in replies].count("true") == 19
    assert len(api.as_("zhang").read("/process-instances")["items"]) == 1
    assert (
        api.as_("zhang")
        .client.get(
            replies[0].headers["Location"],
            headers={"Authorization": f"Bearer {api.tokens['zhang']}"},
        )
        .status_code
        == 200
    )


def test_another_request_with_the_same_key_is_refused(api: Api) -> None:
    mover = api.as_("zhang")
    mover.do("/process-instances", SENT, key="k2")
    other = mover.post("/process-instances", {**SENT, "answers": {"subject": "另一件"}}, key="k2")
    assert other.status_code == 422 and "Idempotency-Key" in other.json["errors"]
    assert len(mover.read("/process-instances")["items"]) == 1


def test_two_people_may_choose_the_same_key(api: Api) -> None:
    first = api.as_("zhang").do("/process-instances", SENT, key="k3")
    second = api.as_("li").do("/process-instances", SENT, key="k3")
    assert first["id"] != second["id"]


def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    mover = api.as_("zhang")
    assert mover.post("/process-instances", {**SENT, "answers": {}}, key="k4").status_code == 422
    assert mover.post("/process-instances", SENT, key="k4").status_code == 201


def test_a_bad_key_is_refused(api: Api) -> None:
    for key in ("", "k" * 201, "a\tb"):
        found = api.as_("zhang").post("/process-instances", SENT, key=key)
        assert found.status_code == 422 and "Idempotency-Key" in found.json["errors"], key


def test_a_completed_task_is_completed_once(api: Api) -> None:
    key = api.as_("zhang").launch()
    office = api.as_("secretary")
    task = office.waiting("task", key, "check")
    sent = {"answers": {"decision": "pass"}, "revision": task["revision"]}
    with ThreadPoolExecutor(10) as pool:
        replies = list(
            pool.map(
                lambda _: office.post(f"/tasks/{task['id']}/complete", sent, key="c"), range(10)
            )
        )
    assert {r.status_code for r in replies} == {200} and len({r.data for r in replies}) == 1
    found = office.read(f"/process-instances/{key}")
    assert [t["element"] for t in found["tasks"] if t["state"] == "open"] == ["do"]


def test_an_upload_is_the_same_whatever_its_boundary(api: Api) -> None:
    def send(content: bytes) -> Any:
        headers = {"Authorization": f"Bearer {api.tokens['zhang']}", "Idempotency-Key": "u"}
        data = {"file": (io.BytesIO(content), "工会决议.pdf")}
        return api.app.test_client().post(f"{BASE}/files", data=data, headers=headers)

    first, again, other = send(b"%PDF-1.4 a"), send(b"%PDF-1.4 a"), send(b"%PDF-1.4 b")
    assert first.status_code == again.status_code == 201 and first.data == again.data
    assert first.json["name"] == "工会决议.pdf" and again.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422


def test_an_empty_reply_is_replayed_too(api: Api) -> None:
    mover = api.as_("zhang")
    for replayed in (None, "true"):
        found = mover.call("PUT", "/drafts/launch:errand", {"answers": {"subject": "草"}}, key="d")
        assert (
            found.status_code == 204
            and found.data == b""
            and found.headers.get("Idempotency-Replayed") == replayed
        )


def test_an_act_that_is_held_may_be_taken_back(api: Api) -> None:
    key, office = api.as_("zhang").launch(), api.as_("secretary")
    at = f"/tasks/{office.waiting('task', key, 'check')['id']}"
    sent = {"answers": {"decision": "pass"}, "hold": 30}
    assert office.do(f"{at}/complete", sent, key="k6")["held_until"]
    assert office.do(f"{at}/complete", sent, key="k6")["held_until"]  # the same, not another one
    assert office.post(f"{at}/complete", sent, key="k7").status_code == 409
    assert office.read(at)["held"]["mine"] and not office.read(at)["actionable"]
    (own,) = office.read("/tasks")["own"]
    assert (own["title"], own["why"]) == ("核对", "")
    office.do(f"{at}/undo")
    assert office.read(at)["held"] is None and office.read(at)["draft"] == {"decision": "pass"}
    assert office.post(f"{at}/undo").status_code == 404
    assert office.do(f"{at}/complete", {**sent, "hold": 0})["held_until"] is None
