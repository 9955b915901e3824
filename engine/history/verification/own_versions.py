"""Which version was in force for which union: each own version stands as the chain of its union
tells it, was put in force and ended by two people, and every matter was launched by the version
that was in force for its union then.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import select

from engine.db import tables
from engine.history.event_log import INSTALLATION
from engine.history.verification.replay import SLACK, Replayed, bodies, false, first_wrong, near
from engine.history.verification.rules import AGAIN, OWN, VERSIONS, Ranks
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from engine.db import Session, rows
    from engine.history.event_log import Break
    from engine.messages import Both

_IN_FORCE, _REFUSED = "own_version_in_force", "own_version_refused"
_END, _ENDED = "own_version_end_proposed", "own_version_ended"
_AGAIN = "definition_again_proposed"
_KINDS = (OWN, _IN_FORCE, _REFUSED, _END, _ENDED)
_DEFINITION = tables.definition.c

Spans = dict[tuple[str, "UUID | None"], list[tuple[datetime, "str | None"]]]


@dataclass
class _Told:
    """An own version as its events tell it; `ended`: when another version took its place."""

    chain: UUID
    seq: int
    proposed: Mapping[str, Any]
    decided: Mapping[str, Any] | None = None
    ended: str = ""
    ends: dict[str, str | None] = field(default_factory=dict)  # proposal -> who proposed to end it

    @property
    def state(self) -> str:
        if self.decided is None:
            return "proposed"
        if self.decided["kind"] == _REFUSED:
            return "refused"
        return "ended" if self.ended else "in_force"


@dataclass
class Times:
    """From when which version was in force, by process and union (None: for all unions), as the
    chains tell it; None as version: the common one. `broken`: the first event that cannot be.
    """

    spans: Spans = field(default_factory=lambda: defaultdict(list))
    own: dict[str, _Told] = field(default_factory=dict)
    broken: Break | None = None

    @classmethod
    def of(cls, session: Session) -> Times:
        """What all chains tell."""
        made = cls()
        made._common(session)
        if made.broken:
            return made
        for chain, seq, says in bodies(session, *_KINDS):
            if not made._take(chain, seq, says):
                why = _("本单位的流程版本没有经两人先后决定")
                made.broken = false(chain, "own_version", says["own"], why, seq)
                break
        return made

    def _common(self, session: Session) -> None:
        query = select(_DEFINITION.hash, _DEFINITION.number)
        numbers: dict[str, int] = dict(session.execute(query).tuples().all())
        ranks, published = Ranks(), defaultdict[str, set[str]](set)
        hands: dict[str, str | None] = {}  # version, or proposal -> who proposed it
        for chain, seq, says in bodies(session, *VERSIONS, AGAIN, _AGAIN):
            if chain != INSTALLATION:
                continue
            if not _by_two(hands, says):
                why = _("流程版本没有经两人先后决定")
                self.broken = false(chain, "definition", says["version"], why, seq)
            if says["kind"] != _AGAIN:
                ranks.take(says)
            if says["kind"] in ("definition_published", AGAIN):
                known = published[says["process"]]
                known.add(says["version"])
                newest = max(known, key=lambda v: ranks.of(v, numbers[v]))
                at = datetime.fromisoformat(says["at"])
                self.spans[says["process"], None].append((at, newest))

    def _take(self, chain: UUID, seq: int, says: Mapping[str, Any]) -> bool:
        """Follow an event; False when no other person stands behind what it decides on."""
        if says["kind"] == OWN:
            self.own[says["own"]] = _Told(chain, seq, says)
            return True
        told = self.own.get(says["own"])
        if told is None or told.chain != chain or _about(says) != _about(told.proposed):
            return False
        told.seq = seq
        if says["kind"] == _END:
            told.ends[says["proposal"]] = _who(says)
            return told.state == "in_force"
        if says["kind"] == _ENDED:
            second = _who(says) not in (None, told.ends.get(says["proposal"], _who(says)))
            return second and told.state == "in_force" and self._end(told, says["at"])
        first = told.state == "proposed"
        told.decided = says
        if says["kind"] == _IN_FORCE:
            self._put_in_force(told, says)
        return first and _who(says) not in (None, _who(told.proposed))

    def _put_in_force(self, told: _Told, says: Mapping[str, Any]) -> None:
        for other in self.own.values():
            same = (other.chain, other.proposed["process"]) == (told.chain, says["process"])
            if same and other is not told and other.state == "in_force":
                other.ended = says["at"]
        at = datetime.fromisoformat(says["at"])
        self.spans[says["process"], told.chain].append((at, says["version"]))

    def _end(self, told: _Told, at: str) -> bool:
        told.ended = at
        key = told.proposed["process"], told.chain
        self.spans[key].append((datetime.fromisoformat(at), None))
        return True

    def _around(self, process: str, union: UUID | None, at: str) -> set[str | None]:
        """What was in force at a moment, as far as a command needs time; None: nothing."""
        moment, before = datetime.fromisoformat(at), None
        found: set[str | None] = set()
        for since, version in self.spans.get((process, union), ()):
            if since <= moment - SLACK:
                before = version
            elif since <= moment + SLACK:
                found.add(version)
        return found | {before}

    def common(self, process: str, version: str, at: str) -> bool:
        """Was this version in force for all at that moment? True before anything was on record:
        who enters an older history sets the clock back.
        """
        known = self._around(process, None, at)
        return version in known or known == {None}

    def launched(self, replayed: Replayed, union: UUID) -> Break | None:
        """The launch of a matter by another version than its union had then."""
        says = replayed.launched
        process, version, whose = says["process"], says["version"], says.get("whose")
        own = self._around(process, union, says["at"])
        if whose == "union":
            holds = version in own
        else:  # older events do not say whose: then it was the common one
            holds = None in own and (whose is None or self.common(process, version, says["at"]))
        if holds:
            return None
        why = _("发起时所用的流程版本，不是当时在该单位施行的版本")
        return replayed.false("instance", replayed.chain, why, 1)


def _by_two(hands: dict[str, str | None], says: Mapping[str, Any]) -> bool:
    """Is what an event puts in force for all another person's proposal? The operator, whom no
    event names, puts in force alone.
    """
    kind, who, about = says["kind"], _who(says), says.get("proposal", says["version"])
    if kind in (_AGAIN, "definition_proposed"):
        hands[about] = who
    if kind == AGAIN:
        return who not in (None, hands.get(about, who))
    return kind != "definition_published" or who is None or who != hands.get(about, who)


def _about(says: Mapping[str, Any]) -> tuple[str, str]:
    return says["process"], says["version"]


def _who(says: Mapping[str, Any]) -> str | None:
    actor = says.get("actor")
    return actor["id"] if actor else None


def first_false(session: Session, times: Times) -> Break | None:
    """The first own version that is not as its union's chain tells it."""
    if times.broken:
        return times.broken
    missing = dict(times.own)
    query = select(tables.own_version).order_by(tables.own_version.c.id)
    for row in cast("Iterable[rows.OwnVersion]", session.execute(query)):
        told = missing.pop(str(row.id), None)
        if told is None:
            why = _("本单位的流程版本没有记录")
            return false(row.union_id, "own_version", row.id, why)
        if wrong := _terms(row, told, times) or _hands(row, told):
            why = _("本单位流程版本的{column}与历史不符", column=wrong)
            return false(told.chain, "own_version", row.id, why, told.seq)
    for key, told in missing.items():
        return false(told.chain, "own_version", key, _("本单位的流程版本缺失"), told.seq)
    return None


