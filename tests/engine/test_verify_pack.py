"""An auditor's view: a true pack passes, each way of tampering is named by the first thing that is false.

The pack is made with the engine's functions and verified by the file that is shipped, in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.db.canonical import salted
from engine.errors import EngineError, Invalid
from engine.history import keys, merkle, verify_pack
from tests.engine.packs import (
    AT,
    DISPUTE,
    DRESSED,
    FORGER,
    KEY,
    MOTION,
    NOTICE,
    OPINION,
    RFC_8032,
    SALT,
    TAMPERING,
    THIRD,
    Story,
    answer,
    as_format_1,
    break_signature,
    change_root,
    cut_events,
    document,
    dressed,
    edit,
    forged,
    kept,
    proofs,
    put,
    put_contents,
    put_keys,
    remanifest,
    rolled,
    run,
    story,
    texted,
    unsigned,
    without,
    write_lines,
    zipped,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return story().pack(tmp_path / "pack")


def test_a_true_pack_passes_as_folder_zip_and_zipped_folder(folder: Path) -> None:
    for pack in (folder, zipped(folder), zipped(folder, "提案/")):
        code, lines = run(pack)
        assert (code, lines[-1]) == (0, "PASS 22/22")
        notes = [line for line in lines if line.startswith("NOTE")]
        assert len(notes) == 2  # that scans may lie, and that no witness was given
        assert "scans" in notes[0] and notes[1] == lines[-3]
        assert KEY.key_id in lines[1]


def test_it_passes_and_fails_alike_with_nothing_but_python(folder: Path) -> None:
    assert run(folder, bare=True) == run(folder)
    break_signature(folder)
    remanifest(folder)
    assert run(folder, bare=True) == run(folder)
    assert run(folder, bare=True)[0] == 1


def test_the_copy_inside_the_pack_runs_where_it_lies(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "."], cwd=folder, capture_output=True, timeout=60
    )
    assert done.returncode == 0 and done.stdout.decode().endswith("PASS 22/22\n")


# Tampering: what is done (with the manifest made anew, as anyone can), the check that must find it, a word it must say.


@pytest.mark.parametrize(
    ("tamper", "check", "word"), [t[1:] for t in TAMPERING], ids=[t[0] for t in TAMPERING]
)
def test_tampering_is_named(
    folder: Path, tamper: Callable[[Path], None], check: str, word: str
) -> None:
    tamper(folder)
    code, lines = run(folder)
    assert (code, lines[-1].startswith("FALSE 1/22 清单 manifest: ")) == (
        1,
        True,
    )  # the manifest was forgotten
    code, lines = run(remanifest(folder))
    assert code == 1
    assert lines[-1].startswith("FALSE ") and f" {check}: " in lines[-1] and word in lines[-1], (
        lines[-1]
    )
    assert not any(line.startswith(("FALSE", "PASS")) for line in lines[:-1])
    assert any(line.startswith("NO ") for line in lines)


@pytest.mark.parametrize(
    ("tamper", "word"),
    [
        (lambda folder: (folder / "verify.py").write_text("print('PASS')"), "verify.py"),
        (lambda folder: (folder / "heads.txt").unlink(), "heads.txt"),
        (lambda folder: (folder / "more.txt").write_text("more"), "more.txt"),
        (
            lambda folder: (folder / "documents" / "交办单.pdf").write_bytes(b""),
            "documents/交办单.pdf",
        ),
        (lambda folder: (folder / "events.jsonl").write_text("{"), "events.jsonl"),
    ],
    ids=["changed", "missing", "added", "emptied", "broken"],
)
def test_the_manifest_names_the_file(
    folder: Path, tamper: Callable[[Path], object], word: str
) -> None:
    tamper(folder)
    code, lines = run(folder)
    assert code == 1
    assert lines[-1].startswith(f"FALSE 1/22 清单 manifest: {word} ")


@pytest.mark.parametrize(
    ("tamper", "word"),
    [
        *[(without(name), name) for name in verify_pack.DEMANDED if name != "manifest.note"],
        (without("answers.jsonl"), "seq 2 的答复不在包内"),
        (without("documents/交办单.pdf"), "documents/交办单.pdf 已列入"),
        (without("prints/交办单.pdf"), "prints/交办单.pdf 已列入"),
        (without("attachments/photo.jpg"), "attachments/photo.jpg 已列入"),
        (lambda folder: put_contents(folder, papers={}), "its document is missing"),
        (lambda folder: put_contents(folder, papers={"note": [None, None]}), "has no file"),
        (lambda folder: put_contents(folder, attachments={}), "attachment photo"),
        (lambda folder: put_contents(folder, rules={"X": "rules/X.txt"}), "rules/X.txt 已列入"),
        (lambda folder: put_contents(folder, events=5), "seq 5"),
        (lambda folder: put_contents(folder, checkpoint=17), "17"),
        (lambda folder: put_contents(folder, instance=str(DISPUTE)), str(MOTION)),
        (proofs(lambda p: p.update(consistency=[])), "does not continue"),
    ],
)
def test_what_is_absent_is_false(folder: Path, tamper: Callable[[Path], object], word: str) -> None:
    """Even when the manifest was made anew and signed: nothing that a pack must hold may be left out."""
    tamper(folder)
    code, lines = run(remanifest(folder))
    assert code == 1 and lines[-1].startswith("FALSE ") and word in lines[-1], lines


def test_a_manifest_made_anew_without_the_key_is_found(folder: Path) -> None:
    note = (folder / "manifest.note").read_bytes()
    (folder / "answer.txt").write_text("别的说法")
    remanifest(folder)
    (folder / "manifest.note").write_bytes(note)
    code, lines = run(folder)
    assert code == 1 and lines[-1].startswith("FALSE 3/22 清单签名 signature: manifest.note")
    remanifest(folder, FORGER)
    assert run(folder)[1][-1].startswith("FALSE 2/22")
    (folder / "manifest.note").unlink()
    code, lines = run(folder)
    assert code == 1 and lines[-1].startswith("FALSE 1/22 清单 manifest: manifest.note 缺失")


@pytest.mark.parametrize("witness", [0, 5, 11, 18])
def test_a_pack_without_its_end_never_passes(folder: Path, witness: int) -> None:
    more = ["--witness", str(kept(folder, witness))] if witness else []
    cut_events(folder, keep=4)
    code, lines = run(unsigned(folder), *more)
    assert code == 1 and "缺失" in lines[-1], lines
    (folder / "heads.txt").write_bytes(story().head(KEY))
    code, lines = run(unsigned(folder), *more)
    assert code == 1
    assert "first false event: #5（缺失 missing）" in lines[-1], lines[-1]
    (folder / "heads.txt").unlink()
    code, lines = run(as_format_1(folder), *more)
    assert code == 3 and lines[-1].startswith("UNPROVED") and "older format" in lines[-1]


@pytest.mark.parametrize(
    "more",
    [
        lambda folder: None,
        break_signature,
        without("heads.txt"),
        without("contents.json", "heads.txt"),
        without("answers.jsonl"),
        document("交办单.pdf", b"x"),
        put_keys(("0" * 16, "00" * 32)),
        lambda folder: (folder / "keys.json").write_text("{"),
        lambda folder: (folder / "prints" / "more.pdf").write_bytes(b"x"),
    ],
)
def test_the_first_false_event_is_named_whatever_else_is_wrong(
    folder: Path, more: Callable[[Path], object]
) -> None:
    forged(folder)
    more(folder)
    code, lines = run(folder)  # with the manifest of before
    assert code == 1 and THIRD in lines[-1], lines
    code, lines = run(unsigned(folder))
    assert code == 1 and THIRD in lines[-1], lines


def test_a_true_event_is_not_named_for_a_false_root(folder: Path) -> None:
    change_root(folder)
    code, lines = run(remanifest(folder))
    assert code == 1 and "first false event" not in lines[-1]


def test_an_event_that_cannot_be_read_is_named(folder: Path) -> None:
    text = (folder / "events.jsonl").read_text("utf-8").splitlines()
    text[3] = text[3][:40]
    (folder / "events.jsonl").write_text("\n".join(text), "utf-8")
    code, lines = run(folder)
    assert code == 1 and "first false event: #4" in lines[-1]


def test_time_only_goes_forward(tmp_path: Path) -> None:
    for back, code in ((2, 0), (3, 1)):
        told = Story()
        told.event(MOTION, "launched", {})
        told.event(MOTION, "task_completed", {"answers": salted(OPINION, SALT)})
        issued = {"id": "note", "sha256": sha256(NOTICE).hexdigest()}
        early = (AT + timedelta(minutes=1, seconds=-back)).isoformat(timespec="seconds")
        told.event(MOTION, "document_issued", issued, at=early)
        told.export()
        found, lines = run(told.pack(tmp_path / str(back)))
        assert found == code, lines
        assert ("first false event: #3" in lines[-1]) == bool(code)


def test_a_second_key_beside_the_true_one_signs_nothing(folder: Path) -> None:
    """True checkpoints and a true head, but the manifest is somebody else's: the texts would be his."""
    pairs = {KEY.key_id: KEY.public.hex(), FORGER.key_id: FORGER.public.hex()}
    (folder / "keys.json").write_text(json.dumps(pairs))
    (folder / "answer.txt").write_text("别的说法")
    code, lines = run(remanifest(folder, FORGER), "--witness", str(kept(folder, 11)))
    assert code == 1 and f"{KEY.key_id} 没有移交给" in lines[-1]
    text = keys.handover_text(FORGER.public, AT, KEY.key_id)  # signed by the one who takes over
    (folder / "keys.txt").write_bytes(keys.note(text, FORGER.sign(text)))
    code, lines = run(remanifest(folder, FORGER))
    assert code == 1 and "keys.txt" in lines[-1]


