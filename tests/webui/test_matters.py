"""My matters: who sees which, where they stand, messages, the secretary's hand, incidents, the diagram."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from sqlalchemy import insert, select, text

from engine import clock, db, definitions
from engine.commands import incidents, instances, polls, tasks
from engine.db import tables
from engine.definitions import load
from engine.definitions.diagram import BPMN
from engine.queries import diagrams, vacancies
from engine.queries import inbox as waiting
from engine.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


@pytest.fixture
def matter(house: House) -> UUID:
    """A matter that the mover has just started; the office has to check it."""
    return started(house, "mover", "更换三号楼饮水机")


def started(house: House, who: str, subject: str) -> UUID:
    found: UUID = house.do(who, instances.launch, "errand", {"subject": subject})
    return found


def finish(house: House, who: str, answers: dict[str, Any]) -> None:
    """The first thing in somebody's inbox."""
    item = house.look(lambda s: waiting.inbox(s, house.actor(who)).items[0])
    house.do(who, tasks.complete, item.id, answers)


def state_of(house: House, key: UUID) -> str:
    return str(
        house.look(
            lambda s: s.execute(
                select(tables.instance.c.state).where(tables.instance.c.id == key)
            ).scalar()
        )
    )


def key_in(page: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found
    return found[1]


# --- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_holds_what_i_started_and_says_whom_it_waits_for(
    client: Login, house: House, matter: UUID
) -> None:
    started(house, "second", "别人的事")
    page = client("mover").get("/matters").text
    assert (
        "更换三号楼饮水机" in page
        and "核对" in page
        and "等待校工会" in page
        and "别人的事" not in page
    )
    assert "还没有发起过" in client("third").get("/matters").text
    assert client("").get("/matters").status_code == 302


def test_what_others_started_and_i_take_part_in_is_a_list_of_its_own(
    client: Login, matter: UUID
) -> None:
    assert "更换三号楼饮水机" not in client("office").get("/matters").text
    assert (
        "更换三号楼饮水机" in client("office").get("/matters?part=1").text
    )  # a task of the office's seat
    assert "更换三号楼饮水机" not in client("mover").get("/matters?part=1").text
    assert "没有别人发起、您参与的事项" in client("third").get("/matters?part=1").text
    assert "更换三号楼饮水机" not in client("office").get("/matters?part=1&state=ended").text


def test_chips_narrow_the_list_by_state(client: Login, house: House, matter: UUID) -> None:
    gone = started(house, "mover", "不再需要的事")
    house.do("office", instances.terminate, gone, "重复")
    ended, running = (
        client("mover").get("/matters?state=terminated").text,
        client("mover").get("/matters?state=running").text,
    )
    assert "不再需要的事" in ended and "更换三号楼" not in ended and "已终止" in ended
    assert "不再需要的事" not in running and "更换三号楼" in running
    assert client("mover").get("/matters?state=nonsense").status_code == 422
    assert "更换三号楼" in client("mover").get("/matters?words=饮水机").text
    assert "更换三号楼" not in client("mover").get("/matters?words=电梯").text


def test_the_list_goes_on_page_by_page(client: Login, house: House) -> None:
    for n in range(53):
        started(house, "mover", f"第{n:02}件事")
    browser = client("mover")
    first = browser.get("/matters").text
    assert first.count("yx-row-title") == 50 and "第52件事" in first and "第02件事" not in first
    onward = re.search(r'href="(/matters\?[^"]*after=[^"]+)"', first)
    assert onward
    second = browser.get(onward[1].replace("&amp;", "&")).text
    assert second.count("yx-row-title") == 3 and "第00件事" in second
    assert browser.get("/matters?after=nonsense").status_code == 422


# --- one matter -------------------------------------------------------------------------------------------------------


def test_a_matter_says_where_it_stands_with_the_deadline_and_its_rule(
    client: Login, matter: UUID
) -> None:
    page = client("mover").get(f"/matters/{matter}").text
    assert (
        "更换三号楼饮水机" in page
        and "办理中" in page
        and "由校工会" in page
        and "个工作日" in page
    )
    assert "MO-REVIEW" in page and "去办理" not in page
    assert "去办理" in client("office").get(f"/matters/{matter}").text


