"""What is kept beside the history and must agree with it: columns, answers, documents, attachments, rolls and ballots.

The history proves itself (`history`, `seals`); this room proves that what the pages show is what the history says. It
reads all of the database in streams and writes nothing.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import or_, select, text

from engine import ballots, canonical, rolls, tables
from engine.errors import Invalid
from engine.history import Break

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.db import Session

_event = tables.event.c
_POLLS = ("poll_opened", "poll_answered", "poll_answer_withdrawn", "poll_closed")
ERASED: dict[str, Any] = {}  # what is left of a document whose matter was erased
_BLOBS = text("SELECT sha256 FROM blob WHERE encode(sha256(data), 'hex') <> sha256 LIMIT 1")


def differs(row: Any) -> bool:
    """Do the columns beside a body (kind, actor_id, at) say anything else than the body, which alone is hashed?"""
    try:
        says = json.loads(row.body)
        actor = says.get("actor")
        return bool(
            says["kind"] != row.kind
            or (UUID(actor["id"]) if actor else None) != row.actor_id
            or datetime.fromisoformat(says["at"]) != row.at
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return True


def first_false(session: Session) -> Break | None:
    """The first thing kept that is not what the history says; None when all of it is. The chains have been checked."""
    files: dict[str, tuple[UUID, str]] = {}
    return (
        _answers(session, files) or _documents(session) or _attachments(session, files)
        or _polls(session) or _ballots(session) or _meetings(session)
    )


def _said(session: Session, *kinds: str) -> Iterator[tuple[UUID, int, dict[str, Any]]]:
    """Chain, seq and body of all events of these kinds, chain by chain."""
    query = (
        select(_event.instance_id, _event.seq, _event.body)
        .where(_event.kind.in_(kinds))
        .order_by(_event.instance_id, _event.seq)
    )
    for row in session.execute(query.execution_options(yield_per=5000)):
        yield row.instance_id, row.seq, json.loads(row.body)


def _digest(value: Any, salt: bytes | None) -> str:
    """The salted digest; empty for what could never have been kept."""
    try:
        return canonical.salted(value, bytes(salt or b""))
    except Invalid:
        return ""


def _answers(session: Session, files: dict[str, tuple[UUID, str]]) -> Break | None:
    """The answers of each task, launch and message have the digests that the history kept for it, in the same order.

    Those of a matter whose erasure is on record are empty. Fills `files` with the attachments that the answers name.
    """
    kept: dict[tuple[UUID, str], list[str]] = defaultdict(list)
    erased = _erased(session)
    for chain, _seq, says in _said(session, "task_completed", "instance_launched", "message_sent"):
        if "answers" in says:
            kept[chain, says.get("task") or says.get("message") or "launch"].append(says["answers"])
    task = tables.task.c
    rows = session.execute(
        select(task.instance_id, task.element, task.state, task.closed_at, task.answers, task.salt)
        .where(or_(task.state == "done", task.answers.is_not(None)))
        .order_by(task.instance_id, task.element, task.closed_at)
        .execution_options(yield_per=5000)
    )
    for (chain, element), found in groupby(rows, key=lambda r: (r.instance_id, r.element)):
        digests = kept.pop((chain, element), [])
        if not _in_order(list(found), digests, files, chain in erased):
            return Break(chain, 0, f"环节 {element} 的内容与历史不符", f"answers of {element} differ from history")
    for chain, element in kept:
        return Break(chain, 0, f"环节 {element} 的内容缺失", f"answers of {element} are missing")
    return None


def _erased(session: Session) -> frozenset[UUID]:
    """The chains whose history says that their contents were erased."""
    return frozenset(chain for chain, _, _ in _said(session, "matter_erased"))


def _in_order(rows: list[Any], digests: list[str], files: dict[str, tuple[UUID, str]], erased: bool) -> bool:
    """One element's answers, round by round; rounds that were closed at the same moment may stand in any order."""
    at = 0
    for _moment, tied in groupby(rows, key=lambda r: r.closed_at):
        together = list(tied)
        if digests:
            here = Counter(digests[at : at + len(together)])
            at += len(together)
        for row in together:
            if row.answers is None and row.salt is None and (erased or not digests):
                continue  # erased, or a poll's
            digest = _digest(row.answers, row.salt)
            if not digests or here[digest] < 1:
                return False
            here[digest] -= 1
            files.update(_files(row.answers, row.instance_id))
    return at == len(digests)


def _files(answers: Any, instance_id: UUID) -> dict[str, tuple[UUID, str]]:
    given = [f for value in answers.values() if isinstance(value, list) for f in value] if isinstance(answers, dict) else []
    return {f["id"]: (instance_id, f["sha256"]) for f in given if isinstance(f, dict) and {"id", "sha256"} <= set(f)}


