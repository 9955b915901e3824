"""The pages of the ledger of duties: a union's year for its people, its report, and other unions' for their superior only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


def test_everybody_reads_the_ledger_of_their_union_and_takes_it_away(
    client: Login, house: House
) -> None:
    browser = client("plain")
    page = browser.get("/ledger?year=2026").text
    assert "党委每年至少召开一次专门的工会工作会议" in page and "未在本系统办理" in page
    english = browser.get("/ledger?year=2026&lang=en").text
    assert "Not kept in this system" in english and "at least one meeting on union work" in english
    assert "并列比较" in browser.get("/ledger/unions?year=2026&lang=zh").text
    table = browser.get("/ledger?year=2026&format=csv").data.decode("utf-8-sig").splitlines()
    assert table[0].startswith("编号,职责,出处,责任人,周期,期间,状态,灯,说明,件数")
    assert len(table) > 70 and any(line.startswith("D06-3,") for line in table)
    for form, magic in (("pdf", b"%PDF-"), ("docx", b"PK"), ("xlsx", b"PK")):
        assert browser.get(f"/ledger?year=2026&format={form}").data.startswith(magic)
    assert browser.get("/ledger?format=exe").status_code == 404
    assert browser.get(f"/ledger?of={house.units['other']}").status_code == 404
