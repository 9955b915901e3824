"""Many matters as one volume: what a folder says of it, which matters stand where, and that none is left out silently."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from engine import db, definitions
from engine.commands.people import tokens
from engine.definitions.check import faults
from engine.documents import reading, trial
from engine.queries import booklet
from tests.hostile.sound import rulebook
from tests.journeys.university import University
from tests.webui import apps
from tests.webui.working import work

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine

FILES = definitions.read(Path(__file__).parents[2] / "processes" / "congress_motion")
CLOSED = FILES["forms/launch.json"].replace(
    '"label_en": "Telephone",', '"label_en": "Telephone", "room": "union_office",'
)  # the telephone is for the office
FAULTS = [
    (
        "an unknown column",
        '"mover", "delegation", "seconders", ',
        '"mover", "team", ',
        "team 不是一列",
    ),
    ("an unknown fact", "which = 'outcome == \"suggestion\"'", "which = 'result.x == 1'", "result"),
    (
        "a function",
        'which = "filing.number != null"',
        "which = 'holders(\"x\") == []'",
        "有函数 holders",
    ),
    (
        "what the paper does not say",
        '"reply.explanation", "reply.com',
        '"launch.contact", "reply.com',
        "没有 launch.contact",
    ),
    (
        "what only some may read",
        'facts = ["launch.reasons", ',
        'facts = ["launch.contact", ',
        "只给部分泳道看",
    ),
    (
        "no paper of that name",
        'document = "reply_letter"',
        'document = "letter"',
        "没有文书 letter",
    ),
]


def test_a_folder_says_all_that_is_wrong_with_its_volume() -> None:
    for some in (FAULTS[:-1], FAULTS[-1:]):
        toml = FILES["process.toml"]
        for what, old, new, _told in some:
            assert old in toml, what
            toml = toml.replace(old, new, 1)
        changed = {**FILES, "forms/launch.json": CLOSED, "process.toml": toml}
        found = [
            str(each.what) for each in faults(changed, rulebook(), (), folder="congress_motion")
        ]
        for what, _old, _new, told in some:
            assert any(told in each for each in found), (what, found)
    template = "documents/booklet.typ"
    broken = {**FILES, template: FILES[template].replace("m.under {", "m.beneath {")}
    alone = replace(definitions.load(broken), documents={})  # what letters there are is not asked
    assert [each.file for each in trial.unsettable(alone)] == [template]


def _run(town: University, statement: str, **values: Any) -> None:
    with db.transaction(town.engine) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(statement), values)


def _says(town: University, key: UUID, outcome: str = "", **facts: Any) -> None:
    told = "UPDATE instance SET facts = facts || CAST(:f AS jsonb), outcome = :o WHERE id = :k"
    _run(town, told, f=json.dumps(facts), o=outcome, k=key)


def _under(key: UUID) -> dict[str, str]:
    return {"id": str(key), "number": ""}


def _in_order(found: str, *texts: str) -> bool:
    """Does each stand in it, behind the one before?"""
    at = -1
    for each in texts:
        at = found.find(each, at + 1)
        if at < 0:
            return False
    return True


def test_a_volume_holds_each_matter_in_its_place_and_says_what_it_leaves_out(
    engine: Engine, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = University.built(engine, logs_in=())
    app = apps.of(town, url, tmp_path)
    first, answered = town.reviewable("改善食堂晚间供餐"), town.closed("增加往返班车")
    town.filed(first)
    merged, deep, declined, waiting, secret = map(
        town.motion,
        ("增设夜宵窗口", "保障值班供餐", "提高门诊限额", "体育馆晚间开放", "一件保密的提案"),
    )
    _says(town, merged, merged_into=_under(first))
    _says(town, deep, merged_into=_under(merged))
    _says(town, declined, "declined")
    # what is filed tenth stands behind what is filed second
    _says(town, first, filing={"number": "教代提立〔2026〕10"})
    _says(town, answered, "closed", filing={"number": "教代提立〔2026〕2"})
    _run(town, "UPDATE instance SET confidential = true WHERE id = :k", k=secret)
    _run(
        town,
        "UPDATE instance SET starter_id = :who WHERE id = :k",
        k=secret,
        who=town.people["secretary"],
    )
    office, page = apps.logged_in(app, town, "secretary"), "/grid/congress_motion/booklet"
    assert "提案汇编…" in office.get("/grid/congress_motion").text

    offer = office.post(page, data={}).text  # all of the filter
    assert _in_order(offer, "所选 7 件", "立案提案", "2 件", "不予立案的提案", "1 件", "另有 2 件")
    assert "还没有办到可以编入的一步" in offer and "保密事项不编入" in offer
    chosen = re.findall(r'name="matter" value="([^"]+)"', offer)
    wish = {"matter": chosen, "session": "第八届第二次会议", "part": ["declined"], "form": "pdf"}
    sent = office.post(page, data=wish)
    assert "已排队" in office.get(sent.location).text and work(engine) == 1
    came = office.get(sent.location).text
    assert "编入 3 件，列在其他件下面的 2 件，共 " in came and "1 件没有编入" in came
    file = office.get(f"{sent.location}/file")
    assert file.mimetype == "application/pdf"
    printed = reading.close(reading.text_of(file.data))
    assert _in_order(
        printed,
        "提案汇编",
        "第八届第二次会议",
        "保密事项不编入",
        "目录",
        "索引",
        "〔2026〕2增加往返班车",
    )
    assert _in_order(
        printed.partition("索引")[2],
        *(
            "增加往返班车",
            "答复",
            "教代提复〔2026〕001",
            "已制定方案",
            "〔2026〕10改善食堂晚间供餐",
            "并入提案：",
            "增设夜宵窗口",
        ),
        *(
            "并入提案：",
            "保障值班供餐",
            "提高门诊限额",
            "按承办单位索引",
            "后勤处（主办2件）",
            "按代表团索引",
            "信息学院（5件）",
        ),
    )
    assert "体育馆晚间开放" not in printed and "一件保密的提案" not in printed

    # chosen by hand, without the declined; those merged into one that is not chosen stay away
    few = {"matter": [str(answered), str(deep), str(declined)], "form": "docx"}
    sent = office.post(page, data=few)
    # a void reply is said to be void, not left out
    _run(town, "UPDATE document SET state = 'void' WHERE kind = 'reply_letter'")
    work(engine)
    came = office.get(sent.location).text
    assert "它并入的一件没有编入。" in came and "按选择不编入“不予立案的提案”。" in came
    file = office.get(f"{sent.location}/file")
    assert file.mimetype.endswith("wordprocessingml.document")
    inside = zipfile.ZipFile(io.BytesIO(file.data)).read("word/document.xml").decode()
    assert f"PAGEREF m{answered.hex}" in inside and f'w:name="m{answered.hex}"' in inside
    assert "已作废" in inside and "已制定方案" not in inside and "增设夜宵窗口" not in inside

    # by a program; nobody else fetches it; too many, and none that stands in it, are refused
    with db.transaction(engine) as session:
        token = tokens.create_token(session, None, town.people["secretary"], "druck")
    client, head = app.test_client(), {"Authorization": f"Bearer {token}"}
    path, asked = "/api/v1/grids/congress_motion/booklet", {"instances": [str(first)]}
    at = client.post(path, json=asked, headers=head).headers["Location"]
    work(engine)
    result = client.get(at, headers=head).json["result"]
    assert (result["entries"], result["under"], result["left"]) == (1, 2, [])
    at = client.post(path, json={"filter": {}}, headers=head).headers["Location"]
    work(engine)
    assert client.get(at, headers=head).json["result"]["entries"] > 1
    for wrong in ({}, {**asked, "filter": {}}, {"filter": {"words": "没有这样的"}}):
        assert client.post(path, json=wrong, headers=head).status_code == 422, wrong
    assert apps.logged_in(app, town, "li").get(f"{sent.location}/file").status_code == 404
    assert client.post(path, json={"instances": [str(waiting)]}, headers=head).status_code == 404
    monkeypatch.setattr(booklet, "MOST", 2)
    refused = office.post(page, data={"matter": [str(first)]})
    assert refused.status_code == 409 and "一次最多汇编 2 件" in refused.text
