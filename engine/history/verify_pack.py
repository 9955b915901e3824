"""Verify an evidence pack offline:  python verify.py pack.zip|folder [--witness notes.txt]

One file, however long, that stands alone: it needs only Python 3.9 or later (uses `cryptography` if
it is there) and nothing of the engine, whose rules it repeats in its own words. Exit 0: the last
line is PASS n/n. Exit 1: the last line begins with FALSE and names the first false thing. Exit 2:
the input cannot be used. A line that begins with NOTE says what this pack cannot prove.

A pack is a folder or a ZIP of it (UTF-8 names); JSON without floats or repeated keys; hashes in
lower-case hex:
  manifest.sha256   one line per file except itself, as `sha256sum` writes: "<sha256>  <name>"; name
                    with "/".
  keys.json         {"<key id>": "<public Ed25519 key>"}; key id = first 16 hex digits of
                    SHA-256(public key).
  events.jsonl      one event per line, by seq from 1 within an instance, with exactly these fields:
                    {"instance", "seq", "at", "actor", "on_behalf_of", "kind", "body", "hash",
                    "leaf_no"}
                    body     canonical JSON text (RFC 8785, ASCII keys) of an object whose members
                             "chain" (= instance), "seq", "at", "actor", "on_behalf_of", "kind"
                             equal the fields; a missing one means null.
                    hash     SHA-256(hash of the event before + body); before the first event stands
                             SHA-256("yixing/1" + the instance's UUID as 16 bytes).
                    leaf_no  its number, from 0, in the tree over all events of the system; null:
                             not sealed yet. Leaf = SHA-256(0x00 + hash), node = SHA-256(0x01 + left
                             + right) (RFC 6962).
  checkpoints.txt   signed notes, oldest first (may be empty): five lines, an empty line, the
                    signature over the five lines with their line ends (here "|" stands for a line
                    end):
                    yixing/checkpoint/1 | <size> | <root> | at <2026-03-02T01:00:00Z> | key <key id>
                        | | sig <signature>
  proofs.json       {"size": <size of the last checkpoint, 0 if none>,
                     "inclusion": {"<leaf_no>": [<path from the leaf to that root, lowest first>]},
                         for each leaf_no
                     "consistency": [{"from": <size>, "to": <size>, "path": [...]}]} optional; if it
                         is there, then
                    for each two checkpoints that follow each other with different sizes (except
                    from size 0).
  manifest.note     one signed note over the manifest, not listed in it; packs made before have
                    none:
                    yixing/pack/1 | <instance> | <SHA-256 of manifest.sha256> | at <moment> | key
                        <key id> | | sig <signature>
                    Events evidence_exported whose "manifest" is "signed" say that there must be
                    one.
  heads.txt         optional, made at export: one signed note per instance that says which event was
                    its last:
                    yixing/head/1 | <instance> | <seq> | <hash> | at <moment> | key <key id> | | sig
                        <signature>
  documents/...     every issued document, any name, the very bytes whose SHA-256 is "sha256" in the
                    body of an event of kind document_issued. What is only drawn from it (a PDF)
                    belongs outside this folder.
  answers.jsonl     optional, one line per event: {"instance", "seq", "salt", "value"}: what was
                    answered. The event's body has "answers": SHA-256(salt + canonical JSON of
                    value); salt: 16 bytes, erased with the value.
  ballots.jsonl     optional, one line per secret ballot: {"poll", "board": [<receipts>], "urn":
                    [[<code>, [<choices>]]]}, "urn" null until the result is published. Event
                    ballots_cast has "voters" and "board", the SHA-256 of the canonical sorted list;
                    ballots_opened has "urn", that of the sorted urn, "counts" and "invalid". A
                    receipt is the SHA-256 of a sealed envelope, a code that of the nonce its voter
                    alone knows.
  process/...       optional: the files of the process version that event instance_launched names as
                    "version": SHA-256 over name + 0x00 + length in bytes + 0x00 + content of each
                    file, by name (without "process/").
  rolls/*.csv       optional, one per poll: member id, name, label, choice, ... The SHA-256 of the
                    sorted ids, joined by line feeds, is "roll_hash" of event poll_opened; the
                    choices are those of poll_answered, the last of each.
  meetings/*        optional: <task>-roll.csv (id, name, kind; the ids of kind "formal" give
                    "roll_hash" of meeting_opened) and <task>-ledger.txt (its SHA-256 is "ledger" of
                    meeting_closed).
  verify.py         this file. Take your own copy from the union rather than the one that came with
                    a doubtful pack.

Keys inside a pack prove nothing against one who remade the whole pack with a new key: compare the
key ids printed here with those you were given, or give with --witness the checkpoint notes that you
(or somebody outside) kept.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import sys
import unicodedata
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

HEADER = ("instance", "seq", "at", "actor", "on_behalf_of", "kind")
FIELDS = {*HEADER, "body", "hash", "leaf_no"}
HEX, NUMBER = r"[0-9a-f]{64}", r"0|[1-9][0-9]{0,18}"
SIGNED = [r"at [0-9TZ:-]{20}", r"key [0-9a-f]{16}", r"sig [0-9a-f]{128}"]
CHECKPOINT = [r"yixing/checkpoint/1", NUMBER, HEX, *SIGNED]
PACK = [r"yixing/pack/1", r"[0-9a-f-]{36}", HEX, *SIGNED]
UNLISTED = {"manifest.sha256", "manifest.note"}
ROLL = r"rolls/.+\.csv|meetings/.+-roll(-[0-9]+)?\.csv"
LEDGER = r"meetings/.+-ledger(-[0-9]+)?\.txt"
HEAD = [r"yixing/head/1", r"[0-9a-f-]{36}", NUMBER, HEX, *SIGNED]
LITTER = {
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
}  # what desktops leave in folders that are only looked at
MAX_BYTES = 8 << 30
NEEDS = {  # what the body of each of these kinds must hold: the checks below rely on it
    "poll_opened": ["poll"],
    "poll_answered": ["poll"],
    "poll_answer_withdrawn": ["poll"],
    "ballots_cast": ["board", "poll", "voters"],
    "ballots_opened": ["counts", "invalid", "poll", "urn"],
    "document_issued": ["sha256"],
}


class Unusable(Exception):
    """This is not a pack that can be checked."""


class Wrong(Exception):
    """A check is false."""


class Pack:
    """The files of a folder or ZIP; `load` reads what the checks after the manifest need."""

    def __init__(self, path: Path, witness: str) -> None:
        self.zip = None if path.is_dir() else zipfile.ZipFile(path)
        if self.zip:
            entries: list[tuple[str, Any]] = [
                (i.filename, i) for i in self.zip.infolist() if not i.is_dir()
            ]
            if sum(info.file_size for _, info in entries) > MAX_BYTES:
                raise Unusable("过大 too large")
        else:
            inside = [file for file in path.rglob("*") if file.is_symlink() or not file.is_dir()]
            if any(file.is_symlink() for file in inside):
                raise Unusable("含有符号链接 contains a symbolic link")
            entries = [
                (file.relative_to(path).as_posix(), file)
                for file in inside
                if file.name not in LITTER
            ]
        self.files = {unicodedata.normalize("NFC", name): source for name, source in entries}
        if len(self.files) != len(entries):
            raise Unusable("有重名文件 two files of one name")
        if (
            "manifest.sha256" not in self.files
            and len({name.split("/")[0] for name in self.files}) == 1
        ):
            self.files = {
                name.split("/", 1)[-1]: source for name, source in self.files.items()
            }  # a zipped folder
        self.digests = {name: hashlib.sha256(self.read(name)).hexdigest() for name in self.files}
        self.witness = notes(witness, CHECKPOINT, "--witness")

    def load(self) -> None:
        self.keys = {
            key: bytes.fromhex(public)
            for key, public in parse(self.text("keys.json"), "keys.json").items()
        }
        self.events = self.lines("events.jsonl", FIELDS)
        for event in self.events:
            whole = type(event["seq"]) is int and type(event["leaf_no"]) in (int, type(None))
            if (
                not whole
                or str(UUID(event["instance"])) != event["instance"]
                or not re.fullmatch(HEX, event["hash"])
            ):
                raise Unusable(f"{event['where']} 字段格式不对 ill-formed field")
            event["content"] = parse(event["body"], event["where"])
        self.checkpoints = notes(self.text("checkpoints.txt"), CHECKPOINT, "checkpoints.txt")
        self.proofs = parse(self.text("proofs.json"), "proofs.json")
        self.heads = notes(self.text("heads.txt", ""), HEAD, "heads.txt")
        self.whole = notes(self.text("manifest.note", ""), PACK, "manifest.note")
        self.answers = self.lines("answers.jsonl", {"instance", "seq", "salt", "value"}, "")
        self.ballots = self.lines("ballots.jsonl", {"poll", "board", "urn"}, "")

    def read(self, name: str) -> bytes:
        return self.zip.read(self.files[name]) if self.zip else bytes(self.files[name].read_bytes())

    def text(self, name: str, default: str | None = None) -> str:
        if name in self.files:
            return self.read(name).decode("utf-8")
        if default is None:
            raise Unusable(f"缺少 missing {name}")
        return default

    def lines(
        self, name: str, fields: set[str], default: str | None = None
    ) -> list[dict[str, Any]]:
        found = []
        for number, text in enumerate(self.text(name, default).split("\n"), 1):
            if text.strip():
                line = parse(text, f"{name}:{number}")
                if not isinstance(line, dict) or set(line) != fields:
                    raise Unusable(f"{name}:{number} 字段应为 fields must be {sorted(fields)}")
                found.append({**line, "where": f"{name}:{number}"})
        return found


def parse(text: str, where: str) -> Any:
    """JSON without floats and repeated keys, which two readers could read differently."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise Unusable(f"{where} 有重复的字段 repeated key")
        return dict(pairs)

    def no_float(number: str) -> Any:
        raise Unusable(f"{where} 有小数 a float: {number[:20]}")

    try:
        return json.loads(
            text, object_pairs_hook=once, parse_float=no_float, parse_constant=no_float
        )
    except ValueError as error:
        raise Unusable(f"{where} 不是 JSON not JSON: {error}") from error


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def notes(text: str, patterns: list[str], where: str) -> list[list[str]]:
    """Signed notes as lists of their lines; empty lines and spaces at line ends (as after mail)
    do not count.
    """
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    found = [lines[at : at + len(patterns)] for at in range(0, len(lines), len(patterns))]
    for number, note in enumerate(found, 1):
        if len(note) != len(patterns) or not all(map(re.fullmatch, patterns, note)):
            raise Unusable(f"{where} 第 {number} 份格式不对 note {number} is ill-formed")
    return found


