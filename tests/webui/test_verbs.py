"""The verbs beside a decision in the pages and the API: handing over and back, comments with mention."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, text

from engine import clock
from engine.commands import definitions, tasks
from engine.db import tables
from tests.webui.errands import started

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


def task_of(house: House, key: object) -> Any:
    """The open task of a matter."""
    query = text("SELECT id FROM task WHERE instance_id = :k AND state = 'open'")
    return house.look(lambda s: s.execute(query, {"k": key}).scalar_one())


@pytest.fixture
def deputy(house: House) -> str:
    """A second secretary of the same union."""
    office = house.people["office"]

    def add(session: Any) -> None:
        key = house.people["deputy"] = tables.new_id()
        found = session.execute(
            text("SELECT unit_id, union_id FROM member WHERE id = :k"), {"k": office}
        ).one()
        who = {"id": key, "username": "deputy", "name": "副秘书", "created_at": clock.now()}
        session.execute(insert(tables.member).values(**who, **found._mapping))
        held = session.execute(
            text("SELECT kind, unit_id FROM post WHERE member_id = :k"), {"k": office}
        ).all()
        since = clock.today() - timedelta(days=30)
        for kind, unit in held:
            post = {"id": tables.new_id(), "kind": kind, "unit_id": unit, "from_on": since}
            session.execute(insert(tables.post).values(member_id=key, **post))

    house.look(add)
    return "deputy"


def test_a_task_goes_to_a_colleague_and_comes_back(
    client: Login, house: House, deputy: str
) -> None:
    task = task_of(house, started(house, "饮水机漏水"))
    office, other = client("office"), client(deputy)
    page = office.get(f"/tasks/{task}").text
    (address,) = re.findall(r'href="(/tasks/[^"]*/hand)"', page)
    form = office.get(address).text
    assert "副秘书" in form and "交还" not in form.partition("转办给")[0]
    sent = {"to": str(house.people[deputy]), "reason": ""}
    again = office.post(f"/tasks/{task}/hand/over", data=sent)
    assert again.status_code == 422 and "请写明理由" in again.text
    done = office.post(f"/tasks/{task}/hand/over", data={**sent, "reason": "请您熟悉的人看"})
    assert done.status_code == 302
    assert "饮水机漏水" not in office.get("/").text.partition("全部在办")[0]
    assert "饮水机漏水" in other.get("/").text.partition("全部在办")[0]
    card = other.get(f"/tasks/{task}").text
    assert "请您熟悉的人看" in card and "转办或交还" in card
    back = other.post(f"/tasks/{task}/hand/back", data={"reason": "还是您熟悉"})
    assert back.status_code == 302
    assert "还是您熟悉" not in office.get(f"/tasks/{task}").text
    assert "转办或交还" not in office.get(f"/tasks/{task}").text
    assert "饮水机漏水" in office.get("/").text.partition("全部在办")[0]


def test_whom_a_comment_names_finds_it_until_it_is_read(client: Login, house: House) -> None:
    key = started(house, "校车加班")
    task = task_of(house, key)
    office = client("office")
    starter = house.look(
        lambda s: s.execute(
            text(
                "SELECT m.id, m.username FROM member m JOIN instance i ON i.starter_id = m.id "
                "WHERE i.id = :k"
            ),
            {"k": key},
        ).one()
    )
    author = client(starter.username)
    page = author.get(f"/matters/{key}/comments").text
    assert str(house.people["office"]) in page and "看得到此件的人都看得到" in page
    assert author.post(f"/matters/{key}/comments", data={"text": " "}).status_code == 422
    sent = {"text": "司机人手\n<b>不足</b>", "mention": [str(house.people["office"])]}
    assert author.post(f"/matters/{key}/comments", data=sent).status_code == 302
    inbox = office.get("/").text
    assert "在评论中提到您" in inbox and "在评论中提到您" not in author.get("/").text
    card = office.get(f"/tasks/{task}").text
    assert "司机人手" in card and "&lt;b&gt;" in card and "提到您" in card
    assert "在评论中提到您" not in office.get("/").text
    (mine,) = set(
        re.findall(
            r'action="(/comments/[^"]*/withdraw)"', author.get(f"/matters/{key}/comments").text
        )
    )
    assert not re.findall(r"/comments/[^/]*/withdraw", card)
    assert office.post(mine).status_code == 404
    assert author.post(mine).status_code == 302
    assert "司机人手" not in office.get(f"/tasks/{task}").text
    assert "已收回" in office.get(f"/matters/{key}/comments").text
    assert client("plain").get(f"/matters/{key}/comments").status_code == 404


@pytest.fixture
def allowing(house: House) -> None:
    """A version of the errand that allows all verbs."""
    found = house.look(
        lambda s: s.execute(
            text("SELECT files FROM definition WHERE process_id = 'errand'")
        ).scalar_one()
    )
    said = (
        'verbs = ["comment", "hand_over", "send_back", "recall", "delegate", "join", "deputise", '
        '"copy"]\n'
    )
    files = {**found, "process.toml": said + found["process.toml"]}
    house.look(lambda s: definitions.publish_shipped(s, files))


def test_a_step_is_sent_back_with_a_reason_and_done_again(
    client: Login, house: House, allowing: None
) -> None:
    key = started(house, "操场照明")
    office = client("office")
    house.do("office", tasks.complete, task_of(house, key), {"decision": "pass"})
    task = task_of(house, key)
    assert f"/tasks/{task}/send-back" in office.get(f"/tasks/{task}").text
    page = office.get(f"/tasks/{task}/send-back").text
    assert "核对" in page and "重走" in page and "直达" in page
    sent = {"to": "check", "how": "straight", "reason": ""}
    assert office.post(f"/tasks/{task}/send-back", data=sent).status_code == 422
    done = office.post(f"/tasks/{task}/send-back", data={**sent, "reason": "请核对预算"})
    assert done.status_code == 302
    again = task_of(house, key)
    card = office.get(f"/tasks/{again}").text
    assert "退回</b>" in card and "请核对预算" in card and "办理" in card
    assert "checked" in card  # what was answered before is a draft
    house.do("office", tasks.complete, again, {"decision": "pass"})
    assert "请核对预算" not in office.get(f"/tasks/{task_of(house, key)}").text
    assert "改后直达：请核对预算" in office.get(f"/audit/{key}").text


def test_what_one_did_is_taken_back_until_somebody_else_has_opened_what_came_next(
    client: Login, house: House, allowing: None, deputy: str
) -> None:
    key = started(house, "校门修缮")
    office, other = client("office"), client(deputy)
    task = task_of(house, key)
    house.do("office", tasks.complete, task, {"decision": "pass"})
    assert "别人打开下一环节以前可以拿回" in office.get(f"/tasks/{task}").text
    assert other.post(f"/tasks/{task}/recall").status_code == 404
    assert office.post(f"/tasks/{task}/recall").status_code == 302
    again = task_of(house, key)
    assert again != task and "已拿回" in office.get(f"/tasks/{again}").text
    house.do("office", tasks.complete, again, {"decision": "pass"})
    assert other.get(f"/tasks/{task_of(house, key)}").status_code == 200
    assert "打开下一环节，不能拿回" in office.get(f"/tasks/{again}").text
    office.post(f"/tasks/{again}/recall")
    assert "打开下一环节，不能拿回" in office.get("/").text
    assert task_of(house, key) not in (task, again)


def test_somebody_prepares_the_task_and_another_one_gives_an_opinion(
    client: Login, house: House, allowing: None, deputy: str
) -> None:
    key = started(house, "球场灯光")
    task, office, other = task_of(house, key), client("office"), client(deputy)
    assert f"/tasks/{task}/ask" in office.get(f"/tasks/{task}").text
    page = office.get(f"/tasks/{task}/ask?what=join").text
    assert "副秘书" in page and "委派" in page and "加签" in page
    sent = {"what": "join", "to": str(house.people[deputy]), "text": ""}
    assert office.post(f"/tasks/{task}/ask", data=sent).status_code == 422
    for what in ("join", "delegate"):
        done = office.post(
            f"/tasks/{task}/ask", data={**sent, "what": what, "text": "请看\n<b>预算</b>"}
        )
        assert done.status_code == 302
    stopped = office.post(f"/tasks/{task}", data={"f.decision": "pass"})
    assert stopped.status_code == 403 and "加签的意见还没有交来" in stopped.text
    inbox = other.get("/").text
    assert "委派您拟办" in inbox and "请您发表意见" in inbox
    join, delegate = re.findall(r'href="(/asks/[^"]*)"', inbox)
    card = other.get(join).text
    assert "&lt;b&gt;" in card and "发表意见" in card
    assert other.post(f"{join}/answer", data={"text": "可以"}).status_code == 422
    assert other.post(f"{join}/answer", data={"text": "可以", "view": "agree"}).status_code == 302
    drawn = other.get(delegate).text
    assert "f.decision" in drawn and "交回" in drawn
    assert other.post(f"{delegate}/answer", data={"f.decision": "pass"}).status_code == 302
    card = office.get(f"/tasks/{task}").text
    assert "已答复" in office.get("/").text and "可以" in card and "采用，填入表单" in card
    assert office.post(f"{delegate}/adopt").status_code == 302
    assert "checked" in office.get(f"/tasks/{task}").text
    assert client("plain").get(join).status_code == 404
    assert office.post(f"/tasks/{task}", data={"f.decision": "pass"}).status_code == 302
    told = office.get(f"/audit/{key}").text
    assert "加签，请副秘书发表意见" in told and "委派副秘书拟办" in told


def test_who_steps_aside_leaves_it_to_a_colleague(client: Login, house: House, deputy: str) -> None:
    key = started(house, "亲属的申请")
    task, office, other = task_of(house, key), client("office"), client(deputy)
    page = office.get(f"/tasks/{task}/aside").text
    assert "由同岗位的其他 1 人办理" in page
    assert office.post(f"/tasks/{task}/aside", data={"reason": ""}).status_code == 422
    assert office.post(f"/tasks/{task}/aside", data={"reason": "是我亲属"}).status_code == 302
    assert "亲属的申请" not in office.get("/").text.partition("全部在办")[0]
    assert "您已对此件回避" in office.get(f"/tasks/{task}").text
    assert office.post(f"/matters/{key}/step-back").status_code == 302
    assert "您已对此件回避" not in office.get(f"/tasks/{task}").text
    office.post(f"/tasks/{task}/aside", data={"reason": "是我亲属"})
    assert other.get(f"/tasks/{task}").status_code == 200
    office.post(f"/matters/{key}/step-back")
    assert "您已对此件回避" in office.get(f"/tasks/{task}").text
    assert "对本件回避" in office.get(f"/audit/{key}").text


def test_a_deputy_acts_while_somebody_is_away(
    client: Login, house: House, allowing: None, deputy: str
) -> None:
    key = started(house, "换锁")
    task, office, other = task_of(house, key), client("office"), client("plain")
    assert "换锁" not in other.get("/").text and other.get(f"/tasks/{task}").status_code == 404
    page = office.get("/me/deputies").text
    assert "办事单" in page and f'value="{house.people[deputy]}"' in page
    today = clock.today().isoformat()
    sent: dict[str, Any] = {"to": str(house.people["plain"]), "from_on": today, "to_on": ""}
    wrong = office.post("/me/deputies", data=sent)
    assert wrong.status_code == 422 and "请填写日期" in wrong.text
    sent |= {"to_on": today, "processes": ["errand"]}
    assert office.post("/me/deputies", data=sent).status_code == 302
    inbox = other.get("/?part=deputy").text
    assert "换锁" in inbox and re.search(r"bg-purple-lt\">代\S+<", inbox)
    card = other.get(f"/tasks/{task}").text
    assert "办理，两人的姓名都记录在案" in card and f"/tasks/{task}/hand" not in card
    assert other.post(f"/tasks/{task}", data={"f.decision": "pass"}).status_code == 302
    assert (
        "（代" in office.get(f"/audit/{key}").text and "（代" in office.get(f"/matters/{key}").text
    )
    mine = other.get("/me/deputies").text
    assert "不再代理" in mine
    ended = re.findall(r'action="(/me/deputies/[^"]+/end)"', mine)[0]
    assert client(deputy).post(ended).status_code == 404
    assert other.post(ended).status_code == 302
    assert "代理已经终止" in other.get(other.post(ended).location).text


def test_what_is_sent_for_information_is_read_and_both_see_it(
    client: Login, house: House, allowing: None
) -> None:
    key = started(house, "车棚充电")
    task = task_of(house, key)
    office, plain, who = client("office"), client("plain"), house.people["plain"]
    page = f"/matters/{key}/copies"
    assert page in office.get(f"/tasks/{task}").text
    assert office.post(page, data={"text": "x"}).status_code == 422
    name = house.look(
        lambda s: s.execute(text("SELECT name FROM member WHERE id = :k"), {"k": who}).scalar_one()
    )
    found = office.post(page, data={"words": name[-1], "text": "<b>请知悉</b>", "find": "1"})
    assert str(who) in found.text and "&lt;b&gt;请知悉" in found.text
    sent = {"to": [str(who)], "text": "<b>请知悉</b>", "element": "check"}
    assert office.post(page, data=sent).status_code == 302
    assert "抄送我的" in plain.get("/").text and "抄送我的" not in office.get("/").text
    (taken,) = set(re.findall(r'action="(/copies/[^"]*/withdraw)"', office.get(page).text))
    assert plain.post(taken).status_code == 404
    matter = plain.get(f"/matters/{key}").text
    assert "抄送给您，请阅" in matter and "&lt;b&gt;请知悉" in matter
    assert "抄送给您，请阅" not in plain.get(f"/matters/{key}").text
    assert "抄送我的" not in plain.get("/").text
    assert "已阅" in plain.get("/copies").text and "车棚充电" in plain.get("/copies").text
    assert "已阅 1 / 1" in office.get(f"/matters/{key}").text
    refused = office.post(taken, follow_redirects=True)
    assert "对方已经看过，不能收回" in refused.text
