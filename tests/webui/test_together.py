"""One act over several tasks: what is read first, one record each, honest failures, and a request that is killed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from engine import clock, db, jobs
from engine.commands import definitions, instances, tasks, together
from engine.definitions import read
from engine.history import verification
from engine.instance import together as spots
from engine.queries import inbox as waiting
from tests.webui.conftest import ERRAND

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]

PAGE = "/together/errand.check"
PASS = {"f.decision": "pass"}


@pytest.fixture
def alike(house: House) -> House:
    """The house with an errand that lets one act check many."""
    files = read(ERRAND)
    marked = files["process.toml"].replace(
        "[tasks.check]\n", '[tasks.check]\nbatch = true\neach = ["decision", "reason"]\n'
    )
    house.look(lambda s: definitions.publish_shipped(s, {**files, "process.toml": marked}))
    return house


def _launched(house: House, count: int) -> list[waiting.Item]:
    for n in range(count):
        house.do("mover", instances.launch, "errand", {"subject": f"第{n}件"})
    return list(house.look(lambda s: waiting.inbox(s, house.actor("office"), limit=100)).items)


def _ticked(page: str) -> list[str]:
    return re.findall(r'name="task" value="([^"]+)" checked', page)


def _opened(browser: FlaskClient, page: str) -> int:
    """Open what is drawn as a spot check; gives how many."""
    rows = re.findall(r'href="(/tasks/[^"]+)">(?:(?!<li).)*?抽查，请先打开', page, re.DOTALL)
    for path in rows:
        assert browser.get(path.replace("&amp;", "&")).status_code == 200
    return len(rows)


def _sent(page: str, **more: Any) -> dict[str, Any]:
    batch = re.search(r'name="batch" value="([^"]+)"', page)
    assert batch
    return {"batch": batch[1], "task": _ticked(page), **PASS, **more}


def _events(house: House) -> list[dict[str, Any]]:
    query = "SELECT body FROM event WHERE kind = 'task_completed' ORDER BY id"
    return [json.loads(body) for body in house.look(lambda s: s.execute(text(query)).scalars())]


def _told(house: House, *kinds: str) -> list[tuple[str, str | None]]:
    """The events of these kinds, with the batch that each says."""
    query = text("SELECT kind, body FROM event WHERE kind = ANY(:kinds) ORDER BY id")
    found = house.look(lambda s: s.execute(query, {"kinds": list(kinds)}).all())
    return [(kind, json.loads(body).get("batch")) for kind, body in found]


def _states(house: House, items: list[waiting.Item]) -> list[str]:
    query = text("SELECT state FROM task WHERE id = :id")
    return [house.look(lambda s, i=i: s.execute(query, {"id": i.id}).scalar_one()) for i in items]


def test_two_are_read_first_then_each_is_done_by_itself_under_one_number(
    alike: House, client: Browser
) -> None:
    items, browser = _launched(alike, 5), client("office")
    assert "5 件“核对”一并办" in browser.get("/").text
    page = browser.get(PAGE).text
    sent = _sent(page)
    assert len(sent["task"]) == 5
    refused = browser.post(PAGE, data=sent)
    assert refused.status_code == 409 and "请先打开抽查的" in refused.text
    assert set(_states(alike, items)) == {"open"} and len(_ticked(refused.text)) == 5
    assert _opened(browser, page) == 2
    assert browser.get(PAGE).text.count("抽查，已看过") == 2
    assert browser.post(PAGE, data=sent).location == "/"
    assert "已一并办理 5 件" in browser.get("/").text
    assert set(_states(alike, items)) == {"done"}
    told = _events(alike)
    assert len(told) == 5 and {body["batch"] for body in told} == {sent["batch"]}
    assert f"批号 {sent['batch']}" in client("auditor").get(f"/audit/{items[0].instance_id}").text


def test_a_request_killed_at_the_seventeenth_leaves_the_rest_as_it_was_and_ticked(
    alike: House, client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    items, browser = _launched(alike, 20), client("office")
    page = browser.get(PAGE).text
    _opened(browser, page)
    drawn = spots.spot(alike.people["office"], [item.id for item in items])
    first = next(item for item in items if item.id not in drawn)
    sent, real = _sent(page), together.one
    sent["task"] = [t for t in sent["task"] if not t.startswith(str(first.id))]  # chosen otherwise
    ran: list[UUID] = []

    def killed(*given: Any) -> UUID:
        if len(ran) == 17:
            raise SystemExit
        ran.append(given[-1].id)
        return real(*given)

    monkeypatch.setattr(together, "one", killed)
    with pytest.raises(SystemExit):
        browser.post(PAGE, data=sent)
    assert _states(alike, items).count("done") == 17
    again = client("office").get(PAGE).text  # on another device
    left = _sent(again)
    assert left["batch"] == sent["batch"] and len(left["task"]) == 2
    assert browser.get(f"{PAGE}/now").json == {"done": 17, "all": 19}
    monkeypatch.setattr(together, "one", real)
    browser.post(PAGE, data=sent)  # the first request once more: nothing twice
    assert _states(alike, items).count("done") == 19 and _states(alike, [first]) == ["open"]
    told = _events(alike)
    assert len(told) == 19 and {body["batch"] for body in told} == {sent["batch"]}


def test_what_fails_stays_ticked_and_says_why(alike: House, client: Browser) -> None:
    items, browser = _launched(alike, 4), client("office")
    page = browser.get(PAGE).text
    _opened(browser, page)
    gone, stale, mine = items[0], items[1], items[2]
    alike.do("office", tasks.complete, gone.id, {"decision": "pass"})
    sent = _sent(page)
    sent["task"] = [t if not t.startswith(str(stale.id)) else f"{stale.id}~9" for t in sent["task"]]
    sent[f"{mine.id}.f.decision"] = "return"
    sent[f"{mine.id}.f.reason"] = "这一件另有原因"
    reply = browser.post(PAGE, data=sent)
    assert reply.status_code == 409
    assert "2 件没有办成" in reply.text and "陈秘书已于" in reply.text and "刚有变动" in reply.text
    assert [t.partition("~")[0] for t in _ticked(reply.text)] == [str(stale.id)]
    assert _states(alike, items) == ["done", "open", "done", "done"]
    outcomes = [body["outcome"] for body in _events(alike) if "batch" in body]
    assert sorted(outcomes) == ["pass", "return"]
    sent = _sent(browser.get(PAGE).text)
    assert browser.post(PAGE, data=sent).location == "/" and "open" not in _states(alike, items)


def test_an_answer_that_lacks_something_hinders_its_own_task_only(
    alike: House, client: Browser
) -> None:
    items, browser = _launched(alike, 3), client("office")
    page = browser.get(PAGE).text
    _opened(browser, page)
    bad = items[0]
    sent = _sent(page)
    sent[f"{bad.id}.f.decision"] = "return"  # without the reason that it needs
    reply = browser.post(PAGE, data=sent)
    assert reply.status_code == 409 and _states(alike, items) == ["open", "done", "done"]
    assert re.search(r"selected>退回", reply.text)  # what was said of it is still there


def _api(house: House, client: Browser) -> Callable[..., Any]:
    from engine.commands import people

    token = house.look(lambda s: people.create_token(s, None, house.people["office"], "t"))
    browser = client("")

    def post(path: str, **sent: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return browser.open(f"/api/v1{path}", method="POST", json=sent, headers=headers)

    post.get = lambda path: browser.get(  # type: ignore[attr-defined]
        f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"}
    )
    return post


def test_a_program_does_the_same_and_repeats_it_without_harm(alike: House, client: Browser) -> None:
    items, post = _launched(alike, 3), _api(alike, client)
    chosen = [{"id": str(item.id), "revision": item.revision} for item in items]
    sent = {"batch": str(uuid4()), "tasks": chosen, "answers": {"decision": "pass"}}
    refused = post("/tasks/batch", **sent)
    assert refused.status_code == 409 and refused.json["code"] == "spot_check"
    for item in items:
        post.get(f"/tasks/{item.id}")
    for _time in range(2):
        report = post("/tasks/batch", **sent).json
        assert sorted(report["done"]) == sorted(str(i.id) for i in items) and not report["failed"]
    assert len(_events(alike)) == 3
    other = post("/tasks/batch", **{**sent, "batch": str(uuid4())}).json
    assert not other["done"] and {each["code"] for each in other["failed"]} == {"done"}


def test_where_the_process_does_not_allow_it_nothing_is_done_together(
    house: House, client: Browser
) -> None:
    items, post = _launched(house, 2), _api(house, client)
    assert client("office").get(PAGE).location == "/"
    for item in items:
        post.get(f"/tasks/{item.id}")
    sent = {"tasks": [{"id": str(i.id)} for i in items], "answers": {"decision": "pass"}}
    report = post("/tasks/batch", batch=str(uuid4()), **sent).json
    assert [each["code"] for each in report["failed"]] == ["not_together"] * 2
    assert set(_states(house, items)) == {"open"}
    twice = {"tasks": [{"id": str(items[0].id)}] * 2}
    assert post("/tasks/batch", batch=str(uuid4()), **twice).status_code == 422
    house.do("office", tasks.complete, items[0].id, {"decision": "pass"})
    mixed = list(house.look(lambda s: waiting.inbox(s, house.actor("office"))).items)
    assert len({i.element for i in mixed}) == 2
    sent = {"tasks": [{"id": str(i.id)} for i in mixed]}
    assert post("/tasks/batch", batch=str(uuid4()), **sent).status_code == 422


# --- held, and taken back -------------------------------------------------------------------------
@pytest.fixture
def held(alike: House, app: Flask) -> House:
    """The same where what is done on a page may be taken back."""
    app.config["YIXING"] = replace(app.config["YIXING"], undo=10)
    return alike


def _acted(browser: FlaskClient) -> dict[str, Any]:
    """Everything that is ticked is done by one act; gives what was sent."""
    page = browser.get(PAGE).text
    _opened(browser, page)
    sent = _sent(page)
    assert browser.post(PAGE, data=sent).location == "/"
    return sent


def _whole(house: House) -> None:
    with db.transaction(house.engine) as session:
        assert verification.first_false(session) is None


def _named(house: House, forgery: str, item: waiting.Item) -> None:
    """Verification finds a row that was changed beside the history."""
    with db.transaction(house.engine) as session, session.begin_nested() as point:
        assert session.execute(text(forgery), {"id": item.id}).rowcount == 1
        assert verification.first_false(session) is not None
        point.rollback()


def _carried_out(house: House, seconds: int) -> int:
    with clock.set_to(clock.now() + timedelta(seconds=seconds)):
        return jobs.carry_out_held(house.engine)


def test_one_line_stands_for_all_that_is_held_and_its_button_takes_all_of_it_back(
    held: House, client: Browser
) -> None:
    items, browser = _launched(held, 5), client("office")
    sent = _acted(browser)
    assert set(_states(held, items)) == {"open"} and not _events(held)
    undo = f"/together/undo/{sent['batch']}"
    for page in (browser.get("/").text, browser.get("/").text):
        assert page.count("/undo") == page.count(f'action="{undo}"') == 1
        assert "已一并办理“核对” 5 件" in page
        assert not any(f'href="/tasks/{item.id}' in page for item in items)
    assert client("second").post(undo).status_code == 404  # nothing of theirs
    _whole(held)
    _named(held, "UPDATE held_act SET batch = NULL WHERE task_id = :id", items[0])
    assert browser.post(undo).location == "/"
    page = browser.get("/").text
    assert "已撤回 5 件" in page and undo not in page
    assert set(_states(held, items)) == {"open"} and "5 件“核对”一并办" in page
    assert 'value="pass" checked' in browser.get(f"/tasks/{items[0].id}").text
    told = _told(held, "act_held", "act_withdrawn", "task_completed")
    assert sorted(told) == sorted(
        (kind, sent["batch"]) for kind in ("act_held", "act_withdrawn") for _n in range(5)
    )
    assert _carried_out(held, 31) == 0
    _whole(held)


def test_what_is_held_is_carried_out_under_the_number_of_its_batch(
    held: House, client: Browser
) -> None:
    items, browser = _launched(held, 3), client("office")
    sent = _acted(browser)
    assert _carried_out(held, 29) == 0 and _carried_out(held, 31) == 3
    assert set(_states(held, items)) == {"done"}
    assert [body["batch"] for body in _events(held)] == [sent["batch"]] * 3
    _whole(held)
    assert browser.post(f"/together/undo/{sent['batch']}").location == "/"
    page = browser.get("/").text
    assert "撤回的时间已过" in page and all(item.number in page for item in items)
    assert set(_states(held, items)) == {"done"}


def test_what_was_carried_out_meanwhile_is_told_by_number_and_the_rest_taken_back(
    held: House, client: Browser
) -> None:
    items, browser = _launched(held, 4), client("office")
    sent = _acted(browser)
    gone, over = items[0], items[1]
    early = "UPDATE instance SET held_until = :at WHERE id = :id"
    values = {"at": clock.now(), "id": gone.instance_id}
    held.look(lambda s: s.execute(text(early), values))
    assert jobs.carry_out_held(held.engine) == 1
    past = text("UPDATE held_act SET until = :at WHERE task_id = :id")
    held.look(lambda s: s.execute(past, {"at": clock.now(), "id": over.id}))
    browser.post(f"/together/undo/{sent['batch']}")
    page = browser.get("/").text
    said = re.search(r">([^<]*)撤回的时间已过", page)
    assert "已撤回 2 件" in page and said
    assert [i for i in items if i.number in said[1]] == [gone, over]
    assert _told(held, "act_withdrawn") == [("act_withdrawn", sent["batch"])] * 2
    assert _states(held, [gone]) == ["done"]


def test_a_batch_killed_in_the_middle_holds_what_it_had_done_and_goes_on(
    held: House, client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    items, browser = _launched(held, 6), client("office")
    page = browser.get(PAGE).text
    _opened(browser, page)
    sent, real, ran = _sent(page), together.one, []

    def killed(*given: Any) -> Any:
        if len(ran) == 4:
            raise SystemExit
        ran.append(given[-1].id)
        return real(*given)

    monkeypatch.setattr(together, "one", killed)
    with pytest.raises(SystemExit):
        browser.post(PAGE, data=sent)
    monkeypatch.setattr(together, "one", real)
    assert browser.get(f"{PAGE}/now").json == {"done": 4, "all": 6}
    assert "已一并办理“核对” 4 件" in browser.get("/").text  # and may be taken back
    left = _sent(browser.get(PAGE).text)
    assert left["batch"] == sent["batch"] and len(left["task"]) == 2
    assert browser.post(PAGE, data=sent).location == "/"  # the first request once more
    assert _told(held, "act_held", "task_completed") == [("act_held", sent["batch"])] * 6
    assert "已一并办理“核对” 6 件" in browser.get("/").text
    _whole(held)
    assert _carried_out(held, 31) == 6 and set(_states(held, items)) == {"done"}


def test_beside_what_failed_the_rest_may_be_taken_back(held: House, client: Browser) -> None:
    items, browser = _launched(held, 3), client("office")
    page = browser.get(PAGE).text
    _opened(browser, page)
    sent = _sent(page, **{f"{items[0].id}.f.decision": "return"})  # without its reason
    reply = browser.post(PAGE, data=sent)
    assert reply.status_code == 409 and "1 件没有办成" in reply.text
    assert "已一并办理“核对” 2 件" in reply.text
    assert reply.text.count(f'action="/together/undo/{sent["batch"]}"') == 1
    assert len(_told(held, "act_held")) == 2


def test_a_program_asks_for_the_seconds_and_takes_the_batch_back(
    alike: House, client: Browser
) -> None:
    items, post = _launched(alike, 3), _api(alike, client)
    for item in items:
        post.get(f"/tasks/{item.id}")
    batch = str(uuid4())
    sent = {"batch": batch, "tasks": [{"id": str(i.id)} for i in items], "answers": {}}
    sent |= {"answers": {"decision": "pass"}, "hold": 3600}
    first, again = post("/tasks/batch", **sent).json, post("/tasks/batch", **sent).json
    assert first["held_until"] and again == first and len(first["done"]) == 3
    assert {own["batch"] for own in post.get("/tasks").json["own"]} == {batch}
    taken = post(f"/tasks/batch/{batch}/undo").json
    assert sorted(taken["tasks"]) == sorted(str(i.id) for i in items) and not taken["failed"]
    assert post(f"/tasks/batch/{batch}/undo").status_code == 404
    assert post(f"/tasks/batch/{uuid4()}/undo").status_code == 404
    done = post("/tasks/batch", **{**sent, "batch": str(uuid4()), "hold": 0}).json
    assert done["held_until"] is None and set(_states(alike, items)) == {"done"}
    late = post(f"/tasks/batch/{done['batch']}/undo").json
    assert not late["tasks"] and {each["code"] for each in late["failed"]} == {"too_late"}
    assert {each["number"] for each in late["failed"]} == {item.number for item in items}
