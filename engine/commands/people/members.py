"""Members: enter, change, put out of use. Telephone and e-mail never go into the history, which is kept for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from engine import clock
from engine.commands.people import records, words
from engine.commands.people.logins import end_logins
from engine.db import tables
from engine.errors import Conflict, Invalid
from engine.history import event_log
from engine.people import access, organisation, password

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
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
) -> UUID:
    """Enter a person; without a password (`secret`) nobody can log in as them. Raises Refused, NotFound, Invalid."""
    unit = records.open_unit(session, actor, unit_id)
    records.allow(actor, "manage_people", unit.union_id)
    if secret is not None:
        records.allow(actor, "set_password", unit.union_id)
    records.queue(session)
    row = _clean(
        {"username": username, "name": name, "phone": phone, "email": email, "locale": locale}
    )
    if session.execute(
        select(tables.member.c.id).where(tables.member.c.username == row["username"])
    ).first():
        raise Invalid({"username": ["这个用户名已有人使用。"]})
    if secret is not None:
        password.check_rules(secret, row["username"])
        row["password"] = password.hash_password(secret)
    member_id = tables.new_id()
    row |= {
        "id": member_id,
        "unit_id": unit_id,
        "union_id": unit.union_id,
        "created_at": clock.now(),
    }
    session.execute(insert(tables.member).values(row))
    event_log.note(session, unit.union_id, "member_created", actor, **created(row))
    return member_id


def created(row: dict[str, Any]) -> dict[str, Any]:
    """What the history keeps of a new member."""
    return {
        "member": str(row["id"]),
        "username": row["username"],
        "name": row["name"],
        "unit": str(row["unit_id"]),
        "can_log_in": bool(row.get("password")),
    }


def _clean(values: dict[str, Any]) -> dict[str, Any]:
    """The fields given, checked all at once."""
    checks = {
        "username": words.username,
        "name": lambda v: words.line("name", v, 60),
        "phone": words.phone,
        "email": words.email,
        "locale": _locale,
    }
    clean, faults = dict(values), {}
    for field, check in checks.items():
        if field in values:
            try:
                clean[field] = check(values[field])
            except Invalid as fault:
                faults.update(fault.fields)
    if faults:
        raise Invalid(faults)
    return clean


def _locale(value: str) -> str:
    if value not in LOCALES:
        raise Invalid({"locale": ["语言应为 zh 或 en。"]})
    return value


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
    """Change what is given; people change their own telephone, e-mail and language themselves. False: nothing was new.

    Raises Refused, NotFound, Invalid, Conflict (putting oneself out of use).
    """
    records.queue(session)
    row = records.member_of(session, actor, member_id)
    given: dict[str, Any] = {
        "name": name,
        "unit_id": unit_id,
        "phone": phone,
        "email": email,
        "locale": locale,
        "active": active,
    }
    given = _clean({k: v for k, v in given.items() if v is not None})
    wanted = {k: v for k, v in given.items() if v != getattr(row, k)}
    if actor is None or actor.id != member_id or not set(given) <= OWN:
        records.allow(actor, "manage_people", row.union_id)
    if not wanted:
        return False
    if wanted.get("active") is False:
        _put_out_of_use(session, actor, row)
    if "unit_id" in wanted:
        wanted["union_id"] = _new_union(session, actor, wanted["unit_id"])
    session.execute(update(tables.member).where(tables.member.c.id == member_id).values(wanted))
    records.record(session, actor, _notes(row, wanted))
    return True


def _put_out_of_use(session: Session, actor: Actor | None, row: Any) -> None:
    if actor is not None and actor.id == row.id:
        raise Conflict("不能停用自己的账号。", code="self")
    post = tables.post.c
    held = select(post.kind, tables.unit.c.union_id).join(
        tables.unit, tables.unit.c.id == post.unit_id
    )
    for kind, union_id in session.execute(
        held.where(post.member_id == row.id, organisation.in_office(clock.today()))
    ):
        must_manage_desk(actor, kind, row.id, union_id)
    token = tables.token.c
    session.execute(
        update(tables.token)
        .where(token.member_id == row.id, token.ended_at.is_(None))
        .values(ended_at=clock.now())
    )
    end_logins(session, row.id)


def _new_union(session: Session, actor: Actor | None, unit_id: UUID) -> UUID:
    unit = records.open_unit(session, actor, unit_id)
    records.allow(actor, "manage_people", unit.union_id)
    union_id: UUID = unit.union_id
    return union_id


def _notes(row: Any, wanted: dict[str, Any]) -> list[records.Note]:
    """One event in the chain of the union; when a member moves to another union, one in each."""
    details = changed(row, wanted)
    chains = dict.fromkeys([row.union_id, wanted.get("union_id", row.union_id)])
    return [(chain, "member_changed", details) for chain in chains]


def changed(row: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    """What the history keeps of a change: old and new values, of private fields only that they changed."""
    fields = sorted(set(wanted) - {"union_id"})
    shown = [f for f in fields if f not in PRIVATE]
    return {
        "member": str(row.id),
        "fields": fields,
        "old": {f: _plain(getattr(row, f)) for f in shown},
        "new": {f: _plain(wanted[f]) for f in shown},
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | str) or value is None else str(value)


def must_not_be_oneself(actor: Actor | None, member_id: UUID | None) -> None:
    """Nobody gives a post to themselves: a post opens matters, confidential ones too."""
    if actor is not None:
        given = access.Subject(member_id=member_id, new=True)
        access.check_bars(actor, "manage_people", given)


def must_manage_desk(actor: Actor | None, kind: str, member_id: UUID, union_id: UUID) -> None:
    """The desks (secretary, auditor, administrator) are given and taken by an administrator, never to oneself."""
    if actor is not None:
        held = access.Subject(union_id, post=kind, member_id=member_id)
        access.check_bars(actor, "manage_people", held)
