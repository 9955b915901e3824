"""Verify an evidence pack offline:
    python verify.py pack.zip|folder [--witness notes.txt] [--key ID]

One file, however long, that stands alone: it needs only Python 3.9 or later (uses `cryptography` if
it is there) and nothing of the engine, whose rules it repeats in its own words; verify.html does
the same in a browser. The last line tells:
  PASS      exit 0  everything that a pack can prove holds
  FALSE     exit 1  the first thing that is false, and the first false event with its number and
                    time
  UNUSABLE  exit 2  this cannot be understood: no pack, a damaged file, a newer format
  UNPROVED  exit 3  nothing is false, but it could not be proved: an older format, a kept checkpoint
                    that is not here
Before it one line per check: OK, NO (false), or SKIP (cannot be checked, for something else is
false). NOTE: what no pack proves.

A pack is a folder or a ZIP of it (UTF-8 names) about one instance; JSON without floats or repeated
keys; hashes in lower-case hex. Format 2, all of which must be there (a signed note is some lines,
an empty line, the signature over these lines with their line ends; here "|" stands for a line end):
  contents.json     what belongs to the pack, by what it is about:
                    {"format": "yixing/evidence/2", "instance", "events": <number>, "checkpoint":
                      <size of the last>,
                     "papers": {"<document>": ["<file>", "<print>"]}, "polls": {"<poll>": "<roll>"},
                     "meetings": {"<meeting>": ["<roll>", "<ledger>"]}, "rules": {"<rule>":
                       "<file>"},
                     "attachments": {"<attachment>": "<file>"}, "withheld": [<seq of answers the
                       exporter may not see>]}
                    A file is null when the contents were erased, which an event matter_erased must
                    say.
  manifest.sha256   one line per file except itself and its note, as `sha256sum` writes: a digest,
  two
                    spaces, a name with "/".
  manifest.note     one signed note over the manifest:
                    yixing/pack/2 | <instance> | <SHA-256 of manifest.sha256> | at <moment> | key
                      <key id> | | sig <signature>
  keys.json         {"<key id>": "<public Ed25519 key>"}; key id = first 16 hex digits of
                    SHA-256(public key). One key signs manifest, head and last checkpoint; each
                    other one handed over, directly or not, to that one:
  keys.txt          optional, signed notes by which a key names the one that follows it:
                    yixing/key/1 | <public key that follows> | at <moment> | key <key id> | | sig
                      <signature>
  events.jsonl      one event per line, by seq from 1, the last one the export itself (kind
                    evidence_exported, "events" is its seq), with exactly these fields:
                    {"instance", "seq", "at", "actor", "on_behalf_of", "kind", "body", "hash",
                      "leaf_no"}
                    body     canonical JSON text (RFC 8785, ASCII keys) of an object whose members
                             "chain" (= instance),
                             "seq", "at", "actor", "on_behalf_of", "kind" equal the fields; a
                               missing one means null.
                             "at" is not more than 2 s earlier than that of the event before.
                    hash     SHA-256(hash of the event before + body); before the first event stands
                             SHA-256("yixing/1" + the instance's UUID as 16 bytes).
                    leaf_no  its number, from 0, in the tree over all events of the system. Leaf =
                             SHA-256(0x00 + hash), node = SHA-256(0x01 + left + right) (RFC 6962).
  checkpoints.txt   signed notes, oldest first, at least one:
                    yixing/checkpoint/1 | <size> | <root> | at <2026-03-02T01:00:00Z> | key <key id>
                      | | sig <signature>
  proofs.json       {"size": <size of the last checkpoint>,
                     "inclusion": {"<leaf_no>": [<path from the leaf to that root, lowest first>]},
                       for each event
                     "consistency": [{"from": <size>, "to": <size>, "path": [...]}]}   for each two
                       checkpoints that
                    follow each other with different sizes (except from size 0).
  heads.txt         one signed note that says which event was the last one when the pack was made:
                    yixing/head/1 | <instance> | <seq> | <hash> | at <moment> | key <key id> | | sig
                      <signature>
  documents/...     every issued document: the very bytes whose SHA-256 is "sha256" in the body of
                    an event of kind document_issued, with its "number"; the numbers that it says of
                    a poll are those of its outcome. What is drawn from it (prints/...) is listed
                    beside it.
  answers.jsonl     one line per event that has "answers": {"instance", "seq", "salt", "value"}:
                    what was answered;
                    "answers" is SHA-256(salt + canonical JSON of value); salt: 16 bytes, erased
                      with the value.
  words.jsonl       one line per event of which words stand beside the chain: {"instance", "seq",
                    "salt", "value"}. In the body stands {"aside": "<digest>"} in the place of each:
                    SHA-256(salt + canonical JSON of {"<key>": <words>}). Their keys are those of
                    the body, or of a reason within its outcome the path, "outcome.x.0.reason";
                    erased like answers.
  attachments/...   every file that an answer names, with the bytes of its "sha256".
  ballots.jsonl     one line per secret ballot: {"poll", "board": [<receipts>], "urn": [[<code>,
                    [<choices>]]]},
                    "urn" null until the result is published. Event ballots_cast has "voters" and
                      "board", the SHA-256 of
                    the canonical sorted list; ballots_opened has "urn", that of the sorted urn,
                    "counts" and "invalid". A receipt is the SHA-256 of a sealed envelope, a code
                    that of the nonce its voter alone knows.
  process/...       the files of the process version that event instance_launched names as
                    "version": SHA-256 over name + 0x00 + length in bytes + 0x00 + content of each
                    file, by name (without "process/").
  rolls/*.csv       one per poll: member id, name, label, choice, ... The SHA-256 of the sorted ids,
                    joined by line feeds, is "roll_hash" of event poll_opened; the choices are those
                    of poll_answered, the last of each, with their moments and, where an event tells
                    it in words, the comment. Who voted in secret is "voters" of ballots_cast. The
                    "outcome" of poll_closed is the sum of the answers, or ballots, and of those on
                    paper.
  meetings/*        per meeting a roll (id, name, kind; the ids of kind "formal" give "roll_hash" of
                    meeting_opened, those of the others with their kind "others") and a ledger (its
                    SHA-256 is "ledger" of meeting_closed). If meeting_called has "tells" of 2 or
                    more, each line is one arrival or departure of the events presence_noted, and
                    the numbers in meeting_opened, poll_opened, poll_closed and meeting_closed are
                    those counted from them.
  timeline.csv      optional: each event with its moment, person, kind, hash and leaf_no.
  answer.txt        in Chinese and, behind two empty lines, in English: a line "#<seq> <moment>
                    <person> ..." for each event, later one for each document (with its number and
                    "SHA-256 <digest>" at its end) and each refused try; no other line begins with
                    "#". The number, roll, present, needed, issued, returned, cast and invalid of an
                    event stand there behind their labels, as in timeline.csv. What a claim rests
                    on, "- ... <moment> ... #<seq>", has the moment of its event. Compared, like the
                    two below, if evidence_exported has "tells" of 2 or more.
  README.txt        its first line names the number of the instance.
  rules/...         each rule that set a number of a poll or a deadline. Its lines "#<seq> <moment>:
                    <number>" are the numbers that polls were opened with.
  log.xes, ocel.json  optional: the events for process mining; seq, kind, moment, person and hash of
                    each are compared, the names of activities are words.
  answer.pdf, timeline.pdf  optional: answer.txt and timeline.csv to be printed; each says
                    "sha256:<digest>" of the file that it is drawn from, which must be the one here.
  prints/..., texts of rules, steps and details: made at the export, as the manifest signs them,
                    compared with nothing else. Members have one name in all rolls, choices one
                    label in each.
  verify.html       the same checks in a browser.
  verify.py         this file. Take your own copy from the union rather than the one that came with
                    a doubtful pack.

Format 1 had no contents.json, and much of the rest was optional: such a pack is never PASS. Keys
inside a pack prove nothing against one who remade the whole pack with a new key: compare the key id
printed here with the one you were given (--key), or give with --witness the checkpoint notes that
you (or somebody outside) kept.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import html
import io
import json
import re
import sys
import unicodedata
import zipfile
from collections import Counter
from datetime import datetime, timedelta, timezone
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

FORMAT = "yixing/evidence/2"
HEADER = ("instance", "seq", "at", "actor", "on_behalf_of", "kind")
FIELDS = {*HEADER, "body", "hash", "leaf_no"}
HEX, NUMBER = r"[0-9a-f]{64}", r"0|[1-9][0-9]{0,18}"
SIGNED = [r"at [0-9TZ:-]{20}", r"key [0-9a-f]{16}", r"sig [0-9a-f]{128}"]
CHECKPOINT = [r"yixing/checkpoint/1", NUMBER, HEX, *SIGNED]
PACK = [r"yixing/pack/2", r"[0-9a-f-]{36}", HEX, *SIGNED]
HEAD = [r"yixing/head/1", r"[0-9a-f-]{36}", NUMBER, HEX, *SIGNED]
HANDOVER = [r"yixing/key/1", HEX, *SIGNED]
UNLISTED = {"manifest.sha256", "manifest.note"}
DEMANDED = (
    "contents.json",
    "manifest.note",
    "keys.json",
    "events.jsonl",
    "checkpoints.txt",
    "proofs.json",
    "heads.txt",
)
LISTS = {"papers", "polls", "meetings", "rules", "attachments"}
UNPRINTED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # no XML has these
XES_EVENT = re.compile(
    r'<event><int key="yixing:seq" value="(\d+)"/><string key="yixing:kind" value="([^"]*)"/>'
    r'<date key="time:timestamp" value="([^"]*)"/><string key="org:resource" value="([^"]*)"/>'
    r'<string key="yixing:hash" value="([0-9a-f]+)"/>'
)
LITTER = {
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
}  # what desktops leave in folders that are only looked at
MAX_BYTES = 8 << 30
BACK = timedelta(seconds=2)  # so much may the clocks of two hosts differ
NEEDS = {  # what the body of each of these kinds must hold: the checks below rely on it
    "poll_opened": ["poll"],
    "poll_answered": ["poll"],
    "poll_answer_withdrawn": ["poll"],
    "ballots_cast": ["board", "poll", "voters"],
    "ballots_opened": ["counts", "invalid", "poll", "urn"],
    "document_issued": ["id", "sha256"],
    "meeting_opened": ["meeting"],
    "meeting_struck": ["meeting"],
    "meeting_closed": ["meeting"],
}
SLACK = timedelta(minutes=2)  # between a row and its event: a command takes time
CHINA = timezone(timedelta(hours=8))
HELD = ("meeting_opened", "meeting_struck", "meeting_closed")
TOLD = 2  # since "tells" of the export is so much, its texts are written to be compared
WHOLE = 2  # since "tells" of its call is so much, the events of a meeting tell who came and went
STOPS = ("ballots_cast", "poll_stopped", "poll_closed", "poll_voided")
NUMBERS = {  # of an outcome, beside the votes for each choice
    *("roll", "answered", "silent", "issued", "returned", "valid", "invalid", "seats"),
    *("present", "present_at_opening", "present_least", "present_needed"),
}
SHOWN = ("number", "roll", "present", "needed", "issued", "returned", "cast", "invalid")  # in texts
OLD = (
    "旧格式（1）：只能证明文件与清单相符、记录首尾相接，不能证明没有删去末尾或改动文稿；请用当时的 verify.py 校验，或重新导出 "
    "older format (1): proves only that the files are those of its manifest and that its events chain, not that no end "
    "was cut and no text changed; take the verify.py of its time, or have it exported again"
)


class Unusable(Exception):
    """This is not a pack that can be checked. `number`: of the event that cannot be read."""

    def __init__(self, text: str, number: int = 0) -> None:
        super().__init__(text)
        self.number = number


class Unproved(Exception):
    """Nothing is false, but this is not proved either."""


class Wrong(Exception):
    """A check is false. `event`: the line of the event that is false; `number` and `when` name one
    that is not there.
    """

    def __init__(self, text: str, event: dict[str, Any] | None = None, *, missing: int = 0) -> None:
        super().__init__(text)
        self.number = event["number"] if event else missing
        self.when = ("在此之前 before " if missing and event else "") + moment(event)
        self.missing = bool(missing)
        self.beside = False  # the event is true, what stands beside it is not


class Pack:
    """The files of a folder or ZIP, and what is in them."""

    def __init__(self, path: Path, witness: str, expected: str = "") -> None:
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
        tops = {name.split("/")[0] for name in self.files if "/" in name}
        if not any("/" not in name for name in self.files) and len(tops) == 1:
            self.files = {
                name.split("/", 1)[-1]: source for name, source in self.files.items()
            }  # a zipped folder
        if not {"manifest.sha256", *DEMANDED} & set(self.files):
            raise Unusable("不是证据包 no evidence pack")
        self.digests = {name: hashlib.sha256(self.read(name)).hexdigest() for name in self.files}
        self.witness = notes(witness, CHECKPOINT, "--witness")
        self.expected = expected
        self.format = self._format()

    def _format(self) -> int:
        """2 as soon as anything says so: what made a pack of format 2 cannot be taken out to make
        it an older one.
        """
        marks = ("contents.json", "verify.html")
        note = self.read("manifest.note") if "manifest.note" in self.files else b""
        events = self.read("events.jsonl") if "events.jsonl" in self.files else b""
        said = rb"\"format\":2" in events and b"evidence_exported" in events
        return 2 if said or b"yixing/pack/2" in note or {*marks} & set(self.files) else 1

    # Each part is read when a check needs it: one that cannot be read hides no other.
    @cached_property
    def keys(self) -> dict[str, bytes]:
        found = parse(self.text("keys.json"), "keys.json")
        return {key: bytes.fromhex(public) for key, public in found.items()}

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        found = self.lines("events.jsonl", FIELDS)
        for number, event in enumerate(found, 1):
            whole = type(event["seq"]) is int and type(event["leaf_no"]) in (int, type(None))
            if (
                not whole
                or str(UUID(event["instance"])) != event["instance"]
                or not re.fullmatch(HEX, event["hash"])
            ):
                raise Unusable(f"{event['where']} 字段格式不对 ill-formed field", number)
            event["number"], event["content"] = number, parse(event["body"], event["where"], number)
        return found

    @cached_property
    def checkpoints(self) -> list[list[str]]:
        return notes(self.text("checkpoints.txt"), CHECKPOINT, "checkpoints.txt")

    @cached_property
    def proofs(self) -> Any:
        return parse(self.text("proofs.json"), "proofs.json")

    @cached_property
    def heads(self) -> list[list[str]]:
        return notes(self.text("heads.txt"), HEAD, "heads.txt")

    @cached_property
    def signed(self) -> list[list[str]]:
        return notes(self.text("manifest.note"), PACK, "manifest.note")

    @cached_property
    def handovers(self) -> list[list[str]]:
        return notes(self.text("keys.txt", ""), HANDOVER, "keys.txt")

    @cached_property
    def answers(self) -> list[dict[str, Any]]:
        return self.lines("answers.jsonl", {"instance", "seq", "salt", "value"}, "")

    @cached_property
    def words(self) -> list[dict[str, Any]]:
        return self.lines("words.jsonl", {"instance", "seq", "salt", "value"}, "")

    @cached_property
    def ballots(self) -> list[dict[str, Any]]:
        return self.lines("ballots.jsonl", {"poll", "board", "urn"}, "")

    @cached_property
    def contents(self) -> dict[str, Any]:
        found = parse(self.text("contents.json"), "contents.json")
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise Unusable(f"contents.json 应为 must be of format {FORMAT}")
        return found

    def listed(self, part: str) -> dict[str, Any]:
        """One list of contents.json; every file that it names is here."""
        found: dict[str, Any] = self.contents[part]
        for key, value in found.items():
            for name in value if isinstance(value, list) else [value]:
                if name is None and not of_kind(self, "matter_erased"):
                    raise Wrong(f"contents.json {part} {key} 未附文件 has no file")
                if name is not None and name not in self.files:
                    raise Wrong(f"{name} 已列入 contents.json 而缺失 is listed and missing")
        return found

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
                line = parse(text, f"{name}:{number}", number if name == "events.jsonl" else 0)
                if not isinstance(line, dict) or set(line) != fields:
                    raise Unusable(f"{name}:{number} 字段应为 fields must be {sorted(fields)}")
                found.append({**line, "where": f"{name}:{number}"})
        return found


def moment(event: dict[str, Any] | None) -> str:
    """When an event says that it was, as its body says; as far as it can be read."""
    content = event["content"] if event else {}
    said = content.get("at") if isinstance(content, dict) else ""
    return said if isinstance(said, str) else ""


def parse(text: str, where: str, number: int = 0) -> Any:
    """JSON without floats and repeated keys, which two readers could read differently. `number`: of
    the event it is.
    """

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
        raise Unusable(f"{where} 不是 JSON not JSON: {error}", number) from error


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def notes(text: str, patterns: list[str], where: str) -> list[list[str]]:
    """Signed notes as lists of their lines; empty lines and spaces at line ends (as after mail) do
    not count.
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


