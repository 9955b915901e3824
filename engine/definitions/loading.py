"""Makes the process of a version from the files of its folder."""

from __future__ import annotations

import json
import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine import decisions, forms, legacy, machine
from engine.definitions import papers, verbs
from engine.definitions.diagram import parse_xml, read_diagram
from engine.definitions.folder import fingerprint, frozen
from engine.definitions.process import (
    BookRule,
    Claim,
    ColumnRule,
    DocumentRule,
    EntryRule,
    Gate,
    Guard,
    Lane,
    MeetingRule,
    MessageRule,
    PollRule,
    Premise,
    Process,
    PublicationRule,
    RollRule,
    RoundRule,
    Statistics,
    TaskRule,
    Tell,
    Words,
)
from engine.errors import ProcessFault
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml import etree

    from engine.definitions.diagram import Diagram, Element

    Table = Mapping[str, Any]  # one of process.toml
    Files = Mapping[str, str]

NEEDED = ("process.toml", "process.bpmn", "forms/launch.json")
LAUNCH = Words("提出", "Launch")
NO_WORDS = Words("", "")


def load(files: Files) -> Process:
    """The process that these files make. Raises ProcessFault at the first thing without which it
    cannot be read at all.
    """
    try:
        return _load(fingerprint(files), json.dumps(frozen(files), sort_keys=True))
    except (ValueError, RecursionError) as fault:
        # Numbers of ten thousand digits, a thousand brackets, half characters.
        raise ProcessFault(_("流程文件夹里有无法读取的内容。"), file="process.toml") from fault


@lru_cache(maxsize=64)
def _load(digest: str, text: str) -> Process:
    files: dict[str, str] = json.loads(text)
    for needed in NEEDED:
        if needed not in files:
            raise ProcessFault(_("流程文件夹里缺少 {needed}。", needed=needed), file=needed)
    raw = _toml(files["process.toml"])
    tree = parse_xml(files["process.bpmn"].encode(), "process.bpmn")
    diagram = read_diagram(tree)
    try:
        return _assembled(digest, files, raw, tree, diagram)
    except (KeyError, TypeError, AttributeError, ValueError) as fault:
        wrong = _("process.toml 的写法不对：{fault}", fault=repr(fault))
        raise ProcessFault(wrong, file="process.toml") from fault


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        wrong = _("process.toml 无法读取：{fault}", fault=fault)
        raise ProcessFault(wrong, file="process.toml") from fault


def _assembled(
    digest: str, files: Files, raw: Table, tree: etree._Element, diagram: Diagram
) -> Process:
    launch_form = _form(files, "launch", raw)
    assert launch_form is not None
    process_id = str(raw["id"])
    messages = raw.get("messages", {})
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
        owner=str(raw.get("owner", legacy.OWNER)),
        owner_asked=any(f"launch.{field.key}" == raw.get("owner") for field in launch_form.fields),
        entry=_entry(raw["entry"]) if "entry" in raw else None,
        search=tuple(raw.get("search", [])),
        present=tuple(raw.get("present", [])),
        confidentiality=str(raw.get("confidentiality", "internal")),
        disclosed_by=frozenset(raw.get("disclosed_by", [])),
        binding_after=frozenset(raw.get("binding_after", [])),
        lanes={key: _lane(key, table) for key, table in raw.get("lanes", {}).items()},
        rolls={
            key: RollRule(key, _words(table, "title"), str(table["members"]))
            for key, table in raw.get("rolls", {}).items()
        },
        tasks={rule.id: rule for rule in _tasks(raw, files, diagram, launch_form)},
        actions={key: legacy.action(table) for key, table in raw.get("actions", {}).items()},
        messages={key: _message(key, table, files) for key, table in messages.items()},
        publications={
            key: _publication(key, table, files)
            for key, table in raw.get("publications", {}).items()
        },
        books={
            key: BookRule(key, tuple(table["facts"]), tuple(table.get("apart", ())))
            for key, table in raw.get("books", {}).items()
        },
        rounds={
            key: RoundRule(key, tuple(table["facts"]))
            for key, table in raw.get("rounds", {}).items()
        },
        documents={
            key: _document(key, table, files) for key, table in raw.get("documents", {}).items()
        },
        decisions=_decisions(files),
        guards=tuple(_guard(table) for table in raw.get("guards", [])),
        claims=tuple(_claim(table) for table in raw.get("claims", [])),
        columns=tuple(_column(key, table) for key, table in raw.get("columns", {}).items()),
        statistics=_statistics(raw.get("statistics")),
        launch_form=launch_form,
        diagram=diagram,
        spec=machine.parse(tree, diagram.process_id),
        raw=dict(raw),
        files=files,
    )


