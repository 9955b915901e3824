"""Turns stored answers into words: labels for codes, names for people, units and instances."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import case, select, union_all

from engine.db import tables
from engine.forms import told as in_words
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.decision_tables import Lexicon, Sheet
    from engine.forms import Form
    from engine.forms.told import Lines
    from engine.people.organisation import Actor

FACT = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\}")
NOT_PUBLIC = "（未公开）"  # a matter that the reader may not know of


@dataclass(frozen=True)
class Answered:
    """One answer in words. `files` are (id, name) pairs of attachments; of a `table` the text is
    its rows, a line each.
    """

    key: str
    label: str
    text: str
    files: tuple[tuple[str, str], ...] = ()
    table: Lines | None = None


@dataclass(frozen=True)
class Named:
    """The names behind the ids that stand in facts."""

    names: Mapping[str, str]

    @classmethod
    def of(cls, session: Session, facts: object, actor: Actor | None = None) -> Named:
        """Look up every id that occurs anywhere in the facts, in one read.

        Matters are named only to who may know of them; to nobody in particular those that are not
        confidential.
        """
        ids = set(_ids(facts))
        if not ids:
            return cls({})
        unit, member, instance = tables.unit.c, tables.member.c, tables.instance.c
        known = ~instance.confidential if actor is None else access.visible(actor)
        title = case((known, instance.number + " " + instance.title), else_=NOT_PUBLIC)
        query = union_all(
            select(unit.id, unit.name).where(unit.id.in_(ids)),
            select(member.id, member.name).where(member.id.in_(ids)),
            select(instance.id, title).where(instance.id.in_(ids)),
        )
        return cls({str(key): name for key, name in session.execute(query)})

    def get(self, key: UUID | None) -> str:
        """The name behind an id; "" when there is none."""
        return self.names.get(str(key), "")


def _ids(value: object) -> Iterator[UUID]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _ids(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _ids(inner)
    elif isinstance(value, UUID):
        yield value
    elif isinstance(value, str) and len(value) == 36 and value[8] == value[13] == "-":
        try:
            yield UUID(value)
        except ValueError:
            return


def answered(
    form: Form | None, answers: Mapping[str, Any], names: Named, lang: str = "zh"
) -> tuple[Answered, ...]:
    """The answers of a form in its order; empty ones are left out."""
    found = []
    for field in form.fields if form else ():
        value = answers.get(field.key)
        if value in (None, "", []):
            continue
        label = field.label_en if lang.startswith("en") and field.label_en else field.label
        if field.kind == "filepicker":
            files = tuple((f["id"], f["name"]) for f in value if isinstance(f, dict))
            found.append(Answered(field.key, label, "", files))
        elif field.kind == "dynamiclist":
            table = in_words.table_of(field, value, names.names, lang)
            found.append(Answered(field.key, label, table.lines(lang), table=table))
        else:
            said = in_words.text_of(field, value, names.names, lang)
            found.append(Answered(field.key, label, said))
    return tuple(found)


def by_whom(names: Named, who: UUID | None, behalf: UUID | None) -> str:
    """Who has done something, and in whose place."""
    name = names.get(who)
    if behalf is None:
        return name
    return _("{who}（代{principal}）", who=name, principal=names.get(behalf))


def answerer(answers: Mapping[str, Any] | None, closed_by: str, *, link: bool) -> str:
    """Who gave an answer, as a reader may take it. Of a task that somebody outside may answer it
    tells the way too: nobody has checked who opens a link, and no seal comes with it.
    """
    given = answers or {}
    who = given.get("outside")
    if isinstance(who, dict):
        said = {key: str(who.get(key, "")) for key in ("name", "office", "unit")}
        return _("{unit} {office} {name}（经一次性链接，自填，未核对身份，系统未见印章）", **said)
    if not link or not closed_by:
        return closed_by
    files = (each for value in given.values() for each in _listed(value) if isinstance(each, dict))
    if any({"id", "sha256"} <= file.keys() for file in files):
        return _("{who}（由账号登记，附扫描件）", who=closed_by)
    return _("{who}（由账号登记，没有扫描件，系统未见印章）", who=closed_by)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


@dataclass(frozen=True)
class About:
    """What a poll is about. `question` is the first thing said when it is a text; empty when the
    task's title says it all.
    """

    question: str = ""
    all: tuple[Answered, ...] = ()

    @property
    def more(self) -> tuple[Answered, ...]:
        """What is said besides the question."""
        return self.all[1:] if self.question else self.all


def about(
    process: Process, pairs: Sequence[tuple[str, Any]], names: Named, lang: str = "zh"
) -> About:
    """(fact, value) pairs in words, labelled as in the form where the fact was said; empty ones are
    left out.
    """
    found = [part for fact, value in pairs for part in _pair(process, fact, value, names, lang)]
    plain = bool(pairs) and isinstance(pairs[0][1], str) and bool(pairs[0][1])
    return About(found[0].text if plain else "", tuple(found))


def _pair(
    process: Process, fact: str, value: object, names: Named, lang: str
) -> tuple[Answered, ...]:
    """A fact as its form says it; without a form, or of a whole task, the value by its names."""
    element, _, key = fact.partition(".")
    rule = process.tasks.get(element)
    by_form = answered(rule.form, {key: value}, names, lang) if rule else ()
    if by_form or value in (None, "", []):
        return by_form
    return (Answered(fact, "", in_words.joined(value, names.names, lang)),)


def told(
    process: Process,
    text: str,
    facts: Mapping[str, Any],
    names: Named,
    lexicon: Lexicon,
    lang: str = "zh",
) -> str:
    """A text with what the facts say in the place of {task.field} and {decision.column}."""

    def value(match: re.Match[str]) -> str:
        found: Any = facts
        for part in match[1].split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return _in_words(process, match[1], found, names=names, lexicon=lexicon, lang=lang)

    return FACT.sub(value, text)


def _in_words(
    process: Process, fact: str, value: object, names: Named, lexicon: Lexicon, lang: str
) -> str:
    """The label of a form's choice, what a code of a decision table means, a name, or the value
    itself.
    """
    if value is None:
        return "—"
    element, _, key = fact.partition(".")
    rule, sheet = process.tasks.get(element), _sheet(process, element, lexicon)
    by_form = answered(rule.form, {key: value}, names, lang) if rule else ()
    if by_form:
        return by_form[0].text
    found = []
    for each in value if isinstance(value, list) else [value]:
        code = sheet.code(key, str(each)) if sheet else None
        name = names.names.get(str(each)) or lexicon.translated(str(each), lang[:2])
        found.append(code.in_(lang) if code else name)
    return ("; " if lang.startswith("en") else "；").join(found)


def _sheet(process: Process, element: str, lexicon: Lexicon) -> Sheet | None:
    """What the codes of a decision table mean, where somebody wrote it down."""
    if element not in process.decisions:
        return None
    return lexicon.sheets.get(element) or lexicon.sheets.get(f"{process.id}.{element}")
