"""One-time links to a task: which one still holds, and the form as somebody outside answers it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.db.states import TaskState
from engine.errors import NotFound
from engine.messages import _

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from engine import forms
    from engine.db import Session

_invitation, _task = tables.invitation, tables.task
GIVEN_BY_LINK = ("by_way", "outside")  # said by the link itself
SHUT = _("此链接不对、已经用过，或已失效。如需答复，请与发出链接的单位联系。")


class Usable(NamedTuple):
    """A link that still holds, and of its task what a reader needs."""

    id: UUID
    task_id: UUID
    to: str
    ends_at: datetime
    used_at: datetime | None
    instance_id: UUID
    element: str
    state: str


_LINK = select(
    _invitation.c.id,
    _invitation.c.task_id,
    _invitation.c.to,
    _invitation.c.ends_at,
    _invitation.c.used_at,
    _task.c.instance_id,
    _task.c.element,
    _task.c.state,
).join(_task, _task.c.id == _invitation.c.task_id)


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def asked(form: forms.Form | None) -> forms.Form | None:
    """A form as somebody outside answers it: no uploads, nothing to choose from the union's own
    data, not the way it came.
    """
    if form is None:
        return None
    open_ = tuple(
        f
        for f in form.fields
        if f.kind != "filepicker" and not f.source and f.key not in GIVEN_BY_LINK
    )
    return replace(form, fields=open_)


def usable(session: Session, token: str) -> Usable:
    """The invitation of a link that still holds; a wrong, used or ended one does not exist.

    Raises NotFound.
    """
    found = session.execute(_LINK.where(_invitation.c.token == token_hash(token))).first()
    if found is None:
        raise NotFound(SHUT)
    link = Usable._make(found)
    ended = link.used_at is not None or link.ends_at <= clock.now()
    if ended or link.state != TaskState.OPEN:
        raise NotFound(SHUT)
    return link
