"""Makes what takes answers out of process.toml: the tasks with their polls and meetings,
the messages and the publications.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine import forms, legacy
from engine.definitions import duties, verbs
from engine.definitions.process import (
    Gate,
    MeetingRule,
    MessageRule,
    PollRule,
    PublicationRule,
    TaskRule,
    Tell,
)
from engine.definitions.provisos import ProvisoRule
from engine.definitions.several import SeveralRule
from engine.definitions.words import Words, words_of
from engine.errors import ProcessFault
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.definitions.diagram import Diagram, Element

    Table = Mapping[str, Any]  # one of process.toml
    Files = Mapping[str, str]

LAUNCH = Words("提出", "Launch")
NO_WORDS = Words("", "")


# --- what every table may hold --------------------------------------------------------------------
def form_of(files: Files, name: str, table: Table) -> forms.Form | None:
    """The form of a task, a message or the launch, whose table says which date is that of the
    fact.
    """
    path = f"forms/{name}.json"
    if path not in files:
        return None
    try:
        form = duties.offered(forms.load(json.loads(files[path])))
    except json.JSONDecodeError as fault:
        raise ProcessFault(_("不是有效的 JSON:{fault}", fault=fault), file=path) from fault
    happened = str(table.get("happened", ""))
    return form.dated(happened) if happened else form


def _gates(table: Table) -> tuple[Gate, ...]:
    return tuple(
        Gate(str(gate["holds"]), words_of(gate, "text")) for gate in table.get("gates", [])
    )


# --- messages and tasks ---------------------------------------------------------------------------
def message_of(name: str, table: Table, files: Files) -> MessageRule:
    return MessageRule(
        name=name,
        title=words_of(table, "title"),
        asks=words_of(table, "asks"),
        lane=table.get("lane", ""),
        form=form_of(files, name, table),
        state=legacy.message_state(name, table),
    )


def publication_of(key: str, table: Table, files: Files) -> PublicationRule:
    form = form_of(files, key, table)
    if form is None:
        path = f"forms/{key}.json"
        raise ProcessFault(_("流程文件夹里缺少 {needed}。", needed=path), file=path)
    return PublicationRule(
        key=key,
        title=words_of(table, "title"),
        asks=words_of(table, "asks"),
        after=table["after"],
        circle=table["circle"],
        shows=tuple(table["shows"]),
        until=table["until"],
        lane=table["lane"],
        form=form,
    )


def tasks_of(raw: Table, files: Files, diagram: Diagram, launch: forms.Form) -> Iterator[TaskRule]:
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
        title=words_of(table, "title"),
        asks=words_of(table, "asks"),
        lane=table.get("lane", ""),
        gates=_gates(table),
        form=form_of(files, name, table),
        room=tuple(table.get("room", [])),
        confided=tuple(table.get("confided", [])),
        handed_on=str(table.get("handed_on", "")),
        happened=str(table.get("happened", "")),
    )


def _task(element: Element, table: Table, files: Files) -> TaskRule:
    title, poll, meeting = words_of(table, "title"), table.get("poll"), table.get("meeting")
    return TaskRule(
        id=element.id,
        title=title if title.zh else Words(element.name, title.en),
        asks=words_of(table, "asks"),
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
        form=form_of(files, element.id, table),
        meeting=None if meeting is None else _meeting(meeting),
        room=tuple(table.get("room", [])),
        confided=tuple(table.get("confided", [])),
        handed_on=str(table.get("handed_on", "")),
        link=bool(table.get("link", False)),
        tells=tuple(_tell(tell) for tell in table.get("tells", [])),
        batch=bool(table.get("batch", False)),
        each=tuple(table.get("each", ())),
        happened=str(table.get("happened", "")),
        provisos=_provisos(table.get("provisos")),
        undo=bool(table["undo"]) and not poll and meeting is None,
        verbs=frozenset(table["verbs"])
        & verbs.possible(poll=bool(poll), meeting=meeting is not None),
    )


def several_of(table: Table | None) -> SeveralRule | None:
    """What launches several by one form."""
    if table is None:
        return None
    gates = tuple((gate.holds, gate.text) for gate in _gates(table))
    return SeveralRule(tuple(table["each"]), table["who"], gates)


def _provisos(table: Table | None) -> ProvisoRule | None:
    return ProvisoRule(table["rows"], table["by"]) if table else None


def _next(table: Table) -> dict[str, Words]:
    english = table.get("next_en", {})
    return {
        choice: Words(text, english.get(choice, ""))
        for choice, text in table.get("next", {}).items()
    }


def _tell(table: Table) -> Tell:
    return Tell(str(table.get("when", "")), words_of(table, "text"))


def _meeting(table: Table) -> MeetingRule:
    return MeetingRule(
        formal=table["formal"],
        observers=table.get("observers", ""),
        guests=table.get("guests", ""),
        quorum=table["quorum"],
        words=words_of(table, "words"),
        beside=table.get("beside", ""),
        decides=table.get("decides", ""),
        name=words_of(table, "name"),
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
        words=words_of(table, "words"),
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
        names=tuple(table["names"]) if "names" in table else None,
    )
