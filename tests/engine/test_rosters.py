"""Rosters as offices have them: found wherever they stand, read as they are meant, asked where doubtful."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from openpyxl.styles import PatternFill
from sqlalchemy import func, select

from engine.commands import imports, people
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.history.verification import registry
from engine.people import spelling
from engine.queries import imports as queries
from engine.queries import people as people_queries
from tests.engine.unions import World, processes, shared
from tests.engine.xls import xls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHO = "xd.administrator"
HAN = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰"
HEAD = ["工号", "姓名", "代表团", "代表类别", "届次", "起", "止"]


@pytest.fixture(autouse=True)
def _known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIXING_PROCESSES", str(processes(tmp_path)))


@pytest.fixture(scope="module")
def opened(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with shared(server, tmp_path_factory.mktemp("processes")) as opener:
        yield opener


@pytest.fixture
def world(opened: Any) -> Iterator[World]:
    with opened() as made:
        yield made


def look(world: World, data: bytes, name: str = "名单.xlsx", kind: str = "delegates") -> Any:
    return imports.preview(world.session, world.actor(WHO), kind, name, data)


def book(*rows: list[Any], fill_to: int = 0, merged: bool = False, second: bool = False) -> bytes:
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    if second:
        sheet.append(["使用说明", "请在第二张表填写"])
        sheet = made.create_sheet("代表名单")
    for row in rows:
        sheet.append(row)
    if merged:
        sheet.merge_cells("A1:G1")
    for number in range(len(rows) + 1, fill_to + 1):
        for column in range(1, 8):
            sheet.cell(number, column).fill = PatternFill("solid", fgColor="FFFF00")
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def row(batch: Any, number: int) -> Any:
    (found,) = (each for each in batch.rows if each.number == number)
    return found


def delegate(number: int, name: str, **more: Any) -> list[Any]:
    begin = "2021-03-01" if more.get("to") else "2026-03-01"
    given = {"unit": "XD-XX", "term": "第九届", "from": begin, "to": "", **more}
    return [f"r{number:03}", name, given["unit"], "正式", given["term"], given["from"], given["to"]]


# --- spelling ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("八届", "第八届"),
        ("9届", "第九届"),
        ("第９届", "第九届"),
        ("第 八 届", "第八届"),
        ("第十届", "第十届"),
        ("12届", "第十二届"),
        ("二十一届", "第二十一届"),
        ("30届", "第三十届"),
        ("第八届\u200b", "第八届"),
        ("2026-2031", "2026-2031"),
        ("八", "八"),
        ("第八届二次", "第八届二次"),
    ],
)
def test_a_term_has_one_spelling(written: str, meant: str) -> None:
    assert spelling.term(written) == meant == spelling.term(meant)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("赵 一", "赵一"),
        ("赵　一", "赵一"),
        ("\ufeff赵\u200b一 ", "赵一"),
        ("阿依古丽 • 买买提", "阿依古丽·买买提"),
        ("𠮷 田", "𠮷田"),
        ("John Smith", "John Smith"),
        ("John  Smith", "John Smith"),
        ("赵一 (女)", "赵一 (女)"),
    ],
)
def test_a_chinese_name_has_no_blanks_inside(written: str, meant: str) -> None:
    assert spelling.name(written) == meant == spelling.name(meant)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2025.9.1", "2025-09-01"),
        ("２０２５．９．１", "2025-09-01"),
        ("2025年9月1日", "2025-09-01"),
        ("2025/9/1", "2025-09-01"),
        ("20250901", "2025-09-01"),
        (20250901, "2025-09-01"),
        (45901, "2025-09-01"),
        (45901.0, "2025-09-01"),
        ("45901", "2025-09-01"),
        (datetime(2025, 9, 1), "2025-09-01"),
        (date(2025, 9, 1), "2025-09-01"),
        ("至今", ""),
        (2025.9, "2025.9"),
        ("2025年9月", "2025年9月"),
        ("2025.13.1", "2025.13.1"),
        (3, "3"),
    ],
)
def test_a_day_is_read_in_many_spellings_and_never_guessed(written: object, meant: str) -> None:
    assert spelling.day(written) == meant


# --- where the list stands --------------------------------------------------------------------------------------------
def test_titles_stand_above_headers_are_broken_and_the_sheet_is_the_second(world: World) -> None:
    head = ["序号", "工 号", "姓\n名", "代表团", "代 表\n类 别", "届次", "任期\n起", "任期止"]
    data = book(
        ["XD大学第九届教代会代表名单"],
        ["填表单位：校工会", None, None, "2026年3月"],
        head,
        [1, "r001", "赵 一", "XD信息学院", "正式代表", "9届", "2026.3.1", "至今"],
        [2, "r002", "钱二", "XD信息学院代表团", "列 席", "九届", 46082, None],
        ["合计", None, "2 人"],
        head,
        second=True,
        merged=True,
        fill_to=1000,
    )
    batch = look(world, data)
    assert batch.clean and [each.number for each in batch.rows] == [4, 5]
    first = row(batch, 4)
    assert first.values["name"] == "赵一" and first.values["term"] == "第九届"
    assert (first.values["from_on"], first.values["to_on"]) == ("2026-03-01", "")
    told = " ".join(first.reads)
    assert "姓名“赵 一”读作“赵一”" in told and "届次“9届”读作“第九届”" in told
    assert "“XD信息学院”读作“XD信息学院工会（XD-XX）”" in told and "“至今”读作“”" in told
    assert row(batch, 5).values["from_on"] == "2026-03-01"
    notes = " ".join(batch.notes)
    assert "“代表名单”第 3 行" in notes and "有 2 行是小结、说明或重复的表头" in notes
    imports.confirm(world.session, world.actor(WHO), batch.id)
    kept = queries.imports(world.session, world.actor(WHO), world.units["XD"], state=None)
    assert kept[0].state == "done" and kept[0].undoable


def test_xls_and_csv_as_wps_saves_them_read_like_xlsx(world: World) -> None:
    rows = [HEAD, delegate(1, "赵一"), delegate(2, "钱 二", term="9届")]
    text = "\r\n".join(",".join(line) for line in rows)
    same = {
        "名单.xlsx": book(*rows),
        "名单.xls": xls(封面=[["XD大学"]], 名单=rows),
        "名单.csv": text.encode("gb18030"),
        "utf8.csv": text.encode("utf-8-sig"),
        "plain.csv": text.encode(),
        "tabs.xls": text.replace(",", "\t").encode("gb18030"),
        "unicode.csv": text.replace(",", "\t").encode("utf-16"),
    }
    found = {name: [r.values for r in look(world, data, name).rows] for name, data in same.items()}
    assert len(found) == 7 and all(values == found["名单.xlsx"] for values in found.values())
    assert [each["name"] for each in found["名单.xls"]] == ["赵一", "钱二"]


@pytest.mark.parametrize(
    "data", [b"\xd0\xcf\x11\xe0" + b"\0" * 5000, b"\xff" * 300, b"a,b\x00c\n1,2\n", b"<html>"]
)
def test_what_only_looks_like_a_list_is_refused(world: World, data: bytes) -> None:
    for name in ("x.xls", "x.csv"):
        with pytest.raises(Invalid):
            look(world, data, name)


def test_a_unit_of_two_is_asked_for_by_its_code(world: World) -> None:
    world.unit("XD-X2", "college_union", "XD信息学院分工会", "XD")
    found = row(look(world, book(HEAD, delegate(1, "赵一", unit="XD信息学院"))), 2)
    assert found.level == "error" and "XD-XX" in found.messages[0] and "XD-X2" in found.messages[0]
    outright = row(look(world, book(HEAD, delegate(1, "赵一", unit="XD信息学院工会"))), 2)
    assert outright.level == "warning"  # only that the person is new


# --- never two of one -------------------------------------------------------------------------------------------------
def test_a_blank_or_another_numeral_makes_no_second_person_and_no_second_term(world: World) -> None:
    first = look(world, book(HEAD, delegate(1, "赵一"), delegate(2, "钱二")))
    imports.confirm(world.session, world.actor(WHO), first.id)
    again = look(
        world,
        book(HEAD, delegate(1, "赵 一", term="9届"), delegate(2, "钱　二", term="第 九 届")),
    )
    assert [each.does for each in again.rows] == ["skip", "skip"]
    renamed = look(world, book(["工号", "姓名", "单位"], ["r001", "赵 一", "XD-XX"]), kind="people")
    assert row(renamed, 2).does == "skip"


def test_the_same_name_under_a_new_number_is_asked_and_an_answer_joins_it(world: World) -> None:
    first = look(world, book(HEAD, delegate(1, "赵一", term="第八届", to="2026-02-28")))
    imports.confirm(world.session, world.actor(WHO), first.id)
    batch = look(world, book(HEAD, delegate(9, "赵 一"), delegate(3, "孙三")))
    asked = row(batch, 2)
    assert asked.level == "error" and [value for value, _label in asked.choices] == ["r001", "new"]
    with pytest.raises(Conflict):
        imports.confirm(world.session, world.actor(WHO), batch.id)
    joined = imports.correct(world.session, world.actor(WHO), batch.id, 2, {"same_as": "r001"})
    assert joined.clean and "“r009”读作“r001”" in " ".join(row(joined, 2).reads)
    imports.confirm(world.session, world.actor(WHO), batch.id)
    found = people_queries.roster(world.session, world.actor(WHO), world.units["XD"], q="赵一")
    assert [each.username for each in found.items] == ["r001"]


def test_two_people_of_one_name_stay_two_when_somebody_says_so(world: World) -> None:
    imports.confirm(
        world.session, world.actor(WHO), look(world, book(HEAD, delegate(1, "赵一"))).id
    )
    batch = look(world, book(HEAD, delegate(2, "赵一")))
    said = imports.correct(world.session, world.actor(WHO), batch.id, 2, {"same_as": "new"})
    assert said.clean
    imports.confirm(world.session, world.actor(WHO), batch.id)
    found = people_queries.roster(world.session, world.actor(WHO), world.units["XD"], q="赵一")
    assert [each.username for each in found.items] == ["r001", "r002"]


def test_a_new_term_is_said_to_be_new(world: World) -> None:
    world.session.execute(select(1))
    first = look(world, book(HEAD, delegate(1, "赵一", term="八届", to="2026-02-28")))
    imports.confirm(world.session, world.actor(WHO), first.id)
    found = row(look(world, book(HEAD, delegate(1, "赵一", term="九届"))), 2)
    assert any("“第九届”是新的届次" in message for message in found.messages)


# --- seen at a glance -------------------------------------------------------------------------------------------------
def test_one_remark_on_many_rows_is_one_line_and_totals_stand_against_the_last_term(
    world: World,
) -> None:
    last = [delegate(n, f"代表{HAN[n]}", term="第八届", to="2026-02-28") for n in range(12)]
    imports.confirm(world.session, world.actor(WHO), look(world, book(HEAD, *last)).id)
    now = [delegate(n, f"代表 {HAN[n]}") for n in range(1, 15)]
    batch = look(world, book(HEAD, *now))
    shown = queries.one_import(world.session, world.actor(WHO), batch.id)
    new = [each for each in shown.remarks if "尚未登记" in each.text]
    assert [each.count for each in new] == [3]
    read = [each for each in shown.remarks if each.level == "read"]
    assert [each.count for each in read] == [14] and "读作" in read[0].text
    assert [(t.unit, t.before, t.now) for t in shown.totals] == [("XD信息学院工会", 12, 14)]


# --- good rows, bad rows, undone --------------------------------------------------------------------------------------
def counted(world: World) -> dict[str, int]:
    counts = {}
    for name in ("member", "post", "unit"):
        table = tables.metadata.tables[name]
        counts[name] = world.session.execute(select(func.count()).select_from(table)).scalar_one()
    return counts


def test_good_rows_are_taken_and_bad_ones_are_corrected_in_the_page(world: World) -> None:
    batch = look(
        world, book(HEAD, delegate(1, "赵一"), delegate(2, "钱二", **{"from": "2025年9月"}))
    )
    assert batch.counts["error"] == 1
    done = imports.confirm(world.session, world.actor(WHO), batch.id, good_only=True)
    assert (done.created, done.skipped) == (1, 0) and done.left is not None
    left = queries.one_import(world.session, world.actor(WHO), done.left)
    assert [each.number for each in left.rows] == [3] and left.state == "previewed"
    with pytest.raises(Invalid):
        imports.correct(world.session, world.actor(WHO), done.left, 3, {"nope": "1"})
    with pytest.raises(NotFound):
        imports.correct(world.session, world.actor(WHO), done.left, 2, {"from_on": "2026.3.1"})
    fixed = imports.correct(world.session, world.actor(WHO), done.left, 3, {"from_on": "2026.3.1"})
    assert fixed.clean
    assert imports.confirm(world.session, world.actor(WHO), done.left).created == 1


def test_an_import_is_undone_while_nobody_acted_on_it_and_the_history_holds(world: World) -> None:
    before = counted(world)
    batch = look(world, book(HEAD, delegate(1, "赵一"), delegate(2, "钱二")))
    imports.confirm(world.session, world.actor(WHO), batch.id)
    assert counted(world)["member"] == before["member"] + 2
    with pytest.raises(Refused):
        imports.undo(world.session, world.actor("xd.auditor"), batch.id)
    imports.undo(world.session, world.actor(WHO), batch.id)
    assert counted(world) == before and world.events("XD")[-1] == "import_undone"
    assert registry.first_false(world.session) is None
    with pytest.raises(Conflict):
        imports.undo(world.session, world.actor(WHO), batch.id)
    again = look(world, book(HEAD, delegate(1, "赵一"), delegate(2, "钱二")))
    assert imports.confirm(world.session, world.actor(WHO), again.id).created == 2


def test_changed_values_come_back_and_what_was_acted_on_stays(world: World) -> None:
    head = ["工号", "姓名", "单位", "手机"]
    first = look(world, book(head, ["r001", "赵一", "XD-XX", "13800000001"]), kind="people")
    imports.confirm(world.session, world.actor(WHO), first.id)
    second = look(world, book(head, ["r001", "赵一", "XD-XX", "13800000002"]), kind="people")
    imports.confirm(world.session, world.actor(WHO), second.id)
    with pytest.raises(Conflict) as refused:  # its member has been changed since
        third = look(world, book(HEAD, delegate(1, "赵一")))
        imports.confirm(world.session, world.actor(WHO), third.id)
        imports.undo(world.session, world.actor(WHO), first.id)
    assert refused.value.code == "acted_on"
    imports.undo(world.session, world.actor(WHO), second.id)
    member = tables.member.c
    phone = world.session.execute(select(member.phone).where(member.username == "r001")).scalar()
    assert phone == "13800000001" and registry.first_false(world.session) is None


def test_what_somebody_did_with_a_post_keeps_the_import(world: World) -> None:
    batch = look(world, book(HEAD, delegate(1, "赵一")))
    imports.confirm(world.session, world.actor(WHO), batch.id)
    post = tables.post.c
    given = world.session.execute(select(post.id).order_by(post.id.desc()).limit(1)).scalar_one()
    people.end_post(world.session, world.actor(WHO), given, date(2026, 4, 1), "调离")
    with pytest.raises(Conflict) as refused:
        imports.undo(world.session, world.actor(WHO), batch.id)
    assert refused.value.code == "acted_on"


def test_a_sheet_of_too_many_cells_is_refused_before_it_is_read(world: World) -> None:
    made = io.BytesIO()
    many = b'<row r="1">' + b'<c r="A1"><v>1</v></c>' * 500_000 + b"</row>"
    with (
        zipfile.ZipFile(io.BytesIO(book(HEAD))) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, many if "sheet1" in name else old.read(name))
    assert len(made.getvalue()) < 200_000
    with pytest.raises(Invalid, match="单元格太多"):
        look(world, made.getvalue())
