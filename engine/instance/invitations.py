"""One-time links to a task: which one still holds, and the form as somebody outside answers it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.db.states import TaskState
from engine.errors import NotFound
from engine.messages import _
from engine.people import organisation

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from engine import forms
    from engine.db import Session

_invitation, _task = tables.invitation, tables.task
GIVEN_BY_LINK = ("by_way", "entered_by", "outside")  # said by the link itself
SHUT = _("此链接不对、已经用过，或已失效。如需答复，请与发出链接的单位联系。")


class Usable(NamedTuple):
    """A link that still holds, and of its task what a reader needs."""

    id: UUID
    task_id: UUID
    to: str
    ends_at: datetime
    used_at: datetime | None
    sent_by: UUID
    instance_id: UUID
    element: str
    state: str
    seat: str | None
    assignee_id: UUID | None


_LINK = select(
    _invitation.c.id,
    _invitation.c.task_id,
    _invitation.c.to,
    _invitation.c.ends_at,
    _invitation.c.used_at,
    _invitation.c.sent_by,
    _task.c.instance_id,
    _task.c.element,
    _task.c.state,
    _task.c.seat,
    _task.c.assignee_id,
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
    if ended or link.state != TaskState.OPEN or not sender_acts(session, link):
        raise NotFound(SHUT)
    return link


class Asks(Protocol):
    """Who sent a link, and whose its task is: a seat's, or a person's."""

    @property
    def sent_by(self) -> UUID: ...
    @property
    def seat(self) -> str | None: ...
    @property
    def assignee_id(self) -> UUID | None: ...


def sender_acts(session: Session, link: Asks) -> bool:
    """May whoever sent the link still act on its task today? It ends with their account, their post
    and their part in the task.
    """
    try:
        sender = organisation.actor(session, link.sent_by)
    except NotFound:
        return False
    return link.seat in sender.seats if link.seat else link.assignee_id == sender.id
