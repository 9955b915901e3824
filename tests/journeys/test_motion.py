"""A motion from launch to the closed case and its audit, on a phone, every act through a page by the person it belongs to."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from engine import db, settings
from engine.db import queue
from engine.jobs import packing
from tests.journeys.desk import Desk
from tests.journeys.university import MOTION
from webui.http.messages import language

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.journeys.conftest import Site

TITLE = "延长东区食堂晚间供餐时间"
REASON = "情况属实，措施可行，同意立案。"
MEASURES = "东区食堂自下月起供餐至二十一时，设一个值班窗口，学期末公布就餐人数。"
LOGS_IN = (
    "zhang",
    "li",
    "wang",
    "zhao",
    "head",
    "committee",
    "member2",
    "chair",
    "logistics",
    "finance",
    "leader",
    "auditor",
)


def launched(mover: Desk, tmp_path: Path) -> str:
    """Write, be told what is wrong, leave, come back to the draft, hand it in; gives the matter's address."""
    page = mover.page
    mover.press("填写")
    mover.expected = (422,)
    mover.fill(subject="食堂", reasons="太早关门")
    mover.submit()
    faults = page.locator(".yx-fault").all_inner_texts()
    assert len(faults) == 4 and all(faults), faults  # too short twice, missing twice
    assert (
        mover.field("subject").input_value() == "食堂"
        and mover.field("reasons").input_value() == "太早关门"
    )
    assert "请按提示修改" in page.locator("[role=alert]").first.inner_text()

    mover.field("subject").fill("延长食堂晚间供餐时间的建议")
    page.locator(".yx-alike li", has_text="延长西区食堂供餐时间").wait_for()
    mover.fill(subject=TITLE, reasons=MOTION["reasons"])
    page.locator(".yx-saved", has_text="草稿已保存").wait_for()
    page.goto("/launch")
    assert TITLE in page.locator(".yx-row-title").first.inner_text()
    page.locator(".yx-row a").first.click()
    page.wait_for_load_state()
    assert mover.field("reasons").input_value() == MOTION["reasons"]

    paper = tmp_path / "调研 数据.txt"
    paper.write_text("四十一人次", "utf-8")
    page.locator("input[type=file]").set_input_files(paper)
    page.locator(".yx-file-list li", has_text="调研 数据.txt").wait_for()
    mover.fill(measures=MOTION["measures"], category="福利待遇与生活保障")
    mover.submit()
    assert "已发起" in mover.said() and TITLE in page.locator("h1").inner_text()
    assert "附议提案" in page.locator(".yx-now").inner_text()
    mover.expected = ()
    return page.url


def seconded(desk: Callable[..., Desk], mover: Desk, address: str) -> None:
    """Three second it, one of them after a change of mind; then there are enough and the mover closes."""
    for name in ("li", "wang", "zhao"):
        person = desk(name)
        person.open(TITLE)
        assert MOTION["measures"] in person.page.locator(".yx-present").inner_text()
        if name == "wang":
            person.page.get_by_label("意见").fill("情况属实")
        person.press("附议")
        assert "已作答" in person.said()
        if name == "li":
            person.page.goto(address)
            person.press("查看表决")
            person.press("撤回我的答复")
            assert "已撤回" in person.said()
            person.press("附议")
            assert "已作答" in person.said()
    mover.page.goto(address)
    mover.press("查看表决")
    assert mover.page.locator(".yx-tally b").first.inner_text() == "3"
    mover.press("人数已够，提前截止")
    assert "已截止" in mover.said()


def does(desk: Callable[..., Desk], username: str, task: str, **answers: Any) -> Desk:
    """Log in, find the motion in the inbox, see which task it is, fill the form, hand it in."""
    person = desk(username)
    person.open(TITLE)
    assert task in person.page.locator(".yx-ask").inner_text()
    person.fill(**answers)
    person.submit()
    assert "已办理" in person.said() and TITLE in person.said()
    return person


def handled(desk: Callable[..., Desk]) -> None:
    """From the head of the delegation to the signed reply."""
    does(desk, "head", "代表团团长审核", decision="同意上报")
    does(
        desk,
        "committee",
        "审查立案",
        decision="立案",
        grade="一般提案",
        lead_unit="后勤处",
        assisting_units=["财务处"],
        reason=REASON,
        present=["吴淑华", "郑伟"],
    )
    does(
        desk, "chair", "审定交办方案", decision="同意交办"
    )  # what the committee proposed is filled in already
    unit = does(desk, "logistics", "签收交办", decision="签收", officer="冯刚")
    assert "办理并答复" in unit.page.locator(".yx-ask").inner_text()  # the next task came by itself
    assert "工作日" in unit.page.locator(".yx-deadline").inner_text()
    unit.fill(
        met_on="2026-03-20",
        meeting_record="与提案人当面沟通，提案人认可主要措施。",
        measures=MEASURES,
        timetable="本学期末完成",
        code="A 已经解决或采纳",
    )
    unit.submit()
    helper = desk("finance")
    helper.open(TITLE)
    assert MEASURES in str(helper.page.locator(".yx-present").text_content())
    helper.vote("同意")
    leader = desk("leader")
    leader.open(TITLE)  # one tap, and another to sign
    leader.press("同意签发")
    assert "签发答复" in leader.said()