def only(found: list[list[str]], name: str) -> list[str]:
    """The one note of a file."""
    if len(found) != 1:
        raise Wrong(f"{name} 应有一份签名，现有 must hold one signed note, not {len(found)}")
    return found[0]


def manifest(pack: Pack) -> str:
    """Every file is the one that was packed; nothing was added or taken out."""
    if "manifest.sha256" not in pack.files:
        raise Wrong("manifest.sha256 缺失 is missing")
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
    for name in DEMANDED if pack.format == 2 else ():
        if name not in pack.files:
            raise Wrong(f"{name} 缺失，不能缺少 is missing, and must be there")
    return f"{len(listed)} 个文件 files"


def keys(pack: Pack) -> str:
    """Each key id is that of its key; each key handed over to the one that signed the manifest."""
    for key, public in pack.keys.items():
        if len(public) != 32 or hashlib.sha256(public).hexdigest()[:16] != key:
            raise Wrong(f"keys.json {key} 编号与公钥不符 the id is not that of the key")
    follows: dict[str, str] = {}
    for number, note in enumerate(pack.handovers, 1):
        signed(pack, note, f"keys.txt 第 {number} 份 note {number}")
        follows[note[3][4:]] = hashlib.sha256(bytes.fromhex(note[1])).hexdigest()[:16]
    current = only(pack.signed, "manifest.note")[4][4:]
    for key in pack.keys:
        at, seen = key, {key}
        while at != current:
            at = follows.get(at, "")
            if at in seen or at not in pack.keys:
                raise Wrong(f"keys.json {key} 没有移交给 did not hand over to {current}")
            seen.add(at)
    if pack.expected and current != pack.expected:
        raise Wrong(f"本包由密钥 {current} 签名，不是 was not signed with {pack.expected}")
    return f"本包由此密钥签名，请与您留存的编号核对 signed with this key, compare with the id you were given: {current}"


