"""Rows of people: checked against the roster, then written."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert, select, update

from engine import clock
from engine.commands.imports.lines import (
    Line,
    may_import,
    members_by_username,
    tell_twins,
    unit_for,
    units_by_code,
)
from engine.commands.people import members, records, words
from engine.db import tables
from engine.messages import _

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

TITLES = {"name": "姓名", "unit_id": "单位", "phone": "手机", "email": "邮箱"}


def plan(session: Session, actor: Actor, lines: list[Line]) -> None:
    """Decide for every row what it does; see `Line`."""
    units = units_by_code(session, (line.values.get("unit_code", "") for line in lines))
    known = members_by_username(
        session, (words.login_name(line.values.get("username", "")) for line in lines)
    )
    tell_twins(lines, "username", "用户名", words.login_name)
    for line in lines:
        _plan(line, actor, units, known)
    _tell_namesakes(session, lines)


def _plan(line: Line, actor: Actor, units: dict[str, Any], known: dict[str, Any]) -> None:
    unit = unit_for(line, actor, units)
    wanted = {
        "username": line.take("username", words.username),
        "name": line.take("name", lambda v: words.line("name", v, 60)),
        "phone": line.take("phone", words.phone),
        "email": line.take("email", words.email),
    }
    if line.errors:
        return
    place = {"unit_id": str(unit.id), "union_id": str(unit.union_id)}
    row = known.get(wanted["username"])
    if row is None:
        line.do, line.plan = "create", {**wanted, **place}
    elif not may_import(actor, row.union_id):
        line.errors.append(_("这个用户名已有人使用。"))
    else:
        _plan_change(line, row, {k: v for k, v in {**wanted, **place}.items() if v != ""})


def _plan_change(line: Line, row: Any, wanted: dict[str, Any]) -> None:
    if not row.active:
        line.errors.append(_("此人已停用，请先恢复。"))
        return
    new = {
        k: v for k, v in wanted.items() if k in (*TITLES, "union_id") and v != str(getattr(row, k))
    }
    if not new:
        line.skip(_("已登记，内容相同，跳过。"))
        return
    old = {k: str(getattr(row, k)) for k in new}
    line.do, line.plan = "change", {"id": str(row.id), "old": old, "new": new}
    for key, title in TITLES.items():
        if key in new:
            words_of = (
                _("将改为本行所填。")
                if key == "unit_id" or not old[key]
                else _("将由“{old}”改为“{new}”。", old=old[key], new=new[key])
            )
            line.warnings.append(f"已登记，{title}{words_of}")


def _tell_namesakes(session: Session, lines: list[Line]) -> None:
    """A warning where a unit gets a second person of one name."""
    new = [line for line in lines if line.do == "create"]
    member = tables.member.c
    units = sorted({line.plan["unit_id"] for line in new})
    query = select(member.unit_id, member.name).where(
        member.unit_id.in_([UUID(u) for u in units]), member.active
    )
    there: dict[tuple[str, str], int] = defaultdict(int)
    for row in session.execute(query) if units else ():
        there[(str(row.unit_id), row.name)] += 1
    for line in new:
        key = (line.plan["unit_id"], line.plan["name"])
        if there[key]:
            line.warnings.append(_("同一单位已有同名的人，请核对是否重复。"))
        there[key] += 1


def write(session: Session, lines: list[Line]) -> list[records.Note]:
    """Carry out the plan of every row; gives the events."""
    new = [row_of(line.plan) for line in lines if line.do == "create"]
    if new:
        session.execute(insert(tables.member), new)
    notes: list[records.Note] = [
        (row["union_id"], "member_created", members.created(row)) for row in new
    ]
    for line in lines:
        if line.do == "change":
            notes.extend(_change(session, line.plan))
    return notes


def row_of(plan: dict[str, Any]) -> dict[str, Any]:
    """The new member's row."""
    ids = {
        "id": tables.new_id(),
        "unit_id": UUID(plan["unit_id"]),
        "union_id": UUID(plan["union_id"]),
    }
    keys = ("username", "name", "phone", "email")
    return {**{k: plan.get(k, "") for k in keys}, **ids, "created_at": clock.now()}


def _change(session: Session, plan: dict[str, Any]) -> list[records.Note]:
    member = tables.member.c
    new = {k: UUID(v) if k in ("unit_id", "union_id") else v for k, v in plan["new"].items()}
    row = session.execute(select(tables.member).where(member.id == UUID(plan["id"]))).one()
    session.execute(update(tables.member).where(member.id == row.id).values(new))
    chains = dict.fromkeys([row.union_id, new.get("union_id", row.union_id)])
    return [(chain, "member_changed", members.changed(row, new)) for chain in chains]