def signed(pack: Pack, note: list[str], where: str) -> None:
    key, signature, text = note[-2][4:], bytes.fromhex(note[-1][4:]), "\n".join(note[:-1]) + "\n"
    if key not in pack.keys:
        raise Wrong(f"{where} 密钥 {key} 不在 keys.json 中 the key is not in keys.json")
    if not ed25519(pack.keys[key], signature, text.encode()):
        raise Wrong(f"{where} 签名不符 the signature is false")


def manifest(pack: Pack) -> str:
    """Every file is the one that was packed; nothing was added or taken out."""
    listed: dict[str, str] = {}
    for number, line in enumerate(
        filter(None, pack.text("manifest.sha256").replace("\r", "").split("\n")), 1
    ):
        name = unicodedata.normalize("NFC", line[66:])
        if not re.fullmatch(HEX + "  .+", line) or name in listed:
            raise Unusable(f"manifest.sha256:{number} 格式不对或重复 ill-formed or listed twice")
        listed[name] = line[:64]
    for name in sorted({*pack.files, *listed} - UNLISTED):
        if name not in listed:
            raise Wrong(f"{name} 未列入清单 is not in manifest.sha256")
        if name not in pack.files:
            raise Wrong(f"{name} 缺失 is missing")
        if pack.digests[name] != listed[name]:
            raise Wrong(f"{name} 内容与清单不符 differs from manifest.sha256")
    pack.load()
    return f"{len(listed)} 个文件 files"


