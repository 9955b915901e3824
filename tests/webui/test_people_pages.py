"""Pages on people: roster, a member's posts, new members, units, imports with a preview, exports."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from sqlalchemy import select

from engine import clock, db
from engine.db import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def administrator(house: House) -> None:
    with db.transaction(house.engine) as session:
        house.person(session, "admin", "管理员", "union", "union", "administrator@union")


def member(house: House, username: str) -> Any:
    query = select(tables.member).where(tables.member.c.username == username)
    return house.look(lambda s: s.execute(query).first())


def book(*rows: list[Any]) -> io.BytesIO:
    made, data = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        made.active.append(row)
    made.save(data)
    data.seek(0)
    return data


# --- roster -----------------------------------------------------------------------------------------------------------
def test_the_roster_is_searched_by_name_unit_and_post(client: Login, house: House) -> None:
    browser = client("auditor")
    assert "张敏" in browser.get("/people").text and "外人" not in browser.get("/people").text
    page = browser.get("/people?q=张").text
    assert "张敏" in page and "李强" not in page
    assert "李强" in browser.get(f"/people?unit={house.units['info']}").text
    page = browser.get("/people?post=auditor").text
    assert "孙审计" in page and "张敏" not in page
    assert "没有找到" in browser.get("/people?q=无此人").text


@pytest.mark.parametrize("query", ["after=x", "post=nosuch", "unit=x", "union=x", "q=%00"])
def test_odd_filters_get_a_clear_answer(client: Login, query: str) -> None:
    assert client("auditor").get(f"/people?{query}").status_code in (200, 404)


@pytest.mark.parametrize(
    "path",
    ["/people", "/people/units", "/people/new", "/people/import", "/people/import/people.xlsx"],
)
def test_people_are_for_the_desks(client: Login, house: House, path: str) -> None:
    assert client("").get(path).status_code == 302
    assert client("plain").get(path).status_code in (403, 404)
    assert client("admin").get(path).status_code == 200
    assert client("office").get(path).status_code == 200


def test_a_foreign_union_is_not_there(client: Login, house: House) -> None:
    other, stranger = house.units["other"], house.people["stranger"]
    for path in (f"/people?union={other}", f"/people/units?union={other}", f"/people/{stranger}"):
        assert client("office").get(path).status_code == 404
    for what, data in (
        ("", {"name": "改名"}),
        ("/password", {"secret": "a long phrase 1"}),
        ("/posts", {"kind": "auditor", "unit_id": str(other), "from_on": "2026-01-01"}),
    ):
        assert client("admin").post(f"/people/{stranger}{what}", data=data).status_code == 404
    assert member(house, "stranger").name == "外人"


# --- one member -------------------------------------------------------------------------------------------------------
def test_a_post_is_granted_and_ended(client: Login, house: House) -> None:
    who, office = house.people["plain"], client("office")
    today = clock.today().isoformat()
    data = {
        "kind": "observer_delegate",
        "unit_id": str(house.units["info"]),
        "term": "第八届",
        "from_on": today,
    }
    reply = office.post(f"/people/{who}/posts", data=data, follow_redirects=True)
    assert "已登记职务" in reply.text and "第八届" in reply.text
    again = office.post(f"/people/{who}/posts", data=data)
    assert again.status_code == 422 and "重叠" in again.text
    post = house.look(
        lambda s: s.execute(
            select(tables.post.c.id).where(tables.post.c.member_id == who)
        ).scalar_one()
    )
    short = office.post(f"/people/{who}/posts/{post}/end", data={"on": today, "why": ""})
    assert short.status_code == 422
    reply = office.post(
        f"/people/{who}/posts/{post}/end", data={"on": today, "why": "调离"}, follow_redirects=True
    )
    assert "已终止职务" in reply.text and "调离" in reply.text
    assert "陈秘书登记" in client("auditor").get("/audit/log").text


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "no such post"},
        {"unit_id": ""},
        {"from_on": "soon"},
        {"from_on": "2026-05-01", "to_on": "2026-04-01"},
        {"term": "\u202e"},
    ],
)
def test_faults_of_a_post_change_nothing(client: Login, house: House, more: dict[str, str]) -> None:
    who = house.people["plain"]
    data = {
        "kind": "observer_delegate",
        "unit_id": str(house.units["info"]),
        "term": "第八届",
        "from_on": "2026-01-01",
        **more,
    }
    assert client("office").post(f"/people/{who}/posts", data=data).status_code == 422
    assert (
        house.look(
            lambda s: s.execute(
                select(tables.post.c.id).where(tables.post.c.member_id == who)
            ).all()
        )
        == []
    )


def test_desks_are_given_by_administrators_only(client: Login, house: House) -> None:
    data = {
        "kind": "auditor",
        "unit_id": str(house.units["union"]),
        "from_on": "2026-01-01",
        "term": "八",
    }
    who = house.people["plain"]
    assert client("office").post(f"/people/{who}/posts", data=data).status_code == 403
    assert client("admin").post(f"/people/{who}/posts", data=data).status_code == 302


def test_an_entry_is_changed_and_people_are_put_out_of_use(client: Login, house: House) -> None:
    who, office = house.people["plain"], client("office")
    entry = {
        "name": "周新名",
        "unit_id": str(house.units["info"]),
        "phone": "13800000000",
        "email": "",
        "locale": "en",
        "active": "yes",
    }
    assert office.post(f"/people/{who}", data=entry).status_code == 302
    assert (member(house, "plain").name, member(house, "plain").locale) == ("周新名", "en")
    bad = office.post(f"/people/{who}", data={**entry, "phone": "call me", "name": "=x"})
    assert bad.status_code == 422 and bad.text.count("yx-fault") >= 2 and "call me" in bad.text
    assert office.post(f"/people/{who}", data={**entry, "active": "no"}).status_code == 302
    assert "已停用" in office.get(f"/people/{who}").text
    assert (
        "周新名" not in office.get("/people").text
        and "周新名" in office.get("/people?inactive=1").text
    )
    me = {**entry, "name": "陈秘书", "unit_id": str(house.units["union"]), "active": "no"}
    assert office.post(f"/people/{house.people['office']}", data=me).status_code in (403, 409)


def test_auditors_look_but_do_not_change(client: Login, house: House) -> None:
    who = house.people["plain"]
    page = client("auditor").get(f"/people/{who}").text
    assert "周会员" in page and "登记职务" not in page and "设置密码" not in page
    assert client("auditor").post(f"/people/{who}", data={"name": "x"}).status_code == 403
    assert client("auditor").post("/people/export/people").status_code == 200


def test_an_administrator_sets_a_password(client: Login, house: House) -> None:
    who = house.people["plain"]
    assert "<summary>设置密码" not in client("office").get(f"/people/{who}").text
    assert "<summary>设置密码" in client("admin").get(f"/people/{who}").text
    assert (
        client("office")
        .post(f"/people/{who}/password", data={"secret": "correct horse 9"})
        .status_code
        == 403
    )
    weak = client("admin").post(f"/people/{who}/password", data={"secret": "123"})
    assert (
        weak.status_code == 422
        and "yx-fault" in weak.text
        and "123" not in weak.text.replace("1234", "")[:0] + ""
    )
    assert (
        client("admin")
        .post(f"/people/{who}/password", data={"secret": "correct horse 9"})
        .status_code
        == 302
    )
    assert member(house, "plain").password.startswith("$argon2")


def test_a_person_is_entered(client: Login, house: House) -> None:
    office, data = (
        client("office"),
        {"username": "n900", "name": "新人", "unit_id": str(house.units["info"])},
    )
    assert "已登记" in office.post("/people/new", data=data, follow_redirects=True).text
    again = office.post("/people/new", data=data)
    assert again.status_code == 422 and "已有人使用" in again.text and 'value="n900"' in again.text
    assert (
        office.post("/people/new", data={**data, "username": "n901", "unit_id": ""}).status_code
        == 422
    )
    assert client("plain").post("/people/new", data={**data, "username": "n902"}).status_code in (
        403,
        404,
    )


# --- units ------------------------------------------------------------------------------------------------------------
def test_the_tree_of_units_says_who_manages(client: Login, house: House) -> None:
    with db.transaction(house.engine) as session:
        unit = tables.unit
        session.execute(
            unit.update()
            .where(unit.c.id == house.units["info"])
            .values(parent_id=house.units["union"])
        )
        session.execute(
            unit.update()
            .where(unit.c.id == house.units["union"])
            .values(managing_id=house.units["other"], owner_type="province")
        )
    page = client("auditor").get("/people/units").text
    assert (
        "信息学院" in page
        and "由外校工会管理" in page
        and "省属" in page
        and "新增单位" not in page
    )


def test_a_unit_is_entered_changed_and_closed(client: Login, house: House) -> None:
    office, union = client("office"), str(house.units["union"])
    data = {"code": "MATH", "name": "数学学院", "kind": "college_union", "parent_id": union}
    assert "已新增单位" in office.post("/people/units", data=data, follow_redirects=True).text
    bad = office.post("/people/units", data={**data, "code": "?"})
    assert bad.status_code == 422 and "yx-fault" in bad.text
    key = house.look(
        lambda s: s.execute(
            select(tables.unit.c.id).where(tables.unit.c.code == "MATH")
        ).scalar_one()
    )
    assert (
        office.post(f"/people/units/{key}", data={"name": "数学系", "name_en": "Maths"}).status_code
        == 302
    )
    assert "数学系" in office.get("/people/units").text
    assert (
        office.post(f"/people/units/{key}", data={"name": "数学系", "active": "no"}).status_code
        == 302
    )
    full = office.post(
        f"/people/units/{house.units['info']}", data={"name": "信息学院", "active": "no"}
    )
    assert full.status_code == 409 and "不能撤销" in full.text
    assert client("foreign").post(f"/people/units/{key}", data={"name": "抢"}).status_code == 404


# --- tables in and out ------------------------------------------------------------------------------------------------
HEAD = ["用户名", "姓名", "单位编码", "手机", "邮箱"]


def upload(browser: FlaskClient, kind: str, data: io.BytesIO, name: str = "p.xlsx") -> Any:
    return browser.post("/people/import", data={"kind": kind, "file": (data, name)})


def test_an_import_is_previewed_row_by_row_and_then_confirmed(client: Login, house: House) -> None:
    office = client("office")
    reply = upload(
        office,
        "people",
        book(HEAD, ["n900", "新人甲", "info", "", ""], ["n901", "新人乙", "info", "", ""]),
    )
    assert reply.status_code == 302
    page = office.get(reply.location).text
    assert (
        "新人甲" in page
        and "确认导入" in page
        and "新增 2" in page
        and member(house, "n900") is None
    )
    done = office.post(f"{reply.location}/confirm", follow_redirects=True)
    assert "已导入：新增 2" in done.text and member(house, "n900").name == "新人甲"
    assert office.post(f"{reply.location}/confirm").status_code == 409
    assert client("foreign").get(reply.location).status_code == 404
    assert client("foreign").post(f"{reply.location}/confirm").status_code == 404


def test_errors_keep_the_button_away(client: Login, house: House) -> None:
    office = client("office")
    reply = upload(
        office,
        "people",
        book(HEAD, ["n900", "新人甲", "NOPE", "", ""], ["n901", "新人乙", "info", "12", ""]),
    )
    page = office.get(reply.location).text
    assert (
        "确认导入" not in page
        and "没有编码或名称为“NOPE”的单位" in page
        and "请在下面逐行改好" in page
    )
    only = office.get(f"{reply.location}?level=error").text
    assert "新人甲" in only
    assert (
        office.post(f"{reply.location}/confirm").status_code == 409
        and member(house, "n901") is None
    )


@pytest.mark.parametrize(
    ("kind", "data", "name"),
    [
        ("people", b"", "p.xlsx"),
        ("people", b"junk", "p.xlsx"),
        ("people", b"PK\x03\x04", "p.xlsx"),
        ("cats", b"x", "p.xlsx"),
        ("people", b"a,b", "p.csv"),
        ("", b"x", "p.xlsx"),
        ("people", b"x", ""),
    ],
)
def test_a_file_that_is_no_table_is_refused(
    client: Login, kind: str, data: bytes, name: str
) -> None:
    reply = upload(client("office"), kind, io.BytesIO(data), name)
    assert reply.status_code == 422 and "yx-fault" in reply.text


@pytest.mark.parametrize("kind", ["units", "people", "posts", "delegates"])
def test_templates_and_exports_are_tables(client: Login, house: House, kind: str) -> None:
    office = client("office")
    for reply in (office.get(f"/people/import/{kind}.xlsx"), office.post(f"/people/export/{kind}")):
        assert reply.status_code == 200 and reply.headers["Content-Disposition"].startswith(
            "attachment"
        )
        assert openpyxl.load_workbook(io.BytesIO(reply.data)).worksheets[0].max_column > 3
    assert "导出人员资料" in client("auditor").get("/audit/log").text
    assert client("plain").post(f"/people/export/{kind}").status_code == 403
    assert office.get("/people/import/cats.xlsx").status_code == 404


def test_a_preview_shows_text_not_markup(client: Login) -> None:
    office = client("office")
    reply = upload(
        office,
        "people",
        book(HEAD, ["n900", "<script>alert(1)</script>", "info", "", ""]),
        "<img src=x>.xlsx",
    )
    page = office.get(reply.location).text
    assert "<script>alert" not in page and "<img src=x>" not in page
