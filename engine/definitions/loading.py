"""Makes the process of a version from the files of its folder."""

from __future__ import annotations

import json
import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine import decisions, legacy, machine
from engine.definitions import papers
from engine.definitions.booklet import booklet_of
from engine.definitions.columns import ColumnRule
from engine.definitions.diagram import parse_xml, read_diagram
from engine.definitions.duties import duties_of
from engine.definitions.folder import fingerprint, frozen
from engine.definitions.indicators import indicators_of
from engine.definitions.loading_tasks import (
    form_of,
    message_of,
    publication_of,
    several_of,
    tasks_of,
)
from engine.definitions.plans import plan_of
from engine.definitions.process import (
    Claim,
    DocumentRule,
    EntryRule,
    Guard,
    Lane,
    Premise,
    Process,
    RollRule,
    Rung,
    Statistics,
)
from engine.definitions.shelves import BookRule, RoundRule
from engine.definitions.starts import starts_of
from engine.definitions.words import Words, words_of
from engine.errors import ProcessFault
from engine.messages import _

if TYPE_CHECKING:
    from lxml import etree

    from engine.definitions.diagram import Diagram
    from engine.definitions.loading_tasks import Files, Table

NEEDED = ("process.toml", "process.bpmn", "forms/launch.json")


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
    launch_form = form_of(files, "launch", raw)
    assert launch_form is not None
    process_id = str(raw["id"])
    messages = raw.get("messages", {})
    return Process(
        id=process_id,
        hash=digest,
        title=words_of(raw, "title"),
        summary=words_of(raw, "summary"),
        basis=words_of(raw, "basis"),
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
            key: RollRule(key, words_of(table, "title"), str(table["members"]))
            for key, table in raw.get("rolls", {}).items()
        },
        rooms={path: tuple(lanes) for path, lanes in raw.get("rooms", {}).items()},
        tasks={rule.id: rule for rule in tasks_of(raw, files, diagram, launch_form)},
        actions={key: legacy.action(table) for key, table in raw.get("actions", {}).items()},
        messages={key: message_of(key, table, files) for key, table in messages.items()},
        publications={
            key: publication_of(key, table, files)
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
        plan=plan_of(raw.get("plan"), words_of),
        indicators=indicators_of(raw.get("indicators"), words_of),
        booklet=booklet_of(raw.get("booklet"), words_of),
        duties=duties_of(raw.get("duty", [])),
        starts=starts_of(raw.get("starts", [])),
        several=several_of(raw.get("several")),
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
    return ColumnRule(
        key, words_of(table, "title"), tuple(table["facts"]), narrows, table.get("like", "")
    )


def _decisions(files: Files) -> dict[str, decisions.DecisionTable]:
    tables = {
        name.removesuffix(".dmn"): text for name, text in files.items() if name.endswith(".dmn")
    }
    return {key: decisions.parse(text.encode()) for key, text in tables.items()}


def _lane(key: str, table: Table) -> Lane:
    return Lane(
        key=key,
        title=words_of(table, "title"),
        post=table.get("post", ""),
        unit=table.get("unit", ""),
        person=table.get("person", ""),
        holding=_posts_of(table.get("holding", ())),
        sees=bool(table.get("sees", False)),
        leaves=bool(table.get("leaves", False)),
        urging=tuple(Rung(each["after"], each["lane"]) for each in table.get("urging", ())),
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
        title=words_of(table, "title"),
        numbering=table.get("numbering", ""),
        outside=bool(table.get("outside")),
        encloses=tuple(table.get("encloses", ())),
        places=bool(table.get("places")),
        needs=needs,
        optional=optional,
        declared=declared,
        signed_by=frozenset(table.get("signed_by", ())),
    )


def _guard(table: Table) -> Guard:
    return Guard(
        at=frozenset(table["at"]),
        holds=str(table["holds"]),
        text=words_of(table, "text"),
        basis=str(table.get("basis", "")),
    )


def _claim(table: Table) -> Claim:
    return Claim(
        asks=words_of(table, "asks"),
        at=frozenset(table["at"]),
        what=words_of(table, "what"),
        on=str(table.get("on", "")),
        basis=str(table.get("basis", "")),
        needs=tuple(_premise(each) for each in table["needs"]),
    )


def _premise(table: Table) -> Premise:
    return Premise(
        text=words_of(table, "text"),
        by=frozenset(table["by"]),
        holds=str(table["holds"]),
        on=str(table.get("on", "")),
        same_day=bool(table.get("same_day", False)),
    )
