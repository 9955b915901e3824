"""The background of an instance for whoever is to act in it: what was said so far, and the papers;
closed rooms left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import String, and_, cast, func, literal, null, or_, select, union_all

from engine.db import tables
from engine.db.states import PollState, TaskState
from engine.history.erased import ERASED_MARK
from engine.instance import deputies, rooms
from engine.queries.words import Answered, answered, answerer, by_whom

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.instance.context import Context
    from engine.queries.words import Named

_task, _poll, _roll = tables.task.c, tables.poll.c, tables.roll.c
_document, _attachment = tables.document.c, tables.attachment.c
DOCUMENT, ATTACHMENT = "document", "attachment"
MOST_VOICES = 60  # answers of a poll that are told by name


class Finished(NamedTuple):
    """The launch, a message, a finished task, or one whose poll was closed: then `outcome` is that
    of the poll, and `voices` the first answers as [member's id, choice, comment], one more than
    MOST_VOICES at most, none of a secret poll.
    """

    element: str
    answers: Mapping[str, Any] | None
    closed_at: datetime
    closed_by: UUID | None
    outcome: Mapping[str, Any] | None
    voices: Sequence[Sequence[Any]] = ()
    behalf: UUID | None = None  # in whose place it was done

    @property
    def mentioned(self) -> list[Any]:
        """Where ids stand that have to be named."""
        people = [self.closed_by, self.behalf, *(voice[0] for voice in self.voices)]
        return [self.answers, people]

    def who(self, names: Named) -> str:
        """By whom, and in whose place."""
        return by_whom(names, self.closed_by, self.behalf)


@dataclass(frozen=True)
class Said:
    """What was said before: by whom, when, at which step; the outcome of a poll in words. `near`:
    read it at once.
    """

    title: str
    who: str
    at: datetime
    answers: tuple[Answered, ...]
    near: bool = False
    element: str = ""


@dataclass(frozen=True)
class Paper:
    """A document or an attachment. `kind` is "document" or "attachment"; the size of a document is
    0, it is not stored.
    """

    id: UUID
    kind: str
    title: str
    number: str
    at: datetime
    size: int
    sha256: str
    media_type: str
    state: str = ""  # of a document: issued, corrected, void


def finished(context: Context) -> tuple[Finished, ...]:
    """All that was said in an instance, oldest first."""
    closed = and_(_poll.task_id == _task.id, _poll.state == PollState.CLOSED)
    rows = context.session.execute(
        select(
            _task.element,
            _task.answers,
            _task.closed_at,
            _task.closed_by,
            _poll.outcome,
            voices(),
            _task.id,
        )
        .outerjoin(tables.poll, closed)
        .where(_task.instance_id == context.row["id"], _task.state == TaskState.DONE)
        .where(or_(_task.answers.is_not(None), _poll.outcome.is_not(None)))
        .order_by(_task.closed_at, _task.id)
    )
    return tuple(
        Finished(*row[:-2], row[-2] or (), deputies.behalf(context, row[-1])) for row in rows
    )


def voices() -> ColumnElement[Any]:
    """The voices of a poll that a statement selects, as in `Finished`; null while it runs, and of a
    secret one.
    """
    told = (_poll.state == PollState.CLOSED) & ~_poll.secret
    first = (
        select(_roll.member_id, _roll.choice, _roll.comment, _roll.at)
        .where(_roll.poll_id == _poll.id, _roll.choice.is_not(None), told)
        .order_by(_roll.at, _roll.member_id)
        .limit(MOST_VOICES + 1)
        .correlate(tables.poll)
        .lateral()
    )
    voice = func.jsonb_build_array(first.c.member_id, first.c.choice, first.c.comment)
    return select(func.jsonb_agg(voice)).select_from(first).scalar_subquery()


def said(
    context: Context,
    parts: Iterable[Finished],
    names: Named,
    lang: str,
    room: tuple[str, ...] = (),
) -> tuple[Said, ...]:
    """The same in words, without what was said in rooms that are closed to the actor.

    Near is the launch and what was said last; for a task in a room only what was said in the same
    one, since another side may sit beside whoever reads.
    """
    doors = rooms.doors(context)
    shown = [part for part in parts if part.element not in doors.at(part.closed_at)]
    close = {0, len(shown) - 1, len(shown) - 2}
    found = []
    for n, part in enumerate(shown):
        rule = context.process.tasks[part.element]
        if part.answers is not None:
            given = rooms.open_answers(context, part.element, part.answers)
            answers = answered(rule.form, given, names, lang)
        else:
            answers = _explained(part.outcome or {}, lang)
        near = n in close and (not rule.room or rule.room == room)
        who = answerer(part.answers, part.who(names), link=rule.link)
        title = rule.title.in_(lang)
        found.append(Said(title, who, part.closed_at, answers, near=near, element=part.element))
    return tuple(found)


def _explained(outcome: Mapping[str, Any], lang: str) -> tuple[Answered, ...]:
    why = str(outcome.get("why_en" if lang == "en" else "why") or outcome.get("why") or "")
    return (Answered("outcome", {"zh": "结果", "en": "Outcome"}[lang], why),) if why else ()


def sealed(context: Context, lang: str) -> tuple[str, ...]:
    """The titles of the steps in which something was confided to others than this reader, who may
    read what is said there now.
    """
    return tuple(context.process.title_of(key, lang) for key in rooms.doors(context).since)


def papers(
    context: Context,
    answers: Iterable[tuple[str, Mapping[str, Any] | None, datetime | None]],
    lang: str,
) -> tuple[Paper, ...]:
    """The documents issued in an instance, then the files added to it, without those handed in
    behind closed doors.

    None of an erased instance. `answers` are all elements with their answers, and when they were
    given; they say where a file was handed in.
    """
    if ERASED_MARK in context.facts:
        return ()
    doors, fields = rooms.doors(context), rooms.closed_fields(context)
    at_launch = "launch", context.facts.get("launch"), None
    hidden = rooms.files_behind(doors, fields, [at_launch, *answers])
    english = lang.startswith("en")
    found = []
    for kind, of, *values in _filed(context):
        if values[0] in hidden or (kind == DOCUMENT and not rooms.may_read_paper(context, of)):
            continue
        rule = context.process.documents.get(of) if kind == DOCUMENT else None
        paper = Paper(values[0], kind, *values[1:])
        found.append(replace(paper, title=rule.title.in_(lang)) if rule and english else paper)
    return tuple(found)


def _filed(context: Context) -> Sequence[Any]:
    """Rows of (kind, kind of the document, id, title, number, at, size, sha256, media type) in the
    order of the page.
    """
    instance_id = context.row["id"]
    issued = select(
        literal(DOCUMENT).label("what"),
        _document.kind,
        _document.id,
        _document.title,
        _document.number,
        _document.issued_at.label("at"),
        literal(0).label("size"),
        _document.data_sha256,
        literal("application/pdf"),
        _document.state,
    ).where(_document.instance_id == instance_id)
    added = select(
        literal(ATTACHMENT),
        cast(null(), String),
        _attachment.id,
        _attachment.name,
        literal(""),
        _attachment.at,
        _attachment.size,
        _attachment.sha256,
        _attachment.media_type,
        literal(""),
    ).where(_attachment.instance_id == instance_id)
    filed = union_all(issued, added).subquery()
    first_issued = (filed.c.what == ATTACHMENT, filed.c.at, filed.c.id)
    return context.session.execute(select(filed).order_by(*first_issued)).all()
