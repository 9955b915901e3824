"""Secret ballots: tellers take keys, voters put sealed envelopes in, enough tellers open them together. See ADR 8.

Taking and joining keys lock the instance like every command. Casting does not: it holds the poll's row FOR SHARE, which
the closing must update, so whatever was acknowledged is counted, and a thousand voters do not wait for one another.
"""

from __future__ import annotations

import base64
import os
import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import ballots, clock
from engine.ballots.keys import SALT_BYTES
from engine.commands import envelopes, polls, questions, tellers, unit_of_work
from engine.db import tables
from engine.definitions.store import process_of
from engine.errors import Conflict, HistoryBroken, Invalid, NotFound, Refused
from engine.instance import rights
from engine.instance.context import context_of
from engine.instance.counting import ABSTAIN
from engine.instance.numbers import rule_value
from engine.instance.rights import Case
from engine.people import password

if TYPE_CHECKING:
    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.people.organisation import Actor

MOST_GUESSES, WINDOW_MINUTES = 5, 15
_poll, _roll, _box, _key, _part = (
    tables.poll,
    tables.roll,
    tables.box,
    tables.teller_key,
    tables.teller_part,
)
_envelope, _task, _instance = tables.envelope, tables.task, tables.instance

_BALLOT = (
    select(
        _poll.c.id,
        _poll.c.state,
        _poll.c.secret,
        _poll.c.closes_at,
        _poll.c.instance_id,
        _poll.c.meeting_id,
        _task.c.element,
        _box.c.size,
        _instance.c.version,
        _instance.c.state.label("instance_state"),
    )
    .join(_roll, _roll.c.poll_id == _poll.c.id)
    .join(_task, _task.c.id == _poll.c.task_id)
    .join(_instance, _instance.c.id == _poll.c.instance_id)
    .outerjoin(_box, _box.c.poll_id == _poll.c.id)
    .where(_poll.c.id == bindparam("key"), _roll.c.member_id == bindparam("who"))
)
_HELD = (
    select(_poll.c.state, _poll.c.closes_at)
    .where(_poll.c.id == bindparam("key"))
    .with_for_update(read=True)
)
_PUT = upsert(_envelope).on_conflict_do_nothing().returning(_envelope.c.receipt)
_MINE = select(_envelope.c.receipt).where(
    _envelope.c.poll_id == bindparam("key"), _envelope.c.member_id == bindparam("who")
)
_VOTED = (
    update(_roll)
    .where(_roll.c.poll_id == bindparam("key"), _roll.c.member_id == bindparam("who"), _roll.c.open)
    .values(open=False, at=bindparam("minute"))
)
_WAITING = select(func.count()).where(_roll.c.poll_id == bindparam("key"), _roll.c.open)
_GUESSES = text(
    "SELECT count(*) FROM event WHERE instance_id = :chain AND actor_id = :who AND kind = 'attempt_refused' "
    'AND at > :since AND body LIKE \'%"code":"wrong_passphrase"%\''
)


# --- the tellers' keys --------------------------------------------------------------------------------------------------
def take(session: Session, actor: Actor, poll_id: UUID, passphrase: str) -> UUID:
    """A teller takes their part of the key by a passphrase of their own; it may be changed until the last one took theirs.

    With the last one the poll's key is made and split, and the poll opens. NotFound for who is no teller; Conflict when
    it has opened; Invalid for a weak passphrase, Refused without quorum.
    """
    secret, salt = _strong(passphrase), os.urandom(SALT_BYTES)
    tellers_ = (
        session.execute(
            select(_poll.c.tellers).where(_poll.c.id == poll_id, _poll.c.secret)
        ).scalar()
        or ()
    )
    public = b""
    if actor.id in tellers_:  # both are slow on purpose: before the lock, not for all
        _must_differ(session, actor, passphrase)
        public = ballots.public_of(secret, salt)
    work, poll, task = polls.locked(session, actor, poll_id)
    _must_be_teller(work, poll, task, actor, "take_key")
    if poll.state != "called":
        raise Conflict("密钥已经领取完毕。", code="keys_taken")
    new = upsert(_key).values(poll_id=poll_id, member_id=actor.id, salt=salt, public=public)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["poll_id", "member_id"], set_={"salt": salt, "public": public}
        )
    )
    work.log.add("key_taken", actor, task=task.element, poll=str(poll_id), key=public.hex())
    rows = session.execute(
        select(_key.c.member_id, _key.c.public).where(_key.c.poll_id == poll_id)
    ).all()
    keys = {str(row.member_id): bytes(row.public) for row in rows}
    with work.answering():
        if len(keys) == len(poll.tellers):
            _begin(work, poll, task, keys)
        else:
            unit_of_work.save(work)
    return UUID(str(work.row["id"]))


