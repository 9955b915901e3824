"""What takes longer than a request may: asked for in a page or by a program, done by a worker, looked at by whoever asked
alone; done once or not at all.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from sqlalchemy import text, update

from engine.commands import operations
from engine.commands.imports import batches
from engine.db import progress, tables
from engine.errors import Conflict, Unavailable
from engine.history import verification
from engine.queries import operations as reading
from tests.webui.working import work

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def everything_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "SMALL_ROWS", 0)
    monkeypatch.setattr(operations, "SMALL_BYTES", 0)
    monkeypatch.setattr(progress, "EVERY", 0)


def table(*rows: tuple[str, ...]) -> io.BytesIO:
    return io.BytesIO("\n".join(",".join(row) for row in rows).encode())


def counted(house: House, name: str) -> int:
    query = text(f"SELECT count(*) FROM {name}")
    return int(house.look(lambda s: s.execute(query).scalar_one()))


ROSTER = (("工号", "姓名", "单位编码"), ("n900", "新人甲", "info"), ("n901", "新人乙", "info"))


def send(browser: FlaskClient, *rows: tuple[str, ...]) -> Any:
    data = {"kind": "people", "file": (table(*rows), "名册.csv")}
    return browser.post("/people/import", data=data)


def test_a_list_is_long_by_its_rows_whatever_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    few, many = (("工号,姓名\n" + "n1,甲\n" * n).encode() for n in (100, 1000))
    made, sheet = openpyxl.Workbook(), io.BytesIO()
    for n in range(1000):
        made.active.append([f"n{n}", "甲", "信息学院", "", "", "", ""])
    made.save(sheet)
    found = [operations.is_long(data) for data in (few, many, sheet.getvalue(), b"")]
    assert found == [False, True, True, False]


# --- people ---------------------------------------------------------------------------------------
def test_a_long_roster_is_read_and_written_by_a_worker(client: Login, house: House) -> None:
    office = client("office")
    before = counted(house, "member")
    sent = send(office, *ROSTER)
    page = office.get(sent.location).text
    assert sent.status_code == 303 and "已排队" in page and "data-running" in page
    assert send(office, *ROSTER).location == sent.location  # sent twice is asked once
    assert client("auditor").get(sent.location).status_code == 404
    assert work(house.engine) == 1 and counted(house, "member") == before
    now = office.get(f"{sent.location}/now").text
    assert "共 2 行，0 行有错误" in now and "data-running" not in now
    (at,) = {word for word in now.split('"') if word.startswith("/people/import/")}
    assert "确认导入" in office.get(at).text
    confirmed = office.post(f"{at}/confirm")
    assert "已排队" in office.get(confirmed.location).text
    assert work(house.engine) == 1 and counted(house, "member") == before + 2
    assert "新增 2，更改 0，跳过 0" in office.get(confirmed.location).text
    assert "这一批已经导入" in office.post(f"{at}/confirm", follow_redirects=True).text
    listed = office.get("/operations").text
    assert "名册.csv" in listed and listed.count("已办完") == 2
    sent = office.post("/people/export/people")
    assert work(house.engine) == 1 and "下载" in office.get(sent.location).text
    file = office.get(f"{sent.location}/file")
    rows = list(openpyxl.load_workbook(io.BytesIO(file.data)).worksheets[0].values)
    assert (
        "n901" in {row[0] for row in rows} and "attachment" in file.headers["Content-Disposition"]
    )
    assert client("auditor").get(f"{sent.location}/file").status_code == 404
    assert house.look(verification.first_false) is None


def test_what_breaks_or_dies_half_way_is_told_and_leaves_nothing(
    client: Login, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, before = client("office"), counted(house, "member")
    at = send(office, *ROSTER).location
    work(house.engine)
    key = house.look(lambda s: reading.mine(s, house.actor("office")))[0].result["batch"]
    written = batches._WRITES["people"]

    def dies(*given: Any) -> Any:
        written(*given)
        raise Unavailable

    def breaks(*given: Any) -> Any:
        written(*given)
        raise ZeroDivisionError

    monkeypatch.setitem(batches._WRITES, "people", dies)
    at = office.post(f"/people/import/{key}/confirm").location
    with pytest.raises(Unavailable):  # the job is tried again
        work(house.engine)
    assert counted(house, "member") == before and "data-running" in office.get(at).text
    monkeypatch.setitem(batches._WRITES, "people", breaks)
    work(house.engine)
    page = office.get(at).text
    assert "没有办成，什么都没有写入" in page and "请告诉管理员" in page
    assert counted(house, "member") == before
    monkeypatch.setitem(batches._WRITES, "people", written)
    at = office.post(f"/people/import/{key}/confirm").location
    ends = update(tables.post).where(tables.post.c.member_id == house.actor("office").id)
    house.look(lambda s: s.execute(ends.values(to_on=text("date '2020-01-01'"))))
    work(house.engine)  # who left meanwhile writes nothing
    assert "没有办成" in office.get(at).text and counted(house, "member") == before


def test_whoever_asked_may_cancel_and_then_nothing_is_written(
    client: Login, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, before = client("office"), counted(house, "member")
    at = send(office, *ROSTER).location
    assert "取消</button>" in office.get(at).text
    assert client("auditor").post(f"{at}/cancel").status_code == 404
    work(house.engine)
    assert "已经办完" in office.post(f"{at}/cancel", follow_redirects=True).text
    key = house.look(lambda s: reading.mine(s, house.actor("office")))[0].result["batch"]
    written = batches._WRITES["people"]

    def meanwhile(*given: Any) -> Any:
        assert office.post(f"{at}/cancel").status_code == 303
        return written(*given)

    monkeypatch.setitem(batches._WRITES, "people", meanwhile)
    at = office.post(f"/people/import/{key}/confirm").location
    work(house.engine)  # it was in the middle of it
    page = office.get(f"{at}/now").text
    assert "已取消" in page and "什么都没有写入" in page and "data-running" not in page
    assert counted(house, "member") == before and "已取消" in office.get("/operations").text
    monkeypatch.setitem(batches._WRITES, "people", written)
    again = office.post(f"/people/import/{key}/confirm").location
    office.post(f"{again}/cancel")
    assert work(house.engine) == 1 and counted(house, "member") == before  # before it was begun
    last = office.post(f"/people/import/{key}/confirm").location
    work(house.engine)
    assert "已办完" in office.get(last).text and counted(house, "member") == before + 2


def test_a_person_waits_for_so_many_and_no_more(house: House) -> None:
    actor = house.actor("office")

    def ask(n: int) -> UUID:
        data = table(*ROSTER, (f"n{n}", "某", "info")).getvalue()
        what = "people", "名册.csv", data
        return house.look(lambda s: operations.ask_preview(s, actor, *what))

    for n in range(operations.MOST):
        ask(n)
    with pytest.raises(Conflict) as many:
        ask(99)
    assert many.value.code == "quota"
    house.look(lambda s: s.execute(text("UPDATE operation SET told_at = now() - interval '1 h'")))
    assert {it.state for it in house.look(lambda s: reading.mine(s, actor))} == {"stalled"}
    house.look(lambda s: s.execute(text("UPDATE operation SET told_at = now() - interval '4 d'")))
    house.look(operations.tidy)
    assert counted(house, "operation") == 0
