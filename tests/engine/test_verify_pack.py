"""An auditor's view: a true pack passes, each way of tampering is named by the first thing that is false.

The pack is made with the engine's functions and verified by the file that is shipped, in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.db.canonical import dumps, event_hash, genesis, salted
from engine.errors import EngineError, Invalid
from engine.history import keys, merkle, verify_pack

MOTION = UUID("0199aabb-0000-7000-8000-000000000001")
DISPUTE = UUID("0199aabb-0000-7000-8000-000000000002")
AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
KEY = keys.SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
FORGER = keys.SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(32)))
SALT = bytes(range(16))
HTML = Path(verify_pack.__file__).with_suffix(".html")
NOTICE = "提案交办单".encode()
PHOTO = b"JFIF"
OPINION = {
    "decision": "file",
    "opinion": "同意立案",
    "photos": [{"id": "photo", "sha256": sha256(PHOTO).hexdigest(), "name": "photo.jpg"}],
}
Line = dict[str, Any]


@dataclass
class Story:
    """A history that is written event by event among the events of others, sealed, and packed."""

    leaves: list[bytes] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    sealed: list[int] = field(default_factory=list)

    def event(
        self, instance: UUID, kind: str, data: Line, *, seal: bool = True, at: str = ""
    ) -> None:
        mine = [line for line in self.lines if line["instance"] == str(instance)]
        at = at or (AT + timedelta(minutes=len(self.lines))).isoformat(timespec="seconds")
        said = {
            "seq": len(mine) + 1,
            "kind": kind,
            "at": at,
            "actor": {"id": str(UUID(int=7)), "name": "张敏"},
        }
        body = dumps({**said, **data, "chain": str(instance)})
        made = event_hash(bytes.fromhex(mine[-1]["hash"]) if mine else genesis(instance), body)
        line = {
            **said,
            "instance": str(instance),
            "on_behalf_of": None,
            "body": body.decode(),
            "hash": made.hex(),
        }
        self.lines.append({**line, "leaf_no": len(self.leaves) if seal else None})
        if seal:
            self.leaves.append(merkle.leaf_hash(made))

    def others(self, count: int) -> None:
        for _ in range(count):
            self.leaves.append(merkle.leaf_hash(sha256(str(len(self.leaves)).encode()).digest()))

    def checkpoint(self, key: keys.SigningKey, size: int) -> bytes:
        text = keys.checkpoint_text(
            size, merkle.root(self.leaves[:size]), AT + timedelta(days=size), key.key_id
        )
        return keys.note(text, key.sign(text))

    def head(self, key: keys.SigningKey) -> bytes:
        last = self.mine()[-1]
        text = keys.head_text(MOTION, last["seq"], bytes.fromhex(last["hash"]), AT, key.key_id)
        return keys.note(text, key.sign(text))

    def mine(self) -> list[Line]:
        return [line for line in self.lines if line["instance"] == str(MOTION)]

    def export(self) -> None:
        """The last event of a pack: it counts all before it, and is sealed with them."""
        count = len(self.mine()) + 1
        said = {"events": count, "manifest": "signed", "format": 2}
        self.event(MOTION, "evidence_exported", said)
        self.sealed.append(len(self.leaves))

    def pack(self, folder: Path, key: keys.SigningKey = KEY) -> Path:
        for name in ("documents", "prints", "attachments"):
            (folder / name).mkdir(parents=True)
        size = len(self.leaves)
        numbers = [line["leaf_no"] for line in self.mine() if line["leaf_no"] is not None]
        paths = merkle.inclusion_proofs(self.leaves, numbers, size)
        steps = list(zip(self.sealed, self.sealed[1:], strict=False))
        grown = [(a, b, hexes(merkle.consistency_proof(self.leaves, a, b))) for a, b in steps]
        consistency = [{"from": a, "to": b, "path": path} for a, b, path in grown]
        proofs = {
            "size": size,
            "inclusion": {str(n): hexes(p) for n, p in paths.items()},
            "consistency": consistency,
        }
        answer = {"instance": str(MOTION), "seq": 2, "salt": SALT.hex(), "value": OPINION}
        (folder / "keys.json").write_text(json.dumps({key.key_id: key.public.hex()}))
        (folder / "checkpoints.txt").write_bytes(
            b"\n".join(self.checkpoint(key, size) for size in self.sealed)
        )
        (folder / "heads.txt").write_bytes(self.head(key))
        (folder / "proofs.json").write_text(json.dumps(proofs))
        (folder / "documents" / "交办单.pdf").write_bytes(NOTICE)
        (folder / "prints" / "交办单.pdf").write_bytes(b"%PDF")
        (folder / "attachments" / "photo.jpg").write_bytes(PHOTO)
        write_lines(folder, self.mine())
        write_lines(folder, [answer], "answers.jsonl")
        put_contents(
            folder,
            instance=str(MOTION),
            events=len(self.mine()),
            checkpoint=size,
            papers={"note": ["documents/交办单.pdf", "prints/交办单.pdf"]},
            attachments={"photo": "attachments/photo.jpg"},
        )
        shutil.copy(verify_pack.__file__, folder / "verify.py")
        return remanifest(folder, key)


def put_contents(folder: Path, **changes: object) -> None:
    """contents.json with these parts; the others as they are, or empty."""
    file = folder / "contents.json"
    parts: dict[str, object] = {key: {} for key in sorted(verify_pack.LISTS)}
    old = json.loads(file.read_text("utf-8")) if file.exists() else {**parts, "withheld": []}
    file.write_text(json.dumps({**old, "format": verify_pack.FORMAT, **changes}), "utf-8")


def story() -> Story:
    told = Story()
    told.others(2)
    told.event(MOTION, "launched", {"subject": "改善教工食堂"})
    told.event(MOTION, "task_completed", {"answers": salted(OPINION, SALT), "decision": "file"})
    told.event(DISPUTE, "launched", {})
    told.sealed.append(len(told.leaves))
    told.others(3)
    issued = {"id": "note", "sha256": sha256(NOTICE).hexdigest()}
    told.event(MOTION, "document_issued", issued)
    told.event(DISPUTE, "task_completed", {})
    told.event(MOTION, "task_completed", {"decision": "accept"})
    told.sealed.append(len(told.leaves))
    told.event(MOTION, "ended", {"outcome": "closed"})
    told.others(5)
    told.export()
    return told


def hexes(path: list[bytes]) -> list[str]:
    return [node.hex() for node in path]


def read_lines(folder: Path, name: str = "events.jsonl") -> list[Line]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


def write_lines(folder: Path, lines: list[Line], name: str = "events.jsonl") -> None:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / name).write_text(text, "utf-8")


def remanifest(folder: Path, key: keys.SigningKey = KEY) -> Path:
    """The manifest made anew, and signed: as one could who has the key."""
    made = ("manifest.sha256", "manifest.note")
    files = sorted(f for f in folder.rglob("*") if f.is_file() and f.name not in made)
    rows = [
        f"{sha256(f.read_bytes()).hexdigest()}  {f.relative_to(folder).as_posix()}\n" for f in files
    ]
    (folder / "manifest.sha256").write_text("".join(rows), "utf-8")
    text = keys.pack_text(MOTION, sha256("".join(rows).encode()).digest(), AT, key.key_id)
    (folder / "manifest.note").write_bytes(keys.note(text, key.sign(text)))
    return folder


def zipped(folder: Path, top: str = "") -> Path:
    path = folder.with_name(f"pack{len(top)}.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(f for f in folder.rglob("*") if f.is_file()):
            archive.write(file, top + file.relative_to(folder).as_posix())
    return path


def run(pack: Path, *more: str, bare: bool = False) -> tuple[int, list[str]]:
    """Exit code and lines; `bare` hides all installed packages, so that only Python itself is left."""
    command = [
        sys.executable,
        "-I",
        *(["-S"] if bare else []),
        verify_pack.__file__,
        str(pack),
        *more,
    ]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert done.stderr == b""
    return done.returncode, done.stdout.decode().splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return story().pack(tmp_path / "pack")


def test_a_true_pack_passes_as_folder_zip_and_zipped_folder(folder: Path) -> None:
    for pack in (folder, zipped(folder), zipped(folder, "提案/")):
        code, lines = run(pack)
        assert (code, lines[-1]) == (0, "PASS 19/19")
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
    assert done.returncode == 0 and done.stdout.decode().endswith("PASS 19/19\n")


# Tampering: what is done (with the manifest made anew, as anyone can), the check that must find it, a word it must say.


def edit(number: int, **changes: object) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        lines = read_lines(folder)
        lines[number] |= changes
        write_lines(folder, lines)

    return tamper


def edit_body(folder: Path) -> None:
    lines = read_lines(folder)
    lines[1]["body"] = lines[1]["body"].replace('"file"', '"shelve"')
    write_lines(folder, lines)


def space_in_body(folder: Path) -> None:
    lines = read_lines(folder)
    lines[1]["body"] = lines[1]["body"].replace('"decision":"file"', '"decision": "file"')
    write_lines(folder, lines)


def delete_middle(folder: Path) -> None:
    lines = read_lines(folder)
    write_lines(folder, lines[:2] + lines[3:])


def swap(folder: Path) -> None:
    lines = read_lines(folder)
    lines[2], lines[3] = lines[3], lines[2]
    write_lines(folder, lines)


def double(folder: Path) -> None:
    lines = read_lines(folder)
    write_lines(folder, [*lines[:2], lines[1], *lines[2:]])


def cut_tail(folder: Path) -> None:
    write_lines(folder, read_lines(folder)[:-1])


def cut_tail_and_its_path(folder: Path) -> None:
    gone = read_lines(folder)[-1]["leaf_no"]
    cut_tail(folder)
    change_proofs(folder, lambda proofs: proofs["inclusion"].pop(str(gone)))


def cut_all_events(folder: Path) -> None:
    write_lines(folder, [])
    change_proofs(folder, lambda proofs: proofs["inclusion"].clear())


def rechained(lines: list[Line]) -> list[Line]:
    """The lines with seq, body and hash made to fit again, as one who knows the rules would."""
    before: dict[str, Line] = {}
    for line in lines:
        last = before.get(line["instance"])
        line["seq"] = last["seq"] + 1 if last else 1
        content = json.loads(line["body"])
        said = {name: line[name] for name in verify_pack.HEADER[1:] if line[name] is not None}
        content |= {"chain": line["instance"], **said}
        line["body"] = verify_pack.canonical(content).decode()
        prev = bytes.fromhex(last["hash"]) if last else genesis(UUID(line["instance"]))
        line["hash"] = event_hash(prev, line["body"].encode()).hex()
        before[line["instance"]] = line
    return lines


def and_rechain(tamper: Callable[[Path], None]) -> Callable[[Path], None]:
    def both(folder: Path) -> None:
        tamper(folder)
        write_lines(folder, rechained(read_lines(folder)))

    return both


def insert_forged(folder: Path) -> None:
    lines = read_lines(folder)
    lines.insert(2, {**lines[1], "leaf_no": lines[2]["leaf_no"], "kind": "forged"})
    lines[3]["leaf_no"] = lines[3]["leaf_no"] + 1
    write_lines(folder, rechained(lines))


def rewrite_and_rechain(folder: Path) -> None:
    lines = read_lines(folder)
    lines[1]["actor"] = {"id": "m2", "name": "李强"}
    write_lines(folder, rechained(lines))


def rewrite_and_unseal(folder: Path) -> None:
    lines = read_lines(folder)
    gone = lines[-1]["leaf_no"]
    gone = lines[-2]["leaf_no"]
    lines[-2] |= {"leaf_no": None, "body": lines[-2]["body"].replace("closed", "dropped")}
    write_lines(folder, rechained(lines))
    change_proofs(folder, lambda proofs: proofs["inclusion"].pop(str(gone)))


def change_proofs(folder: Path, change: Callable[[Any], object]) -> None:
    proofs = json.loads((folder / "proofs.json").read_text())
    change(proofs)
    (folder / "proofs.json").write_text(json.dumps(proofs))


def proofs(change: Callable[[Any], object]) -> Callable[[Path], None]:
    return lambda folder: change_proofs(folder, change)


def change_root(folder: Path) -> None:
    text = (folder / "checkpoints.txt").read_text()
    root = merkle.root(story().leaves).hex()
    assert root in text
    (folder / "checkpoints.txt").write_text(text.replace(root, "0" * 64))


def break_signature(folder: Path) -> None:
    lines = (folder / "checkpoints.txt").read_text().split("\n")
    place = next(number for number, line in enumerate(lines) if line.startswith("sig "))
    lines[place] = "sig " + ("0" if lines[place][4] != "0" else "1") + lines[place][5:]
    (folder / "checkpoints.txt").write_text("\n".join(lines))


def reverse_checkpoints(folder: Path) -> None:
    told = story()
    notes = [
        told.checkpoint(KEY, size) for size in (told.sealed[1], told.sealed[0], told.sealed[2])
    ]
    (folder / "checkpoints.txt").write_bytes(b"\n".join(notes))


def fork_checkpoint(folder: Path) -> None:
    """The first checkpoint is one that the key's holder signed over another history."""
    told = story()
    other = Story(leaves=[merkle.leaf_hash(b"other")] * told.sealed[0])
    notes = [
        other.checkpoint(KEY, told.sealed[0]),
        *(told.checkpoint(KEY, size) for size in told.sealed[1:]),
    ]
    (folder / "checkpoints.txt").write_bytes(b"\n".join(notes))


