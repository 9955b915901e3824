"""An auditor's view of the product's own packs, and an administrator of the database who rewrites what is kept."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import random
import re
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from engine import clock, db
from engine.commands import edge, instances
from engine.db import canonical, tables
from engine.errors import Conflict, HistoryBroken, NotFound, Refused
from engine.history import keys, merkle, proofs, seals
from engine.history.signing import Signer
from engine.queries import evidence
from engine.queries.evidence import case
from tests.drawn import some
from tests.engine.errands import KEY, Errands
from tests.engine.forgery import rechain
from webui.http import evidence as commands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine


FORGER = keys.SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(32)))
ROUNDS = int(os.environ.get("YIXING_TEST_ROUNDS", "6"))  # random places for each kind of tampering


@pytest.fixture
def world(engine: Engine) -> Errands:
    return Errands.built(engine, KEY)


def export(world: Errands, who: str = "孙审计") -> bytes:
    actor = world.actor(who)
    made: bytes = world.do(lambda s: commands.export(s, actor, world.done[0], Signer(KEY)))
    return made


def contents(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(path: Path, files: dict[str, bytes], *, remade: bool = True) -> Path:
    """A pack of these files; `remade`: whoever tampered also made the manifest anew, and had the key to sign it."""
    if remade:
        made = ("manifest.sha256", "manifest.note")
        lines = "".join(
            f"{hashlib.sha256(d).hexdigest()}  {n}\n" for n, d in files.items() if n not in made
        ).encode()
        instance = UUID(json.loads(files["events.jsonl"].splitlines()[0])["instance"])
        said = keys.pack_text(instance, hashlib.sha256(lines).digest(), clock.now(), KEY.key_id)
        files = {
            **files,
            "manifest.sha256": lines,
            "manifest.note": keys.note(said, KEY.sign(said)),
        }
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def verified(path: Path, *more: str) -> tuple[int, str]:
    """What the verify.py inside the pack says, in a process of its own that knows nothing of the engine."""
    script = path.with_suffix(".py")
    with zipfile.ZipFile(path) as archive:
        script.write_bytes(archive.read("verify.py"))
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(path), *more],
        capture_output=True,
        cwd=path.parent,
        check=False,
    )
    assert not done.stderr, done.stderr.decode()
    return done.returncode, done.stdout.decode()


# --- the pack --------------------------------------------------------------------------------------------------------
def test_an_exported_pack_verifies_offline(world: Errands, tmp_path: Path) -> None:
    files = contents(export(world))
    pack = zipped(tmp_path / "pack.zip", files, remade=False)
    code, said = verified(pack)
    assert code == 0, said
    assert said.splitlines()[-1] == "PASS 22/22"
    notes = [line for line in said.splitlines() if line.startswith("NOTE")]
    # all is there; whether a scan is true and who has the key, no pack can prove
    assert len(notes) == 2 and "scans" in notes[0] and "witness" in notes[1]
    witness = tmp_path / "kept.txt"
    witness.write_bytes(files["checkpoints.txt"])
    code, said = verified(pack, "--witness", str(witness))
    assert code == 0 and said.count("NOTE") == 1, said


def test_a_pack_holds_what_the_layout_promises(world: Errands) -> None:
    files = contents(export(world))
    names = set(files)
    assert {
        "README.txt",
        "answer.txt",
        "timeline.csv",
        "events.jsonl",
        "answers.jsonl",
        "checkpoints.txt",
        "proofs.json",
        "heads.txt",
        "keys.json",
        "prints/催〔2026〕001 催办单.pdf",
        "rolls/rate.csv",
        "process/process.bpmn",
        "process/documents/note.typ",
        "rules/MO-RATE.txt",
        "rules/MO-REVIEW.txt",
        "manifest.sha256",
        "verify.py",
    } <= names
    with db.transaction(world.engine) as session:
        document = session.execute(select(tables.document)).one()
        attachment = session.execute(select(tables.attachment)).one()
    assert (
        hashlib.sha256(files[f"documents/{document.id}.json"]).hexdigest() == document.data_sha256
    )
    assert (
        hashlib.sha256(files[f"attachments/{attachment.id} 验收单.pdf"]).hexdigest()
        == attachment.sha256
    )
    assert files["prints/催〔2026〕001 催办单.pdf"].startswith(b"%PDF-")
    events = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert all(e["leaf_no"] is not None for e in events)
    assert (events[-1]["kind"], events[-1]["actor"]["name"]) == ("evidence_exported", "孙审计")
    assert len(files["answers.jsonl"].splitlines()) == 5  # launch, two checks, mend, do


def test_the_answer_tells_the_facts_in_both_languages(world: Errands) -> None:
    said = contents(export(world))["answer.txt"].decode()
    for words in (
        "办事 0:修缮会议室",
        "状态：已办结（办结）",
        "陈秘书 办理完毕 [核对]",
        "结论：退回",
        "理由：=请写明地点",
        "期限：2026-04-17 00:00:00",
        "满意 3、不满意 0、名册 5、作答 3、未作答 2，通过",
        "名册与开始时一致",
        "催〔2026〕001 催办单",
        "没有找到，或您无权查看",
        "所欲办理：办理",
        "哈希链完整",
        "服务器时钟",
        "State: Closed",
        "Decision: Return",
        "Attempt refused",
        "The chain holds",
        "Reminder",
        "Roll 5, Answered 3, No answer 2",
    ):
        assert words in said, words


def test_the_timeline_opens_in_a_spreadsheet_and_has_no_formulas(world: Errands) -> None:
    data = contents(export(world))["timeline.csv"]
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert len({len(row) for row in rows}) == 1
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")]


def test_the_roll_has_the_digest_of_the_opening(world: Errands) -> None:
    files = contents(export(world))
    rows = list(csv.reader(io.StringIO(files["rolls/rate.csv"].decode("utf-8-sig"))))[1:]
    digest = hashlib.sha256("\n".join(sorted(row[0] for row in rows)).encode()).hexdigest()
    opened = [json.loads(json.loads(line)["body"]) for line in files["events.jsonl"].splitlines()]
    assert digest in [body.get("roll_hash") for body in opened]
    assert sorted(row[2] for row in rows) == ["", "", "满意", "满意", "满意"]


def test_the_rules_stand_with_source_and_confidence(world: Errands) -> None:
    said = contents(export(world))["rules/MO-REPLY.txt"].decode()
    assert "可信度 confidence" in said and "层级 level" in said and "2026-03-02" in said


def test_the_same_rows_and_moment_give_the_same_bytes(world: Errands) -> None:
    export(world)
    actor = world.actor("陈秘书")
    with db.transaction(world.engine) as session, clock.set_to(world.at):
        first = evidence.pack(session, actor, world.done[0], KEY, english=commands.ENGLISH)
        assert evidence.pack(session, actor, world.done[0], KEY, english=commands.ENGLISH) == first


def test_a_matter_that_is_still_open_can_be_exported(world: Errands, tmp_path: Path) -> None:
    mover, secretary = world.actor("张敏"), world.actor("陈秘书")
    key = world.do(lambda s: instances.launch(s, mover, "errand", {"subject": "未完"}))
    made = world.do(lambda s: commands.export(s, secretary, key, Signer(KEY)))
    code, said = verified(zipped(tmp_path / "pack.zip", contents(made), remade=False))
    assert code == 0, said


def test_there_is_no_pack_without_the_export_on_record_and_its_seal(world: Errands) -> None:
    actor, key = world.actor("陈秘书"), world.done[0]
    with pytest.raises(Conflict) as caught:
        world.do(lambda s: evidence.pack(s, actor, key, KEY, english=commands.ENGLISH))
    assert caught.value.code == "not_exported"
    export(world)
    with db.transaction(world.engine) as session:
        session.execute(text("ALTER TABLE checkpoint DISABLE TRIGGER USER"))
        session.execute(
            text("DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)")
        )
        with pytest.raises(Conflict) as caught:
            evidence.pack(session, actor, key, KEY, english=commands.ENGLISH)
        assert caught.value.code == "not_sealed"
        session.rollback()


def test_answers_that_were_erased_off_the_record_are_missed(world: Errands, tmp_path: Path) -> None:
    world.do(
        lambda s: s.execute(
            text("UPDATE task SET answers = NULL, salt = NULL WHERE element = 'mend'")
        )
    )
    code, said = verified(zipped(tmp_path / "pack.zip", contents(export(world)), remade=False))
    assert code == 1 and "its answers are missing" in said
    with db.transaction(world.engine) as session:
        assert seals.verify(session, KEY.public).fault.startswith(
            "环节 mend 的内容与历史不符（task "
        )


def test_a_document_that_cannot_be_printed_is_told(
    world: Errands, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.documents import pdf

    def broken(*given: Any, **more: Any) -> bytes:
        raise HistoryBroken("文书内容与签发时不符，不能打印。")

    monkeypatch.setattr(pdf, "printed", broken)
    assert "不能打印" in contents(export(world))["prints/催〔2026〕001 催办单.txt"].decode()


def test_many_checkpoints_are_thinned_out(
    world: Errands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.do(
        lambda s: seals.witness(
            s, s.execute(select(tables.checkpoint.c.size)).scalars().first(), "省总工会"
        )
    )
    world.done.append(world.errand("另一件"))
    world.done.append(world.errand("第三件"))
    every = contents(export(world))
    monkeypatch.setattr(case, "MANY", 2)
    few = contents(export(world))
    assert few["checkpoints.txt"].count(b"sig ") < every["checkpoints.txt"].count(b"sig ")
    code, said = verified(zipped(tmp_path / "few.zip", few, remade=False))
    assert code == 0, said


def test_checkpoints_of_an_earlier_key_are_left_out(world: Errands, tmp_path: Path) -> None:
    secretary = world.actor("陈秘书")
    made = world.do(lambda s: commands.export(s, secretary, world.done[0], Signer(FORGER)))
    files = contents(made)
    code, said = verified(zipped(tmp_path / "pack.zip", files, remade=False))
    assert code == 0, said
    assert files["checkpoints.txt"].count(b"sig ") == 1
    assert "3 个检查点未收入" in files["README.txt"].decode()


def test_exports_at_the_same_time_wait_for_each_other(world: Errands, tmp_path: Path) -> None:
    world.done += [world.errand(f"并行 {n}") for n in range(3)]
    actor = world.actor("孙审计")

    def one(key: Any) -> bytes:
        with clock.set_to(world.at):
            return db.again(world.engine, lambda s: commands.export(s, actor, key, Signer(KEY)))

    with ThreadPoolExecutor(4) as pool:
        packs = list(pool.map(one, world.done))
    for number, made in enumerate(packs):
        code, said = verified(zipped(tmp_path / f"{number}.zip", contents(made), remade=False))
        assert code == 0 and "not sealed" not in said, said
    with db.transaction(world.engine) as session:
        assert seals.verify(session, KEY.public).fault == ""


# --- who may export --------------------------------------------------------------------------------------------------
def test_only_the_desks_export_and_refusals_are_on_record(world: Errands) -> None:
    mover, outsider = world.actor("张敏"), world.actor("外人")
    with pytest.raises(Refused) as caught, clock.set_to(world.at):
        edge.carry_out(
            world.engine, mover, lambda s: commands.export(s, mover, world.done[0], Signer(KEY))
        )
    assert caught.value.details["instance_id"] == str(world.done[0])
    with db.transaction(world.engine) as session:
        with pytest.raises(NotFound):
            commands.export(session, outsider, world.done[0], Signer(KEY))
        with pytest.raises(NotFound):
            evidence.pack(session, outsider, world.done[0], KEY, english=commands.ENGLISH)
        with pytest.raises(Refused):
            evidence.pack(session, mover, world.done[0], KEY, english=commands.ENGLISH)
        last = session.execute(
            select(tables.event.c.body).order_by(tables.event.c.id.desc()).limit(1)
        ).scalar_one()
    assert json.loads(last)["kind"] == "attempt_refused" and json.loads(last)["verb"] == "export"


# --- tampering with a pack -------------------------------------------------------------------------------------------
def _line(
    files: dict[str, bytes], name: str, change: Callable[[list[bytes]], list[bytes]]
) -> dict[str, bytes]:
    return {**files, name: b"".join(change(files[name].splitlines(keepends=True)))}


def _put(data: bytes, old: str, new: str) -> bytes:
    return data.replace(old.encode(), new.encode())


PACK_TAMPERING: dict[str, Callable[[dict[str, bytes]], dict[str, bytes]]] = {
    "a word of an event": lambda f: _line(
        f, "events.jsonl", lambda e: [_put(x, "张敏", "李强") for x in e]
    ),
    "an event taken out": lambda f: _line(f, "events.jsonl", lambda e: e[:4] + e[5:]),
    "the tail cut off": lambda f: _line(f, "events.jsonl", lambda e: e[:-2]),
    "two events swapped": lambda f: _line(
        f, "events.jsonl", lambda e: [*e[:2], e[3], e[2], *e[4:]]
    ),
    "an answer": lambda f: _line(
        f, "answers.jsonl", lambda a: [_put(x, "三号楼", "四号楼") for x in a]
    ),
    "a checkpoint": lambda f: {
        **f,
        "checkpoints.txt": f["checkpoints.txt"].replace(b"checkpoint/1\n1", b"checkpoint/1\n2", 1),
    },
    "a document": lambda f: {
        n: _put(d, "2026-03-02", "2026-03-03") if n[:10] == "documents/" else d
        for n, d in f.items()
    },
    "a document taken out": lambda f: {
        n: d for n, d in f.items() if not n.startswith("documents/")
    },
    "a proof": lambda f: {
        **f,
        "proofs.json": re.sub(rb'"a|"b|"[0-9](?=[0-9a-f]{63})', b'"c', f["proofs.json"]),
    },
    "the head": lambda f: {**f, "heads.txt": f["heads.txt"].replace(b"at 2026", b"at 2027")},
    "another key": lambda f: {
        **f,
        "keys.json": json.dumps({FORGER.key_id: FORGER.public.hex()}).encode(),
    },
}


def test_tampering_with_a_pack_is_named(world: Errands, tmp_path: Path) -> None:
    files = contents(export(world))
    for name, tamper in PACK_TAMPERING.items():
        changed = tamper(dict(files))
        assert changed != files, name
        code, said = verified(zipped(tmp_path / "pack.zip", changed))
        assert code == 1 and said.splitlines()[-1].startswith("FALSE"), (name, said)


def test_a_file_that_was_changed_is_found_by_the_manifest(world: Errands, tmp_path: Path) -> None:
    files = contents(export(world))
    for name in sorted(set(files) - {"manifest.sha256", "manifest.note", "verify.py"}):
        code, said = verified(
            zipped(tmp_path / "pack.zip", {**files, name: files[name] + b" "}, remade=False)
        )
        assert code == 1 and name in said, (name, said)


def test_texts_and_prints_cannot_be_rewritten_with_the_manifest(
    world: Errands, tmp_path: Path
) -> None:
    """Whoever has no key can make the manifest anew, not its signature."""
    files = contents(export(world))
    for name in (
        "answer.txt",
        "timeline.csv",
        "rules/MO-RATE.txt",
        "prints/催〔2026〕001 催办单.pdf",
        "process/process.toml",
        "rolls/rate.csv",
    ):
        forged = {**files, name: files[name] + b"x"}
        lines = "".join(
            f"{hashlib.sha256(d).hexdigest()}  {n}\n"
            for n, d in forged.items()
            if n[:9] != "manifest."
        ).encode()
        code, said = verified(
            zipped(tmp_path / "pack.zip", {**forged, "manifest.sha256": lines}, remade=False)
        )
        assert code == 1 and "FALSE 3/22" in said, (name, said)
        without = {n: d for n, d in forged.items() if n != "manifest.note"}
        code, said = verified(
            zipped(tmp_path / "pack.zip", {**without, "manifest.sha256": lines}, remade=False)
        )
        assert code == 1 and "manifest.note 缺失" in said, (name, said)


def test_the_rolls_and_the_process_of_a_pack_are_those_of_its_events(
    world: Errands, tmp_path: Path
) -> None:
    """Even whoever has the key cannot change them."""
    files = contents(export(world))
    for name, old, new in (
        ("rolls/rate.csv", ",good,", ",bad,"),
        ("process/process.toml", "2*good > roll", "good > 0"),
    ):
        forged = {**files, name: _put(files[name], old, new)}
        assert forged != files
        code, said = verified(zipped(tmp_path / "pack.zip", forged))
        assert code == 1 and ("rolls" if name[0] == "r" else "process") in said.splitlines()[-1], (
            said
        )


TEXTS = {  # what whoever has the key could write in words, and which check finds it
    "who did it": ("answer.txt", r"(?m)^(#4 [0-9: -]+)\S+", r"\1李强", "timeline"),
    "when it was": ("answer.txt", r"(?m)^(#4 [0-9-]+ )..", r"\g<1>23", "timeline"),
    "an event left out": ("answer.txt", r"(?m)^#4 .*\n", "", "timeline"),
    "an event made up": ("answer.txt", r"(?m)^(#4 .*\n)", r"\1\1", "timeline"),
    "the digest of a document": ("answer.txt", r"(?m)^(#.*SHA-256 )....", r"\1ffff", "timeline"),
    "the number of a document": ("answer.txt", "催〔2026〕001", "催〔2026〕009", "timeline"),
    "the roll of a vote": ("answer.txt", r"(?m)^(#.*名册人数：)5", r"\g<1>4", "timeline"),
    "a number in the table": ("timeline.csv", "名册人数：5", "名册人数：4", "timeline"),
    "a refused try left out": ("answer.txt", r"(?m)(^六、.*\n)#.*\n", r"\1", "timeline"),
    "the English half": ("answer.txt", r"(?s)\n\n\n.*", "\n", "timeline"),
    "another instance": ("README.txt", r"^(.*?：)\S+", r"\g<1>办〔2026〕999", "timeline"),
    "a poll made up": ("rules/MO-REVIEW.txt", r"\Z", "#4 2026-03-02 10:00:00: 9\n", "rules"),
    "a label": ("rolls/rate.csv", r"满意(,good)", r"不满意\1", "timeline"),
}


def test_the_texts_of_a_pack_say_what_its_events_have(world: Errands, tmp_path: Path) -> None:
    """Even whoever has the key cannot dress up what people read."""
    files = contents(export(world))
    for what, (name, old, new, check) in TEXTS.items():
        said = files[name].decode()
        forged = re.sub(old, new, said, count=1)
        assert forged != said, what
        code, told = verified(zipped(tmp_path / "pack.zip", {**files, name: forged.encode()}))
        assert code == 1 and f" {check}: " in told.splitlines()[-1], (what, told)
    for name in ("answer.txt", "README.txt"):
        left = {key: data for key, data in files.items() if key != name}
        assert verified(zipped(tmp_path / "pack.zip", left))[0] == 1, name


def test_what_people_write_in_lines_of_ours_makes_no_line_of_ours(
    engine: Engine, tmp_path: Path
) -> None:
    line = "#1 2026-03-02 09:00:00 李强 提出本件"
    hostile = f"地点\n{line}\n\n\n- 写明 2020-01-01 00:00:00，见 #1"
    world = Errands.built(engine, KEY, count=0)
    mover = world.actor("张敏")
    key = world.do(lambda s: instances.launch(s, mover, "errand", {"subject": line}))
    world.complete("陈秘书", key, "check", decision="return", reason=hostile)
    world.complete("张敏", key, "mend", note=hostile)
    world.done.append(key)
    files = contents(export(world))
    assert files["answer.txt"].decode().count(line) > 4
    code, said = verified(zipped(tmp_path / "pack.zip", files))
    assert code == 0, said


# --- tampering with the database -------------------------------------------------------------------------------------
def _events(session: db.Session, *conditions: Any) -> list[Any]:
    event = tables.event.c
    return list(
        session.execute(
            select(tables.event).where(*conditions).order_by(event.instance_id, event.seq)
        )
    )


def _pick(session: db.Session, chance: random.Random) -> Any:
    return chance.choice(_events(session))


def _set(session: db.Session, key: int, **values: Any) -> None:
    session.execute(tables.event.update().where(tables.event.c.id == key).values(**values))


def edit_body(session: db.Session, chance: random.Random) -> None:
    row = _pick(session, chance)
    at = chance.randrange(len(row.body))
    _set(
        session,
        row.id,
        body=row.body[:at] + ("x" if row.body[at] != "x" else "y") + row.body[at + 1 :],
    )


def rewrite_body_and_chain(session: db.Session, chance: random.Random) -> None:
    row = _pick(session, chance)
    says = json.loads(row.body)
    _set(session, row.id, body=json.dumps({**says, "note": "改"}, ensure_ascii=False))
    rechain(session, row.instance_id)


def delete_event(session: db.Session, chance: random.Random) -> None:
    session.execute(tables.event.delete().where(tables.event.c.id == _pick(session, chance).id))


def delete_event_and_close_the_gap(session: db.Session, chance: random.Random) -> None:
    row = _pick(session, chance)
    delete = tables.event.delete().where(tables.event.c.id == row.id)
    session.execute(delete)
    rechain(session, row.instance_id)


def delete_tail(session: db.Session, chance: random.Random) -> None:
    """With the head moved back, so that the chain itself looks whole."""
    row = _pick(session, chance)
    event = tables.event.c
    session.execute(
        tables.event.delete().where(event.instance_id == row.instance_id, event.seq > row.seq - 1)
    )
    rechain(session, row.instance_id)


def swap(session: db.Session, chance: random.Random) -> None:
    row = _pick(session, chance)
    others = [
        o for o in _events(session, tables.event.c.instance_id == row.instance_id) if o.id != row.id
    ] or _events(session)
    other = chance.choice([o for o in others if o.id != row.id])
    for mine, theirs in ((row, other), (other, row)):
        _set(
            session,
            mine.id,
            body=theirs.body,
            hash=theirs.hash,
            kind=theirs.kind,
            actor_id=theirs.actor_id,
            at=theirs.at,
        )


def swap_leaves(session: db.Session, chance: random.Random) -> None:
    first, second = chance.sample(_events(session), 2)
    _set(session, first.id, leaf_no=second.leaf_no)
    _set(session, second.id, leaf_no=first.leaf_no)


def insert_event(session: db.Session, chance: random.Random) -> None:
    """Between two others, with the chain computed anew, not sealed or as a doubled leaf."""
    row = _pick(session, chance)
    later = _events(
        session, tables.event.c.instance_id == row.instance_id, tables.event.c.seq > row.seq
    )
    for moved in reversed(later):
        _set(session, moved.id, seq=moved.seq + 1)
    values = {c: getattr(row, c) for c in ("instance_id", "kind", "actor_id", "at", "body", "hash")}
    leaf = chance.choice([None, row.leaf_no])
    session.execute(tables.event.insert().values(**values, seq=row.seq + 1, leaf_no=leaf))
    if later:  # at the very end it would be a new event, which nothing outside contradicts yet
        rechain(session, row.instance_id)


def edit_answers(session: db.Session, chance: random.Random) -> None:
    rows = session.execute(select(tables.task).where(tables.task.c.salt.is_not(None))).all()
    row = chance.choice(rows)
    new_salt = chance.choice([row.salt, chance.randbytes(16), None, b"short"])
    changed = chance.choice(
        [{"note": "改"}, {**row.answers, "x": 1}, {}, [], None if new_salt else "改", {"a": 1.5}]
    )
    session.execute(
        tables.task.update()
        .where(tables.task.c.id == row.id)
        .values(answers=changed, salt=new_salt)
    )


def swap_answers(session: db.Session, chance: random.Random) -> None:
    rows = session.execute(select(tables.task).where(tables.task.c.salt.is_not(None))).all()
    first = chance.choice(rows)
    second = chance.choice([r for r in rows if r.id != first.id])
    for mine, theirs in ((first, second), (second, first)):
        values = {"answers": theirs.answers, "salt": theirs.salt}
        session.execute(tables.task.update().where(tables.task.c.id == mine.id).values(**values))


def delete_answers(session: db.Session, chance: random.Random) -> None:
    rows = (
        session.execute(
            select(tables.task.c.id).where(tables.task.c.element.in_(["launch", "mend"]))
        )
        .scalars()
        .all()
    )
    session.execute(text("UPDATE timer SET task_id = NULL"))
    session.execute(tables.task.delete().where(tables.task.c.id == chance.choice(rows)))


def edit_checkpoint(session: db.Session, chance: random.Random) -> None:
    points = session.execute(select(tables.checkpoint)).all()
    point = chance.choice(points)

    def flipped(data: bytes) -> bytes:
        at = chance.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    taken = {p.size for p in points}
    values: dict[str, Any] = chance.choice(
        [
            {"root": flipped(point.root)},
            {"frontier": flipped(point.frontier)},
            {"signature": flipped(point.signature)},
            {
                "size": next(
                    s
                    for s in (point.size + chance.randrange(1, 9), point.size + 9, 10**6)
                    if s not in taken
                )
            },
            {"at": point.at.replace(year=2025)},
            {"key_id": FORGER.key_id},
            {"key_id": "?"},
        ]
    )
    session.execute(
        tables.checkpoint.update().where(tables.checkpoint.c.size == point.size).values(**values)
    )


def sign_with_another_key(session: db.Session, chance: random.Random) -> None:
    """The whole tree made anew over a rewritten event, signed with the forger's own key."""
    rewrite_body_and_chain(session, chance)
    leaves = [
        merkle.leaf_hash(bytes(r.hash)) for r in sorted(_events(session), key=lambda r: r.leaf_no)
    ]
    for point in session.execute(select(tables.checkpoint)).all():
        frontier = merkle.Frontier()
        for leaf in leaves[: point.size]:
            frontier.append(leaf)
        note = keys.checkpoint_text(point.size, frontier.root(), point.at, point.key_id)
        session.execute(
            tables.checkpoint.update()
            .where(tables.checkpoint.c.size == point.size)
            .values(root=frontier.root(), frontier=frontier.to_bytes(), signature=FORGER.sign(note))
        )


