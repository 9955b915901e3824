"""The table of a process: what stands in it, choosing many, what an act would do before it is done, views, and how many
clicks a session's motions take.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import openpyxl
import pytest
from sqlalchemy import text

from engine import clock, db, forms
from engine.commands import instances, operations
from engine.commands.people import tokens
from engine.commands.registry import DESK
from engine.definitions.store import process_of
from engine.documents import workbooks
from engine.errors import Conflict, Unavailable
from engine.queries import board as boards
from engine.queries import done as finished
from engine.queries import grid as reading
from engine.queries import heat as warm
from engine.queries import inbox as waiting
from engine.queries import instances as lists
from engine.queries import operations as operating
from tests.journeys.university import University
from tests.webui import apps
from tests.webui.working import work

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from flask import Flask
    from sqlalchemy import Engine

PAGE = "/grid/congress_motion"
REASON = "属于学校职权，措施具体，可以立案办理。"
MANY, MOST = 12, 60
SUBJECTS = [f"第{n}件：延长图书馆开放时间" for n in range(1, MANY + 1)]


@pytest.fixture
def town(engine: Engine) -> University:
    return University.built(engine, logs_in=())


class Hand:
    """A person at the pages, with each press counted: opening a link, pressing a button, choosing or ticking."""

    def __init__(self, app: Any, town: University, who: str) -> None:
        self.browser = apps.logged_in(app, town, who)
        self.presses, self.page, self.foreseen = 0, "", ""

    def open(self, path: str, presses: int = 1) -> str:
        return self._went(self.browser.get(path, follow_redirects=True), presses)

    def send(self, path: str, presses: int, **form: Any) -> str:
        """Press a button; `presses` counts it and what was ticked or chosen before."""
        return self._went(self.browser.post(path, data=form, follow_redirects=True), presses)

    def _went(self, reply: Any, presses: int) -> str:
        assert reply.status_code == 200, reply.text
        self.presses += presses
        self.page = reply.text
        return self.page

    def all_together(self, of: str, *, ticks: int, **said: Any) -> None:
        """From the table as it stands: all lines, the act, the spot check, what is said of all, its preview, and done."""
        matters = re.findall(r'name="matter" value="([^"]+)"', self.page)
        self.send(f"/together/{of}/chosen", 2, matter=matters)
        sheet = f"/together/{of}"
        for path in re.findall(
            r'href="(/tasks/[^"]+)">(?:(?!<li).)*?抽查，请先打开', self.page, re.DOTALL
        ):
            self.open(path.replace("&amp;", "&"))
            self.open(sheet)
        form = {**_own(self.page), **said, "batch": _value(self.page, "batch")}
        form["task"] = re.findall(r'name="task" value="([^"]+)" checked', self.page)
        self.send(sheet, ticks + 1, **form, preview="1")
        assert f"{MANY} 件将办理" in self.page
        self.foreseen = self.page
        self.send(sheet, 1, **form)
        assert f"已一并办理 {MANY} 件" in self.page


def _value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def _own(page: str) -> dict[str, str]:
    """What stands already in the fields of each line."""
    chosen = re.findall(
        r'<select[^>]*name="([^"]+\.f\.[^"]+)"[^>]*>(?:(?!</select>).)*?<option value="([^"]+)" selected',
        page,
        re.DOTALL,
    )
    return dict(chosen)


@pytest.fixture
def app(town: University, url: str, tmp_path: Path) -> Flask:
    return apps.of(town, url, tmp_path)


def _numbers(town: University) -> list[str]:
    """The numbers of all papers."""
    with db.transaction(town.engine) as session:
        return list(
            session.execute(text("SELECT number FROM document WHERE number <> ''")).scalars()
        )


def _table(town: University, who: str = "secretary", **wanted: Any) -> Any:
    return town.look(who, reading.grid, "congress_motion", reading.Wanted(**wanted))


def _matters(page: str) -> list[str]:
    return re.findall(r'name="matter" value="([^"]+)"', page)


def test_eighty_motions_take_few_presses(app: Any, town: University) -> None:
    """Filed, numbered, assigned and their letters issued: the presses do not grow with the motions, so that those of
    twelve are those of eighty; who would have it answered by whom stands on each line.
    """
    for n, subject in enumerate(SUBJECTS):
        town.reviewable(subject, ("HQ", "CW")[n % 2])
    committee, chair = Hand(app, town, "committee"), Hand(app, town, "chair")
    present = [str(town.people[who]) for who in ("committee", "member2")]
    committee.open("/grid")
    committee.open(f"{PAGE}?c.stage=审查立案", presses=2)
    assert len(_matters(committee.page)) == MANY
    filing = {"f.decision": "file", "f.grade": "general", "f.reason": REASON, "f.present": present}
    committee.all_together("congress_motion.review", ticks=3 + len(present), **filing)
    chair.open("/grid")
    chair.open(f"{PAGE}?c.stage=审定交办方案", presses=2)
    chair.all_together("congress_motion.dispatch_plan", ticks=1, **{"f.decision": "approve"})
    for paper in ("提案立案审查意见", "提案交办单"):
        assert f"{paper} {MANY} 份" in chair.foreseen and paper not in committee.foreseen
    found = _table(town)
    assert Counter(line.cells["lead"] for line in found.lines) == {("后勤处",): 6, ("财务处",): 6}
    assert all(line.cells["filed"] and line.cells["assigned"] for line in found.lines)
    for series in ("教代提审〔", "教代提交〔"):
        assert len({n for n in _numbers(town) if n.startswith(series)}) == MANY
    total = committee.presses + chair.presses
    assert 20 < total <= MOST, total


def test_what_an_act_would_do_is_said_before_and_nothing_is_done(
    app: Any, town: University
) -> None:
    keys = [town.reviewable(subject) for subject in SUBJECTS[:3]]
    person, of = Hand(app, town, "committee"), "congress_motion.review"
    person.send(f"/together/{of}/chosen", 1, matter=[str(keys[0]), str(keys[1])])
    ticked = re.findall(r'name="task" value="([^"~]+)~\d+" checked', person.page)
    assert sorted(ticked) == sorted(str(town.waiting(key, "review").id) for key in keys[:2])
    form = {"batch": _value(person.page, "batch"), "task": ticked, "preview": "1"}
    form |= {"f.decision": "suggest", "f.reason": REASON}
    form |= {"f.present": [str(town.people[who]) for who in ("committee", "member2")]}
    own = {f"{ticked[0]}.f.decision": "file"}  # without a unit that leads
    page = person.send(f"/together/{of}", 1, **form, **own)
    assert "1 件将办理" in page and "1 件跳过" in page
    assert re.findall(r'name="task" value="([^"~]+)~\d+" checked', page) == ticked[1:]
    assert not _numbers(town)
    assert all(town.waiting(key, "review").state == "open" for key in keys)


def test_the_board_tells_the_age_of_each_stage_who_has_how_much_and_what_was_done_before(
    app: Any, town: University
) -> None:
    new, before = town.reviewable("延长食堂供餐"), town.reviewable("去年的食堂供餐", "HQ")
    lead, at = str(town.units["HQ"]), clock.now()

    def aged(session: Any, _actor: Any) -> None:
        session.execute(
            text("UPDATE task SET opened_at = :at, due_at = :due WHERE instance_id = :k"),
            {"k": new, "at": at - timedelta(days=28), "due": at - timedelta(days=1)},
        )
        session.execute(
            text(
                "UPDATE instance SET started_at = :at, "
                "facts = facts || jsonb_build_object('assign', jsonb_build_object('lead_unit', CAST(:u AS text))) "
                "WHERE id = :k"
            ),
            {"k": before, "at": at - timedelta(days=400), "u": lead},
        )

    town.look("secretary", aged)
    found = town.look("secretary", boards.board, "congress_motion", reading.Wanted(), "lead")
    (stage,) = [each for each in found.stages if each.late]
    old = stage.cards[0]
    assert old.line.row.id == new and old.late and 15 <= old.days <= 20  # working days
    (hint,) = old.hints
    assert (hint.title, hint.said, hint.n, hint.of) == ("主办", "后勤处", 1, 1)
    assert hint.year < clock.today().year
    assert [(load.who, load.count, load.late) for load in found.loads] == [("后勤处", 1, 0)]
    page = Hand(app, town, "secretary").open(f"{PAGE}/board?by=lead")
    assert f"建议主办：后勤处（{hint.year} 年同类 1 件中 1 件）" in page
    assert f"/definitions/{found.version}#drawn" in page
    spots = town.look("secretary", lambda s, a: warm.heat(s, a, process_of(s, found.version)))
    (hot,) = spots
    assert (hot.element, hot.count, hot.late, hot.level) == ("review", 2, 1, warm.LEVELS)
    assert hot.longest == old.days and hot.median == 0
    assert not town.look("li", lambda s, a: warm.heat(s, a, process_of(s, found.version)))


def test_a_table_to_be_printed_keeps_texts_as_texts_and_has_an_end() -> None:
    lines = [["序号", "案由"], ["12", "=1+1"], ["3", "007"]]
    sheet = openpyxl.load_workbook(io.BytesIO(workbooks.printed(workbooks.Printed("表", lines))))
    cells = [[cell.value for cell in row] for row in sheet.worksheets[0].iter_rows(min_row=2)]
    assert cells == [["序号", "案由"], [12, "=1+1"], [3, "007"]]
    assert sheet.worksheets[0]["B3"].data_type == "s"
    with pytest.raises(Conflict):
        workbooks.printed(workbooks.Printed("表", [["1"]] * (workbooks.MOST_ROWS + 1)))


def test_lines_narrow_and_stand_in_order(town: University) -> None:
    first, second = (
        town.reviewable("乙件：修缮图书馆屋顶", "HQ"),
        town.motion("甲件：延长食堂供餐", "li"),
    )
    found = _table(town)
    assert found.of == 2 and dict({c.key: c.offers for c in found.columns}["delegation"]) == {
        "信息学院": 1,
        "数学学院": 1,
    }
    assert [x.row.id for x in _table(town, said={"suggested": "后勤处"}).lines] == [first]
    assert [x.row.id for x in _table(town, said={"stage": "附议提案"}).lines] == [second]
    assert [
        x.row.id for x in _table(town, said={"mover": "张敏", "delegation": "数学学院"}).lines
    ] == []
    assert [x.row.id for x in _table(town, sort="title").lines] == [second, first]
    assert [x.row.id for x in _table(town, sort="-title").lines] == [first, second]
    assert [x.cells["seconders"] for x in _table(town, sort="seconders").lines] == [("3",), ()]
    own = {x.row.id: [o.element for o in x.own] for x in _table(town, "committee").lines}
    assert own[first] == ["review"] and not any(x.own for x in found.lines)


def test_two_motions_stand_side_by_side_and_say_where_they_differ(
    app: Any, town: University
) -> None:
    keys = [town.reviewable("修缮图书馆屋顶", "HQ"), town.reviewable("修缮图书馆门窗", "HQ")]
    keys += [town.reviewable(f"第 {n} 件", "CW") for n in range(3)]
    browser = apps.logged_in(app, town, "secretary")
    sent = browser.post("/grid/congress_motion/compare", data={"matter": keys[:2]})
    beside = browser.get(sent.location).text
    assert beside.count('scope="col"') == 2 and "（相同）" in beside
    assert "<del>屋顶</del><ins>门窗</ins>" in beside
    assert all(f'href="/matters/{key}"' in beside for key in keys[:2])
    with db.transaction(town.engine) as session:
        token = tokens.create_token(session, None, town.people["secretary"], "对照")
    head, of = {"Authorization": f"Bearer {token}"}, ",".join(map(str, keys[:2]))
    told = app.test_client().get(f"/api/v1/side-by-side?matters={of}", headers=head).json
    assert [each["id"] for each in told["heads"]] == list(map(str, keys[:2]))
    (line,) = [each for each in told["lines"] if each["said"][1]["pieces"] and not each["alike"]][
        :1
    ]
    assert {piece["sign"] for piece in line["said"][1]["pieces"]} <= {" ", "-", "+"}
    for bad, status in (("x", 422), (str(keys[0]), 422), (f"{keys[0]},{uuid4()}", 404)):
        reply = app.test_client().get(f"/api/v1/side-by-side?matters={bad}", headers=head)
        assert reply.status_code == status
    for wrong in (keys[:1], keys, [keys[0], keys[0]]):
        told = browser.post(
            "/grid/congress_motion/compare", data={"matter": wrong}, follow_redirects=True
        )
        assert "请选 2 至 4 件对照" in told.text


def test_many_are_urged_at_once_and_who_was_urged_today_is_left_out(
    app: Any, town: University
) -> None:
    keys = [town.motion(subject) for subject in SUBJECTS[:3]]
    town.do("secretary", instances.remind, keys[0], "请尽快")
    person, told = Hand(app, town, "secretary"), {"matter": [str(key) for key in keys]}
    page = person.send(f"{PAGE}/act/remind", 1, **told)
    assert "将催办 2 件" in page and "1 件跳过：今天已经催办过" in page and len(_matters(page)) == 2
    assert _urged(town) == 1
    person.send(f"{PAGE}/act/remind", 1, matter=_matters(page), reason="请于本周办理", send="1")
    assert "催办：已办理 2 件" in person.page and _urged(town) == 3
    delegate = Hand(app, town, "li")
    assert (
        "所选各件现在都不能办理“催办”" in delegate.send(f"{PAGE}/act/remind", 1, **told)
        and _urged(town) == 3
    )


def test_many_are_left_to_a_worker_each_done_once_and_what_failed_is_tried_again(
    app: Any, town: University, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "SMALL_ACTS", 1)
    keys = [town.motion(subject) for subject in SUBJECTS[:3]]
    person, path = Hand(app, town, "secretary"), f"{PAGE}/act/remind"
    town.do("secretary", instances.remind, keys[0], "请尽快")
    told = {"matter": [str(key) for key in keys], "reason": "请于本周办理", "send": "1"}
    assert "已排队" in person.send(path, 1, **told) and _urged(town) == 1
    remind, calls = DESK["remind"].command, []

    def dies(session: Any, actor: Any, key: UUID, reason: str) -> None:
        remind(session, actor, key, reason)
        calls.append(key)
        if len(calls) == 1:
            raise Unavailable

    monkeypatch.setitem(DESK, "remind", replace(DESK["remind"], command=dies))
    with pytest.raises(Unavailable):
        work(town.engine)
    assert _urged(town) == 1
    work(town.engine)  # goes on, where the other died
    (it,) = town.look("secretary", operating.mine)
    page = person.open(f"/operations/{it.id}")
    assert "已办理 2 件" in page and "1 件没有办成：" in page and "今天已经催办过" in page
    assert _urged(town) == 3 and "再办这 1 件" in page
    again = person.send(path, 1, matter=re.findall(r'name="matter" value="([^"]+)"', page))
    assert "所选各件现在都不能办理“催办”" in again


def test_more_time_is_asked_for_many_at_once_and_what_cannot_ask_is_left_out(
    app: Any, town: University, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message of the process from the table: told first, refused with its form kept, sent to each by itself."""
    able, not_yet = (town.reviewable(subject) for subject in SUBJECTS[:2])
    for key in (able, not_yet):
        town.filed(key)
    town.complete("logistics", able, "accept", decision="accept", officer="王工")
    person, path = Hand(app, town, "logistics"), f"{PAGE}/act/ask_extension"
    assert path in person.open(PAGE)
    page = person.send(path, 1, matter=[str(able), str(not_yet)])
    assert "将申请延期答复 1 件" in page and "1 件跳过：现在不能进行这项操作" in page
    monkeypatch.setattr(operations, "SMALL_ACTS", 0)
    kept = {"matter": _matters(page), "send": "1"}
    short = person.browser.post(path, data={**kept, "f.reason": "忙"})
    assert short.status_code == 422 and ">忙</textarea>" in short.text
    person.send(path, 1, **kept, **{"f.reason": "须等暑期施工完成以后才能答复。"})
    assert "已排队" in person.page
    work(town.engine)
    assert town.waiting(able, "grant_extension")
    office = Hand(app, town, "secretary")
    assert path not in office.open(PAGE) and office.browser.post(path).status_code == 404


