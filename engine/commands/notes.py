"""Notes of auditors on events of a matter: on record in the chain of the union, so that no note can
be changed or taken out unseen, and the matter's own history stays that of its parties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.db import tables
from engine.errors import Invalid
from engine.history import event_log
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

LONGEST = 1000
_instance = tables.instance.c


def note(session: Session, actor: Actor, instance_id: UUID, seq: int, text: str) -> None:
    """Note something on event `seq` of a matter.

    Raises NotFound when the matter is not theirs to see, Refused when they are not its auditor,
    Invalid for an event that is not there and for a text that is empty, too long or has control
    characters.
    """
    mine = _instance.id == instance_id, access.visible(actor)
    query = select(_instance.union_id, _instance.number, _instance.seq).where(*mine)
    row = access.must_see(session.execute(query).first())
    access.check(actor, "annotate", row.union_id)
    said = text.strip().replace("\r\n", "\n")
    if not said or len(said) > LONGEST or "\0" in said:
        raise Invalid({"text": [_("请写批注，不超过 {most} 字。", most=LONGEST)]})
    if not 1 <= seq <= row.seq:
        raise Invalid({"seq": [_("本件没有第 {seq} 条记录。", seq=seq)]})
    about = {"matter": str(instance_id), "number": row.number, "about": seq}
    event_log.note(session, row.union_id, "matter_annotated", actor, **about, note=said)
