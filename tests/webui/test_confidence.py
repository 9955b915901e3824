"""A confidential matter: nobody who is not named in it finds a word of it anywhere, rooms hold, readers are on record."""

from __future__ import annotations

import io
import json
import logging
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select, text

from engine import clock, db
from engine.commands import (
    confidence,
    deciding,
    edge,
    erasure,
    instances,
)
from engine.db import tables
from engine.errors import Conflict, Refused
from engine.history import keys, seals
from engine.history.signing import Signer
from engine.instance.choices import choices
from engine.queries import calendars, retention
from engine.queries.words import Named
from tests.webui.conftest import House
from tests.webui.erasing import erase_by_two, kept, second_judge
from tests.webui.quiet import (
    ALONE,
    CANARY,
    ONE,
    OUTSIDE,
    SUBJECT,
    TWO,
    VOICE,
    Case,
    confidential_case,
    done,
)
from webui.http import evidence

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine
    from werkzeug.test import TestResponse

NOBODY = "01a20509-42be-7875-a54e-608a92498ac0"
LAST = clock.today() + timedelta(days=30)  # until when somebody is let in
UNNAMED = ("office", "auditor", "admin", "third", "plain", "stranger", "foreign")


@pytest.fixture
def case(house: House, engine: Engine, url: str, tmp_path: Path) -> Case:
    return confidential_case(house, engine, url, tmp_path)


def words_in(reply: TestResponse) -> str:
    data = reply.get_data()
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "".join(archive.read(n).decode("utf-8", "replace") for n in archive.namelist())
    said = data.decode("utf-8", "replace")
    return said + (
        json.dumps(reply.get_json(), ensure_ascii=False) if "json" in reply.content_type else ""
    )


def addresses(case: Case) -> list[tuple[str, str, bool]]:
    """Every GET route with the objects of the matter: its endpoint, its address, and whether it names one of them."""
    found, own = [], case.own
    else_ = {
        "member_id": str(case.house.people["mover"]),
        "process_id": "quiet",
        "kind": "people",
        "rule_id": "MO-REVIEW",
        "name": "speak",
        "filename": "app.css",
        "unit_id": str(case.house.units["union"]),
    }
    digest = case.house.look(
        lambda s: s.execute(
            select(tables.definition.c.hash).where(tables.definition.c.process_id == "quiet")
        ).scalar_one()
    )
    for rule in case.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        values = {
            a: own.get(a)
            or else_.get(a)
            or (digest if a in ("digest", "old", "new", "key") else NOBODY)
            for a in rule.arguments
        }
        if rule.endpoint.startswith("outside.") or "token" in rule.arguments:
            values["token"] = "x" * 43  # the link itself is for whoever was sent it
        try:
            path = case.app.url_map.bind("localhost").build(rule.endpoint, values, method="GET")
        except Exception:  # a converter that takes no such value
            continue
        named = bool(
            set(rule.arguments)
            & {"instance_id", "task_id", "poll_id", "document_id", "attachment_id"}
        )
        found.append((rule.endpoint, path, named))
    return found


# what is looked for comes back in the page, so pieces of the mark are looked for
SEARCHES = (
    "/audit?words=密语讨薪",
    "/audit?format=csv",
    "/?words=密语",
    "/matters?words=密语",
    "/people?q=翠鸟",
    "/audit/log",
    "/launch/quiet/alike?title=密语讨薪",
    "/launch/quiet",
    "/audit?process=quiet",
    "/audit?words=静",
)
API_SEARCHES = (
    "/search?q=密语",
    "/search?q=静",
    "/search?q=讨薪",
    "/process-instances/alike?process=quiet&title=密语讨薪",
    "/process-instances?words=密语",
    "/process-instances?process=quiet",
    "/polls",
    "/tasks",
    "/drafts",
    "/history",
    "/meetings",
)


