"""What the offices do in pairs: import people after mending the file, put a definition in force, set an own value."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import openpyxl
import pytest

from engine import clock, db, jobs
from engine.db import queue
from engine.settings import ROOT
from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk

FOLDER = ROOT / "processes" / "congress_motion"
LOGS_IN = ("secretary", "admin", "admin2", "zhang")


def table(path: Path, *rows: tuple[str, ...]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("用户名", "姓名", "单位编码", "手机", "邮箱"), *rows):
        sheet.append(row)
    book.save(path)
    return path


@pytest.mark.desk
def test_people_are_imported_after_the_file_was_mended(
    desk: Callable[..., Desk], tmp_path: Path
) -> None:
    office = desk("secretary", "/people/import")
    page = office.page
    good = ("20260001", "新来的老师", "XX", "13800000001", "new@example.edu.cn")
    bad = table(
        tmp_path / "第一稿.xlsx",
        good,
        ("20260002", "", "XX", "", ""),
        ("20260003", "无处可去", "QQ", "", "不是邮箱"),
    )

    def upload(path: Path) -> None:
        page.get_by_label("内容").select_option(label="人员")
        page.locator("#file").set_input_files(path)
        office.press("上传并预览")

    upload(bad)
    said = page.locator(".yx-answer").inner_text()
    assert "共 3 行" in said and "2 行有错误" in said and "先导入无误的 1 行" in said
    assert page.get_by_role("button", name="确认导入").count() == 0
    assert (
        page.locator("tr.yx-error").count() == 2
        and "QQ" in page.locator("tr.yx-error").nth(1).inner_text()
    )
    page.goto("/people?q=新来的老师")
    assert "没有找到" in page.locator("main").inner_text()  # nothing was written

    page.goto("/people/import")
    upload(table(tmp_path / "定稿.xlsx", good, ("20260002", "另一位老师", "SX", "", "")))
    assert "新增 2" in page.locator(".yx-answer").inner_text()
    office.press("确认导入")
    assert "新增 2" in office.said()
    page.goto("/people?q=新来的老师")
    page.locator(".yx-row").click()
    page.wait_for_load_state()
    assert (
        "信息学院" in page.locator(".yx-facts").inner_text()
        and "没有密码" in page.locator(".yx-facts").inner_text()
    )

    admin = desk("admin", "/people?q=20260001")
    admin.page.locator(".yx-row").click()
    admin.page.wait_for_load_state()
    admin.page.get_by_text("设置密码", exact=True).first.click()
    admin.page.locator("#secret").fill("初次登录 2026 之口令")
    admin.press("设置")
    assert "密码已设置" in admin.said()
    admin.context.clear_cookies()
    newcomer = admin.log_in("20260001", "初次登录 2026 之口令", "/me")
    assert "新来的老师" in newcomer.locator("h1").inner_text()


def changed(note: str) -> bytes:
    """The shipped folder with another summary and one of its stories."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for file in sorted(FOLDER.rglob("*")):
            if file.is_file() and (file.parent.name != "scenarios" or file.name[:4] == "101_"):
                text = file.read_text("utf-8")
                if file.name == "process.toml":
                    text = text.replace('summary = "', f'summary = "{note}', 1)
                archive.writestr(f"congress_motion/{file.relative_to(FOLDER).as_posix()}", text)
    return data.getvalue()


@pytest.mark.desk
def test_a_definition_is_proposed_by_one_and_approved_by_another(
    desk: Callable[..., Desk], site: Site, tmp_path: Path
) -> None:
    author = desk("admin", "/definitions", size=DESKTOP)
    page = author.page
    author.press("提出新版本")
    folder = tmp_path / "新版.zip"
    with zipfile.ZipFile(folder, "w") as archive:
        archive.writestr("congress_motion/process.toml", "id = 'congress_motion'")
    author.expected = (422,)
    page.locator("#folder").set_input_files(folder)
    page.locator("#note").fill("第一次尝试")
    author.press("检查并提交")
    assert (
        page.locator(".yx-faults li").count() >= 1
        and "没有提交" in page.locator("[role=alert]").first.inner_text()
    )
    assert page.locator("#note").input_value() == "第一次尝试"

    author.expected = ()
    folder.write_bytes(changed("（第八届修订）"))
    page.locator("#folder").set_input_files(folder)
    page.locator("#note").fill("按第八届三次会议决议修订说明")
    author.press("检查并提交")
    assert "正在演练故事" in author.said() and "另一人才能批准" in author.said()
    assert page.get_by_role("button", name="批准施行").count() == 0
    assert "不能是同一人" in page.locator(".yx-answer").inner_text()
    address = page.url

    with db.transaction(site.engine) as session:
        (asked,) = queue.waiting(session, ["rehearse"])
    jobs.rehearse(site.engine, **asked.task_kwargs)
    approver = desk("admin2", "/definitions")
    page = approver.page
    page.get_by_role("link", name="等待批准").click()
    page.wait_for_url(address)
    page.get_by_role("link", name="与施行中的第 1 版比较").click()
    page.wait_for_load_state()
    assert "第八届修订" in page.locator(".yx-diff .plus").first.inner_text()
    page.goto(address)
    approver.press("批准施行")
    assert "已批准" in approver.said() and "施行中" in page.locator("h1").inner_text()
    mover = desk("zhang", "/launch")
    assert "（第八届修订）" in mover.page.locator(".yx-offered").inner_text()


def test_an_own_value_of_a_rule_takes_two_people(desk: Callable[..., Desk]) -> None:
    office = desk("secretary", "/rules/MO-SECOND")
    page = office.page
    page.get_by_text("提出本单位的值").click()
    page.get_by_label("数值").fill("5")
    first = (clock.today() + timedelta(days=30)).isoformat()
    page.locator("input[name=valid_from]").fill(first)
    page.locator("#source").fill("第八届教代会第三次会议决议")
    office.press("提出")
    assert "等待另一人批准" in office.said()
    assert page.get_by_role("button", name="批准施行").count() == 0
    other = desk("admin", "/rules")
    assert "附议人数" in other.page.locator("main .yx-box").first.inner_text()
    other.page.locator("main .yx-box a").first.click()
    other.page.wait_for_load_state()
    other.press("批准施行")
    assert "已批准" in other.said()
    own = other.page.locator("#own").inner_text()
    assert "施行中" in own and first in own and "何管理" in own and "陈秘书" in own
    mover = desk("zhang", "/rules/MO-SECOND")
    assert first in mover.page.locator("#own").inner_text()
