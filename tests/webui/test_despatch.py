"""The pages of issued papers: the register, one paper, its correction by two people, the old one struck through."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import select

from engine import clock, db
from engine.commands import definitions, instances
from engine.db import tables
from engine.documents import fonts
from tests.engine.errands import NOTE, files
from webui.http.sheets import csv_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


def second_secretary(house: House) -> None:
    with db.transaction(house.engine) as session:
        house.person(session, "deputy", "周秘书", "union", "union", "union_secretary@union")


def issued(house: House, template: str = NOTE) -> tuple[UUID, UUID]:
    """(matter, paper): a reminder that was issued when the deadline of an errand had passed."""
    with db.transaction(house.engine) as session:
        definitions.publish_shipped(session, {**files(), "documents/note.typ": template})
    matter = house.do("mover", instances.launch, "errand", {"subject": "修缮会议室"})
    return matter, paper_of(house, matter, template)


def paper_of(house: House, matter: UUID, template: str) -> UUID:
    from engine.commands import papers, unit_of_work

    with db.transaction(house.engine) as session:
        work = unit_of_work.lock(session, None, matter)
        papers.issue(work, work.process.documents["note"])
        assert not work.unprintable
        unit_of_work.save(work)
    return house.look(
        lambda s: s.execute(
            select(tables.document.c.id).where(tables.document.c.instance_id == matter)
        ).scalar_one()
    )


def test_one_proposes_another_approves_and_the_old_paper_is_struck_through(
    client: Login, house: House
) -> None:
    second_secretary(house)
    matter, paper = issued(house)
    page = client("office").get(f"/papers/{paper}")
    assert page.status_code == 200 and "更正、作废或重新打印" in page.text
    assert "更正、作废或重新打印" not in client("mover").get(f"/papers/{paper}").text
    wish = {"kind": "correct", "reason": "日期写错"}
    assert client("mover").post(f"/papers/{paper}/corrections", data=wish).status_code == 403
    assert (
        client("office").post(f"/papers/{paper}/corrections", data={"kind": ""}).status_code == 422
    )
    assert client("office").post(f"/papers/{paper}/corrections", data=wish).status_code == 303
    assert "提出的人不能批准" in client("office").get(f"/papers/{paper}").text
    correction = house.look(lambda s: s.execute(select(tables.correction.c.id)).scalar_one())
    assert client("office").post(f"/corrections/{correction}/approve").status_code == 403
    assert client("foreign").post(f"/corrections/{correction}/approve").status_code == 404
    answer = client("deputy").post(f"/corrections/{correction}/approve")
    assert answer.status_code == 303
    new = answer.headers["Location"].rpartition("/")[2]
    assert new != str(paper)
    old_page, new_page = (
        client("mover").get(f"/papers/{paper}"),
        client("mover").get(f"/papers/{new}"),
    )
    assert "<s>催办单</s>" in old_page.text and new in old_page.text
    assert "催办单（更正）" in new_page.text and "<s>催〔" in new_page.text
    shown = client("mover").get(f"/matters/{matter}").text
    assert "<s>催办单</s>" in shown and "催办单（更正）" in shown
    assert "文书已更正" in client("mover").get("/").text
    assert "文书已更正" not in client("third").get("/").text
    assert client("mover").get(f"/documents/{paper}").status_code == 200


def test_a_paper_whose_template_fails_answers_with_a_page_that_says_what_to_do(
    client: Login, house: House
) -> None:
    _matter, paper = issued(house, NOTE + "\n#f(")
    for form in ("", "?format=docx"):
        answer = client("mover").get(f"/documents/{paper}{form}")
        assert answer.status_code == 409
        assert "模板有误" in answer.text and "另一人批准" in answer.text


def test_a_character_that_no_font_has_stops_the_print_with_a_page(
    client: Login, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _matter, paper = issued(house, NOTE + "\n// another print")
    monkeypatch.setattr(fonts, "_covered", lambda code: chr(code) != "修")
    answer = client("mover").get(f"/documents/{paper}")
    assert answer.status_code == 409 and "修（U+4FEE）" in answer.text


def test_the_register_is_a_page_and_a_table_for_desks(client: Login, house: House) -> None:
    _matter, paper = issued(house)
    year = clock.today().year
    for who, status in (("office", 200), ("auditor", 200), ("mover", 403), ("plain", 403)):
        assert client(who).get("/despatch").status_code == status
    page = client("auditor").get("/despatch").text
    assert f"催〔{year}〕001" in page and f"/papers/{paper}" in page
    table = client("auditor").get("/despatch?format=csv")
    assert table.content_type.startswith("text/csv")
    lines = table.data.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("文号,文书,事项") and lines[1].startswith(f"催〔{year}〕001,催办单,")
    assert client("auditor").get(f"/despatch?year={year - 1}&format=csv").data.count(b"\n") == 1
    assert client("office").get(f"/despatch?union={house.units['other']}").status_code == 404


def test_no_cell_of_a_table_is_a_formula() -> None:
    assert csv_text([["=1+1", "+2", "文"]]) == "'=1+1,'+2,文\r\n"
