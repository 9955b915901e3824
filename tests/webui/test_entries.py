"""What is entered for others: from paper with its scan, or many from a table, each on record as what it is."""

from __future__ import annotations

import io
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from sqlalchemy import text

from engine import db
from engine.commands import attachments, entries, instances, operations, polls
from engine.definitions import check, read
from engine.errors import Invalid, Refused, Unavailable
from engine.history import verification
from engine.queries import inbox as waiting
from engine.settings import ROOT
from tests.hostile.sound import rulebook
from tests.journeys.university import MOTION, University
from tests.webui import apps
from tests.webui.working import work

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

FORM, TABLE = "/launch/congress_motion/entry", "/launch/congress_motion/table"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 60
HEAD = ("提案人", "工号", "案由", "理由", "建议措施", "类别", "建议承办单位")


@pytest.fixture
def town(engine: Engine) -> University:
    return University.built(engine, logs_in=())


@pytest.fixture
def login(town: University, url: str, tmp_path: Path) -> Any:
    return partial(apps.logged_in, apps.of(town, url, tmp_path), town)


def _matters(town: University) -> list[Any]:
    with db.transaction(town.engine) as session:
        query = "SELECT id, number, starter_id, unit_id, facts FROM instance ORDER BY number"
        return list(session.execute(text(query)))


def _scan(town: University) -> list[str]:
    key = town.do("secretary", attachments.add, "原件.png", PNG)
    return [str(key)]


def test_a_paper_is_entered_for_its_mover_with_its_scan(town: University) -> None:
    zhang, secretary = town.people["zhang"], town.people["secretary"]
    given = {"subject": "纸质提案：延长食堂供餐", **MOTION}
    with pytest.raises(Invalid) as without:
        town.do("secretary", instances.enter, "congress_motion", zhang, instances.Entered(given))
    assert list(without.value.fields) == ["attachments"]
    entered = instances.Entered({**given, "attachments": _scan(town)})
    town.do("secretary", instances.enter, "congress_motion", zhang, entered)
    (row,) = _matters(town)
    assert row.starter_id == secretary and row.unit_id == town.units["XX"]
    launch = row.facts["launch"]
    assert launch["mover"] == str(zhang) and launch["entered_by"] == str(secretary)
    assert [file["name"] for file in launch["attachments"]] == ["原件.png"]
    poll = town.waiting(row.id, "second").poll_id
    for who in ("li", "wang", "zhao"):
        town.do(who, polls.respond, poll, "yes")
    asked = town.look("zhang", waiting.inbox)  # the mover does not second what is theirs
    assert not [item for item in asked.items if item.instance_id == row.id]
    town.do("zhang", polls.close, poll)  # and closes early, as of any motion of theirs
    town.complete("head", row.id, "head_check", decision="forward")
    with db.transaction(town.engine) as session:
        assert verification.first_false(session) is None


@pytest.mark.parametrize(
    ("who", "owner", "refused"),
    [
        ("committee", "zhang", Refused),  # not the office
        ("secretary", "secretary", Invalid),  # for themselves
        ("secretary", "finance", Invalid),  # who is no delegate
    ],
)
def test_only_the_office_enters_and_only_for_who_may_move(
    town: University, who: str, owner: str, refused: type[Exception]
) -> None:
    entered = instances.Entered({"subject": "纸质提案", **MOTION}, source="表")
    with pytest.raises(refused):
        town.do(who, instances.enter, "congress_motion", town.people[owner], entered)
    assert not _matters(town)


def test_the_page_of_a_paper_keeps_what_was_written(town: University, login: Any) -> None:
    office = login("secretary")
    page = office.get(FORM).text
    assert (
        "张敏" in page
        and "陈秘书</option>" not in page
        and login("li").get(FORM).status_code == 403
    )
    key = re.search(r'name="once" value="([^"]+)"', page)
    assert key
    form = {"once": key[1], "owner": str(town.people["zhang"]), "f.subject": "纸质提案：食堂"}
    form |= {f"f.{k}": v for k, v in MOTION.items()}
    again = office.post(FORM, data=form)
    assert again.status_code == 422 and "请附上原件的扫描件" in again.text
    assert "纸质提案：食堂" in again.text and not _matters(town)
    done = office.post(FORM, data={**form, "f.attachments": _scan(town)})
    assert done.status_code == 303 and len(_matters(town)) == 1
    told = login("auditor").get(f"/audit/{_matters(town)[0].id}").text
    assert "陈秘书代张敏登记" in told


