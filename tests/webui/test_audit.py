"""The auditor's pages: search, the answer before the log, the proof, the evidence, the log of a union, the seals."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from engine import clock, db, jobs, settings
from engine.commands import instances, reads, sealing, tasks
from engine.db import progress, queue, tables
from engine.errors import NotFound, Unavailable
from engine.history import keys, resumed, seals
from engine.history.kept import Log
from engine.queries import inbox as waiting
from tests.webui.errands import rated, started

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from uuid import UUID

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


@pytest.fixture
def matter(house: House) -> UUID:
    """A matter that was checked, done and rated."""
    return rated(house)


def seal(house: House, home: Path) -> None:
    key = keys.load_or_create(home / "keys")
    house.look(lambda s: seals.seal(s, key))


def spoil(house: House, key: UUID) -> None:
    """What somebody with the database in hand might do."""
    house.look(
        lambda s: s.execute(
            text("UPDATE event SET body = replace(body, 'good', 'badd') WHERE instance_id = :i"),
            {"i": key},
        )
    )


def reads_of(house: House, key: UUID) -> int:
    event = tables.event.c
    query = select(event.seq).where(event.instance_id == key, event.kind == "history_read")
    return len(house.look(lambda s: s.execute(query).all()))


# --- find -------------------------------------------------------------------------------------------------------------
def test_the_desk_searches_by_number_title_and_person(client: Login, house: House) -> None:
    started(house)
    started(house, "延长图书馆开放时间")
    browser = client("auditor")
    assert "更换三号楼饮水机" in browser.get("/audit").text
    page = browser.get("/audit?words=图书馆").text
    assert "延长图书馆" in page and "更换三号楼" not in page
    assert "更换三号楼" in browser.get("/audit?words=张敏").text
    assert "没有找到" in browser.get("/audit?words=没有这样的").text


def test_filters_narrow_and_stay_filled_in(client: Login, house: House, matter: UUID) -> None:
    started(house, "延长图书馆开放时间")
    browser, unit = client("auditor"), house.units["info"]
    page = browser.get(f"/audit?state=ended&process=errand&unit={unit}&since=2020-01-01").text
    assert (
        "更换三号楼" in page
        and "延长图书馆" not in page
        and '<option value="ended" selected>' in page
    )
    assert "没有找到" in browser.get("/audit?until=2020-01-01").text


@pytest.mark.parametrize(
    "query",
    [
        *("state=odd", "since=yesterday", "until=2026-13-40", "after=x", "words=%00", "unit=x"),
        *("until=9999-12-31", "since=0001-01-01", "since=20260101"),
    ],
)
def test_odd_filters_get_a_clear_answer(client: Login, house: House, query: str) -> None:
    assert client("auditor").get(f"/audit?{query}").status_code in (200, 404)


def test_a_page_is_downloaded_as_a_table_without_formulas(client: Login, house: House) -> None:
    started(house, "=cmd|' /C calc'!A0")
    reply = client("auditor").get("/audit?format=csv")
    assert reply.mimetype == "text/csv" and reply.text.startswith("\ufeff编号,案由")
    assert "'=cmd" in reply.text and "\n=cmd" not in reply.text and ",=cmd" not in reply.text


def test_what_is_late_is_found_with_who_has_it(
    client: Login, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webui.pages.auditor import audit

    late, timely = started(house), started(house, "延长图书馆开放时间")
    query = text(
        "UPDATE task SET due_at = now() - interval '3 days' WHERE instance_id = :i AND state = 'open'"
    )
    house.look(lambda s: s.execute(query, {"i": late}))
    page = client("office").get("/audit?overdue=1").text
    assert "更换三号楼" in page and "延长图书馆" not in page and "逾期 3 天" in page and timely
    monkeypatch.setattr(audit, "PAGE", 1)
    table = client("office").get("/audit?format=csv").text
    assert (
        "更换三号楼" in table
        and "延长图书馆" in table
        and "等待,期限" in table
        and ",校工会,2026-1" in table
    )


def test_pages_go_on_by_a_cursor(
    client: Login, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webui.pages.auditor import audit

    monkeypatch.setattr(audit, "PAGE", 1)
    started(house)
    newest = started(house, "延长图书馆开放时间")
    page = client("auditor").get("/audit").text
    assert "延长图书馆" in page and "更换三号楼" not in page and f"after={newest}" in page
    assert "更换三号楼" in client("auditor").get(f"/audit?after={newest}").text


@pytest.mark.parametrize("path", ["/audit", "/audit/log", "/audit/sample", "/audit/seal"])
def test_the_desk_is_for_the_desks(client: Login, house: House, path: str) -> None:
    assert client("plain").get(path).status_code == 403
    assert client("").get(path).status_code == 302
    assert client("office").get(path).status_code == client("auditor").get(path).status_code == 200


# --- one case ---------------------------------------------------------------------------------------------------------
def test_the_answer_comes_before_the_log(
    client: Login, house: House, matter: UUID, tmp_path: Path
) -> None:
    seal(house, tmp_path)
    page = client("auditor").get(f"/audit/{matter}").text
    assert page.index("结论") < page.index("经过")
    assert "前后相接，没有断裂" in page and "没有被拒绝的操作" in page and "这不能证明什么" in page
    for said in (
        "张敏提出",
        "陈秘书办理了“核对”",
        "“评价”截止：通过",
        "以正式代表",
        "李强在“评价”中答：满意",
        "意见：很快",
    ):
        assert said in page, said
    assert "名册散列" in page and f'action="/audit/{matter}/pack"' in page


def test_a_refused_attempt_stands_out(client: Login, house: House) -> None:
    key = started(house)
    item = house.look(lambda s: waiting.inbox(s, house.actor("office")).items[0])
    with pytest.raises(NotFound):
        house.do("second", tasks.complete, item.id, {"decision": "pass"})
    page = client("auditor").get(f"/audit/{key}").text
    assert (
        "有 1 次操作被拒绝" in page and "yx-refused" in page and "李强想办理“核对”，被拒绝" in page
    )


def test_reading_is_on_record_once_a_day(client: Login, house: House, matter: UUID) -> None:
    browser = client("auditor")
    for _ in range(3):
        assert "孙审计查看了历史" in browser.get(f"/audit/{matter}").text
    client("office").get(f"/audit/{matter}")
    assert reads_of(house, matter) == 2


def test_a_broken_chain_is_named_with_its_line(client: Login, house: House, matter: UUID) -> None:
    spoil(house, matter)
    page = client("auditor").get(f"/audit/{matter}").text
    assert "历史断裂：第" in page and "内容与散列不符" in page and "yx-answer bad" in page


@pytest.mark.parametrize("body", ["no json", "[]", "{}", '{"opened":[1]}', '{"actor":"x"}'])
def test_a_body_that_cannot_be_read_is_named_too(
    client: Login, house: House, matter: UUID, body: str
) -> None:
    statement = text("UPDATE event SET body = :body WHERE instance_id = :i AND seq = 3")
    house.look(lambda s: s.execute(statement, {"i": matter, "body": body}))
    page = client("auditor").get(f"/audit/{matter}")
    assert page.status_code == 200 and "历史断裂：第 3 条" in page.text


def test_a_case_is_there_for_those_who_may_see_it(
    client: Login, house: House, matter: UUID
) -> None:
    assert client("mover").get(f"/audit/{matter}").status_code == 200  # one's own
    assert (
        client("second").get(f"/audit/{matter}").status_code == 403
    )  # sees the matter, not its history
    for who in ("plain", "stranger", "foreign"):
        assert client(who).get(f"/audit/{matter}").status_code == 404


def test_the_page_speaks_english(client: Login, house: House, matter: UUID) -> None:
    page = client("auditor").get(f"/audit/{matter}?lang=en").text
    assert 'lang="en"' in page and "Check" in page


def test_a_long_timeline_goes_on(client: Login, house: House, matter: UUID) -> None:
    page = client("auditor").get(f"/audit/{matter}?after=3").text
    assert 'id="e4"' in page and 'id="e3"' not in page


def test_a_timeline_is_narrowed_to_who_acted(client: Login, house: House, matter: UUID) -> None:
    whole = client("auditor").get(f"/audit/{matter}").text
    names = re.findall(r"<option>([^<]+)</option>", whole)
    assert len(names) > 1
    shown = {
        name: set(
            re.findall(r'id="(e\d+)"', client("auditor").get(f"/audit/{matter}?who={name}").text)
        )
        for name in names
    }
    assert all(shown.values()) and not set.intersection(*shown.values())
    assert set.union(*shown.values()) <= set(re.findall(r'id="(e\d+)"', whole))


# --- what belongs to no case ------------------------------------------------------------------------------------------
def test_the_log_tells_what_belongs_to_no_case(client: Login, house: House) -> None:
    assert client("plain").get("/audit/log").status_code == 403
    client("plain").post(
        "/rules/calendar/vacations",
        data={"name": "寒假", "from_on": "2027-01-20", "to_on": "2027-02-20"},
    )
    page = client("auditor").get("/audit/log").text
    assert "周会员的一次操作被拒绝" in page or "周会员想办理" in page
    assert "流程 errand 的版本" in client("auditor").get("/audit/log?of=installation").text
    assert client("auditor").get(f"/audit/log?of={house.units['other']}").status_code == 404
    today, told = clock.today(), "周会员"
    ways = {
        "who=周会员": True,
        "who=周 会员": True,
        "who=李强": False,
        "refused=1": True,
        f"since={today}&until={today}": True,
        f"until={today - timedelta(days=1)}": False,
        f"since={today + timedelta(days=1)}": False,
    }
    for query, found in ways.items():
        assert (told in _lines(client("auditor").get(f"/audit/log?{query}").text)) is found, query
    only = _lines(client("auditor").get("/audit/log?refused=1").text)
    assert only.count("yx-event ") == only.count("yx-refused") > 0
    for odd in ("since=2026-2-30", "until=9999-12-31", "since=0001-01-01"):
        assert "日期应写成" in client("auditor").get(f"/audit/log?{odd}").text
    assert client("auditor").get("/audit/log?who=%00").status_code == 422


def _lines(page: str) -> str:
    """The timeline of a page."""
    return page.partition('<ol class="yx-line">')[2]


def test_checkpoints_are_shown_and_given_to_witnesses(
    client: Login, house: House, matter: UUID, tmp_path: Path
) -> None:
    assert "检查点" in client("auditor").get("/audit/seal").text
    seal(house, tmp_path)
    with db.transaction(house.engine) as session:
        at = ("union_secretary@union", "installation@union")
        house.person(session, "runner", "总管", "union", "union", *at)
    auditor, browser = client("auditor"), client("runner")
    page = auditor.get("/audit/seal").text
    assert "/witness" not in page and "/witness" in browser.get("/audit/seal").text
    assert (
        "yixing/checkpoint/1" in page
        and keys.load_or_create(tmp_path / "keys").public.hex() in page
    )
    size = house.look(lambda s: s.execute(select(tables.checkpoint.c.size)).scalar_one())
    assert browser.post(f"/audit/seal/{size}/witness", data={"who": ""}).status_code == 422
    assert (
        browser.post(f"/audit/seal/{size}/witness", data={"who": "省教育工会办公室"}).status_code
        == 302
    )
    assert browser.post(f"/audit/seal/{size}/witness", data={"who": "别人"}).status_code == 409
    assert "省教育工会办公室" in browser.get("/audit/seal").text
    assert "已交省教育工会办公室保存" in browser.get("/audit/log?of=installation").text
    for who in ("plain", "auditor"):
        stranger = client(who).post(f"/audit/seal/{size}/witness", data={"who": "我"})
        assert stranger.status_code == 403


def test_only_those_who_may_confirm_a_restoration_are_asked_to(
    client: Login, house: House, matter: UUID, tmp_path: Path
) -> None:
    seal(house, tmp_path)
    with db.transaction(house.engine) as session:
        for who in ("runner", "deputy"):
            house.person(session, who, who, "union", "union", "installation@union")
        log = Log(tmp_path / "keys")
        sealing.resume(session, log, "restored", "root", source="2026-03-01")
        found = resumed.newest(session)
    assert found is not None
    door = f"/audit/seal/resumed/{found.seq}"
    for who in ("office", "auditor"):
        page = client(who).get("/audit/seal").text
        assert "恢复、修复或补记待确认" in page and door not in page
        assert client(who).post(door).status_code == 403
    for who in ("runner", "deputy"):
        browser = client(who)
        assert door in browser.get("/audit/seal").text
        assert browser.post(door).status_code == 302
        assert door not in browser.get("/audit/seal").text
    assert "恢复、修复或补记待确认" not in client("auditor").get("/audit/seal").text


def verified(client: Login, house: House, home: Path) -> str:
    """The page after the auditor asked for a verification and a worker carried it out."""
    assert client("auditor").post("/audit/seal/verify").status_code == 302
    (asked,) = house.look(lambda s: queue.waiting(s, ["verify"]))
    jobs.verify(house.engine, settings.load({"YIXING_HOME": str(home)}), **asked.task_kwargs)
    house.look(lambda s: s.execute(text("DELETE FROM procrastinate_jobs")))
    return client("auditor").get("/audit/seal").text


def test_the_page_says_how_far_a_verification_is(
    client: Login, house: House, matter: UUID, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seal(house, tmp_path)
    for who in ("auditor", "auditor"):  # whoever asks again waits for the same
        client(who).post("/audit/seal/verify")
    page = client("auditor").get("/audit/seal").text
    assert "已排队" in page and 'data-while="[data-running]"' in page and "校验结果" not in page
    assert 'http-equiv="refresh"' not in page  # it would empty the other forms of the page
    piece = client("auditor").get("/audit/seal/verification").text
    assert "data-running" in piece and "已排队" in piece and "<form" not in piece
    assert client("plain").get("/audit/seal/verification").status_code == 403
    (asked,) = house.look(lambda s: queue.waiting(s, ["verify"]))
    seen: list[str] = []
    monkeypatch.setattr(progress, "EVERY", 0)
    whole = reads.verified

    def watched(session: db.Session, *given: Any) -> Any:
        given[-1](3)
        seen.append(client("auditor").get("/audit/seal").text)
        return whole(session, *given)

    monkeypatch.setattr(reads, "verified", watched)
    own = settings.load({"YIXING_HOME": str(tmp_path)})
    with db.transaction(house.engine) as another:
        assert reads.alone(another)
        with pytest.raises(Unavailable):  # it waits for its turn, and nothing was found meanwhile
            jobs.verify(house.engine, own, **asked.task_kwargs)
    assert not seen and "校验结果" not in client("auditor").get("/audit/seal").text
    jobs.verify(house.engine, own, **asked.task_kwargs)
    assert [each for each in seen if "<progress" in each and "已读 3 条" in each]
    page = client("auditor").get("/audit/seal").text
    assert "全部相符" in page and "孙审计要求" in page and "data-live" not in page
    piece = client("auditor").get("/audit/seal/verification").text
    assert "全部相符" in piece and "data-running" not in piece  # and is asked for no more
    jobs.verify(
        house.engine, settings.load({"YIXING_HOME": str(tmp_path)}), **asked.task_kwargs
    )  # again: nothing new
    told = house.look(
        lambda s: s.execute(
            text("SELECT count(*) FROM event WHERE kind = 'history_verified'")
        ).scalar()
    )
    assert told == 1


def test_the_whole_history_is_verified(
    client: Login, house: House, matter: UUID, tmp_path: Path
) -> None:
    seal(house, tmp_path)
    assert "全部相符，签名有效" in verified(client, house, tmp_path)
    spoil(house, matter)
    page = verified(client, house, tmp_path)
    number = house.look(lambda s: s.execute(select(tables.instance.c.number)).scalar_one())
    assert f"断裂：{number} 第" in page
    assert client("plain").post("/audit/seal/verify").status_code == 403


def test_the_clock_of_the_page_is_chinas(client: Login, house: House) -> None:
    key = started(house)
    assert f"{clock.today().isoformat()} 发起" in client("auditor").get(f"/audit/{key}").text


# --- the answer before the log ----------------------------------------------------------------------------------------
def test_a_year_is_sampled_and_that_stands_in_the_log(client: Login, house: House) -> None:
    browser, year = client("auditor"), clock.today().year
    page = browser.get("/audit/sample").text
    assert "这一年没有这样的事项" in page
    assert "这一年没有截止的表决" in page  # a rating decides nothing
    assert "这一年没有这样的事项" in browser.get(f"/audit/sample?year={year - 1}").text
    assert (
        "这一年没有退回、作废、更正、暂停、终止和异常" in page
        and "这一年没有修复、恢复过记录" in page
    )
    key = started(house)
    house.do("office", instances.suspend, key, "等上级答复")
    odd = browser.get("/audit/sample").text
    assert "1 处：" in odd and "暂停本件" in odd and "等上级答复" in odd
    there = re.search(rf'href="/audit/{key}#(e[0-9]+)"', odd)
    assert there and f'id="{there[1]}"' in browser.get(f"/audit/{key}").text
    assert "暂停本件" not in browser.get(f"/audit/sample?year={year - 1}").text
    table = browser.get("/audit/sample?format=csv")
    assert "等上级答复" in table.text
    assert table.content_type.startswith("text/csv") and "最少到会" in table.text
    log = browser.get("/audit/log").text
    assert log.count(f"抽查了 {year} 年的结论") == 1  # twice on one day
    assert log.count(f"抽查了 {year - 1} 年的结论") == 1
    assert client("plain").get("/audit/sample").status_code == 403
    assert browser.get(f"/audit/sample?of={house.units['other']}").status_code == 404