def test_a_task_that_nobody_can_do_is_told_at_once(
    client: Login, house: House, matter: UUID
) -> None:
    """The launcher hears it when nobody holds the post, the office when whoever has the task left."""
    post, member = tables.post, tables.member
    mover, places = client("mover"), ("/", f"/matters/{matter}")
    assert not any("没有人能" in mover.get(place).text for place in places)
    ended = post.update().where(post.c.member_id == house.people["office"])
    house.look(lambda s: s.execute(ended.values(to_on=date(2026, 1, 1))))
    assert all("没有人能" in mover.get(place).text for place in places)
    assert "校工会" in mover.get("/").text
    assert "没有人能" not in client("second").get("/").text
    house.look(lambda s: s.execute(ended.values(to_on=None)))
    assert not any("没有人能" in mover.get(place).text for place in places)
    column = tables.task.c
    asked = select(column.id).where(column.instance_id == matter, column.seat.is_not(None))
    task = house.look(lambda s: s.execute(asked).scalar_one())
    house.do("office", tasks.claim, task)
    with db.transaction(house.engine) as session:
        house.person(session, "clerk", "吴干事", "union", "union", "union_secretary@union")
        left = member.update().where(member.c.id == house.people["office"])
        session.execute(left.values(active=False))
    clerk = client("clerk")
    assert all("没有人能" in clerk.get(place).text for place in places)
    assert "陈秘书" in clerk.get("/").text
    found = house.look(lambda s: vacancies.vacancies(s, house.actor("clerk"), "en"))
    assert [(each.task_id, each.who) for each in found] == [(task, "陈秘书")]
    assert house.look(lambda s: vacancies.vacancies(s, house.actor("foreign"))) == ()


@pytest.mark.parametrize("path", ["", "/diagram.bpmn", "/send/withdraw"])
@pytest.mark.parametrize("who", ["stranger", "foreign", "plain", "third"])
def test_a_matter_that_is_not_mine_does_not_exist(
    client: Login, matter: UUID, who: str, path: str
) -> None:
    assert client(who).get(f"/matters/{matter}{path}").status_code == 404


@pytest.mark.parametrize("what", ["suspend", "resume", "terminate", "send/withdraw"])
@pytest.mark.parametrize("who", ["stranger", "foreign", "plain"])
def test_nobody_from_outside_lays_a_hand_on_it(
    client: Login, house: House, matter: UUID, who: str, what: str
) -> None:
    answer = client(who).post(f"/matters/{matter}/{what}", data={"reason": "随便", "once": "k"})
    assert answer.status_code == 404 and "饮水机" not in answer.text
    assert state_of(house, matter) == "running"


def test_what_was_said_stands_step_by_step_and_the_outcome_in_words(
    client: Login, house: House, matter: UUID
) -> None:
    finish(house, "office", {"decision": "return", "reason": "请写明<b>楼层</b>"})
    finish(house, "mover", {"note": "三楼"})
    finish(house, "office", {"decision": "pass"})
    finish(house, "office", {"note": "已更换"})
    page = " ".join(client("mover").get(f"/matters/{matter}").text.split())
    assert (
        "请写明&lt;b&gt;楼层" in page and "三楼" in page and "已更换" in page and "陈秘书" in page
    )
    assert "满意 0" in page and "共 3 人" in page and "去作答" in page
    poll = house.look(lambda s: s.execute(select(tables.poll.c.id)).scalar())
    for who in ("mover", "second"):
        house.do(who, polls.respond, poll, "good")
    done = " ".join(client("mover").get(f"/matters/{matter}").text.split())
    assert "办结" in done and "已办结" in done and "满意 2" in done and "通过" in done


