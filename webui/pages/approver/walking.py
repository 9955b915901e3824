"""Walking through a list: the filter travels in the address of each thing opened from it, so that
two devices lose nothing of one another, and nothing is kept on the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request, url_for

from engine.queries import onward
from webui.http.session import look, me

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.queries.onward import Steps, Thing

FILTER = ("part", "of", "process", "bucket", "words")


def wanted() -> dict[str, Any]:
    """The filter that stands in the address of this request; {} when it names no list."""
    return {key: value for key in FILTER if (value := request.args.get(key))}


def steps(here: UUID) -> Steps | None:
    """Where a task or poll stands in the list it was opened from; None when from none."""
    asked = wanted()
    return look(lambda s: onward.steps(s, me(), here, asked)) if asked else None


def after(session: Session, done: UUID) -> str | None:
    """The address of what comes after something that was finished, in the list it was opened
    from; of the whole inbox when nothing is left there or in the same matter, None when it was
    opened from none.
    """
    asked = wanted()
    if not asked:
        return None
    left = onward.steps(session, me(), done, asked).left
    return address(left, **asked) if left else url_for("inbox.index")


def address(thing: Thing, **asked: Any) -> str:
    """Where a task or poll is opened, as one of the list of a filter."""
    what, key = thing
    if what == "poll":
        return url_for("inbox.poll", poll_id=key, **asked)
    return url_for("inbox.task", task_id=key, **asked)
