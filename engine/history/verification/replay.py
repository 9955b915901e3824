"""The events of one instance replayed in order, into what the rows beside them must say."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import legacy
from engine.db import canonical, tables
from engine.db.states import DocumentState
from engine.errors import Invalid
from engine.history import kinds
from engine.history.event_log import Break
from engine.history.verification import beside
from engine.history.verification.told import Act, Held, Meeting, Poll, Published, Remark
from engine.messages import Both, Message, _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from engine.db import Session

_event = tables.event.c
# A command asks for the time more than once, and may wait for locks in between.
SLACK = timedelta(minutes=2)
_ENDS = {"instance_withdrawn": "withdrawn", "instance_terminated": "terminated"}


@dataclass
class Replayed:
    """An instance as its events tell it.

    `facts` says where each fact that an event knows comes from: ("said", digest of the answers),
    ("is", value), ("poll", id), ("told", digest of the fact) or None. `tells`: how much its events
    tell, see `kinds.TELLS`.
    """

    chain: UUID
    launched: dict[str, Any] = field(default_factory=dict)
    state: str = "running"
    outcome: str = ""
    ended: str = ""
    stopped_days: int = 0
    erased: str = ""  # when
    disclosed: bool = False
    answered: dict[str, list[Act]] = field(default_factory=lambda: defaultdict(list))
    closed: dict[str, list[Act]] = field(default_factory=lambda: defaultdict(list))
    owners: list[tuple[str, str]] = field(default_factory=list)
    tells: int = 1
    salt: bytes | None = None
    facts: dict[str, tuple[str, Any] | None] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)  # of the event that tells a fact, last
    stated: int = 1  # the event that tells the state
    recounts: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)
    polls: dict[str, Poll] = field(default_factory=dict)
    meetings: dict[str, Meeting] = field(default_factory=dict)
    publications: dict[str, Published] = field(default_factory=dict)
    suspended: str = ""  # since when it stands still
    documents: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    held: Held | None = None  # the act that waits now
    dropped: dict[tuple[str, str], Held] = field(default_factory=dict)  # by task and author
    remarks: dict[str, Remark] = field(default_factory=dict)  # comments by id
    asked: dict[str, beside.Asked] = field(default_factory=dict)  # beside decisions, by id
    copies: dict[str, beside.Copied] = field(default_factory=dict)  # sent for information, by id
    stray: int = 0  # the first event that speaks of an act that was not held
    papers: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    def false(self, table: str, key: object, why: Message, seq: int = 0) -> Break:
        """The row of a table that the events contradict."""
        return false(self.chain, table, key, why, seq)


def false(chain: UUID, table: str, key: object, why: Message, seq: int = 0) -> Break:
    """A row that the history contradicts, named by its table and id."""
    return Break(chain, seq, _("{why}（{table} {key}）", why=why, table=table, key=key))


def first_wrong(columns: Mapping[str, tuple[str, bool]]) -> Both | None:
    """The first column that does not hold, of those given as name -> (what a person calls it,
    whether it holds).
    """
    wrong = ((words, name) for name, (words, holds) in columns.items() if not holds)
    found = next(wrong, None)
    return Both(*found) if found else None


def bodies(session: Session, *kinds: str) -> Iterator[tuple[UUID, int, dict[str, Any]]]:
    """Chain, seq and body of all events of these kinds, chain by chain."""
    query = (
        select(_event.instance_id, _event.seq, _event.body)
        .where(_event.kind.in_(kinds))
        .order_by(_event.instance_id, _event.seq)
    )
    for row in session.execute(query.execution_options(yield_per=5000)):
        yield row.instance_id, row.seq, json.loads(row.body)


def near(moment: datetime | None, recorded: str) -> bool:
    """Is a moment that a row keeps the one of its event, as far as a command needs time?"""
    return moment is not None and abs(moment - datetime.fromisoformat(recorded)) <= SLACK


def near_if(moment: datetime | None, recorded: str) -> bool:
    """The same of what may not have been yet: "" and no moment."""
    return near(moment, recorded) if recorded else moment is None


def salted(value: object, salt: bytes | None) -> str:
    """The salted digest; empty for what could never have been kept."""
    try:
        return canonical.salted(value, bytes(salt or b""))
    except Invalid:
        return ""


def replay_events(chain: UUID, events: Iterable[tuple[int, dict[str, Any]]]) -> Replayed:
    """What the events of a matter, in order, come to."""
    replayed = Replayed(chain)
    for seq, says in events:
        if missing := kinds.missing(says["kind"], says):
            raise KeyError(*missing)
        _READERS.get(says["kind"], _nothing)(replayed, seq, says)
        for name, digest in says.get("facts", {}).items():
            _told(replayed, name, digest)
            replayed.seqs[name] = seq
        if "ended" in says:
            replayed.state = _end_state(says)
            replayed.outcome, replayed.ended = says["ended"], says["at"]
            replayed.stated = seq
    return replayed


def _end_state(says: Mapping[str, Any]) -> str:
    """In which state the event that ends a matter leaves it."""
    said = legacy.sent_state(says) if says["kind"] == "message_sent" else ""
    return said or _ENDS.get(says["kind"], "ended")


def _nothing(_replayed: Replayed, _seq: int, _says: dict[str, Any]) -> None:
    """Events that only end a matter."""


def _act(seq: int, says: dict[str, Any]) -> Act:
    return Act(
        seq,
        says.get("given", says["at"]),
        says["actor"]["id"] if says.get("actor") else None,
        says.get("answers"),
        says.get("happened_on"),
    )


def _say(replayed: Replayed, element: str, seq: int, says: dict[str, Any]) -> None:
    """Something was said under a name: its fact is that, until something else is said there."""
    replayed.facts[element] = ("said", says["answers"]) if "answers" in says else None
    replayed.seqs[element] = seq
    if "answers" in says:
        replayed.answered[element].append(_act(seq, says))


def _completed(replayed: Replayed, seq: int, says: dict[str, Any]) -> None:
    """A task was finished: at once, or as it was given before."""
    held, given = replayed.held, says.get("given")
    if bool(held) != bool(given) or (held and not _is_that(held, says)):
        replayed.stray = replayed.stray or seq
    replayed.held = None
    _say(replayed, says["task"], seq, says)


def _is_that(held: Held, says: Mapping[str, Any]) -> bool:
    """Is the task finished as it was held: by its author, at the moment given, in its batch?"""
    finished = (says["task"], says["actor"]["id"], says["given"], says.get("batch"))
    return (held.element, held.by, held.given, held.batch) == finished


def _held(replayed: Replayed, seq: int, says: dict[str, Any]) -> None:
    who = says["actor"]["id"]
    if replayed.held:
        replayed.stray = replayed.stray or seq
    what, when = (says["task"], says["id"]), (says["given"], says["until"])
    replayed.held = Held(seq, *what, who, says["digest"], *when, batch=says.get("batch"))


def _let_go(replayed: Replayed, seq: int, says: dict[str, Any]) -> None:
    """An act was taken back, or could not be carried out."""
    by = says["member"] if says["kind"] == "act_dropped" else says["actor"]["id"]
    held, replayed.held = replayed.held, None
    if held is None or (held.task, held.by, held.batch) != (says["id"], by, says.get("batch")):
        replayed.stray = replayed.stray or seq
    elif says["kind"] == "act_dropped":
        replayed.dropped[held.task, held.by] = held._replace(seq=seq, why=says["why"])


def _told(replayed: Replayed, name: str, digest: str | None) -> None:
    """A fact was changed, or taken away."""
    if digest is None:
        replayed.facts.pop(name, None)
    else:
        replayed.facts[name] = ("told", digest)


def _launched(replayed: Replayed, seq: int, says: dict[str, Any]) -> None:
    replayed.launched, replayed.tells = says, says.get("tells", 1)
    _say(replayed, "launch", seq, says)


def _baselined(replayed: Replayed, _seq: int, says: dict[str, Any]) -> None:
    """What older events did not tell; the facts are told as by any event."""
    replayed.tells = says["tells"]
    for key, remarks in says.get("remarks", {}).items():
        replayed.polls[key].remarks.update(remarks)
    for key, tellers in says["tellers"].items():
        poll = replayed.polls[key]
        poll.tellers = list(tellers)
        poll.signed = {member: at for member, at in tellers.items() if at}


def _suspended(replayed: Replayed, seq: int, says: dict[str, Any]) -> None:
    replayed.state, replayed.stated, replayed.suspended = "suspended", seq, says["at"]


def _resumed(replayed: Replayed, seq: int, says: dict[str, Any]) -> None:
    replayed.state, replayed.stated = "running", seq
    stopped = says.get("stopped_days", 0)
    replayed.stopped_days += stopped
    for published in replayed.publications.values():
        published.postpone(replayed.suspended, stopped)


def _decided(replayed: Replayed, seq: int, says: dict[str, Any]) -> None:
    replayed.facts[says["decision"]] = ("is", says.get("result"))
    replayed.seqs[says["decision"]] = seq


def _published(replayed: Replayed, seq: int, says: dict[str, Any]) -> None:
    """Something is shown to a circle; what stood there before is current no more, but for what is
    said to stand beside it.
    """
    stays = says.get("beside", ())
    for key, earlier in replayed.publications.items():
        earlier.current &= earlier.element != says["element"] or key in stays
    until = datetime.fromisoformat(says["until"])
    found = Published(seq, says["element"], says["at"], says["circle_hash"], until)
    replayed.publications[says["publication"]] = found


def _recomputed(replayed: Replayed, _seq: int, says: dict[str, Any]) -> None:
    """A holiday notice has come: what is published stands until another day."""
    for change in says["deadlines"]:
        for shown in replayed.publications.values():
            if (change["what"], change["element"]) == ("publication", shown.element):
                shown.move(change)


def _objected(replayed: Replayed, seq: int, says: dict[str, Any]) -> None:
    """An objection is answered like a task; its place among the facts is told by their digest."""
    replayed.answered[says["element"]].append(_act(seq, says))


def _handed_over(replayed: Replayed, _seq: int, says: dict[str, Any]) -> None:
    replayed.owners.append((says["old"], says["new"]))


def _issued(replayed: Replayed, seq: int, says: dict[str, Any]) -> None:
    replayed.documents[says["id"]] = (seq, says)


def _corrected(replayed: Replayed, _seq: int, says: dict[str, Any]) -> None:
    replayed.papers[says["id"]]["state"] = DocumentState.CORRECTED
    made = replayed.papers[says["new"]]
    made["corrects"], made["template"] = says["id"], says.get("template") or ""


def _voided(replayed: Replayed, _seq: int, says: dict[str, Any]) -> None:
    replayed.papers[says["id"]]["state"] = DocumentState.VOID


def _reprinted(replayed: Replayed, _seq: int, says: dict[str, Any]) -> None:
    replayed.papers[says["id"]]["template"] = says["template"]


def _disclosed(replayed: Replayed, _seq: int, _says: dict[str, Any]) -> None:
    replayed.disclosed = True


def _erased(replayed: Replayed, _seq: int, says: dict[str, Any]) -> None:
    replayed.erased = says["at"]


def _polled(replayed: Replayed, seq: int, says: dict[str, Any]) -> None:
    """One more event of a poll. Answers to one that was never opened stand for nothing."""
    kind, key = says["kind"], says["poll"]
    if kind in ("poll_called", "poll_opened"):
        found = replayed.polls.setdefault(key, Poll(seq, says["task"]))
    elif key not in replayed.polls:
        return
    found = replayed.polls[key]
    if kind in ("poll_answered", "poll_answer_withdrawn"):
        found.answer(says)
        return
    state = _POLL_STATES.get(kind)
    if state:
        found.state, found.at[state] = state, says["at"]
    found.tellers = says.get("tellers", found.tellers)
    found.at_table(says)
    if kind == "poll_opened":
        found.seq, found.opened = seq, says
    elif kind == "ballots_opened":
        found.counted = says
    elif kind == "poll_closed":
        found.seq, found.outcome = seq, says["outcome"]
        replayed.closed[says["task"]].append(_act(seq, says))
        replayed.facts[says["task"]], replayed.seqs[says["task"]] = ("poll", key), seq
        replayed.recounts.pop(says["task"], None)


def _recounted(replayed: Replayed, _seq: int, says: dict[str, Any]) -> None:
    who = says["actor"]["id"] if says.get("actor") else ""
    replayed.recounts.setdefault(says["task"], []).append((who, says["passed"]))


def _met(replayed: Replayed, seq: int, says: dict[str, Any]) -> None:
    found = replayed.meetings.setdefault(says["meeting"], Meeting(seq, says["task"], says))
    if says["kind"] == "meeting_opened":
        found.seq, found.opened = seq, says
    elif says["kind"] == "meeting_struck":
        found.seq, found.struck = seq, says
    elif says["kind"] == "meeting_closed":
        found.seq, found.closed = seq, says
    elif says["kind"] == "presence_noted":
        how = (says["came"], says["way"], says["actor"]["id"], says["at"])
        found.moves += [(member, *how) for member in says["members"]]


_POLL_STATES = {
    "poll_called": "called",
    "poll_opened": "open",
    "poll_stopped": "counting",
    "poll_closed": "closed",
    "poll_voided": "void",
}
_READERS: dict[str, Callable[[Replayed, int, dict[str, Any]], None]] = {
    "instance_launched": _launched,
    "matter_baselined": _baselined,
    "instance_suspended": _suspended,
    "instance_resumed": _resumed,
    "task_completed": _completed,
    "act_held": _held,
    "act_withdrawn": _let_go,
    "act_dropped": _let_go,
    **dict.fromkeys(beside.REMARKS, lambda seen, seq, says: beside.remark(seen.remarks, seq, says)),
    **dict.fromkeys(beside.COPIES, lambda seen, seq, says: beside.copy(seen.copies, seq, says)),
    **dict.fromkeys(beside.ASKS, lambda seen, seq, says: beside.ask(seen.asked, seq, says)),
    "message_sent": lambda replayed, seq, says: _say(replayed, says["message"], seq, says),
    "timer_fired": _nothing,
    "decision_taken": _decided,
    "publication_opened": _published,
    "objection_made": _objected,
    "deadline_recomputed": _recomputed,
    "mover_replaced": _handed_over,  # of old
    "owner_replaced": _handed_over,
    "document_issued": _issued,
    "document_corrected": _corrected,
    "document_voided": _voided,
    "document_reprinted": _reprinted,
    "matter_disclosed": _disclosed,
    "matter_erased": _erased,
    "poll_called": _polled,
    "poll_opened": _polled,
    "poll_answered": _polled,
    "poll_answer_withdrawn": _polled,
    "poll_stopped": _polled,
    "poll_signed": _polled,
    "poll_dissented": _polled,
    "teller_resigned": _polled,
    "teller_replaced": _polled,
    "paper_ballots_counted": _polled,
    "ballots_opened": _polled,
    "poll_voided": _polled,
    "poll_closed": _polled,
    "poll_recounted": _recounted,
    "meeting_called": _met,
    "meeting_opened": _met,
    "meeting_struck": _met,
    "meeting_closed": _met,
    "presence_noted": _met,
}
SILENT = frozenset(  # the kinds that leave nothing in the rows; any other may tell a fact
    kind.key
    for kind in kinds.KINDS.values()
    if kind.mark in ("read", "refused")
    and kind.key
    not in (*_READERS, "member_let_in", "member_let_out", "letter_read", "attempt_refused")
)