def delete_last_checkpoint(session: db.Session, chance: random.Random) -> None:
    session.execute(text("DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)"))


def edit_columns(session: db.Session, chance: random.Random) -> None:
    row = _pick(session, chance)
    values = chance.choice(
        [{"kind": "x"}, {"actor_id": tables.new_id()}, {"at": row.at.replace(year=2020)}]
    )
    _set(session, row.id, **values)


def edit_document(session: db.Session, chance: random.Random) -> None:
    row = chance.choice(session.execute(select(tables.document)).all())
    data = {**row.data, "facts": {}}
    values = chance.choice(
        [
            {"data": data},
            {"data": data, "data_sha256": canonical.digest(canonical.dumps(data)).hex()},
        ]
    )
    session.execute(tables.document.update().where(tables.document.c.id == row.id).values(**values))


def delete_document(session: db.Session, chance: random.Random) -> None:
    row = chance.choice(session.execute(select(tables.document.c.id)).scalars().all())
    session.execute(tables.document.delete().where(tables.document.c.id == row))


def edit_attachment(session: db.Session, chance: random.Random) -> None:
    row = chance.choice(session.execute(select(tables.attachment)).all())
    if chance.random() < 0.4:
        session.execute(
            text("UPDATE blob SET data = data || 'x' WHERE sha256 = :sha"), {"sha": row.sha256}
        )
    elif chance.random() < 0.5:
        session.execute(tables.attachment.delete().where(tables.attachment.c.id == row.id))
    else:
        digest = hashlib.sha256(b"x").hexdigest()
        session.execute(text("INSERT INTO blob VALUES (:sha, 1, 'x')"), {"sha": digest})
        session.execute(
            tables.attachment.update().where(tables.attachment.c.id == row.id).values(sha256=digest)
        )


