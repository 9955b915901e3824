"""A paper that left the house is corrected, made void or printed with a repaired template by two people, and all is on record."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text, update

from engine import db
from engine.commands import corrections, definitions
from engine.db import tables
from engine.documents import docx, pdf, reading
from engine.errors import Conflict, Invalid, NotFound, NotPrintable, Refused
from engine.history import keys, seals
from engine.history.signing import Signer
from engine.queries import despatch
from tests.engine import errands
from tests.engine.errands import Errands
from webui.http import evidence as commands

if TYPE_CHECKING:
    from sqlalchemy import Engine

KEY = keys.SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
DECLARED = (
    '#let d = json("data.json")\n#d.facts.launch.subject #d.document.title #d.document.number'
)


def files(template: str = DECLARED) -> dict[str, str]:
    """The errand; its reminder says what the errand is about."""
    found = errands.files()
    toml = found["process.toml"].replace(
        'title = "催办单"', 'needs = ["launch.subject"]\ntitle = "催办单"'
    )
    assert "needs" in toml
    return {**found, "process.toml": toml, "documents/note.typ": template}


def built(engine: Engine, template: str = DECLARED) -> Errands:
    world = Errands.built(engine, KEY, count=0)
    with db.transaction(engine) as session:
        world._member(session, "周秘书", "工会", "union_secretary")
    world.do(lambda s: definitions.publish_shipped(s, files(template)))
    world.done.append(world.errand("修缮会议室"))
    return world


@pytest.fixture
def world(engine: Engine) -> Errands:
    return built(engine)


def papers(world: Errands) -> list[Any]:
    with db.transaction(world.engine) as session:
        return list(session.execute(select(tables.document).order_by(tables.document.c.id)))


def propose(world: Errands, who: str, *about: Any, **more: Any) -> UUID:
    actor = world.actor(who)
    key: UUID = world.do(lambda s: corrections.propose(s, actor, *about, **more))
    return key


def decide(world: Errands, who: str, key: UUID, approve: bool = True) -> UUID:
    actor = world.actor(who)
    shown: UUID = world.do(lambda s: corrections.decide(s, actor, key, approve))
    return shown


def printed(world: Errands, key: UUID, who: str = "陈秘书") -> str:
    actor = world.actor(who)
    return reading.close(reading.text_of(world.do(lambda s: pdf.pdf(s, actor, key))[1]))


def verified(world: Errands) -> str:
    world.seal()
    with db.transaction(world.engine) as session:
        return str(seals.verify(session, KEY.public).fault)


def told(world: Errands) -> list[str]:
    with db.transaction(world.engine) as session:
        return list(session.execute(text("SELECT kind FROM event ORDER BY id")).scalars())


def test_a_letter_with_a_wrong_fact_is_reissued_by_two_people(world: Errands) -> None:
    old = papers(world)[0]
    key = propose(
        world, "陈秘书", old.id, "correct", "事由写错", changes={"launch.subject": "修缮阅览室"}
    )
    with pytest.raises(Refused) as refused:
        decide(world, "陈秘书", key)
    assert refused.value.code == "separated"
    new = decide(world, "周秘书", key)
    before, after = papers(world)
    assert (before.id, before.state, before.data) == (old.id, "corrected", old.data)
    assert (after.id, after.state, after.corrects) == (new, "issued", old.id)
    assert before.number != after.number
    assert "修缮会议室催办单催〔2026〕001" in printed(world, old.id)
    assert "修缮阅览室催办单（更正）催〔2026〕002" in printed(world, new)


def in_word(world: Errands, key: UUID) -> str:
    actor = world.actor("陈秘书")
    made = world.do(lambda s: docx.docx(s, actor, key))[1]
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        return re.sub(r"<[^>]+>", "", archive.read("word/document.xml").decode())


def test_what_no_longer_holds_says_so_on_every_print(world: Errands) -> None:
    old, says = papers(world)[0], "已更正，以催〔2026〕002为准"
    assert "已更正" not in printed(world, old.id) + in_word(world, old.id)
    new = decide(world, "周秘书", propose(world, "陈秘书", old.id, "correct", "印错了"))
    assert says in printed(world, old.id)
    assert says in in_word(world, old.id)
    assert says not in printed(world, new)
    decide(world, "周秘书", propose(world, "陈秘书", new, "void", "另发"))
    assert "已作废" in printed(world, new)
    assert "已作废" in in_word(world, new)
    actor = world.actor("孙审计")
    pack = world.do(lambda s: commands.export(s, actor, world.done[0], Signer(KEY)))
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        prints = sorted(name for name in archive.namelist() if name.startswith("prints/"))
        marked = reading.close(reading.text_of(archive.read(prints[0])))
    assert ["已作废" in prints[0], says in prints[1]] == [True, True], prints
    assert "已作废" in marked
    assert "document_corrected" in told(world)
    assert verified(world) == ""


def test_without_changes_the_paper_says_what_the_matter_says_now(world: Errands) -> None:
    old, mine = papers(world)[0], tables.instance.c.id == world.done[0]
    wrong = {**old.data, "facts": {"launch": {"subject": "0"}}}
    world.do(lambda s: s.execute(update(tables.document).values(data=wrong)))
    new = decide(world, "周秘书", propose(world, "陈秘书", old.id, "correct", "印错了"))
    with db.transaction(world.engine) as session:
        subject = session.execute(select(tables.instance.c.facts).where(mine)).scalar_one()
    assert subject["launch"]["subject"] in printed(world, new)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE document SET state = 'issued' WHERE state = 'corrected'",
        "UPDATE document SET state = 'void' WHERE state = 'issued'",
        "UPDATE document SET corrects = NULL",
        "UPDATE document SET template = (SELECT hash FROM definition LIMIT 1) WHERE corrects IS NULL",
    ],
)
def test_what_became_of_a_paper_is_compared_with_the_history(world: Errands, change: str) -> None:
    decide(world, "周秘书", propose(world, "陈秘书", papers(world)[0].id, "correct", "印错了"))
    assert verified(world) == ""
    assert world.do(lambda s: s.execute(text(change)).rowcount) >= 1
    assert "document" in verified(world)


def test_a_void_paper_is_kept_and_prints_no_other(world: Errands) -> None:
    old = papers(world)[0]
    decide(world, "周秘书", propose(world, "陈秘书", old.id, "void", "不应发出"))
    assert [row.state for row in papers(world)] == ["void"]
    with pytest.raises(Conflict) as refused:
        propose(world, "陈秘书", old.id, "correct", "再更正")
    assert refused.value.code == "replaced"
    assert verified(world) == ""


def test_a_refused_proposal_changes_nothing(world: Errands) -> None:
    old = papers(world)
    key = propose(world, "陈秘书", old[0].id, "void", "不应发出")
    with pytest.raises(Conflict) as refused:
        propose(world, "周秘书", old[0].id, "void", "不应发出")
    assert refused.value.code == "waiting"
    decide(world, "周秘书", key, approve=False)
    assert papers(world) == old
    with pytest.raises(Conflict):
        decide(world, "周秘书", key)
    assert verified(world) == ""


@pytest.mark.parametrize(
    ("who", "error"), [("张敏", Refused), ("外人", NotFound), ("孙审计", Refused)]
)
def test_only_the_desk_of_the_union_proposes_and_decides(
    world: Errands, who: str, error: type[Exception]
) -> None:
    old = papers(world)[0]
    with pytest.raises(error):
        propose(world, who, old.id, "void", "不应发出")
    key = propose(world, "陈秘书", old.id, "void", "不应发出")
    with pytest.raises(error):
        decide(world, who, key)


@pytest.mark.parametrize(
    "wish",
    [
        {"kind": "burn"},
        {"reason": ""},
        {"kind": "reprint"},
        {"template": "0" * 64},
        {"changes": {"review.reason": "x"}},
        {"changes": {"launch.subject": " "}},
    ],
)
def test_what_cannot_be_meant_is_refused(world: Errands, wish: dict[str, Any]) -> None:
    about = {"kind": "correct", "reason": "印错了", **wish}
    with pytest.raises(Invalid):
        propose(world, "陈秘书", papers(world)[0].id, **about)


def test_a_paper_whose_template_fails_is_printed_with_a_repaired_one_by_two(engine: Engine) -> None:
    """The matter is not held up; the fault is on record; nobody gets a crash; the number stays."""
    world = built(engine, DECLARED + "\n#f(")
    row = papers(world)[0]
    assert row.number == "催〔2026〕001"
    assert "document_faulty" in told(world)
    with pytest.raises(NotPrintable, match=r"模板有误.*第 3 行") as caught:
        printed(world, row.id)
    assert (caught.value.status, caught.value.code) == (409, "faulty_template")
    with pytest.raises(NotPrintable):
        world.do(lambda s: docx.docx(s, world.actor("陈秘书"), row.id))
    repaired = world.do(lambda s: definitions.publish_shipped(s, files()))
    with pytest.raises(NotPrintable):
        printed(world, row.id)  # a version in force changes nothing of what was issued
    key = propose(world, "陈秘书", row.id, "reprint", "模板少了括号", template=repaired)
    shown = decide(world, "周秘书", key)
    assert shown == row.id
    assert "修缮会议室催办单催〔2026〕001" in printed(world, row.id)
    assert world.do(lambda s: docx.docx(s, world.actor("陈秘书"), row.id))[1].startswith(b"PK")
    assert papers(world)[0].data_sha256 == row.data_sha256
    assert verified(world) == ""


# --- the register ----------------------------------------------------------------------------------------------------
def test_the_register_keeps_every_number_with_what_became_of_it(world: Errands) -> None:
    old = papers(world)[0]
    decide(world, "周秘书", propose(world, "陈秘书", old.id, "correct", "印错了"))
    for who in ("陈秘书", "孙审计"):
        actor = world.actor(who)
        entries = world.do(lambda s, a=actor: despatch.register(s, a, world.units["工会"]))
        assert [(e.number, e.state, e.replaces, e.replaced_by) for e in entries] == [
            ("催〔2026〕002", "issued", "催〔2026〕001", ""),
            ("催〔2026〕001", "corrected", "", "催〔2026〕002"),
        ]
    assert len(despatch.lines(entries)) == 3
    for who, error in (("张敏", Refused), ("外人", NotFound)):
        actor = world.actor(who)
        with pytest.raises(error):
            world.do(lambda s, a=actor: despatch.register(s, a, world.units["工会"]))


def test_of_a_confidential_matter_the_register_says_the_number_alone(world: Errands) -> None:
    world.do(lambda s: s.execute(update(tables.instance).values(confidential=True)))
    world.do(lambda s: s.execute(text("DELETE FROM share")))
    auditor = world.actor("孙审计")
    (entry,) = world.do(lambda s: despatch.register(s, auditor, world.units["工会"]))
    assert (entry.number, entry.title) == ("催〔2026〕001", "保密件")
    assert (entry.id, entry.instance_id, entry.matter) == (None, None, "")


def test_those_who_had_a_part_in_the_matter_are_told_for_a_month(world: Errands) -> None:
    old = papers(world)[0]
    mover, stranger = world.actor("张敏"), world.actor("外人")
    assert world.do(lambda s: despatch.told(s, mover)) == ()
    new = decide(world, "周秘书", propose(world, "陈秘书", old.id, "correct", "印错了"))
    (told_,) = world.do(lambda s: despatch.told(s, mover))
    assert (told_.id, told_.state, told_.replaced_by) == (
        old.id,
        "corrected",
        (new, "催〔2026〕002"),
    )
    assert world.do(lambda s: despatch.told(s, stranger)) == ()
    assert world.do(lambda s: despatch.told(s, mover), after=despatch.TOLD_FOR * 2) == ()