def _must_differ(session: Session, actor: Actor, passphrase: str) -> None:
    """Whoever learns a login password must not open the ballots by it."""
    member = tables.member.c
    own = session.execute(select(member.password).where(member.id == actor.id)).scalar()
    if own and password.verify(own, passphrase):
        raise Invalid({"passphrase": ["不能与登录密码相同，请另设一个只用于本次开箱的口令。"]})


def _strong(passphrase: str) -> str:
    """The passphrase in the form from which keys are made."""
    plain = _normal(passphrase)
    if not password.SHORTEST <= len(plain) <= password.LONGEST:
        raise Invalid(
            {"passphrase": [f"口令应为 {password.SHORTEST} 至 {password.LONGEST} 个字符。"]}
        )
    if plain.casefold() in password.COMMONEST or len(set(plain)) == 1:
        raise Invalid({"passphrase": ["这个口令太常见，请换一个。"]})
    return plain


def _normal(passphrase: str) -> str:
    text = unicodedata.normalize("NFKC", passphrase[: password.LONGEST * 4])
    return text.encode("utf-8", "backslashreplace").decode()


def _begin(work: UnitOfWork, poll: Any, task: Any, keys: dict[str, bytes]) -> None:
    """Make the key, hand out its parts, forget it, and open the poll."""
    slip, needed = envelopes.slip(poll), int(poll.rule["keys"])
    size = ballots.size_for(slip)
    made = ballots.make(keys, needed)
    work.session.execute(
        insert(_box).values(
            poll_id=poll.id, needed=needed, size=size, least=slip.least, most=slip.most
        )
    )
    work.session.execute(
        insert(_part),
        [
            {"poll_id": poll.id, "member_id": UUID(m), "holder_id": UUID(m), "sealed": sealed}
            for m, sealed in made.parts.items()
        ],
    )
    public = base64.b64encode(made.public).decode()
    work.session.execute(update(_poll).where(_poll.c.id == poll.id).values(public_key=public))
    questions.start(
        work,
        poll.id,
        task.element,
        public_key=public,
        choices=list(slip.choices),
        least=slip.least,
        most=slip.most,
        size=size,
        keys={"needed": needed, "tellers": sorted(keys)},
    )
    unit_of_work.save(work)


# --- the voters' envelopes ----------------------------------------------------------------------------------------------
def cast(session: Session, actor: Actor, poll_id: UUID, sealed: bytes) -> str:
    """Put a sealed envelope in, once; gives the receipt. The same envelope again gives the same receipt.

    NotFound when not on the roll, Conflict when closed or another envelope was put in, Invalid for a wrong size.
    """
    ballot = session.execute(_BALLOT, {"key": poll_id, "who": actor.id}).first()
    if ballot is None or not ballot.secret:
        raise NotFound(verb="cast")
    receipt = ballots.receipt_of(sealed)
    if _earlier(session, actor, poll_id, receipt):
        return receipt
    _still_open(
        ballot.instance_state, ballot.state, ballot.closes_at
    )  # before the lock, so that nobody holds up the close
    _may_vote(session, actor, ballot)
    if not ballots.is_envelope(sealed, ballot.size):
        raise Invalid({"envelope": ["信封的大小不对。"]})
    held = session.execute(_HELD, {"key": poll_id}).one()
    _still_open(ballot.instance_state, held.state, held.closes_at)
    minute = clock.now().replace(second=0, microsecond=0)
    if session.execute(_VOTED, {"key": poll_id, "who": actor.id, "minute": minute}).rowcount != 1:
        if _earlier(session, actor, poll_id, receipt):
            return receipt
        raise Conflict("您不能再投票：已领取纸质票，或已不在名册上。", code="not_waiting")
    row = {"poll_id": poll_id, "member_id": actor.id, "receipt": receipt, "sealed": sealed}
    if session.execute(_PUT, row).first() is None:
        raise Conflict("这个信封已经有人投过。", code="copied")
    return receipt