def _book(*rows: tuple[str, ...]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for line in (("提案汇总表",), HEAD, *rows):
        sheet.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _line(who: str, subject: str, user: str = "", **more: str) -> tuple[str, ...]:
    return (
        who,
        user,
        subject,
        MOTION["reasons"],
        MOTION["measures"],
        more.get("category", "福利待遇与生活保障"),
        "后勤处",
    )


def test_a_table_is_looked_at_row_by_row_and_entered_once(town: University, login: Any) -> None:
    office = login("secretary")
    data = _book(
        _line("张敏", "甲件：延长食堂供餐时间"),
        _line("李强", "乙件：修缮图书馆屋顶", "li"),
        _line("沈丽", "丙件：不是代表的人提的"),
        _line("王芳", "丁件：类别不对的提案", category="别的"),
        _line("王芳", "短"),
    )
    page = office.post(TABLE, data={"file": (io.BytesIO(data), "提案.xlsx")}).text
    assert "2 件可以登记" in page and "3 件有错误" in page and "可以提出的人里没有“沈丽”" in page
    assert not _matters(town)
    kept = re.search(r'name="rows" value="([^"]+)"', page)
    assert kept
    assert office.post(f"{TABLE}/confirm", data={"rows": kept[1][:-3] + "abc"}).status_code == 409
    assert office.post(f"{TABLE}/confirm", data={"rows": kept[1]}).status_code == 303
    found = _matters(town)
    movers = [row.facts["launch"]["mover"] for row in found]
    assert movers == [str(town.people["zhang"]), str(town.people["li"])]
    said = [row.facts["launch"] for row in found]
    assert [(s["category"], s["unit"]) for s in said] == [("welfare", str(town.units["HQ"]))] * 2
    assert [s["entered_from"].split(" · ")[:2] for s in said] == [
        ["提案.xlsx", "3"],
        ["提案.xlsx", "4"],
    ]
    assert office.post(f"{TABLE}/confirm", data={"rows": kept[1]}).status_code == 409
    again = office.post(TABLE, data={"file": (io.BytesIO(data), "提案.xlsx")}).text
    assert "0 件可以登记" in again and "这一行已经登记" in again and len(_matters(town)) == 2
    assert login("li").post(f"{TABLE}/confirm", data={"rows": kept[1]}).status_code == 403
    wrong = office.post(TABLE, data={"file": (io.BytesIO(b"a,b\n1,2\n"), "x.csv")})
    assert wrong.status_code == 422 and "没有找到表头" in wrong.text


def test_a_folder_says_rightly_who_enters_what_stands_in_the_table_and_what_is_numbered() -> None:
    files = read(ROOT / "processes" / "congress_motion")
    assert not check.faults(files, rulebook(), frozenset())
    told = files["process.toml"]
    wrong = {
        'scan = "attachments"': 'scan = "subject"',
        'facts = ["launch.category"]': "facts = []",
        "教代提立〔{year}〕{n:03}": "教代提立{n:03}",
        "suggests = { lead_unit": "suggests = { assisting_units",
    }
    met = 0
    for right, other in wrong.items():
        assert told.count(right) == 1, right
        changed = {**files, "process.toml": told.replace(right, other)}
        assert check.faults(changed, rulebook(), frozenset()), right
        met += 1
    assert met == len(wrong)


def test_a_long_table_of_matters_is_tried_and_entered_each_row_once(
    town: University, login: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = ("张敏", "李强", "查无此人", "王芳")
    data = _book(*(_line(who, f"{who}的提案") for who in people))
    monkeypatch.setattr(operations, "SMALL_BYTES", 0)
    office, at = login("secretary"), "/launch/congress_motion/table"
    sent = office.post(at, data={"file": (io.BytesIO(data), "提案.xlsx")})
    assert sent.status_code == 303 and work(town.engine) == 1
    page = office.get(sent.location).text
    assert "3 件可以登记，1 件有错误" in page
    trial = sent.location.rsplit("/", 1)[1]
    shown = office.get(f"{at}?trial={trial}").text
    assert "登记 3 件" in shown and "可以提出的人里没有“查无此人”" in shown
    assert login("auditor").get(f"{at}?trial={trial}").status_code in (403, 404)
    asked = office.post(f"{at}/confirm", data={"trial": trial})
    entered = entries.enter

    def dies(session: Any, actor: Any, process_id: str, row: Any) -> Any:
        if row.number == 4:
            raise Unavailable
        return entered(session, actor, process_id, row)

    monkeypatch.setattr(entries, "enter", dies)
    with pytest.raises(Unavailable):
        work(town.engine)
    monkeypatch.setattr(entries, "enter", entered)
    assert work(town.engine) == 1
    page = office.get(asked.location).text
    assert "已登记 3 件" in page and "没有登记的行" not in page
    again = office.post(at, data={"file": (io.BytesIO(data), "提案.xlsx")})
    work(town.engine)
    assert "0 件可以登记，4 件有错误" in office.get(again.location).text
    with db.transaction(town.engine) as session:
        assert session.execute(text("SELECT count(*) FROM instance")).scalar_one() == 3
        assert verification.first_false(session) is None
