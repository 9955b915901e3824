"""The calendar starts matters by itself: on their day, once, in the right hands; what it cannot start is seen and tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from engine import clock, db, jobs
from engine.commands import definitions, starts
from engine.db import tables
from engine.definitions import read
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.history import verification
from engine.queries import starts as reading
from engine.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient
    from sqlalchemy import Engine

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]

YEARLY = ROOT / "tests" / "processes" / "yearly"
NOW = clock.now()
YEAR = NOW.year + (NOW.month == 12 and NOW.day > 10)  # whose start is still to come
DAY = datetime(YEAR, 12, 17, 4, tzinfo=UTC)  # fourteen days before the end of the year


@pytest.fixture
def yearly(house: House, engine: Engine) -> Engine:
    """The toy is in force since today in both unions."""
    with db.transaction(engine) as session:
        definitions.publish_shipped(session, read(YEARLY))
    assert house
    return engine


def look(engine: Engine, moment: datetime) -> int:
    """The hourly look of a worker."""
    with clock.set_to(moment):
        return jobs.start(engine)


def rows(engine: Engine) -> list[Any]:
    with db.transaction(engine) as session:
        return list(session.execute(select(tables.calendar_start).order_by("union_id", "day")))


def ends_post(engine: Engine, house: House, who: str) -> None:
    """This person holds no post any more, since long ago."""
    post = tables.post.c
    with db.transaction(engine) as session:
        gone = update(tables.post).where(post.member_id == house.people[who])
        assert session.execute(gone.values(to_on=(NOW - timedelta(days=2)).date())).rowcount == 1


def test_it_starts_on_its_day_and_once_in_each_union(yearly: Engine, house: House) -> None:
    assert look(yearly, DAY - timedelta(days=1)) == 0 and not rows(yearly)
    assert look(yearly, DAY) == 2
    assert look(yearly, DAY) == look(yearly, DAY + timedelta(days=20)) == 0
    found = rows(yearly)
    assert {row.union_id for row in found} == {house.units["union"], house.units["other"]}
    assert {(row.key, str(row.day), row.state) for row in found} == {
        ("plan", f"{YEAR}-12-17", "begun")
    }
    with db.transaction(yearly) as session:
        made = session.execute(select(tables.instance)).all()
    assert {row.starter_id for row in made} == {house.people["office"], house.people["foreign"]}
    assert {row.facts["launch"]["subject"] for row in made} == {f"{YEAR}年度以后的计划"}


def test_a_worker_that_was_away_makes_up_for_it(yearly: Engine) -> None:
    assert look(yearly, DAY + timedelta(days=40)) == 2
    assert {str(row.day) for row in rows(yearly)} == {f"{YEAR}-12-17"}


def test_nothing_of_before_it_was_in_force_is_started(house: House, engine: Engine) -> None:
    with db.transaction(engine) as session, clock.set_to(DAY + timedelta(days=1)):
        definitions.publish_shipped(session, read(YEARLY))
    assert look(engine, DAY + timedelta(days=2)) == 0 and not rows(engine) and house


def test_days_after_another_matter_ended(yearly: Engine, house: House, client: Login) -> None:
    look(yearly, DAY)
    with db.transaction(yearly) as session, clock.set_to(DAY):
        other = session.execute(
            select(tables.task.c.id)
            .join(tables.instance)
            .where(
                tables.instance.c.union_id == house.units["other"],
                tables.task.c.element == "write",
            )
        ).scalar_one()
    with clock.set_to(DAY + timedelta(days=1)):
        sent = client("foreign").post(f"/tasks/{other}", data={"f.day": f"{YEAR}-12-18"})
        assert sent.status_code == 302
    with clock.set_to(DAY + timedelta(days=2)):
        jobs.carry_out_held(yearly)  # it could be taken back for some seconds
    begun = [n for n in range(14, 26) if look(yearly, DAY + timedelta(days=n))]
    assert len(begun) == 1 and begun[0] >= 15  # later where the fourteenth day is a holiday
    (row,) = (each for each in rows(yearly) if each.key == "again")
    assert row.union_id == house.units["other"]
    assert row.day == clock.day_of(DAY + timedelta(days=begun[0]))


def test_what_cannot_start_is_seen_tried_again_and_dropped(
    yearly: Engine, house: House, client: Login
) -> None:
    ends_post(yearly, house, "foreign")
    assert look(yearly, DAY) == 1
    (missed,) = (row for row in rows(yearly) if row.state == "missed")
    assert missed.union_id == house.units["other"] and "没有人担任" in str(missed.why)
    assert look(yearly, DAY + timedelta(hours=1)) == 0
    with db.transaction(yearly) as session:
        kinds = select(tables.event.c.kind).where(tables.event.c.kind == "start_missed")
        assert len(session.execute(kinds).all()) == 1  # once for one reason
        house.person(session, "heir", "新秘书", "other", "other", "union_secretary@other")
    with clock.set_to(DAY + timedelta(hours=1)):
        desk = client("heir").get("/").text
        assert "按日历应当发起的，有 1 项没有发起成" in desk
        page = client("heir").get("/starts").text
        assert "没有人担任承办的职务" in page and "拟定下一年度计划" in page and "工会秘书" in page
        assert "没有人担任" not in client("office").get("/starts").text  # another union's
        assert client("plain").get("/starts").status_code == 403
        empty = client("heir").post(f"/starts/{missed.id}/drop", data={"reason": " "})
        assert empty.status_code == 422 and "请写明理由" in empty.text
        assert (
            client("office").post(f"/starts/{missed.id}/drop", data={"reason": "x"}).status_code
            == 404
        )
        said = client("heir").post(f"/starts/{missed.id}/drop", data={"reason": "已在纸上办理"})
        assert said.status_code == 303
        assert "已在纸上办理" in client("heir").get("/starts").text
        assert "按日历应当发起的" not in client("heir").get("/").text
        again = client("heir").post(f"/starts/{missed.id}/drop", data={"reason": "再来"})
        assert again.status_code == 409
    assert look(yearly, DAY + timedelta(days=1)) == 0


def test_the_reason_is_gone_and_it_starts(yearly: Engine, house: House) -> None:
    ends_post(yearly, house, "foreign")
    look(yearly, DAY)
    with db.transaction(yearly) as session:
        house.person(session, "heir", "新秘书", "other", "other", "union_secretary@other")
    assert look(yearly, DAY + timedelta(hours=2)) == 1
    assert {row.state for row in rows(yearly)} == {"begun"}
    with db.transaction(yearly) as session:
        assert verification.first_false(session) is None
        with pytest.raises((NotFound, Refused)):
            starts.drop(session, house.actor("plain"), rows(yearly)[0].id, "不")
        with pytest.raises(Conflict):
            starts.drop(session, house.actor("office"), _own(yearly, house), "不再需要")
        with pytest.raises(Invalid):
            starts.drop(session, house.actor("office"), _own(yearly, house), "")


def _own(engine: Engine, house: House) -> Any:
    (row,) = (each for each in rows(engine) if each.union_id == house.units["union"])
    return row.id


def test_what_comes_within_a_year_is_listed(yearly: Engine, house: House) -> None:
    with db.transaction(yearly) as session:
        found = reading.starts(session, house.actor("auditor"))
    assert [(each.state, str(each.day)) for each in found] == [("coming", f"{YEAR}-12-17")]
