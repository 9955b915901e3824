"""Unfinished answers, kept for their writer only."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from engine import clock
from engine.db import tables
from engine.errors import Invalid, NotFound
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session
    from engine.people.organisation import Actor

_draft = tables.draft
MAX_BYTES = 64 * 1024
KEY = re.compile(r"launch:[a-z][a-z0-9_]{0,99}|task:[0-9a-f-]{36}")


def save(session: Session, actor: Actor, key: str, answers: Mapping[str, Any]) -> None:
    """Keep a draft under "launch:<process>" or "task:<id>"; an older one is replaced.

    Raises NotFound, Invalid above 64 KB.
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
    values = {"answers": storable, "saved_at": clock.now()}
    draft = insert(_draft).values(member_id=actor.id, key=key, **values)
    session.execute(draft.on_conflict_do_update(index_elements=["member_id", "key"], set_=values))


def _fits(text: str) -> bool:
    """Is it short enough, and without what PostgreSQL does not store in JSON?"""
    broken = "\\u0000" in text or ("\\ud8" in text.lower() and not text.isascii())
    return len(text) <= MAX_BYTES and not broken


def drop(session: Session, actor: Actor, key: str) -> None:
    """Forget a draft."""
    session.execute(delete(_draft).where(_draft.c.member_id == actor.id, _draft.c.key == key))