def test_the_auditor_reads_and_finds_the_whole_history_but_has_no_hand(
    client: Login, house: House, matter: UUID
) -> None:
    page = client("auditor").get(f"/matters/{matter}").text
    assert "全部记录与校验" in page and "暂停办理" not in page
    assert "全部记录与校验" not in client("mover").get(f"/matters/{matter}").text
    assert (
        client("auditor").post(f"/matters/{matter}/suspend", data={"reason": "看看"}).status_code
        == 403
    )
    assert state_of(house, matter) == "running"


def test_linked_matters_are_named(client: Login, house: House, matter: UUID) -> None:
    lead = started(house, "mover", "更换全校饮水机")
    with house.engine.begin() as session:
        session.execute(
            insert(tables.link).values(
                from_id=matter, to_id=lead, kind="merged_into", at=clock.now()
            )
        )
    assert "并入" in client("mover").get(f"/matters/{matter}").text
    back = client("mover").get(f"/matters/{lead}").text
    assert "来源" in back and f"/matters/{matter}" in back


def test_the_page_speaks_english_too(client: Login, matter: UUID) -> None:
    page = client("mover").get(f"/matters/{matter}?lang=en").text
    assert "Errand" in page and "Check" in page and "Union office" in page


# --- messages ---------------------------------------------------------------------------------------------------------


def test_the_mover_takes_it_back_by_the_message_of_the_process(
    client: Login, house: House, matter: UUID
) -> None:
    browser = client("mover")
    assert f"/matters/{matter}/send/withdraw" in browser.get(f"/matters/{matter}").text
    form = browser.get(f"/matters/{matter}/send/withdraw")
    assert form.status_code == 200 and "撤回" in form.text
    sent = {"once": key_in(form.text)}
    first = browser.post(f"/matters/{matter}/send/withdraw", data=sent)
    assert first.status_code == 303 and state_of(house, matter) == "withdrawn"
    assert (
        browser.post(f"/matters/{matter}/send/withdraw", data=sent).status_code == 303
    )  # the second tap
    late = browser.post(f"/matters/{matter}/send/withdraw", data={"once": "another"})
    assert late.status_code == 409 and "已撤回" in late.text
    assert browser.get(f"/matters/{matter}/send/withdraw").status_code == 409


def test_a_message_is_not_for_everybody_who_sees_the_matter(
    client: Login, house: House, matter: UUID
) -> None:
    assert "/send/withdraw" not in client("office").get(f"/matters/{matter}").text
    assert client("office").get(f"/matters/{matter}/send/withdraw").status_code == 409
    assert (
        client("office").post(f"/matters/{matter}/send/withdraw", data={"once": "k"}).status_code
        == 403
    )
    assert (
        client("mover").post(f"/matters/{matter}/send/no_such", data={"once": "k"}).status_code
        == 409
    )
    assert state_of(house, matter) == "running"


# --- the secretary's hand ---------------------------------------------------------------------------------------------


def test_the_secretary_suspends_resumes_and_ends_with_reasons_that_all_can_read(
    client: Login, house: House, matter: UUID
) -> None:
    office, mover = client("office"), client("mover")
    assert (
        office.post(f"/matters/{matter}/suspend", data={"reason": "等待检测报告"}).status_code
        == 303
    )
    shown = mover.get(f"/matters/{matter}").text
    assert (
        "已暂停" in shown
        and "等待检测报告" in shown
        and "个工作日" not in shown
        and "恢复办理" not in shown
    )
    again = office.post(f"/matters/{matter}/suspend", data={"reason": "再停"})
    assert again.status_code == 409 and "已暂停" in again.text
    assert "恢复办理" in office.get(f"/matters/{matter}").text
    assert (
        office.post(f"/matters/{matter}/resume").status_code == 303
        and state_of(house, matter) == "running"
    )
    assert (
        office.post(f"/matters/{matter}/terminate", data={"reason": "重复提出"}).status_code == 303
    )
    ended = mover.get(f"/matters/{matter}").text
    assert (
        "已终止" in ended
        and "重复提出" in ended
        and "暂停办理" not in office.get(f"/matters/{matter}").text
    )