def _urged(town: University) -> int:
    with db.transaction(town.engine) as session:
        query = text("SELECT count(*) FROM event WHERE kind = 'matter_reminded'")
        return int(session.execute(query).scalar_one())


def test_views_are_kept_and_only_the_office_shares_them(app: Any, town: University) -> None:
    office, other = Hand(app, town, "secretary"), Hand(app, town, "committee")
    office.send(f"{PAGE}/views?c.stage=审查立案", 1, name="待审", shared="1")
    office.send(f"{PAGE}/views?overdue=1", 1, name="逾期的")
    assert [v.name for v in town.look("secretary", reading.views, "congress_motion")] == [
        "待审",
        "逾期的",
    ]
    assert [(v.name, v.mine) for v in town.look("committee", reading.views, "congress_motion")] == [
        ("待审", False)
    ]
    assert "待审" in other.open(PAGE)
    refused = other.browser.post(f"{PAGE}/views?overdue=1", data={"name": "甲", "shared": "1"})
    assert refused.status_code == 403
    assert not town.look("secretary", waiting.inbox).views  # those of the inbox stand by themselves
    other.send(f"{PAGE}/views/drop", 1, name="待审")
    assert len(town.look("secretary", reading.views, "congress_motion")) == 2
    office.send(f"{PAGE}/views/drop", 1, name="待审")
    assert [v.name for v in town.look("secretary", reading.views, "congress_motion")] == ["逾期的"]


