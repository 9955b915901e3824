from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text, update

from engine import clock, db
from engine.commands import attachments
from engine.db import tables
from engine.documents import docx, fonts, pdf, reading, typesetter
from engine.errors import HistoryBroken, NotFound, ProcessFault
from engine.history import keys
from engine.people import organisation
from engine.settings import ROOT
from tests.engine.errands import SCAN, START, Errands, sample, sha

if TYPE_CHECKING:
    from sqlalchemy import Engine

KEY = keys.SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
FOLDERS = sorted(path.parent for path in (ROOT / "processes").glob("*/process.toml"))
SMALL = '#let d = json("data.json")\n= #d.document.title #d.facts.launch.reasons'


def typeset(source: str, **more: str) -> bytes:
    return pdf.typeset({"documents/a.typ": source, **more}, "a", sample())


@pytest.fixture
def world(engine: Engine) -> Errands:
    return Errands.built(engine, KEY)


# --- typesetting -----------------------------------------------------------------------------------------------------
def test_the_same_data_give_the_same_bytes() -> None:
    made = typeset(SMALL + " #datetime.today().display()")
    assert made.startswith(b"%PDF-")
    assert made == typeset(SMALL + " #datetime.today().display()")


def test_the_pdf_bears_the_day_of_issue() -> None:
    assert b"20260319160000" in typeset(SMALL).replace(
        b"'", b""
    )  # midnight in China is 16:00 the day before in UTC


def test_other_data_give_other_bytes() -> None:
    other = sample()
    other["document"]["title"] = "另一件"
    assert pdf.typeset({"documents/a.typ": SMALL}, "a", other) != typeset(SMALL)


def test_text_that_looks_like_source_is_only_text() -> None:
    hostile = sample()
    hostile["document"]["title"] = (
        '#panic("x") #import "@preview/x:0.1.0" $ ] ) } #read("/etc/passwd")'
    )
    assert pdf.typeset({"documents/a.typ": SMALL}, "a", hostile).startswith(b"%PDF-")


def test_a_shared_letter_is_found() -> None:
    assert typeset(
        '#import "letter.typ": f\n#f()', **{"documents/letter.typ": "#let f() = [公文]"}
    ).startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("source", "file", "words"),
    [
        ("#let a = 1\n\n#b", "documents/a.typ", "第 3 行"),
        ("#f(", "documents/a.typ", "第 1 行"),
        ('#import "letter.typ": *\n#f()', "documents/letter.typ", "第 1 行"),
        ('#import "nothing.typ": *', "documents/a.typ", "not found"),
    ],
)
def test_a_fault_in_a_template_names_file_and_line(source: str, file: str, words: str) -> None:
    with pytest.raises(ProcessFault, match=words) as caught:
        typeset(source, **{"documents/letter.typ": '#let f() = panic("x")'})
    assert caught.value.file == file
    assert caught.value.advice
    assert "/tmp" not in caught.value.message


def test_a_missing_template_is_a_fault_of_the_process() -> None:
    with pytest.raises(ProcessFault) as caught:
        pdf.typeset({}, "dispatch", sample())
    assert caught.value.file == "documents/dispatch.typ"


@pytest.mark.parametrize(
    "source",
    [
        '#read("/etc/passwd")',
        '#read("../../../../../../etc/passwd")',
        '#include "/etc/passwd"',
        '#import "@preview/example:0.1.0": *',
        '#import "@local/example:0.1.0": *',
        '#let p = str.from-unicode(64) + "preview/example:0.1.0"\n#import p: *',
        '#plugin("x.wasm")',
    ],
)
def test_a_template_reaches_no_other_files_and_no_network(source: str) -> None:
    with pytest.raises(ProcessFault):
        typeset(source)


@pytest.mark.parametrize(
    "name", ["documents/../x.typ", "documents/a\\b.typ", "documents/c:x.typ", "documents/data.json"]
)
def test_template_names_stay_in_the_folder(name: str) -> None:
    with pytest.raises(ProcessFault, match="文件名"):
        typeset(SMALL, **{name: "x"})