def keys(pack: Pack) -> str:
    """Each key id is that of its key."""
    for key, public in pack.keys.items():
        if len(public) != 32 or hashlib.sha256(public).hexdigest()[:16] != key:
            raise Wrong(f"keys.json {key} 编号与公钥不符 the id is not that of the key")
    return "请与您留存的编号核对 compare with the ids you were given: " + ", ".join(
        sorted(pack.keys)
    )


def signature(pack: Pack) -> str:
    """The manifest is the one that was signed when the pack was made, so every file in it is of
    that day.
    """
    for number, note in enumerate(pack.whole, 1):
        signed(pack, note, f"manifest.note 第 {number} 份 note {number}")
        if note[2] != pack.digests["manifest.sha256"]:
            raise Wrong(
                "manifest.note 所签的不是这份清单 manifest.sha256 is not the one that was signed"
            )
    if not pack.whole:
        if any(
            e["content"].get("manifest") == "signed"
            for e in pack.events
            if e["kind"] == "evidence_exported"
        ):
            raise Wrong("manifest.note 缺失，导出时是有的 is missing, the export made one")
        say(
            "NOTE  清单没有签名（旧包） no manifest.note: 说明、时间线、规则、打印件可被改动 texts and prints could be altered"
        )
    return f"{len(pack.whole)} 份签名 signatures"


