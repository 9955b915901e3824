"""What stands of each matter in a volume of many, and the indexes of the volume, as its template
prints them.

Nothing of it is for some of those only who see a matter: the volume may be handed on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import canonical, tables
from engine.db.progress import Tell, told
from engine.db.states import DocumentState
from engine.definitions.store import process_of
from engine.errors import HistoryBroken
from engine.instance import rooms
from engine.instance.view import dotted
from engine.messages import _
from engine.people.ordering import on_screen
from engine.queries import cells
from engine.queries.words import Named, about

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from engine.db import Session, rows
    from engine.definitions import Process
    from engine.definitions.booklet import Booklet, Section
    from engine.people.organisation import Actor

_document = tables.document.c
Texts = dict[str, Any]


@dataclass(frozen=True)
class Teller:
    """Everything that matters are told from, read at once."""

    session: Session
    rule: Booklet
    cells: Mapping[UUID, Mapping[str, tuple[str, ...]]]
    titles: Mapping[str, str]  # of columns
    papers: Mapping[tuple[UUID, str], rows.Document]
    names: Named
    count: Any  # tells how many are done

    @classmethod
    def of(
        cls,
        session: Session,
        actor: Actor,
        ruled: tuple[Process, Booklet],
        matters: Sequence[rows.Selected],
        tell: Tell,
    ) -> Teller:
        process, rule = ruled
        papers = _papers(session, rule, [row.id for row in matters])
        facts = [
            [dotted(row.facts, path) for s in rule.sections for path in s.facts] for row in matters
        ]
        said = [paper.data for paper in papers.values()]
        return cls(
            session=session,
            rule=rule,
            cells=cells.of(session, actor, process.columns, matters),
            titles={column.key: column.title.zh for column in process.columns},
            papers=papers,
            names=Named.of(session, [facts, said], actor),
            count=told(range(len(matters)), tell),
        )

    def matter(self, row: rows.Selected, under: Sequence[rows.Selected] = ()) -> Texts:
        """A matter as the template prints it, with those under it."""
        next(self.count, None)
        says = self.cells[row.id]
        sections = (self._section(row, section) for section in self.rule.sections)
        shown = ((key, says[key]) for key in self.rule.columns)
        rows_ = [{"title": self.titles[k], "text": "、".join(text)} for k, text in shown if text]
        number = self.number(row)
        return {
            "key": f"m{row.id.hex}",
            "number": number,
            "serial": row.number if row.number != number else "",
            "title": row.title,
            "rows": rows_,
            "sections": [section for section in sections if section],
            "under": [self.matter(each) for each in self.in_order(under)],
            "cells": {key: list(text) for key, text in says.items()},
        }

    def number(self, row: rows.Selected) -> str:
        """What a matter is called by: what its column says, else its number."""
        return "、".join(self.cells[row.id].get(self.rule.number, ())) or str(row.number)

    def in_order(self, found: Iterable[rows.Selected]) -> list[rows.Selected]:
        """By their numbers as people count: 9 before 10."""
        return sorted(found, key=lambda row: (counted(self.number(row)), row.id))

    def _section(self, row: rows.Selected, section: Section) -> Texts | None:
        process = process_of(self.session, row.version)
        if not section.document:
            texts = self._texts(process, section, row.facts)
            return {"title": section.title.zh, "texts": texts} if texts else None
        paper = self.papers.get((row.id, section.document))
        if paper is None or not rooms.is_open_paper(process, section.document):
            return None
        if canonical.digest(canonical.dumps(paper.data)).hex() != paper.data_sha256:
            broken = _("{number}：文书内容与签发时不符，不能汇编。", number=row.number)
            raise HistoryBroken(broken, document=paper.kind, sha256=paper.data_sha256)
        is_void = paper.state == DocumentState.VOID
        about_it = {"number": paper.number, "on": paper.data["document"]["issued_on"]}
        texts = [] if is_void else self._texts(process, section, paper.data["facts"])
        return {"title": section.title.zh, "texts": texts, "paper": {**about_it, "void": is_void}}

    def _texts(
        self, process: Process, section: Section, facts: Mapping[str, Any]
    ) -> list[dict[str, str]]:
        open_ = [path for path in section.facts if rooms.is_open_fact(process, path)]
        said = about(process, [(path, dotted(facts, path)) for path in open_], self.names).all
        return [{"label": each.label, "text": each.text} for each in said if each.text.strip()]


def _papers(
    session: Session, rule: Booklet, ids: Sequence[UUID]
) -> dict[tuple[UUID, str], rows.Document]:
    """The last paper of each kind that a section prints, of each matter."""
    kinds = {section.document for section in rule.sections} - {""}
    query = (
        select(tables.document)
        .where(_document.instance_id.in_(ids), _document.kind.in_(sorted(kinds)))
        .order_by(_document.id)
    )
    found: Any = session.execute(query).all() if kinds else ()
    return {(paper.instance_id, paper.kind): paper for paper in found}


def counted(number: str) -> list[tuple[int, int, str]]:
    """A number so that its digits are compared by what they count."""
    parts = re.findall(r"\d+|\D+", number)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def indexes(process: Process, rule: Booklet, parts: Sequence[Texts]) -> list[Texts]:
    """Each index that says anything, its names in the order in which one looks them up."""
    titles = {column.key: column.title.zh for column in process.columns}
    lead = [matter for part in parts for matter in part["matters"]]
    found = []
    for n, index in enumerate(rule.indexes):
        under = [each for matter in lead for each in matter["under"]] if index.under else []
        entries: dict[str, list[tuple[str, Texts]]] = defaultdict(list)
        for matter in sorted([*lead, *under], key=lambda each: counted(each["number"])):
            for column in index.columns:
                for name in matter["cells"].get(column, ()):
                    entries[name].append((column, matter))
        if entries:
            told_of = [
                _entry(name, entries[name], index.columns, titles)
                for name in on_screen(entries, str)
            ]
            found.append({"key": f"x{n}", "title": index.title.zh, "entries": told_of})
    return found


def _entry(
    name: str,
    found: Sequence[tuple[str, Texts]],
    columns: Sequence[str],
    titles: Mapping[str, str],
) -> Texts:
    """What an index says of one name; where it looks at several columns, how many of each, and of a
    matter which one it is, unless it is the first.
    """
    counts = [(key, sum(column == key for column, _matter in found)) for key in columns]
    several = len(columns) > 1
    return {
        "name": name,
        "counts": [{"title": titles[key] if several else "", "n": n} for key, n in counts if n],
        "matters": [
            {
                **{key: matter[key] for key in ("key", "number", "title")},
                "as": "" if column == columns[0] else titles[column],
            }
            for column, matter in found
        ],
    }