def test_a_key_may_follow_another_that_named_it(tmp_path: Path) -> None:
    told = story()
    folder = told.pack(tmp_path / "pack", FORGER)
    notes = [told.checkpoint(KEY, size) for size in told.sealed[:2]]
    notes += [told.checkpoint(FORGER, size) for size in told.sealed[2:]]
    (folder / "checkpoints.txt").write_bytes(b"\n".join(notes))
    pairs = {KEY.key_id: KEY.public.hex(), FORGER.key_id: FORGER.public.hex()}
    (folder / "keys.json").write_text(json.dumps(pairs))
    text = keys.handover_text(FORGER.public, AT, KEY.key_id)
    (folder / "keys.txt").write_bytes(keys.note(text, KEY.sign(text)))
    code, lines = run(remanifest(folder, FORGER), "--witness", str(kept(folder, 11)))
    assert (code, lines[-1]) == (0, "PASS 22/22"), lines


def test_the_expected_key_is_compared(folder: Path) -> None:
    code, lines = run(folder, "--key", KEY.key_id)
    assert code == 0 and any("younger" in line for line in lines)
    code, lines = run(folder, "--key", FORGER.key_id)
    assert code == 1 and lines[-1].startswith("FALSE 2/22")


@pytest.mark.parametrize(
    ("part", "file", "check"),
    [
        ("polls", "rolls/vote.csv", "rolls"),
        ("meetings", "meetings/session-roll.csv", "meetings"),
        ("meetings", "meetings/session-ledger.txt", "meetings"),
        ("rules", "rules/HALF.txt", "rules"),
        ("rules", "rules/DAYS.txt", "rules"),
        ("", "process/process.toml", "process"),
    ],
)
def test_every_roll_rule_and_process_is_demanded(
    tmp_path: Path, part: str, file: str, check: str
) -> None:
    """Neither the file nor what lists it may be left out, even by who has the key."""
    folder = rolled(tmp_path)
    assert run(folder)[0] == 0
    (folder / file).unlink()
    code, lines = run(remanifest(folder))
    assert code == 1 and f" {check}: " in lines[-1], lines[-1]
    if part:
        left = {
            key: name
            for key, name in json.loads((folder / "contents.json").read_text())[part].items()
            if file != name and file not in name
        }
        put_contents(folder, **{part: left})
        code, lines = run(remanifest(folder))
        assert code == 1 and f" {check}: " in lines[-1] and "about event: #" in lines[-1]


