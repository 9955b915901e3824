"""A pack that is written event by event, and the ways of tampering with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.db.canonical import dumps, event_hash, genesis, salted
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

    def export(self, **more: int) -> None:
        """The last event of a pack: it counts all before it, and is sealed with them."""
        count = len(self.mine()) + 1
        said = {"events": count, "manifest": "signed", "format": 2, **more}
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


def texted(folder: Path) -> Path:
    """A pack whose texts were written to be compared with its events."""
    told = Story()
    launched = {"number": "提〔2026〕1", "version": sha256(b"").hexdigest()}
    told.event(MOTION, "instance_launched", launched)
    told.event(MOTION, "task_completed", {"answers": salted(OPINION, SALT), "decision": "file"})
    note = {"id": "note", "sha256": sha256(NOTICE).hexdigest(), "number": "交〔2026〕1"}
    told.event(MOTION, "document_issued", note)
    told.event(MOTION, "attempt_refused", {})
    told.export(tells=verify_pack.TOLD)
    told.pack(folder)
    lines = [_told(line) for line in told.mine()]
    paper = f"{lines[2].split(' 张敏')[0]} 交〔2026〕1 交办单  SHA-256 {note['sha256']}"
    claim = f"- 立案：{lines[1].removeprefix('#2 ')[:19]} 记录，见 #2"
    half = ["提〔2026〕1 食堂", "", claim, *lines, "      回答", "", paper, lines[3]]
    (folder / "answer.txt").write_text("\n\n\n".join(["\n".join(half)] * 2) + "\n", "utf-8")
    (folder / "README.txt").write_text("证据包：提〔2026〕1 食堂\n", "utf-8")
    return remanifest(folder)


def _told(line: Line) -> str:
    at = datetime.fromisoformat(line["at"]).astimezone(timezone(timedelta(hours=8)))
    number = json.loads(line["body"]).get("number")
    parts = f"; 编号：{number}" if number else ""
    return f"#{line['seq']} {at:%Y-%m-%d %H:%M:%S} 张敏 做了{parts}"


DRESSED = {  # what whoever has the key could write in the texts
    "another person": ("answer.txt", "张敏", "李强"),
    "another moment": ("answer.txt", "#2 2026-03-02 09:01", "#2 2026-03-02 09:02"),
    "another moment of a claim": ("answer.txt", "- 立案：2026", "- 立案：2025"),
    "an event made up": ("answer.txt", "      回答", "#9 2026-03-02 09:00:00 张敏 做了"),
    "an event left out": ("answer.txt", "#2 2026", "2 2026"),
    "another number": ("answer.txt", "; 编号：交〔2026〕1", "; 编号：交〔2026〕7"),
    "another number of a document": ("answer.txt", " 交〔2026〕1 交办单", " 交〔2026〕7 交办单"),
    "another digest": ("answer.txt", "SHA-256 ", "SHA-256 0"),
    "another instance": ("README.txt", "〕1", "〕2"),
    "one half": ("answer.txt", "\n\n\n", "\n\n"),
}


def dressed(folder: Path, what: str) -> Path:
    name, old, new = DRESSED[what]
    text = (folder / name).read_text("utf-8")
    assert old in text, what
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")
    return remanifest(folder)


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


def without(*names: str) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return tamper


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


def forged(folder: Path) -> None:
    """The third event says another thing, and all hashes after it fit."""
    lines = read_lines(folder)
    lines[2]["body"] = lines[2]["body"].replace("张敏", "李强")
    lines[2]["actor"]["name"] = "李强"
    write_lines(folder, rechained(lines))


THIRD = "first false event: #3 2026-03-02T01:03:00+00:00"


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


def put(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


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