def bodies(pack: Pack) -> str:
    """What stands beside a body (who, when, what) is what the hashed body says."""
    for event in pack.events:
        content = event["content"]
        if not isinstance(content, dict) or canonical(content) != event["body"].encode():
            raise Wrong(f"{event['where']} body 不是规范 JSON is not canonical JSON")
        for name in NEEDS.get(str(content.get("kind")), ()):
            if name not in content:
                raise Wrong(f"{event['where']} body 缺少 lacks {name}")
        for name in HEADER:
            if canonical(content.get("chain" if name == "instance" else name)) != canonical(
                event[name]
            ):
                raise Wrong(
                    f"{event['where']} {name} 与 body 所载不同 differs from what the body says"
                )
    return f"{len(pack.events)} 个事件 events"


def sequence(pack: Pack) -> str:
    """No event is missing, doubled or out of order."""
    last: dict[str, dict[str, Any]] = {}
    for event in pack.events:
        before = last.get(event["instance"], {"seq": 0, "leaf_no": -1})
        if event["seq"] != before["seq"] + 1:
            raise Wrong(
                f"{event['where']} 序号 seq {event['seq']}，应为 expected {before['seq'] + 1}"
            )
        if event["leaf_no"] is not None and (
            before["leaf_no"] is None or event["leaf_no"] <= before["leaf_no"]
        ):
            raise Wrong(
                f"{event['where']} 叶序号次序不对 leaf_no {event['leaf_no']} is out of order"
            )
        last[event["instance"]] = event
    return f"{len(last)} 件 instances"


def chain(pack: Pack) -> str:
    """Each hash covers its event and, through the hash before, all earlier ones."""
    before: dict[str, str] = {}
    for event in pack.events:
        start = hashlib.sha256(b"yixing/1" + UUID(event["instance"]).bytes).hexdigest()
        previous = bytes.fromhex(before.get(event["instance"], start))
        if hashlib.sha256(previous + event["body"].encode()).hexdigest() != event["hash"]:
            raise Wrong(f"{event['where']} (seq {event['seq']}) 哈希不符 the hash is false")
        before[event["instance"]] = event["hash"]
    return f"{len(pack.events)} 个哈希 hashes"


def checkpoints(pack: Pack) -> str:
    """Each checkpoint was signed, and none is smaller than the one before."""
    for number, note in enumerate(pack.checkpoints, 1):
        signed(pack, note, f"checkpoints.txt 第 {number} 份 note {number} (size {note[1]})")
        if number > 1 and int(note[1]) < int(pack.checkpoints[number - 2][1]):
            raise Wrong(
                f"checkpoints.txt 第 {number} 份 note {number} 比前一份小 is smaller than the one before"
            )
    return f"{len(pack.checkpoints)} 份签名 signatures" + (
        f", {pack.checkpoints[-1][3]}" if pack.checkpoints else ""
    )