@pytest.mark.parametrize(
    ("name", "old", "new", "check"),
    [
        ("process/process.toml", "'m'", "'n'", "process"),
        ("rolls/vote.csv", "b,b", "c,c", "rolls"),
        ("rolls/vote.csv", "a,a,,yes", "a,a,,no", "rolls"),
        ("rolls/vote.csv", "b,b,,,", "b,b,,yes,", "rolls"),
        ("meetings/session-roll.csv", "b,b", "c,b", "meetings"),
        ("meetings/session-ledger.txt", "a", "b", "meetings"),
    ],
)
def test_process_rolls_and_ledgers_are_those_of_the_events(
    tmp_path: Path, name: str, old: str, new: str, check: str
) -> None:
    folder = rolled(tmp_path)
    code, lines = run(folder)
    assert (code, lines[-1]) == (0, "PASS 22/22"), lines
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")
    code, lines = run(remanifest(folder))  # even by who has the key
    assert code == 1 and f" {check}: " in lines[-1] and lines[-1].startswith("FALSE "), lines[-1]


def test_an_event_that_is_not_sealed_is_false(tmp_path: Path) -> None:
    told = story()
    told.event(MOTION, "evidence_exported", {"events": 7, "format": 2}, seal=False)
    code, lines = run(told.pack(tmp_path / "pack"))
    assert code == 1 and "is not sealed" in lines[-1] and "first false event: #7" in lines[-1]