def _terms(row: rows.OwnVersion, told: _Told, times: Times) -> Both | None:
    """The first column that is not what was proposed."""
    says = told.proposed
    base = times.common(row.process_id, row.based_on, says["at"])
    return first_wrong(
        {
            "union_id": ("单位", row.union_id == told.chain),
            "process_id": ("流程", row.process_id == says["process"]),
            "version": ("版本", row.version == says["version"]),
            "based_on": ("所依据的通用版本", row.based_on == says["based_on"] and base),
            "note": ("说明", row.note == says.get("note", "")),
            "state": ("状态", row.state == told.state),
        }
    )


def _hands(row: rows.OwnVersion, told: _Told) -> Both | None:
    """The first of who decided on it, and when, that is not on record."""
    decided = told.decided
    approver = _who(decided) if decided else None
    return first_wrong(
        {
            "author_id": ("提出人", str(row.author_id) == _who(told.proposed)),
            "approver_id": ("批准人", (str(row.approver_id or "") or None) == approver),
            "created_at": ("提出时间", near(row.created_at, told.proposed["at"])),
            "decided_at": ("决定时间", _moment(row.decided_at, decided["at"] if decided else "")),
            "ended_at": ("停用时间", _moment(row.ended_at, told.ended)),
        }
    )


def _moment(kept: datetime | None, told: str) -> bool:
    return near(kept, told) if told else kept is None
