"""What takes longer than a request may: asked for in one, carried out by a worker in the name of
whoever asked, with their rights of then, and looked at meanwhile.

What came of it is written in the same transaction as that it has ended: it is done once, or not at
all, whatever dies meanwhile. Of a list that is entered row by row each row is.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, insert, null, select, text, update

from engine import clock, db
from engine.commands import edge, entries, imports
from engine.db import queue, tables
from engine.db.progress import Progress, Tell, silent
from engine.documents import bound, pdf, sheets
from engine.errors import Conflict, EngineError, Invalid, NotFound, Unavailable
from engine.instance import launching
from engine.messages import CHINESE, Language, Message, _, restored, stored
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from engine.commands.entries import Row
    from engine.db import Session
    from engine.people.organisation import Actor

log = logging.getLogger("yixing.operations")
SMALL_ROWS = 200  # so many are done within a request: a second or less
SMALL_BYTES = 150_000  # and files of so many, unpacked: about as many rows
MOST = 5  # that one person may be waiting for
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('operation'), hashtext(:key))")
_operation = tables.operation.c
Given = dict[str, Any]


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


class _Ended(Exception):
    """There is nothing left to be carried out."""


@dataclass(frozen=True)
class Came:
    """What came of it: plain JSON, and the file if it is one."""

    result: Given
    data: bytes | None = None


# --- whoever asks ---------------------------------------------------------------------------------
def is_long(data: bytes) -> bool:
    """Does it take longer to read this table than a request may?"""
    return sheets.weight(data) > SMALL_BYTES


def ask_preview(session: Session, actor: Actor, kind: str, filename: str, data: bytes) -> UUID:
    """Let a worker look at a table to be imported. Raises as `imports.preview`, for what is seen
    at once.
    """
    imports.home(actor, "import_people")
    if kind not in imports.KINDS:
        raise NotFound
    return _ask_of_file(session, actor, "import_preview", {"kind": kind}, (filename, data))


def ask_confirmation(
    session: Session, actor: Actor, batch_id: UUID, *, good_only: bool = False
) -> UUID | None:
    """Let a worker write an import; None when it is small, and can be written at once. Raises as
    `imports.confirm`.
    """
    if imports.ready(session, actor, batch_id, good_only=good_only) <= SMALL_ROWS:
        return None
    given = {"batch": str(batch_id), "good_only": good_only}
    return _ask(session, actor, "import_confirmation", given)


def ask_export(session: Session, actor: Actor, kind: str, file: str, lang: str) -> UUID | None:
    """Let a worker write what is registered as a table; None when it is small. Raises Refused,
    NotFound.
    """
    _unions, rows = imports.exported(session, actor, kind)
    if rows <= SMALL_ROWS:
        return None
    return _ask(session, actor, "export", {"kind": kind, "file": file, "lang": lang})


def ask_papers(
    session: Session,
    actor: Actor,
    process_id: str,
    kind: str,
    ids: Sequence[UUID],
    *,
    both_sides: bool = False,
) -> UUID:
    """Let a worker bind papers of one kind into one PDF. Raises NotFound when there are none."""
    found = [each.title for each in bound.offered(session, actor, ids) if each.kind == kind]
    if not found:
        raise NotFound(_("所选各件都没有可以打印的这种文书。"))
    given: Given = {"process": process_id, "paper": kind, "title": found[0]}
    given |= {"both_sides": both_sides, "file": f"{pdf.file_name(found[0])}.pdf"}
    given |= {"matters": [str(key) for key in dict.fromkeys(ids)]}
    return _ask(session, actor, "papers", given)


def ask_trial(session: Session, actor: Actor, process_id: str, filename: str, data: bytes) -> UUID:
    """Let a worker try the rows of a table of matters. Raises as `entries.preview`, for what is
    seen at once.
    """
    launching.may_enter(session, actor, process_id)
    return _ask_of_file(session, actor, "entry_trial", {"process": process_id}, (filename, data))


def ask_entry(session: Session, actor: Actor, trial: UUID) -> UUID:
    """Let a worker enter the rows that a trial found good, each once. Raises NotFound, Refused,
    Conflict when there are none.
    """
    row = session.execute(_own(actor, trial, "entry_trial").with_for_update()).first()
    if row is None or row.ended_at is None or row.result is None:
        raise NotFound
    launching.may_enter(session, actor, row.given["process"])
    if not any(not each["errors"] for each in row.result["rows"]):
        raise Conflict(_("没有无误的行可以登记。"), code="has_errors")
    given = {"process": row.given["process"], "trial": str(trial)}
    return _ask(session, actor, "entry", given)


def _ask_of_file(
    session: Session, actor: Actor, kind: str, given: Given, file: tuple[str, bytes]
) -> UUID:
    filename, data = file
    sheets.check(filename, data)
    about = {"file": filename[-200:], "sha256": hashlib.sha256(data).hexdigest()}
    return _ask(session, actor, kind, given | about, data)


def _ask(
    session: Session, actor: Actor, kind: str, given: Given, data: bytes | None = None
) -> UUID:
    """The same that has not ended yet serves again. Raises Conflict for too many."""
    member = select(tables.member.c.id).where(tables.member.c.id == actor.id)
    session.execute(member.with_for_update(key_share=True))  # requests of one person, in turn
    open_ = and_(_operation.member_id == actor.id, _operation.ended_at.is_(None))
    same = and_(_operation.kind == kind, _operation.given == given)
    key: UUID | None = session.execute(select(_operation.id).where(open_, same)).scalar()
    if key is None:
        if session.execute(select(func.count()).where(open_)).scalar_one() >= MOST:
            many = _("您已有 {most} 项在后台办理，请等其中一项办完。", most=MOST)
            raise Conflict(many, code="quota")
        key, now = tables.new_id(), clock.now()
        values = {"id": key, "member_id": actor.id, "kind": kind, "given": given, "data": data}
        session.execute(insert(tables.operation).values(**values, asked_at=now, told_at=now))
    queue.defer(session, "operate", once=f"operate:{key}", operation=str(key))
    return key


def _own(actor: Actor, key: UUID, *kinds: str) -> Any:
    """The query for an operation that this person asked for."""
    own = _operation.id == key, _operation.member_id == actor.id
    return select(tables.operation).where(*own, _operation.kind.in_(kinds))


def cancel(session: Session, actor: Actor, key: UUID) -> None:
    """End what has not ended. Whoever carries it out stops at its next sign, and what is written
    at once is not written; of a list that is entered row by row the rows entered stay. Raises
    NotFound, Conflict when it has ended.
    """
    kind = session.execute(_own(actor, key, *KINDS).with_only_columns(_operation.kind)).scalar()
    access.must_see(kind)
    try:
        _keep(session, key, cancelled=True, data=null(), ended_at=clock.now())
    except _Ended as fault:
        raise Conflict(_("已经办完，不能取消。"), code="ended") from fault


def tried(session: Session, actor: Actor, process_id: str, key: UUID) -> list[Row]:
    """The rows of a trial that has ended. Raises NotFound."""
    row = session.execute(_own(actor, key, "entry_trial")).first()
    if row is None or row.result is None or row.given["process"] != process_id:
        raise NotFound
    return [_row(each) for each in row.result["rows"]]


def fetch(session: Session, actor: Actor, key: UUID) -> tuple[str, bytes]:
    """The name and the bytes of the file that came out. Raises NotFound, for whoever may not see
    the people or the matters any more of which it tells too.
    """
    row = session.execute(_own(actor, key, *tables.OPERATION_FILES)).first()
    if row is None or row.result is None or row.data is None:
        raise NotFound
    access.must_see(_SEES[row.kind](session, actor, row.result) or None)
    return row.given["file"], bytes(row.data)


_SEES: dict[str, Callable[[Session, Actor, Given], bool]] = {
    "export": lambda _s, actor, it: (
        set(access.unions(actor, "see_people")) >= set(map(UUID, it["unions"]))
    ),
    "papers": lambda s, actor, it: bound.seen(s, actor, [UUID(key) for key in it["matters"]]),
}


# --- whoever does it ------------------------------------------------------------------------------
def carry_out(engine: Engine, key: UUID, english: Language) -> None:
    """Do it, and keep what came of it, or why nothing did. Ended already, gone, or in the hands of
    another worker: nothing. Raises Unavailable, for the job to be tried again.
    """
    with db.transaction(engine) as held:
        if held.execute(_ALONE, {"key": str(key)}).scalar():
            _carry_out(engine, key, english)


def _carry_out(engine: Engine, key: UUID, english: Language) -> None:
    try:
        with db.transaction(engine) as session:
            found = _begin(session, key, english)
        if found is not None:
            kind, asked = found
            KINDS[kind](engine, replace(asked, tell=Progress(engine, partial(_note, key=key))))
    except Unavailable:
        raise
    except _Ended:
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
    _keep(session, key, begun_at=clock.now())
    say = english if row.given.get("lang", actor.locale) == "en" else CHINESE
    data = bytes(row.data or b"")
    return row.kind, Asked(
        key, actor, row.given, data, say, done=row.done, so_far=row.result or {"failed": []}
    )


def _keep(session: Session, key: UUID, **values: Any) -> None:
    """Raises _Ended when it has ended meanwhile: by whoever asked for it, who cancelled it."""
    open_ = _operation.id == key, _operation.ended_at.is_(None)
    kept = update(tables.operation).where(*open_).values(told_at=clock.now(), **values)
    if not session.execute(kept.returning(_operation.id)).first():
        raise _Ended


def _note(session: Session, done: int, total: int, *, key: UUID) -> None:
    _keep(session, key, done=done, total=total)


def _refuse(engine: Engine, key: UUID, why: Message | str) -> None:
    with db.transaction(engine) as session:
        _keep(session, key, refused=stored(why), data=null(), ended_at=clock.now())


def _end(session: Session, asked: Asked, came: Came) -> None:
    """Keep what came of it; of the same asked for before, only this stays."""
    data = null() if came.data is None else came.data
    ended = {"ended_at": clock.now(), "done": _operation.total}
    _keep(session, asked.key, result=came.result, data=data, **ended)
    own = _operation.member_id == asked.actor.id, _operation.given == asked.given
    before = (
        _operation.id != asked.key,
        _operation.ended_at.is_not(None),
        _operation.data.is_not(None),
    )
    session.execute(delete(tables.operation).where(*own, *before))


def tidy(session: Session) -> None:
    """Remove those that ended long ago, and those that nobody has worked on for as long."""
    long_ago = clock.now() - tables.OPERATION_KEPT
    gone: ColumnElement[bool] = (_operation.ended_at < long_ago) | (_operation.told_at < long_ago)
    session.execute(delete(tables.operation).where(gone))


# --- what can be done -----------------------------------------------------------------------------
def _at_once(work: Callable[[Session, Asked], Came]) -> Callable[[Engine, Asked], None]:
    """Something that is done in one transaction, with the note that it has ended."""

    def carried_out(engine: Engine, asked: Asked) -> None:
        edge.carry_out(engine, asked.actor, lambda s: _end(s, asked, work(s, asked)))

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
    came = Came({"process": given["process"], "rows": [_kept(row) for row in rows]})
    with db.transaction(engine) as session:
        _end(session, asked, came)


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
        _keep(session, asked.key, result=told, ended_at=clock.now())
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
        wrong = _kept(replace(row, errors=faults))
    except EngineError as fault:
        wrong = _kept(replace(row, errors=(fault.message,)))
    so_far = {"failed": [*failed, wrong] if wrong else failed}
    _keep(session, asked.key, done=at + 1, total=len(rows), result=so_far)
    return wrong


def _kept(row: Row) -> Given:
    """A row as plain JSON."""
    owner = str(row.owner) if row.owner else None
    return {**asdict(row), "owner": owner, "errors": [stored(each) for each in row.errors]}


def _row(kept: Given) -> Row:
    owner = UUID(kept["owner"]) if kept["owner"] else None
    errors = tuple(restored(each) for each in kept["errors"])
    return entries.Row(**{**kept, "owner": owner, "errors": errors})


KINDS: dict[str, Callable[[Engine, Asked], None]] = {
    "import_preview": _at_once(_preview),
    "import_confirmation": _at_once(_confirm),
    "export": _at_once(_export),
    "papers": _at_once(_papers),
    "entry_trial": _try,
    "entry": _enter,
}
