from __future__ import annotations

import io
import json
import zipfile
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from engine.commands import imports, people
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.queries import imports as queries
from engine.queries import people as people_queries
from tests.engine.unions import FROM, World, processes, shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNITS = ["编码", "名称", "类型", "上级编码", "举办者类型", "城市", "党组织关系", "裁定依据"]
PEOPLE = ["工号/用户名", "姓名", "单位编码", "手机", "邮箱"]
POSTS = ["用户名", "职务", "单位编码", "届次", "起", "止"]
DELEGATES = ["用户名", "姓名", "单位编码（代表团）", "代表类别", "届次", "起", "止"]
HEADERS = {"units": UNITS, "people": PEOPLE, "posts": POSTS, "delegates": DELEGATES}


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


def xlsx(*rows: list[Any], literal: bool = False) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for r, row in enumerate(rows, 1):
        for c, value in enumerate(row, 1):
            if value is None:
                continue
            cell = sheet.cell(r, c)
            cell.value = value
            if literal and isinstance(value, str):
                cell.data_type = "s"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def look(
    world: World,
    kind: str,
    *rows: list[Any],
    who: str = "xd.administrator",
    header: list[str] | None = None,
) -> Any:
    return imports.preview(
        world.session, world.actor(who), kind, "名单.xlsx", xlsx(header or HEADERS[kind], *rows)
    )


def load(
    world: World, kind: str, *rows: list[Any], who: str = "xd.administrator"
) -> imports.Report:
    batch = look(world, kind, *rows, who=who)
    assert batch.clean, [row for row in batch.rows if row.level == "error"]
    return imports.confirm(world.session, world.actor(who), batch.id)


def counted(world: World) -> dict[str, int]:
    return {
        name: world.session.execute(
            select(func.count()).select_from(tables.metadata.tables[name])
        ).scalar_one()
        for name in ("unit", "member", "post", "event", "batch")
    }


def messages(batch: imports.Batch, number: int = 2) -> str:
    (row,) = (r for r in batch.rows if r.number == number)
    return f"{row.level}: {' '.join(row.messages)}"


# --- templates -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", imports.KINDS)
def test_a_template_explains_itself_and_its_example_row_is_no_data(world: World, kind: str) -> None:
    data = imports.template(kind)
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == [imports.kinds()[kind], "说明", "选项"]
    titles = [cell.value.rstrip("*") for cell in book.worksheets[0][1]]
    assert [
        row[0].value for row in book["说明"].iter_rows(min_row=2, max_row=len(titles) + 1)
    ] == titles
    assert bool(book.worksheets[0].data_validations.dataValidation) is (kind != "people")
    with pytest.raises(Invalid, match="没有要导入的行"):
        imports.preview(world.session, world.actor("xd.administrator"), kind, "t.xlsx", data)


def test_there_is_no_template_of_anything_else() -> None:
    with pytest.raises(NotFound):
        imports.template("secrets")


# --- hostile files ---------------------------------------------------------------------------------------------------
def bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    return stream.getvalue()


def with_part(name: str, data: bytes, sheet: bytes | None = None) -> bytes:
    source = zipfile.ZipFile(io.BytesIO(xlsx(PEOPLE, ["new.one", "新人", "XD-XX"])))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in source.infolist():
            old = source.read(part.filename)
            archive.writestr(
                part.filename, sheet if sheet and "sheet1.xml" in part.filename else old
            )
        if name:
            archive.writestr(name, data)
    return stream.getvalue()