def test_the_sheet_says_what_an_office_lists(app: Any, town: University) -> None:
    key, other = town.closed("=延长东区食堂供餐时间"), town.motion("另一件提案还在附议")
    person = Hand(app, town, "secretary")
    file = person.browser.post(f"{PAGE}/xlsx", data={"matter": str(key)})
    lines = list(openpyxl.load_workbook(io.BytesIO(file.data)).worksheets[0].values)
    assert lines[0][0] == "教代会提案一览表" and len(lines) == 3
    line = dict(zip(lines[1], lines[2], strict=True))
    assert line["序号"] == 1 and line["案由"] == "=延长东区食堂供餐时间" and line["附议数"] == 3
    said = ("提案人", "代表团", "类别", "重点", "主办", "评价")
    assert [line[k] for k in said] == [
        "张敏",
        "信息学院",
        "福利待遇与生活保障",
        "一般提案",
        "后勤处",
        "满意",
    ]
    days = [line[k] for k in ("提出", "立案", "交办", "答复期限", "答复", "评价日期", "办结")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in days[:6])
    cells = [
        c for row in openpyxl.load_workbook(io.BytesIO(file.data)).worksheets[0].rows for c in row
    ]
    assert not [c for c in cells if c.data_type == "f"]
    assert len(_all_lines(person)) == 4 and other
    assert "另一件提案还在附议" in person.send(f"{PAGE}/print", 1)


