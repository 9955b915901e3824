"""Members: enter, change, put out of use.

Telephone and e-mail never go into the history, which is kept for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from engine import clock
from engine.commands.people import deputies, records, words
from engine.commands.people.desks import must_reach
from engine.commands.people.logins import end_invitations, end_logins, end_tokens
from engine.db import tables
from engine.errors import Conflict, Invalid
from engine.history import event_log
from engine.messages import _
from engine.people import password

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

LOCALES = ("zh", "en")
OWN = {"phone", "email", "locale"}  # what people change themselves
PRIVATE = {"phone", "email"}


def create_member(
    session: Session,
    actor: Actor | None,
    username: str,
    name: str,
    unit_id: UUID,
    *,
    phone: str = "",
    email: str = "",
    locale: str = "zh",
    secret: str | None = None,
    temporary: bool = True,
) -> UUID:
    """Enter a person; without a password (`secret`) nobody can log in as them. Raises Refused,
    NotFound, Invalid.

    The password is `temporary`: whoever it is for changes it at the first login.
    """
    unit = records.open_unit(session, actor, unit_id)
    records.allow(actor, "manage_people", unit.union_id)
    if secret is not None:
        records.allow(actor, "set_password", unit.union_id)
    records.queue(session)
    texts = {"username": username, "name": name, "phone": phone, "email": email, "locale": locale}
    row = _clean(texts)
    _must_be_free(session, row["username"])
    if secret is not None:
        password.check_rules(secret, row["username"])
        row |= {"password": password.hash_password(secret), "must_change": temporary}
    member_id = tables.new_id()
    row |= {"id": member_id, "unit_id": unit_id, "union_id": unit.union_id}
    session.execute(insert(tables.member).values(**row, created_at=clock.now()))
    event_log.note(session, unit.union_id, "member_created", actor, **created(row))
    return member_id


def _must_be_free(session: Session, username: str) -> None:
    member = tables.member.c
    if session.execute(select(member.id).where(member.username == username)).first():
        raise Invalid({"username": [_("这个用户名已有人使用。")]})


def created(row: dict[str, Any]) -> dict[str, Any]:
    """What the history keeps of a new member."""
    return {
        "member": str(row["id"]),
        "username": row["username"],
        "name": row["name"],
        "unit": str(row["unit_id"]),
        "locale": row.get("locale", "zh"),
        "can_log_in": bool(row.get("password")),
    }


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields given, checked all at once."""
    clean, faults = dict(values), dict[str, list[str]]()
    for field in (field for field in CHECKS if field in values):
        try:
            clean[field] = CHECKS[field](values[field])
        except Invalid as fault:
            faults.update(fault.fields)
    if faults:
        raise Invalid(faults)
    return clean


def _locale(value: str) -> str:
    if value not in LOCALES:
        raise Invalid({"locale": [_("语言应为 zh 或 en。")]})
    return value


CHECKS: Mapping[str, Callable[[str], str]] = {
    "username": words.username,
    "name": words.person,
    "phone": words.phone,
    "email": words.email,
    "locale": _locale,
}


def change_member(
    session: Session,
    actor: Actor | None,
    member_id: UUID,
    *,
    name: str | None = None,
    unit_id: UUID | None = None,
    phone: str | None = None,
    email: str | None = None,
    locale: str | None = None,
    active: bool | None = None,
) -> bool:
    """Change what is given; people change their own telephone, e-mail and language themselves.
    False: nothing was new.

    Raises Refused, NotFound, Invalid, Conflict (putting oneself out of use).
    """
    records.queue(session)
    member = records.member_of(session, actor, member_id)
    fields: dict[str, Any] = {
        "name": name,
        "unit_id": unit_id,
        "phone": phone,
        "email": email,
        "locale": locale,
        "active": active,
    }
    given = _clean({k: v for k, v in fields.items() if v is not None})
    if actor is None or actor.id != member_id or not set(given) <= OWN:
        records.allow(actor, "manage_people", member.union_id)
    wanted = {k: v for k, v in given.items() if v != getattr(member, k)}
    if not wanted:
        return False
    if wanted.get("active") is False:
        _put_out_of_use(session, actor, member)
    if "unit_id" in wanted:
        unit = records.open_unit(session, actor, wanted["unit_id"])
        records.allow(actor, "manage_people", unit.union_id)
        wanted["union_id"] = unit.union_id
        if unit.union_id != member.union_id:
            deputies.leave(session, actor, member.id)
    session.execute(update(tables.member).where(tables.member.c.id == member_id).values(wanted))
    records.record(session, actor, change_notes(member, wanted))
    return True


def _put_out_of_use(session: Session, actor: Actor | None, member: rows.Member) -> None:
    """End their tokens, logins and invitation; whoever holds a desk is put out of use by an
    administrator only.
    """
    if actor is not None and actor.id == member.id:
        raise Conflict(_("不能停用自己的账号。"), code="self")
    must_reach(session, actor, member.id)
    end_tokens(session, member.id)
    end_logins(session, member.id)
    end_invitations(session, [member.id])
    deputies.leave(session, actor, member.id)


def change_notes(member: rows.Member, wanted: Mapping[str, Any]) -> list[records.Note]:
    """One event in the chain of the union; when a member moves to another union, one in each.

    It keeps old and new values, of private fields only that they changed.
    """
    fields = sorted(set(wanted) - {"union_id"})
    shown = [field for field in fields if field not in PRIVATE]
    details = {
        "member": str(member.id),
        "fields": fields,
        "old": {field: records.plain(getattr(member, field)) for field in shown},
        "new": {field: records.plain(wanted[field]) for field in shown},
    }
    chains = dict.fromkeys([member.union_id, wanted.get("union_id", member.union_id)])
    return [records.Note(chain, "member_changed", details) for chain in chains]
