"""The box of a secret poll: what may be chosen, what is made public when it closes, and that nothing is left of it.

Called by engine.commands.polls when a poll stops or is void; it decides nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, text, update

from engine import ballots
from engine.db import tables

if TYPE_CHECKING:
    from uuid import UUID

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session

_box, _envelope, _board = tables.box, tables.envelope, tables.board
_ON_THE_BOARD = text(
    "INSERT INTO board (poll_id, receipt) SELECT poll_id, receipt FROM envelope WHERE poll_id = :poll ORDER BY receipt"
)


def slip(poll: Any) -> ballots.Slip:
    """What a ballot of this poll may say. In an election as many as there are seats, or nobody; else one choice."""
    if poll.kind == "election":
        return ballots.Slip(str(poll.id), tuple(poll.choices), 0, int(poll.rule["seats"]))
    return ballots.Slip(str(poll.id), tuple(poll.choices))


def collect(work: UnitOfWork, poll: Any) -> None:
    """Close the box: all receipts go on the board, and who voted into the history, sorted, without times.

    The poll's row must have been updated in this transaction: whoever was casting has then ended. Before it opened there
    is nothing to collect, and nothing happens twice.
    """
    if poll.state != "open":
        return
    work.session.execute(_ON_THE_BOARD, {"poll": poll.id})
    receipts = (
        work.session.execute(select(_board.c.receipt).where(_board.c.poll_id == poll.id))
        .scalars()
        .all()
    )
    voted = select(_envelope.c.member_id).where(_envelope.c.poll_id == poll.id)
    voters = sorted(str(m) for m in work.session.execute(voted).scalars())
    digest = ballots.board_hash(receipts)
    work.session.execute(
        update(_box).where(_box.c.poll_id == poll.id).values(voters=len(voters), board_hash=digest)
    )
    element = work.session.execute(
        select(tables.task.c.element).where(tables.task.c.id == poll.task_id)
    ).scalar_one()
    work.log.add(
        "ballots_cast",
        None,
        task=element,
        poll=str(poll.id),
        voters=voters,
        cast=len(voters),
        board=digest,
    )


def shred(session: Session, poll_id: UUID) -> None:
    """Destroy envelopes and key parts: when they are counted, or the poll is void."""
    for table in (_envelope, tables.teller_part, tables.teller_key):
        session.execute(delete(table).where(table.c.poll_id == poll_id))