def test_the_secretary_urges_and_it_shows_in_the_inbox_and_on_the_task(
    client: Login, house: House, matter: UUID
) -> None:
    office = client("office")
    waits = house.look(
        lambda s: s.execute(text("SELECT id FROM task WHERE state = 'open'")).scalar()
    )
    assert "催办" not in office.get("/").text
    assert (
        office.post(f"/matters/{matter}/remind", data={"reason": "请于周五前办结"}).status_code
        == 303
    )
    assert "催办" in office.get("/").text and "请于周五前办结" in office.get(f"/tasks/{waits}").text
    again = office.post(f"/matters/{matter}/remind", data={"reason": "再催"})
    assert again.status_code == 409 and "今天已经催办过" in again.text
    assert "请于周五前办结" in client("auditor").get(f"/audit/{matter}").text
    assert (
        client("mover").post(f"/matters/{matter}/remind", data={"reason": "快点"}).status_code
        == 403
    )


@pytest.mark.parametrize("what", ["remind", "suspend", "terminate"])
@pytest.mark.parametrize("reason", ["", "   ", "长" * 501])
def test_without_a_fit_reason_nothing_happens(
    client: Login, house: House, matter: UUID, what: str, reason: str
) -> None:
    answer = client("office").post(f"/matters/{matter}/{what}", data={"reason": reason})
    assert (
        answer.status_code == 422 and "请写明理由" in answer.text and reason.strip() in answer.text
    )
    assert state_of(house, matter) == "running"


@pytest.mark.parametrize("what", ["suspend", "resume", "terminate"])
def test_the_mover_is_refused_the_secretarys_hand_and_it_is_on_record(
    client: Login, house: House, matter: UUID, what: str
) -> None:
    assert (
        client("mover").post(f"/matters/{matter}/{what}", data={"reason": "我自己来"}).status_code
        == 403
    )
    assert state_of(house, matter) == "running"
    kinds = house.look(
        lambda s: s.execute(text("SELECT kind FROM event ORDER BY id DESC LIMIT 1")).scalar()
    )
    assert kinds == "attempt_refused"


def test_an_incident_is_told_to_all_and_tried_again_by_the_secretary(
    client: Login, house: House, matter: UUID
) -> None:
    def broken(session: Any) -> None:
        incidents.note(session, matter, "command", RuntimeError("没有找到办理人"))

    house.look(broken)
    mover, office = (
        client("mover").get(f"/matters/{matter}").text,
        client("office").get(f"/matters/{matter}").text,
    )
    assert "办理中出现异常" in mover and "没有找到办理人" not in mover and "重试" not in mover
    link = re.search(rf'action="(/matters/{matter}/incidents/[^"]+)"', office)
    assert link and "没有找到办理人" in office
    assert client("mover").post(link[1]).status_code == 403
    assert client("foreign").post(link[1]).status_code == 404
    assert client("office").post(link[1]).status_code == 303
    assert client("office").post(link[1]).status_code == 409


# --- the diagram ------------------------------------------------------------------------------------------------------


def test_the_diagram_names_lanes_in_words(client: Login, matter: UUID) -> None:
    answer = client("mover").get(f"/matters/{matter}/diagram.bpmn")
    assert answer.status_code == 200 and answer.content_type.startswith("application/xml")
    assert lanes(answer.data) == {"提出人", "校工会"}
    assert lanes(client("mover").get(f"/matters/{matter}/diagram.bpmn?lang=en").data) == {
        "Mover",
        "Union office",
    }


def test_a_diagram_in_english_leaves_no_chinese_name() -> None:
    process = load(definitions.read(ROOT / "processes" / "congress_motion"))
    tree = etree.fromstring(diagrams.drawn(process, "en"))
    nodes = [
        n for n in tree.iter() if isinstance(n.tag, str) and n.get("id") in process.diagram.elements
    ]
    names = {n.get("id"): n.get("name") for n in nodes}
    assert names["head_check"] == process.tasks["head_check"].title.en
    assert not [n for n in names.values() if n and re.search("[\u4e00-\u9fff]", n)]


def lanes(data: bytes) -> set[str]:
    return {lane.get("name") for lane in etree.fromstring(data).iter(f"{{{BPMN}}}lane")}
