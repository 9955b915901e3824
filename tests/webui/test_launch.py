"""Launching: what is offered to whom, answers kept on errors, one matter for a double tap, duplicates shown, drafts."""

from __future__ import annotations

import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from engine.commands import definitions, drafts, instances
from engine.db import tables
from engine.definitions import load, read
from engine.queries.launchable import first_tasks, launchable
from engine.settings import ROOT
from tests.webui.conftest import ERRAND

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]

FORM = "/launch/errand"


def count(house: House) -> int:
    return int(
        house.look(
            lambda s: s.execute(select(func.count()).select_from(tables.instance)).scalar_one()
        )
    )


def key_in(page: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found
    return found[1]


def test_nobody_launches_without_a_login(client: Login) -> None:
    for answer in (client("").get("/launch"), client("").get(FORM)):
        assert answer.status_code == 302 and "/login" in answer.location
    answer = client("").post(FORM)
    assert answer.status_code == 303 and answer.location == "/login?ended=1"


def test_the_list_shows_what_my_posts_open_with_its_basis(client: Login) -> None:
    page = client("mover").get("/launch").text
    assert (
        "办事单" in page
        and "三个环节的小流程" in page
        and "试验" in page
        and 'href="/launch/errand"' in page
    )
    assert "不能发起" in client("plain").get("/launch").text
    assert "不能发起" in client("office").get("/launch").text


def test_whoever_holds_no_launching_post_gets_neither_form_nor_matter(
    client: Login, house: House
) -> None:
    assert client("plain").get(FORM).status_code == 403
    assert (
        client("office").post(FORM, data={"f.subject": "代人发起", "once": "k"}).status_code == 403
    )
    assert client("mover").get("/launch/no_such").status_code == 404
    assert count(house) == 0


def test_a_good_form_starts_a_matter_and_forgets_the_draft(client: Login, house: House) -> None:
    house.do("mover", drafts.save, "launch:errand", {"subject": "更换饮水机"})
    browser = client("mover")
    page = " ".join(browser.get(FORM).text.split())
    assert 'value="更换饮水机"' in page and 'data-draft="launch:errand"' in page
    assert 'data-alike="/launch/errand/alike" data-on="f-subject"' in page
    assert "核对" in page and "校工会" in page  # who gets it next
    answer = browser.post(FORM, data={"f.subject": "更换饮水机", "once": key_in(page)})
    assert answer.status_code == 303 and answer.location.startswith("/matters/")
    shown = browser.get(answer.location).text
    assert "更换饮水机" in shown and "已发起" in shown and "办〔" in shown
    assert not house.look(lambda s: launchable(s, house.actor("mover")))[0].draft


def test_a_bad_form_comes_back_with_every_answer_and_starts_nothing(
    client: Login, house: House
) -> None:
    browser = client("mover")
    long = "很" * 61
    answer = browser.post(FORM, data={"f.subject": long, "once": "abc"})
    assert answer.status_code == 422
    assert long in answer.text and "yx-fault" in answer.text and "60" in answer.text
    assert browser.post(FORM, data={"f.subject": "", "once": "abc"}).status_code == 422
    assert count(house) == 0
    good = browser.post(FORM, data={"f.subject": "改短了", "once": key_in(answer.text)})
    assert good.status_code == 303 and count(house) == 1


def test_a_double_tap_starts_one_matter(client: Login, house: House) -> None:
    browser = client("mover")
    sent = {"f.subject": "更换饮水机", "once": "tap-tap"}
    first, second = browser.post(FORM, data=sent), browser.post(FORM, data=sent)
    assert first.status_code == second.status_code == 303 and first.location == second.location
    assert count(house) == 1


def test_two_taps_at_the_same_time_start_one_matter(client: Login, house: House) -> None:
    browsers = [client("mover") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        sent = {"f.subject": "更换饮水机", "once": "race"}
        answers = list(pool.map(lambda b: b.post(FORM, data=sent), browsers))
    assert {a.status_code for a in answers} == {303} and len({a.location for a in answers}) == 1
    assert count(house) == 1


def test_the_same_form_sent_again_with_other_words_asks_first(client: Login, house: House) -> None:
    browser = client("mover")
    browser.post(FORM, data={"f.subject": "第一件", "once": "back-button"})
    again = browser.post(FORM, data={"f.subject": "第二件", "once": "back-button"})
    assert (
        again.status_code == 409 and "已经提交过" in again.text and 'value="第二件"' in again.text
    )
    assert count(house) == 1
    assert (
        browser.post(FORM, data={"f.subject": "第二件", "once": key_in(again.text)}).status_code
        == 303
    )
    assert count(house) == 2


def test_a_form_without_its_key_starts_nothing(client: Login, house: House) -> None:
    assert client("mover").post(FORM, data={"f.subject": "没有键"}).status_code == 409
    assert (
        client("mover").post(FORM, data={"f.subject": "键太长", "once": "x" * 500}).status_code
        == 409
    )
    assert count(house) == 0


def test_a_form_needs_its_token(app: Flask, client: Login, house: House) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    browser = client("mover")
    assert browser.post(FORM, data={"f.subject": "伪造", "once": "k"}).status_code == 400
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(FORM).text)
    assert token
    sent = {"f.subject": "真的", "once": "k", "csrf_token": token[1]}
    assert browser.post(FORM, data=sent).status_code == 303 and count(house) == 1


def test_duplicates_are_shown_while_the_title_is_typed(client: Login, house: House) -> None:
    house.do("second", instances.launch, "errand", {"subject": "延长<b>食堂</b>晚间营业时间"})
    house.do("stranger", instances.launch, "errand", {"subject": "延长食堂晚间营业时间，外校的"})
    found = client("mover").get(
        "/launch/errand/alike", query_string={"title": "食堂晚间营业时间太短"}
    )
    assert found.status_code == 200
    assert "延长&lt;b&gt;食堂&lt;/b&gt;晚间营业时间" in found.text and "<b>食堂" not in found.text
    assert "办〔" in found.text and "办理中" in found.text and "外校" not in found.text
    assert client("mover").get("/launch/errand/alike?title=全然无关的内容").text.strip() == ""
    assert client("mover").get("/launch/errand/alike?title=").text.strip() == ""
    assert client("plain").get("/launch/errand/alike?title=食堂晚间营业").status_code == 403


def test_drafts_are_listed_with_their_titles_and_can_be_thrown_away(
    client: Login, house: House
) -> None:
    house.do("mover", drafts.save, "launch:errand", {"subject": "写了一半"})
    browser = client("mover")
    assert "写了一半" in browser.get("/launch").text
    assert "写了一半" not in client("second").get("/launch").text
    assert browser.post("/launch/errand/discard").status_code == 303
    assert "写了一半" not in browser.get("/launch").text


def test_a_draft_of_the_wrong_shape_breaks_no_page(client: Login, house: House) -> None:
    house.do("mover", drafts.save, "launch:errand", {"subject": ["列", "表"], "gone": 3})
    assert (
        client("mover").get(FORM).status_code == 200
        and client("mover").get("/launch").status_code == 200
    )


def test_who_gets_a_motion_first_is_read_through_subprocesses() -> None:
    process = load(read(ROOT / "processes" / "congress_motion"))
    assert [t.id for t in first_tasks(process)] == ["second"]
    mediation = load(read(ROOT / "processes" / "dispute_mediation"))
    assert {t.id for t in first_tasks(mediation)} == {
        "check_record",
        "mandate",
        "examine",
    }  # nothing beyond a timer


def test_an_unknown_matter_is_not_found(client: Login) -> None:
    assert client("mover").get(f"/matters/{uuid4()}").status_code == 404


LONG_FORM = {
    "type": "default",
    "id": "launch",
    "components": [
        {
            "type": "textfield",
            "key": "subject",
            "label": "事由",
            "validate": {"required": True, "maxLength": 60},
        },
        {
            "type": "textarea",
            "key": "why",
            "label": "理由",
            "validate": {"minLength": 5, "maxLength": 500},
        },
        {
            "type": "select",
            "key": "kind",
            "label": "类别",
            "values": [{"label": "后勤", "value": "campus"}],
        },
        {
            "type": "select",
            "key": "unit",
            "label": "单位",
            "properties": {"source": "units:college_union"},
        },
        {
            "type": "checklist",
            "key": "how",
            "label": "同时",
            "values": [{"label": "面商", "value": "meet"}, {"label": "电话", "value": "call"}],
        },
        {"type": "checkbox", "key": "sure", "label": "已核实", "validate": {"required": True}},
        {"type": "filepicker", "key": "files", "label": "附件", "multiple": True},
    ],
}


def test_every_kind_of_answer_survives_a_fault_and_then_arrives(
    client: Login, house: House
) -> None:
    files = {**read(ERRAND), "forms/launch.json": json.dumps(LONG_FORM)}
    house.look(lambda s: definitions.publish_shipped(s, files))
    browser = client("mover")
    sent = [
        ("f.subject", "更换饮水机"),
        ("f.why", "短<"),
        ("f.kind", "campus"),
        ("f.unit", str(house.units["info"])),
    ]
    sent += [("f.how", "meet"), ("f.how", "call"), ("f.sure", "true"), ("once", "long")]
    file = browser.post("/files", data={"file": (io.BytesIO(b"%PDF-"), "说明.pdf")}).json["id"]
    faulty = browser.post(FORM, data=MultiDict([*sent, ("f.files", file)]))
    assert faulty.status_code == 422
    page = " ".join(faulty.text.split())
    assert "短&lt;</textarea>" in page and f'value="{house.units["info"]}" selected' in page
    assert 'value="campus" selected' in page
    assert (
        'value="meet" checked' in page
        and 'value="call" checked' in page
        and 'value="true" checked' in page
    )
    assert f'name="f.files" value="{file}"' in page
    good = [(k, "写得够长了吧") if k == "f.why" else (k, v) for k, v in sent if k != "once"]
    answer = browser.post(FORM, data=MultiDict([*good, ("f.files", file), ("once", key_in(page))]))
    assert answer.status_code == 303
    shown = client("office").get(answer.location).text
    assert (
        "写得够长了吧" in shown
        and "后勤" in shown
        and "信息学院" in shown
        and "面商、电话" in shown
    )
    assert f"/files/{file}" in shown and client("office").get(f"/files/{file}").data == b"%PDF-"


def test_somebody_elses_file_cannot_be_attached(client: Login, house: House) -> None:
    files = {**read(ERRAND), "forms/launch.json": json.dumps(LONG_FORM)}
    house.look(lambda s: definitions.publish_shipped(s, files))
    theirs = (
        client("second")
        .post("/files", data={"file": (io.BytesIO(b"%PDF-"), "说明.pdf")})
        .json["id"]
    )
    sent = {"f.subject": "更换饮水机", "f.sure": "true", "f.files": theirs, "once": "k"}
    answer = client("mover").post(FORM, data=sent)
    assert answer.status_code == 422 and count(house) == 0


def test_what_no_column_can_hold_is_refused_in_words(client: Login, house: House) -> None:
    zero = client("mover").post(FORM, data={"f.subject": "零\0字节", "once": "k"})
    assert zero.status_code == 422 and count(house) == 0
    assert (
        client("mover").post(FORM, data={"f.subject": "零字节", "once": "k\0"}).status_code == 409
    )
    browser = client("mover")
    assert browser.get("/launch/errand/alike?title=%00%00%00").status_code == 200
    assert (
        browser.get("/launch/%00").status_code
        == browser.post("/launch/%00/discard").status_code
        == 404
    )
    assert browser.get("/matters?words=%00%00").status_code == 200


def test_a_fault_of_the_process_keeps_the_answers_and_starts_nothing(
    client: Login, house: House
) -> None:
    files = read(ERRAND)
    office, nobody = 'post = "union_secretary"\nunit = "union"', 'person = "launch.nobody"'
    files["process.toml"] = files["process.toml"].replace(office, nobody)
    house.look(lambda s: definitions.publish_shipped(s, files))
    answer = client("mover").post(FORM, data={"f.subject": "没有人办的事", "once": "k"})
    assert (
        answer.status_code == 500
        and "没有发起成功" in answer.text
        and 'value="没有人办的事"' in answer.text
    )
    assert count(house) == 0


def test_a_process_that_names_people_shows_no_likeness(client: Login, house: House) -> None:
    house.do("second", instances.launch, "errand", {"subject": "调解王某与学院的争议"})
    files = read(ERRAND)
    files["process.toml"] = files["process.toml"].replace(
        'id = "errand"', 'id = "errand"\nconfidentiality = "named"'
    )
    house.look(lambda s: definitions.publish_shipped(s, files))
    assert client("mover").get("/launch/errand/alike?title=调解王某与学院的争议").text.strip() == ""
    assert "data-alike" not in client("mover").get(FORM).text