def _entry(table: Table) -> EntryRule:
    return EntryRule(tuple(table["posts"]), str(table["scan"]))


def _statistics(table: Table | None) -> Statistics | None:
    if table is None:
        return None
    words, english = table["outcomes"], table.get("outcomes_en", {})
    outcomes = {code: Words(said, english.get(code, "")) for code, said in words.items()}
    return Statistics(table["kind"], table["outcome"], outcomes)


def _column(key: str, table: Table) -> ColumnRule:
    narrows = bool(table.get("filter", False))
    return ColumnRule(key, _words(table, "title"), tuple(table["facts"]), narrows)


def _words(table: Table, key: str) -> Words:
    return Words(str(table.get(key, "")), str(table.get(f"{key}_en", "")))


def _form(files: Files, name: str, table: Table) -> forms.Form | None:
    """The form of a task, a message or the launch, whose table says which date is that of the
    fact.
    """
    path = f"forms/{name}.json"
    if path not in files:
        return None
    try:
        form = forms.load(json.loads(files[path]))
    except json.JSONDecodeError as fault:
        raise ProcessFault(_("不是有效的 JSON:{fault}", fault=fault), file=path) from fault
    happened = str(table.get("happened", ""))
    return form.dated(happened) if happened else form


def _decisions(files: Files) -> dict[str, decisions.DecisionTable]:
    tables = {
        name.removesuffix(".dmn"): text for name, text in files.items() if name.endswith(".dmn")
    }
    return {key: decisions.parse(text.encode()) for key, text in tables.items()}


def _lane(key: str, table: Table) -> Lane:
    return Lane(
        key=key,
        title=_words(table, "title"),
        post=table.get("post", ""),
        unit=table.get("unit", ""),
        person=table.get("person", ""),
        holding=_posts_of(table.get("holding", ())),
        sees=bool(table.get("sees", False)),
        leaves=bool(table.get("leaves", False)),
    )


def _posts_of(said: str | list[str]) -> tuple[str, ...]:
    """Posts that may be written as one or as a list."""
    return (said,) if isinstance(said, str) else tuple(said)


def _document(key: str, table: Table, files: Files) -> DocumentRule:
    declared = "needs" in table or "optional" in table
    if declared:
        needs, optional = frozenset(table.get("needs", ())), frozenset(table.get("optional", ()))
    else:
        needs = papers.assumed(files, key)
        optional = papers.reads(files, key) - needs
    return DocumentRule(
        key=key,
        title=_words(table, "title"),
        numbering=table.get("numbering", ""),
        outside=bool(table.get("outside")),
        encloses=tuple(table.get("encloses", ())),
        places=bool(table.get("places")),
        needs=needs,
        optional=optional,
        declared=declared,
        signed_by=frozenset(table.get("signed_by", ())),
    )


def _gates(table: Table) -> tuple[Gate, ...]:
    return tuple(Gate(str(gate["holds"]), _words(gate, "text")) for gate in table.get("gates", []))


def _guard(table: Table) -> Guard:
    return Guard(
        at=frozenset(table["at"]),
        holds=str(table["holds"]),
        text=_words(table, "text"),
        basis=str(table.get("basis", "")),
    )


def _claim(table: Table) -> Claim:
    return Claim(
        asks=_words(table, "asks"),
        at=frozenset(table["at"]),
        what=_words(table, "what"),
        on=str(table.get("on", "")),
        basis=str(table.get("basis", "")),
        needs=tuple(_premise(each) for each in table["needs"]),
    )


def _premise(table: Table) -> Premise:
    return Premise(
        text=_words(table, "text"),
        by=frozenset(table["by"]),
        holds=str(table["holds"]),
        on=str(table.get("on", "")),
        same_day=bool(table.get("same_day", False)),
    )


# --- messages and tasks ---------------------------------------------------------------------------
def _message(name: str, table: Table, files: Files) -> MessageRule:
    return MessageRule(
        name=name,
        title=_words(table, "title"),
        asks=_words(table, "asks"),
        lane=table.get("lane", ""),
        form=_form(files, name, table),
        state=legacy.message_state(name, table),
    )


def _publication(key: str, table: Table, files: Files) -> PublicationRule:
    form = _form(files, key, table)
    if form is None:
        path = f"forms/{key}.json"
        raise ProcessFault(_("流程文件夹里缺少 {needed}。", needed=path), file=path)
    return PublicationRule(
        key=key,
        title=_words(table, "title"),
        asks=_words(table, "asks"),
        after=table["after"],
        circle=table["circle"],
        shows=tuple(table["shows"]),
        until=table["until"],
        lane=table["lane"],
        form=form,
    )


