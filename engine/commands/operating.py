"""What a worker does for whoever asked for it (engine/commands/operations.py), in their name and
with their rights of now.

What came of it is written in the same transaction as that it has ended: it is done once, or not at
all, whatever dies meanwhile. What is done one by one is written with how far it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Engine, delete, null, select, text

from engine import clock, db
from engine.commands import edge, entries, imports, many
from engine.commands.operations import Ended, Given, keep, kept, tried
from engine.db import Session, tables
from engine.db.progress import Progress, Tell, silent
from engine.documents import bound
from engine.errors import EngineError, Invalid, Unavailable
from engine.messages import CHINESE, Language, Message, _, stored
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.commands.entries import Row
    from engine.people.organisation import Actor

log = logging.getLogger("yixing.operations")
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('operation'), hashtext(:key))")
_operation = tables.operation.c


@dataclass(frozen=True)
class Asked:
    """What is to be done, for whom, with which file; `done` rows of it are done already."""

    key: UUID
    actor: Actor
    given: Given
    data: bytes
    say: Language
    tell: Tell = silent
    done: int = 0
    so_far: Any = None


@dataclass(frozen=True)
class Came:
    """What came of it: plain JSON, and the file if it is one."""

    result: Given
    data: bytes | None = None


Reading = Callable[[Session, Asked], Came]
Doing = Callable[[Engine, Asked], None]


# --- whoever does it ------------------------------------------------------------------------------
def carry_out(
    engine: Engine,
    key: UUID,
    english: Language,
    readings: Mapping[str, Reading],
    doings: Mapping[str, Doing],
) -> None:
    """Do it, and keep what came of it, or why nothing did. Ended already, gone, or in the hands of
    another worker: nothing. `readings`: kinds that are only read, and who reads; `doings`: other
    kinds, and who does them. Raises Unavailable, for the job to be tried again.
    """
    kinds = KINDS | {kind: _at_once(reading) for kind, reading in readings.items()} | {**doings}
    with db.transaction(engine) as held:
        if held.execute(_ALONE, {"key": str(key)}).scalar():
            _carry_out(engine, key, english, kinds)


def _carry_out(engine: Engine, key: UUID, english: Language, kinds: Mapping[str, Doing]) -> None:
    try:
        with db.transaction(engine) as session:
            found = _begin(session, key, english)
        if found is not None:
            kind, asked = found
            kinds[kind](engine, replace(asked, tell=Progress(engine, partial(_note, key=key))))
    except Unavailable:
        raise
    except Ended:
        log.info("operation %s was cancelled", key)
    except EngineError as fault:
        _refuse(engine, key, fault.message)
    except Exception:
        log.exception("operation %s broke", key)
        _refuse(engine, key, _("程序出错，没有办成；已记入运行日志，请告诉管理员。"))


def _begin(session: Session, key: UUID, english: Language) -> tuple[str, Asked] | None:
    open_ = _operation.id == key, _operation.ended_at.is_(None)
    row = session.execute(select(tables.operation).where(*open_)).first()
    if row is None:
        return None
    actor = organisation.actor(session, row.member_id)
    keep(session, key, begun_at=clock.now())
    say = english if row.given.get("lang", actor.locale) == "en" else CHINESE
    data = bytes(row.data or b"")
    return row.kind, Asked(
        key, actor, row.given, data, say, done=row.done, so_far=row.result or {"failed": []}
    )


def _note(session: Session, done: int, total: int, *, key: UUID) -> None:
    keep(session, key, done=done, total=total)


def _refuse(engine: Engine, key: UUID, why: Message | str) -> None:
    with db.transaction(engine) as session:
        keep(session, key, refused=stored(why), data=null(), ended_at=clock.now())


def end(session: Session, asked: Asked, came: Came) -> None:
    """Keep what came of it; of the same asked for before, only this stays."""
    data = null() if came.data is None else came.data
    ended = {"ended_at": clock.now(), "done": _operation.total}
    keep(session, asked.key, result=came.result, data=data, **ended)
    own = _operation.member_id == asked.actor.id, _operation.given == asked.given
    before = (
        _operation.id != asked.key,
        _operation.ended_at.is_not(None),
        _operation.data.is_not(None),
    )
    session.execute(delete(tables.operation).where(*own, *before))


# --- what can be done -----------------------------------------------------------------------------
def _at_once(work: Reading) -> Doing:
    """Something that is done in one transaction, with the note that it has ended."""

    def carried_out(engine: Engine, asked: Asked) -> None:
        edge.carry_out(engine, asked.actor, lambda s: end(s, asked, work(s, asked)))

    return carried_out


def _preview(session: Session, asked: Asked) -> Came:
    given = asked.given
    what = given["kind"], given["file"], asked.data
    batch = imports.preview(session, asked.actor, *what, tell=asked.tell)
    return Came({"batch": str(batch.id), "counts": batch.counts})


def _confirm(session: Session, asked: Asked) -> Came:
    batch, good_only = UUID(asked.given["batch"]), asked.given["good_only"]
    done = imports.confirm(session, asked.actor, batch, good_only=good_only, tell=asked.tell)
    told = {
        key: str(value) if isinstance(value, UUID) else value for key, value in vars(done).items()
    }
    return Came(told)


def _export(session: Session, asked: Asked) -> Came:
    kind = asked.given["kind"]
    unions, rows = imports.exported(session, asked.actor, kind)
    data = imports.export(session, asked.actor, kind, asked.say)
    about = {"rows": rows, "size": len(data), "unions": [str(union) for union in unions]}
    return Came(about, data)


def _papers(session: Session, asked: Asked) -> Came:
    given, actor = asked.given, asked.actor
    ids, wish = [UUID(key) for key in given["matters"]], given["both_sides"]
    made = bound.bound(session, actor, given["paper"], ids, both_sides=wish, tell=asked.tell)
    return Came(made.stored(), made.data)


def _try(engine: Engine, asked: Asked) -> None:
    """Each row is tried in a transaction of its own, in which nothing stays."""
    actor, given = asked.actor, asked.given
    at_once = partial(edge.carry_out, engine, actor)
    what = given["process"], given["file"], asked.data
    rows = entries.preview(at_once, actor, *what, tell=asked.tell)
    came = Came({"process": given["process"], "rows": [kept(row) for row in rows]})
    with db.transaction(engine) as session:
        end(session, asked, came)


def _enter(engine: Engine, asked: Asked) -> None:
    """Each row in a transaction of its own, which also notes that it is done: whoever goes on
    after another worker's death enters none twice.
    """
    actor, trial = asked.actor, UUID(asked.given["trial"])
    with db.transaction(engine) as session:
        rows = tried(session, actor, asked.given["process"], trial)
    good, failed = [row for row in rows if not row.errors], list(asked.so_far["failed"])
    for at in range(asked.done, len(good)):
        wrong = edge.carry_out(
            engine, None, partial(_entered, asked=asked, rows=good, at=at, failed=failed)
        )
        failed += [wrong] if wrong else []
    told = {"process": asked.given["process"], "entered": len(good) - len(failed), "failed": failed}
    with db.transaction(engine) as session:
        keep(session, asked.key, result=told, ended_at=clock.now())
        session.execute(delete(tables.operation).where(_operation.id == trial))


def _entered(
    session: Session, *, asked: Asked, rows: list[Row], at: int, failed: list[Given]
) -> Given | None:
    """Enter one row; gives it with what is wrong when it is not taken."""
    row, wrong = rows[at], None
    try:
        with db.savepoint(session):
            entries.enter(session, asked.actor, asked.given["process"], row)
    except Unavailable:
        raise
    except Invalid as fault:
        faults = tuple(each for found in fault.fields.values() for each in found)
        wrong = kept(replace(row, errors=faults))
    except EngineError as fault:
        wrong = kept(replace(row, errors=(fault.message,)))
    so_far = {"failed": [*failed, wrong] if wrong else failed}
    keep(session, asked.key, done=at + 1, total=len(rows), result=so_far)
    return wrong


def _act(engine: Engine, asked: Asked) -> None:
    """One act on many instances, each in a transaction of its own, which also notes that it is
    done: whoever goes on after another worker's death does none twice.
    """
    ids = [UUID(key) for key in asked.given["matters"]]
    with db.transaction(engine) as session:
        numbers = many.numbers_of(session, actor=asked.actor, ids=ids)
    failed = list(asked.so_far["failed"])
    for at in range(asked.done, len(ids)):
        try:
            edge.carry_out(engine, asked.actor, partial(_acted, asked=asked, ids=ids, at=at))
        except Unavailable:
            raise
        except EngineError as fault:
            number = numbers.get(ids[at], "")
            failed.append({"id": str(ids[at]), "number": number, "why": stored(fault.message)})
            with db.transaction(engine) as session:
                so_far = {"done": at + 1, "total": len(ids), "result": {"failed": failed}}
                keep(session, asked.key, **so_far)
    told = {"acted": len(ids) - len(failed), "failed": failed}
    with db.transaction(engine) as session:
        keep(session, asked.key, result=told, ended_at=clock.now())


def _acted(session: Session, *, asked: Asked, ids: list[UUID], at: int) -> None:
    act = many.act(asked.given["what"], asked.given["answers"])
    act(session, asked.actor, ids[at])
    keep(session, asked.key, done=at + 1, total=len(ids))


KINDS: dict[str, Doing] = {
    "import_preview": _at_once(_preview),
    "import_confirmation": _at_once(_confirm),
    "export": _at_once(_export),
    "papers": _at_once(_papers),
    "entry_trial": _try,
    "entry": _enter,
    "acts": _act,
}