def two_roots(folder: Path) -> None:
    told = story()
    other = Story(leaves=[merkle.leaf_hash(b"other")] * told.sealed[0])
    sizes = [
        other.checkpoint(KEY, told.sealed[0]),
        *(told.checkpoint(KEY, size) for size in told.sealed),
    ]
    (folder / "checkpoints.txt").write_bytes(b"\n".join(sizes))


def older_tree(folder: Path) -> None:
    told = story()
    (folder / "checkpoints.txt").write_bytes(
        b"\n".join(told.checkpoint(KEY, size) for size in told.sealed[:2])
    )


def put_keys(*pairs: tuple[str, str]) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        (folder / "keys.json").write_text(json.dumps(dict(pairs)))

    return tamper


def answer(**changes: object) -> Callable[[Path], None]:
    return lambda folder: write_lines(
        folder, [read_lines(folder, "answers.jsonl")[0] | changes], "answers.jsonl"
    )


def document(name: str, data: bytes | None) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        path = folder / "documents" / name
        path.unlink() if data is None else path.write_bytes(data)

    return tamper


def head(**changes: Any) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        last = read_lines(folder)[-1]
        text = keys.head_text(
            MOTION,
            last["seq"] + changes.get("more", 0),
            bytes.fromhex(last["hash"]),
            AT,
            KEY.key_id,
        )
        note = keys.note(text, changes.get("key", KEY).sign(text))
        (folder / "heads.txt").write_bytes(note)

    return tamper


