"""The tellers of a secret poll take their keys before it opens, and join them to open the box when
it has closed.

No part of the poll's key ever lies open in the database; see docs/adr/0008 and
engine/ballots/keys.py.
"""

from __future__ import annotations

import base64
import os
import unicodedata
from datetime import timedelta
from socket import gethostname
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import ballots, clock
from engine.ballots.keys import SALT_BYTES
from engine.commands import (
    envelopes,
    locked_poll,
    poll_lifecycle,
    teller_changes,
    tellers,
    unit_of_work,
)
from engine.db import tables
from engine.db.states import InstanceState, PollState
from engine.errors import Conflict, HistoryBroken, Invalid, NotFound, Refused
from engine.instance import polling
from engine.instance.counting import ABSTAIN
from engine.instance.numbers import rule_value
from engine.messages import _
from engine.people import password
from engine.people.commonness import is_common

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.commands.locked_poll import LockedPoll
    from engine.db import Session, rows
    from engine.people.organisation import Actor

MOST_GUESSES, WINDOW_MINUTES = 5, 15
_poll, _box, _key, _part = tables.poll, tables.box, tables.teller_key, tables.teller_part
_member = tables.member
_THIS_POLL, _MINE = _key.c.poll_id == bindparam("key"), _key.c.member_id == bindparam("who")
_TELLERS = select(_poll.c.tellers).where(_poll.c.id == bindparam("key"), _poll.c.secret)
_LOGIN = select(_member.c.password).where(_member.c.id == bindparam("who"))
_KEY = select(_key).where(_THIS_POLL, _MINE)
_KEYS = select(_key.c.member_id, _key.c.public).where(_THIS_POLL)
_OTHERS = _KEYS.where(~_key.c.joined, _key.c.member_id.in_(bindparam("seated", expanding=True)))
_JOINED = update(_key).where(_THIS_POLL, _MINE).values(joined=True)
_HELD = select(_part.c.member_id, _part.c.sealed).where(
    _part.c.poll_id == bindparam("key"), _part.c.holder_id == bindparam("who")
)
_GUESSES = text(
    "SELECT count(*) FROM event WHERE instance_id = :chain AND actor_id = :who "
    "AND kind = 'attempt_refused' AND at > :since AND body LIKE '%\"code\":\"wrong_passphrase\"%'"
)


# --- before the poll opens ------------------------------------------------------------------------
def take(session: Session, actor: Actor, poll_id: UUID, passphrase: str) -> UUID:
    """A teller takes their part of the key by a passphrase of their own; it may be changed until
    the last one took theirs.

    With the last one the poll's key is made and split, and the poll opens; who takes a teller's
    place later makes a key into which that one's part can be handed. NotFound for who is no teller;
    Conflict when it has opened; Invalid for a weak passphrase, Refused without quorum.
    """
    secret, salt, public = _strong(passphrase), os.urandom(SALT_BYTES), b""
    if actor.id in (session.execute(_TELLERS, {"key": poll_id}).scalar() or ()):
        _must_differ(
            session, actor, passphrase
        )  # slow on purpose, as the next line: before the lock
        public = ballots.public_of(secret, salt)
    locked = _lock_as_teller(session, actor, poll_id, "take_key")
    if locked.poll.state != PollState.CALLED and not _is_newcomer(locked, actor):
        raise Conflict(_("密钥已经领取完毕。"), code="keys_taken")
    _store_key(session, poll_id, actor, salt, public)
    locked.log("key_taken", actor, key=public.hex())
    taken = session.execute(_KEYS, {"key": poll_id})
    keys = {str(key.member_id): bytes(key.public) for key in taken}
    with locked.work.answering():
        if locked.poll.state == PollState.CALLED and len(keys) == len(locked.poll.tellers):
            _open_poll(locked, keys)
        unit_of_work.save(locked.work)
    return locked.instance_id


def _is_newcomer(locked: LockedPoll, actor: Actor) -> bool:
    """Did the actor take a teller's place after the poll had opened, and have they no key yet?"""
    poll, mine = locked.poll, {"key": locked.poll.id, "who": actor.id}
    shut = poll.state in (PollState.OPEN, PollState.COUNTING) and not poll.rule.get("opened")
    return shut and locked.session.execute(_KEY, mine).first() is None


def _must_differ(session: Session, actor: Actor, passphrase: str) -> None:
    """Whoever learns a login password must not open the ballots by it. Raises Invalid."""
    own = session.execute(_LOGIN, {"who": actor.id}).scalar()
    if own and password.verify(own, passphrase):
        message = _("不能与登录密码相同，请另设一个只用于本次开箱的口令。")
        raise Invalid({"passphrase": [message]})


