"""A matter looked at from within: as it stood, its gates, who was in its halls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from engine.commands import meetings
from engine.errors import Conflict
from engine.queries import as_of, history
from engine.queries import inbox as waiting
from engine.queries import instance as reading
from engine.queries.as_of import Past, Same
from tests.webui.errands import rated, started
from tests.webui.hall import Hall

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


def shown_then_done(client: Login, house: House, key: UUID, **answers: str) -> None:
    """The office opens the task in the browser and finishes it from that page."""
    item = house.look(lambda s: waiting.inbox(s, house.actor("office")).items[0])
    browser = client("office")
    page = browser.get(f"/tasks/{item.id}").text
    hidden = dict(re.findall(r'type="hidden" name="(saw|revision)" value="([^"]*)"', page))
    assert re.fullmatch(r"\d+\.[0-9a-f]{64}", hidden["saw"])
    given = {f"f.{name}": value for name, value in answers.items()}
    assert browser.post(f"/tasks/{item.id}", data={**hidden, **given}).status_code == 302


def past(house: House, key: UUID) -> Past:
    def read(session: Any) -> Past:
        context = reading.read(session, house.actor("auditor"), key)
        return Past(context, history.record(context).bodies)

    return house.look(read)


def acts(house: House, key: UUID) -> list[as_of.Acted]:
    def read(session: Any) -> list[as_of.Acted]:
        context = reading.read(session, house.actor("auditor"), key)
        return list(Past(context, history.record(context).bodies).acts())

    return house.look(read)


# --- as it stood ----------------------------------------------------------------------------------
def test_what_an_approver_saw_is_shown_again_and_compared(client: Login, house: House) -> None:
    key = started(house)
    shown_then_done(client, house, key, decision="pass")
    shown_then_done(client, house, key, note="已换")
    (first, second) = acts(house, key)
    assert (first.same, second.same) == (Same.YES, Same.YES)
    browser = client("auditor")
    page = browser.get(f"/audit/{key}/then?seq={first.saw}").text
    assert "相符" in page and "更换三号楼饮水机" in page and "已换" not in page
    assert "当日职务" in page
    later = browser.get(f"/audit/{key}/then?seq={second.seq}").text
    assert "已换" in later


def test_a_page_that_showed_something_else_is_told(client: Login, house: House) -> None:
    key = started(house)
    item = house.look(lambda s: waiting.inbox(s, house.actor("office")).items[0])
    forged = {"f.decision": "pass", "saw": f"1.{'0' * 64}"}
    assert client("office").post(f"/tasks/{item.id}", data=forged).status_code == 302
    assert [act.same for act in acts(house, key)] == [Same.NO]
    assert "不符" in client("auditor").get(f"/audit/{key}/then?seq=1").text


def test_where_no_digest_was_kept_the_page_says_so(client: Login, house: House) -> None:
    key = rated(house)
    assert {act.same for act in acts(house, key)} == {Same.UNKEPT}
    page = client("auditor").get(f"/audit/{key}/then").text
    assert "没有摘要" in page and "不符" not in page


def test_the_slider_knows_its_ends(client: Login, house: House) -> None:
    key = rated(house)
    browser = client("auditor")
    for seq in ("0", "-1", "9999"):
        assert browser.get(f"/audit/{key}/then?seq={seq}").status_code == 404
    first = browser.get(f"/audit/{key}/then?seq=1").text
    last = browser.get(f"/audit/{key}/then?seq={past(house, key).last}").text
    assert 'rel="prev"' not in first and 'rel="next"' in first
    assert 'rel="next"' not in last and 'rel="prev"' in last


def test_of_an_altered_history_nothing_of_then_is_shown(client: Login, house: House) -> None:
    key = rated(house)
    spoilt = text("UPDATE event SET body = '{}' WHERE instance_id = :i AND seq = 2")
    house.look(lambda s: s.execute(text("ALTER TABLE event DISABLE TRIGGER USER")))
    house.look(lambda s: s.execute(spoilt, {"i": key}))
    house.look(lambda s: s.execute(text("ALTER TABLE event ENABLE TRIGGER USER")))
    with pytest.raises(Conflict):
        house.look(lambda s: past(house, key).then(3))
    assert client("auditor").get(f"/audit/{key}/then").status_code == 409


def test_only_who_may_read_a_history_looks_into_its_past(client: Login, house: House) -> None:
    key = started(house)
    for page in ("then", "gates", "presence"):
        assert client("plain").get(f"/audit/{key}/{page}").status_code in (403, 404)
        assert client("auditor").get(f"/audit/{key}/{page}").status_code == 200


# --- its gates and its halls ----------------------------------------------------------------------
def test_a_gate_tells_its_rule_its_inputs_and_when_it_opened(client: Login, house: House) -> None:
    hall = Hall(house).election()
    page = client("auditor").get(f"/audit/{hall.instance}/gates").text
    assert "决议没有通过，不能办结。" in page and "没有走到的 1 道" in page
    assert "CG-VOTE-EDU" in page and "此前没有人试图越过" in page


def test_the_hall_is_drawn_and_tabled_by_name(client: Login, house: House) -> None:
    hall = Hall(house).arrived(9).opened().put()
    house.do("d8", meetings.leave, hall.id)
    hall.vote(6, 2)
    page = client("auditor").get(f"/audit/{hall.instance}/presence").text
    assert page.count("<svg") >= 1 and 'class="yx-needed"' in page and 'class="yx-window"' in page
    assert "表决期间离开的：" in page
    gone = page.partition("表决期间离开的：")[2].partition("</p>")[0]
    assert "代表" in gone and gone.count(" · ") == 1
    assert re.search(r">8\s*<b class=\"yx-good\">够", page)


def test_a_matter_without_a_meeting_says_so(client: Login, house: House) -> None:
    assert "本件没有会议" in client("auditor").get(f"/audit/{rated(house)}/presence").text


# --- notes ----------------------------------------------------------------------------------------
def test_an_auditor_notes_on_an_event_for_auditors_only(client: Login, house: House) -> None:
    key, browser = started(house), client("auditor")
    note = {"seq": "1", "text": "核对原件\n第二行"}
    assert browser.post(f"/audit/{key}/notes", data=note).status_code == 302
    page = browser.get(f"/audit/{key}/notes").text
    assert "核对原件" in page and "还没有批注" not in page
    assert "核对原件" in browser.get("/audit/log").text
    office = client("office")
    assert office.get(f"/audit/{key}/notes").status_code == 403
    assert office.post(f"/audit/{key}/notes", data=note).status_code == 403
    log = office.get("/audit/log").text
    assert "批注了" in log and "核对原件" not in log
    assert "批注" not in [
        line for line in office.get(f"/audit/{key}").text.splitlines() if "yx-sub" in line
    ]


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ({"seq": "1", "text": " "}, "请写批注"),
        ({"seq": "99", "text": "留住这句"}, "没有第 99 条"),
        ({"seq": "x", "text": "留住这句"}, "没有第 0 条"),
        ({"seq": "1", "text": "长" * 1001}, "不超过 1000 字"),
    ],
)
def test_a_faulty_note_is_told_and_kept(
    client: Login, house: House, note: dict[str, str], said: str
) -> None:
    reply = client("auditor").post(f"/audit/{started(house)}/notes", data=note)
    assert reply.status_code == 422 and said in reply.text and note["text"].strip() in reply.text
