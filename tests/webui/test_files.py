"""Files in and out: Chinese names, refused kinds and sizes, whose they are, and headers so that no browser runs them."""

from __future__ import annotations

import io
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import openpyxl
import pytest
from sqlalchemy import func, insert, select

from engine import clock
from engine.commands import attachments, instances
from engine.db import canonical, tables
from engine.documents import pdf
from webui.pages.files import named

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]

PDF = b"%PDF-1.7\n%%EOF\n"
SCRIPT = {"X-Requested-With": "yixing"}


def upload(browser: FlaskClient, name: str, data: bytes = PDF, **headers: str) -> Any:
    return browser.post(
        "/files", data={"file": (io.BytesIO(data), name)}, headers={**SCRIPT, **headers}
    )


def kept(house: House) -> int:
    return int(
        house.look(
            lambda s: s.execute(select(func.count()).select_from(tables.attachment)).scalar_one()
        )
    )


@pytest.mark.parametrize(
    "name", ["调研报告（终稿）.pdf", "𠮷野家 食堂 价格.pdf", "a'b;c 100%.pdf", "Ünïcödé – 表.PDF"]
)
def test_a_file_comes_back_under_its_own_name_and_is_never_shown_inside(
    client: Login, name: str
) -> None:
    browser = client("mover")
    answer = upload(browser, name)
    assert answer.status_code == 201
    assert answer.json["name"] and answer.json["size"] == len(PDF)
    back = browser.get(f"/files/{answer.json['id']}")
    assert back.data == PDF and back.headers["X-Content-Type-Options"] == "nosniff"
    assert (
        "sandbox" in back.headers["Content-Security-Policy"]
        and "no-store" in back.headers["Cache-Control"]
    )
    disposition = back.headers["Content-Disposition"]
    assert disposition.startswith("attachment; ") and disposition.isascii()
    encoded = re.search(r"filename\*=UTF-8''(\S+)$", disposition)
    assert encoded and unquote(encoded[1]) == name


@pytest.mark.parametrize(
    "name", ["网页.html", "图.svg", "程序.exe", "没有后缀", "宏.docm", ".pdf.js"]
)
def test_kinds_that_could_run_are_refused(client: Login, house: House, name: str) -> None:
    answer = upload(client("mover"), name)
    assert answer.status_code == 422 and answer.content_type == "application/problem+json"
    assert "只能上传" in answer.json["errors"]["file"][0]
    assert kept(house) == 0


PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
SHOWN = [
    ("报告.pdf", PDF, "application/pdf"),
    ("照片.jpg", b"\xff\xd8\xff\xe0" + bytes(24), "image/jpeg"),
    ("截图.png", PNG, "image/png"),
    ("动图.png", b"GIF89a" + bytes(24), "image/gif"),
    ("旧动图.png", b"GIF87a" + bytes(24), "image/gif"),
    ("新格式.jpeg", b"RIFF\x18\0\0\0WEBPVP8 " + bytes(16), "image/webp"),
    ("其实是图.txt", PNG, "image/png"),
]
HTML = b"<!DOCTYPE html><script>alert(1)</script>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.mark.parametrize(("name", "data", "kind"), SHOWN, ids=[each[0] for each in SHOWN])
def test_a_pdf_or_picture_is_looked_at_as_what_it_holds(
    client: Login, name: str, data: bytes, kind: str
) -> None:
    browser = client("mover")
    key = upload(browser, name, data).json["id"]
    shown = browser.get(f"/files/{key}/view")
    assert (shown.status_code, shown.content_type, shown.data) == (200, kind, data)
    assert shown.headers["Content-Disposition"].startswith("inline; ")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in shown.headers["Cache-Control"]
    policy = shown.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy
    assert policy.startswith("sandbox; ") is kind.startswith("image/")
    saved = browser.get(f"/files/{key}")
    assert saved.headers["Content-Disposition"].startswith("attachment; ")