def consistency(pack: Pack) -> str:
    """Each checkpoint continues the one before: history was added to, never rewritten."""
    paths = {
        (p["from"], p["to"]): list(map(bytes.fromhex, p["path"]))
        for p in pack.proofs.get("consistency", [])
    }
    for number, new in enumerate(pack.checkpoints[1:]):
        old = pack.checkpoints[number]
        sizes, roots = (int(old[1]), int(new[1])), (bytes.fromhex(old[2]), bytes.fromhex(new[2]))
        if sizes[0] == sizes[1] and roots[0] != roots[1]:
            raise Wrong(f"检查点 checkpoint {sizes[0]} 有两个根 has two roots")
        if sizes[0] in (0, sizes[1]):
            continue
        if "consistency" not in pack.proofs:
            say(
                f"NOTE  检查点 {sizes[1]} 未附延续证明 no proof that checkpoint {sizes[1]} continues {sizes[0]}"
            )
        elif sizes not in paths or not continues(*sizes, paths[sizes], *roots):
            raise Wrong(
                f"proofs.json 检查点 checkpoint {sizes[1]} 不是 {sizes[0]} 的延续 does not continue it"
            )
    return f"{len(paths)} 个证明 proofs"


def inclusion(pack: Pack) -> str:
    """Each sealed event is a leaf of the tree whose root the last checkpoint signs."""
    size, paths = pack.proofs["size"], dict(pack.proofs["inclusion"])
    last_size, root = (
        (int(pack.checkpoints[-1][1]), pack.checkpoints[-1][2]) if pack.checkpoints else (0, "")
    )
    if size != last_size:
        raise Wrong(
            f"proofs.json size {size} 与最后的检查点不符 is not that of the last checkpoint {last_size}"
        )
    sealed = [event for event in pack.events if event["leaf_no"] is not None]
    for event in sealed:
        leaf = hashlib.sha256(b"\x00" + bytes.fromhex(event["hash"])).digest()
        path = paths.pop(str(event["leaf_no"]), None)
        if path is None or not included(
            leaf, event["leaf_no"], size, list(map(bytes.fromhex, path)), root
        ):
            where = f"{event['where']} (seq {event['seq']})"
            raise Wrong(
                f"{where} 不在检查点 {size} 内 is not leaf {event['leaf_no']} of checkpoint {size}"
            )
    if paths:
        raise Wrong(
            f"proofs.json 叶 leaf {min(paths, key=int)} 没有对应的事件 has no event: 事件被删 cut off?"
        )
    if len(pack.events) > len(sealed):
        young = len(pack.events) - len(sealed)
        say(
            f"NOTE  {young} 个较新事件尚未封存，仍可被改写 events are not sealed yet and could still be rewritten"
        )
    return f"{len(sealed)} 个叶 leaves"


def heads(pack: Pack) -> str:
    """Nothing was cut off at the end of an instance."""
    last = {event["instance"]: event for event in pack.events}
    for number, note in enumerate(pack.heads, 1):
        signed(pack, note, f"heads.txt 第 {number} 份 note {number}")
        event = last.get(note[1], {"seq": 0, "hash": ""})
        if (str(event["seq"]), event["hash"]) != (note[2], note[3]):
            raise Wrong(
                f"heads.txt 件 {note[1]} 应止于 should end with seq {note[2]}，现为 but has {event['seq']}"
            )
    for instance in sorted(set(last) - {note[1] for note in pack.heads}):
        say(
            f"NOTE  件 {instance} 未附末事件签名 no signed head: 其后的事件可能被略去 later events may be left out"
        )
    return f"{len(pack.heads)} 个末事件 heads"


def documents(pack: Pack) -> str:
    """Each issued document is here, byte for byte, and no other."""
    issued = {
        e["content"].get("sha256"): e["where"]
        for e in pack.events
        if e["kind"] == "document_issued"
    }
    present = {
        pack.digests[name]: name for name in sorted(pack.files) if name.startswith("documents/")
    }
    for digest in sorted(set(present) - set(issued)):
        raise Wrong(f"{present[digest]} 与任何签发事件不符 is not the document of any event")
    erased = {e["instance"] for e in pack.events if e["kind"] == "matter_erased"}
    gone = {
        e["content"].get("sha256")
        for e in pack.events
        if e["kind"] == "document_issued" and e["instance"] in erased
    }
    if gone - set(present):
        say(
            f"NOTE  {len(gone - set(present))} 份文书已按规定删除，只剩摘要 documents were erased, only their digests are left"
        )
    for digest in sorted(set(issued) - set(present) - gone, key=str):
        raise Wrong(f"{issued[digest]} 所签发的文书不在包内 its document is missing: {digest}")
    return f"{len(issued)} 份文书 documents"


