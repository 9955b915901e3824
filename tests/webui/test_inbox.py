"""The inbox: its order, what is unusual in it, what comes next, and what was done."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from engine import clock
from engine.commands import definitions, instances, tasks
from engine.db import tables
from engine.definitions import read
from engine.queries import done as finished
from engine.queries import inbox as waiting
from tests.webui import errands
from tests.webui.conftest import ERRAND

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]


def _task(house: House, instance: UUID, element: str) -> UUID:
    query = "SELECT id FROM task WHERE instance_id = :i AND element = :e AND state = 'open'"
    found: UUID = house.look(
        lambda s: s.execute(text(query), {"i": instance, "e": element}).scalar_one()
    )
    return found


def _sent(browser: FlaskClient, task: UUID, **answers: Any) -> str:
    reply = browser.post(f"/tasks/{task}", data={f"f.{k}": v for k, v in answers.items()})
    assert reply.status_code == 302, reply.text[:2000]
    return str(reply.location)


def test_next_is_the_same_matter_then_the_same_step_and_never_a_confidential_one(
    house: House, client: Browser
) -> None:
    one, two, three = (
        house.do("mover", instances.launch, "errand", {"subject": f"第{n}件"}) for n in (1, 2, 3)
    )
    browser = client("office")
    after = _sent(browser, _task(house, two, "check"), decision="pass")
    assert after == f"/tasks/{_task(house, two, 'do')}"  # what is left of the same matter
    after = _sent(browser, _task(house, one, "check"), decision="pass")
    _sent(browser, _task(house, one, "do"), note="已办")
    after = _sent(browser, _task(house, two, "do"), note="已办")
    assert after == f"/tasks/{_task(house, three, 'check')}"
    four = house.do("mover", instances.launch, "errand", {"subject": "第四件"})
    _sent(browser, _task(house, four, "check"), decision="pass")
    five = house.do("mover", instances.launch, "errand", {"subject": "第五件"})
    _sent(browser, _task(house, five, "check"), decision="pass")
    after = _sent(browser, _task(house, five, "do"), note="已办")
    assert after == f"/tasks/{_task(house, four, 'do')}"  # the same step, though 核对 is due sooner
    house.look(lambda s: s.execute(text("UPDATE instance SET confidential = true")))
    assert _sent(browser, _task(house, four, "do"), note="已办") == "/"
    assert _task(house, three, "check")  # it waits in the inbox all the same


def _alike(house: House) -> None:
    """The errand, in a version that lets one act check many."""
    files = read(ERRAND)
    marked = files["process.toml"].replace("[tasks.check]\n", "[tasks.check]\nbatch = true\n")
    house.look(lambda s: definitions.publish_shipped(s, {**files, "process.toml": marked}))


def _rows(page: str) -> dict[str, list[str]]:
    """The parts of the list in their order, each with the titles of its rows."""
    parts = re.split(r'id="part-(\w+)"', page)[1:]
    title = re.compile(r'<b class="yx-row-title">(.*?)</b>', re.DOTALL)
    return {
        part: [re.sub(r"<.*", "", found, flags=re.DOTALL).strip() for found in title.findall(text)]
        for part, text in zip(parts[::2], parts[1::2], strict=True)
    }


def test_the_list_stands_in_the_order_in_which_a_person_works(
    house: House, client: Browser
) -> None:
    _alike(house)
    with clock.set_to(clock.now() - timedelta(days=60)):
        house.do("mover", instances.launch, "errand", {"subject": "早就该办的"})
    for n in (1, 2):
        house.do("mover", instances.launch, "errand", {"subject": f"一样的{n}"})
    read_closely = house.do("mover", instances.launch, "errand", {"subject": "要看办理的"})
    browser = client("office")
    _sent(browser, _task(house, read_closely, "check"), decision="pass")
    page = browser.get("/").text
    assert _rows(page) == {
        "soon": ["早就该办的"],
        "together": ["一样的1", "一样的2"],
        "look": ["要看办理的"],
    }
    assert list(_rows(page)) == ["soon", "together", "look"]
    assert _rows(browser.get("/?part=together").text) == {"together": ["一样的1", "一样的2"]}
    assert _rows(browser.get("/?of=errand.do").text) == {"look": ["要看办理的"]}
    api = house.look(lambda s: waiting.inbox(s, house.actor("office")))
    assert api.by_part == {
        "soon": 1,
        "together": 2,
        "look": 1,
        "poll": 0,
        "deputy": 0,
        "optional": 0,
    }
    assert [item.title for item in api.items][:1] == ["早就该办的"] and api.must == 4


def test_pages_of_the_list_go_on_from_part_to_part(house: House) -> None:
    _alike(house)
    for n in range(3):
        one = house.do("mover", instances.launch, "errand", {"subject": f"第{n}件"})
        house.do("office", tasks.complete, _task(house, one, "check"), {"decision": "pass"})
    for n in range(3, 6):
        house.do("mover", instances.launch, "errand", {"subject": f"第{n}件"})
    actor, seen, after = house.actor("office"), [], None
    for _page in range(6):
        found = house.look(
            lambda s, a=after: waiting.inbox(s, actor, by_part=True, limit=1, after=a)
        )
        seen += [(item.part, item.title) for item in found.items]
        after = found.next
    assert after is None and len(set(seen)) == 6
    assert [part for part, _title in seen] == ["together"] * 3 + ["look"] * 3


def test_what_is_unusual_is_to_be_read_by_itself(house: House, client: Browser) -> None:
    _alike(house)
    one, two, _three = (
        house.do("mover", instances.launch, "errand", {"subject": subject})
        for subject in ("后来有话", "附件后补", "没有什么")
    )
    later = clock.now() + timedelta(minutes=1)
    with clock.set_to(later):
        said = {"closed_at": later, "id": tables.new_id(), "i": one}
        house.look(
            lambda s: s.execute(
                text(
                    "INSERT INTO task (id, instance_id, opened_at, closed_at, ref, element, state, closed_by) "
                    "SELECT :id, id, :closed_at, :closed_at, 0, 'withdraw', 'done', starter_id FROM instance WHERE id = :i"
                ),
                said,
            )
        )
        file = {"id": tables.new_id(), "at": later, "i": two}
        house.look(
            lambda s: s.execute(
                text(
                    "WITH kept AS (INSERT INTO blob (sha256, size, data) VALUES ('x', 1, 'x') RETURNING sha256) "
                    "INSERT INTO attachment (id, instance_id, member_id, name, media_type, sha256, size, at) "
                    "SELECT :id, i.id, starter_id, 'a', 'text/plain', kept.sha256, 1, :at FROM instance i, kept WHERE i.id = :i"
                ),
                file,
            )
        )
    with clock.set_to(later + timedelta(minutes=1)):
        found = house.look(lambda s: waiting.inbox(s, house.actor("office")))
        flags = {item.title: (item.part, item.flags) for item in found.items}
        assert flags == {
            "后来有话": ("look", ("changed",)),
            "附件后补": ("look", ("file",)),
            "没有什么": ("together", ()),
        }
        browser = client("office")
        assert "有新内容" in browser.get("/?part=look").text
        assert browser.get(f"/tasks/{_task(house, one, 'check')}").status_code == 200
        found = house.look(lambda s: waiting.inbox(s, house.actor("office")))
    assert {item.title for item in found.items if item.part == "together"} == {
        "后来有话",
        "没有什么",
    }


def test_a_confidential_matter_shows_no_title_and_never_opens_by_itself(
    house: House, client: Browser
) -> None:
    one, two, three = (
        house.do("mover", instances.launch, "errand", {"subject": f"第{n}件"}) for n in (1, 2, 3)
    )
    house.look(
        lambda s: s.execute(
            text("UPDATE instance SET confidential = true WHERE id = :i"), {"i": two}
        )
    )
    browser = client("office")
    page = browser.get("/").text
    assert _rows(page)["look"].count("保密事项") == 1 and "第2件" not in page
    first, hidden, last = (_task(house, each, "check") for each in (one, two, three))
    card = browser.get(f"/tasks/{first}?part=look").text
    assert "1 / 3" in card and f"/tasks/{last}?part=look" in card and str(hidden) not in card


def test_the_next_one_is_of_the_list_that_one_walks_through(house: House, client: Browser) -> None:
    keys = [
        house.do("mover", instances.launch, "errand", {"subject": f"第{n}件"}) for n in range(4)
    ]
    checks = [_task(house, key, "check") for key in keys]
    order = [
        item.id for item in house.look(lambda s: waiting.inbox(s, house.actor("office"))).items
    ]
    assert sorted(order) == sorted(checks)
    browser, on = client("office"), "?part=look&of=errand.check"
    card = browser.get(f"/tasks/{order[1]}{on}").text
    assert "2 / 4" in card and "上一件" in card and "跳过" in card
    assert f"/tasks/{order[0]}?part=look&amp;of=errand.check" in card
    sent = browser.post(f"/tasks/{order[1]}{on}", data={"f.decision": "pass"})
    assert sent.location == f"/tasks/{order[2]}{on}"  # not what is left of the same matter
    sent = browser.post(f"/tasks/{order[3]}{on}", data={"f.decision": "pass"})
    assert sent.location == f"/tasks/{order[0]}{on}"  # the first of those that were skipped
    for key in (order[0], order[2]):
        sent = browser.post(f"/tasks/{key}{on}", data={"f.decision": "pass"})
    own = _task(house, keys[checks.index(order[2])], "do")
    assert sent.location == f"/tasks/{own}{on}"  # of the list nothing is left, of the matter this
    assert browser.post(f"/tasks/{own}{on}", data={"f.note": "已办"}).location == "/"
    assert browser.get(f"/tasks/{order[0]}?part=nothing").status_code == 422


def test_a_login_that_ends_leads_back_to_the_same_card_in_the_same_list(
    house: House, client: Browser
) -> None:
    house.do("mover", instances.launch, "errand", {"subject": "一件"})
    key = house.look(lambda s: waiting.inbox(s, house.actor("office"))).items[0].id
    address = f"/tasks/{key}?part=look"
    browser = client("office")
    assert browser.get(address).status_code == 200
    with browser.session_transaction() as cookie:
        cookie["key"] = "ended"
    reply = browser.post(
        address,
        data={"f.decision": "pass"},
        headers={"Referer": f"http://localhost{address}"},
    )
    assert reply.status_code == 303 and f"/tasks/{key}?part%3Dlook" in reply.location


def test_the_list_and_the_card_count_the_same_working_days(house: House, client: Browser) -> None:
    house.do("mover", instances.launch, "errand", {"subject": "一件"})
    browser = client("office")
    item = house.look(lambda s: waiting.inbox(s, house.actor("office"))).items[0]
    told = f"还剩 {item.working_left} 个工作日"
    assert item.working_left > 1 and item.working_left != item.days_left
    assert told in browser.get("/").text and told in browser.get(f"/tasks/{item.id}").text


def test_views_are_kept_for_their_owner_and_on_the_server(house: House, client: Browser) -> None:
    house.do("mover", instances.launch, "errand", {"subject": "一件"})
    browser = client("office")
    saved = browser.post("/views?part=look&of=errand.check", data={"name": "核对的"})
    assert saved.location == "/?part=look&of=errand.check"
    page = client("office").get("/").text
    assert "核对的" in page and "核对的" not in client("mover").get("/").text
    assert "删除视图" in browser.get("/?part=look&of=errand.check").text
    browser.post("/views", data={"name": "没有条件"})
    browser.post("/views?part=look", data={"name": " "})
    found = house.look(lambda s: waiting.inbox(s, house.actor("office"))).views
    assert found == (("核对的", {"part": "look", "of": "errand.check"}),)
    browser.post("/views/drop", data={"name": "核对的"})
    assert not house.look(lambda s: waiting.inbox(s, house.actor("office"))).views


def test_what_i_did_is_found_again(house: House, client: Browser) -> None:
    errands.rated(house)
    two = house.do("mover", instances.launch, "errand", {"subject": "另一件"})
    browser = client("office")
    _sent(browser, _task(house, two, "check"), decision="pass")
    page = browser.get("/done").text
    assert page.index("另一件") < page.index("更换三号楼饮水机")
    assert "另一件" not in browser.get("/done?words=饮水机").text
    items, more = house.look(lambda s: finished.done(s, house.actor("mover"), limit=2))
    rest, last = house.look(lambda s: finished.done(s, house.actor("mover"), after=more))
    assert [item.what for item in (*items, *rest)] == ["said", "poll", "said"] and last is None
    assert not house.look(lambda s: finished.done(s, house.actor("plain")))[0]


def test_phrases_are_kept_for_their_writer(house: House, client: Browser) -> None:
    browser = client("office")
    for text_ in ("同意，请按期答复。", "  同意，\n请按期答复。 ", "情况属实。"):
        reply = browser.post("/phrases/keep", data={"text": text_})
    assert reply.json == ["同意，请按期答复。", "同意， 请按期答复。", "情况属实。"]
    assert browser.post("/phrases/drop", data={"text": "情况属实。"}).json == reply.json[:2]
    assert browser.post("/phrases/keep", data={"text": " "}).status_code == 422
    assert browser.post("/phrases/keep", data={"text": "字" * 201}).status_code == 422
    assert (
        browser.get("/phrases").json == reply.json[:2]
        and client("mover").get("/phrases").json == []
    )
