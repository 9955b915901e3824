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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session
    from engine.people.organisation import Actor

_draft = tables.draft
MAX_BYTES = 64 * 1024
KEY = re.compile(r"launch:[a-z][a-z0-9_]{0,99}|task:[0-9a-f-]{36}")


def save(session: Session, actor: Actor, key: str, answers: Mapping[str, Any]) -> None:
    """Keep a draft under "launch:<process>" or "task:<id>"; an older one is replaced. Raises NotFound, Invalid above 64 KB."""
    if not KEY.fullmatch(key):
        raise NotFound
    kept = {
        str(k)[:100]: v
        for k, v in answers.items()
        if isinstance(v, str | list | int | bool) or v is None
    }
    text = json.dumps(kept)
    if (
        len(text) > MAX_BYTES
        or "\\u0000" in text
        or ("\\ud8" in text.lower() and not text.isascii())
    ):
        raise Invalid("草稿过长或含有不能保存的字符。")
    row = {"member_id": actor.id, "key": key, "answers": kept, "saved_at": clock.now()}
    statement = insert(_draft).values(**row)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["member_id", "key"], set_={"answers": kept, "saved_at": row["saved_at"]}
        )
    )


def drop(session: Session, actor: Actor, key: str) -> None:
    """Forget a draft."""
    session.execute(delete(_draft).where(_draft.c.member_id == actor.id, _draft.c.key == key))