def _tasks(raw: Table, files: Files, diagram: Diagram, launch: forms.Form) -> Iterator[TaskRule]:
    """What takes answers: the launch, the user tasks, the messages, the publications."""
    happened = str(raw.get("happened", ""))
    yield TaskRule("launch", LAUNCH, NO_WORDS, lane="", form=launch, happened=happened)
    declared, allowed = raw.get("tasks", {}), _allowed(raw)
    for element in diagram.elements.values():
        if element.type == "userTask":
            yield _task(element, {**allowed, **declared.get(element.id, {})}, files)
    for name, table in {**raw.get("messages", {}), **raw.get("publications", {})}.items():
        yield _said_as_task(name, table, files)


def _allowed(raw: Table) -> dict[str, Any]:
    """What a process says of all its tasks, where one says nothing else."""
    return {"undo": raw.get("undo", False), "verbs": raw.get("verbs", verbs.UNSAID)}


def _said_as_task(name: str, table: Table, files: Files) -> TaskRule:
    """What a person says by a message, or against what was published, is stored and shown like the
    answers of a task.
    """
    return TaskRule(
        id=name,
        title=_words(table, "title"),
        asks=_words(table, "asks"),
        lane=table.get("lane", ""),
        gates=_gates(table),
        form=_form(files, name, table),
        room=tuple(table.get("room", [])),
        happened=str(table.get("happened", "")),
    )


def _task(element: Element, table: Table, files: Files) -> TaskRule:
    title, poll, meeting = _words(table, "title"), table.get("poll"), table.get("meeting")
    return TaskRule(
        id=element.id,
        title=title if title.zh else Words(element.name, title.en),
        asks=_words(table, "asks"),
        lane=element.lane,
        due=table.get("due", "") or (poll or {}).get("closes", ""),
        basis=table.get("basis", ""),
        not_by=tuple(table.get("not_by", [])),
        recuse=table.get("recuse", ""),
        gates=_gates(table),
        prefill=tuple(table.get("prefill", [])),
        suggests=tuple(table.get("suggests", {}).items()),
        outcomes=table.get("outcomes", ""),
        next=_next(table),
        poll=_poll(poll) if poll else None,
        form=_form(files, element.id, table),
        meeting=None if meeting is None else _meeting(meeting),
        room=tuple(table.get("room", [])),
        link=bool(table.get("link", False)),
        tells=tuple(_tell(tell) for tell in table.get("tells", [])),
        batch=bool(table.get("batch", False)),
        each=tuple(table.get("each", ())),
        happened=str(table.get("happened", "")),
        undo=bool(table["undo"]) and not poll and meeting is None,
        verbs=frozenset(table["verbs"])
        & verbs.possible(poll=bool(poll), meeting=meeting is not None),
    )


def _next(table: Table) -> dict[str, Words]:
    english = table.get("next_en", {})
    return {
        choice: Words(text, english.get(choice, ""))
        for choice, text in table.get("next", {}).items()
    }


def _tell(table: Table) -> Tell:
    return Tell(str(table.get("when", "")), _words(table, "text"))


def _meeting(table: Table) -> MeetingRule:
    return MeetingRule(
        formal=table["formal"],
        observers=table.get("observers", ""),
        guests=table.get("guests", ""),
        quorum=table["quorum"],
        words=_words(table, "words"),
    )


def _poll(table: Table) -> PollRule:
    labels, english = table.get("labels", {}), table.get("labels_en", {})
    choices = tuple(table.get("choices", []))
    return PollRule(
        kind=table["kind"],
        roll=table["roll"],
        choices=choices,
        labels={c: Words(labels.get(c, c), english.get(c, "")) for c in choices},
        closes=table.get("closes", ""),
        passes=table["passes"],
        early=table.get("early", "never"),
        closable=table.get("closable", "never"),
        void=table.get("void", "again"),
        sight=table.get("sight", "always"),
        presider=table.get("presider", ""),
        withdrawal=bool(table.get("withdrawal", True)),
        words=_words(table, "words"),
        secret=bool(table.get("secret", False)),
        tellers=table.get("tellers", ""),
        keys=table.get("keys", ""),
        signs=table.get("signs", ""),
        declared=bool(table.get("declared", False)),
        paper=bool(table.get("paper", False)),
        totals=bool(table.get("totals", False)),
        meeting=table.get("meeting", ""),
        in_order=bool(table.get("in_order", False)),
        candidates=table.get("candidates", ""),
        seats=table.get("seats", ""),
        wins=table.get("wins", ""),
        write_in=table.get("write_in", ""),
        write_in_wins=table.get("write_in_wins", ""),
        about=tuple(table.get("about", [])),
        remarks=table.get("remarks", ""),
    )