def _documents(session: Session) -> Break | None:
    """Each issued document is there with the data that were issued, and there is no other."""
    issued = {(c, says["id"]): (seq, says["sha256"]) for c, seq, says in _said(session, "document_issued")}
    document = tables.document.c
    rows = session.execute(
        select(document.id, document.instance_id, document.data, document.data_sha256).execution_options(yield_per=500)
    )
    erased = _erased(session)
    for row in rows:
        seq, digest = issued.pop((row.instance_id, str(row.id)), (0, ""))
        if row.data == ERASED and row.instance_id in erased and row.data_sha256 == digest:
            continue
        try:
            now = canonical.digest(canonical.dumps(row.data)).hex()
        except Invalid:
            now = ""
        if not now == row.data_sha256 == digest:
            return Break(row.instance_id, seq, "文书与签发时不符", "the document is not what was issued")
    for (chain, _id), (seq, _) in issued.items():
        return Break(chain, seq, "签发的文书缺失", "the issued document is missing")
    return None


def _attachments(session: Session, files: Mapping[str, tuple[UUID, str]]) -> Break | None:
    """Each file that an answer names is there, with the bytes that were uploaded."""
    bad = session.execute(_BLOBS).scalar()
    attachment = tables.attachment.c
    left = dict(files)
    rows = session.execute(
        select(attachment.id, attachment.instance_id, attachment.sha256).where(attachment.instance_id.is_not(None))
        .execution_options(yield_per=5000)
    )  # fmt: skip
    for row in rows:
        named = left.pop(str(row.id), None)
        if row.sha256 == bad or (named is not None and named != (row.instance_id, row.sha256)):
            return Break(row.instance_id, 0, f"附件 {row.id} 与上传时不符", f"attachment {row.id} is not what was uploaded")
    for key, (chain, _sha) in left.items():
        return Break(chain, 0, f"附件 {key} 缺失", f"attachment {key} is missing")
    return None


@dataclass
class _Told:
    """A poll as the history tells it."""

    chain: UUID
    opened: int
    roll_hash: str
    secret: bool = False
    choices: dict[str, str] = field(default_factory=dict)


def _polls(session: Session) -> Break | None:
    """Rolls are those frozen at the opening, ballots those that were cast, and each closed poll was counted right."""
    told: dict[str, _Told] = {}
    for chain, seq, says in _said(session, *_POLLS):
        kind, key = says["kind"], str(says.get("poll"))
        if kind == "poll_opened":
            told[key] = _Told(chain, seq, says.get("roll_hash", ""), "public_key" in says)
        elif kind == "poll_closed":
            if key in told and not told[key].secret and not _counted(told[key].choices, says.get("outcome", {})):
                return Break(chain, seq, "计票与作答不符", "the count is not that of the answers")
        elif key in told and says.get("choice") and says.get("actor"):
            voter = says["actor"]["id"]
            if kind == "poll_answered":
                told[key].choices[voter] = says["choice"]
            else:
                told[key].choices.pop(voter, None)
    return _rolls(session, told)


def _counted(choices: Mapping[str, str], outcome: Mapping[str, Any]) -> bool:
    """Do the ballots of the history, and those on paper, add up to the outcome? An election's ballot names several."""
    paper = outcome.get("on_paper", {})
    counts = Counter(part for choice in choices.values() for part in choice.split(" "))
    counts.update(paper.get("counts", {}))
    votes = {**outcome, **outcome.get("votes", {})}
    answered = len(choices) + paper.get("returned", 0)
    return all(votes.get(c) == n for c, n in counts.items()) and outcome.get("answered") == answered


def _rolls(session: Session, told: dict[str, _Told]) -> Break | None:
    roll = tables.roll.c
    now: dict[str, tuple[list[str], dict[str, str]]] = defaultdict(lambda: ([], {}))
    rows = session.execute(select(roll.poll_id, roll.member_id, roll.choice).execution_options(yield_per=5000))
    for row in rows:
        members, choices = now[str(row.poll_id)]
        members.append(str(row.member_id))
        if row.choice is not None:
            choices[str(row.member_id)] = row.choice
    for key, poll in told.items():
        members, choices = now[key]
        if rolls.digest(members) != poll.roll_hash:
            return Break(poll.chain, poll.opened, "名册与开始时不符", "the roll is not the one frozen at the opening")
        if choices != poll.choices:
            return Break(poll.chain, poll.opened, "作答与历史不符", "the answers kept are not those of the history")
    return None