def test_the_last_event_is_the_export(tmp_path: Path) -> None:
    told = story()
    told.event(MOTION, "task_completed", {})
    told.sealed.append(len(told.leaves))
    code, lines = run(told.pack(tmp_path / "pack"))
    assert code == 1 and "is not this export" in lines[-1]


def test_a_history_remade_with_a_new_key_is_found_by_a_kept_checkpoint_only(
    folder: Path, tmp_path: Path
) -> None:
    note = tmp_path / "kept.txt"
    note.write_bytes(
        story().checkpoint(KEY, story().sealed[2]).replace(b"\n", b"\r\n")
    )  # as it comes back from mail
    code, lines = run(folder, "--witness", str(note))
    assert (code, lines[-1]) == (0, "PASS 22/22")
    assert [line for line in lines if "witness" in line] == [lines[-2]]

    remade = story()
    remade.leaves[0] = merkle.leaf_hash(b"remade")
    forged = remade.pack(tmp_path / "forged", FORGER)
    assert run(forged)[0] == 0
    code, lines = run(forged, "--witness", str(note))
    assert code == 1 and "witness" in lines[-1] and "not in keys.json" in lines[-1]

    same_key = remade.pack(tmp_path / "same_key", KEY)  # the key was stolen as well
    code, lines = run(same_key, "--witness", str(note))
    assert code == 1 and "has another root" in lines[-1]

    note.write_bytes(story().checkpoint(KEY, 7))
    code, lines = run(folder, "--witness", str(note))
    assert code == 3 and lines[-1].startswith("UNPROVED") and "is not in the pack" in lines[-1]


def test_a_witness_newer_than_the_pack_is_false(folder: Path, tmp_path: Path) -> None:
    told = story()
    told.others(1)
    note = tmp_path / "kept.txt"
    note.write_bytes(told.checkpoint(KEY, len(told.leaves)))
    code, lines = run(folder, "--witness", str(note))
    assert code == 1 and "is newer than the pack" in lines[-1]


def test_what_the_texts_say_is_what_the_events_have(tmp_path: Path) -> None:
    code, lines = run(texted(tmp_path / "true"))
    assert (code, lines[-1]) == (0, "PASS 22/22"), lines
    for what in DRESSED:
        code, lines = run(dressed(texted(tmp_path / what), what))
        assert code == 1 and " timeline: " in lines[-1], (what, lines)


def test_the_numbers_in_a_rule_are_those_that_polls_were_opened_with(tmp_path: Path) -> None:
    true = (
        "A-1  规则 / Rule\n\n表决采用的数值 numbers used in polls:\n#1 2026-03-02 09:00:00: 3/4\n"
    )
    false = (true.replace("3/4", "1/4"), true.replace("09:", "08:"), true[:-29], f"B{true[1:]}")
    for tells, text, holds in (
        (2, true, True),
        (1, false[0], True),
        *((2, t, False) for t in false),
    ):
        told = Story()
        told.event(MOTION, "poll_opened", {"poll": "p", "numbers": {"A-1": "3/4"}})
        told.event(MOTION, "evidence_exported", {"tells": tells})
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        (folder / "rules").mkdir(parents=True)
        (folder / "rules" / "A-1.txt").write_text(text, "utf-8")
        write_lines(folder, told.mine())
        put_contents(folder, instance=str(MOTION), rules={"A-1": "rules/A-1.txt"})
        pack = verify_pack.Pack(folder, "")
        if holds:
            verify_pack.rules(pack)
        else:
            with pytest.raises(verify_pack.Wrong):
                verify_pack.rules(pack)


