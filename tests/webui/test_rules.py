"""Pages on rules: the rulebook in words, a union's own values by two people, the calendar, vacations and notices."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from sqlalchemy import select, text

from engine import clock, db
from engine.commands import instances, meetings
from engine.db import tables
from engine.errors import Refused
from tests.webui.hall import Hall

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


NEWEST = text(
    "SELECT m.id, m.code FROM meeting m JOIN instance i ON i.id = m.instance_id ORDER BY i.started_at DESC LIMIT 1"
)


@pytest.fixture(autouse=True)
def administrator(house: House) -> None:
    """Somebody who may approve what the office proposes."""
    with db.transaction(house.engine) as session:
        house.person(session, "admin", "管理员", "union", "union", "administrator@union")


def tomorrow(days: int = 1) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


def proposal(**more: str) -> dict[str, str]:
    return {"value": "60", "valid_from": tomorrow(), "source": "八届二次教代会决议", **more}


def settings(house: House) -> list[Any]:
    return list(house.look(lambda s: s.execute(select(tables.setting)).all()))


# --- rules ------------------------------------------------------------------------------------------------------------
def test_everybody_reads_the_rules_of_their_union(client: Login) -> None:
    page = client("plain").get("/rules").text
    for said in (
        "教代会提案",
        "MO-REPLY",
        "45 日内",
        "凭记忆，待核对",
        "已核对原文",
        "本单位自定或产品默认",
        "第7条",
    ):
        assert said in page, said
    assert client("").get("/rules").status_code == 302


def test_rules_are_filtered_by_words(client: Login) -> None:
    page = client("plain").get("/rules?words=满意度").text
    assert "MO-RATE" in page and "MO-REPLY" not in page
    assert "没有符合条件的规则" in client("plain").get("/rules?words=没有这样的").text


def test_the_rules_of_a_foreign_union_are_not_there(client: Login, house: House) -> None:
    assert client("plain").get(f"/rules?union={house.units['other']}").status_code == 404
    assert client("plain").get(f"/rules/MO-REPLY?union={house.units['other']}").status_code == 404
    assert client("plain").get("/rules/NO-SUCH").status_code == 404
    assert client("plain").get("/rules?union=x").status_code == 404


def test_a_rule_shows_all_its_sources_and_english(client: Login) -> None:
    page = client("plain").get("/rules/CC-REPLY").text
    assert (
        "以此为准" in page
        and "10 个工作日" in page
        and "20 日" in page
        and "提出本单位的值" not in page
    )
    assert "working days" in client("plain").get("/rules/CC-REPLY?lang=en").text


def test_two_people_set_a_value(client: Login, house: House) -> None:
    office = client("office")
    assert office.post("/rules/MO-REPLY/propose", data=proposal()).status_code == 302
    assert (
        "由另一人批准" in office.get("/rules/MO-REPLY").text
        and "有提议待批准" in office.get("/rules").text
    )
    key = settings(house)[0].id
    path = f"/rules/settings/{key}/decide"
    assert office.post(path, data={"decision": "approve"}).status_code == 403
    assert client("plain").post(path, data={"decision": "approve"}).status_code == 403
    assert client("foreign").post(path, data={"decision": "approve"}).status_code == 404
    assert client("admin").post(path, data={"decision": "perhaps"}).status_code == 422
    assert (
        client("admin").post(path, data={"decision": "approve", "rule": "MO-REPLY"}).status_code
        == 302
    )
    assert client("admin").post(path, data={"decision": "approve"}).status_code == 409
    page = office.get("/rules/MO-REPLY").text
    assert "60 日内" in page and "施行中" in page and "管理员" in page


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"value": "many"}, "请填写整数"),
        ({"value": "-1"}, "请填写整数"),
        ({"value": "9" * 30}, "请填写整数"),
        ({"value": "½"}, "请填写整数"),
        ({"valid_from": "soon"}, "日期应写成"),
        ({"valid_from": "2020-01-01"}, "最早自明天起"),
        ({"source": ""}, "不能为空"),
        ({"valid_to": "2020-01-01"}, "结束日早于开始日"),
    ],
)
def test_faults_of_a_proposal_stand_beside_the_field(
    client: Login, house: House, more: dict[str, str], said: str
) -> None:
    reply = client("office").post("/rules/MO-REPLY/propose", data=proposal(**more))
    assert (
        reply.status_code == 422
        and said in reply.text
        and ("八届二次" in reply.text or "source" in more)
    )
    assert settings(house) == []


@pytest.mark.parametrize(
    "value", ["", "3", "0.75", "75%", "四分之三", "3/0", "3/4/5", "1 3/4", "-3/4"]
)
def test_a_share_is_written_as_a_fraction(client: Login, house: House, value: str) -> None:
    reply = client("office").post("/rules/CG-QUORUM/propose", data=proposal(value=value))
    assert (
        reply.status_code == 422
        and "请写成 2/3 这样的分数。" in reply.text
        and f'value="{value}"' in reply.text
    )
    assert settings(house) == []


def test_two_people_set_a_share_and_the_next_days_meetings_need_it(
    client: Login, house: House
) -> None:
    office = client("office")
    page = office.get("/rules/CG-QUORUM").text
    assert "比例（分数）" in page and 'placeholder="2/3"' in page and "数值<input" not in page
    assert (
        office.post("/rules/CG-QUORUM/propose", data=proposal(value=" ３／４　")).status_code == 302
    )
    assert (
        "不少于全体的 3/4" in office.get("/rules").text
        and "不少于全体的 3/4" in office.get("/rules/CG-QUORUM").text
    )
    (row,) = settings(house)
    assert (row.value, row.per) == (3, 4)
    reply = client("admin").post(
        f"/rules/settings/{row.id}/decide", data={"decision": "approve", "rule": "CG-QUORUM"}
    )
    assert reply.status_code == 302
    hall = Hall(house)
    assert "还差 6 人" in client("chair").get(f"/meetings/{hall.id}").text
    with clock.set_to(clock.now() + timedelta(days=1)):
        assert (
            "本单位自定" in client("office").get("/rules/CG-QUORUM").text.partition("各个来源")[0]
        )
        hall.instance = house.do("chair", instances.launch, "hall", {"subject": "第八届三次教代会"})
        hall.id, hall.code = house.look(lambda s: s.execute(NEWEST).one())
        page = client("chair").get(f"/meetings/{hall.id}").text
        assert (
            "还差 7 人" in page
            and "全体正式代表 3/4 到会" in page
            and "本单位定为不少于全体的 3/4" in page
        )
        hall.arrived(6).opened()
        with pytest.raises(Refused, match="须到 7 人"):
            hall.put()
        house.do("d6", meetings.arrive, hall.id, hall.code)
        poll = hall.put().vote(5, 2).poll("vote")
        assert (
            "教代会法定人数：应到 9 人，须到 7 人，实到 7 人，符合法定人数"
            in client("chair").get(f"/polls/{poll}").text
        )


def test_law_is_not_loosened_on_the_page_either(client: Login, house: House) -> None:
    for rule, value in (("CC-REPLY", "30"), ("CG-QUORUM", "1/2")):
        reply = client("office").post(f"/rules/{rule}/propose", data=proposal(value=value))
        assert (
            reply.status_code == 422
            and f"不得放宽为 {value}" in reply.text
            and settings(house) == []
        )
    assert client("plain").post("/rules/MO-REPLY/propose", data=proposal()).status_code == 403


# --- calendar ---------------------------------------------------------------------------------------------------------
def notice(house_year: int) -> str:
    return f"日期,休/班,名称\n{house_year}-01-01,休,元旦\n{house_year}/5/1\t休\t劳动节\n{house_year}年10月1日 休 国庆节\n"


def next_year() -> int:
    return clock.today().year + 1


def test_the_calendar_says_what_is_known(client: Login) -> None:
    page = client("plain").get("/rules/calendar").text
    assert (
        "暂定：尚未载入" in page and str(next_year()) in page and "登记假期</summary>" not in page
    )
    assert "增删假期不改变已经开始计算的期限" in page


def test_a_pasted_notice_is_loaded(client: Login, house: House) -> None:
    house.do("mover", instances.launch, "errand", {"subject": "更换饮水机"})
    year = next_year()
    data = {"year": str(year), "source": "国务院办公厅通知", "rows": notice(year)}
    reply = client("office").post("/rules/calendar", data=data, follow_redirects=True)
    assert f"已提出 {year} 年放假安排" in reply.text and "国务院办公厅通知" in reply.text
    assert "批准</button>" not in reply.text, "nobody approves what they proposed"
    assert house.look(lambda s: s.execute(select(tables.notice.c.year)).first()) is None
    approve(client, house)
    assert house.look(lambda s: s.execute(select(tables.notice.c.year)).scalar_one()) == year
    assert "国务院办公厅通知" in client("office").get("/rules/calendar").text


def approve(client: Login, house: House) -> None:
    """Somebody who answers for the installation approves what waits."""
    with db.transaction(house.engine) as session:
        house.person(session, "runner", "总管", "union", "union", "installation@union")
    runner = client("runner")
    (action,) = re.findall(r'action="(/proposals/[^"]+)"', runner.get("/proposals").text)
    assert runner.post(action, data={"decision": "maybe"}).status_code == 422
    assert runner.post(action, data={"decision": "approve"}).status_code == 302


def sheet(rows: list[list[Any]]) -> io.BytesIO:
    book, data = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(data)
    data.seek(0)
    return data


@pytest.mark.parametrize("kind", ["xlsx", "csv", "gbk.csv"])
def test_an_uploaded_notice_is_loaded(client: Login, house: House, kind: str) -> None:
    year = next_year()
    rows = [
        line.replace("/", "-").split(",")
        for line in (
            f"日期,安排,名称\n{year}-01-01,休,元旦\n{year}-05-01,休,\n{year}-10-01,休,"
        ).split("\n")
    ]
    data = (
        sheet(rows)
        if kind == "xlsx"
        else io.BytesIO(
            "\n".join(",".join(r) for r in rows).encode("gb18030" if "gbk" in kind else "utf-8-sig")
        )
    )
    form = {"year": str(year), "source": "国务院办公厅通知", "sheet": (data, f"n.{kind}")}
    assert client("admin").post("/rules/calendar", data=form).status_code == 302
    approve(client, house)
    assert house.look(lambda s: len(s.execute(select(tables.notice)).all())) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"rows": "2027-01-01,休,元旦"}, "请载入全年"),
        ({"rows": ""}, "放假安排是空的"),
        ({"year": "1999"}, "只能载入"),
        ({"year": "x"}, "只能载入"),
        ({"source": ""}, "不能为空"),
        ({"rows": "x,y\n" * 500}, "最多 400 行"),
        ({"rows": '"2027\n"休'}, "空"),
    ],
)
def test_a_faulty_notice_is_refused_with_its_rows(
    client: Login, house: House, more: dict[str, str], said: str
) -> None:
    form = {
        "year": str(next_year()),
        "source": "国务院办公厅通知",
        "rows": notice(next_year()),
        **more,
    }
    reply = client("office").post("/rules/calendar", data=form)
    assert reply.status_code == 422 and said in reply.text
    assert house.look(lambda s: s.execute(select(tables.notice)).all()) == []


@pytest.mark.parametrize("data", [b"\x00\xff\xfe", b"PK\x03\x04broken", b"a" * 2_000_000])
def test_a_file_that_is_none_is_refused(client: Login, data: bytes) -> None:
    for name in ("n.xlsx", "n.csv"):
        form = {
            "year": str(next_year()),
            "source": "国务院办公厅通知",
            "sheet": (io.BytesIO(data), name),
        }
        assert client("office").post("/rules/calendar", data=form).status_code in (413, 422)


def test_only_desks_change_the_calendar(client: Login, house: House) -> None:
    form = {"year": str(next_year()), "source": "国务院办公厅通知", "rows": notice(next_year())}
    assert client("auditor").post("/rules/calendar", data=form).status_code == 403
    days = {"name": "寒假", "from_on": tomorrow(30), "to_on": tomorrow(50)}
    assert client("plain").post("/rules/calendar/vacations", data=days).status_code == 403


def test_vacations_come_and_go(client: Login, house: House) -> None:
    office = client("office")
    days = {"name": "寒假", "from_on": tomorrow(30), "to_on": tomorrow(50)}
    assert (
        "已登记假期"
        in office.post("/rules/calendar/vacations", data=days, follow_redirects=True).text
    )
    assert office.post("/rules/calendar/vacations", data=days).status_code == 409
    assert (
        office.post("/rules/calendar/vacations", data={**days, "from_on": "x"}).status_code == 422
    )
    assert (
        office.post(
            "/rules/calendar/vacations",
            data={**days, "from_on": tomorrow(60), "to_on": tomorrow(59)},
        ).status_code
        == 422
    )
    key = house.look(lambda s: s.execute(select(tables.vacation.c.id)).scalar_one())
    assert client("foreign").post(f"/rules/calendar/vacations/{key}/remove").status_code == 404
    assert office.post(f"/rules/calendar/vacations/{key}/remove").status_code == 302
    assert "没有登记假期" in office.get("/rules/calendar").text


def test_the_rules_of_two_days_are_compared(client: Login) -> None:
    browser = client("plain")
    page = browser.get("/rules/changes?a=2000-01-01&b=2026-03-01").text
    assert "新有效" in page and "<ins>" in page
    back = browser.get("/rules/changes?a=2026-03-01&b=2000-01-01").text
    assert "不再有效" in back and "新有效" not in back
    assert "没有不同" in browser.get("/rules/changes?a=2026-03-01&b=2026-03-01").text
    assert browser.get("/rules/changes?a=yesterday&b=2026-03-01").status_code == 422