def edit_ballot(session: db.Session, chance: random.Random) -> None:
    row = chance.choice(session.execute(select(tables.roll)).all())
    choice = "bad" if row.choice in (None, "good") else None
    where = (tables.roll.c.poll_id == row.poll_id, tables.roll.c.member_id == row.member_id)
    if chance.random() < 0.5:
        session.execute(tables.roll.update().where(*where).values(choice=choice))
    else:
        session.execute(tables.roll.delete().where(*where))


TAMPERING = (
    edit_body,
    rewrite_body_and_chain,
    delete_event,
    delete_event_and_close_the_gap,
    delete_tail,
    swap,
    swap_leaves,
    insert_event,
    edit_answers,
    swap_answers,
    delete_answers,
    edit_checkpoint,
    sign_with_another_key,
    delete_last_checkpoint,
    edit_columns,
    edit_document,
    delete_document,
    edit_attachment,
    edit_ballot,
)


@pytest.fixture
def sealed(engine: Engine) -> Errands:
    """Two finished errands, everything sealed."""
    world = Errands.built(engine, KEY, count=2)
    world.seal()
    return world


def test_an_honest_database_holds(sealed: Errands) -> None:
    with db.transaction(sealed.engine) as session:
        found = seals.verify(session, KEY.public)
    assert (found.fault, found.broken, found.unsealed) == ("", None, 0)
    assert found.leaves == found.events > 30 and found.checkpoints == 6


