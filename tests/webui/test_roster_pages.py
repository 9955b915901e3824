"""An import in the page: what is asked is answered there, bad rows are corrected there, it is taken back there; and
what is done when people change.
"""

from __future__ import annotations

import io
from datetime import date
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from sqlalchemy import select

from engine import db
from engine.commands import instances, people, succession, tasks
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.history import verification
from engine.queries import instances as lists
from engine.queries import people as roster

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def more(house: House) -> None:
    with db.transaction(house.engine) as session:
        house.person(session, "admin", "管理员", "union", "union", "administrator@union")
        house.person(session, "office2", "吴秘书", "union", "union", "union_secretary@union")


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


def upload(browser: FlaskClient, kind: str, *rows: list[Any]) -> str:
    reply = browser.post("/people/import", data={"kind": kind, "file": (book(*rows), "p.xlsx")})
    assert reply.status_code == 302, reply.text
    return str(reply.location)


def whole(house: House) -> None:
    broken = house.look(verification.first_false)
    assert broken is None, broken


# --- the import ---------------------------------------------------------------------------------------------------------
def test_rows_are_corrected_and_answered_in_the_page_and_taken_back(
    client: Login, house: House
) -> None:
    office = client("office")
    at = upload(
        office,
        "people",
        ["教职工名册"],
        ["工 号", "姓名", "所在单位"],
        ["n900", "新 人甲", "信息学院"],
        ["n901", "张 敏", "信息学院"],
        ["n902", "新人丙", "没有的学院"],
    )
    page = office.get(at).text
    assert "姓名“新 人甲”读作“新人甲”" in page and "先导入无误的 1 行" in page
    assert "是同一个人，还是另一个人" in page and "改这一行" in page and "确认导入" not in page
    assert office.post(f"{at}/rows/4", data={"v.same_as": "new"}).status_code == 302
    left = office.post(f"{at}/confirm", data={"good_only": "1"})
    assert member(house, "n900").name == "新人甲" and member(house, "n901").name == "张敏"
    assert left.location != "/people/import" and "没有的学院" in office.get(left.location).text
    assert office.post(f"{left.location}/rows/5", data={"v.nope": "1"}).status_code == 422
    assert client("foreign").post(f"{left.location}/rows/5", data={}).status_code == 404
    office.post(f"{left.location}/rows/5", data={"v.unit_code": "info"})
    assert "确认导入" in office.get(left.location).text
    assert "已导入" in office.post(f"{left.location}/confirm", follow_redirects=True).text
    assert "撤销这次导入" in office.get(at).text
    assert "已撤销" in office.post(f"{at}/undo", follow_redirects=True).text
    assert member(house, "n900") is None and member(house, "n902") is not None
    whole(house)


# --- search -------------------------------------------------------------------------------------------------------------
def test_people_are_found_by_initials_and_with_blanks(house: House) -> None:
    office = house.actor("office")

    def found(q: str) -> list[str]:
        items = house.look(lambda s: roster.roster(s, office, office.union_id, q=q)).items
        return [each.name for each in items]

    assert found("zm") == found("张 敏") == found("张敏") == found("ZM") == ["张敏"]
    assert found("zx") == [] and found("lq") == ["李强"]


def test_a_matter_is_found_by_whom_it_names_by_who_may_see_it(house: House) -> None:
    key = house.do("mover", instances.launch, "errand", {"subject": "修路灯"})

    def found(who: str, q: str) -> list[UUID]:
        actor, wanted = house.actor(who), lists.Wanted(words=q)
        return [row.id for row in house.look(lambda s: lists.instances(s, actor, wanted)).items]

    for words in ("张敏", "张 敏", "zm", "路灯"):
        assert found("office", words) == [key], words
        assert found("foreign", words) == [] and found("plain", words) == []
    assert found("office", "李强") == []


# --- open work ----------------------------------------------------------------------------------------------------------
def claimed(house: House) -> UUID:
    """A task that office has claimed."""
    house.do("mover", instances.launch, "errand", {"subject": "修路灯"})
    task: UUID = house.look(
        lambda s: s.execute(
            select(tables.task.c.id).where(tables.task.c.element == "check")
        ).scalar_one()
    )
    house.do("office", tasks.claim, task)
    return task


def holder(house: House, task: UUID) -> Any:
    return house.look(
        lambda s: s.execute(
            select(tables.task.c.assignee_id).where(tables.task.c.id == task)
        ).scalar_one()
    )


def test_a_leavers_open_work_is_handed_over_with_one_record_each(
    client: Login, house: House
) -> None:
    task, people_ = claimed(house), house.people
    with pytest.raises(Refused):
        house.do("admin", succession.hand_over, people_["office"], people_["office2"], "离任")
    with pytest.raises(NotFound):
        house.do("foreign", succession.hand_over, people_["office"], people_["office2"], "离任")
    page = client("office2")
    sent = {"username": "office2", "reason": "陈秘书退休"}
    reply = page.post(f"/people/{people_['office']}/hand-over", data=sent)
    assert reply.status_code == 302 and holder(house, task) == people_["office2"]
    again = page.post(f"/people/{people_['office']}/hand-over", data=sent)
    assert again.status_code == 409 and "没有可以移交" in again.text
    events = house.look(
        lambda s: (
            s.execute(select(tables.event.c.body).where(tables.event.c.kind == "task_reassigned"))
            .scalars()
            .all()
        )
    )
    assert len(events) == 1 and "陈秘书退休" in events[0]
    house.do("office2", tasks.complete, task, {"decision": "pass"})
    whole(house)