ENTITY = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" '
    b't="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>'
)
FAR = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    b'<c r="A1" t="inlineStr"><is><t>x</t></is></c></row><row r="1048576"><c r="A1048576"><v>1</v></c></row>'
    b"</sheetData></worksheet>"
)
BAD_FILES = {
    "empty": (b"", "x.xlsx"),
    "text": (b"username,name\n", "x.xlsx"),
    "truncated": (xlsx(PEOPLE, ["a", "b", "XD"])[:-200], "x.xlsx"),
    "other zip": (with_part("", b"")[:50] + b"\0" * 50, "x.xlsx"),
    "zip bomb": (bomb(), "x.xlsx"),
    "macros": (with_part("xl/vbaProject.bin", b"x"), "x.xlsx"),
    "xlsm": (xlsx(PEOPLE), "x.xlsm"),
    "xls": (b"\xd0\xcf\x11\xe0" + b"\0" * 5000, "x.xls"),
    "entities": (with_part("", b"", ENTITY), "x.xlsx"),
    "a row far away": (with_part("", b"", FAR), "x.xlsx"),
    "broken sheet": (with_part("", b"", b"<worksheet"), "x.xlsx"),
    "too big": (b"PK" + b"\0" * 10_000_000, "x.xlsx"),
    "no header": (xlsx(["a", "b"], ["c", "d"]), "x.xlsx"),
    "header missing a column": (xlsx(["用户名", "姓名"], ["a", "b"]), "x.xlsx"),
    "header twice": (xlsx([*PEOPLE, "姓名"], ["new.one", "新人", "XD"]), "x.xlsx"),
    "header too low": (xlsx(*[[]] * 40, PEOPLE, ["new.one", "新人", "XD"]), "x.xlsx"),
    "only a header": (xlsx(PEOPLE), "x.xlsx"),
    "only blanks": (xlsx(PEOPLE, [" ", "", "\n"]), "x.xlsx"),
    "another kind": (xlsx(UNITS, ["A", "b", "学院工会"]), "x.xlsx"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_and_nothing_is_written(world: World, case: str) -> None:
    data, name = BAD_FILES[case]
    before = counted(world)
    with pytest.raises(Invalid) as fault:
        imports.preview(world.session, world.actor("xd.administrator"), "people", name, data)
    assert "file" in fault.value.fields
    assert counted(world) == before


def test_a_hundred_thousand_rows_are_refused(world: World) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(PEOPLE)
    for n in range(100_000):
        sheet.append([f"user{n}", "名", "XD"])
    stream = io.BytesIO()
    book.save(stream)
    before = counted(world)
    with pytest.raises(Invalid, match="5000"):
        imports.preview(
            world.session, world.actor("xd.administrator"), "people", "x.xlsx", stream.getvalue()
        )
    assert counted(world) == before


@pytest.mark.parametrize(
    "nasty",
    [
        '=HYPERLINK("http://x","y")',
        "=1+1",
        "@SUM(A1)",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "a\u202eb",
        "字" * 400,
        "<script>alert(1)</script>" * 20,
    ],
)
def test_a_nasty_name_is_an_error_of_its_row(world: World, nasty: str) -> None:
    for literal in (False, True):
        data = xlsx(PEOPLE, ["new.one", nasty, "XD-XX"], literal=literal)
        batch = imports.preview(
            world.session, world.actor("xd.administrator"), "people", "x.xlsx", data
        )
        assert messages(batch).startswith("error")
        with pytest.raises(Conflict) as fault:
            imports.confirm(world.session, world.actor("xd.administrator"), batch.id)
        assert fault.value.code == "has_errors"


def test_harmless_nasty_text_is_kept_as_it_is_and_comes_out_as_text(world: World) -> None:
    name = "Robert'); DROP TABLE member;--"
    load(world, "people", ["bobby", name, "XD-XX"], ["markup", "<b>粗</b>&amp;", "XD-XX"])
    book = openpyxl.load_workbook(
        io.BytesIO(imports.export(world.session, world.actor("xd.auditor"), "people"))
    )
    cells = {cell.value: cell.data_type for row in book.worksheets[0].iter_rows() for cell in row}
    assert cells[name] == cells["<b>粗</b>&amp;"] == "s"


CELLS = st.one_of(
    st.none(),
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.datetimes(),
    st.dates(),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], max_codepoint=0x2FFF), max_size=40),
    st.sampled_from(
        ["XD", "XD-XX", "xd.li", "正式", "第八届", "2026-03-01", "正式代表", "校工会", "省属", "=1"]
    ),
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(sorted(imports.KINDS)),
    rows=st.lists(st.lists(CELLS, max_size=8), max_size=6),
)
def test_whatever_stands_in_the_cells_gives_a_report_or_invalid(
    opened: Any, kind: str, rows: list[list[Any]]
) -> None:
    with opened() as world:
        try:
            batch = look(world, kind, *rows)
        except Invalid:
            return
        json.dumps([row.values for row in batch.rows])
        if batch.clean:
            imports.confirm(world.session, world.actor("xd.administrator"), batch.id)