TAMPERING: list[tuple[str, Callable[[Path], None], str, str]] = [
    ("body edited", edit_body, "chain", "events.jsonl:2 (seq 2)"),
    ("body written otherwise", space_in_body, "bodies", "events.jsonl:2"),
    (
        "actor changed beside the body",
        edit(1, actor={"id": "m2", "name": "李强"}),
        "bodies",
        "actor",
    ),
    ("moment changed beside the body", edit(0, at="2020-01-01T00:00:00.000000Z"), "bodies", "at"),
    ("kind changed beside the body", edit(2, kind="task_completed"), "bodies", "kind"),
    ("actor taken out beside the body", edit(1, actor=None), "bodies", "actor"),
    ("instance changed beside the body", edit(2, instance=str(DISPUTE)), "bodies", "instance"),
    ("delegation added beside the body", edit(1, on_behalf_of="m3"), "bodies", "on_behalf_of"),
    ("hash changed", edit(1, hash="0" * 64), "chain", "events.jsonl:2"),
    ("middle event deleted", delete_middle, "sequence", "seq 4"),
    (
        "middle event deleted and rechained",
        and_rechain(delete_middle),
        "inclusion",
        "events.jsonl:3 (seq 3)",
    ),
    ("two events swapped", swap, "sequence", "events.jsonl:3"),
    ("two events swapped and rechained", and_rechain(swap), "sequence", "leaf_no"),
    ("seq doubled", double, "sequence", "events.jsonl:3"),
    ("tail cut below a checkpoint", cut_tail, "inclusion", "leaf 17"),
    ("tail cut with its path", cut_tail_and_its_path, "heads", "seq 6"),
    ("all events cut", cut_all_events, "heads", "seq 6"),
    ("forged event inserted and rechained", insert_forged, "inclusion", "events.jsonl:3"),
    ("event rewritten and rechained", rewrite_and_rechain, "inclusion", "events.jsonl:2"),
    ("last event rewritten as not sealed", rewrite_and_unseal, "inclusion", "seq 5"),
    ("middle event marked as not sealed", edit(1, leaf_no=None), "inclusion", "events.jsonl:2"),
    ("leaf number raised", edit(4, leaf_no=12), "inclusion", "leaf 12"),
    ("leaf number lowered", edit(4, leaf_no=0), "sequence", "leaf_no 0"),
    ("leaf number of another instance", edit(2, leaf_no=9), "inclusion", "leaf 9"),
    ("root changed", change_root, "checkpoints", "size 18"),
    ("signature changed", break_signature, "checkpoints", "size 5"),
    ("checkpoints out of order", reverse_checkpoints, "checkpoints", "note 2"),
    ("checkpoint of a forked history", fork_checkpoint, "consistency", "checkpoint 11"),
    ("two roots of one size", two_roots, "consistency", "checkpoint 5"),
    ("last checkpoint taken out", older_tree, "checkpoints", "18"),
    (
        "consistency path taken out",
        proofs(lambda p: p["consistency"].pop()),
        "consistency",
        "checkpoint 18",
    ),
    (
        "consistency path changed",
        proofs(lambda p: p["consistency"][0]["path"].reverse()),
        "consistency",
        "point 11",
    ),
    (
        "inclusion path taken out",
        proofs(lambda p: p["inclusion"].pop("3")),
        "inclusion",
        "events.jsonl:2",
    ),
    (
        "inclusion path changed",
        proofs(lambda p: p["inclusion"]["3"].reverse()),
        "inclusion",
        "events.jsonl:2",
    ),
    ("key replaced under its id", put_keys((KEY.key_id, FORGER.public.hex())), "keys", KEY.key_id),
    (
        "key replaced with its id",
        put_keys((FORGER.key_id, FORGER.public.hex())),
        "keys",
        KEY.key_id,
    ),
    ("document changed", document("交办单.pdf", NOTICE + b"\n"), "documents", "交办单.pdf"),
    ("document taken out", document("交办单.pdf", None), "documents", "交办单.pdf"),
    ("document added", document("决定.pdf", b"new"), "documents", "决定.pdf"),
    ("answer changed", answer(value={**OPINION, "opinion": "不同意"}), "answers", "seq 2"),
    ("answer of another event", answer(seq=1), "answers", "seq 1"),
    ("salt changed", answer(salt="00" * 16), "answers", "seq 2"),
    ("salt of another length", answer(salt="00" * 17), "answers", "seq 2"),
    ("head says more", head(more=1), "heads", "seq 7"),
    ("head signed by another", head(key=FORGER), "heads", "heads.txt"),
]