def _all_lines(person: Hand) -> list[Any]:
    file = person.browser.post(f"{PAGE}/xlsx")
    return list(openpyxl.load_workbook(io.BytesIO(file.data)).worksheets[0].values)


WRITTEN = (
    "教代提〔2026〕{n:03}",
    "2026-{n:03}",
    "{n}号",
    "第{n}号",
    "教代提(2026){n}",
    "教代提 2026年{n}号",
)


def test_a_motion_has_two_numbers_for_ever_and_is_found_by_both_as_people_write_them(
    town: University,
) -> None:
    year = clock.today().year
    gone = town.motion("甲件：已经撤回的提案")
    town.do("zhang", instances.withdraw, gone, "情况有变，不再需要办理。")
    first, second = (town.reviewable(subject, "HQ") for subject in SUBJECTS[:2])
    town.filed(second)
    town.filed(first)
    found = {line.row.id: line for line in _table(town).lines}
    numbers = {key: line.row.number for key, line in found.items()}
    assert numbers == {k: f"教代提〔{year}〕{n:03}" for n, k in enumerate((gone, first, second), 1)}
    filing = [found[key].cells["filing"] for key in (gone, second, first)]
    assert filing == [(), (f"教代提立〔{year}〕001",), (f"教代提立〔{year}〕002",)]
    met = 0
    for written in WRITTEN:
        words = written.format(n=3).replace("2026", str(year))
        assert _sought(town, words) == [second], words
        met += 1
    assert met == len(WRITTEN) and _sought(town, f"教代提立({year})2号") == [first]
    assert _sought(town, f"教代提立({year})3号") == []
    inbox = town.look("logistics", lambda s, a: waiting.inbox(s, a, words=f"{year}-2")).items
    assert [item.instance_id for item in inbox] == [first]
    done = town.look("chair", lambda s, a: finished.done(s, a, words=f"教代提立({year})1号"))[0]
    assert [item.instance_id for item in done] == [second]


def test_what_was_begun_before_is_found_by_its_number_after_the_upgrade() -> None:
    upgrade = import_module("engine.db.migrations.versions.0037_marks_of_numbers")
    numbers = ("教代提〔2026〕081", "调动-2026-007", "协商〔2025〕001号", "没有年份 12")
    told = [upgrade._marks(number) for number in numbers]
    assert told == [list(forms.marks(number)) for number in numbers]
    assert [len(marks) for marks in told] == [3, 3, 3, 0]


def _sought(town: University, words: str) -> list[UUID]:
    page = town.look("secretary", lists.instances, lists.Wanted(words=words))
    return [row.id for row in page.items]
