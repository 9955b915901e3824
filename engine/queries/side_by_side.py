"""Matters of one process side by side: what each says now, and how it differs from the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.db import tables
from engine.errors import Invalid, NotFound
from engine.instance.context import COLUMNS, context_from
from engine.messages import _
from engine.people import access
from engine.queries import background, present
from engine.queries.wording import Piece, pieces
from engine.queries.words import Answered, Named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session
    from engine.instance.context import Context
    from engine.people.organisation import Actor

MOST = 4  # beside one another
_instance = tables.instance.c


@dataclass(frozen=True)
class Head:
    """One of them."""

    id: UUID
    number: str
    title: str
    who: str
    at: datetime


@dataclass(frozen=True)
class Said:
    """What one of them says. `pieces`: its text with what differs from the first; empty of the
    first, and where nothing does, or where one of both says nothing.
    """

    words: Answered
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Line:
    """One fact: what it is called, and what each says, in the order of the heads."""

    label: str
    step: str
    said: tuple[Said, ...]

    @property
    def alike(self) -> bool:
        """Do all say the same?"""
        first, *others = (present.text_of(each.words) for each in self.said)
        return all(other == first for other in others)


@dataclass(frozen=True)
class SideBySide:
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]


def side_by_side(
    session: Session, actor: Actor, ids: Sequence[UUID], lang: str = "zh"
) -> SideBySide:
    """These, in this order. Raises NotFound when one is not this person's to see, Invalid for fewer
    than two, more than MOST, or of several processes.
    """
    keys = list(dict.fromkeys(ids))
    if not 1 < len(keys) <= MOST:
        raise Invalid({"matter": [_("请选 2 至 {most} 件对照。", most=MOST)]})
    query = select(*COLUMNS).where(_instance.id.in_(keys), access.visible(actor))
    rows = [context_from(session, actor, tuple(row)) for row in session.execute(query)]
    found = {context.row["id"]: context for context in rows}
    if len(found) < len(keys):
        raise NotFound
    if len({context.process.id for context in rows}) > 1:
        raise Invalid({"matter": [_("只有同一流程的事项可以对照。")]})
    matters = [_matter(session, actor, found[key], lang) for key in keys]
    heads = (
        Head(key, found[key].row["number"], matter.title, matter.who, matter.at)
        for key, matter in zip(keys, matters, strict=True)
    )
    return SideBySide(tuple(heads), _lines(matters))


def _matter(session: Session, actor: Actor, context: Context, lang: str) -> present.Matter:
    parts = background.finished(context)
    people = [context.row["starter_id"], *(part.mentioned for part in parts)]
    names = Named.of(session, [context.row["facts"], people], actor)
    return present.matter(context, parts, names, lang)


def _lines(matters: Sequence[present.Matter]) -> tuple[Line, ...]:
    """Every fact that one of them says, in reading order."""
    facts = [{fact.path: fact for fact in matter.facts} for matter in matters]
    paths = dict.fromkeys(path for each in facts for path in each)
    return tuple(_line([each.get(path) for each in facts]) for path in paths)


def _line(facts: Sequence[present.Fact | None]) -> Line:
    words = [fact.stood[-1].words if fact else present.NOTHING for fact in facts]
    base = present.text_of(words[0])
    said = [Said(words[0], ()), *(_beside(base, each) for each in words[1:])]
    label = next(each.label for each in words if each.label)
    return Line(label, next(fact.step for fact in facts if fact), tuple(said))


def _beside(base: str, words: Answered) -> Said:
    text = present.text_of(words)
    return Said(words, pieces(base, text) if base and text else ())