def _strong(passphrase: str) -> str:
    """The passphrase in the form from which keys are made. Raises Invalid."""
    plain = _normal(passphrase)
    if not password.SHORTEST <= len(plain) <= password.LONGEST:
        message = _(
            "口令应为 {shortest} 至 {longest} 个字符。",
            shortest=password.SHORTEST,
            longest=password.LONGEST,
        )
        raise Invalid({"passphrase": [message]})
    if is_common(plain):
        raise Invalid({"passphrase": [_("这个口令太常见，请换一个。")]})
    return plain


def _normal(passphrase: str) -> str:
    text = unicodedata.normalize("NFKC", passphrase[: password.LONGEST * 4])
    return text.encode("utf-8", "backslashreplace").decode()


def _store_key(session: Session, poll_id: UUID, actor: Actor, salt: bytes, public: bytes) -> None:
    key = {"salt": salt, "public": public}
    new = upsert(_key).values(poll_id=poll_id, member_id=actor.id, **key)
    again = new.on_conflict_do_update(index_elements=["poll_id", "member_id"], set_=key)
    session.execute(again)


def _open_poll(locked: LockedPoll, keys: dict[str, bytes]) -> None:
    """Make the poll's key, hand out its parts, forget it, and open the poll."""
    poll, needed = locked.poll, int(locked.poll.rule["keys"])
    slip, key = envelopes.slip(poll), ballots.make(keys, needed)
    limits = {"size": ballots.size_for(slip), "least": slip.least, "most": slip.most}
    outer = {"outer_key": envelopes.new_outer_key(locked.session), "keeper": gethostname()}
    locked.session.execute(insert(_box).values(poll_id=poll.id, needed=needed, **outer, **limits))
    parts = [_sealed_part(poll.id, UUID(m), UUID(m), part) for m, part in key.parts.items()]
    locked.session.execute(insert(_part), parts)
    public = base64.b64encode(key.public).decode()
    poll_lifecycle.open_window(
        locked.update(public_key=public),
        public_key=public,
        choices=list(slip.choices),
        keys={"needed": needed, "tellers": sorted(keys)},
        **limits,
    )


def _sealed_part(poll_id: UUID, teller: UUID, holder: UUID, sealed: bytes) -> dict[str, Any]:
    """The row of a teller's part that is sealed to its holder."""
    return {"poll_id": poll_id, "member_id": teller, "holder_id": holder, "sealed": sealed}


# --- when it has closed ---------------------------------------------------------------------------
def join(session: Session, actor: Actor, poll_id: UUID, passphrase: str) -> UUID:
    """A teller joins their key part; with the last one needed the envelopes are opened, counted and
    destroyed.

    NotFound for who is no teller; Conflict when there is nothing to open, or too few envelopes to
    open them at all; Refused (on record, five tries in a quarter of an hour) for a wrong
    passphrase.
    """
    locked = _lock_as_teller(session, actor, poll_id, "join_key")
    work = locked.work
    if locked.poll.state != PollState.COUNTING or work.row["state"] != InstanceState.RUNNING:
        raise Conflict(_("现在不能开箱。"), code="not_counting")
    box, key = envelopes.box_of(session, poll_id), _unused_key(locked, actor)
    _check_secrecy(locked, box)
    _check_paper_first(locked)
    parts = _unwrapped(locked, key, passphrase)
    if not parts:
        message = _("被您接替的监票人还没有交出密钥份额。")
        raise Conflict(message, code="no_part")
    session.execute(_JOINED, {"key": poll_id, "who": actor.id})
    locked.log("key_joined", actor)
    with work.answering():
        if len(parts) < box.needed:
            _hand_over(locked, parts)
        else:
            _count(locked, box, list(parts.values()))
        unit_of_work.save(work)
    return locked.instance_id


def _unused_key(locked: LockedPoll, actor: Actor) -> rows.TellerKey:
    """The actor's key, which has not helped to open the box. Raises Conflict."""
    key = locked.session.execute(_KEY, {"key": locked.poll.id, "who": actor.id}).first()
    if key is None:
        raise Conflict(_("您接替监票人，还没有领取密钥。"), code="no_key")
    if key.joined:
        raise Conflict(_("您已输入过口令。"), code="joined")
    return cast("rows.TellerKey", key)


def _check_secrecy(locked: LockedPoll, box: rows.Box) -> None:
    """A few ballots would tell who voted how. Raises Conflict."""
    if 0 < (box.voters or 0) < rule_value(locked.work, poll_lifecycle.FEWEST):
        message = _("收到的选票太少，开箱就会透露个人的选择；请作废后重新表决。")
        raise Conflict(message, code="too_few_ballots")


def _check_paper_first(locked: LockedPoll) -> None:
    """Nobody counts paper who knows what the phones said. Raises Conflict."""
    session, poll = locked.session, locked.poll
    if polling.papers_given(session, poll.id) and not polling.agreed_paper(session, poll):
        message = _("发了纸质票的，先由两名监票人分别清点、录入，数目一致后才能开箱。")
        raise Conflict(message, code="paper_first")