def test_an_honest_database_does_not_hold_under_another_key(sealed: Errands) -> None:
    with db.transaction(sealed.engine) as session:
        assert "签名" in seals.verify(session, FORGER.public).fault


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, ""),
        ({"signature": bytes(64)}, "的签名无效"),
        ({"signature": None}, "的签名无效"),
        ({"root": bytes(32)}, "与数据库不符"),
        ({"key_id": keys.key_id(FORGER.public), "signature": bytes(64)}, ""),  # not ours to judge
    ],
)
def test_a_checkpoint_kept_outside_must_have_its_root_and_signature(
    change: dict[str, Any], wrong: str, sealed: Errands
) -> None:
    point = tables.checkpoint.c
    with db.transaction(sealed.engine) as session:
        row = session.execute(select(tables.checkpoint).order_by(point.size).limit(1)).one()
        kept = keys.Checkpoint(row.size, bytes(row.root), row.at, row.key_id, bytes(row.signature))
        fault = seals.verify(session, KEY.public, outside=[replace(kept, **change)]).fault
    assert fault == (f"留存的检查点 {row.size} {wrong}" if wrong else "")


@pytest.mark.parametrize("tamper", some(TAMPERING, 8), ids=lambda t: t.__name__)
def test_tampering_with_the_database_is_found(
    tamper: Callable[[db.Session, random.Random], None], sealed: Errands
) -> None:
    for number in range(ROUNDS):
        chance = random.Random(f"{tamper.__name__} {number}")
        with sealed.engine.connect() as session:
            for table in ("event", "checkpoint"):
                session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            tamper(session, chance)
            found = seals.verify(session, KEY.public)
            assert found.fault, number
            session.rollback()
    with db.transaction(sealed.engine) as session:
        assert seals.verify(session, KEY.public).fault == ""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET body = replace(body, '张敏', '李强') WHERE instance_id = :id AND seq = 1",
        "DELETE FROM event WHERE instance_id = :id AND seq = (SELECT max(seq) FROM event WHERE instance_id = :id)",
        "UPDATE document SET data = jsonb_set(data, '{instance,title}', '\"另一件\"') WHERE instance_id = :id",
        "DELETE FROM document WHERE instance_id = :id",
        "UPDATE instance SET seq = seq - 1 WHERE id = :id",
        "UPDATE checkpoint SET root = sha256('x') WHERE size = (SELECT max(size) FROM checkpoint)",
    ],
)
def test_a_pack_made_of_a_tampered_database_is_false(
    statement: str, world: Errands, tmp_path: Path
) -> None:
    export(world)
    actor, mine = world.actor("孙审计"), world.done[0]
    with world.engine.connect() as session, clock.set_to(world.at):
        for table in ("event", "checkpoint"):
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        assert session.execute(text(statement.replace(":id", f"'{mine}'"))).rowcount == 1
        try:
            files = contents(evidence.pack(session, actor, mine, KEY, english=commands.ENGLISH))
        except (HistoryBroken, Conflict):
            return
        finally:
            session.rollback()
    code, said = verified(zipped(tmp_path / "pack.zip", files, remade=False))
    assert code == 1, said