def test_no_page_and_no_answer_says_a_word_to_who_is_not_named(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    leaks, wrong = [], []
    routes = addresses(case)
    assert len(routes) > 60
    for who in UNNAMED:
        browser = case.browser(who)
        replies: list[tuple[str, bool, TestResponse]] = [
            (path, named, browser.get(path))
            for _, path, named in routes
            if not path.startswith("/api/")
        ]
        replies += [(path, False, browser.get(path)) for path in SEARCHES]
        replies += [
            (path, named, case.api(who, path.removeprefix("/api/v1")))
            for _, path, named in routes
            if path.startswith("/api/")
        ]
        replies += [(path, False, case.api(who, path)) for path in API_SEARCHES]
        for path, named, reply in replies:
            said = words_in(reply)
            if (
                CANARY in said
                or case.number in said
                or (not named and case.own["instance_id"] in said)
            ):
                leaks.append(f"{who}: {path}")
            if named and reply.status_code not in (
                404,
                422,
                200,
            ):  # 422: the request itself is not understood
                wrong.append(f"{who}: {path} gave {reply.status_code}")
            if (
                named
                and reply.status_code == 200
                and reply.get_json(silent=True) not in ({"items": [], "next": None},)
            ):
                wrong.append(f"{who}: {path} gave 200")
    assert not leaks, "\n".join(leaks)
    assert not wrong, "\n".join(wrong)
    assert CANARY not in caplog.text and case.number not in caplog.text
    assert (
        CANARY in case.browser("mover").get(f"/matters/{case.id}").text
    )  # the mark stands where it belongs
    assert SUBJECT in words_in(case.api("judge", "/search?q=密语"))


def test_no_command_tells_that_it_exists(case: Case) -> None:
    reason = {"reason": "工作需要"}
    for who in ("office", "auditor", "admin", "third", "foreign"):
        for path, body in (
            ("terminate", reason),
            ("suspend", reason),
            ("resume", None),
            ("withdraw", reason),
            ("erasure", reason),
            ("evidence", None),
            ("evidence/queued", None),
            ("messages/speak", {"answers": {"words": "甲"}}),
            (
                "readers",
                {**reason, "member_id": str(case.house.people[who]), "until": "2199-12-31"},
            ),
        ):
            reply = case.api(
                who,
                f"/process-instances/{case.id}/{path}",
                "POST",
                **({"json": body} if body is not None else {}),
            )
            assert reply.status_code == 404 and CANARY not in reply.text, (
                who,
                path,
                reply.status_code,
            )
        for path, body in (
            (f"/tasks/{case.own['task_id']}/complete", {"answers": {}}),
            (f"/tasks/{case.own['task_id']}/claim", None),
            (f"/polls/{case.own['poll_id']}/respond", {"choice": "yes"}),
            (f"/polls/{case.own['poll_id']}/close", None),
        ):
            reply = case.api(who, path, "POST", **({"json": body} if body is not None else {}))
            assert reply.status_code == 404, (who, path, reply.status_code)
        page = case.browser(who)
        for what in ("suspend", "terminate", "readers", "erase"):
            assert page.post(f"/matters/{case.id}/{what}", data=reason).status_code == 404


def test_it_is_neither_offered_nor_named_nor_counted(case: Case) -> None:
    house = case.house
    office, mover = house.actor("office"), house.actor("mover")
    union = house.units["union"]
    assert not house.look(lambda s: choices(s, union)("instances:quiet"))
    assert not house.look(lambda s: choices(s, union, actor=office)("instances:quiet"))
    assert house.look(lambda s: choices(s, union, actor=mover)("instances:quiet"))
    known = house.look(
        lambda s: [
            Named.of(s, [str(case.id)], who).names[str(case.id)] for who in (None, office, mover)
        ]
    )
    assert SUBJECT in known[2] and not any(
        CANARY in name or case.number in name for name in known[:2]
    )
    metrics = case.app.test_client().get("/metrics").text
    assert "yixing_instances_running 0.0" in metrics and "yixing_tasks_open 0.0" in metrics
    house.do("mover", instances.launch, "errand", {"subject": "饮水机"})
    house.look(
        lambda s: s.execute(
            text(
                "UPDATE task SET due = '{\"provisional\": true}', due_at = now() WHERE state = 'open'"
            )
        )
    )
    assert (
        house.look(lambda s: calendars.read(s, office, union)).provisional == 1
    )  # the errand's, not this one's


def test_links_show_the_other_matter_only_to_who_may_know_of_it(case: Case) -> None:
    errand = case.house.do("mover", instances.launch, "errand", {"subject": "饮水机"})
    link = {"from_id": case.id, "to_id": errand, "kind": "by_election", "at": clock.now()}
    case.house.look(lambda s: s.execute(insert(tables.link).values(**link)))
    assert case.number not in case.browser("office").get(f"/matters/{errand}").text
    there, back = (
        case.browser("mover").get(f"/matters/{case.id}").text,
        case.browser("mover").get(f"/matters/{errand}").text,
    )
    assert "补选" in there and "饮水机" in there and "起因" in back and case.number in back
    assert case.api("office", f"/process-instances/{errand}").get_json()["links"] == []


# --- rooms ------------------------------------------------------------------------------------------------------------
def everything(case: Case, who: str) -> str:
    """All that this person can read of the matter."""
    browser = case.browser(who)
    said = browser.get(f"/matters/{case.id}").text + browser.get(f"/audit/{case.id}").text
    for path in ("", "/history", "/proof", "/readings"):
        said += words_in(case.api(who, f"/process-instances/{case.id}{path}"))
    for key in (case.own["inside"], case.own["attachment_id"]):
        for end in ("", "/view"):
            said += browser.get(f"/files/{key}{end}").get_data(as_text=True)
        said += words_in(case.api(who, f"/files/{key}"))
    return (
        said
        + words_in(case.api(who, f"/polls/{case.own['poll_id']}"))
        + words_in(case.api(who, "/polls"))
    )


def test_what_is_said_in_a_room_stays_in_it(case: Case) -> None:
    mediator, applicant, respondent = (
        everything(case, "judge"),
        everything(case, "mover"),
        everything(case, "second"),
    )
    assert all(words in mediator for words in (SUBJECT, ONE, TWO, ALONE, VOICE))
    assert (
        SUBJECT in applicant
        and ONE in applicant
        and ALONE in applicant
        and TWO not in applicant
        and VOICE not in applicant
    )
    assert SUBJECT in respondent and TWO in respondent
    assert (
        ONE not in respondent
        and ALONE not in respondent
        and VOICE not in respondent
        and "settle" not in respondent
    )
    assert case.browser("second").get(f"/files/{case.own['inside']}").status_code == 404
    assert case.browser("second").get(f"/polls/{case.own['poll_id']}").status_code == 404
    history = case.api("mover", f"/process-instances/{case.id}/history").get_json()["items"]
    assert [e["body"].get("room") for e in history if e["kind"] == "poll_answered"] == ["closed"]


def test_who_is_let_in_reads_the_matter_but_no_room_and_takes_no_pack_of_one(
    case: Case, tmp_path: Path
) -> None:
    house = case.house
    with pytest.raises(Refused):  # a party may not
        house.do("mover", confidence.let_in, case.id, house.people["auditor"], "看看", until=LAST)
    page = case.browser("judge")
    form = {"member": str(house.people["auditor"]), "reason": "", "until": LAST.isoformat()}
    reply = page.post(f"/matters/{case.id}/readers", data=form)
    assert reply.status_code == 422 and "请写明理由" in reply.text
    form["reason"] = "监督办案期限"
    for day, why in (
        ("", "准许查阅到哪一天"),
        ("2020-01-01", "不能早于今天"),
        ("3月", "这样的日期"),
    ):
        reply = page.post(f"/matters/{case.id}/readers", data={**form, "until": day})
        assert reply.status_code == 422 and why in reply.text and "监督办案期限" in reply.text
    assert not house.look(lambda s: s.execute(select(tables.guest)).all())
    reply = page.post(
        f"/matters/{case.id}/readers",
        data=form,
        follow_redirects=True,
    )
    assert reply.status_code == 200 and "孙审计" in reply.text and "监督办案期限" in reply.text
    assert reply.text.count(f"至 {LAST}") == 2  # who may be let out again, and the record
    with pytest.raises(Conflict):
        house.do("judge", confidence.let_in, case.id, house.people["auditor"], "再次", until=LAST)
    said = everything(case, "auditor")
    assert SUBJECT in said and not any(words in said for words in (ONE, TWO, ALONE, VOICE))
    assert case.browser("auditor").get(f"/audit/{case.id}").status_code == 200
    key = keys.load_or_create(tmp_path)
    with pytest.raises(Refused, match="不能查阅的内容"):
        house.do("auditor", evidence.export, case.id, Signer(key))
    assert case.browser("office").get(f"/matters/{case.id}").status_code == 404


def test_who_read_it_is_on_record_once_a_day_and_shown_to_all_who_are_named(case: Case) -> None:
    page = case.browser("second")
    for _ in range(2):
        assert page.get(f"/matters/{case.id}").status_code == 200
    assert case.browser("judge").get(f"/tasks/{case.own['task_id']}").status_code == 200
    told = case.api("mover", f"/process-instances/{case.id}/readings").get_json()["items"]
    assert sorted((r["who"], r["kind"]) for r in told) == [
        ("李强", "matter_read"),
        ("钱调解", "matter_read"),
    ]
    shown = case.browser("mover").get(f"/matters/{case.id}").text
    assert (
        "谁看过" in shown and "李强" in shown and "准许谁" not in shown
    )  # a party cannot let anybody in
    case.browser("third").get(f"/matters/{case.id}")
    assert len(case.api("mover", f"/process-instances/{case.id}/readings").get_json()["items"]) == 3


# --- erasure ----------------------------------------------------------------------------------------------------------
def test_erasing_takes_every_text_and_leaves_a_history_that_still_proves_itself(case: Case) -> None:
    house = case.house
    with pytest.raises(Conflict):
        house.do("judge", erasure.propose, case.id, "保存期满")
    done(house, "judge", {"days": 3, "opinion": f"{CANARY}答复"})
    with pytest.raises(Refused):
        house.do("mover", erasure.propose, case.id, "保存期满")
    before = everything(case, "judge")
    assert CANARY in before and CANARY in kept(case)
    with pytest.raises(Conflict) as early:
        house.do("judge", erasure.propose, case.id, "保存期满")
    assert early.value.code == "retained"
    with clock.set_to(clock.now() + timedelta(days=3700)):
        erase_by_two(case)
        left = kept(case).replace(OUTSIDE, "")  # to whom a link was sent stands in the history too
        assert CANARY not in left
        with db.transaction(case.app.extensions["engine"]) as session:
            events = (
                session.execute(
                    select(tables.event.c.body).where(tables.event.c.instance_id == case.id)
                )
                .scalars()
                .all()
            )
            assert not [b for b in events if CANARY in b.replace(OUTSIDE, "")]
            assert seals.verify(session, None).broken is None
        said = everything(case, "judge")
        assert CANARY not in said.replace(OUTSIDE, "") and "内容已按规定删除" in said
        # what left the house is kept, for it is in the hands of others
        assert case.browser("judge").get(f"/documents/{case.own['document_id']}").status_code == 200
        with pytest.raises(Conflict):
            house.do("judge", erasure.propose, case.id, "再一次")
        assert "matter_erased" in [
            r["kind"]
            for r in case.api("mover", f"/process-instances/{case.id}/readings").get_json()["items"]
        ]


def listed(case: Case, who: str) -> list[tuple[str, str]]:
    """State and rule of each line of the report, and its page and table agree."""
    actor = case.house.actor(who)
    found = case.house.look(lambda s: retention.report(s, actor))
    page = case.browser(who).get("/retention")
    table = case.browser(who).get("/retention?format=csv").data.decode("utf-8-sig").splitlines()
    assert page.status_code == 200
    assert page.text.count("yx-box") == len(found) == len(table) - 1
    assert all(each.number in page.text for each in found)
    return [(each.state, each.rule) for each in found]


def test_the_report_says_what_is_kept_held_due_and_erased_to_those_who_may_see_it(
    case: Case,
) -> None:
    house = case.house
    assert listed(case, "judge") == []  # it has not ended
    done(house, "judge", {"days": 3, "opinion": "答复"})
    assert listed(case, "judge") == [("kept", "RET-CASE")]
    assert 'href="/retention"' in case.browser("judge").get(f"/matters/{case.id}").text
    assert listed(case, "office") == []  # not even counted
    with clock.set_to(clock.now() + timedelta(days=3700)):
        second = second_judge(case)
        assert listed(case, "judge") == [("due", "RET-CASE")]
        held = house.do("judge", erasure.hold, case.id, "仲裁未结")
        assert listed(case, second) == [("held", "RET-CASE")]
        house.do(second, deciding.decide, held, True)
        proposal = house.do("judge", erasure.propose, case.id, "保存期满")
        assert listed(case, "judge") == [("proposed", "RET-CASE")]
        house.do(second, deciding.decide, proposal, True)
        assert listed(case, "judge") == [("erased", "RET-CASE")]


def test_contents_that_vanish_without_an_erasure_on_record_are_found(case: Case) -> None:
    done(case.house, "judge", {"days": 3, "opinion": "答复"})
    case.house.look(
        lambda s: s.execute(
            text("UPDATE task SET answers = NULL, salt = NULL WHERE element = 'accept'")
        )
    )
    broken = case.house.look(lambda s: seals.verify(s, None)).broken
    assert broken is not None and "accept" in broken.why


def test_a_reading_stops_no_other_command(case: Case) -> None:
    """The lock is given back at once, and a stranger's try does not make the matter's history grow."""
    case.browser("judge").get(f"/matters/{case.id}")
    house = case.house
    actor = house.actor("office")
    with pytest.raises(Exception, match=r"无权|没有找到"):
        edge.carry_out(
            case.app.extensions["engine"],
            actor,
            lambda s: instances.suspend(s, actor, case.id, "看看"),
        )
    kinds = [
        e["kind"]
        for e in case.api("mover", f"/process-instances/{case.id}/history").get_json()["items"]
    ]
    assert "attempt_refused" not in kinds


# --- the rule beside the person ---------------------------------------------------------------------------------------
def test_a_guard_and_its_rule_are_told_before_anybody_acts(case: Case) -> None:
    page = case.browser("judge").get(f"/tasks/{case.own['task_id']}").text
    assert (
        "没有外单位的答复，不能办结。" in page and "前提：提交时判断" in page and "MO-REPLY" in page
    )
    told = case.api("judge", f"/tasks/{case.own['task_id']}").get_json()["guards"]
    assert [(g["holds"], [r["id"] for r in g["rules"]]) for g in told] == [(None, ["MO-REPLY"])]


def test_a_message_that_would_surely_be_refused_is_shown_with_the_reason_and_cannot_be_pressed(
    case: Case,
) -> None:
    page = case.browser("judge").get(f"/matters/{case.id}").text
    assert "没有调解员反对，不能终止调解。" in page and f"/matters/{case.id}/send/stop" not in page
    able = case.api("judge", f"/process-instances/{case.id}").get_json()["able"]
    assert [(a["name"], a["refused"]) for a in able] == [("stop", "没有调解员反对，不能终止调解。")]
