"""Every table, as Core `Table` objects. No behaviour in here."""

from engine.tables.ballots import board, box, envelope, teller_key, teller_part, urn
from engine.tables.base import metadata, new_id
from engine.tables.definitions import definition, notice, setting, vacation
from engine.tables.files import attachment, batch, blob, document, incident, reply
from engine.tables.history import chain, checkpoint, event
from engine.tables.instances import counter, draft, instance, invitation, link, share, task, timer
from engine.tables.meetings import attendance, meeting, presence
from engine.tables.people import attempt, login, member, post, token, unit
from engine.tables.polls import paper, poll, roll, teller

__all__ = [
    "attachment",
    "attempt",
    "attendance",
    "batch",
    "blob",
    "board",
    "box",
    "chain",
    "checkpoint",
    "counter",
    "definition",
    "document",
    "draft",
    "envelope",
    "event",
    "incident",
    "instance",
    "invitation",
    "link",
    "login",
    "meeting",
    "member",
    "metadata",
    "new_id",
    "notice",
    "paper",
    "poll",
    "post",
    "presence",
    "reply",
    "roll",
    "setting",
    "share",
    "task",
    "teller",
    "teller_key",
    "teller_part",
    "timer",
    "token",
    "unit",
    "urn",
    "vacation",
]