def _earlier(session: Session, actor: Actor, poll_id: UUID, receipt: str) -> bool:
    """Is this the envelope that was put in before? Conflict when that was another one."""
    earlier = session.execute(_MINE, {"key": poll_id, "who": actor.id}).scalar()
    if earlier is not None and earlier != receipt:
        raise Conflict("您已投票，选票投出后不能更改。", code="answered")
    return earlier is not None


def _still_open(instance_state: str, state: str, closes_at: Any) -> None:
    if instance_state != "running":
        raise Conflict(
            f"此件{unit_of_work.STATES.get(instance_state, '')}，不能投票。", code="not_running"
        )
    if state == "called":
        raise Conflict("投票还没有开始。", code="not_open")
    if state != "open" or (closes_at is not None and clock.now() >= closes_at):
        raise Conflict("投票已截止。", code="closed")


def _may_vote(session: Session, actor: Actor, ballot: Any) -> None:
    """Present, where the poll is held in a meeting, and not recused. Raises Refused."""
    rule = process_of(session, ballot.version).tasks[ballot.element]
    if rule.recuse or ballot.meeting_id is not None:
        context = context_of(session, actor, ballot.instance_id)
        rights.check_bars(Case(context, "cast", rule.id, meeting_id=ballot.meeting_id))


def close_when_all_voted(session: Session, poll_id: UUID) -> None:
    """Stop a poll that ends when all have voted (`early` = "all"). To be called in a transaction of its own after a cast:
    the last to commit surely sees all the others."""
    found = session.execute(
        select(_poll.c.state, _poll.c.rule, _poll.c.secret).where(_poll.c.id == poll_id)
    ).one()
    wanted = found.secret and found.state == "open" and found.rule.get("early") == "all"
    if not wanted or session.execute(_WAITING, {"key": poll_id}).scalar():
        return
    work, poll, task = polls.locked(session, None, poll_id)
    if poll.state == "open" and work.row["state"] == "running":
        polls.finish_poll(work, poll, task, "all_answered")


# --- the count ----------------------------------------------------------------------------------------------------------
def join(session: Session, actor: Actor, poll_id: UUID, passphrase: str) -> UUID:
    """A teller joins their key part; with the last one needed the envelopes are opened, counted and destroyed.

    NotFound for who is no teller; Conflict when there is nothing to open, or too few envelopes to open them at all;
    Refused (on record, five tries in a quarter of an hour) for a wrong passphrase.
    """
    work, poll, task = polls.locked(session, actor, poll_id)
    _must_be_teller(work, poll, task, actor, "join_key")
    if poll.state != "counting" or work.row["state"] != "running":
        raise Conflict("现在不能开箱。", code="not_counting")
    box = session.execute(select(_box).where(_box.c.poll_id == poll_id)).one()
    mine = session.execute(
        select(_key).where(_key.c.poll_id == poll_id, _key.c.member_id == actor.id)
    ).first()
    if mine is None or mine.joined:
        raise Conflict("您已输入过口令。", code="joined")
    if 0 < box.voters < rule_value(work, questions.FEWEST):
        raise Conflict(
            "收到的选票太少，开箱就会透露个人的选择；请作废后重新表决。", code="too_few_ballots"
        )
    parts = _unwrapped(work, task, mine, passphrase)
    session.execute(
        update(_key)
        .where(_key.c.poll_id == poll_id, _key.c.member_id == actor.id)
        .values(joined=True)
    )
    work.log.add("key_joined", actor, task=task.element, poll=str(poll_id))
    with work.answering():
        if len(parts) < box.needed:
            _hand_over(work, poll_id, parts, actor.id)
            unit_of_work.save(work)
        else:
            _open(work, poll, task, box, list(parts.values()))
    return UUID(str(work.row["id"]))