def signature(pack: Pack) -> str:
    """The manifest is the one that was signed when the pack was made, so every file in it is of
    that day.
    """
    note = only(pack.signed, "manifest.note")
    signed(pack, note, "manifest.note")
    if note[1] != pack.contents["instance"]:
        raise Wrong(f"manifest.note 所签的是另一件 is about another instance: {note[1]}")
    if note[2] != pack.digests["manifest.sha256"]:
        raise Wrong(
            "manifest.note 所签的不是这份清单 manifest.sha256 is not the one that was signed"
        )
    return f"1 份签名 signature, {note[3]}"


def bodies(pack: Pack) -> str:
    """What stands beside a body (who, when, what) is what the hashed body says."""
    for event in pack.events:
        content = event["content"]
        if not isinstance(content, dict) or canonical(content) != event["body"].encode():
            raise Wrong(f"{event['where']} body 不是规范 JSON is not canonical JSON", event)
        for name in NEEDS.get(str(content.get("kind")), ()):
            if name not in content:
                raise Wrong(f"{event['where']} body 缺少 lacks {name}", event)
        for name in HEADER:
            if canonical(content.get("chain" if name == "instance" else name)) != canonical(
                event[name]
            ):
                raise Wrong(
                    f"{event['where']} {name} 与 body 所载不同 differs from what the body says",
                    event,
                )
    return f"{len(pack.events)} 个事件 events"


def sequence(pack: Pack) -> str:
    """No event is missing, doubled or out of order, and time only goes forward."""
    for event in pack.events:
        before = pack.events[event["number"] - 2] if event["number"] > 1 else None
        if pack.format == 2 and event["instance"] != pack.events[0]["instance"]:
            raise Wrong(f"{event['where']} 属于另一件 is of another instance", event)
        if event["seq"] != event["number"]:
            raise Wrong(
                f"{event['where']} 序号 seq {event['seq']}，应为 expected {event['number']}",
                event,
                missing=event["number"] if event["seq"] > event["number"] else 0,
            )
        if before is None or pack.format == 1:
            continue
        if None not in (before["leaf_no"], event["leaf_no"]) and (
            before["leaf_no"] >= event["leaf_no"]
        ):
            raise Wrong(
                f"{event['where']} 叶序号次序不对 leaf_no {event['leaf_no']} is out of order", event
            )
        if instant(event) < instant(before) - BACK:
            raise Wrong(
                f"{event['where']} 时刻早于前一事件 is earlier than the event before", event
            )
    return f"{len(pack.events)} 个序号 numbers"