# --- proofs ----------------------------------------------------------------------------------------------------------
@settings(deadline=None, max_examples=60)
@given(size=st.integers(1, 200), data=st.data())
def test_proofs_gathered_in_one_pass_are_those_of_the_tree(size: int, data: st.DataObject) -> None:
    leaves = [hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(size)]
    index = data.draw(st.integers(0, size - 1))
    spans = {"leaf": proofs.inclusion_ranges(index, size)}
    old = data.draw(st.integers(1, size))
    if old < size:
        spans["old"] = proofs.consistency_ranges(old, size)
    found = proofs._gather(
        leaves,
        {part for ranges in spans.values() for span in ranges for part in proofs.blocks(span)},
    )
    paths = {
        k: [proofs._root([found[p] for p in proofs.blocks(span)]) for span in v]
        for k, v in spans.items()
    }
    assert paths["leaf"] == merkle.inclusion_proof(leaves, index, size)
    assert paths.get("old", []) == merkle.consistency_proof(leaves, old, size)


def test_a_gap_in_the_leaves_stops_the_export(world: Errands) -> None:
    export(world)
    actor = world.actor("孙审计")
    with world.engine.connect() as session:
        session.execute(text("ALTER TABLE event DISABLE TRIGGER USER"))
        session.execute(text("DELETE FROM event WHERE leaf_no = 0"))
        with pytest.raises(HistoryBroken):
            evidence.pack(session, actor, world.done[0], KEY, english=commands.ENGLISH)
        session.rollback()


def test_answer_and_timeline_are_drawn_from_the_files_beside_them(
    world: Errands, tmp_path: Path
) -> None:
    files = contents(export(world))
    for name, source in (("answer.pdf", "answer.txt"), ("timeline.pdf", "timeline.csv")):
        assert files[name].startswith(b"%PDF-")
        assert hashlib.sha256(files[source]).hexdigest().encode() in files[name]
    other = {**files, "answer.pdf": files["timeline.pdf"]}
    code, said = verified(zipped(tmp_path / "pack.zip", other, remade=True))
    assert code == 1 and "answer.pdf" in said