def _unwrapped(locked: LockedPoll, key: rows.TellerKey, passphrase: str) -> dict[UUID, bytes]:
    """The parts sealed to this teller by whose they are: the own one, and those of the tellers who
    joined before.
    """
    place = {"verb": "join_key", **locked.place}
    _check_guesses(locked, key.member_id, place)
    mine = {"key": key.poll_id, "who": key.member_id}
    held = locked.session.execute(_HELD, mine).all()
    sealed = [bytes(part.sealed) for part in held]
    secret = _normal(passphrase)
    try:
        opened = ballots.unwrap(sealed, secret, bytes(key.salt), bytes(key.public))
    except ballots.WrongPassphrase:
        raise Refused(_("口令不对。"), code="wrong_passphrase", **place) from None
    except ballots.BrokenPart:
        message = _("监票人的密钥份额已被改动。")
        raise HistoryBroken(message, instance_id=str(locked.instance_id)) from None
    return {part.member_id: plain for part, plain in zip(held, opened, strict=True)}


def _check_guesses(locked: LockedPoll, teller: UUID, place: dict[str, str]) -> None:
    """Raises Refused when too many passphrases were wrong of late."""
    since = clock.now() - timedelta(minutes=WINDOW_MINUTES)
    attempts = {"chain": locked.instance_id, "who": teller, "since": since}
    if locked.session.execute(_GUESSES, attempts).scalar_one() >= MOST_GUESSES:
        message = _("口令输错次数过多，请 {minutes} 分钟后再试。", minutes=WINDOW_MINUTES)
        raise Refused(message, code="too_many_attempts", **place)


def _hand_over(locked: LockedPoll, parts: Mapping[UUID, bytes]) -> None:
    """Seal the parts to those who have not joined yet: between two tellers no part lies open in the
    database.
    """
    others = locked.session.execute(_OTHERS, {"key": locked.poll.id, "seated": locked.poll.tellers})
    for other in others.all():
        _give(locked, parts, other)


def _give(locked: LockedPoll, parts: Mapping[UUID, bytes], holder: rows.Selected) -> None:
    """Seal parts to a holder, who may have some of them."""
    place = locked.poll.id, holder.member_id
    sealed = [
        _sealed_part(place[0], teller, place[1], ballots.hand_over(part, bytes(holder.public)))
        for teller, part in parts.items()
    ]
    if sealed:
        locked.session.execute(upsert(_part).on_conflict_do_nothing(), sealed)


def give_up(session: Session, actor: Actor, poll_id: UUID, passphrase: str) -> UUID:
    """A teller who was replaced hands their part of the key to who took their place, so that the
    box can still be opened by as many.

    NotFound for who was not replaced; Conflict when there is nothing to hand over, or nobody with a
    key to take it; Refused for a wrong passphrase, as `join`.
    """
    locked = locked_poll.lock(session, actor, poll_id)
    successor = teller_changes.successor_of(session, poll_id, actor.id)
    if successor is None:
        raise NotFound(verb="hand_over_key", **locked.place)
    key = session.execute(_KEY, {"key": poll_id, "who": actor.id}).first()
    if key is None:
        raise Conflict(_("没有可以交出的密钥份额。"), code="no_key")
    newcomer = session.execute(_KEY, {"key": poll_id, "who": successor}).first()
    if newcomer is None:
        message = _("接替您的监票人还没有领取密钥，请其先领取，您再交出。")
        raise Conflict(message, code="no_newcomer")
    _give(locked, _unwrapped(locked, cast("rows.TellerKey", key), passphrase), newcomer)
    locked.log("key_handed_over", actor, new=str(successor))
    unit_of_work.save(locked.work)
    return locked.instance_id


def _count(locked: LockedPoll, box: rows.Box, parts: list[bytes]) -> None:
    """Open the box: its counts wait for the tellers' signatures."""
    count = envelopes.open_box(locked, box, parts)
    counts = dict(count.counts)
    if locked.poll.kind == "election":  # how many chose at all cannot be seen from the sums
        counts["answered"] = len(count.urn)
        counts[ABSTAIN] = sum(not ballot.choices for ballot in count.urn)
    proofs = {"board": box.board_hash, "urn": ballots.urn_hash(count.urn)}
    tellers.record_opened(locked, counts, count.invalid, proofs)


def _lock_as_teller(session: Session, actor: Actor, poll_id: UUID, verb: str) -> LockedPoll:
    """Lock; NotFound for whoever is no teller of a secret poll, Conflict for who left the table."""
    locked = locked_poll.lock(session, actor, poll_id)
    if not locked.poll.secret or actor.id not in locked.poll.tellers:
        raise NotFound(verb=verb, **locked.place)
    tellers.check_at_table(locked, actor)
    return locked
