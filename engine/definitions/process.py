"""A process folder as one frozen object: what process.toml, the diagram, the forms and the decision tables say together."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine import decisions, forms, machine
from engine.definitions.diagram import Diagram, parse_xml, read_diagram
from engine.errors import ProcessFault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TEXTS = {".toml", ".bpmn", ".dmn", ".json", ".typ", ".md", ".txt"}
FROZEN = (
    "process.toml",
    "process.bpmn",
    "forms/",
    "documents/",
)  # and every *.dmn; stories and notes are not the version
MAX_FOLDER = 4_000_000
LETTER = "letter.typ"  # the layout of all documents, in processes/documents
_DECIDES = re.compile(r"businessRuleTask\b[^>]*?\bid=\"([a-z][a-z0-9_]{0,59})\"")


@dataclass(frozen=True)
class Words:
    """A text in both languages."""

    zh: str
    en: str

    def in_(self, lang: str) -> str:
        return self.en or self.zh if lang.startswith("en") else self.zh


@dataclass(frozen=True)
class Lane:
    key: str
    title: Words
    post: str = ""
    unit: str = ""  # "union" or an expression that gives a unit id
    person: str = ""  # dotted fact with a member id


@dataclass(frozen=True)
class PollRule:
    """How a user task is put to a roll: see docs/architecture.md."""

    kind: str
    roll: str
    choices: tuple[str, ...]
    labels: dict[str, Words]
    closes: str
    passes: str
    early: str
    closable: str
    withdrawal: bool
    words: Words  # the rule in words; {RULE-ID} stands for its number
    secret: bool = False
    tellers: str = ""  # expression giving member ids
    keys: str = ""  # rule: how many tellers open the envelopes together
    paper: bool = False
    meeting: str = ""  # the task that holds the meeting
    in_order: bool = False
    candidates: str = ""
    seats: str = ""
    wins: str = ""
    about: tuple[
        str, ...
    ] = ()  # facts that are put to the vote; the first one is the question itself


@dataclass(frozen=True)
class MeetingRule:
    """A user task that holds a meeting: expressions giving member ids, and the quorum over `present` and `due`."""

    formal: str
    observers: str
    guests: str
    quorum: str
    words: Words


@dataclass(frozen=True)
class Gate:
    """What must hold before an act is accepted: an expression over the facts and the answers just given."""

    holds: str
    text: Words


@dataclass(frozen=True)
class Guard:
    """What must hold whenever one of these elements is entered or passed, whichever command leads there."""

    at: frozenset[str]
    holds: str
    text: Words
    basis: str


@dataclass(frozen=True)
class Tell:
    """What is said to whoever has a task: words with {facts} and {RULE-ID}s in them, while `when` holds (empty: always)."""

    when: str
    text: Words


@dataclass(frozen=True)
class TaskRule:
    id: str
    title: Words
    asks: Words
    lane: str
    due: str = ""
    basis: str = ""
    not_by: tuple[str, ...] = ()
    recuse: str = ""
    gates: tuple[Gate, ...] = ()
    prefill: tuple[str, ...] = ()  # facts whose answers of the same name the form starts with
    outcomes: str = ""
    next: dict[str, Words] | None = None
    poll: PollRule | None = None
    form: forms.Form | None = None
    meeting: MeetingRule | None = None
    room: tuple[
        str, ...
    ] = ()  # the lanes that may read what was said here; empty: all who see the matter
    link: bool = False  # may be answered from outside by a one-time link
    tells: tuple[Tell, ...] = ()


@dataclass(frozen=True)
class MessageRule:
    name: str
    title: Words
    asks: Words
    lane: str
    form: forms.Form | None


@dataclass(frozen=True)
class DocumentRule:
    key: str
    title: Words
    numbering: str
    outside: bool = False  # shown to whoever answers from outside


@dataclass(frozen=True)
class Process:
    """One immutable version. `raw` is process.toml as read, for what only one place needs.

    `tasks` also holds "launch" and the messages: what is said there is kept and shown like a task's answers.
    """

    id: str
    hash: str
    title: Words
    summary: Words
    basis: Words
    numbering: str
    number_key: str
    subject: str
    launch: tuple[str, ...]
    search: tuple[str, ...]
    confidentiality: str
    disclosed_by: frozenset[str]  # elements after which a confidential matter is one no more
    lanes: dict[str, Lane]
    tasks: dict[str, TaskRule]
    actions: dict[str, dict[str, Any]]
    messages: dict[str, MessageRule]
    documents: dict[str, DocumentRule]
    decisions: dict[str, decisions.Table]
    guards: tuple[Guard, ...]
    launch_form: forms.Form
    diagram: Diagram
    spec: machine.Spec
    raw: dict[str, Any]
    files: Mapping[str, str]

    def title_of(self, element: str, lang: str = "zh") -> str:
        """What a person calls an element of the diagram."""
        if element in self.tasks:
            return self.tasks[element].title.in_(lang)
        found = self.diagram.elements.get(element)
        names = self.raw.get("names_en", {})
        if lang.startswith("en") and element in names:
            return str(names[element])
        return found.name if found and found.name else element


def read(folder: Path) -> dict[str, str]:
    """All text files of a folder by relative path. Raises ProcessFault when it is none or too large."""
    if not folder.is_dir():
        raise ProcessFault(f"没有这个流程文件夹：{folder}", file=str(folder))
    files: dict[str, str] = {}
    size = 0
    for path in sorted(folder.rglob("*")):
        if (
            path.is_file()
            and path.suffix in TEXTS
            and not any(p.startswith(".") for p in path.relative_to(folder).parts)
        ):
            data = path.read_bytes()
            size += len(data)
            if size > MAX_FOLDER:
                raise ProcessFault(
                    f"流程文件夹超过 {MAX_FOLDER // 1_000_000} MB。", file=str(folder)
                )
            try:
                files[path.relative_to(folder).as_posix()] = data.decode("utf-8")
            except UnicodeDecodeError as fault:
                raise ProcessFault("文件不是 UTF-8 编码。", file=path.name) from fault
    return completed(files, folder.resolve().parent)


def completed(files: Mapping[str, str], processes: Path) -> dict[str, str]:
    """The files with what they name and do not have, but several processes have in common: tables, the letter's layout."""
    named = {
        f"{key}.dmn": f"decisions/{key}.dmn"
        for key in _DECIDES.findall(files.get("process.bpmn", ""))
    }
    if any(LETTER in text for name, text in files.items() if name.startswith("documents/")):
        named[f"documents/{LETTER}"] = f"documents/{LETTER}"
    wanted = {name: processes / place for name, place in named.items() if name not in files}
    return {
        **{
            name: path.read_text("utf-8") for name, path in sorted(wanted.items()) if path.is_file()
        },
        **files,
    }