@pytest.mark.parametrize(
    "source",
    [
        "#for i in range(9000) { for j in range(9000) { let x = calc.rem(i * j, 7) } }",
        "#let a = range(9000000).map(x => str(x) + str(x))\n#for i in range(9000) { a += a }",
        "#while true {}",
    ],
)
def test_a_template_that_never_ends_is_stopped(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typesetter, "SECONDS", 3)
    with pytest.raises(ProcessFault):
        typeset(source)


@pytest.mark.parametrize(
    "source",
    [
        '#read("/etc/passwd")',
        '#let r = read\n#r("../../etc/passwd")',
        '#import "other.typ": *',
        '#json("/etc/hostname")',
    ],
)
def test_a_template_reaches_nothing_when_it_becomes_docx(source: str) -> None:
    with pytest.raises(ProcessFault, match=r"a\.typ"):
        docx.typeset({"documents/a.typ": source}, "a", sample())


def test_a_template_that_imports_some_names_of_another_becomes_docx_too() -> None:
    files = {
        "documents/paper.typ": '#import "words.typ": greeting, other\n#greeting',
        "documents/words.typ": '#import "deep.typ": greeting\n#let other = "x"',
        "documents/deep.typ": '#let greeting = "各位代表"',
    }
    made = docx.typeset(files, "paper", {"facts": {}})
    with zipfile.ZipFile(io.BytesIO(made)) as opened:
        assert "各位代表" in opened.read("word/document.xml").decode()


def test_what_people_wrote_is_only_text_in_the_docx() -> None:
    hostile = sample()
    hostile["document"]["title"] = '#panic("x") $ ] ) } \\ "#read("/etc/passwd") \u200b 〔1〕'
    made = docx.typeset({"documents/a.typ": SMALL}, "a", hostile)
    with zipfile.ZipFile(io.BytesIO(made)) as opened:
        assert "#panic(&quot;x&quot;)" in opened.read("word/document.xml").decode().replace(
            '"', "&quot;"
        )


def test_an_issued_document_is_handed_out_as_docx_too(world: Errands) -> None:
    with db.transaction(world.engine) as session:
        document = the_document(session)
        name, data = docx.docx(session, world.actor("陈秘书"), document.id)
        assert name.endswith(".docx") and data.startswith(b"PK")
        with pytest.raises(NotFound):
            docx.docx(session, world.actor("外人"), document.id)


@pytest.mark.parametrize("name", ["赵一", "𠮷田", "𠂇", "〇", "ꆈꌠ", "བོད", "😀"])
def test_what_was_typed_is_in_the_text_of_the_paper(name: str) -> None:
    """Where a font has the characters: where none has them, nothing is printed at all."""
    if strange := fonts.without_glyph(name):
        pytest.skip(f"no font of this machine has {strange}")
    given = sample()
    given["document"]["title"] = name
    assert name in reading.close(
        reading.text_of(pdf.typeset({"documents/a.typ": SMALL}, "a", given))
    )
    made = docx.typeset({"documents/a.typ": SMALL}, "a", given)
    with zipfile.ZipFile(io.BytesIO(made)) as opened:
        assert name in opened.read("word/document.xml").decode()


def test_the_operator_reads_which_fonts_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {2: bytearray(b"\1" * 0x10000)}
    monkeypatch.setattr(fonts, "coverage", lambda: whole)
    monkeypatch.setattr(fonts, "installed", lambda: [("a.ttf", 1)])
    assert "齐全" in fonts.described()
    monkeypatch.setattr(fonts, "coverage", dict)
    assert "有 0 个能印" in fonts.described()
    monkeypatch.setattr(fonts, "installed", list)
    assert "系统的字体" in fonts.described()


# --- issued documents ------------------------------------------------------------------------------------------------
def the_document(session: db.Session) -> Any:
    return session.execute(select(tables.document)).one()