@pytest.mark.parametrize("name", ["假.pdf", "假.png", "假.jpg", "说明.txt"])
@pytest.mark.parametrize(
    "data",
    [HTML, SVG, b"\n" + HTML, b"<!-- %PDF-1.7 -->" + HTML, b"RIFF" + HTML, b" %PDF-1.7" + HTML],
)
def test_what_is_no_pdf_or_picture_is_saved_whatever_it_is_called(
    client: Login, name: str, data: bytes
) -> None:
    browser = client("mover")
    key = upload(browser, name, data).json["id"]
    answer = browser.get(f"/files/{key}/view")
    assert answer.status_code == 200 and answer.data == data
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "html" not in answer.content_type and "svg" not in answer.content_type


def test_empty_missing_and_several_files_are_refused(client: Login, house: House) -> None:
    browser = client("mover")
    assert upload(browser, "空.pdf", b"").status_code == 422
    assert browser.post("/files", headers=SCRIPT).status_code == 422
    assert browser.post("/files", data={"file": "not a file"}, headers=SCRIPT).status_code == 422
    two = {"file": [(io.BytesIO(PDF), "一.pdf"), (io.BytesIO(PDF), "二.pdf")]}
    assert browser.post("/files", data=two, headers=SCRIPT).status_code == 422
    assert kept(house) == 0


def test_a_table_gives_its_cells_as_they_are_shown(client: Login, house: House) -> None:
    """For a table of a form: titles above the head are there, formulas are not, a day is a day; nothing is kept."""
    book, sheet = openpyxl.Workbook(), io.BytesIO()
    book.create_sheet("票据", 0)
    for line in (
        ["发票清单"],
        ["日期", "金额", "张数"],
        [datetime(2026, 9, 1), 12.5, 3.0],
        ["=1+1"],
    ):
        book.worksheets[0].append(line)
    book.save(sheet)
    sheet.seek(0)
    browser = client("office")
    sent = browser.post("/files/lines", data={"file": (sheet, "票据.xlsx")})
    shown = [[cell for cell in line if cell] for line in sent.json["lines"]]
    assert shown == [["发票清单"], ["日期", "金额", "张数"], ["2026-09-01", "12.5", "3"], []]
    csv = io.BytesIO("日期;金额\n".encode("gb18030"))
    assert browser.post("/files/lines", data={"file": (csv, "a.csv")}).json["lines"]
    ours = {"X-Requested-With": "yixing"}
    for name, data in (("a.xlsx", b"PK no"), ("a.pdf", b"%PDF"), ("a.csv", b"")):
        wrong = browser.post("/files/lines", data={"file": (io.BytesIO(data), name)}, headers=ours)
        assert wrong.status_code == 422 and wrong.json["errors"]["file"][0]


def test_more_than_a_megabyte_is_let_in_here_only(client: Login, house: House) -> None:
    browser, large = client("mover"), b"%PDF-" + b"0" * (3 << 20)
    assert upload(browser, "大.pdf", large).status_code == 201
    other = browser.post("/launch/errand", data={"f.subject": "x" * (2 << 20), "once": "k"})
    assert other.status_code == 413
    nobody = upload(client(""), "大.pdf", large)
    assert nobody.status_code == 401 and nobody.json["code"] == "logged_out"
    assert kept(house) == 1