def frozen(files: Mapping[str, str]) -> dict[str, str]:
    """The files that make the version: what runs. Stories, outline and notes may change without a new version."""
    return {
        k: v
        for k, v in files.items()
        if k.startswith(FROZEN) or ("/" not in k and k.endswith(".dmn"))
    }


def fingerprint(files: Mapping[str, str]) -> str:
    """SHA-256 over the frozen files, by name and content."""
    digest = hashlib.sha256()
    for name, text in sorted(frozen(files).items()):
        digest.update(f"{name}\0{len(text.encode())}\0".encode() + text.encode())
    return digest.hexdigest()


def _words(table: Mapping[str, Any], key: str) -> Words:
    return Words(str(table.get(key, "")), str(table.get(f"{key}_en", "")))


def load(files: Mapping[str, str]) -> Process:
    """The process that these files make. Raises ProcessFault at the first thing without which it cannot be read at all."""
    try:
        return _load(fingerprint(files), json.dumps(frozen(files), sort_keys=True))
    except (
        ValueError,
        RecursionError,
    ) as fault:  # numbers of ten thousand digits, a thousand brackets, half characters
        raise ProcessFault("流程文件夹里有无法读取的内容。", file="process.toml") from fault


@lru_cache(maxsize=64)
def _load(digest: str, text: str) -> Process:
    files: dict[str, str] = json.loads(text)
    for needed in ("process.toml", "process.bpmn", "forms/launch.json"):
        if needed not in files:
            raise ProcessFault(f"流程文件夹里缺少 {needed}。", file=needed)
    try:
        raw = tomllib.loads(files["process.toml"])
    except tomllib.TOMLDecodeError as fault:
        raise ProcessFault(f"process.toml 无法读取：{fault}", file="process.toml") from fault
    tree = parse_xml(files["process.bpmn"].encode(), "process.bpmn")
    diagram = read_diagram(tree)
    try:
        return _assemble(digest, files, raw, tree, diagram)
    except (KeyError, TypeError, AttributeError, ValueError) as fault:
        raise ProcessFault(f"process.toml 的写法不对：{fault!r}", file="process.toml") from fault


def _form(files: Mapping[str, str], name: str) -> forms.Form | None:
    path = f"forms/{name}.json"
    if path not in files:
        return None
    try:
        return forms.load(json.loads(files[path]))
    except json.JSONDecodeError as fault:
        raise ProcessFault(f"不是有效的 JSON:{fault}", file=path) from fault