def papers(person: Desk, address: str) -> list[str]:
    """Every paper of the matter opens; gives the titles of those that are PDF."""
    person.page.goto(address)
    found = []
    links = person.page.locator(".yx-papers a")
    for title, path in links.evaluate_all(
        "all => all.map(a => [a.innerText, a.getAttribute('href')])"
    ):
        reply = person.page.request.get(path)
        assert reply.status == 200, (title, path)
        if "format=docx" in path:
            assert reply.body().startswith(b"PK"), title
        elif path.startswith("/documents/"):
            assert reply.headers["content-type"] == "application/pdf" and reply.body().startswith(
                b"%PDF-"
            )
            found.append(title)
        elif path.startswith("/papers/"):  # where it is corrected
            assert reply.headers["content-type"].startswith("text/html")
        else:
            assert reply.text() == "四十一人次" and reply.headers["content-disposition"].startswith(
                "attachment"
            )
    return found


def audited(site: Site, auditor: Desk, tmp_path: Path) -> None:
    """Found by title, the answer before the log, the whole timeline, and a pack that proves itself elsewhere."""
    page = auditor.page
    page.get_by_role("searchbox").fill("延长东区")
    auditor.press("查找")
    assert page.locator(".yx-row").count() == 1
    page.locator(".yx-row").click()
    page.wait_for_load_state()
    answer = page.get_by_role("region", name="结论").inner_text()
    assert "没有断裂" in answer and "没有被拒绝的操作" in answer and "办结" in answer
    line = page.locator(".yx-line").inner_text()
    for words in (
        "张敏",
        "李强",
        "附议提案",
        "吴淑华",
        "审查立案",
        "冯刚",
        "许志远",
        "签发答复",
        "教代提复",
    ):
        assert words in line, words
    page.locator(".yx-diagram[data-ready='1']").wait_for()
    assert page.locator(".yx-diagram .passed").count() > 10
    page.get_by_role("button", name="准备证据包").click()
    page.get_by_text("证据包已排队").wait_for()
    with db.transaction(site.engine) as session:
        (waiting,) = queue.waiting(session, ["pack"])
    own = settings.load({"YIXING_HOME": str(site.home)})
    packing.pack(site.engine, own, language("en"), **waiting.task_kwargs)
    with page.expect_download() as download:  # a worker makes it, the page shows when it is there
        page.get_by_role("link", name="下载证据包").click()
    pack = tmp_path / "pack.zip"
    download.value.save_as(pack)
    with zipfile.ZipFile(pack) as archive:
        (tmp_path / "verify.py").write_bytes(archive.read("verify.py"))
        assert any(name.endswith(".pdf") for name in archive.namelist())
    checked = subprocess.run(
        [sys.executable, "-I", "verify.py", "pack.zip"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0 and checked.stdout.splitlines()[-1].startswith("PASS"), (
        checked.stdout + checked.stderr
    )


@pytest.mark.desk
def test_a_motion_travels_from_launch_to_its_audit_on_a_phone(
    site: Site, desk: Callable[..., Desk], tmp_path: Path
) -> None:
    site.town.motion("延长西区食堂供餐时间", "qian")
    mover = desk("zhang", "/launch")
    address = launched(mover, tmp_path)
    seconded(desk, mover, address)
    handled(desk)

    mover.open(TITLE)
    assert "评价满意度" in mover.page.locator(".yx-ask").inner_text()
    assert MEASURES in str(mover.page.locator(".yx-present").text_content())
    mover.vote("满意")
    does(
        desk,
        "member2",
        "办结审核",
        result="A 已经解决或采纳",
        publication="校内公开案由、结果、答复",
    )
    mover.page.goto("/matters")
    assert "已办结" in mover.page.locator(".yx-row", has_text=TITLE).inner_text()
    titles = papers(mover, address)
    assert [
        t
        for t in ("提案表", "立案审查意见", "交办单", "答复书", "满意度")
        if not any(t in x for x in titles)
    ] == []

    auditor = desk("auditor", "/audit")
    audited(site, auditor, tmp_path)
    papers(auditor, address)