# --- who may ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["xd.auditor", "xd.li"])
def test_only_those_who_import_may(world: World, who: str) -> None:
    with pytest.raises(Refused):
        look(world, "people", ["new.one", "新人", "XD-XX"], who=who)
    if who == "xd.li":
        with pytest.raises(Refused):
            imports.export(world.session, world.actor(who), "people")


def test_a_batch_of_another_union_does_not_exist(world: World) -> None:
    batch = look(world, "people", ["new.one", "新人", "XD-XX"])
    with pytest.raises(NotFound):
        imports.confirm(world.session, world.actor("mb.administrator"), batch.id)
    with pytest.raises(NotFound):
        queries.one_import(world.session, world.actor("mb.administrator"), batch.id)
    with pytest.raises(Refused):
        imports.confirm(world.session, world.actor("xd.auditor"), batch.id)


def test_units_and_people_of_another_union_are_unknown_here(world: World) -> None:
    assert "没有编码" in messages(look(world, "people", ["new.one", "新人", "MB-XX"]))
    assert "已有人使用" in messages(look(world, "people", ["mb.li", "新人", "XD-XX"]))
    assert "没有用户名" in messages(
        look(world, "posts", ["mb.li", "单位负责人", "XD", "", "2026-01-01", ""])
    )
    assert "已有人使用" in messages(
        look(world, "delegates", ["mb.li", "姓mb.li", "XD-XX", "正式", "八", "2026-01-01", ""])
    )
    assert "已经使用" in messages(look(world, "units", ["MB-XX", "抢来的", "学院工会", "XD"]))
    assert "没有编码" in messages(look(world, "units", ["NEW", "插进去", "学院工会", "MB"]))


# --- people ----------------------------------------------------------------------------------------------------------
def test_a_preview_writes_nothing_but_itself_and_confirm_writes_all(world: World) -> None:
    before = counted(world)
    batch = look(
        world,
        "people",
        ["A001", "张敏", "XD-XX", 13812345678, "a@b.cn"],
        [20180123, "李四", "XD-XX"],
    )
    assert counted(world) == {**before, "batch": before["batch"] + 1}
    assert [row.level for row in batch.rows] == ["ok", "ok"] and batch.counts["create"] == 2
    kept = queries.one_import(world.session, world.actor("xd.auditor"), batch.id)
    assert [(row.number, row.values["name"]) for row in kept.rows] == [(2, "张敏"), (3, "李四")]
    assert [
        found.id
        for found in queries.imports(world.session, world.actor("xd.auditor"), world.units["XD"])
    ] == [batch.id]
    report = imports.confirm(world.session, world.actor("xd.administrator"), batch.id)
    assert (report.created, report.changed, report.skipped) == (2, 0, 0)
    people_now = people_queries.roster(
        world.session, world.actor("xd.auditor"), world.units["XD"], q="20180123"
    ).items
    assert [p.name for p in people_now] == ["李四"]
    assert world.events("XD")[-3:] == ["member_created", "member_created", "import_confirmed"]
    assert "138123" not in world.bodies("XD")
    done = queries.one_import(world.session, world.actor("xd.auditor"), batch.id)
    assert (done.state, done.rows, done.counts["create"]) == ("done", (), 2)
    assert queries.imports(world.session, world.actor("xd.auditor"), world.units["XD"]) == ()


def test_a_batch_is_confirmed_once(world: World) -> None:
    batch = look(world, "people", ["new.one", "新人", "XD-XX"])
    imports.confirm(world.session, world.actor("xd.administrator"), batch.id)
    with pytest.raises(Conflict) as fault:
        imports.confirm(world.session, world.actor("xd.administrator"), batch.id)
    assert fault.value.code == "done"


