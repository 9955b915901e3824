"""Every table, as Core `Table` objects. No behaviour in here."""

from engine.tables.base import metadata, new_id
from engine.tables.definitions import definition, notice, setting, vacation
from engine.tables.files import attachment, batch, blob, document, incident, reply
from engine.tables.history import chain, checkpoint, event
from engine.tables.instances import counter, draft, instance, link, share, task, timer
from engine.tables.people import attempt, login, member, post, token, unit
from engine.tables.polls import poll, roll

__all__ = [
    "attachment",
    "attempt",
    "batch",
    "blob",
    "chain",
    "checkpoint",
    "counter",
    "definition",
    "document",
    "draft",
    "event",
    "incident",
    "instance",
    "link",
    "login",
    "member",
    "metadata",
    "new_id",
    "notice",
    "poll",
    "post",
    "reply",
    "roll",
    "setting",
    "share",
    "task",
    "timer",
    "token",
    "unit",
    "vacation",
]
