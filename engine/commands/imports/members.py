"""Rows of people: checked against the roster, then written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import insert, select, update

from engine import clock
from engine.commands.imports.lines import (
    Line,
    Namesakes,
    Registered,
    Units,
    may_import,
    members_of,
    replaced,
    tell_twins,
    unit_for,
)
from engine.commands.people import members, records, words
from engine.db import tables
from engine.db.progress import Tell, silent, told
from engine.messages import _
from engine.people import spelling

if TYPE_CHECKING:
    from engine.db import Session, rows
    from engine.people.organisation import Actor

TITLES = {"name": _("姓名"), "unit_id": _("单位"), "phone": _("手机"), "email": _("邮箱")}
TEXTS = ("username", "name", "phone", "email")


def plan(session: Session, actor: Actor, lines: list[Line], tell: Tell = silent) -> None:
    """Decide for every row what it does; see `Line`."""
    units = Units(session, actor)
    known, namesakes = members_of(session, lines), Namesakes(session, units)
    tell_twins(lines, "username", words.login_name)
    for line in told(lines, tell):
        wanted = _wanted(line, unit_for(line, units))
        if not line.errors:
            member = known.get(wanted["username"])
            if member is None:
                member = namesakes.ask(line, UUID(wanted["unit_id"]), wanted["name"])
            if not line.errors:
                _plan(line, actor, wanted, member)
    _tell_namesakes(lines)


def _wanted(line: Line, unit: rows.Unit | None) -> dict[str, Any]:
    wanted = {
        "username": line.take("username", words.username),
        "name": line.take("name", words.person),
        "phone": line.take("phone", words.phone),
        "email": line.take("email", words.email),
    }
    place = {"unit_id": str(unit.id), "union_id": str(unit.union_id)} if unit else {}
    return {**wanted, **place}


def _plan(line: Line, actor: Actor, wanted: dict[str, Any], member: Registered | None) -> None:
    if member is None:
        line.do, line.plan = "create", wanted
    elif not may_import(actor, member.union_id):
        line.errors.append(_("这个用户名已有人使用。"))
    elif not member.active:
        line.errors.append(_("此人已停用，请先恢复。"))
    else:
        _plan_change(line, member, wanted)


def _plan_change(line: Line, member: Registered, wanted: dict[str, Any]) -> None:
    """A blank does not clear what is registered."""
    there = {key: str(getattr(member, key)) for key in (*TITLES, "union_id")}
    new = {key: wanted[key] for key in there if wanted[key] not in ("", there[key])}
    if "name" in new and spelling.words(new["name"]) == spelling.words(there["name"]):
        del new["name"]  # another blank is no other name
    if not new:
        line.skip()
        return
    old = {key: there[key] for key in new}
    line.do, line.plan = "change", {"id": str(member.id), "old": old, "new": new}
    for key, title in TITLES.items():
        if key in new:
            line.warnings.append(
                _("已登记，{title}将改为本行所填。", title=title)
                if key == "unit_id" or not old[key]
                else replaced(title, old[key], new[key])
            )


def _tell_namesakes(lines: list[Line]) -> None:
    """A warning where a file brings two people of one name into a unit."""
    seen: set[tuple[str, str]] = set()
    for line in lines:
        if line.do == "create":
            key = (line.plan["unit_id"], line.plan["name"])
            if key in seen:
                line.warnings.append(_("同一单位已有同名的人，请核对是否重复。"))
            seen.add(key)


def write(session: Session, _actor: Actor, lines: list[Line]) -> list[records.Note]:
    """Carry out the plan of every row; gives the events."""
    new = [row_of(line.plan) for line in lines if line.do == "create"]
    if new:
        session.execute(insert(tables.member), new)
    notes = [created(row) for row in new]
    for line in lines:
        if line.do == "change":
            notes += _change(session, line.plan)
    return notes


def created(row: dict[str, Any]) -> records.Note:
    """The event of a new member."""
    return records.Note(row["union_id"], "member_created", members.created(row))


def row_of(plan: dict[str, Any]) -> dict[str, Any]:
    """The new member's row."""
    return {
        **{key: plan.get(key, "") for key in TEXTS},
        "id": tables.new_id(),
        "unit_id": UUID(plan["unit_id"]),
        "union_id": UUID(plan["union_id"]),
        "created_at": clock.now(),
    }


def _change(session: Session, plan: dict[str, Any]) -> list[records.Note]:
    member = tables.member.c
    new = {k: UUID(v) if k in ("unit_id", "union_id") else v for k, v in plan["new"].items()}
    query = select(tables.member).where(member.id == UUID(plan["id"]))
    row = cast("rows.Member", session.execute(query).one())
    session.execute(update(tables.member).where(member.id == row.id).values(new))
    return members.change_notes(row, new)