def answers(pack: Pack) -> str:
    """What is shown as answered is what the event kept as a salted digest."""
    kept = {
        (e["instance"], e["seq"]): e["content"]["answers"]
        for e in pack.events
        if "answers" in e["content"]
    }
    shown = set()
    for line in pack.answers:
        place, salt = (line["instance"], line["seq"]), bytes.fromhex(line["salt"])
        if len(salt) != 16 or hashlib.sha256(
            salt + canonical(line["value"])
        ).hexdigest() != kept.get(place):
            raise Wrong(
                f"{line['where']} 与 seq {line['seq']} 的摘要不符 is not what the event kept"
            )
        shown.add(place)
    if len(kept) > len(shown):
        say(
            f"NOTE  {len(kept) - len(shown)} 项答复未附或已删除 answers are not in the pack or were erased"
        )
    return f"{len(shown)} 项答复 answers"


def of_kind(pack: Pack, kind: str) -> list[dict[str, Any]]:
    """The bodies of the events of a kind, in order."""
    return [event["content"] for event in pack.events if event["kind"] == kind]


def by_poll(pack: Pack, kind: str) -> dict[str, dict[str, Any]]:
    """The last body of a kind for each poll."""
    return {str(body.get("poll")): body for body in of_kind(pack, kind)}


def ballots(pack: Pack) -> str:
    """Board and urn of each secret ballot are those of the events, and add up to the count that
    was published.
    """
    opened, cast = by_poll(pack, "poll_opened"), by_poll(pack, "ballots_cast")
    counted = by_poll(pack, "ballots_opened")
    for line in pack.ballots:
        poll = line["poll"]
        receipts(line, opened.get(poll, {}), cast.get(poll))
        if line["urn"] is not None:
            urn(line, opened[poll], counted.get(poll))
    if set(cast) > {line["poll"] for line in pack.ballots}:
        say("NOTE  有无记名投票未附选票 a secret ballot's lists are not in the pack")
    return f"{len(pack.ballots)} 次无记名投票 secret ballots"


def receipts(line: dict[str, Any], opened: dict[str, Any], cast: dict[str, Any] | None) -> None:
    """The receipts are those that were published, one for each voter."""
    board, where = line["board"], line["where"]
    if cast is None or listed(board) != cast["board"]:
        raise Wrong(f"{where} 回执与事件不符 the receipts are not those of the event")
    if not len(set(board)) == len(board) == len(cast["voters"]) <= opened["roll"]:
        raise Wrong(f"{where} 回执与投票人数不符 there are not as many receipts as voters")


def urn(line: dict[str, Any], opened: dict[str, Any], counted: dict[str, Any] | None) -> None:
    """The ballots are those that were counted, and give the count."""
    found, where = line["urn"], line["where"]
    unique = len({code for code, _ in found}) == len(found)
    if counted is None or listed(found) != counted["urn"] or not unique:
        raise Wrong(f"{where} 选票与事件不符 the ballots are not those of the event")
    if len(found) + counted["invalid"] != len(line["board"]):
        raise Wrong(f"{where} 选票与回执数目不符 ballots and receipts do not add up")
    chosen = [choice for _, choices in found for choice in choices]
    tally = {choice: chosen.count(choice) for choice in {*opened["choices"], *chosen}}
    if tally != {choice: counted["counts"].get(choice) for choice in opened["choices"]}:
        raise Wrong(f"{where} 计票与选票不符 the count is not that of the ballots")


def process(pack: Pack) -> str:
    """The process shown is the version that the matter was launched with."""
    names = {name[8:]: name for name in pack.files if name.startswith("process/")}
    versions = {
        e["content"]["version"]
        for e in pack.events
        if e["kind"] == "instance_launched" and "version" in e["content"]
    }
    digest = hashlib.sha256()
    for name in sorted(names):
        data = pack.read(names[name])
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    if names and versions - {digest.hexdigest()}:
        raise Wrong(f"process/ 不是发起时的版本 is not the version of the launch: {min(versions)}")
    if versions and not names:
        say("NOTE  未附流程版本 the version of the process is not in the pack")
    return f"{len(names)} 个流程文件 files"