@pytest.mark.parametrize(
    "spoil",
    [
        put("events.jsonl", "{"),
        put("events.jsonl", "[" * 100_000),
        put("events.jsonl", "\x00"),
        put("events.jsonl", '{"seq": 1, "seq": 1}'),
        put("events.jsonl", '{"seq": 1}'),
        put("events.jsonl", '{"seq": 1.0}'),
        put("events.jsonl", '{"seq": ' + "1" * 5000 + "}"),
        lambda folder: (folder / "events.jsonl").write_bytes(b"\xff"),
        edit(0, seq=True),
        edit(0, leaf_no="2"),
        edit(0, body=None),
        edit(0, body='{"a": 1.5}'),
        edit(0, body='{"a": "\\ud800"}'),
        edit(0, instance="x"),
        edit(0, hash="00"),
        answer(salt="x"),
        put("checkpoints.txt", "hello"),
        put("heads.txt", "yixing/head/1"),
        put("keys.json", "[]"),
        put("keys.json", '{"a": "xyz"}'),
        put("proofs.json", "{}"),
        put("proofs.json", "[]"),
        put("contents.json", "[]"),
        put("contents.json", '{"format": "yixing/evidence/3"}'),
    ],
)
def test_what_cannot_be_used_exits_2(folder: Path, spoil: Callable[[Path], object]) -> None:
    spoil(folder)
    code, lines = run(remanifest(folder))
    assert code == 2 and lines[-1].startswith("UNUSABLE"), lines


def test_what_is_no_pack_exits_2(folder: Path, tmp_path: Path) -> None:
    (folder / "manifest.sha256").write_text("hello")
    assert run(folder)[0] == 2
    (folder / "manifest.sha256").unlink()
    assert run(folder)[0] == 1  # the rest of a pack is there
    (folder / "link").symlink_to(tmp_path)
    assert run(remanifest(folder))[0] == 2
    assert run(tmp_path / "empty")[0] == 2


def test_a_damaged_or_doubtful_zip_exits_2(folder: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.zip"
    noise.write_bytes(b"not a zip")
    assert run(noise)[0] == 2
    assert run(tmp_path / "missing.zip")[0] == 2

    cut = zipped(folder)
    cut.write_bytes(cut.read_bytes()[:-200])
    assert run(cut)[0] == 2

    twice = zipped(folder)
    with pytest.warns(UserWarning), zipfile.ZipFile(twice, "a") as archive:
        archive.writestr("events.jsonl", "")
    assert run(twice)[0] == 2


def test_a_pack_cannot_write_lines_of_its_own(folder: Path) -> None:
    (folder / "x\nPASS 12\x1b[32m").write_text("x")
    code, lines = run(folder)
    assert code == 1 and not any(line.startswith("PASS") for line in lines)
    assert "\x1b" not in "".join(lines)


def test_litter_of_desktops_does_no_harm(folder: Path) -> None:
    (folder / ".DS_Store").write_bytes(b"x")
    assert run(folder)[0] == 0


@pytest.mark.parametrize("check", [keys.verify, verify_pack.ed25519, verify_pack.ed25519_plain])
def test_signatures_of_rfc_8032_hold(check: Callable[[bytes, bytes, bytes], bool]) -> None:
    for public, message, signature in ([bytes.fromhex(part) for part in row] for row in RFC_8032):
        assert check(public, signature, message)
        assert not check(public, signature, message + b"x")
        assert not check(public, signature[:-1], message)
        assert not check(public, signature + b"\x00", message)
        assert not check(public[:-1], signature, message)
        assert not check(b"", signature, message)
        assert not check(public, b"", message)
        large = (
            int.from_bytes(signature[32:], "little") + verify_pack.L
        )  # the same number in another form
        assert not check(public, signature[:32] + large.to_bytes(32, "little"), message)


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_plain_python_agrees_with_the_library(seed: bytes, message: bytes, bit: int) -> None:
    key = keys.SigningKey(Ed25519PrivateKey.from_private_bytes(seed))
    signature = key.sign(message)
    assert verify_pack.ed25519_plain(key.public, signature, message)
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not verify_pack.ed25519_plain(key.public, bytes(flipped), message)
    assert not keys.verify(key.public, bytes(flipped), message)


def test_points_that_are_not_on_the_curve_are_refused() -> None:
    assert verify_pack.point((2).to_bytes(32, "little")) is None
    assert (
        verify_pack.point((verify_pack.P + 1).to_bytes(32, "little")) is None
    )  # 1 in another form
    assert verify_pack.point((1 + (1 << 255)).to_bytes(32, "little")) is None  # minus zero
    assert verify_pack.point((1).to_bytes(32, "little")) == (0, 1, 1, 0)


# The key and its notes


def test_a_key_is_made_once_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    key = keys.load_or_create(tmp_path / "secret" / "keys")
    file = tmp_path / "secret" / "keys" / keys.FILE_NAME
    assert keys.load_or_create(file.parent).public == key.public
    assert file.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in file.parent.iterdir()] == [keys.FILE_NAME]
    assert key.key_id == sha256(key.public).hexdigest()[:16] == keys.key_id(key.public)
    assert keys.verify(key.public, key.sign(b"x"), b"x") and not keys.verify(
        key.public, key.sign(b"x"), b"y"
    )
    assert "private" not in repr(key)