def test_what_changed_after_the_preview_is_a_conflict_and_nothing_is_written(world: World) -> None:
    batch = look(world, "people", ["xd.li", "李新名", "XD-XX"], ["new.one", "新人", "XD-XX"])
    people.change_member(world.session, None, world.people["xd.li"], name="李又名")
    before = counted(world)
    with pytest.raises(Conflict) as fault:
        imports.confirm(world.session, world.actor("xd.administrator"), batch.id)
    assert fault.value.code == "changed"
    assert counted(world) == before


def test_the_same_again_is_skipped_with_a_warning(world: World) -> None:
    rows = (["new.one", "新人", "XD-XX", "13800000000"], ["xd.li", "姓xd.li", "XD-XX"])
    load(world, "people", *rows)
    batch = look(world, "people", *rows)
    assert batch.counts["skip"] == batch.counts["warning"] == 2
    assert "跳过" in messages(batch)


def test_changes_and_namesakes_are_warned_of(world: World) -> None:
    load(world, "people", ["new.one", "新人", "XD-XX", "13800000000"])
    batch = look(
        world,
        "people",
        ["new.one", "新人", "XD-XX", "13811111111"],
        ["other", "新人", "XD-XX"],
        ["o2", "唯一", "XD-XX"],
        ["o3", "唯一", "XD-XX"],
    )
    assert messages(batch, 3).startswith("error") and "是同一个人，还是另一个人" in messages(
        batch, 3
    )
    batch = imports.correct(
        world.session, world.actor("xd.administrator"), batch.id, 3, {"same_as": "new"}
    )
    assert "手机将由“13800000000”改为“13811111111”" in messages(batch)
    assert (
        messages(batch, 3) == "ok: "
        and "同名" in messages(batch, 5)
        and messages(batch, 4) == "ok: "
    )
    imports.confirm(world.session, world.actor("xd.administrator"), batch.id)
    found = people_queries.roster(
        world.session, world.actor("xd.auditor"), world.units["XD"], q="new.one"
    ).items
    assert [p.phone for p in found] == ["13811111111"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (["", "新人", "XD-XX"], "用户名"),
        (["new.one", "", "XD-XX"], "不能为空"),
        (["new.one", "新人", ""], "没有填“单位编码”"),
        (["new.one", "新人", "NOPE"], "没有编码"),
        (["new.one", "新人", "XD-XX", "abc"], "电话"),
        (["new.one", "新人", "XD-XX", "", "a@b"], "邮箱"),
        (["a b", "新人", "XD-XX"], "用户名"),
        (["new.one", "新人", "XD-XX", "=A1"], "公式"),
        (["new.one", "新人", "XD-XX", "#REF!"], "电话"),
    ],
)
def test_a_wrong_row_of_people_says_what_is_wrong(world: World, row: list[Any], says: str) -> None:
    found = messages(look(world, "people", row))
    assert found.startswith("error") and says in found


def test_a_user_name_twice_in_the_file_is_an_error(world: World) -> None:
    batch = look(world, "people", ["New.One", "新人", "XD-XX"], ["new.one ", "旧人", "XD-XX"])
    assert messages(batch).startswith("ok") and "与第 2 行重复" in messages(batch, 3)


def test_headers_may_be_english_and_in_another_order_and_blank_rows_are_passed_over(
    world: World,
) -> None:
    header = ["Name", "unit code", "备注", "USERNAME*"]
    rows = ([" ", None, ""], ["张敏", "XD-XX", "x", "new.one"], [], ["李", "XD-XX", "", "n2"])
    batch = look(world, "people", *rows, header=header)
    assert [row.number for row in batch.rows] == [3, 5] and batch.clean
    assert any("备注" in note for note in batch.notes)


