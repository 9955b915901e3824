"""Invitations: how somebody who was entered without a password comes in for the first time.

A secret on a slip of paper opens one page, once, until a day; only its hash is kept. Whoever makes
one could use it, so it counts as making the account (SEP-DAYS), and it is never made for somebody
who has a password.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert, select, update

from engine import clock
from engine.commands.people import lockouts, records
from engine.commands.people.desks import beyond
from engine.commands.people.lockouts import digest
from engine.commands.people.logins import Attempt, end_invitations, first_login
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound
from engine.instance.union_law import UnionLaw, rulebook
from engine.messages import Message, _
from engine.people import newcomers, password

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from uuid import UUID

    from engine.db import Session
    from engine.errors import EngineError
    from engine.people.organisation import Actor

RULE = "INVITE-DAYS"
MOST = 500  # slips of one act
SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another on paper
LENGTH, GROUP = 20, 5  # 31 ** 20: 99 bits
_member, _invitation = tables.member.c, tables.login_invitation.c


class Slip(NamedTuple):
    """What one person is given. `secret` is nowhere else."""

    member_id: UUID
    name: str
    username: str
    unit: str
    secret: str


@dataclass(frozen=True)
class Invited:
    """What came of inviting: the slips by unit and name, until when they are good, and the names of
    those whom only an administrator invites.
    """

    slips: tuple[Slip, ...]
    expires_at: datetime
    left_out: tuple[str, ...]


def days_valid(session: Session, union_id: UUID) -> int:
    """For how many days, after that on which it is made, an invitation of this union is good; 0
    where an installation has rules of its own that say nothing of it.
    """
    if RULE not in rulebook().ids:
        return 0
    ruling = UnionLaw.of(session, union_id).ruling(RULE, clock.today())
    return int(ruling.value or 0)


def invite(session: Session, actor: Actor, union_id: UUID, member_ids: Collection[UUID]) -> Invited:
    """Give each of these members of a union who has no password a new invitation; the one before
    ends. Raises Refused, NotFound, Invalid (too many at once), Conflict (nobody to invite, or
    no rule says for how long).
    """
    if not records.sees(actor, union_id):
        raise NotFound
    records.allow(actor, "invite", union_id)
    if len(member_ids) > MOST:
        raise Invalid({"members": [_("一次最多邀请 {most} 人，请分批办理。", most=MOST)]})
    days = days_valid(session, union_id)
    if not days:
        raise Conflict(_("规则库没有写明登录邀请的有效期，现在不能邀请。"), code="no_rule")
    records.queue(session)
    found = _without_password(session, union_id, member_ids)
    barred = beyond(session, actor, [each.member_id for each in found])
    slips = tuple(each for each in found if each.member_id not in barred)
    left_out = tuple(each.name for each in found if each.member_id in barred)
    if not slips:
        raise Conflict(_nobody(left_out), code="nobody")
    expires_at = _last_moment(days)
    renewed = end_invitations(session, [each.member_id for each in slips])
    _keep(session, union_id, slips, expires_at)
    notes = (_note(union_id, each, expires_at, each.member_id in renewed) for each in slips)
    records.record(session, actor, notes)
    return Invited(slips, expires_at, left_out)


def _without_password(session: Session, union_id: UUID, member_ids: Collection[UUID]) -> list[Slip]:
    """The members among these who are in use and have no password, locked, each with a secret."""
    unit = tables.unit.c
    query = (
        select(_member.id, _member.name, _member.username, unit.name.label("unit"))
        .join(tables.unit, unit.id == _member.unit_id)
        .where(_member.id.in_(member_ids), _member.union_id == union_id)
        .where(_member.active, _member.password.is_(None))
        .order_by(unit.code, _member.name, _member.id)
        .with_for_update(of=tables.member)
    )
    return [Slip(*row, _secret()) for row in session.execute(query)]


def _nobody(left_out: Collection[str]) -> Message:
    if left_out:
        return _("任职涉及管理岗位或保密事项的，由系统管理员邀请。")
    return _("没有可以邀请的人：已有密码的、已停用的不再邀请。")


def _secret() -> str:
    return "".join(secrets.choice(SIGNS) for _each in range(LENGTH))


def _last_moment(days: int) -> datetime:
    """The end of the last day, in China."""
    last = clock.today() + timedelta(days=days)
    return datetime.combine(last, time(23, 59, 59), clock.CHINA)


def _keep(session: Session, union_id: UUID, slips: Iterable[Slip], expires_at: datetime) -> None:
    same = {"union_id": union_id, "created_at": clock.now(), "expires_at": expires_at}
    rows: list[dict[str, Any]] = [
        {"id": digest(each.secret), "member_id": each.member_id, **same} for each in slips
    ]
    session.execute(insert(tables.login_invitation), rows)


def _note(union_id: UUID, slip: Slip, expires_at: datetime, renewed: bool) -> records.Note:
    details = {
        "member": str(slip.member_id),
        "name": slip.name,
        "expires_at": expires_at.isoformat(),
        "renewed": renewed,
    }
    return records.Note(union_id, "member_invited", details)


def end_invitation(session: Session, actor: Actor, member_id: UUID) -> None:
    """End the invitation of a member, as when a slip was lost. Raises Refused, NotFound, Conflict
    when there is none.
    """
    member = records.member_of(session, actor, member_id)
    records.allow(actor, "invite", member.union_id)
    if not end_invitations(session, [member_id]):
        raise Conflict(_("此人没有未用的邀请。"), code="ended")
    details = {"member": str(member_id), "name": member.name}
    records.record(session, actor, [records.Note(member.union_id, "invitation_ended", details)])


# --- whoever holds the slip -----------------------------------------------------------------------
class Guest(NamedTuple):
    """Who may come in by an invitation."""

    member_id: UUID
    name: str
    username: str
    unit: str
    expires_at: datetime


@dataclass(frozen=True)
class Knock:
    """What came of showing a secret. Commit first, so that a wrong one counts; then `must()`."""

    guest: Guest | None = None
    fault: EngineError | None = None

    def must(self) -> Guest:
        """Whose invitation it is. Raises NotFound, or Refused (`wait` seconds in its details)."""
        if self.guest is None:
            raise self.fault or NotFound()
        return self.guest


def grouped(secret: str) -> str:
    """A secret as it is written on paper."""
    return "-".join(secret[at : at + GROUP] for at in range(0, len(secret), GROUP))


def _plain(typed: str) -> str:
    """A secret as somebody typed it off the paper."""
    return "".join(sign for sign in typed[:100].lower() if sign not in "- ")


def knock(session: Session, typed: str, address: str) -> Knock:
    """Whom this secret lets in; a wrong one is counted and slows this address down."""
    secret = _plain(typed)
    where = lockouts.by_link(secret, address)
    lockouts.lock(session, where)
    if limited := lockouts.limited(session, where):
        return Knock(fault=limited)
    query = select(_invitation.member_id).where(_invitation.id == digest(secret))
    member_id = session.execute(query).scalar()
    if member_id is None:
        lockouts.failed(session, where)
        return Knock(fault=NotFound(_UNKNOWN, code="unknown"))
    session.execute(select(_member.id).where(_member.id == member_id).with_for_update())
    return _answer(session, secret)


_UNKNOWN = _("没有这个邀请。请重新扫码，或照纸条逐字核对地址；仍打不开的，请找发给您纸条的人。")
_USED = _(
    "这个邀请已经用过。请用用户名和当时设的密码登录；不是您本人用的，请马上告诉发给您纸条的人。"
)
_OVER = _("这个邀请已经过期。请找发给您纸条的人重新发一张。")
_ENDED = _("这个邀请已经作废。手里有新纸条的请用新的；没有的，请找发给您纸条的人。")


def _answer(session: Session, secret: str) -> Knock:
    """An invitation that exists: does it open? Only who holds its secret gets to know why not."""
    unit = tables.unit.c
    names = (_member.id, _member.name, _member.username, unit.name)
    more = (_invitation.expires_at, _invitation.used_at, newcomers.is_open().label("opens"))
    query = (
        select(*names, *more)
        .join(tables.member, _member.id == _invitation.member_id)
        .join(tables.unit, unit.id == _member.unit_id)
        .where(_invitation.id == digest(secret))
    )
    *who, used_at, opens = session.execute(query).one()
    if opens:
        return Knock(Guest(*who))
    if used_at is not None:
        return Knock(fault=NotFound(_USED, code="used"))
    over = Guest(*who).expires_at <= clock.now()
    return Knock(fault=NotFound(_OVER if over else _ENDED, code="expired" if over else "ended"))


def come_in(session: Session, typed: str, address: str, chosen: str) -> Attempt:
    """Set the first password and log in; the invitation is used up.

    As in `log_in`: commit, then `must()`. Raises Invalid at once when the password breaks the
    rules: then the invitation stays.
    """
    found = knock(session, typed, address)
    if found.guest is None:
        return Attempt(fault=found.fault)
    guest = found.guest
    password.check_rules(chosen, guest.username)
    its = _invitation.id == digest(_plain(typed))
    session.execute(update(tables.login_invitation).where(its).values(used_at=clock.now()))
    return first_login(session, guest.member_id, chosen)