def test_all_who_race_for_the_first_key_get_the_same(tmp_path: Path) -> None:
    for number in range(20):
        with ThreadPoolExecutor(16) as pool:
            found = list(
                pool.map(lambda _: keys.load_or_create(tmp_path / str(number)).key_id, range(16))
            )
        assert len(set(found)) == 1
        assert len(list((tmp_path / str(number)).iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    keys.load_or_create(tmp_path)
    (tmp_path / keys.FILE_NAME).chmod(0o640)
    with pytest.raises(EngineError) as refused:
        keys.load_or_create(tmp_path)
    assert refused.value.code == "key_exposed"


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    other = X25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for data in (b"", b"hello", other):
        (tmp_path / keys.FILE_NAME).write_bytes(data)
        (tmp_path / keys.FILE_NAME).chmod(0o600)
        with pytest.raises(EngineError) as refused:
            keys.load_or_create(tmp_path)
        assert refused.value.code == "key_unreadable"


def test_a_checkpoint_is_read_back_as_it_was_written() -> None:
    at = datetime(2026, 3, 2, 9, 0, 0, 5, tzinfo=timezone(timedelta(hours=8)))
    text = keys.checkpoint_text(42, b"\x01" * 32, at, KEY.key_id)
    assert text.decode().split("\n") == [
        "yixing/checkpoint/1",
        "42",
        "01" * 32,
        "at 2026-03-02T01:00:00Z",
        f"key {KEY.key_id}",
        "",
    ]
    read = keys.parse_checkpoint(text)
    assert read == keys.Checkpoint(42, b"\x01" * 32, AT, KEY.key_id)
    assert read.text() == text

    signature = KEY.sign(text)
    for note in (
        keys.note(text, signature),
        "\r\n  \r\n" + keys.note(text, signature).decode().replace("\n", " \r\n"),
    ):
        read = keys.parse_checkpoint(note)
        assert read.signature == signature and keys.verify(KEY.public, signature, read.text())


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (1, "yixing/checkpoint/2"),
        (2, "042"),
        (2, "-1"),
        (2, "٣"),
        (3, "00"),
        (3, "A" * 64),
        (4, "2026-03-02T01:00:00Z"),
        (4, "at 2026-02-30T01:00:00Z"),
        (5, "key 123"),
        (6, "sig 00"),
    ],
)
def test_an_ill_formed_checkpoint_says_which_line(line: int, text: str) -> None:
    body = keys.checkpoint_text(42, bytes(32), AT, KEY.key_id)
    lines = keys.note(body, KEY.sign(body)).decode().split("\n")
    lines[line - 1 if line < 6 else line] = text
    with pytest.raises(Invalid, match=f"第 {line} 行"):
        keys.parse_checkpoint("\n".join(lines))


def test_what_is_no_checkpoint_is_refused() -> None:
    for data in ("", "hello", b"\xff", "x\n" * 7):
        with pytest.raises(Invalid):
            keys.parse_checkpoint(data)
    with pytest.raises(Invalid):
        keys.checkpoint_text(-1, bytes(32), AT, KEY.key_id)
    with pytest.raises(Invalid):
        keys.checkpoint_text(1, bytes(31), AT, KEY.key_id)
    with pytest.raises(Invalid):
        keys.checkpoint_text(1, bytes(32), datetime(2026, 3, 2), KEY.key_id)
