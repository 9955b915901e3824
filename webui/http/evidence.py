"""An evidence pack for a page or a program: the export goes on record first, then what is on
record is packed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.commands.evidence import record_export
from engine.queries.evidence import pack
from webui.http import messages

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.history.keys import SigningKey
    from engine.people.organisation import Actor

ENGLISH = messages.language("en")


def export(session: Session, actor: Actor, instance_id: UUID, key: SigningKey) -> bytes:
    """The pack as a ZIP. Raises NotFound, Refused, Conflict (a vote runs), HistoryBroken."""
    record_export(session, actor, instance_id, key)
    return pack(session, actor, instance_id, key, english=ENGLISH)
