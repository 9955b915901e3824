"""What takes longer than a request may: asked for in one, carried out by a worker (see
engine/commands/operating.py), and looked at meanwhile.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, insert, null, select, update

from engine import clock
from engine.commands import entries, imports, many, packs
from engine.db import queue, tables
from engine.documents import bound, pdf, sheets
from engine.errors import Conflict, NotFound
from engine.instance import launching
from engine.messages import _, restored, stored
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.commands.entries import Row
    from engine.db import Session
    from engine.people.organisation import Actor

SMALL_ROWS = 200  # so many are done within a request: a second or less
SMALL_BYTES = 150_000  # and files of so many, unpacked: about as many rows
SMALL_ACTS = 10  # and so many matters
MOST = 5  # that one person may be waiting for
_operation = tables.operation.c
Given = dict[str, Any]


class Ended(Exception):
    """There is nothing left to be carried out: whoever asked for it cancelled it."""


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


def ask_acts(
    session: Session,
    actor: Actor,
    process_id: str,
    what: tuple[str, str],
    ids: Sequence[UUID],
    answers: Mapping[str, Any],
) -> UUID | None:
    """Let a worker do one act on many instances, see `many.run`; None when they are few, and it
    can be done at once. `what`: the name of the act, and its title.
    """
    chosen = many.chosen(ids)
    if len(chosen) <= SMALL_ACTS:
        return None
    name, title = what
    given: Given = {"process": process_id, "what": name, "title": title, "answers": dict(answers)}
    return _ask(session, actor, "acts", given | {"matters": [str(key) for key in chosen]})


def ask_booklet(
    session: Session,
    actor: Actor,
    process_id: str,
    title: str,
    ids: Sequence[UUID],
    *,
    wish: Given,
) -> UUID:
    """Let a worker bind these matters into one volume called `title`; whoever reads for the worker
    has seen that it can be. `wish`: `session`, `without` and `form` as they read it.
    """
    name = pdf.file_name(title, wish["session"])
    given: Given = {"process": process_id, "title": title, "file": f"{name}.{wish['form']}", **wish}
    given |= {"matters": [str(key) for key in dict.fromkeys(ids)]}
    return _ask(session, actor, "booklet", given)


def ask_packs(session: Session, actor: Actor, ids: Sequence[UUID]) -> UUID:
    """Let a worker make the evidence packs of these matters, as one file. Raises NotFound when
    there is none that may be packed so, Conflict for too many, Invalid when no room is left.
    """
    found = packs.of_many(session, actor, ids)
    if all(row.confidential for row in found):
        raise NotFound(_("没有可以一并准备证据包的事项；保密事项请逐件准备。"))
    packs.check_room(session, actor)
    given: Given = {"matters": [str(row.id) for row in found]}
    return _ask(session, actor, "packs", given | {"file": f"evidence-{clock.today()}.zip"})


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
    kind = session.execute(
        _own(actor, key, *tables.OPERATION_KINDS).with_only_columns(_operation.kind)
    ).scalar()
    access.must_see(kind)
    try:
        keep(session, key, cancelled=True, data=null(), ended_at=clock.now())
    except Ended as fault:
        raise Conflict(_("已经办完，不能取消。"), code="ended") from fault


def keep(session: Session, key: UUID, **values: Any) -> None:
    """Note how far it is. Raises Ended when it has ended meanwhile."""
    open_ = _operation.id == key, _operation.ended_at.is_(None)
    kept = update(tables.operation).where(*open_).values(told_at=clock.now(), **values)
    if not session.execute(kept.returning(_operation.id)).first():
        raise Ended


def tried(session: Session, actor: Actor, process_id: str, key: UUID) -> list[Row]:
    """The rows of a trial that has ended. Raises NotFound."""
    row = session.execute(_own(actor, key, "entry_trial")).first()
    if row is None or row.result is None or row.given["process"] != process_id:
        raise NotFound
    return [_row(each) for each in row.result["rows"]]


def kept(row: Row) -> Given:
    """A row as plain JSON."""
    owner = str(row.owner) if row.owner else None
    return {**asdict(row), "owner": owner, "errors": [stored(each) for each in row.errors]}


def _row(kept: Given) -> Row:
    owner = UUID(kept["owner"]) if kept["owner"] else None
    errors = tuple(restored(each) for each in kept["errors"])
    return entries.Row(**{**kept, "owner": owner, "errors": errors})


def fetch(session: Session, actor: Actor, key: UUID) -> tuple[str, bytes]:
    """The name and the bytes of the file that came out. Raises NotFound, for whoever may not see
    the people or the matters any more of which it tells too.
    """
    row = session.execute(_own(actor, key, *tables.OPERATION_FILES)).first()
    if row is None or row.result is None or row.data is None:
        raise NotFound
    access.must_see(_SEES[row.kind](session, actor, row.result) or None)
    return row.given["file"], bytes(row.data)


def _sees_matters(session: Session, actor: Actor, it: Given) -> bool:
    return bound.seen(session, actor, [UUID(key) for key in it["matters"]])


_SEES: dict[str, Callable[[Session, Actor, Given], bool]] = {
    "export": lambda _s, actor, it: (
        set(access.unions(actor, "see_people")) >= set(map(UUID, it["unions"]))
    ),
    "papers": _sees_matters,
    "booklet": _sees_matters,
    "packs": lambda s, actor, it: packs.are_open(s, actor, it["closed"]),
}


def tidy(session: Session) -> None:
    """Remove those that ended long ago, and those that nobody has worked on for as long."""
    long_ago = clock.now() - tables.OPERATION_KEPT
    gone: ColumnElement[bool] = (_operation.ended_at < long_ago) | (_operation.told_at < long_ago)
    session.execute(delete(tables.operation).where(gone))