def test_what_a_post_claimed_goes_back_to_it_when_the_other_does_not_hold_it(house: House) -> None:
    task = claimed(house)
    house.do("office2", succession.hand_over, house.people["office"], house.people["plain"], "离任")
    assert holder(house, task) is None
    house.do("office2", tasks.claim, task)
    whole(house)


def test_what_belongs_to_a_person_is_not_handed_over(house: House) -> None:
    task = claimed(house)
    house.do("office", tasks.complete, task, {"decision": "return", "reason": "请补充地点"})
    with pytest.raises(Conflict) as refused:
        house.do(
            "office", succession.hand_over, house.people["mover"], house.people["second"], "离任"
        )
    assert refused.value.code == "nothing_open"  # the mover's own motion: the process replaces him


# --- delegates ----------------------------------------------------------------------------------------------------------
def given_post(house: House, who: str) -> UUID:
    with db.transaction(house.engine) as session:
        actor = house.actor("office")
        key = people.create_member(session, actor, who, "新代表", house.units["info"])
        house.people[who] = key
        return people.grant_post(
            session,
            actor,
            key,
            "formal_delegate",
            house.units["info"],
            date(2025, 1, 1),
            date(2029, 12, 31),
            "第八届",
        )


def posts(house: House, who: str) -> list[tuple[str, str, str]]:
    post = tables.post.c
    query = select(post.kind, post.from_on, post.to_on, post.term, post.unit_id)
    rows = house.look(
        lambda s: s.execute(
            query.where(post.member_id == house.people[who]).order_by(post.id)
        ).all()
    )
    return [(str(r.from_on), str(r.to_on), r.term) for r in rows]


def test_a_delegate_is_replaced_and_moved_in_mid_term(client: Login, house: House) -> None:
    key = given_post(house, "d1")
    page = client("office")
    at = f"/people/{house.people['d1']}/posts/{key}"
    wrong = page.post(
        f"{at}/replace", data={"username": "nobody", "on": "2026-06-01", "why": "调离"}
    )
    assert wrong.status_code == 422
    sent = {"username": "plain", "on": "2026-06-01", "why": "调离，由候补递补"}
    assert page.post(f"{at}/replace", data=sent).status_code == 302
    assert posts(house, "d1") == [("2025-01-01", "2026-05-31", "第八届")]
    assert posts(house, "plain") == [("2026-06-01", "2029-12-31", "第八届")]
    with db.transaction(house.engine) as session:
        house.unit(session, "math", "college_union", "数学学院", "union")
    post = house.look(
        lambda s: s.execute(
            select(tables.post.c.id).where(tables.post.c.member_id == house.people["plain"])
        ).scalar_one()
    )
    unit = house.units["math"]
    house.do("office", succession.move, post, unit, date(2027, 1, 1), "调到数学学院")
    assert [p[:2] for p in posts(house, "plain")] == [
        ("2026-06-01", "2026-12-31"),
        ("2027-01-01", "2029-12-31"),
    ]
    whole(house)


def test_a_term_ends_for_all_so_that_the_next_can_begin(client: Login, house: House) -> None:
    given_post(house, "d1")
    page = client("office")
    said = page.post(
        "/people/terms/end", data={"term": "8届", "last": "2026-12-31"}, follow_redirects=True
    )
    assert "已终止 1 人的任期" in said.text
    assert posts(house, "d1") == [("2025-01-01", "2026-12-31", "第八届")]
    union = house.units["union"]
    with pytest.raises(NotFound):
        house.do("office", succession.end_term, union, "第八届", date(2026, 12, 31))
    with pytest.raises(Refused):
        house.do("plain", succession.end_term, union, "第八届", date(2026, 12, 30))
    whole(house)


def test_one_person_entered_twice_is_one_again(client: Login, house: House) -> None:
    given_post(house, "d1")
    with db.transaction(house.engine) as session:
        house.person(session, "d2", "新 代表", "info", "union")
    with pytest.raises(Invalid):  # of another name
        house.do("office", succession.join, house.people["d1"], house.people["plain"], "重复登记")
    page = client("office")
    sent = {"username": "d2", "why": "导入时重复登记"}
    reply = page.post(f"/people/{house.people['d1']}/join", data=sent)
    assert reply.status_code == 302
    assert member(house, "d1").active is False and member(house, "d2").active
    assert [p[1:] for p in posts(house, "d2")] == [("2029-12-31", "第八届")]
    with pytest.raises(Conflict):
        house.do("office", succession.join, house.people["d1"], house.people["d2"], "再来一次")
    whole(house)