def instant(event: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(moment(event).replace("Z", "+00:00"))
    except ValueError:
        raise Wrong(f"{event['where']} 时刻不可读 the moment cannot be read", event) from None


def chain(pack: Pack) -> str:
    """Each hash covers its event and, through the hash before, all earlier ones."""
    previous = b""
    for event in pack.events:
        start = hashlib.sha256(b"yixing/1" + UUID(event["instance"]).bytes).digest()
        made = hashlib.sha256((previous or start) + event["body"].encode()).hexdigest()
        if made != event["hash"]:
            raise Wrong(f"{event['where']} (seq {event['seq']}) 哈希不符 the hash is false", event)
        previous = bytes.fromhex(made)
    return f"{len(pack.events)} 个哈希 hashes"


def checkpoints(pack: Pack) -> str:
    """Each checkpoint was signed, none is smaller than the one before, and the last has the key of
    the manifest.
    """
    for number, note in enumerate(pack.checkpoints, 1):
        where = f"checkpoints.txt 第 {number} 份 note {number}"
        signed(pack, note, f"{where} (size {note[1]})")
        if number > 1 and int(note[1]) < int(pack.checkpoints[number - 2][1]):
            raise Wrong(f"{where} 比前一份小 is smaller than the one before")
    if not pack.checkpoints:
        raise Wrong("checkpoints.txt 没有检查点 holds no checkpoint")
    same_key(pack, pack.checkpoints[-1], "checkpoints.txt")
    if int(pack.checkpoints[-1][1]) != pack.contents["checkpoint"]:
        raise Wrong(
            f"checkpoints.txt 最后的检查点应为 the last one must be {pack.contents['checkpoint']}"
        )
    return f"{len(pack.checkpoints)} 份签名 signatures, {pack.checkpoints[-1][3]}"


def same_key(pack: Pack, note: list[str], where: str) -> None:
    key = only(pack.signed, "manifest.note")[4]
    if note[-2] != key:
        raise Wrong(f"{where} 不是由签清单的密钥所签 is not signed with the {key} of the manifest")


def consistency(pack: Pack) -> str:
    """Each checkpoint continues the one before: history was added to, never rewritten."""
    paths = {
        (p["from"], p["to"]): list(map(bytes.fromhex, p["path"]))
        for p in pack.proofs["consistency"]
    }
    for number, new in enumerate(pack.checkpoints[1:]):
        old = pack.checkpoints[number]
        sizes, roots = (int(old[1]), int(new[1])), (bytes.fromhex(old[2]), bytes.fromhex(new[2]))
        if sizes[0] == sizes[1] and roots[0] != roots[1]:
            raise Wrong(f"检查点 checkpoint {sizes[0]} 有两个根 has two roots")
        if sizes[0] in (0, sizes[1]):
            continue
        if sizes not in paths or not continues(*sizes, paths[sizes], *roots):
            raise Wrong(
                f"proofs.json 检查点 checkpoint {sizes[1]} 不是 {sizes[0]} 的延续 does not continue it"
            )
    return f"{len(paths)} 个证明 proofs"


def inclusion(pack: Pack) -> str:
    """Each event is a leaf of the tree whose root the last checkpoint signs."""
    size, paths = pack.proofs["size"], dict(pack.proofs["inclusion"])
    _, last_size, root, *_ = pack.checkpoints[-1]
    if size != int(last_size):
        raise Wrong(
            f"proofs.json size {size} 与最后的检查点不符 is not that of the last checkpoint {last_size}"
        )
    for event in pack.events:
        leaf = hashlib.sha256(b"\x00" + bytes.fromhex(event["hash"])).digest()
        path, number = paths.pop(str(event["leaf_no"]), None), event["leaf_no"]
        where = f"{event['where']} (seq {event['seq']})"
        if number is None:
            raise Wrong(f"{where} 尚未封存 is not sealed", event)
        if path is None or not included(leaf, number, size, list(map(bytes.fromhex, path)), root):
            text = f"{where} 不在检查点 {size} 内 is not leaf {number} of checkpoint {size}"
            raise Wrong(text, event if event["number"] > 1 or sealed(pack) else None)
    if paths:
        raise Wrong(
            f"proofs.json 叶 leaf {min(paths, key=int)} 没有对应的事件 has no event: 事件被删 cut off?"
        )
    return f"{len(pack.events)} 个叶 leaves"


def sealed(pack: Pack) -> bool:
    """The checkpoints hold: then an event that is not under them is false; otherwise it may be
    their root that is.
    """
    try:
        return bool(checkpoints(pack))
    except (Unusable, Wrong):
        return False


def heads(pack: Pack) -> str:
    """Nothing was cut off at the end: the last event is the one that was signed, the export, and
    all before it are here.
    """
    note, last = only(pack.heads, "heads.txt"), pack.events[-1] if pack.events else None
    signed(pack, note, "heads.txt")
    if note[1] != pack.contents["instance"]:
        raise Wrong(f"heads.txt 所签的是另一件 is about another instance: {note[1]}")
    seq, count = int(note[2]), len(pack.events)
    for where, number in (("heads.txt", seq), ("contents.json", pack.contents["events"])):
        if number != count:
            raise Wrong(
                f"{where} 件 {note[1]} 应止于 should end with seq {number}，现为 but has {count}",
                pack.events[number] if count > number else None,
                missing=count + 1 if count < number else 0,
            )
    assert last is not None  # seq of a head is not 0
    if last["hash"] != note[3]:
        raise Wrong("heads.txt 末事件不是所签的 the last event is not the one signed", last)
    if last["kind"] != "evidence_exported" or last["content"].get("events") != seq:
        raise Wrong("末事件不是本次导出 the last event is not this export", last)
    same_key(pack, note, "heads.txt")
    return f"{seq} 个事件，止于导出 events, the last one is the export"


def documents(pack: Pack) -> str:
    """Each issued document is here, byte for byte, with its print, and no other."""
    papers = pack.listed("papers")
    issued = {e["content"]["id"]: e for e in pack.events if e["kind"] == "document_issued"}
    for key, event in issued.items():
        data, drawn = papers.get(key) or (None, None)
        if key not in papers or (data is None) != (drawn is None):
            raise Wrong(f"{event['where']} 所签发的文书不在包内 its document is missing", event)
        if data is not None and pack.digests[data] != event["content"]["sha256"]:
            raise Wrong(f"{data} 不是签发的文书 is not the document that was issued", event)
        if data is not None and data.endswith(".json"):
            figures(pack, event, parse(pack.text(data), data))
    known = {name for pair in papers.values() for name in pair}
    for key in sorted(set(papers) - set(issued)):
        raise Wrong(f"contents.json 文书 {key} 没有签发的事件 no event issued it")
    unlisted(pack, known, "documents/", "prints/")
    gone = sum(data is None for data, _ in papers.values())
    if gone:
        say(f"NOTE  {gone} 份文书已按规定删除 documents were erased, only their digests are left")
    return f"{len(issued)} 份文书 documents"


def figures(pack: Pack, issued: dict[str, Any], paper: dict[str, Any]) -> None:
    """The number of a document is the one on record, and what it says of a poll is what the poll
    came to, unless that was counted or set anew before, or the document corrects another.
    """
    if paper["document"]["number"] != issued["content"].get("number", ""):
        raise Wrong(f"{issued['where']} 文号与文书不符 has not the number of its document", issued)
    corrected = {body.get("new") for body in of_kind(pack, "document_corrected")}
    known = outcomes_before(pack, issued) if issued["content"]["id"] not in corrected else {}
    for task, outcome in known.items():
        fact = paper["facts"].get(task)
        for name in outcome if isinstance(fact, dict) else ():
            if (
                type(outcome[name]) in (int, bool)
                and fact.get(name, outcome[name]) != outcome[name]
            ):
                text = f"文书所载 {task}.{name} 与表决结果不符 is not what the poll came to"
                raise Wrong(f"{issued['where']} {text}: {fact[name]}", issued)


def outcomes_before(pack: Pack, event: dict[str, Any]) -> dict[str, Any]:
    """The last outcome of each task's polls before an event, of those that nothing changed."""
    found: dict[str, Any] = {}
    for earlier in pack.events[: event["number"] - 1]:
        body = earlier["content"]
        if earlier["kind"] == "poll_closed" and "task" in body:
            found[body["task"]] = body.get("outcome", {})
        again = [body["task"]] if earlier["kind"] == "poll_recounted" else []
        for changed in (*body.get("facts", ()), *again):
            found.pop(changed, None)
    return found


def unlisted(pack: Pack, known: set[str], *folders: str) -> None:
    """Every file of these folders is listed."""
    for name in sorted(pack.files):
        if name.startswith(folders) and name not in known:
            raise Wrong(f"{name} 未列入 is not listed in contents.json")


def answers(pack: Pack) -> str:
    """What is shown as answered is what the event kept as a salted digest; none is missing without
    an erasure on record.
    """
    kept = {e["seq"]: e for e in pack.events if "answers" in e["content"]}
    shown = set()
    for line in pack.answers:
        event, salt = kept.get(line["seq"]), bytes.fromhex(line["salt"])
        made = hashlib.sha256(salt + canonical(line["value"])).hexdigest()
        if event is None or len(salt) != 16 or made != event["content"]["answers"]:
            raise Wrong(
                f"{line['where']} 与 seq {line['seq']} 的摘要不符 is not what the event kept", event
            )
        shown.add(line["seq"])
    erased, withheld = of_kind(pack, "matter_erased"), set(pack.contents["withheld"])
    for seq in sorted(set(kept) - shown - withheld) if not erased else ():
        raise Wrong(f"seq {seq} 的答复不在包内 its answers are missing", kept[seq])
    if withheld:
        say(f"NOTE  {len(withheld)} 项答复不向导出人开放 answers were not open to the exporter")
    if erased:
        say(f"NOTE  {len(kept) - len(shown)} 项答复已按规定删除 answers were erased")
    words(pack)
    return f"{len(shown)} 项答复 answers"


def words(pack: Pack) -> None:
    """What stands beside the events in words is what they kept as salted digests; none is missing
    without an erasure on record.
    """
    kept = {e["seq"]: found for e in pack.events if (found := asides(e["content"]))}
    by_seq = {event["seq"]: event for event in pack.events}
    for line in pack.words:
        salt, said = bytes.fromhex(line["salt"]), line["value"]
        made = {k: hashlib.sha256(salt + canonical({k: v})).hexdigest() for k, v in said.items()}
        if len(salt) != 16 or made != kept.pop(line["seq"], None):
            raise Wrong(
                f"{line['where']} 与 seq {line['seq']} 的摘要不符 is not what the event kept",
                by_seq.get(line["seq"]),
            )
    erased = max((e["seq"] for e in pack.events if e["kind"] == "matter_erased"), default=0)
    for seq in sorted(seq for seq in kept if seq > erased):
        raise Wrong(f"seq {seq} 的原话不在包内 its words are missing", by_seq[seq])
    if kept:
        say(f"NOTE  {len(kept)} 条记录的原话已按规定删除 words of events were erased")


def asides(value: object, path: str = "") -> dict[str, str]:
    """The digests within a body of words that stand beside it, by their path."""
    if isinstance(value, dict) and set(value) == {"aside"}:
        return {path: value["aside"]}
    if isinstance(value, list):
        value = dict(enumerate(value))
    found: dict[str, str] = {}
    for key, each in value.items() if isinstance(value, dict) else ():
        found |= asides(each, f"{path}.{key}" if path else str(key))
    return found


def attachments(pack: Pack) -> str:
    """Each file that an answer names is here with its bytes, and no other."""
    named: dict[str, tuple[str, int]] = {}
    for line in pack.answers:
        values = line["value"].values() if isinstance(line["value"], dict) else ()
        for file in (one for value in values if isinstance(value, list) for one in value):
            if isinstance(file, dict) and {"id", "sha256"} <= set(file):
                named[file["id"]] = (file["sha256"], line["seq"])
    found = pack.listed("attachments")
    for key, (digest, seq) in named.items():
        name = found.get(key)
        if key not in found or (name is not None and pack.digests[name] != digest):
            raise Wrong(
                f"附件 attachment {name or key} 缺失或不符 is missing or false",
                pack.events[seq - 1] if 0 < seq <= len(pack.events) else None,
            )
    for key in sorted(set(found) - set(named)):
        if not pack.contents["withheld"] and found[key] is not None:
            raise Wrong(f"{found[key]} 没有答复提到 no answer names it")
    unlisted(pack, set(found.values()), "attachments/")
    if found:
        say(
            "NOTE  附件与扫描件是否属实，本包不能证明 that attachments and scans are true, no pack proves"
        )
    return f"{len(found)} 个附件 files"


def of_kind(pack: Pack, kind: str) -> list[dict[str, Any]]:
    """The bodies of the events of a kind, in order."""
    return [event["content"] for event in pack.events if event["kind"] == kind]


def by_poll(pack: Pack, kind: str) -> dict[str, dict[str, Any]]:
    """The last body of a kind for each poll."""
    return {str(body.get("poll")): body for body in of_kind(pack, kind)}


def ballots(pack: Pack) -> str:
    """Board and urn of each secret ballot are those of the events, and add up to the count that was
    published.
    """
    opened, cast = by_poll(pack, "poll_opened"), by_poll(pack, "ballots_cast")
    counted = by_poll(pack, "ballots_opened")
    for line in pack.ballots:
        poll = line["poll"]
        receipts(line, opened.get(poll, {}), cast.get(poll))
        if line["urn"] is not None:
            urn(line, opened[poll], counted.get(poll))
    for poll in sorted(set(cast) - {line["poll"] for line in pack.ballots}):
        raise Wrong(f"无记名投票 {poll} 未附选票 the lists of a secret ballot are missing")
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
    told = opened["choices"] if "write_in" not in opened else {*tally, *counted["counts"]}
    beside = {"answered", "abstain"} - {*opened["choices"]}
    if tally != {choice: counted["counts"].get(choice) for choice in told if choice not in beside}:
        raise Wrong(f"{where} 计票与选票不符 the count is not that of the ballots")


def process(pack: Pack) -> str:
    """The process shown is the version that the matter was launched with."""
    names = {name[8:]: name for name in pack.files if name.startswith("process/")}
    digest = hashlib.sha256()
    for name in sorted(names):
        data = pack.read(names[name])
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    for event in pack.events:
        version = event["content"].get("version")
        if event["kind"] == "instance_launched" and version != digest.hexdigest():
            raise Wrong(
                f"process/ 不是发起时的版本 is not the version of the launch: {version}", event
            )
    return f"{len(names)} 个流程文件 files"


def rules(pack: Pack) -> str:
    """Each rule that gave a poll its number or a deadline more days is here."""
    found = pack.listed("rules")
    for event in pack.events:
        body, kind = event["content"], event["kind"]
        used = list(body.get("numbers", ())) if kind == "poll_opened" else []
        used += [body["rule"]] if kind == "deadline_extended" and "rule" in body else []
        for rule in used:
            if rule not in found:
                raise Wrong(f"规则 rule {rule} 不在包内 is missing", event)
    unlisted(pack, set(found.values()), "rules/")
    for rule, name in found.items() if comparable(pack) else ():
        lines = [line for line in pack.text(name).split("\n") if line.startswith("#")]
        if not pack.text(name).startswith(rule) or lines != numbers_of(pack, rule):
            raise Wrong(f"{name} 所载数值与表决不符 has not the numbers of the polls")
    return f"{len(found)} 条规则 rules"


def numbers_of(pack: Pack, rule: str) -> list[str]:
    """The lines of a rule about the polls that were opened with its number."""
    opened = [event for event in pack.events if event["kind"] == "poll_opened"]
    used = [event for event in opened if rule in event["content"].get("numbers", {})]
    return [f"#{e['seq']} {clock(e)}: {e['content']['numbers'][rule]}" for e in used]


def comparable(pack: Pack) -> bool:
    """Were the texts of this pack written to be compared? So the event of the export says."""
    last = pack.events[-1]
    return last["kind"] == "evidence_exported" and bool(last["content"].get("tells", 1) >= TOLD)


def rolls(pack: Pack) -> str:
    """Who could answer and what they answered, when and with which words: as the events have it,
    for each poll.
    """
    found, polls = pack.listed("polls"), answered(pack)
    for key, (event, choices) in polls.items():
        name = found.get(key)
        if name is None:
            raise Wrong(f"表决 {key} 未附名册 the roll of a poll is missing", event)
        lines = table(pack, name)
        shown = {line[0]: line[3] for line in lines if line[3]}
        if (sorted_hash(line[0] for line in lines), shown) != (
            event["content"]["roll_hash"],
            choices,
        ):
            raise Wrong(f"{name} 与事件不符 is not what the events have", event)
        if "public_key" in event["content"]:
            voted(pack, key, name, lines)
        else:
            voices(pack, key, name, lines)
    unlisted(pack, set(found.values()), "rolls/")
    unopened(found, polls)
    return f"{len(found)} 份名册 rolls"


def voted(pack: Pack, poll: str, name: str, lines: list[list[str]]) -> None:
    """Who is marked as having voted in secret is who was told to have."""
    cast = by_poll(pack, "ballots_cast").get(poll)
    if cast is not None and sorted(line[0] for line in lines if line[5]) != cast["voters"]:
        raise Wrong(f"{name} 投票人与事件不符 the voters are not those of the event")


def voices(pack: Pack, poll: str, name: str, lines: list[list[str]]) -> None:
    """When each of a roll answered last, and in which words, where events tell them."""
    said = {
        event["content"]["actor"]["id"]: event
        for event in pack.events
        if event["kind"] in ("poll_answered", "poll_answer_withdrawn")
        and event["content"]["poll"] == poll
    }
    for line in lines:
        event = said.get(line[0])
        late = event is not None and line[5] and not near(event, china(line[5], name))
        if late or (event is None and line[5]) or not worded(pack, event, plain(line[4])):
            raise Wrong(f"{name} {line[1]} 的作答与事件不符 is not what the event has", event)


def worded(pack: Pack, event: dict[str, Any] | None, comment: str) -> bool:
    """Is a comment the one that its event tells? Some events tell a digest only, older ones
    nothing; and it may be erased.
    """
    body = event["content"] if event else {}
    if "comment" in body:
        return bool(comment == body["comment"]) or not (
            comment or not of_kind(pack, "matter_erased")
        )
    launched = of_kind(pack, "instance_launched")
    untold = not launched or launched[0].get("tells", 1) < 3
    return not comment or "remark" in body or untold


def china(text: str, name: str) -> datetime:
    """A moment of a table, which is in the time of China."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError:
        raise Wrong(f"{name} 时刻不可读 a moment cannot be read: {text[:40]}") from None


def near(event: dict[str, Any], at: datetime) -> bool:
    """Is a moment that of its event, as far as a command takes time?"""
    return abs(instant(event) - at) <= SLACK


def plain(cell: str) -> str:
    """The text of a cell that was kept from being taken for a formula."""
    return cell[1:] if re.match(r"'[=+\-@\t\r]", cell) else cell


class Hall:
    """A meeting as the events tell it, up to the one that was read last."""

    def __init__(self, pack: Pack, roll: str, ledger: str) -> None:
        self.roll, self.ledger = roll, ledger
        self.kinds = {line[0]: line[2].split(" ")[-1] for line in table(pack, roll)}
        self.lines = [line for line in pack.text(ledger).split("\n") if line]
        self.events: list[dict[str, Any]] = []  # all of them
        self.struck: dict[str, int] = {}  # who was struck from the roll -> number of the event
        self.here: set[str] = set()
        self.moves = 0  # lines of the ledger so far
        self.running = False

    @property
    def whole(self) -> bool:
        """Do the events tell who came and went?"""
        called = (e["content"] for e in self.events if e["kind"] == "meeting_called")
        return any(body.get("tells", 1) >= WHOLE for body in called)

    def due(self, number: int) -> set[str]:
        """The formal members after the event of this number."""
        return {
            member
            for member, kind in self.kinds.items()
            if kind == "formal" or (kind == "struck" and self.struck.get(member, 0) > number)
        }

    def others(self, number: int) -> str:
        """The digest of all others, by kind."""
        due = self.due(number)
        others = (f"{kind} {who}" for who, kind in self.kinds.items() if who not in due)
        return sorted_hash(others)

    def present(self, kind: str, number: int) -> int:
        """How many of a kind are in the hall."""
        if kind == "formal":
            return len(self.here & self.due(number))
        return sum(self.kinds.get(member) == kind for member in self.here)

    def move(self, event: dict[str, Any]) -> None:
        """Some come or leave; who is here cannot come, and who is not cannot leave."""
        body = event["content"]
        for member in body["members"]:
            if body["came"] == (member in self.here):
                raise Wrong(f"{event['where']} 重复签到或离场 came or left twice: {member}", event)
            self.here ^= {member}
        self.moves += len(body["members"])

    def numbers(self, event: dict[str, Any]) -> dict[str, Any]:
        """What an event of the meeting must say of it."""
        number, said = event["number"], event["content"]
        counted = {
            "due": len(self.due(number)),
            "present": self.present("formal", number),
            "observers": self.present("observer", number),
            "guests": self.present("guest", number),
        }
        if "needed" in said:
            counted["quorate"] = counted["present"] >= said["needed"]
        return counted


def halls(pack: Pack) -> dict[str, Hall]:
    """Each meeting with its events, before the first of them was read."""
    found = {key: Hall(pack, *files) for key, files in pack.listed("meetings").items()}
    for event in pack.events:
        hall = found.get(str(event["content"].get("meeting")))
        if hall is None or event["kind"] not in ("meeting_called", "presence_noted", *HELD):
            continue
        hall.events.append(event)
        if event["kind"] == "meeting_struck":
            hall.struck.update(dict.fromkeys(event["content"].get("members", ()), event["number"]))
    return found


def meetings(pack: Pack) -> str:
    """Who was due, who was invited beside them, and who came and went, for each meeting: as the
    events have it.
    """
    found = halls(pack)
    for event in pack.events:
        key = event["content"].get("meeting")
        if event["kind"] in HELD and key not in found:
            raise Wrong(f"会议 {key} 未附名册 the roll of a meeting is missing", event)
    for hall in found.values():
        closed = (e for e in hall.events if "ledger" in e["content"])
        for event in closed:
            if pack.digests[hall.ledger] != event["content"]["ledger"]:
                raise Wrong(f"{hall.ledger} 与散会时不符 is not the ledger of the close", event)
        invited(hall)
        ledger(hall)
    unlisted(
        pack, {name for hall in found.values() for name in (hall.roll, hall.ledger)}, "meetings/"
    )
    files = {key: [hall.roll, hall.ledger] for key, hall in found.items()}
    unopened(files, {key for key, hall in found.items() if hall.whole or is_held(hall)})
    return f"{len(found)} 次会议 meetings"


def is_held(hall: Hall) -> bool:
    return any(event["kind"] in HELD for event in hall.events)


def invited(hall: Hall) -> None:
    """The roll is that of the opening and of all later events; of a meeting that was only called,
    that of the call.
    """
    kinds = HELD if is_held(hall) else ("meeting_called",)
    for event in (e for e in hall.events if e["kind"] in kinds):
        body, number = event["content"], event["number"]
        made = {"roll_hash": sorted_hash(hall.due(number)), "others": hall.others(number)}
        if any(name in body and body[name] != digest for name, digest in made.items()):
            raise Wrong(f"{hall.roll} 与事件不符 is not what the event has", event)


def ledger(hall: Hall) -> None:
    """Each line of the ledger is an arrival or departure of the events, and each has its line."""
    noted = [e for e in hall.events if e["kind"] == "presence_noted"] if hall.whole else []
    moves = [(member, event) for event in noted for member in event["content"]["members"]]
    last = 0
    for line, move in zip_longest(hall.lines if hall.whole else (), moves):
        number = int(line.split(" ")[0]) if line and re.match(r"[0-9]{1,18} ", line) else 0
        if move is None or number <= last or not moved(line.split(" ")[1:], *move):
            event = move[1] if move else hall.events[-1]
            text = f"{hall.ledger} 与签到、离场的事件不符 is not what the events have"
            raise Wrong(text, event)
        last = number


def moved(line: list[str], member: str, event: dict[str, Any]) -> bool:
    """Does a line of a ledger, without its number, say what its event says?"""
    body = event["content"]
    told = [member, "+" if body["came"] else "-", body["way"], body["actor"]["id"]]
    try:
        return line[:-1] == told and near(event, datetime.fromisoformat(line[-1]))
    except (ValueError, TypeError):  # no moment, or one without its zone
        return False


def presence(pack: Pack) -> str:
    """How many were in the hall at each opening, vote and close: counted again from the arrivals
    and departures before it.
    """
    found = halls(pack)
    for each in found.values():
        try:  # counted from a false roll or ledger, a true event would seem false
            invited(each)
            ledger(each)
        except Wrong as wrong:
            raise Unusable(str(wrong)) from wrong
    votes: dict[str, Vote] = {}
    counted = 0
    for event in pack.events:
        body, kind = event["content"], event["kind"]
        hall, poll = found.get(str(body.get("meeting"))), str(body.get("poll"))
        if kind == "poll_opened" and "presence" in body:
            votes[poll] = Vote(event, under(found, event))
            counted += compared(event, body, votes[poll].at_opening())
        elif kind in STOPS and poll in votes:
            votes[poll].over = True
            if kind == "poll_closed":
                counted += compared(event, body["outcome"], votes[poll].at_closing())
        elif hall and kind in ("presence_noted", *HELD):
            counted += attended(hall, event)
            for vote in votes.values():
                vote.look(event)
    return f"{counted} 处人数 numbers"


class Vote:
    """A vote under a meeting (None: one whose events do not tell who was there): how many were in
    the hall.
    """

    def __init__(self, event: dict[str, Any], hall: Hall | None) -> None:
        self.hall, self.opened, self.over = hall, event, False
        self.opening = self.least = self.last = self.now(event)

    def now(self, event: dict[str, Any]) -> int:
        return self.hall.present("formal", event["number"]) if self.hall else 0

    def look(self, event: dict[str, Any]) -> None:
        """Somebody may have come or left."""
        if not self.over:
            self.last = self.now(event)
            self.least = min(self.least, self.last)

    def at_opening(self) -> dict[str, Any]:
        """What the event of the opening must say."""
        if self.hall is None:
            return {}
        return {"present": self.opening, "due": len(self.hall.due(self.opened["number"]))}

    def at_closing(self) -> dict[str, Any]:
        """What the outcome must say."""
        if self.hall is None:
            return {}
        said = self.opened["content"]
        counted = {"present_at_opening": self.opening, "present": self.last}
        needed = {"present_needed": said["needed"]} if "needed" in said else {}
        return {**counted, "present_least": self.least, **needed}


def under(found: dict[str, Hall], event: dict[str, Any]) -> Hall | None:
    """The meeting in which a vote opens: the one whose ledger had then the digest that the event
    tells.
    """
    running = [hall for hall in found.values() if hall.running]
    for hall in running:
        lines = "".join(f"{line}\n" for line in hall.lines[: hall.moves])
        if hashlib.sha256(lines.encode()).hexdigest() == event["content"]["presence"]:
            return hall if hall.whole else None
    if all(hall.whole for hall in running):
        raise Wrong(
            f"{event['where']} 不是当时的签到记录 presence is not the ledger of then", event
        )
    return None


def attended(hall: Hall, event: dict[str, Any]) -> int:
    """One more event of a meeting; how many of its numbers hold."""
    body, kind = event["content"], event["kind"]
    if kind in HELD:
        hall.running = kind != "meeting_closed"
    if not hall.whole:
        return 0
    if kind == "presence_noted":
        hall.move(event)
        return compared(event, body, {"count": len(body["members"])})
    return compared(event, body, hall.numbers(event))


def compared(event: dict[str, Any], said: dict[str, Any], counted: dict[str, Any]) -> int:
    """How many of these numbers an event says; each must be the one that was counted."""
    names = [name for name in counted if name in said]
    for name in names:
        if canonical(said[name]) != canonical(counted[name]):
            told = f"{name} {said[name]}，应为 must be {counted[name]}"
            raise Wrong(f"{event['where']} {told}", event)
    return len(names)


def outcomes(pack: Pack) -> str:
    """What each poll came to is the sum of its answers or ballots, and of those on paper."""
    ballots: dict[str, Ballots] = {}
    closed = 0
    for event in pack.events:
        body, kind = event["content"], event["kind"]
        poll = str(body.get("poll"))
        if kind == "poll_opened":
            ballots[poll] = Ballots(body)
        elif poll in ballots:
            ballots[poll].read(kind, body)
        if kind == "poll_closed" and poll in ballots and "outcome" in body:
            sums, said = ballots[poll].sums(body), {**body["outcome"], **votes_of(body)}
            left_out = dict.fromkeys(sums.keys() - NUMBERS, 0)
            compared(event, {**left_out, **said}, sums)
            closed += 1
    return f"{closed} 个结果 outcomes"


def votes_of(closed: dict[str, Any]) -> dict[str, Any]:
    """How many votes an outcome gives to each choice or candidate."""
    outcome = closed["outcome"]
    if isinstance(outcome.get("votes"), dict):
        return {"abstain": outcome.get("abstain", 0), **outcome["votes"]}
    return {
        name: number
        for name, number in outcome.items()
        if type(number) is int and name not in NUMBERS
    }


class Ballots:
    """The answers to a poll, or the ballots of a secret one, as the events tell them so far."""

    def __init__(self, opened: dict[str, Any]) -> None:
        self.opened, self.secret = opened, "public_key" in opened
        self.choices: dict[str, str] = {}
        self.cast: dict[str, Any] = {}
        self.counted: dict[str, Any] = {}

    def read(self, kind: str, body: dict[str, Any]) -> None:
        """One more event of it."""
        if kind in ("poll_answered", "poll_answer_withdrawn"):
            self.choices.pop(body["actor"]["id"], None)
            if kind == "poll_answered" and body.get("choice"):
                self.choices[body["actor"]["id"]] = body["choice"]
        elif kind == "ballots_cast":
            self.cast = body
        elif kind == "ballots_opened":
            self.counted = body

    def votes(self, paper: dict[str, Any]) -> Counter[str]:
        """Those in the system and those on paper. A ballot of an election names several."""
        found = Counter(part for choice in self.choices.values() for part in choice.split(" "))
        found.update(self.counted.get("counts", {}) if self.secret else {})
        found.update(paper.get("counts", {}))
        return found

    def sums(self, closed: dict[str, Any]) -> dict[str, Any]:
        """What the outcome must say."""
        paper = closed["outcome"].get("on_paper") or {}
        here = len(self.cast.get("voters", ())) if self.secret else len(self.choices)
        votes, back = self.votes(paper), here + paper.get("returned", 0)
        invalid = self.counted.get("invalid", 0) + paper.get("invalid", 0)
        roll = self.opened.get("roll", closed["outcome"].get("roll", 0))
        chosen = {name: votes[name] for name in {*votes, *votes_of(closed)} - {"answered"}}
        sums = {"roll": roll, "answered": back, "returned": back, "silent": roll - back}
        sums |= {"issued": here + paper.get("issued", 0), "invalid": invalid}
        return {**chosen, **sums, "valid": back - invalid}


def timeline(pack: Pack) -> str:
    """The table of the events has each of them, with its moment, person, kind, hash and leaf."""
    name = "timeline.csv"
    lines = table(pack, name) if name in pack.files else []
    for line, event in zip_longest(lines, pack.events if name in pack.files else ()):
        if line is None or event is None or not told(line, event):
            raise Wrong(f"{name} 与记录不符 is not what the events have", event)
    mined(pack, "log.xes", xes)
    mined(pack, "ocel.json", ocel)
    drawn(pack, "answer.pdf", "answer.txt")
    drawn(pack, "timeline.pdf", "timeline.csv")
    if comparable(pack):
        for line, event in zip_longest(lines, pack.events if lines else ()):
            if not numbers_in(plain(line[5]), event):
                raise Wrong(f"{name} 与记录不符 is not what the events have", event)
        texts(pack)
        named(pack)
    return f"{len(lines)} 行 lines"


def drawn(pack: Pack, name: str, source: str) -> None:
    """What is drawn from a file names the digest of the one that is here."""
    if name not in pack.files:
        return
    digest = pack.digests.get(source, "-").encode()
    if b"sha256:" + digest not in pack.read(name):
        raise Wrong(f"{name} 不是由 {source} 制成 is not drawn from it")


def texts(pack: Pack) -> None:
    """The texts are about this instance, and each line about an event says what the event has."""
    number = f"{of_kind(pack, 'instance_launched')[0]['number']} "
    for name in ("answer.txt", "README.txt"):
        if name not in pack.files or number not in pack.text(name).split("\n")[0]:
            raise Wrong(f"{name} 缺失，或不是本件的 is missing or about another instance")
    halves = pack.text("answer.txt").split("\n\n\n")
    if len(halves) != 2:
        raise Wrong("answer.txt 不是中英文各一篇 is not one text in each language")
    for half in halves:
        told_in(pack, half.split("\n"))


def told_in(pack: Pack, lines: list[str]) -> None:
    """All events in their order, then the documents and refused tries; what claims rest on."""
    found = [(at, line) for at, line in enumerate(lines) if line.startswith("#")]
    count = len(pack.events)
    for place, event in zip_longest(found[:count], pack.events):
        at, line = place or (0, "")
        if not heads_line(line, event) or not numbers_in(whole(lines, at), event):
            raise Wrong("answer.txt 与记录不符 is not what the events have", event)
    seqs = [said_beside(pack, line) for _at, line in found[count:]]
    beside = [e["seq"] for e in pack.events if e["kind"] in ("document_issued", "attempt_refused")]
    if sorted(seqs) != beside:
        raise Wrong("answer.txt 缺少文书或被拒绝的办理 lacks a document or a refused try")
    for line in lines:
        rests = re.match(r"- .*?([0-9]{4}-[0-9-]{5} [0-9:]{8}).*#([0-9]{1,9})", line)
        if rests and not near(numbered(pack, rests[2]), china(rests[1], "answer.txt")):
            raise Wrong("answer.txt 所举的记录时刻不符 has another moment than its event")


def heads_line(line: str, event: dict[str, Any]) -> bool:
    """Does a line begin with the number, moment and people of an event?"""
    head = " ".join(filter(None, (f"#{event['seq']}", clock(event), people(event))))
    return line == head or line.startswith(f"{head} ")


def whole(lines: list[str], at: int) -> str:
    """A line with those that go on with it, indented."""
    more = [index for index in range(at + 1, len(lines)) if not lines[index].startswith(" ")]
    return "\n".join(lines[at : more[0] if more else len(lines)])


def numbers_in(text: str, event: dict[str, Any]) -> bool:
    """Does a text about an event give the numbers that the event has, each behind its label?"""
    parts = re.split("; |；|\n", text)
    said = [value for key in SHOWN if type(value := event["content"].get(key)) in (int, str)]
    return all(any(p.endswith((f"：{n}", f": {n}")) for p in parts) for n in said if n != "")


def said_beside(pack: Pack, line: str) -> int:
    """The number of the event that a line about a document or a refused try speaks of."""
    found = re.match(r"#([0-9]{1,9}) ([0-9-]{10} [0-9:]{8}) ", line)
    event = numbered(pack, found[1] if found else "0")
    if found is None or event["kind"] != "document_issued":
        holds = found is not None and event["kind"] == "attempt_refused" and heads_line(line, event)
    else:
        body = event["content"]
        ends = line.endswith(f"  SHA-256 {body['sha256']}")
        holds = ends and f" {body.get('number') or ''}" in line
        holds = holds and near(event, china(found[2], "answer.txt"))
    if not holds:
        raise Wrong("answer.txt 与文书、记录不符 is not what the events have", event)
    return int(event["seq"])


def numbered(pack: Pack, seq: str) -> dict[str, Any]:
    """The event of a number that a text gives."""
    if not 0 < int(seq) <= len(pack.events):
        raise Wrong(f"没有第 {seq} 条记录 there is no event {seq}")
    return pack.events[int(seq) - 1]


def named(pack: Pack) -> None:
    """A member has one name in all rolls, a choice one label within each."""
    polls = pack.listed("polls").values()
    names: dict[str, str] = {}
    for name in (*polls, *(roll for roll, _ledger in pack.listed("meetings").values())):
        labels: dict[str, str] = {}
        for line in table(pack, name):
            label = line[2] if name in polls and line[3] else ""
            if names.setdefault(line[0], line[1]) != line[1] or (
                label and labels.setdefault(line[3], label) != label
            ):
                raise Wrong(f"{name} 姓名或选择前后不一 a name or a choice is told in two ways")


def mined(pack: Pack, name: str, read: Callable[[str], list[list[str]]]) -> None:
    """A log for process mining has each event, with its moment, kind, person and hash."""
    if name not in pack.files:
        return
    for line, event in zip_longest(read(pack.text(name)), pack.events):
        if line is None or event is None or line != mark(event):
            raise Wrong(f"{name} 与记录不符 is not what the events have", event)


def mark(event: dict[str, Any]) -> list[str]:
    """Seq, kind, moment, people and hash of an event, as logs for process mining tell them."""
    told = (str(event["seq"]), event["kind"], moment(event), people(event), event["hash"])
    return [UNPRINTED.sub("\ufffd", each) for each in told]


def xes(text: str) -> list[list[str]]:
    """The events of a log in XES; one that is written otherwise than we do gives other lines."""
    lines = [[html.unescape(part) for part in found] for found in XES_EVENT.findall(text)]
    return lines if len(lines) == text.count("<event") else []


def ocel(text: str) -> list[list[str]]:
    """The events of a log in OCEL."""
    log = parse(text, "ocel.json")
    try:
        said = [(e, {a["name"]: a["value"] for a in e["attributes"]}) for e in log["events"]]
        lines = [[e["id"], e["type"], e["time"], a["by"], a["hash"]] for e, a in said]
    except (KeyError, TypeError, AttributeError):
        return []
    return [[UNPRINTED.sub("\ufffd", str(part)) for part in line] for line in lines]


def told(line: list[str], event: dict[str, Any]) -> bool:
    """Is a line of the timeline about this event?"""
    leaf = "" if event["leaf_no"] is None else str(event["leaf_no"])
    made = [str(event["seq"]), clock(event), people(event), event["kind"], event["hash"], leaf]
    return len(line) == 9 and [plain(line[at]) for at in (0, 1, 4, 6, 7, 8)] == made


def people(event: dict[str, Any]) -> str:
    """Who did it, by name, with whoever it was done for."""
    return " ← ".join(event[who]["name"] for who in ("actor", "on_behalf_of") if event[who])


def clock(event: dict[str, Any]) -> str:
    """The moment of an event as tables and texts tell it, in the time of China."""
    return instant(event).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def unopened(found: Mapping[str, Any], opened: Iterable[str]) -> None:
    """A roll of what was called and never opened is in no event."""
    for key in sorted(set(found) - set(opened)):
        say(f"NOTE  {found[key]} 没有开始，名册未记入历史 never opened, so no event has its roll")


def table(pack: Pack, name: str) -> list[list[str]]:
    """The lines of a CSV below its head."""
    return [*csv.reader(io.StringIO(pack.text(name).lstrip("\ufeff")))][1:]


def answered(pack: Pack) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """Of each poll the event of its opening, and the last choice of each member."""
    opened: dict[str, tuple[dict[str, Any], dict[str, str]]] = {}
    for event in pack.events:
        body, kind = event["content"], event["kind"]
        if kind == "poll_opened" and "roll_hash" in body:
            opened[body["poll"]] = (event, {})
        elif kind in ("poll_answered", "poll_answer_withdrawn") and body["poll"] in opened:
            choices, member = opened[body["poll"]][1], body["actor"]["id"]
            choices.pop(member, None)
            if kind == "poll_answered" and body.get("choice"):
                choices[member] = body["choice"]
    return opened


def sorted_hash(members: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(members)).encode()).hexdigest()


def listed(value: list[Any]) -> str:
    return hashlib.sha256(canonical(sorted(value))).hexdigest()


def witness(pack: Pack) -> str:
    """The checkpoints that someone outside kept are those of this history."""
    roots = {note[1]: note[2] for note in pack.checkpoints}
    last, unknown = int(pack.checkpoints[-1][1]), []
    for number, note in enumerate(pack.witness, 1):
        where = f"留存的检查点第 {number} 份 witness note {number} (size {note[1]})"
        signed(pack, note, where)
        if int(note[1]) > last:
            raise Wrong(f"{where} 晚于本包，请重新导出 is newer than the pack: export it again")
        if note[1] not in roots:
            unknown.append(note[1])
        elif roots[note[1]] != note[2]:
            raise Wrong(f"{where} 根不同 has another root")
    if unknown:
        raise Unproved(
            f"留存的检查点 {unknown[0]} 不在包内，请登记后重新导出 witnessed checkpoint {unknown[0]} is not in the pack"
        )
    covered = max((int(note[1]) for note in pack.witness), default=0)
    young = sum(event["leaf_no"] >= covered for event in pack.events)
    if not pack.witness and not pack.expected:
        say(
            "NOTE  未提供留存的检查点或密钥编号 no --witness and no --key: 换密钥重造的包无法发现 a pack remade with a new key would pass"
        )
    elif young:
        say(
            f"NOTE  {young} 个事件晚于留存的检查点，掌握数据库和密钥的人仍可改写 events are younger than what you kept"
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
    "附件 attachments": attachments,
    "选票 ballots": ballots,
    "流程 process": process,
    "规则 rules": rules,
    "名册 rolls": rolls,
    "会议 meetings": meetings,
    "到会 presence": presence,
    "结果 outcomes": outcomes,
    "时间线 timeline": timeline,
    "留存 witness": witness,
}
EVENTS = (
    bodies,
    sequence,
    chain,
    inclusion,
    heads,
    presence,
    outcomes,
)  # the checks of the events themselves
OLD_CHECKS = {
    name: CHECKS[name] for name in ("清单 manifest", "正文 bodies", "序号 sequence", "哈希链 chain")
}


def say(text: str) -> None:
    """One line; what the pack contains must not be able to write lines or colours of its own."""
    sys.stdout.write("".join(c if c.isprintable() else "?" for c in text) + "\n")


def verify(path: Path, witness: Path | None, expected: str = "") -> int:
    """Check a pack and say so line by line; the exit code."""
    try:
        pack = Pack(path, witness.read_text("utf-8") if witness else "", expected)
        return check_all(pack, CHECKS if pack.format == 2 else OLD_CHECKS)
    except Exception as error:  # uncaught, it would exit 1, which means "false"
        say(
            f"UNUSABLE 无法校验 {'' if isinstance(error, Unusable) else type(error).__name__} {error}"
        )
        return 2


def check_all(pack: Pack, checks: Mapping[str, Callable[[Pack], str]]) -> int:
    """All checks, also after one is false: the first false event is named whatever else is
    wrong.
    """
    false: list[tuple[str, Wrong]] = []
    unproved = "" if pack.format == 2 else OLD
    for number, (title, check) in enumerate(checks.items(), 1):
        at = f"{number}/{len(checks)} {title}"
        try:
            say(f"OK    {at}: {check(pack)}")
        except Wrong as wrong:
            say(f"NO    {at}: {wrong}")
            wrong.beside = check not in EVENTS
            false.append((at, wrong))
        except Unproved as left:
            say(f"OPEN  {at}: {left}")
            unproved = str(left)
        except Exception as error:
            if not false:
                raise
            say(f"SKIP  {at}: {type(error).__name__} {error}")
            if isinstance(error, Unusable) and error.number:
                false.append((at, Wrong(str(error), missing=error.number)))
    return conclude(false, unproved, len(checks))


def conclude(false: list[tuple[str, Wrong]], unproved: str, checks: int) -> int:
    """The last line, and the exit code."""
    if false:
        say(f"FALSE {false[0][0]}: {false[0][1]}{first_event([wrong for _, wrong in false])}")
        return 1
    say(f"UNPROVED 未能证明 {unproved}" if unproved else f"PASS {checks}/{checks}")
    return 3 if unproved else 0


def first_event(false: list[Wrong]) -> str:
    """The first event that is false, by number and time; if all are true, the first that something
    false belongs to.
    """
    events = sorted(
        (wrong for wrong in false if wrong.number), key=lambda wrong: (wrong.beside, wrong.number)
    )
    if not events:
        return ""
    first = events[0]
    what = "所涉记录 about event" if first.beside else "第一条不实的记录 first false event"
    gone = "（缺失 missing）" if first.missing else ""
    return f" — {what}: #{first.number}{gone} {first.when}".rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description="校验证据包 Verify an evidence pack")
    parser.add_argument("pack", type=Path, help="证据包（ZIP 或文件夹） the pack: ZIP or folder")
    parser.add_argument(
        "--witness", type=Path, help="您留存的检查点 checkpoint notes that you kept"
    )
    parser.add_argument("--key", default="", help="您留存的密钥编号 the key id that you were given")
    given = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    return verify(given.pack, given.witness, given.key)


if __name__ == "__main__":
    sys.exit(main())