# --- units -----------------------------------------------------------------------------------------------------------
def test_a_whole_tree_comes_in_any_order(world: World) -> None:
    admin = world.people["xd.administrator"]
    people.grant_post(world.session, None, admin, "administrator", world.units["ZGH"], FROM)
    people.grant_post(world.session, None, admin, "administrator", world.units["HZ"], FROM)
    report = load(
        world,
        "units",
        ["XY-1", "外语学院工会", "学院工会", "XY", "", ""],
        ["XZ", "第一小组", "工会小组", "XY-1", "", ""],
        ["XY", "新学院工会", "校工会", "", "民办", "杭州市", "市级"],
        ["NB", "宁波市总工会", "市总工会", "ZGH", "", "宁波"],
        ["NBDX", "甬江大学工会", "university_union", "", "市属", "宁波"],
    )
    assert report.created == 5
    unit = {row.code: row for row in world.session.execute(select(tables.unit))}
    assert (
        unit["XY"].managing_id == world.units["HZ"] and unit["XY"].guiding_id == world.units["JYGH"]
    )
    assert unit["NBDX"].managing_id == unit["NB"].id
    assert unit["XZ"].union_id == unit["XY-1"].union_id == unit["XY"].id == unit["XY"].union_id
    world.units["XY"] = unit["XY"].id
    assert world.events("XY") == ["unit_created"] * 3


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (["", "名", "学院工会", "XD"], "编码"),
        (["N", "", "学院工会", "XD"], "不能为空"),
        (["N", "名", "王国", "XD"], "没有“王国”"),
        (["N", "名", "学院工会", ""], "要写上级编码"),
        (["N", "名", "学院工会", "NOPE"], "没有编码"),
        (["N", "名", "学院工会", "XD-XX"], "不能设在"),
        (["N", "名", "学院工会", "N"], "圈"),
        (["N", "名", "校工会", "", "无主", "杭州"], "举办者类型"),
        (["N", "名", "校工会", "", "市属", ""], "不明"),
        (["N", "名", "校工会", "", "市属", "温州"], "温州市总工会"),
        (["N", "名", "校工会", "", "民办", "杭州"], "没有登记党组织关系"),
        (["N", "名", "校工会", "", "省属", "杭州", "市级"], "裁定"),
        (["N", "名", "校工会", "", "省属", "杭州", "区级"], "党组织关系应为"),
        (["N", "名", "校工会", "HZ", "省属", "杭州"], "按规定应由“省教育工会”管理"),
        (["N", "名", "省总工会", ""], "操作员"),
        (["N", "名", "市总工会", "ZGH"], "城市"),
        (["XD-XX", "名", "职能部门", "XD"], "类型不能更改"),
    ],
)
def test_a_wrong_row_of_units_says_what_is_wrong(world: World, row: list[Any], says: str) -> None:
    found = messages(look(world, "units", row))
    assert found.startswith("error") and says in found


def test_a_circle_of_parents_is_an_error(world: World) -> None:
    batch = look(world, "units", ["A", "甲", "职能部门", "B"], ["B", "乙", "职能部门", "A"])
    assert "圈" in messages(batch, 2) and "圈" in messages(batch, 3)


def test_a_parent_against_the_table_needs_a_ruling(world: World) -> None:
    admin = world.people["xd.administrator"]
    for code in ("JYGH", "HZ"):
        people.grant_post(world.session, None, admin, "administrator", world.units[code], FROM)
    row = ["N", "新大学工会", "校工会", "JYGH", "民办", "杭州", "市级"]
    assert "应由“市总工会”管理" in messages(look(world, "units", row))
    batch = look(world, "units", [*row, "省总工会 浙总工办〔2026〕5号"])
    assert messages(batch).startswith("warning") and "浙总工办〔2026〕5号" in messages(batch)
    imports.confirm(world.session, world.actor("xd.administrator"), batch.id)
    made = world.session.execute(select(tables.unit).where(tables.unit.c.code == "N")).one()
    assert (made.managing_id, made.guiding_id) == (world.units["JYGH"], None)
    world.units["N"] = made.id
    assert "由裁定确定：省总工会 浙总工办〔2026〕5号" in world.bodies("N")


def test_a_row_that_says_nothing_new_leaves_a_ruling_as_it_is(world: World) -> None:
    world.unit(
        "N",
        "university_union",
        "新大学工会",
        "JYGH",
        owner_type="private",
        affiliation="city",
        city="杭州",
        ruling="省总工会 浙总工办〔2026〕5号",
    )
    admin = world.people["xd.administrator"]
    people.grant_post(world.session, None, admin, "administrator", world.units["N"], FROM)
    same = look(world, "units", ["N", "新大学工会", "校工会", "", "民办", "杭州"])
    assert "内容相同" in messages(same)
    moved = look(world, "units", ["N", "新大学工会", "校工会", "", "民办", "杭州", "省级"])
    assert "改为“省级”" in messages(moved) or "改为“province”" in messages(moved)