@pytest.mark.parametrize(
    ("tamper", "check", "word"), [t[1:] for t in TAMPERING], ids=[t[0] for t in TAMPERING]
)
def test_tampering_is_named(
    folder: Path, tamper: Callable[[Path], None], check: str, word: str
) -> None:
    tamper(folder)
    code, lines = run(folder)
    assert (code, lines[-1].startswith("FALSE 1/19 清单 manifest: ")) == (
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
    assert lines[-1].startswith(f"FALSE 1/19 清单 manifest: {word} ")


def without(*names: str) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return tamper


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
    assert code == 1 and lines[-1].startswith("FALSE 3/19 清单签名 signature: manifest.note")
    remanifest(folder, FORGER)
    assert run(folder)[1][-1].startswith("FALSE 2/19")
    (folder / "manifest.note").unlink()
    code, lines = run(folder)
    assert code == 1 and lines[-1].startswith("FALSE 1/19 清单 manifest: manifest.note 缺失")


# --- the attacks of somebody who knows this file and has no key -------------------------------------------------------
def cut_events(folder: Path, *, keep: int) -> None:
    """Take the last events away with all that says that they were there."""
    gone = [line["leaf_no"] for line in read_lines(folder)[keep:]]
    write_lines(folder, read_lines(folder)[:keep])
    (folder / "heads.txt").unlink()
    change_proofs(folder, lambda found: [found["inclusion"].pop(str(leaf)) for leaf in gone])
    (folder / "prints" / "交办单.pdf").write_bytes(b"%PDF forged")


def unsigned(folder: Path) -> Path:
    remanifest(folder)
    (folder / "manifest.note").unlink()
    return folder


def as_format_1(folder: Path) -> Path:
    """Nothing is left that only format 2 has."""
    (folder / "contents.json").unlink()
    return unsigned(folder)


def kept(folder: Path, size: int) -> Path:
    file = folder.parent / "kept.txt"
    file.write_bytes(story().checkpoint(KEY, size))
    return file


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


def forged(folder: Path) -> None:
    """The third event says another thing, and all hashes after it fit."""
    lines = read_lines(folder)
    lines[2]["body"] = lines[2]["body"].replace("张敏", "李强")
    lines[2]["actor"]["name"] = "李强"
    write_lines(folder, rechained(lines))


THIRD = "first false event: #3 2026-03-02T01:03:00+00:00"


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
    assert (code, lines[-1]) == (0, "PASS 19/19"), lines


def test_the_expected_key_is_compared(folder: Path) -> None:
    code, lines = run(folder, "--key", KEY.key_id)
    assert code == 0 and any("younger" in line for line in lines)
    code, lines = run(folder, "--key", FORGER.key_id)
    assert code == 1 and lines[-1].startswith("FALSE 2/19")


def rolled(tmp_path: Path) -> Path:
    """A pack with the process, a rule, a roll with its answers, a meeting with roll and ledger."""
    told, toml = story(), "id = 'm'"
    version = sha256(
        b"process.toml\0" + str(len(toml)).encode() + b"\0" + toml.encode()
    ).hexdigest()
    people, digest = ["a", "b"], sha256(b"a\nb").hexdigest()
    told.event(MOTION, "instance_launched", {"version": version})
    told.event(MOTION, "meeting_opened", {"meeting": "h", "roll_hash": digest})
    opened = {"poll": "p", "roll_hash": digest, "numbers": {"HALF": "1/2"}}
    told.event(MOTION, "poll_opened", opened)
    said = {"poll": "p", "actor": {"id": "a", "name": "a"}, "choice": "yes"}
    told.event(MOTION, "poll_answered", said)
    told.event(MOTION, "meeting_closed", {"meeting": "h", "ledger": sha256(b"1 a +\n").hexdigest()})
    told.event(MOTION, "deadline_extended", {"rule": "DAYS"})
    told.export()
    for line in told.lines:  # the actor beside the body
        line["actor"] = json.loads(line["body"])["actor"]
    folder = told.pack(tmp_path / "pack")
    for place in ("process", "rolls", "meetings", "rules"):
        (folder / place).mkdir()
    (folder / "process" / "process.toml").write_text(toml)
    lines = [f"{who},{who},,{'yes' if who == 'a' else ''},,\n" for who in people]
    (folder / "rolls" / "vote.csv").write_text(
        "\ufeffmember,name,choice,choice,comment,time\n" + "".join(lines)
    )
    halls = "".join(f"{who},{who},正式 formal\n" for who in people)
    (folder / "meetings" / "session-roll.csv").write_text(
        "\ufeffmember,name,kind\n" + halls + "c,c,列席 observer\n"
    )
    (folder / "meetings" / "session-ledger.txt").write_text("1 a +\n")
    for rule in ("HALF", "DAYS"):
        (folder / "rules" / f"{rule}.txt").write_text(rule)
    put_contents(
        folder,
        polls={"p": "rolls/vote.csv"},
        meetings={"h": ["meetings/session-roll.csv", "meetings/session-ledger.txt"]},
        rules={rule: f"rules/{rule}.txt" for rule in ("HALF", "DAYS")},
    )
    return remanifest(folder)


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
    assert (code, lines[-1]) == (0, "PASS 19/19"), lines
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
    assert (code, lines[-1]) == (0, "PASS 19/19")
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


def put(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


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


# RFC 8032 §7.1, tests 1 to 3 and SHA(abc)
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


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