def rolls(pack: Pack) -> str:
    """Who could answer and what they answered, who was due and who was there: as the events have
    it.
    """
    polls = answered(pack)
    halls = {body["roll_hash"] for body in of_kind(pack, "meeting_opened") if "roll_hash" in body}
    waiting = unopened(pack)
    names = [name for name in sorted(pack.files) if re.fullmatch(ROLL, name)]
    for name in names:
        lines = [*csv.reader(io.StringIO(pack.text(name).lstrip("\ufeff")))][1:]
        if name.startswith("rolls/"):
            roll = sorted_hash(line[0] for line in lines)
            choices = {line[0]: line[3] for line in lines if line[3]}
            known, same = roll in [each for each, _ in polls], (roll, choices) in polls
        else:
            roll = sorted_hash(line[0] for line in lines if line[2].endswith("formal"))
            known = same = roll in halls
        if not same and not known and waiting > 0:
            waiting -= 1
            say(f"NOTE  {name} 没有开始，名册未记入历史 never opened, so no event has its roll")
        elif not same:
            raise Wrong(f"{name} 与事件不符 is not what the events have")
    if polls and not names:
        say("NOTE  未附名册 the rolls are not in the pack")
    return f"{len(names)} 份名册 rolls, {ledgers(pack)} 份签到记录 ledgers"


def answered(pack: Pack) -> list[tuple[str, dict[str, str]]]:
    """Of each poll the hash of its roll, and the last choice of each member."""
    opened: dict[str, tuple[str, dict[str, str]]] = {}
    for event in pack.events:
        body, kind = event["content"], event["kind"]
        if kind == "poll_opened" and "roll_hash" in body:
            opened[body["poll"]] = (body["roll_hash"], {})
        elif kind in ("poll_answered", "poll_answer_withdrawn") and body["poll"] in opened:
            choices, member = opened[body["poll"]][1], body["actor"]["id"]
            choices.pop(member, None)
            if kind == "poll_answered" and body.get("choice"):
                choices[member] = body["choice"]
    return list(opened.values())


def unopened(pack: Pack) -> int:
    """How many polls and meetings never opened: no event has their roll."""
    called = len(of_kind(pack, "poll_called")) + len(of_kind(pack, "meeting_called"))
    secret = sum("public_key" in body for body in of_kind(pack, "poll_opened"))
    return called - secret - len(of_kind(pack, "meeting_opened"))


def ledgers(pack: Pack) -> int:
    """How many ledgers of presence there are; each is that of a close, or its meeting is not
    closed yet.
    """
    closed = {body["ledger"] for body in of_kind(pack, "meeting_closed") if "ledger" in body}
    files = {pack.digests[name]: name for name in pack.files if re.fullmatch(LEDGER, name)}
    running = len(of_kind(pack, "meeting_called")) - len(of_kind(pack, "meeting_closed"))
    others = sorted(files[digest] for digest in set(files) - closed)
    if len(others) > max(0, running):
        raise Wrong(f"{others[0]} 与散会时不符 is not the ledger of the close")
    return len(files)


def sorted_hash(members: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(members)).encode()).hexdigest()


def listed(value: list[Any]) -> str:
    return hashlib.sha256(canonical(sorted(value))).hexdigest()


