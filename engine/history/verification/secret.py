"""Secret ballots: boards and urns are those of the history and add up; who voted is who the roll
says.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import ballots
from engine.ballots import rolls
from engine.db import tables
from engine.history.event_log import Break
from engine.history.verification.replay import bodies
from engine.messages import Message, _

if TYPE_CHECKING:
    from engine.db import Session


@dataclass
class _Boxed:
    """A secret ballot as the history tells it: what the events say, and the seq of the last of
    them.
    """

    chain: UUID
    seq: int
    opened: dict[str, Any]
    cast: dict[str, Any] = field(default_factory=dict)
    counted: dict[str, Any] = field(default_factory=dict)
    outcome: dict[str, Any] = field(default_factory=dict)


_BALLOTS = ("poll_opened", "ballots_cast", "ballots_opened", "poll_closed")
_FALSE = {
    "board": _("公布的回执与历史不符"),
    "voters": _("回执与投票人数不符"),
    "urn": _("公布的选票与历史不符"),
    "sum": _("选票与回执数目不符"),
    "tally": _("计票与选票不符"),
}


def first_false(session: Session) -> Break | None:
    """Boards and urns of secret polls are those of the history and add up; who voted is who the
    roll says.
    """
    boxed: dict[str, _Boxed] = {}
    for chain, seq, says in bodies(session, *_BALLOTS):
        key = str(says.get("poll"))
        if says["kind"] == "poll_opened" and "public_key" in says:
            boxed[key] = _Boxed(chain, seq, says)
        elif key in boxed:
            field_ = {"ballots_cast": "cast", "ballots_opened": "counted"}.get(says["kind"])
            setattr(boxed[key], field_ or "outcome", says if field_ else says.get("outcome", {}))
            boxed[key].seq = seq
    board, urn, voted = _board(session), _urn(session), _voted(session)
    if other := _other_write_ins(session):
        return other
    for key, found in boxed.items():
        if fault := _fault(found, board.pop(key, []), urn.pop(key, []), voted.get(key, [])):
            return Break(found.chain, found.seq, fault)
    for key in (*board, *urn):
        chain = session.execute(
            select(tables.poll.c.instance_id).where(tables.poll.c.id == UUID(key))
        ).scalar_one()
        return Break(chain, 0, _("没有记录的选票"))
    return None


def _fault(
    found: _Boxed, board: list[str], urn: list[ballots.Ballot], voted: list[str]
) -> Message | None:
    opened, counted = found.opened, found.counted
    if not found.cast:
        return _("截止前已有回执") if board or urn else None
    paper = ballots.Paper(
        opened["roll"],
        tuple(opened["choices"]),
        tuple(board),
        tuple(urn),
        len(found.cast["voters"]),
        board_hash=found.cast["board"],
        urn_hash=counted.get("urn"),
        counts=counted.get("counts"),
        invalid=counted.get("invalid"),
        write_in="write_in" in opened,
    )
    if false := ballots.first_false(paper):
        return _FALSE[false]
    if sorted(voted) != found.cast["voters"]:
        return _("投票人与历史不符")
    if urn and not counted:
        return _("开箱前已有选票")
    return None if _published(found) else _("公布的结果与计票不符")


def _published(found: _Boxed) -> bool:
    """Without paper ballots, which only the tellers know, the outcome says what was counted."""
    outcome, counts = found.outcome, found.counted.get("counts", {})
    if not outcome or outcome.get("on_paper"):
        return True
    votes = outcome.get("votes", outcome)
    chosen = {*found.opened["choices"], *outcome.get("written_in", ())}
    return all(votes.get(c) == counts.get(c) for c in chosen)


def _board(session: Session) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = defaultdict(list)
    for row in session.execute(select(tables.board).execution_options(yield_per=5000)):
        kept[str(row.poll_id)].append(row.receipt)
    return kept


def _urn(session: Session) -> dict[str, list[ballots.Ballot]]:
    kept: dict[str, list[ballots.Ballot]] = defaultdict(list)
    for row in session.execute(select(tables.urn).execution_options(yield_per=5000)):
        kept[str(row.poll_id)].append(ballots.Ballot(row.code, tuple(row.choices)))
    return kept


def _other_write_ins(session: Session) -> Break | None:
    """A poll of which others may be written in than its terms say, which the history tells."""
    written, poll = tables.write_in.c, tables.poll.c
    digest = rolls.digest_in_sql(written.member_id).label("digest")
    found = select(written.poll_id, digest).group_by(written.poll_id).subquery()
    told = poll.rule["write_in"]["roll_hash"].as_string()
    query = select(poll.instance_id).outerjoin(found, found.c.poll_id == poll.id)
    chain = session.execute(query.where(told.is_distinct_from(found.c.digest)).limit(1)).scalar()
    return None if chain is None else Break(chain, 0, _("可以另选的名册与开始时不符"))


def _voted(session: Session) -> dict[str, list[str]]:
    """Who is marked on the rolls of secret polls as having voted."""
    kept: dict[str, list[str]] = defaultdict(list)
    roll, poll = tables.roll.c, tables.poll.c
    voters = select(roll.poll_id, roll.member_id).join(tables.poll, poll.id == roll.poll_id)
    marked = voters.where(poll.secret, roll.at.is_not(None))
    for row in session.execute(marked.execution_options(yield_per=5000)):
        kept[str(row.poll_id)].append(str(row.member_id))
    return kept
