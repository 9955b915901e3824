"""The certificate of a closed poll as PDF, and the check of one that somebody holds against the history.

What it certifies is what the events of the poll say, never what the columns beside them say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import clock
from engine.ballots import rolls
from engine.db import tables
from engine.definitions.store import process_of
from engine.documents import pdf, qr
from engine.errors import HistoryBroken, NotFound
from engine.history import event_log
from engine.instance.counting import ABSTAIN
from engine.messages import _
from engine.people import organisation
from engine.queries import polls as asked

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.polls import Poll

KIND = "poll_certificate"
TEMPLATE = Path(__file__).parents[1] / "documents" / f"{KIND}.typ"
TITLES = {"zh": "表决结果证明书", "en": "Certificate of a Poll"}
NUMBERS = {
    "issued": ("发出票数", "Ballots issued"),
    "returned": ("收回票数", "Ballots returned"),
    "valid": ("有效票", "Valid"),
    "invalid": ("无效票", "Invalid"),
    "silent": ("未投票", "Did not vote"),
}
RESULT = {
    ("vote", True): ("通过", "Passed"),
    ("vote", False): ("未通过", "Not passed"),
    ("election", True): ("选出", "Elected"),
    ("election", False): ("未选足", "Not all seats filled"),
}
MANNER = {True: ("无记名投票", "Secret ballot"), False: ("记名表决", "Open vote")}
MIXED = ("纸质票与电子票合并计票", "paper and electronic ballots in one count")
_ROLL = 1200  # names printed


@dataclass(frozen=True)
class Checked:
    """What the record says to a certificate: its hash is that of the event, and the chain up to it is whole.

    agrees: what the pages show of the poll is what its events say.
    """

    matches: bool
    whole: bool
    seq: int
    at: datetime
    hash: str
    agrees: bool = True


def certificate(
    session: Session, actor: Actor, poll_id: UUID, address: str, lang: str = "zh"
) -> tuple[str, bytes]:
    """The certificate as (file name, PDF). `address` is where it can be checked; `{hash}` in it becomes the event's hash.

    NotFound when the poll is not this person's to see, or it has no result; HistoryBroken when its roll is another one.
    """
    poll = asked.poll(session, actor, poll_id, lang)
    event = _event(session, poll)
    told = _told(session, poll, event, lang)
    if not _same_roll(session, told):
        raise HistoryBroken(_("名册与开始时不符，不能出具证明书。"), poll=str(poll_id))
    data = _data(session, told, event, address, "en" if lang.startswith("en") else "zh")
    files = {f"documents/{KIND}.typ": TEMPLATE.read_text("utf-8")}
    name = pdf.file_name(data["instance"]["number"], data["document"]["title"], poll.title)
    return f"{name}.pdf", pdf.composed(files, KIND, data)


def _told(session: Session, poll: Poll, event: Any, lang: str) -> Poll:
    """The poll as its events tell it: outcome, numbers, roll and moments."""
    outcome = json.loads(event.body)["outcome"]
    opened, ended = _opened(session, poll), event.at
    if stopped := _of(session, poll, "poll_stopped"):
        ended = stopped[0].at
    says, election = json.loads(opened.body), "wins" in json.loads(opened.body)
    version = session.execute(
        select(tables.instance.c.version).where(tables.instance.c.id == poll.instance_id)
    ).scalar_one()
    rule = process_of(session, version).tasks[poll.element].poll
    choices = tuple(
        says.get("candidates") or says.get("choices") or (rule.choices if rule else poll.choices)
    )
    listed = {} if election else {c: outcome[c] for c in choices if c in outcome}
    presence = {"opening": outcome.get("present_at_opening"), "closing": outcome.get("present")}
    return replace(
        poll,
        state="closed",
        outcome=outcome,
        counts=outcome.get("votes", listed),
        why=asked.why(outcome, lang),
        kind="election" if election else poll.kind if poll.kind != "election" else "vote",
        choices=choices,
        roll_size=says["roll"],
        roll_hash=says["roll_hash"],
        elected=tuple(outcome.get("elected", ())),
        tied=tuple(outcome.get("tied", ())),
        opened_at=opened.at,
        closed_at=ended,
        secret="public_key" in says,
        papers=int("on_paper" in outcome),
        presence={k: v for k, v in presence.items() if v is not None},
    )


def _same_roll(session: Session, told: Poll) -> bool:
    members = session.execute(
        select(tables.roll.c.member_id).where(tables.roll.c.poll_id == told.id)
    ).scalars()
    return rolls.digest(map(str, members)) == told.roll_hash


def _data(session: Session, poll: Poll, event: Any, address: str, lang: str) -> dict[str, Any]:
    n = 1 if lang == "en" else 0
    instance = tables.instance.c
    matter = session.execute(
        select(instance.number, instance.title, instance.version, instance.union_id).where(
            instance.id == poll.instance_id
        )
    ).one()
    outcome = poll.outcome or {}
    seal = bytes(event.hash).hex()
    url = address.replace("{hash}", seal)
    union = organisation.unit_names(session, [matter.union_id]).get(matter.union_id, "")
    manner = [MANNER[poll.secret][n], *([MIXED[n]] if poll.papers else [])]
    return {
        "lang": lang,
        "document": {
            "title": TITLES[lang],
            "number": str(poll.id)[:8],
            "issued_on": clock.day_of(poll.closed_at or event.at).isoformat(),
        },
        "instance": {
            "number": matter.number,
            "title": matter.title,
            "union": union,
            "process": process_of(session, matter.version).title.in_(lang),
        },
        "poll": {
            "id": str(poll.id),
            "title": poll.title,
            "asks": poll.asks,
            "about": [[a.label, a.text] for a in poll.about.more],
            "question": poll.about.question,
            "manner": ("；", "; ")[n].join(manner),
            "opened": said(poll.opened_at),
            "closed": said(poll.closed_at),
            "words": poll.words,
            "roll": poll.roll_size,
            "roll_hash": poll.roll_hash,
        },
        "result": _result(poll, n),
        "why": poll.why,
        "elected": [_name(poll, c, lang) for c in poll.elected],
        "tied": [_name(poll, c, lang) for c in poll.tied],
        "counts": [[_name(poll, c, lang), k] for c, k in choices(poll)]
        + [[NUMBERS[key][n], outcome[key]] for key in NUMBERS if isinstance(outcome.get(key), int)],
        "rules": [{"id": r.id, "words": r.words} for r in poll.rules],
        "presence": {
            k: str(poll.presence[k]) if k in poll.presence else "" for k in ("opening", "closing")
        },
        "roll": _roll(session, poll),
        "tellers": [[t.name, said(t.signed_at)] for t in poll.tellers],
        "event": {"seq": event.seq, "hash": seal, "at": said(event.at)},
        "url": url,
        "qr": qr.svg(url),
    }


def choices(poll: Poll) -> list[tuple[str, int]]:
    """What was chosen how often in a closed poll, in the order of the ballot; of an election most votes first."""
    outcome = poll.outcome or {}
    if poll.kind != "election":
        return [(c, int(outcome.get(c, 0))) for c in poll.choices]
    votes = outcome.get("votes", {})
    found = sorted(((c, int(votes.get(c, 0))) for c in poll.choices), key=lambda pair: -pair[1])
    return [*found, (ABSTAIN, int(outcome.get("abstain", 0)))]


def _result(poll: Poll, n: int) -> str:
    passed = bool((poll.outcome or {}).get("passed"))
    return RESULT["election" if poll.kind == "election" else "vote", passed][n]


def _name(poll: Poll, choice: str, lang: str) -> str:
    return poll.labels[choice].in_(lang) if choice in poll.labels else choice


def said(moment: datetime | None) -> str:
    """A moment in China, to the second."""
    return moment.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def _roll(session: Session, poll: Poll) -> list[str]:
    roll, member = tables.roll.c, tables.member.c
    return list(
        session.execute(
            select(member.name)
            .join(tables.roll, roll.member_id == member.id)
            .where(roll.poll_id == poll.id)
            .order_by(roll.position, member.id)
            .limit(_ROLL)
        ).scalars()
    )


def _of(session: Session, poll: Poll, kind: str) -> list[Any]:
    """The events of a kind that are about this poll, the latest first; each moment as the hashed body says it."""
    event = tables.event.c
    rows = session.execute(
        select(event.seq, event.hash, event.body)
        .where(event.instance_id == poll.instance_id, event.kind == kind)
        .order_by(event.seq.desc())
    ).all()
    found = [(r, says) for r in rows if (says := json.loads(r.body)).get("poll") == str(poll.id)]
    return [
        SimpleNamespace(seq=r.seq, hash=r.hash, body=r.body, at=datetime.fromisoformat(says["at"]))
        for r, says in found
    ]


def _event(session: Session, poll: Poll) -> Any:
    """The event that closed the poll. Raises NotFound while it has no result."""
    found = _of(session, poll, "poll_closed")
    if not found:
        raise NotFound(_("表决还没有结果，不能出具证明书。"), code="no_result")
    return found[0]


def _opened(session: Session, poll: Poll) -> Any:
    found = _of(session, poll, "poll_opened")
    if not found:
        raise HistoryBroken(_("历史记录里没有这项表决的开始，不能出具证明书。"), poll=str(poll.id))
    return found[0]


def checked(session: Session, actor: Actor, poll_id: UUID, seal: str) -> Checked:
    """Is this the hash of the event that closed the poll, and is the chain whole up to it? Raises NotFound."""
    return against(session, asked.poll(session, actor, poll_id), seal)[0]


def verified(
    session: Session, actor: Actor, poll_id: UUID, seal: str, lang: str = "zh"
) -> tuple[Checked, Poll]:
    """The same check, with the poll as its events tell it."""
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
    own = bytes(found.hash).hex()
    whole = broken is None or broken.seq > found.seq
    told = _told(session, poll, found, lang)
    shown = {k: v for k, v in (poll.outcome or {}).items() if k != "voters"}
    agrees = poll.state == "closed" and shown == told.outcome and _same_roll(session, told)
    return Checked(seal.strip().lower() == own, whole, found.seq, found.at, own, agrees), told
