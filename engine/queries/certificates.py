"""The certificate of a closed poll as PDF, and the check of one that somebody holds against the
history.

What it certifies is what the events of the poll say, never what the columns beside them say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import select

from engine import clock
from engine.ballots import rolls
from engine.db import rows, tables
from engine.definitions.store import process_of
from engine.documents import pdf, qr
from engine.errors import HistoryBroken, NotFound
from engine.history import event_log
from engine.instance.context import context_of
from engine.messages import Listed, Message, _
from engine.people import organisation
from engine.people.ordering import Order, ordered
from engine.queries import poll_summary
from engine.queries import polls as asked
from engine.queries.poll_summary import Result, Roll, why

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session
    from engine.definitions import Process
    from engine.messages import Language
    from engine.people.organisation import Actor
    from engine.queries.polls import Poll
    from engine.queries.tellers import Teller

KIND = "poll_certificate"
TEMPLATE = Path(__file__).parents[1] / "documents" / f"{KIND}.typ"
TITLE = _("表决结果证明书")
NUMBERS = {
    "issued": _("发出票数"),
    "returned": _("收回票数"),
    "valid": _("有效票数"),
    "invalid": _("无效票数"),
    "silent": _("未投票"),
}
RESULT = {
    ("vote", True): _("通过"),
    ("vote", False): _("未通过"),
    ("election", True): _("选出"),
    ("election", False): _("未选足"),
}
_ROLL = 1200  # names printed


@dataclass(frozen=True)
class Checked:
    """What the record says to a certificate: its hash is that of the event, and the chain up to it
    is whole.

    agrees: what the pages show of the poll is what its events say.
    """

    matches: bool
    whole: bool
    seq: int
    at: datetime
    hash: str
    agrees: bool = True


def certificate(
    session: Session, actor: Actor, poll_id: UUID, address: str, say: Language
) -> tuple[str, bytes]:
    """The certificate as (file name, PDF). `address` is where it can be checked; `{hash}` in it
    becomes the event's hash.

    NotFound when the poll is not this person's to see, or it has no result; HistoryBroken when its
    roll is another one.
    """
    poll = asked.poll(session, actor, poll_id, say.code)
    event = _event(session, poll)
    recorded = _recorded(session, poll, event, say.code)
    if not _same_roll(session, recorded):
        raise HistoryBroken(_("名册与开始时不符，不能出具证明书。"), poll=str(poll_id))
    data = _Certificate(session, recorded, event, address, say).data()
    files = {f"documents/{KIND}.typ": TEMPLATE.read_text("utf-8")}
    name = pdf.file_name(data["instance"]["number"], data["document"]["title"], poll.question.title)
    return f"{name}.pdf", pdf.composed(files, KIND, data)


_PRESENCE = ("due", "needed", "opening", "least", "closing")


@dataclass(frozen=True)
class _Moment:
    """An event of a poll; `at` as its hashed body says it."""

    seq: int
    hash: bytes
    body: str
    at: datetime

    @property
    def says(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


def _recorded(session: Session, poll: Poll, event: _Moment, lang: str) -> Poll:
    """The poll as its events have it: outcome, numbers, roll and moments."""
    outcome, opening = event.says["outcome"], _opened(session, poll)
    stopped, says = _of(session, poll, "poll_stopped"), opening.says
    election = "wins" in says
    choices = _choices(session, poll, says)
    presence = {
        "opening": outcome.get("present_at_opening"),
        "closing": outcome.get("present"),
        "least": outcome.get("present_least"),
        "needed": outcome.get("present_needed"),
        "due": says.get("due"),
    }
    counts = {} if election else {c: outcome[c] for c in choices if c in outcome}
    known = poll.question.kind
    question = replace(
        poll.question,
        kind="election" if election else "vote" if known == "election" else known,
        choices=choices,
        secret="public_key" in says,
    )
    result = Result(
        outcome,
        why(outcome, lang),
        elected=tuple(outcome.get("elected", ())),
        tied=tuple(outcome.get("tied", ())),
    )
    return replace(
        poll,
        state="closed",
        question=question,
        roll=Roll(says["roll"], says["roll_hash"], papers=int("on_paper" in outcome)),
        count=replace(poll.count, by_choice=outcome.get("votes", counts)),
        result=result,
        opened_at=opening.at,
        closed_at=stopped[0].at if stopped else event.at,
        presence=cast("rows.Presence", {k: v for k, v in presence.items() if v is not None}),
    )


def _choices(session: Session, poll: Poll, says: Mapping[str, Any]) -> tuple[str, ...]:
    """What could be chosen: as the opening has it, else as the process of that version says."""
    listed = says.get("candidates") or says.get("choices")
    if listed:
        return tuple(listed)
    version = session.execute(
        select(tables.instance.c.version).where(tables.instance.c.id == poll.instance_id)
    ).scalar_one()
    rule = process_of(session, version).tasks[poll.question.element].poll
    return tuple(rule.choices if rule else poll.question.choices)


def _same_roll(session: Session, recorded: Poll) -> bool:
    members = session.execute(
        select(tables.roll.c.member_id).where(tables.roll.c.poll_id == recorded.id)
    ).scalars()
    return rolls.digest(map(str, members)) == recorded.roll.hash


@dataclass(frozen=True)
class _Certificate:
    """What the template prints: plain texts in the language of the reader."""

    session: Session
    poll: Poll
    event: _Moment
    address: str
    say: Language

    def data(self) -> dict[str, Any]:
        """The file data.json beside the template."""
        poll, seal = self.poll, self.event.hash.hex()
        url = self.address.replace("{hash}", seal)
        return {
            "lang": self.say.code,
            "document": {
                "title": self.say(TITLE),
                "number": str(poll.id)[:8],
                "issued_on": clock.day_of(poll.closed_at or self.event.at).isoformat(),
            },
            "instance": self._instance(),
            "poll": self._poll(),
            "result": self.say(_result(poll)),
            "why": poll.result.why,
            "elected": [self._name(choice) for choice in poll.result.elected],
            "tied": [self._name(choice) for choice in poll.result.tied],
            "counts": self._counts(),
            "rules": [{"id": rule.id, "words": rule.words} for rule in poll.basis.rules],
            "presence": {k: str(poll.presence.get(k, "")) for k in _PRESENCE},
            "roll": _roll(self.session, poll),
            "tellers": [[teller.name, self.say(_signature(teller))] for teller in poll.tellers],
            "event": {"seq": self.event.seq, "hash": seal, "at": moment_text(self.event.at)},
            "url": url,
            "qr": qr.svg(url),
        }

    def _instance(self) -> dict[str, str]:
        instance = tables.instance.c
        columns = (instance.number, instance.title, instance.version, instance.union_id)
        row = self.session.execute(
            select(*columns).where(instance.id == self.poll.instance_id)
        ).one()
        process = process_of(self.session, row.version)
        unions = organisation.unit_names(self.session, [row.union_id])
        return {
            "number": row.number,
            "title": row.title,
            "union": unions.get(row.union_id, ""),
            "process": self.say(process.title),
            "body": self._body(process),
        }

    def _body(self, process: Process) -> str:
        """Which of the meetings that share a hall decided; "" where there is one alone."""
        meeting, task, poll = tables.meeting.c, tables.task.c, tables.poll.c
        decided = select(poll.meeting_id).where(poll.id == self.poll.id).scalar_subquery()
        query = (
            select(task.element, meeting.id == decided)
            .join(tables.meeting, meeting.task_id == task.id)
            .where(meeting.instance_id == self.poll.instance_id)
        )
        held = [(process.tasks[row[0]].meeting, row[1]) for row in self.session.execute(query)]
        if not any(each and each.beside for each, _here in held):
            return ""
        return next((self.say(each.name) for each, here in held if each and here and each.name), "")

    def _poll(self) -> dict[str, Any]:
        poll = self.poll
        manner = [_("无记名投票") if poll.question.secret else _("记名表决")]
        if poll.roll.papers:
            manner.append(_("纸质票与电子票合并计票"))
        return {
            "id": str(poll.id),
            "title": poll.question.title,
            "asks": poll.question.asks,
            "about": [[each.label, each.text] for each in poll.question.about.more],
            "question": poll.question.about.question,
            "manner": self.say(Listed(manner, "；")),
            "opened": moment_text(poll.opened_at),
            "closed": moment_text(poll.closed_at),
            "words": poll.basis.words,
            "quorum": poll.basis.quorum,
            "roll": poll.roll.size,
            "roll_hash": poll.roll.hash,
        }

    def _counts(self) -> list[list[Any]]:
        outcome = self.poll.result.outcome or {}
        chosen = [[self._name(choice), n] for choice, n in poll_summary.choices(self.poll)]
        numbers = [
            [self.say(words), outcome[key]]
            for key, words in NUMBERS.items()
            if isinstance(outcome.get(key), int)
        ]
        return chosen + numbers

    def _name(self, choice: str) -> str:
        return self.say(self.poll.question.labels.get(choice, choice))


def _result(poll: Poll) -> Message:
    passed = bool((poll.result.outcome or {}).get("passed"))
    return RESULT["election" if poll.question.kind == "election" else "vote", passed]


def moment_text(moment: datetime | None) -> str:
    """A moment in China, to the second."""
    return moment.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def _signature(teller: Teller) -> Message | str:
    """What a teller did with the count: signed it when, dissented, or was replaced."""
    if teller.successor is not None:
        return _("由{who}接替：{why}", who=teller.successor, why=teller.leaves or "")
    if teller.dissent is not None:
        return _("没有签字，不同意见：{why}", why=teller.dissent)
    return moment_text(teller.signed_at) or _("没有签字")


def _roll(session: Session, poll: Poll) -> list[str]:
    """The names on the roll, as official lists stand; as they answer one after the other."""
    roll, member = tables.roll.c, tables.member.c
    names = session.execute(
        select(member.name)
        .join(tables.roll, roll.member_id == member.id)
        .where(roll.poll_id == poll.id)
        .order_by(roll.position, member.id)
    ).scalars()
    order = context_of(session, None, poll.instance_id).name_order
    return ordered(names, str, Order.GIVEN if poll.question.in_order else order)[:_ROLL]


def _of(session: Session, poll: Poll, kind: str) -> list[_Moment]:
    """The events of a kind that are about this poll, the latest first."""
    event = tables.event.c
    rows = session.execute(
        select(event.seq, event.hash, event.body)
        .where(event.instance_id == poll.instance_id, event.kind == kind)
        .order_by(event.seq.desc())
    ).all()
    found = ((row, json.loads(row.body)) for row in rows)
    return [
        _Moment(row.seq, bytes(row.hash), row.body, datetime.fromisoformat(says["at"]))
        for row, says in found
        if says.get("poll") == str(poll.id)
    ]


def _event(session: Session, poll: Poll) -> _Moment:
    """The event that closed the poll. Raises NotFound while it has no result."""
    found = _of(session, poll, "poll_closed")
    if not found:
        raise NotFound(_("表决还没有结果，不能出具证明书。"), code="no_result")
    return found[0]


def _opened(session: Session, poll: Poll) -> _Moment:
    found = _of(session, poll, "poll_opened")
    if not found:
        raise HistoryBroken(_("历史记录里没有这项表决的开始，不能出具证明书。"), poll=str(poll.id))
    return found[0]


def checked(session: Session, actor: Actor, poll_id: UUID, seal: str) -> Checked:
    """Is this the hash of the event that closed the poll, and is the chain whole up to it? Raises
    NotFound.
    """
    return against(session, asked.poll(session, actor, poll_id), seal)[0]


def verified(
    session: Session, actor: Actor, poll_id: UUID, seal: str, lang: str = "zh"
) -> tuple[Checked, Poll]:
    """The same check, with the poll as its events have it."""
    return against(session, asked.poll(session, actor, poll_id, lang), seal, lang)


def against(session: Session, poll: Poll, seal: str, lang: str = "zh") -> tuple[Checked, Poll]:
    """A hash against the event that closed this poll."""
    found, event, instance = _event(session, poll), tables.event.c, tables.instance.c
    rows = session.execute(
        select(event.seq, event.body, event.hash)
        .where(event.instance_id == poll.instance_id)
        .order_by(event.seq)
    ).all()
    chain = session.execute(
        select(instance.seq, instance.head).where(instance.id == poll.instance_id)
    ).one()
    broken = event_log.first_broken(poll.instance_id, rows, chain.seq, bytes(chain.head))
    own = found.hash.hex()
    whole = broken is None or broken.seq > found.seq
    recorded = _recorded(session, poll, found, lang)
    shown = {k: v for k, v in (poll.result.outcome or {}).items() if k != "voters"}
    agrees = (
        poll.state == "closed"
        and shown == recorded.result.outcome
        and _same_roll(session, recorded)
    )
    return Checked(
        matches=seal.strip().lower() == own,
        whole=whole,
        seq=found.seq,
        at=found.at,
        hash=own,
        agrees=agrees,
    ), recorded