def test_an_issued_document_prints_for_those_who_see_the_matter(world: Errands) -> None:
    with db.transaction(world.engine) as session:
        row = the_document(session)
        for name in ("张敏", "陈秘书", "孙审计"):
            shown, made = pdf.pdf(session, world.actor(name), row.id)
            assert shown == "催〔2026〕001 催办单.pdf"
            assert made.startswith(b"%PDF-")


def test_the_document_of_another_union_does_not_exist(world: Errands) -> None:
    with db.transaction(world.engine) as session, pytest.raises(NotFound):
        pdf.pdf(session, world.actor("外人"), the_document(session).id)
    with db.transaction(world.engine) as session, pytest.raises(NotFound):
        pdf.pdf(session, world.actor("陈秘书"), tables.new_id())


def test_prints_are_kept(world: Errands, monkeypatch: pytest.MonkeyPatch) -> None:
    secretary = world.actor("陈秘书")
    with db.transaction(world.engine) as session:
        row = the_document(session)
        first = pdf.pdf(session, secretary, row.id)
        monkeypatch.setattr(pdf, "typeset", lambda *given: pytest.fail("typeset again"))
        assert pdf.pdf(session, secretary, row.id) == first


def test_few_prints_are_kept(world: Errands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "typeset", lambda *given: b"%PDF-")
    monkeypatch.setattr(pdf, "KEPT", 3)
    with db.transaction(world.engine) as session:
        version = session.execute(select(tables.definition.c.hash)).scalar_one()
        for number in range(9):
            data = sample(str(number))
            pdf.printed(session, version, "note", data, sha(data))
    assert len(pdf._kept) == 3
    pdf._kept.clear()


def test_a_document_that_was_changed_is_not_printed(world: Errands) -> None:
    with db.transaction(world.engine) as session:
        row = the_document(session)
        data = {**row.data, "instance": {**row.data["instance"], "title": "另一件事"}}
        session.execute(update(tables.document).values(data=data))
        with pytest.raises(HistoryBroken):
            pdf.pdf(session, world.actor("陈秘书"), row.id)


# --- attachments -----------------------------------------------------------------------------------------------------
def test_an_attachment_goes_with_its_matter(world: Errands) -> None:
    with db.transaction(world.engine) as session:
        key = session.execute(select(tables.attachment.c.id)).scalar_one()
        name, media, data = pdf.attachment(session, world.actor("张敏"), key)
        assert (name, media, data[: len(SCAN)]) == ("验收单.pdf", "application/pdf", SCAN)
        with pytest.raises(NotFound):
            pdf.attachment(session, world.actor("外人"), key)


def test_an_upload_that_no_form_named_is_its_owners_alone(world: Errands) -> None:
    with db.transaction(world.engine) as session, clock.set_to(START):
        owner = world.actor("张敏")
        key = attachments.add(session, owner, "草稿.txt", b"x")
        assert pdf.attachment(session, owner, key) == ("草稿.txt", "text/plain", b"x")
        for name in ("陈秘书", "孙审计", "李强", "外人"):
            with pytest.raises(NotFound):
                pdf.attachment(session, organisation.actor(session, world.people[name]), key)


def test_an_attachment_that_was_changed_is_not_handed_out(world: Errands) -> None:
    with db.transaction(world.engine) as session:
        key = session.execute(select(tables.attachment.c.id)).scalar_one()
        session.execute(text("UPDATE blob SET data = 'x'"))
        with pytest.raises(HistoryBroken):
            pdf.attachment(session, world.actor("陈秘书"), key)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("教代提〔2026〕001", "交办单"), "教代提〔2026〕001 交办单"),
        (("a/b\\c:d", 'e*f?"<>|'), "a_b_c_d e_f_"),
        (("..", ""), "document"),
        (("", "\x00\n"), "_"),
        (("字" * 200,), "字" * 80),
    ],
)
def test_file_names_fit_every_system(parts: tuple[str, ...], name: str) -> None:
    assert pdf.file_name(*parts) == name