def _meetings(session: Session) -> Break | None:
    """The formal members of each meeting are those frozen at its opening, and its ledger of presence is that of its close."""
    attendance = tables.attendance.c
    for chain, seq, says in _said(session, "meeting_opened", "meeting_closed"):
        key = UUID(says["meeting"])
        if says["kind"] == "meeting_opened":
            due = select(attendance.member_id).where(attendance.meeting_id == key, attendance.kind == "formal")
            if rolls.digest(str(m) for m in session.execute(due).scalars()) != says["roll_hash"]:
                return Break(chain, seq, "会议名册与开会时不符", "the roll of the meeting is not the one frozen at its opening")
        elif rolls.ledger_hash(session, key) != says["ledger"]:
            return Break(chain, seq, "签到记录与散会时不符", "the ledger of presence is not that of the close")
    return None


@dataclass
class _Boxed:
    """A secret ballot as the history tells it: what the events say, and the seq of the last of them."""

    chain: UUID
    seq: int
    opened: dict[str, Any]
    cast: dict[str, Any] = field(default_factory=dict)
    counted: dict[str, Any] = field(default_factory=dict)
    outcome: dict[str, Any] = field(default_factory=dict)


_BALLOTS = ("poll_opened", "ballots_cast", "ballots_opened", "poll_closed")
_FALSE = {
    "board": ("公布的回执与历史不符", "the receipts on the board are not those of the history"),
    "voters": ("回执与投票人数不符", "there are not as many receipts as voters"),
    "urn": ("公布的选票与历史不符", "the ballots in the urn are not those of the history"),
    "sum": ("选票与回执数目不符", "ballots and receipts do not add up"),
    "tally": ("计票与选票不符", "the count is not that of the ballots"),
}


def _ballots(session: Session) -> Break | None:
    """Boards and urns of secret polls are those of the history and add up; who voted is who the roll says."""
    boxed: dict[str, _Boxed] = {}
    for chain, seq, says in _said(session, *_BALLOTS):
        key = str(says.get("poll"))
        if says["kind"] == "poll_opened" and "public_key" in says:
            boxed[key] = _Boxed(chain, seq, says)
        elif key in boxed:
            field_ = {"ballots_cast": "cast", "ballots_opened": "counted"}.get(says["kind"])
            setattr(boxed[key], field_ or "outcome", says if field_ else says.get("outcome", {}))
            boxed[key].seq = seq
    board, urn, voted = _board(session), _urn(session), _voted(session)
    for key, found in boxed.items():
        if fault := _first_false(found, board.pop(key, []), urn.pop(key, []), voted.get(key, [])):
            return Break(found.chain, found.seq, *fault)
    for key in (*board, *urn):
        chain = session.execute(select(tables.poll.c.instance_id).where(tables.poll.c.id == UUID(key))).scalar_one()
        return Break(chain, 0, "没有记录的选票", "ballots that the history does not know")
    return None


def _first_false(
    found: _Boxed, board: list[str], urn: list[ballots.Ballot], voted: list[str]
) -> tuple[str, str] | None:
    opened, counted = found.opened, found.counted
    if not found.cast:
        return ("截止前已有回执", "receipts before the close") if board or urn else None
    paper = ballots.Paper(
        opened["roll"], tuple(opened["choices"]), tuple(board), tuple(urn), len(found.cast["voters"]), found.cast["board"],
        counted.get("urn"), counted.get("counts"), counted.get("invalid"),
    )  # fmt: skip
    if false := ballots.first_false(paper):
        return _FALSE[false]
    if sorted(voted) != found.cast["voters"]:
        return "投票人与历史不符", "those who voted are not those of the history"
    if urn and not counted:
        return "开箱前已有选票", "ballots in the urn before it was opened"
    return None if _published(found) else ("公布的结果与计票不符", "the result published is not that of the count")


def _published(found: _Boxed) -> bool:
    """Without paper ballots, which only the tellers know, the outcome says what was counted."""
    outcome, counts = found.outcome, found.counted.get("counts", {})
    if not outcome or outcome.get("on_paper"):
        return True
    votes = outcome.get("votes", outcome)
    return all(votes.get(c) == counts.get(c) for c in found.opened["choices"])


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


def _voted(session: Session) -> dict[str, list[str]]:
    """Who is marked on the rolls of secret polls as having voted."""
    kept: dict[str, list[str]] = defaultdict(list)
    roll, poll = tables.roll.c, tables.poll.c
    voters = select(roll.poll_id, roll.member_id).join(tables.poll, poll.id == roll.poll_id)
    marked = voters.where(poll.secret, roll.at.is_not(None))
    for row in session.execute(marked.execution_options(yield_per=5000)):
        kept[str(row.poll_id)].append(str(row.member_id))
    return kept