def _unwrapped(work: UnitOfWork, task: Any, mine: Any, passphrase: str) -> dict[UUID, bytes]:
    """The parts sealed to this teller by whose they are: the own one, and those of the tellers who joined before."""
    where = {"instance_id": str(work.row["id"]), "verb": "join_key", "element": task.element}
    since = clock.now() - timedelta(minutes=WINDOW_MINUTES)
    tried = work.session.execute(
        _GUESSES, {"chain": work.row["id"], "who": mine.member_id, "since": since}
    ).scalar_one()
    if tried >= MOST_GUESSES:
        raise Refused(
            f"口令输错次数过多，请 {WINDOW_MINUTES} 分钟后再试。", code="too_many_attempts", **where
        )
    held = select(_part.c.member_id, _part.c.sealed).where(
        _part.c.poll_id == mine.poll_id, _part.c.holder_id == mine.member_id
    )
    rows = work.session.execute(held).all()
    try:
        opened = ballots.unwrap(
            [bytes(r.sealed) for r in rows],
            _normal(passphrase),
            bytes(mine.salt),
            bytes(mine.public),
        )
    except ballots.WrongPassphrase:
        raise Refused("口令不对。", code="wrong_passphrase", **where) from None
    except ballots.BrokenPart:
        raise HistoryBroken("监票人的密钥份额已被改动。", instance_id=str(work.row["id"])) from None
    return {row.member_id: part for row, part in zip(rows, opened, strict=True)}


def _hand_over(work: UnitOfWork, poll_id: UUID, parts: dict[UUID, bytes], teller: UUID) -> None:
    """Seal the own part to those who have not joined yet: between two tellers no part lies open in the database."""
    left = select(_key.c.member_id, _key.c.public).where(_key.c.poll_id == poll_id, ~_key.c.joined)
    rows = [
        {
            "poll_id": poll_id,
            "member_id": teller,
            "holder_id": other.member_id,
            "sealed": ballots.hand_over(parts[teller], bytes(other.public)),
        }
        for other in work.session.execute(left).all()
    ]
    work.session.execute(insert(_part), rows)


def _open(work: UnitOfWork, poll: Any, task: Any, box: Any, parts: list[bytes]) -> None:
    """Open and count the envelopes, which come without names and in the order of their receipts; keep the urn only."""
    session, slip = work.session, envelopes.slip(poll)
    blobs = (
        select(_envelope.c.sealed)
        .where(_envelope.c.poll_id == poll.id)
        .order_by(_envelope.c.receipt)
    )
    sealed = [bytes(blob) for blob in session.execute(blobs).scalars()]
    if ballots.board_hash(map(ballots.receipt_of, sealed)) != box.board_hash:
        raise HistoryBroken(
            "信封与公布的回执不符。", instance_id=str(work.row["id"]), poll=str(poll.id)
        )
    row = session.execute(select(_poll.c.public_key).where(_poll.c.id == poll.id)).scalar_one()
    key = ballots.join(parts, base64.b64decode(row))
    if key is None:
        raise HistoryBroken(
            "监票人的密钥与公布的公钥不符。", instance_id=str(work.row["id"]), poll=str(poll.id)
        )
    found = ballots.count(sealed, key, slip)
    rows = [
        {"poll_id": poll.id, "code": ballot.code, "choices": list(ballot.choices)}
        for ballot in found.urn
    ]
    if rows:
        session.execute(insert(tables.urn), rows)
    digest = ballots.urn_hash(found.urn)
    session.execute(
        update(_box).where(_box.c.poll_id == poll.id).values(urn_hash=digest, invalid=found.invalid)
    )
    envelopes.shred(session, poll.id)
    counts = dict(found.counts)
    if poll.kind == "election":  # how many chose at all cannot be seen from the sums
        counts |= {
            "answered": len(found.urn),
            ABSTAIN: sum(not ballot.choices for ballot in found.urn),
        }
    tellers.counted(work, poll, task, counts, found.invalid, board=box.board_hash, urn=digest)
    unit_of_work.save(work)


# --- shared -------------------------------------------------------------------------------------------------------------
def _must_be_teller(work: UnitOfWork, poll: Any, task: Any, actor: Actor, verb: str) -> None:
    if not poll.secret or actor.id not in poll.tellers:
        raise NotFound(instance_id=str(work.row["id"]), verb=verb, element=task.element)