def _assemble(
    digest: str, files: dict[str, str], raw: dict[str, Any], tree: Any, diagram: Diagram
) -> Process:
    launch_form = _form(files, "launch")
    assert launch_form is not None
    process_id = str(raw["id"])
    return Process(
        id=process_id,
        hash=digest,
        title=_words(raw, "title"),
        summary=_words(raw, "summary"),
        basis=_words(raw, "basis"),
        numbering=str(raw["numbering"]),
        number_key=str(raw.get("number_key", process_id)),
        subject=str(raw["subject"]),
        launch=tuple(raw["launch"]),
        search=tuple(raw.get("search", [])),
        confidentiality=str(raw.get("confidentiality", "internal")),
        disclosed_by=frozenset(raw.get("disclosed_by", [])),
        lanes={k: _lane(k, v) for k, v in raw.get("lanes", {}).items()},
        tasks={
            "launch": TaskRule(
                "launch", Words("提出", "Launch"), Words("", ""), "", form=launch_form
            ),
            **{
                e.id: _task(e.id, e.name, e.lane, raw, files)
                for e in diagram.elements.values()
                if e.type == "userTask"
            },
            **{k: _said(k, v, files) for k, v in raw.get("messages", {}).items()},
        },
        actions=dict(raw.get("actions", {})),
        messages={k: _message(k, v, files) for k, v in raw.get("messages", {}).items()},
        documents={
            k: DocumentRule(k, _words(v, "title"), v.get("numbering", ""), bool(v.get("outside")))
            for k, v in raw.get("documents", {}).items()
        },
        decisions={
            k[:-4]: decisions.parse(v.encode()) for k, v in files.items() if k.endswith(".dmn")
        },
        guards=tuple(_guard(g) for g in raw.get("guards", [])),
        launch_form=launch_form,
        diagram=diagram,
        spec=machine.parse(tree, diagram.process_id),
        raw=raw,
        files=files,
    )


def _lane(key: str, table: Mapping[str, Any]) -> Lane:
    return Lane(
        key,
        _words(table, "title"),
        table.get("post", ""),
        table.get("unit", ""),
        table.get("person", ""),
    )


def _message(name: str, table: Mapping[str, Any], files: Mapping[str, str]) -> MessageRule:
    return MessageRule(
        name,
        _words(table, "title"),
        _words(table, "asks"),
        table.get("lane", ""),
        _form(files, name),
    )


def _said(name: str, table: Mapping[str, Any], files: Mapping[str, str]) -> TaskRule:
    """What a person says by a message is kept and shown like the answers of a task."""
    title, asks = _words(table, "title"), _words(table, "asks")
    room = tuple(table.get("room", []))
    return TaskRule(
        name,
        title,
        asks,
        table.get("lane", ""),
        gates=_gates(table),
        form=_form(files, name),
        room=room,
    )


def _gates(table: Mapping[str, Any]) -> tuple[Gate, ...]:
    return tuple(Gate(str(g["holds"]), _words(g, "text")) for g in table.get("gates", []))


def _guard(table: Mapping[str, Any]) -> Guard:
    return Guard(
        frozenset(table["at"]),
        str(table["holds"]),
        _words(table, "text"),
        str(table.get("basis", "")),
    )


def _task(
    key: str, name: str, lane: str, raw: Mapping[str, Any], files: Mapping[str, str]
) -> TaskRule:
    table = raw.get("tasks", {}).get(key, {})
    title = _words(table, "title")
    after, after_en = table.get("next", {}), table.get("next_en", {})
    poll = table.get("poll")
    return TaskRule(
        id=key,
        title=title if title.zh else Words(name, title.en),
        asks=_words(table, "asks"),
        lane=lane,
        due=table.get("due", "") or (poll or {}).get("closes", ""),
        basis=table.get("basis", ""),
        not_by=tuple(table.get("not_by", [])),
        recuse=table.get("recuse", ""),
        gates=_gates(table),
        prefill=tuple(table.get("prefill", [])),
        outcomes=table.get("outcomes", ""),
        next={k: Words(v, after_en.get(k, "")) for k, v in after.items()},
        poll=_poll(poll) if poll else None,
        form=_form(files, key),
        meeting=_meeting(table["meeting"]) if "meeting" in table else None,
        room=tuple(table.get("room", [])),
        link=bool(table.get("link", False)),
        tells=tuple(
            Tell(str(t.get("when", "")), _words(t, "text")) for t in table.get("tells", [])
        ),
    )


def _meeting(table: Mapping[str, Any]) -> MeetingRule:
    return MeetingRule(
        table["formal"],
        table.get("observers", ""),
        table.get("guests", ""),
        table["quorum"],
        _words(table, "words"),
    )


def _poll(table: Mapping[str, Any]) -> PollRule:
    labels, labels_en = table.get("labels", {}), table.get("labels_en", {})
    choices = tuple(table.get("choices", []))
    return PollRule(
        kind=table["kind"],
        roll=table["roll"],
        choices=choices,
        labels={c: Words(labels.get(c, c), labels_en.get(c, "")) for c in choices},
        closes=table.get("closes", ""),
        passes=table["passes"],
        early=table.get("early", "never"),
        closable=table.get("closable", "never"),
        withdrawal=bool(table.get("withdrawal", True)),
        words=_words(table, "words"),
        secret=bool(table.get("secret", False)),
        tellers=table.get("tellers", ""),
        keys=table.get("keys", ""),
        paper=bool(table.get("paper", False)),
        meeting=table.get("meeting", ""),
        in_order=bool(table.get("in_order", False)),
        candidates=table.get("candidates", ""),
        seats=table.get("seats", ""),
        wins=table.get("wins", ""),
        about=tuple(table.get("about", [])),
    )