def test_beyond_fifty_megabytes_is_refused(
    client: Login, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MAX_BYTES", 1 << 20)
    assert upload(client("mover"), "正好.pdf", b"0" * (1 << 20)).status_code == 201
    assert upload(client("mover"), "多一字节.pdf", b"0" * ((1 << 20) + 1)).status_code == 422
    assert upload(client("mover"), "太大.pdf", b"0" * (2 << 20)).status_code == 413
    assert kept(house) == 1


def test_an_upload_needs_its_token_even_when_it_is_large(
    app: Flask, client: Login, house: House
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    browser, large = client("mover"), b"0" * (3 << 20)
    assert upload(browser, "伪造.pdf", large).status_code == 400
    token = re.search(r'name="csrf" content="([^"]+)"', browser.get("/launch").text)
    assert token
    assert upload(browser, "真的.pdf", large, **{"X-CSRFToken": token[1]}).status_code == 201
    assert kept(house) == 1


def test_a_file_is_its_owners_until_a_matter_holds_it_and_then_theirs_who_see_the_matter(
    client: Login, house: House
) -> None:
    key = upload(client("mover"), "附件.pdf").json["id"]
    path, shown = f"/files/{key}", f"/files/{key}/view"
    for each in (path, shown):
        assert client("mover").get(each).status_code == 200
        for who in ("second", "office", "stranger"):
            assert client(who).get(each).status_code == 404
    matter = house.do("mover", instances.launch, "errand", {"subject": "有附件的事"})
    with house.engine.begin() as session:
        session.execute(tables.attachment.update().values(instance_id=matter))
    assert "附件.pdf" in client("office").get(f"/matters/{matter}").text
    for each in (path, shown):
        assert client("office").get(each).status_code == 200
        for who in ("second", "stranger", "foreign"):
            assert client(who).get(each).status_code == 404
        assert client("").get(each).status_code == 302
    for end in ("", "/view"):
        assert client("mover").get(f"/files/{uuid4()}{end}").status_code == 404


def test_a_file_of_a_confidential_matter_is_not_there_for_others(
    client: Login, house: House
) -> None:
    key = upload(client("mover"), "证据.png", PNG).json["id"]
    matter = house.do("mover", instances.launch, "errand", {"subject": "有附件的事"})
    with house.engine.begin() as session:
        session.execute(tables.attachment.update().values(instance_id=matter))
    ways = (f"/files/{key}", f"/files/{key}/view")
    for way in ways:
        assert client("auditor").get(way).status_code == 200
    with house.engine.begin() as session:
        session.execute(tables.instance.update().values(confidential=True))
    for way in ways:
        assert client("mover").get(way).data == PNG
        for who in ("auditor", "second", "stranger", "foreign"):
            assert client(who).get(way).status_code == 404


def test_lists_of_papers_show_what_can_be_looked_at(client: Login, house: House) -> None:
    browser = client("mover")
    keys = {
        name: upload(browser, name, data).json["id"]
        for name, data in (("报告.pdf", PDF), ("截图.png", PNG), ("说明.txt", b"text"))
    }
    matter = house.do("mover", instances.launch, "errand", {"subject": "有附件的事"})
    with house.engine.begin() as session:
        session.execute(tables.attachment.update().values(instance_id=matter))
    for who, path in (("mover", f"/matters/{matter}"), ("auditor", f"/audit/{matter}")):
        page = client(who).get(path).text
        assert all(f'href="/files/{key}"' in page for key in keys.values()), path
        links = set(re.findall(r'href="/files/([0-9a-f-]+)/view"', page))
        assert links == {keys["报告.pdf"], keys["截图.png"]}, path
        pictures = re.findall(
            r'<img[^>]* src="/files/([0-9a-f-]+)/view" alt="" loading="lazy"', page
        )
        assert pictures == [keys["截图.png"]], path


def test_a_document_opens_in_the_browser_for_those_who_see_its_matter(
    client: Login, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "typeset", lambda files, kind, data, mark="": PDF)
    matter = house.do("mover", instances.launch, "errand", {"subject": "有文书的事"})
    data, key = {"document": {"issued_on": "2026-03-02"}}, UUID(int=7)
    with house.engine.begin() as session:
        session.execute(
            insert(tables.document).values(
                id=key,
                instance_id=matter,
                kind="note",
                number="办单〔2026〕001",
                title="通知",
                data=data,
                data_sha256=canonical.digest(canonical.dumps(data)).hex(),
                issued_at=clock.now(),
                state="issued",
            )
        )
    answer = client("mover").get(f"/documents/{key}")
    assert (
        answer.status_code == 200
        and answer.content_type == "application/pdf"
        and answer.data == PDF
    )
    assert answer.headers["Content-Disposition"].startswith("inline; ")
    assert "通知" in unquote(answer.headers["Content-Disposition"])
    assert f"/documents/{key}" in client("mover").get(f"/matters/{matter}").text
    assert client("foreign").get(f"/documents/{key}").status_code == 404


def test_a_name_can_break_no_header() -> None:
    assert "\n" not in named("a\r\nSet-Cookie: x=1.pdf") and named('"; x="').isascii()
