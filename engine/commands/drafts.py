"""Unfinished answers, kept for their writer only."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, true
from sqlalchemy.dialects.postgresql import insert

from engine import clock, settings
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

_draft = tables.draft
MAX_BYTES = 64 * 1024
KEY = re.compile(r"launch:[a-z][a-z0-9_]{0,99}|task:[0-9a-f-]{36}")


def save(
    session: Session,
    actor: Actor,
    key: str,
    answers: Mapping[str, Any],
    revision: int | None = None,
) -> int:
    """Keep a draft under "launch:<process>" or "task:<id>"; gives its revision.

    `revision` is that of the draft which the writer had before him, 0 for none: a newer one that
    says something else is not overwritten (Conflict). Without it whatever is there is replaced.
    Raises NotFound, Invalid above 64 KB and for one draft more than a person may keep.
    """
    if not KEY.fullmatch(key):
        raise NotFound
    storable = {
        str(name)[:100]: answer
        for name, answer in answers.items()
        if isinstance(answer, str | list | int | bool | None)
    }
    if not _fits(json.dumps(storable)):
        raise Invalid(_("草稿过长或含有不能保存的字符。"))
    _must_have_room(session, actor, key)
    values = {"answers": storable, "saved_at": clock.now()}
    known = true() if revision is None else _draft.c.revision == revision
    draft = insert(_draft).values(
        member_id=actor.id, key=key, revision=(revision or 0) + 1, **values
    )
    kept = session.execute(
        draft.on_conflict_do_update(
            index_elements=["member_id", "key"],
            set_={**values, "revision": _draft.c.revision + 1},
            where=known | (_draft.c.answers == draft.excluded.answers),
        ).returning(_draft.c.revision)
    ).scalar()
    if kept is None:
        raise Conflict(
            _("另一个窗口或浏览器里有较新的草稿，这里写的没有存为草稿。"), code="draft_newer"
        )
    return int(kept)


def keep(session: Session, actor: Actor, key: str, answers: Mapping[str, Any]) -> None:
    """Keep what an act over several tasks is about until it is done, in place of whatever is there.

    Raises Invalid above 64 KB.
    """
    if not _fits(json.dumps(answers)):
        raise Invalid(_("草稿过长或含有不能保存的字符。"))
    values = {"answers": dict(answers), "saved_at": clock.now()}
    draft = insert(_draft).values(member_id=actor.id, key=key, **values)
    session.execute(draft.on_conflict_do_update(index_elements=["member_id", "key"], set_=values))


def put_back(session: Session, member_id: UUID, key: str, answers: Mapping[str, Any]) -> None:
    """What was sent is a draft again, in the place of any other. It was accepted once, so no limit
    is asked.
    """
    values = {"answers": dict(answers), "saved_at": clock.now()}
    draft = insert(_draft).values(member_id=member_id, key=key, revision=1, **values)
    again = {**values, "revision": _draft.c.revision + 1}
    session.execute(draft.on_conflict_do_update(index_elements=["member_id", "key"], set_=again))


def _must_have_room(session: Session, actor: Actor, key: str) -> None:
    """Raise Invalid for one draft more than a person may keep."""
    most = settings.load().drafts
    others = _draft.c.member_id == actor.id, _draft.c.key != key
    kept = session.execute(select(func.count()).select_from(_draft).where(*others)).scalar_one()
    if kept >= most:
        raise Invalid(_("草稿已有 {n} 份，最多 {most} 份；请先办完或删去一些。", n=kept, most=most))


def _fits(text: str) -> bool:
    """Is it short enough, and without what PostgreSQL does not store in JSON?"""
    broken = "\\u0000" in text or ("\\ud8" in text.lower() and not text.isascii())
    return len(text) <= MAX_BYTES and not broken


def drop(session: Session, actor: Actor, key: str) -> None:
    """Forget a draft."""
    session.execute(delete(_draft).where(_draft.c.member_id == actor.id, _draft.c.key == key))
