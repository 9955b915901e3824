"""What people handed in on paper, or in one table for many, is entered for them: each matter is
theirs, and who entered it, and from what, stands on record.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, text

from engine import clock, db
from engine.commands import late
from engine.commands.imports import workbook
from engine.commands.instances import Entered
from engine.db import tables
from engine.db.progress import Tell, silent, told
from engine.db.states import InstanceState
from engine.documents import sheets
from engine.errors import Conflict, EngineError, Invalid, Unavailable
from engine.instance import launching
from engine.instance.choices import choices
from engine.messages import Listed, Message, _
from engine.people import access, spelling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from engine.commands.together import CarryOut
    from engine.db import Session
    from engine.definitions import Process
    from engine.forms import Field
    from engine.people.organisation import Actor

MOST = 200  # rows of one table
_REMEMBERED = timedelta(days=400)  # so long the same row of the same file is known again
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
HEADER_WITHIN = 15  # rows: titles stand above it
OWNER, USERNAME = "owner", "username"
_SPLIT = ("、", "，", ",", ";", "；")


@dataclass(frozen=True)
class Row:
    """A row of the table: whose it is, what it says, and what is wrong with it. `title`: what the
    matter would be called; `source`: the file and the row.
    """

    number: int
    owner: UUID | None
    name: str
    title: str
    answers: Mapping[str, Any]
    source: str
    errors: tuple[Message | str, ...] = ()


def preview(
    carry_out: CarryOut,
    actor: Actor,
    process_id: str,
    filename: str,
    data: bytes,
    *,
    tell: Tell = silent,
) -> tuple[Row, ...]:
    """Read a table and try each row in a transaction in which nothing stays. Raises NotFound,
    Refused, Invalid for a file that is no such table; Unavailable.
    """
    rows = carry_out(lambda s: _read(s, actor, process_id, filename, data))
    return tuple(
        row if row.errors else _tried(carry_out, actor, process_id, row) for row in told(rows, tell)
    )


def _tried(carry_out: CarryOut, actor: Actor, process_id: str, row: Row) -> Row:
    try:
        carry_out(partial(_entered, actor=actor, process_id=process_id, row=row, trial=True))
    except Unavailable:
        raise
    except Invalid as fault:
        return replace(row, errors=tuple(m for each in fault.fields.values() for m in each))
    except EngineError as fault:
        return replace(row, errors=(fault.message,))
    return row


def enter(session: Session, actor: Actor, process_id: str, row: Row) -> UUID:
    """Enter one row; gives the matter. Raises what `late.enter` raises; Conflict `done` for a row
    of a file that was entered before.
    """
    return _entered(session, actor, process_id, row)


def _entered(
    session: Session, actor: Actor, process_id: str, row: Row, *, trial: bool = False
) -> UUID:
    if row.owner is None:
        raise Invalid({OWNER: [_("没有写明提出人。")]})
    _must_be_new(session, actor, process_id, row)
    entered = Entered(row.answers, source=row.source)
    with db.savepoint(session, trial=trial):
        key = late.enter(session, actor, process_id, row.owner, entered)
    return key


def _must_be_new(session: Session, actor: Actor, process_id: str, row: Row) -> None:
    """Whoever enters the same row at the same time waits for the other."""
    session.execute(_LOCK, {"key": f"{actor.union_id} {process_id} {row.source}"})
    instance = tables.instance.c
    before = select(instance.number).where(
        instance.union_id == actor.union_id,
        instance.process_id == process_id,
        instance.started_at > clock.now() - _REMEMBERED,
        instance.state.not_in([InstanceState.WITHDRAWN, InstanceState.TERMINATED]),
        instance.facts["launch"]["entered_from"].astext == row.source,
    )
    number = session.execute(before).scalar()
    if number is not None:
        raise Conflict(_("这一行已经登记，编号 {number}。", number=number), code="done")


# --- for whom -------------------------------------------------------------------------------------
def owners(session: Session, actor: Actor, process: Process) -> list[tuple[str, str]]:
    """For whom this actor may enter: ids and names of those who may launch in their union."""
    offer = choices(session, actor.union_id, actor=actor)
    posts = ["" if post == access.ANYBODY else post for post in process.launch]
    found = dict(pair for post in posts for pair in offer(f"members:{post}"))
    return [pair for pair in found.items() if pair[0] != str(actor.id)]


# --- reading a table ------------------------------------------------------------------------------
def headers(process: Process, say: Callable[[str], str] = str) -> list[str]:
    """The titles of the columns of a table: who moves it, then the fields of the launch."""
    return [process.owner_title.zh, say(_("工号")), *(field.label for field in _fields(process))]


def _fields(process: Process) -> list[Field]:
    return [field for field in process.launch_form.asked if field.kind != "filepicker"]


def _read(session: Session, actor: Actor, process_id: str, filename: str, data: bytes) -> list[Row]:
    process = launching.may_enter(session, actor, process_id)
    places, lines = _lines(process, sheets.read(filename, data))
    known = _People.of(session, actor, process)
    offer = choices(session, actor.union_id, actor=actor)
    file = workbook.visible(filename.replace("\\", "/").rsplit("/", 1)[-1])[-120:]
    digest = hashlib.sha256(data).hexdigest()
    rows = []
    for line in lines:
        said = {places[at]: spelling.shown(c.value) for at, c in _filled(line) if at in places}
        owner, name, wrong = known.meant(said)
        fields = {
            field.key: (field, said[field.key]) for field in _fields(process) if field.key in said
        }
        answers = {key: _answer(field, text, offer) for key, (field, text) in fields.items()}
        source = f"{file} · {line.number} · SHA-256 {digest}"
        subject = str(answers.get(process.subject.partition(".")[2], ""))
        cut = [field.label for field, text in fields.values() if len(text) >= sheets.LONGEST]
        errors = [*wrong, *(_("“{title}”太长。", title=title) for title in cut)]
        rows.append(
            Row(
                line.number,
                owner,
                name,
                title=subject,
                answers=answers,
                source=source,
                errors=tuple(errors),
            )
        )
    return rows


def _filled(line: sheets.Row) -> Iterable[tuple[int, sheets.Cell]]:
    return ((at, cell) for at, cell in enumerate(line.cells) if not cell.blank)


def _lines(
    process: Process, found: Sequence[sheets.Sheet]
) -> tuple[dict[int, str], list[sheets.Row]]:
    """Which column is what, and the rows below the header. Raises Invalid."""
    titles = {workbook.plain_header(process.owner_title.zh): OWNER}
    titles |= {workbook.plain_header(text): USERNAME for text in (_("工号"), "username")}
    for field in _fields(process):
        titles |= {workbook.plain_header(text): field.key for text in (field.label, field.key)}
    needed = [field for field in _fields(process) if field.required]
    for sheet in found:
        for at, row in enumerate(sheet.rows[:HEADER_WITHIN]):
            heads = {n: workbook.plain_header(cell.value) for n, cell in _filled(row)}
            places = {n: titles[head] for n, head in heads.items() if head in titles}
            if {field.key for field in needed} <= set(places.values()):
                return places, _within(sheet.rows[at + 1 :])
    wanted = Listed([process.owner_title.zh, *(field.label for field in needed)])
    raise Invalid({"file": [_("没有找到表头，应有：{columns}。", columns=wanted)]})


def _within(rows: list[sheets.Row]) -> list[sheets.Row]:
    if not rows or len(rows) > MOST:
        raise Invalid({"file": [_("一次应有 1 至 {most} 行。", most=MOST)]})
    return rows


def _answer(field: Field, said: str, offer: Callable[[str], list[tuple[str, str]]]) -> Any:
    """What a cell means: a choice by its label, a thing by its name, several apart."""
    labels = {label: value for value, label in offer(field.source)} if field.source else {}
    labels |= {choice.label: choice.value for choice in field.choices}
    if field.kind == "datetime":
        return spelling.day(said)
    if field.kind != "checklist":
        return labels.get(said, said)
    for mark in _SPLIT[1:]:
        said = said.replace(mark, _SPLIT[0])
    return [
        labels.get(part.strip(), part.strip()) for part in said.split(_SPLIT[0]) if part.strip()
    ]


@dataclass(frozen=True)
class _People:
    """Who may be meant: by name, of which there may be several, and by user name."""

    by_name: Mapping[str, list[UUID]]
    by_username: Mapping[str, tuple[UUID, str]]

    @classmethod
    def of(cls, session: Session, actor: Actor, process: Process) -> _People:
        member, ids = tables.member.c, [UUID(key) for key, _n in owners(session, actor, process)]
        query = select(member.id, member.name, member.username).where(member.id.in_(ids))
        names, users = defaultdict[str, list[UUID]](list), {}
        for row in session.execute(query):
            names[spelling.name(row.name)].append(row.id)
            users[row.username.casefold()] = row.id, row.name
        return cls(names, users)

    def meant(self, said: Mapping[str, str]) -> tuple[UUID | None, str, list[Message]]:
        """Who, by which name, and what is wrong with that. A user name goes before a name, which
        must be theirs.
        """
        name, user = spelling.name(said.get(OWNER, "")), said.get(USERNAME, "")
        if user:
            key, known = self.by_username.get(user.casefold(), (None, ""))
            if key and (not name or spelling.name(known) == name):
                return key, known, []
            return (
                None,
                name or user,
                [_("工号 {user} 不是可以提出的{name}。", user=user, name=name)],
            )
        found = self.by_name.get(name, [])
        if len(found) == 1:
            return found[0], name, []
        if found:
            return None, name, [_("“{name}”有 {n} 人，请写工号。", name=name, n=len(found))]
        return None, name, [_("可以提出的人里没有“{name}”。", name=name)]