def test_a_unit_is_renamed_by_import(world: World) -> None:
    batch = look(world, "units", ["XD-XX", "计算机学院工会", "学院工会", "XD"])
    assert "改为“计算机学院工会”" in messages(batch)
    assert imports.confirm(world.session, world.actor("xd.administrator"), batch.id).changed == 1
    assert world.events("XD")[-2:] == ["unit_changed", "import_confirmed"]


# --- posts and delegates ---------------------------------------------------------------------------------------------
def test_days_are_dates_or_text(world: World) -> None:
    for n, day in enumerate(
        [
            datetime(2026, 3, 1),
            date(2026, 3, 1),
            "2026-03-01",
            "2026/3/1",
            "2026.3.1",
            "2026年3月1日",
        ]
    ):
        load(world, "people", [f"p{n}", f"人{n}", "XD-XX"])
        load(world, "posts", [f"p{n}", "单位负责人", "XD-XX", "", day, ""])
    firsts = (
        world.session.execute(
            select(tables.post.c.from_on).where(tables.post.c.kind == "unit_head")
        )
        .scalars()
        .all()
    )
    assert firsts == [date(2026, 3, 1)] * 6


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (["nobody", "单位负责人", "XD-XX", "", "2026-01-01", ""], "没有用户名"),
        (["xd.li", "皇帝", "XD-XX", "", "2026-01-01", ""], "没有“皇帝”"),
        (["xd.li", "单位负责人", "NOPE", "", "2026-01-01", ""], "没有编码"),
        (["xd.li", "单位负责人", "XD-XX", "", "2026-02-30", ""], "日期"),
        (["xd.li", "单位负责人", "XD-XX", "", "明天", ""], "日期"),
        (["xd.li", "单位负责人", "XD-XX", "", 460, ""], "日期"),
        (["xd.li", "单位负责人", "XD-XX", "", "", ""], "没有填“起”"),
        (["xd.li", "单位负责人", "XD-XX", "", "2026-03-01", "2026-02-28"], "止日早于起日"),
        (["xd.li", "单位负责人", "XD-XX", "", "0026-03-01", ""], "1950"),
        (["xd.li", "正式代表", "XD-XX", "", "2026-03-01", ""], "届次"),
        (["xd.li", "正式代表", "XD", "第八届", "2026-03-01", ""], "校工会没有"),
        (["xd.administrator", "审计", "XD", "", "2026-03-01", ""], "为自己"),
    ],
)
def test_a_wrong_row_of_posts_says_what_is_wrong(world: World, row: list[Any], says: str) -> None:
    found = messages(look(world, "posts", row))
    assert found.startswith("error") and says in found


def test_a_secretary_imports_no_desk(world: World) -> None:
    row = ["xd.li", "系统管理员", "XD", "", "2026-03-01", ""]
    assert "系统管理员" in messages(look(world, "posts", row, who="xd.union_secretary"))
    assert not look(world, "posts", row, who="xd.union_secretary").clean
    assert look(world, "posts", row).clean


def test_terms_that_overlap_in_the_file_or_with_those_there_are_errors(world: World) -> None:
    load(world, "posts", ["xd.li", "代表团团长", "XD-XX", "第八届", "2026-01-01", "2026-12-31"])
    batch = look(
        world,
        "posts",
        ["xd.li", "代表团团长", "XD-XX", "第八届", "2026-01-01", "2026-12-31"],
        ["xd.li", "代表团团长", "XD-XX", "第八届", "2026-12-31", ""],
        ["xd.li", "代表团团长", "XD-XX", "第九届", "2027-01-01", ""],
        ["xd.li", "代表团团长", "XD-XX", "第十届", "2030-01-01", ""],
        ["xd.li", "单位负责人", "XD-XX", "", "2026-01-01", ""],
    )
    assert (
        "跳过" in messages(batch, 2)
        and "已登记的任期" in messages(batch, 3)
        and messages(batch, 4).startswith("warning")
        and "第九届”是新的届次" in messages(batch, 4)
    )
    assert "与第 4 行的任期重叠" in messages(batch, 5) and messages(batch, 6) == "ok: "


