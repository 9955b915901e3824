"""What happened on an earlier day: its consequences are shown before it is sent, and nothing is done until they were seen."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from engine import clock, db
from engine.commands import definitions, instances, outside, people, polls
from engine.db import tables
from engine.definitions import read
from engine.queries import inbox
from tests.engine.late_entries import ERRAND, dated, files
from tests.webui.quiet import QUIET, done

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


def seen_of(shown: TestResponse) -> str:
    """What the page of a trial sends along the second time."""
    found = re.search(r'name="seen" value="([^"]+)"', shown.text)
    assert found, shown.text
    return found[1]


def ago(days: int) -> str:
    return (clock.today() - timedelta(days=days)).isoformat()


def count(house: House, table: Any) -> int:
    found: int = house.look(lambda s: s.execute(select(func.count()).select_from(table)).scalar())
    return found


def checked(house: House, client: Login) -> tuple[FlaskClient, str, Callable[[], list[Any]]]:
    """The office before a check that says on which day it was made; what is done so far."""
    with db.transaction(house.engine) as session:
        definitions.publish_shipped(session, files())
    house.do("mover", instances.launch, "errand", {"subject": "修灯"})
    task = house.look(
        lambda s: s.scalars(select(tables.task.c.id).where(tables.task.c.element == "check")).one()
    )
    done = select(tables.event.c.body).where(tables.event.c.kind == "task_completed")
    return (
        client("office"),
        f"/tasks/{task}",
        lambda: list(house.look(lambda s: s.scalars(done).all())),
    )


def test_what_follows_from_a_late_entry_is_shown_before_it_is_sent(
    house: House, client: Login
) -> None:
    page, address, finished = checked(house, client)
    day = (clock.today() - timedelta(days=60)).isoformat()
    said = {"f.decision": "pass", "f.met_on": day}
    shown = page.post(address, data=said)
    assert shown.status_code == 200 and not finished()
    assert f"发生于 {day}，今天登记" in shown.text and "已经届满" in shown.text
    assert f'name="seen" value="{day}.' in shown.text and f'value="{day}"' in shown.text
    another = (clock.today() - timedelta(days=50)).isoformat()
    seen = seen_of(shown)
    for wrong in ({**said, "f.met_on": another, "seen": seen}, {**said, "seen": day}):
        assert page.post(address, data=wrong).status_code == 200 and not finished()
    assert page.post(address, data={**said, "seen": seen}).status_code == 302
    (body,) = finished()
    assert json.loads(body)["happened_on"] == day


def test_what_happens_today_is_sent_at_once(house: House, client: Login) -> None:
    page, address, finished = checked(house, client)
    today = {"f.decision": "pass", "f.met_on": clock.today().isoformat()}
    assert page.post(address, data=today).status_code == 302 and len(finished()) == 1


def test_a_late_entry_that_is_refused_is_refused_at_once(house: House, client: Login) -> None:
    page, address, finished = checked(house, client)
    day = (clock.today() - timedelta(days=3)).isoformat()
    answer = page.post(address, data={"f.decision": "", "f.met_on": day})
    assert answer.status_code == 422 and not finished()


# --- the other ways by which a late entry comes in ------------------------------------------------
def test_a_late_launch_is_shown_before_it_is_sent(house: House, client: Login) -> None:
    errand = dated(read(ERRAND), "launch", "", "asked_on")
    with db.transaction(house.engine) as session:
        definitions.publish_shipped(session, errand)
    page = client("mover")
    said = {"f.subject": "修灯", "f.asked_on": ago(60), "once": "k1"}
    shown = page.post("/launch/errand", data=said)
    assert shown.status_code == 200 and not count(house, tables.instance)
    assert "打开“核对”，期限" in shown.text and "已经届满" in shown.text and "修灯" in shown.text
    again = page.post("/launch/errand", data={**said, "seen": seen_of(shown)})
    assert again.status_code == 303 and count(house, tables.instance) == 1


def withdrawal(house: House) -> str:
    """An errand that its mover may take back, saying when they did."""
    errand = dated(read(ERRAND), "withdraw", "messages", "told_on")
    with db.transaction(house.engine) as session:
        definitions.publish_shipped(session, errand)
    return str(house.do("mover", instances.launch, "errand", {"subject": "修灯"}))


def state(house: House) -> str:
    found: str = house.look(lambda s: s.scalars(select(tables.instance.c.state)).one())
    return found


def test_a_late_message_is_shown_before_it_is_sent(house: House, client: Login) -> None:
    key, page = withdrawal(house), client("mover")
    address, said = f"/matters/{key}/send/withdraw", {"f.told_on": ago(2), "once": "k1"}
    shown = page.post(address, data=said)
    assert shown.status_code == 200 and state(house) == "running"
    assert f"发生于 {ago(2)}，今天登记" in shown.text and "本件随即结束" in shown.text
    assert page.post(address, data={**said, "seen": seen_of(shown)}).status_code == 303
    assert state(house) != "running"


def test_the_matter_has_moved_since_the_trial(house: House, client: Login) -> None:
    """What was shown is no longer what would follow: it is shown again."""
    page, address, finished = checked(house, client)
    said = {"f.decision": "pass", "f.met_on": ago(60)}
    seen = seen_of(page.post(address, data=said))
    instance = house.look(lambda s: s.scalars(select(tables.instance.c.id)).one())
    house.do("office", instances.remind, instance, "请抓紧")
    shown = page.post(address, data={**said, "seen": seen})
    assert shown.status_code == 200 and not finished() and seen_of(shown) != seen
    assert page.post(address, data={**said, "seen": seen_of(shown)}).status_code == 302


def token(house: House, who: str) -> dict[str, str]:
    key = house.look(lambda s: people.create_token(s, None, house.people[who], "test"))
    return {"Authorization": f"Bearer {key}", "Accept-Language": "en"}


def test_a_program_gets_the_consequences_and_confirms_them(house: House, client: Login) -> None:
    """409 with what would follow; the same key serves for the second request, for nothing was done."""
    page, address, finished = checked(house, client)
    auth = {**token(house, "office"), "Idempotency-Key": "k1"}
    path, answers = f"/api/v1{address}/complete", {"decision": "pass", "met_on": ago(60)}
    first = page.post(path, json={"answers": answers}, headers=auth)
    problem = first.get_json()
    assert (first.status_code, problem["code"], problem["day"]) == (409, "late_entry", ago(60))
    assert first.content_type == "application/problem+json" and not finished()
    assert any('"Do"' in words for words in problem["consequences"])
    sent = {"answers": answers, "seen": problem["seen"]}
    assert page.post(path, json=sent, headers=auth).status_code == 200 and len(finished()) == 1


def test_a_program_confirms_late_launches_and_messages(house: House, client: Login) -> None:
    key, page, auth = withdrawal(house), client("mover"), token(house, "mover")
    path = f"/api/v1/process-instances/{key}/messages/withdraw"
    sent: dict[str, Any] = {"answers": {"told_on": ago(2)}}
    problem = page.post(path, json=sent, headers=auth)
    assert problem.status_code == 409 and state(house) == "running"
    sent["seen"] = problem.get_json()["seen"]
    assert page.post(path, json=sent, headers=auth).status_code == 200
    with db.transaction(house.engine) as session:
        definitions.publish_shipped(session, dated(read(ERRAND), "launch", "", "asked_on"))
    sent = {"process_id": "errand", "answers": {"subject": "修门", "asked_on": ago(9)}}
    problem = page.post("/api/v1/process-instances", json=sent, headers=auth)
    assert problem.status_code == 409 and count(house, tables.instance) == 1
    sent["seen"] = problem.get_json()["seen"]
    assert page.post("/api/v1/process-instances", json=sent, headers=auth).status_code == 201


def test_the_document_says_how_a_late_entry_is_confirmed(client: Login) -> None:
    document = client("").get("/api/v1/openapi.json").get_json()
    shapes = document["components"]["schemas"]
    assert {"seen", "consequences", "day"} <= shapes["Problem"]["properties"].keys()
    assert all("seen" in shapes[each]["properties"] for each in ("Complete", "Message", "Launch"))
    assert "late_entry" in document["info"]["description"]


# --- what the trial must not tell -----------------------------------------------------------------
def quiet(house: House, *changed: tuple[str, str, str]) -> str:
    """A confidential case before the talk with its respondent, after which a letter that says what a field keeps from
    them goes out, and the mediators confer in a room of their own.
    """
    of = read(QUIET)
    for element, section, key in changed:
        of = dated(of, element, section, key)
    for old, new in (
        ('sourceRef="apart_two" targetRef="voice"', 'sourceRef="apart_two" targetRef="issue_note"'),
        ('sourceRef="voice" targetRef="issue_note"', 'sourceRef="voice" targetRef="reply"'),
        ('sourceRef="issue_note" targetRef="reply"', 'sourceRef="issue_note" targetRef="voice"'),
    ):
        assert old in of["process.bpmn"]
        of["process.bpmn"] = of["process.bpmn"].replace(old, new)
    launch = json.loads(of["forms/launch.json"])
    story = next(field for field in launch["components"] if field["key"] == "story")
    story["properties"]["room"] = "applicant, mediators"
    of["forms/launch.json"] = json.dumps(launch)
    of["process.toml"] += 'needs = ["launch.subject", "launch.story"]\n'
    of["documents/note.typ"] = (
        '#import "/common.typ": fact\n#let d = json("data.json")\n'
        '#fact(d, "launch.subject") #fact(d, "launch.story")\n'
    )
    with db.transaction(house.engine) as session:
        house.person(session, "judge", "钱调解", "union", "union", "mediator@union")
        definitions.publish_shipped(session, of)
    said = {"subject": "讨薪", "story": "经过", "other": str(house.people["second"]), "files": []}
    key = house.do("mover", instances.launch, "quiet", said)
    done(house, "judge", {"note": "受理"})
    return str(key)


def test_a_trial_tells_nothing_of_rooms_and_papers_closed_to_the_person(
    house: House, client: Login
) -> None:
    quiet(house, ("apart_two", "tasks", "talked_on"))
    done(house, "judge", {"said": "愿意", "leaning": "settle", "files": []})
    task = house.look(lambda s: inbox.inbox(s, house.actor("second")).items[0])
    said = {"f.said": "可以", "f.talked_on": ago(3)}
    shown = client("second").post(f"/tasks/{task.id}", data=said)
    told = shown.text[shown.text.index("yx-tried") : shown.text.index("还没有提交")]
    assert "还有您无权查看的后果" in told
    assert "调解员会商" not in told and "征询函" not in told
    answers = {"said": "可以", "talked_on": ago(3)}
    path = f"/api/v1/tasks/{task.id}/complete"
    auth = {**token(house, "second"), "Accept-Language": "zh"}
    problem = client("").post(path, json={"answers": answers}, headers=auth).get_json()
    assert problem["consequences"] == ["还有您无权查看的后果，由有权的人核对。"]


def test_a_trial_tells_those_who_are_in_the_room(house: House, client: Login) -> None:
    quiet(house, ("apart_one", "tasks", "talked_on"))
    task = house.look(lambda s: inbox.inbox(s, house.actor("judge")).items[0])
    said = {"f.said": "愿意", "f.leaning": "settle", "f.talked_on": ago(3)}
    shown = client("judge").post(f"/tasks/{task.id}", data=said)
    assert "打开“与被申请人单独谈话”" in shown.text and "无权查看" not in shown.text


def test_somebody_outside_learns_of_a_late_answer_only_whether_it_is_in_time(
    house: House, client: Login
) -> None:
    key = quiet(house, ("reply", "tasks", "answered_on"))
    done(house, "judge", {"said": "愿意", "leaning": "settle", "files": []})
    done(house, "second", {"said": "可以"})
    asked = house.look(lambda s: s.scalars(select(tables.poll.c.id)).one())
    house.do("judge", polls.respond, asked, "yes", "")
    task = house.look(lambda s: inbox.inbox(s, house.actor("judge")).items[0])
    address = f"/outside/{house.do('judge', outside.invite, task.id, '省教育工会')}"
    said = {"name": "赵处长", "office": "处长", "unit": "省教育工会", "f.days": "3"}
    said |= {"f.opinion": "同意", "f.answered_on": ago(2)}
    shown = client("").post(address, data=said)
    assert shown.status_code == 200 and "赵处长" in shown.text and "同意" in shown.text
    told = shown.text[shown.text.index("yx-tried") : shown.text.index("还没有提交")]
    assert told.count("<li>") == 1 and "由发函的单位核对" in told
    assert (
        house.look(
            lambda s: s.scalars(
                select(tables.task.c.state).where(tables.task.c.id == task.id)
            ).one()
        )
        == "open"
    )
    receipt = client("").post(address, data={**said, "seen": seen_of(shown)})
    assert "答复已收到" in receipt.text and key
