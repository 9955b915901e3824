"""One act over several tasks: what is read first, one record each, honest failures, and a request that is killed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from engine.commands import definitions, instances, tasks, together
from engine.definitions import read
from engine.instance import together as spots
from engine.queries import inbox as waiting
from tests.webui.conftest import ERRAND

if TYPE_CHECKING:
    from collections.abc import Callable

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
