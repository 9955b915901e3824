"""Pages on process definitions: the list, a version in words and tables, differences, proposals by two people."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from engine import bounded, db, jobs
from engine.commands import bundled, definitions, rehearsals
from engine.db import tables
from engine.definitions import fingerprint, read
from engine.errors import Invalid
from engine.messages import restored
from engine.scenarios import stage
from engine.settings import ROOT
from webui.pages.author.definitions import unzipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]
MOTION = ROOT / "processes" / "congress_motion"


@pytest.fixture(autouse=True)
def motion(house: House) -> str:
    """The motion is in force, and there is an administrator."""
    with db.transaction(house.engine) as session:
        house.person(
            session,
            "admin",
            "管理员",
            "union",
            "union",
            "administrator@union",
            "installation@union",
        )
        return definitions.publish_shipped(session, read(MOTION))


def zipped(files: dict[str, str], root: str = "congress_motion/") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(root + name, text)
    return data.getvalue()


def changed(title: str = "教代会提案（试行）") -> dict[str, str]:
    """The motion under another title, with the shortest of its stories."""
    files = read(MOTION)
    stories = [n for n in files if n.startswith("scenarios/")]
    for name in sorted(stories, key=lambda n: len(files[n]))[1:]:
        del files[name]
    return {
        **files,
        "process.toml": re.sub(
            r'^title = ".*"', f'title = "{title}"', files["process.toml"], count=1, flags=re.M
        ),
    }


def hand_in(browser: FlaskClient, data: bytes, note: str = "改名，八届二次教代会决议") -> object:
    return browser.post(
        "/definitions/propose", data={"note": note, "folder": (io.BytesIO(data), "motion.zip")}
    )


def rehearse(house: House) -> str:
    """What a worker does for the version that waits; gives its hash."""
    version = proposed(house)
    jobs.rehearse(house.engine, version)
    return version


def proposed(house: House) -> str:
    query = select(tables.definition.c.hash).where(tables.definition.c.state == "proposed")
    return str(house.look(lambda s: s.execute(query).scalar_one()))


# --- reading ----------------------------------------------------------------------------------------------------------
def test_everybody_reads_what_is_in_force(client: Login, motion: str) -> None:
    page = client("plain").get("/definitions").text
    assert "教代会提案" in page and "第 1 版施行中" in page and "提出新版本" not in page
    assert client("").get("/definitions").status_code == 302
    assert "Congress motion" in client("plain").get("/definitions?lang=en").text


def test_a_version_is_told_in_words_tables_forms_and_rules(client: Login, motion: str) -> None:
    page = client("plain").get(f"/definitions/{motion}").text
    for said in (
        "审查立案",
        "任意",
        "依据",
        "MO-REPLY",
        "45 日内",
        "附议不足",
        "提案人",
        "教代提",
        "不得由办理过下列环节的人办理",
    ):
        assert said in page, said
    assert f"/definitions/{motion}/diagram.bpmn" in page and page.count("yx-preview") > 10
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert client("plain").get(f"/definitions/{motion}?lang=en").status_code == 200


def test_a_preview_of_a_form_sends_nothing(client: Login, motion: str) -> None:
    page = client("plain").get(f"/definitions/{motion}").text
    assert 'name="f.' not in page and '<fieldset disabled class="yx-preview">' in page


def test_the_diagram_and_the_folder_are_given(client: Login, motion: str) -> None:
    browser = client("plain")
    assert browser.get(f"/definitions/{motion}/diagram.bpmn").data.startswith(b"<?xml")
    with zipfile.ZipFile(
        io.BytesIO(browser.get(f"/definitions/{motion}/folder.zip").data)
    ) as archive:
        files = {n.partition("/")[2]: archive.read(n).decode() for n in archive.namelist()}
    assert fingerprint(files) == motion


@pytest.mark.parametrize(
    "path",
    [
        "/definitions/nosuch",
        "/definitions/process/nosuch",
        "/definitions/nosuch/diagram.bpmn",
        "/definitions/a/diff/b",
    ],
)
def test_what_is_not_there_is_not_found(client: Login, path: str) -> None:
    assert client("plain").get(path).status_code == 404


# --- proposing --------------------------------------------------------------------------------------------------------
def test_two_people_put_a_version_in_force(client: Login, house: House, motion: str) -> None:
    office = client("office")
    assert hand_in(office, zipped(changed())).status_code == 302  # type: ignore[attr-defined]
    new = proposed(house)
    assert client("plain").get(f"/definitions/{new}").status_code == 404
    assert (
        "等待批准" in office.get("/definitions").text
        and "由另一人批准" in office.get(f"/definitions/{new}").text
    )
    page = client("admin").get(f"/definitions/{motion}/diff/{new}").text
    assert "教代会提案（试行）" in page and "process.toml" in page and "plus" in page
    path = f"/definitions/{new}/decide"
    assert office.post(path, data={"decision": "approve"}).status_code == 403
    early = client("admin").post(path, data={"decision": "approve"})
    assert early.status_code == 409 and "故事还在演练（0/1）" in early.text
    rehearse(house)
    assert client("admin").post(path, data={"decision": "x"}).status_code == 422
    assert client("admin").post(path, data={"decision": "approve"}).status_code == 302
    assert client("admin").post(path, data={"decision": "refuse"}).status_code == 409
    page = client("plain").get("/definitions").text
    assert "教代会提案（试行）" in page and "第 2 版施行中" in page
    versions = client("plain").get("/definitions/process/congress_motion").text
    assert "与第 1 版比较" in versions and "曾施行" in versions


def test_a_story_that_goes_otherwise_than_told_stands_against_approval(
    client: Login, house: House
) -> None:
    files, office, admin = changed(), client("office"), client("admin")
    story = next(n for n in files if n.startswith("scenarios/"))
    wrong = files | {
        "scenarios/wrong.toml": 'title = "没有这一步"\nat = 2026-03-02T09:00:00+08:00\n'
        '[[step]]\nwho = "无名氏"\ndoes = "launch"\n',
        "scenarios/none.toml": "title = ",
    }
    assert hand_in(office, zipped(wrong)).status_code == 302  # type: ignore[attr-defined]
    new = rehearse(house)
    page = office.get(f"/definitions/{new}").text
    assert "2 个故事与所写不符" in page and "没有这一步" in page and "没有 无名氏 这个人" in page
    assert page.count("读不懂") == 1 and page.count("与所写相符</small>") == 1
    reply = admin.post(f"/definitions/{new}/decide", data={"decision": "approve"})
    assert reply.status_code == 409 and "2 个故事与所写不符，不能批准" in reply.text
    # whoever proposed it hands in other stories to the same version; nobody else does
    assert hand_in(admin, zipped(files)).status_code == 409  # type: ignore[attr-defined]
    assert hand_in(office, zipped(files)).status_code == 302  # type: ignore[attr-defined]
    assert hand_in(office, zipped(files)).status_code == 409  # type: ignore[attr-defined]
    assert "已演 0 个，共 1 个" in office.get(f"/definitions/{new}").text
    assert rehearse(house) == new
    assert "1 个故事都与所写相符" in office.get(f"/definitions/{new}").text
    assert admin.post(f"/definitions/{new}/decide", data={"decision": "approve"}).status_code == 302
    stored = house.look(lambda s: s.execute(select(tables.unit.c.code)).scalars().all())
    assert len(stored) == 3 and story in files  # nothing of a story stays


def test_a_folder_comes_back_as_it_was_handed_in(client: Login, house: House) -> None:
    files = changed() | {"CHANGES.md": "# 试行\n", "OUTLINE.txt": "大纲\n"}
    office = client("office")
    hand_in(office, zipped(files))
    data = office.get(f"/definitions/{proposed(house)}/folder.zip").data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        back = {n.partition("/")[2]: archive.read(n).decode() for n in archive.namelist()}
    assert back == files


def test_a_version_of_before_gets_its_stories_from_the_folder(house: House, motion: str) -> None:
    column = tables.definition.c
    with db.transaction(house.engine) as session:
        session.execute(tables.definition.update().values(beside={}))
        bundled.publish(session, MOTION)
        kept = session.execute(select(column.beside).where(column.hash == motion)).scalar_one()
    assert kept.keys() >= {"CHANGES.md", "OUTLINE.txt"} and len(rehearsals.stories(kept)) > 5


def test_a_play_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "LIMITS", bounded.Limits(seconds=1, megabytes=4096))
    files = {"scenarios/a.toml": "", "scenarios/b.toml": ""}
    results = list(stage.results("postgresql://nobody@192.0.2.1/none", files))
    assert [each.ok for each in results] == [False, False]
    assert "没有演练到底" in str(restored(results[0].why))


def test_a_folder_without_stories_is_a_fault(client: Login) -> None:
    files = {n: t for n, t in changed().items() if not n.startswith("scenarios/")}
    reply = hand_in(client("office"), zipped(files))
    assert reply.status_code == 422 and "没有故事" in reply.text  # type: ignore[attr-defined]


def test_who_proposed_does_not_approve_even_as_administrator(client: Login, house: House) -> None:
    hand_in(client("admin"), zipped(changed()))
    rehearse(house)
    assert (
        client("admin")
        .post(f"/definitions/{proposed(house)}/decide", data={"decision": "approve"})
        .status_code
        == 403
    )


def test_a_refused_version_stays_out(client: Login, house: House) -> None:
    hand_in(client("office"), zipped(changed()))
    new = proposed(house)
    assert (
        client("admin").post(f"/definitions/{new}/decide", data={"decision": "refuse"}).status_code
        == 302
    )
    assert "试行" not in client("plain").get("/definitions").text
    assert "未批准" in client("office").get(f"/definitions/{new}").text


def test_every_fault_is_shown_at_once_and_nothing_is_kept(client: Login, house: House) -> None:
    files = changed()
    del files["forms/review.json"]
    files["process.toml"] = files["process.toml"].replace('"MO-REPLY"', '"MO-REPLIED"')
    files["evil.sh"] = "rm -rf /"
    reply = hand_in(client("office"), zipped(files))
    text = reply.text  # type: ignore[attr-defined]
    assert reply.status_code == 422 and "处问题，没有提交" in text  # type: ignore[attr-defined]
    assert (
        "evil.sh" in text
        and "MO-REPLIED" in text
        and "review" in text
        and len(re.findall(r"<li>\s*<p>\s*<b>", text)) >= 3
    )
    assert len(house.look(lambda s: s.execute(select(tables.definition.c.hash)).all())) == 2


def test_what_the_law_demands_cannot_be_dropped(client: Login, house: House) -> None:
    folder = ROOT / "processes" / "cadre_transfer"
    files = read(folder)
    text = files["process.toml"]
    kept = (
        text[: text.index("[[guards]]")]
        + text[text.index("[", text.rindex("[[guards]]") + 2) :].partition("\n\n")[2]
    )
    open_ = kept.replace('confidentiality = "named"', 'confidentiality = "internal"').replace(
        'disclosed_by = ["issue_order"]', ""
    )
    for changed_text, words in (
        (kept, ("不能删去或放宽", "TR-CONSENT")),
        (open_, ("密级必须是 named",)),
    ):
        data = zipped({**files, "process.toml": changed_text}, "cadre_transfer/")
        page = client("office").post(
            "/definitions/propose", data={"note": "放宽", "folder": (io.BytesIO(data), "t.zip")}
        )
        assert page.status_code == 422 and all(word in page.text for word in words), page.text[
            -3000:
        ]
    state = tables.definition.c.state
    assert (
        house.look(
            lambda s: s.execute(select(tables.definition.c.hash).where(state == "proposed")).first()
        )
        is None
    )


def test_the_same_version_is_not_proposed_again(client: Login) -> None:
    reply = hand_in(client("office"), zipped(read(MOTION)))
    assert reply.status_code == 409  # type: ignore[attr-defined]
    assert "内容没有变化" in reply.text  # type: ignore[attr-defined]


def test_a_proposal_says_why(client: Login) -> None:
    reply = hand_in(client("office"), zipped(changed()), note=" ")
    assert reply.status_code == 422 and "请写明改了什么" in reply.text  # type: ignore[attr-defined]


@pytest.mark.parametrize("who", ["plain", "auditor", "mover"])
def test_only_desks_propose(client: Login, who: str) -> None:
    assert client(who).get("/definitions/propose").status_code == 403
    assert hand_in(client(who), zipped(changed())).status_code == 403  # type: ignore[attr-defined]


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 40, b"x" * 3_000_000])
def test_a_file_that_is_no_zip_is_refused(client: Login, data: bytes) -> None:
    assert hand_in(client("office"), data).status_code in (413, 422)  # type: ignore[attr-defined]


# --- unzipping --------------------------------------------------------------------------------------------------------
def test_a_folder_is_unzipped_without_its_name_and_without_litter(app: object) -> None:
    data = zipped({"process.toml": "x", "forms/a.json": "{}", ".DS_Store": "junk"}, "motion/")
    with app.test_request_context():  # type: ignore[attr-defined]
        assert unzipped(data) == {"process.toml": b"x", "forms/a.json": b"{}"}
        assert unzipped(zipped({"process.toml": "x"}, "")) == {"process.toml": b"x"}


def bomb() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("process.toml", b"0" * 5_000_000)
    return data.getvalue()


def link() -> bytes:
    data, entry = io.BytesIO(), zipfile.ZipInfo("process.toml")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    return data.getvalue()


@pytest.mark.parametrize(
    "data", [bomb(), link(), zipped({f"forms/f{n}.json": "" for n in range(700)})]
)
def test_hostile_archives_are_refused(app: object, data: bytes) -> None:
    with app.test_request_context(), pytest.raises(Invalid):  # type: ignore[attr-defined]
        unzipped(data)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b.toml"])
def test_names_that_lead_out_are_refused(client: Login, name: str) -> None:
    assert hand_in(client("office"), zipped({name: "x", "process.toml": ""}, "")).status_code == 422  # type: ignore[attr-defined]