def witness(pack: Pack) -> str:
    """The checkpoints that someone outside kept are those of this history."""
    roots = {note[1]: note[2] for note in pack.checkpoints}
    for number, note in enumerate(pack.witness, 1):
        signed(pack, note, f"留存的检查点第 {number} 份 witness note {number}")
        if roots.get(note[1]) != note[2]:
            state = "根不同 has another root" if note[1] in roots else "不在包内 is not in the pack"
            raise Wrong(f"留存的检查点 witnessed checkpoint {note[1]} {state}")
    if not pack.witness:
        say(
            "NOTE  未提供留存的检查点 no --witness: 换密钥重造的包无法发现 a pack remade with a new key would pass"
        )
    return f"{len(pack.witness)} 份留存 witnessed"


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two below the size: where RFC 6962 divides a tree."""
    return 1 << ((size - 1).bit_length() - 1)


def included(leaf: bytes, index: int, size: int, path: list[bytes], root: str) -> bool:
    """The leaf and its path give the root (RFC 6962 §2.1.1)."""

    def climb(index: int, size: int, path: list[bytes]) -> bytes:
        if size == 1:
            () = path  # nothing may be left over
            return leaf
        *lower, top = path
        half = split(size)
        if index < half:
            return node(climb(index, half, lower), top)
        return node(top, climb(index - half, size - half, lower))

    try:
        return 0 <= index < size and climb(index, size, path).hex() == root
    except ValueError:  # the path is too short or too long
        return False


def continues(old: int, new: int, path: list[bytes], old_root: bytes, new_root: bytes) -> bool:
    """The path gives both roots, so the old tree begins the new one (RFC 6962 §2.1.2); 0 < old <
    new.
    """

    def climb(old: int, new: int, path: list[bytes], whole: bool) -> tuple[bytes, bytes]:
        if old == new:
            (same,) = [*path, old_root] if whole else path
            return same, same
        *lower, top = path
        half = split(new)
        if old <= half:
            before, after = climb(old, half, lower, whole)
            return before, node(after, top)
        before, after = climb(old - half, new - half, lower, False)
        return node(top, before), node(top, after)

    try:
        return climb(old, new, path, True) == (old_root, new_root)
    except ValueError:
        return False


def ed25519(public: bytes, signature: bytes, message: bytes) -> bool:
    """The signature holds."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return ed25519_plain(public, signature, message)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


Point = tuple[int, int, int, int]  # (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)


def ed25519_plain(public: bytes, signature: bytes, message: bytes) -> bool:
    """RFC 8032 §5.1.7 in plain Python: [s]B = R + [h]A."""
    a, r, b = (
        point(public),
        point(signature[:32]),
        point((4 * pow(5, -1, P) % P).to_bytes(32, "little")),
    )
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L or a is None or r is None or b is None:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = times(s, b), plus(r, times(h, a))
    return all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def point(data: bytes) -> Point | None:
    """RFC 8032 §5.1.3; None if no point of the curve is written so."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT % P
    if len(data) != 32 or y >= P or x * x % P != square or (x == 0 and sign):
        return None
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


def plus(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor: int, p: Point) -> Point:
    found = (0, 1, 1, 0)
    while factor:
        found = plus(found, p) if factor & 1 else found
        p, factor = plus(p, p), factor >> 1
    return found


CHECKS = {
    "清单 manifest": manifest,
    "密钥 keys": keys,
    "清单签名 signature": signature,
    "正文 bodies": bodies,
    "序号 sequence": sequence,
    "哈希链 chain": chain,
    "检查点 checkpoints": checkpoints,
    "延续 consistency": consistency,
    "封存 inclusion": inclusion,
    "末事件 heads": heads,
    "文书 documents": documents,
    "答复 answers": answers,
    "选票 ballots": ballots,
    "流程 process": process,
    "名册 rolls": rolls,
    "留存 witness": witness,
}


def say(text: str) -> None:
    """One line; what the pack contains must not be able to write lines or colours of its own."""
    sys.stdout.write("".join(c if c.isprintable() else "?" for c in text) + "\n")


def verify(path: Path, witness: Path | None) -> int:
    try:
        pack = Pack(path, witness.read_text("utf-8") if witness else "")
        for number, (title, check) in enumerate(CHECKS.items(), 1):
            try:
                say(f"OK    {number}/{len(CHECKS)} {title}: {check(pack)}")
            except Wrong as wrong:
                say(f"FALSE {number}/{len(CHECKS)} {title}: {wrong}")
                return 1
    except Exception as error:  # uncaught, it would exit 1, which means "false"
        say(
            f"UNUSABLE 无法校验 {'' if isinstance(error, Unusable) else type(error).__name__} {error}"
        )
        return 2
    say(f"PASS {len(CHECKS)}/{len(CHECKS)}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="校验证据包 Verify an evidence pack")
    parser.add_argument("pack", type=Path, help="证据包（ZIP 或文件夹） the pack: ZIP or folder")
    parser.add_argument(
        "--witness", type=Path, help="您留存的检查点 checkpoint notes that you kept"
    )
    given = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    return verify(given.pack, given.witness)


if __name__ == "__main__":
    sys.exit(main())