def delegate(n: int, category: str = "正式", unit: str = "XD-XX", **more: Any) -> list[Any]:
    return [
        f"d{n:03}",
        more.get("name", f"代表{n}"),
        unit,
        category,
        "第八届",
        "2026-03-01",
        "2031-02-28",
    ]


def test_two_hundred_and_thirteen_delegates_come_in_at_once(world: World) -> None:
    load(world, "people", *[[f"d{n:03}", f"代表{n}", "XD-XX"] for n in range(211)])
    batch = look(world, "delegates", *[delegate(n) for n in range(213)])
    assert (batch.counts["rows"], batch.counts["warning"], batch.counts["error"]) == (213, 2, 0)
    assert "尚未登记" in messages(batch, 214)
    assert any("教师" in note for note in batch.notes)
    imports.confirm(world.session, world.actor("xd.administrator"), batch.id)
    assert world.events("XD").count("post_granted") == 213 + 3
    page = people_queries.roster(
        world.session,
        world.actor("xd.auditor"),
        world.units["XD"],
        post="formal_delegate",
        limit=200,
    )
    assert len(page.items) == 200 and page.next
    again = look(world, "delegates", *[delegate(n) for n in range(213)])
    assert again.counts["skip"] == 213


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (delegate(1, "皇家"), "代表类别"),
        (delegate(1, ""), "代表类别"),
        (delegate(1, unit="NOPE"), "没有编码"),
        (delegate(1, unit="XD"), "没有“正式代表”"),
        (["xd.li", "别人", "XD-XX", "正式", "第八届", "2026-03-01", ""], "登记的姓名"),
        (["xd.li", "姓xd.li", "XD-XX", "正式", "", "2026-03-01", ""], "届次"),
        (["xd.li", "", "XD-XX", "正式", "第八届", "2026-03-01", ""], "不能为空"),
    ],
)
def test_a_wrong_row_of_delegates_says_what_is_wrong(
    world: World, row: list[Any], says: str
) -> None:
    found = messages(look(world, "delegates", row))
    assert found.startswith("error") and says in found


def test_nobody_is_a_delegate_of_two_sorts(world: World) -> None:
    batch = look(
        world,
        "delegates",
        delegate(1),
        delegate(1, "列席代表"),
        delegate(2, "formal"),
        delegate(1, name="另一人"),
    )
    assert "与第 2 行" in messages(batch, 3) and messages(batch, 4).startswith("warning")
    assert "不同的姓名" in messages(batch, 5)


# --- export ----------------------------------------------------------------------------------------------------------
def test_what_is_exported_can_be_imported_and_changes_nothing(world: World) -> None:
    load(
        world,
        "delegates",
        delegate(1),
        delegate(2, "列席"),
        ["00123", "零开头", "XD-XX", "特邀", "第八届", "2026-03-01", ""],
    )
    admin = world.actor("xd.administrator")
    for kind in imports.KINDS:
        batch = imports.preview(
            world.session, admin, kind, "导出.xlsx", imports.export(world.session, admin, kind)
        )
        assert batch.counts["skip"] == batch.counts["rows"] > 0, kind
    assert world.events("XD")[-1] == "people_exported"


def test_an_export_holds_only_ones_own_union(world: World) -> None:
    text = str(
        list(
            openpyxl.load_workbook(
                io.BytesIO(imports.export(world.session, world.actor("xd.auditor"), "people"))
            )
            .worksheets[0]
            .values
        )
    )
    assert "xd.li" in text and "mb.li" not in text


def test_five_thousand_rows_are_imported_at_once(world: World) -> None:
    report = load(
        world, "people", *[[f"u{n:05}", f"人{n}", "XD-XX", f"138{n:08}"] for n in range(5000)]
    )
    assert report.created == 5000
