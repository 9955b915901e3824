"""Every table, as Core `Table` objects. No behaviour in here."""

from engine.db.tables.ballots import board, box, envelope, teller_key, teller_part, urn
from engine.db.tables.base import metadata, new_id
from engine.db.tables.definitions import (
    definition,
    notice,
    own_version,
    rehearsal,
    setting,
    vacation,
)
from engine.db.tables.files import (
    attachment,
    batch,
    blob,
    correction,
    document,
    incident,
    reply,
    spent_key,
)
from engine.db.tables.history import chain, checkpoint, event, pack, verification
from engine.db.tables.instances import (
    POLL_WINDOW,
    WITHOUT_TASK,
    counter,
    draft,
    instance,
    invitation,
    link,
    publication,
    share,
    task,
    timer,
)
from engine.db.tables.made import made, shared_secret
from engine.db.tables.meetings import attendance, meeting, presence
from engine.db.tables.people import attempt, login, member, post, token, unit
from engine.db.tables.polls import paper, poll, roll, teller, write_in
from engine.db.tables.proposals import proposal

__all__ = [
    "POLL_WINDOW",
    "WITHOUT_TASK",
    "attachment",
    "attempt",
    "attendance",
    "batch",
    "blob",
    "board",
    "box",
    "chain",
    "checkpoint",
    "correction",
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
    "made",
    "meeting",
    "member",
    "metadata",
    "new_id",
    "notice",
    "own_version",
    "pack",
    "paper",
    "poll",
    "post",
    "presence",
    "proposal",
    "publication",
    "rehearsal",
    "reply",
    "roll",
    "setting",
    "share",
    "shared_secret",
    "spent_key",
    "task",
    "teller",
    "teller_key",
    "teller_part",
    "timer",
    "token",
    "unit",
    "urn",
    "vacation",
    "verification",
    "write_in",
]
