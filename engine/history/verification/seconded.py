"""Posts that take a second person: every proposal stands as the chain of its union tells it, and
each such post was proposed by one and confirmed by another, never by who received it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import select

from engine.db import tables
from engine.history.verification.replay import bodies, false, first_wrong
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from engine.db import Session, rows
    from engine.history.event_log import Break
    from engine.messages import Both

_STATES = {
    "post_proposed": "proposed",
    "post_granted": "done",
    "post_refused": "refused",
    "post_withdrawn": "withdrawn",
}
_POST = ("member", "post_kind", "unit", "term", "from_on", "to_on", "post")


class _Told(NamedTuple):
    """What the events tell of a proposal: the event that hands it in, and the last one."""

    chain: UUID
    seq: int
    proposed: Mapping[str, Any]
    last: Mapping[str, Any]

    @property
    def proposer(self) -> str | None:
        """None: the command line."""
        return _actor(self.proposed)

    @property
    def decider(self) -> str | None:
        """None while it waits."""
        return None if self.last is self.proposed else _actor(self.last)


def _actor(says: Mapping[str, Any]) -> str | None:
    actor = says.get("actor")
    return actor["id"] if actor else None


def first_false(session: Session) -> Break | None:
    """The first proposal of a post, or post given by two, that is not so."""
    found = _replayed(session)
    if not isinstance(found, dict):
        return found
    query = select(tables.proposal).where(tables.proposal.c.kind == "post")
    for row in cast("Iterable[rows.Proposal]", session.execute(query.order_by("id"))):
        told = found.pop(str(row.id), None)
        if told is None:
            return false(row.scope, "proposal", row.id, _("待确认的职务没有记录"))
        if wrong := _wrong(row, told):
            why = _("待确认职务的{column}与历史不符", column=wrong)
            return false(told.chain, "proposal", row.id, why, told.seq)
    for key, told in found.items():
        return false(told.chain, "proposal", key, _("待确认的职务缺失"), told.seq)
    return None


def _replayed(session: Session) -> dict[str, _Told] | Break:
    """By proposal; or the first event that no proposal, or no second person, stands behind."""
    found: dict[str, _Told] = {}
    for chain, seq, says in bodies(session, *_STATES):
        key = says.get("proposal")
        if key is None:
            continue
        if says["kind"] == "post_proposed":
            found[key] = _Told(chain, seq, says, says)
            continue
        told = found.get(key)
        if told is None or told.last is not told.proposed or not _is_decided(told.proposed, says):
            why = _("职务没有经第二人确认")
            return false(chain, "post", says["post"], why, seq)
        found[key] = told._replace(seq=seq, last=says)
    return found


def _is_decided(proposed: Mapping[str, Any], says: Mapping[str, Any]) -> bool:
    """Does an event decide on what was proposed, by the right person?"""
    who, proposer = _actor(says), _actor(proposed)
    if any(says.get(key) != proposed.get(key) for key in _POST):
        return False
    if says["kind"] == "post_withdrawn":
        return who is not None
    return who is not None and who not in (proposer, proposed["member"])


def _wrong(row: rows.Proposal, told: _Told) -> Both | None:
    """The first column that is not what is on record."""
    body = {key: told.proposed.get(key) for key in row.body}
    columns = {
        "scope": ("单位", row.scope == told.chain),
        "subject": ("事由", row.subject == "{member} {post_kind}@{unit}".format_map(told.proposed)),
        "body": ("职务", row.body == body and set(_POST) <= set(row.body)),
        "note": ("说明", row.note == ""),
        "state": ("状态", row.state == _STATES[told.last["kind"]]),
        "proposer_id": ("提出人", _id(row.proposer_id) == told.proposer),
        "approver_id": ("第二人", _id(row.approver_id) == told.decider),
    }
    return first_wrong(columns)


def _id(key: UUID | None) -> str | None:
    return str(key) if key else None
