"""Rows of posts and of delegates: checked against the terms that are there and against each other, then written."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert, select

from engine.commands.imports.columns import CATEGORIES, CATEGORIES_EN
from engine.commands.imports.lines import (
    Line,
    days_of,
    may_import,
    members_by_username,
    unit_for,
    units_by_code,
)
from engine.commands.imports.members import row_of
from engine.commands.people import members, records, terms, words
from engine.db import tables
from engine.errors import Invalid, Refused
from engine.messages import _
from engine.people import posts

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

FOREVER = date.max
SHARE_UNKNOWN = "文件没有教师身份一项，教师代表的比例未知，请另行核对。（《学校教职工代表大会规定》，教育部令第32号）"


class Held:
    """The terms by person: those registered and those of the rows already looked at."""

    def __init__(self, session: Session, member_ids: list[UUID]) -> None:
        post, unit = tables.post.c, tables.unit.c
        query = select(tables.post, unit.union_id).join(tables.unit, unit.id == post.unit_id)
        rows = (
            session.execute(query.where(post.member_id.in_(member_ids)).order_by(post.id))
            if member_ids
            else ()
        )
        self.posts: dict[UUID, list[Any]] = defaultdict(list)
        for row in rows:
            self.posts[row.member_id].append(row)
        self.rows: dict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)

    def clash(self, line: Line, member: Any) -> None:
        """Skip a row that is there already; an error when its days meet those of another."""
        wanted = line.plan
        for row in self.posts[member.id] if member is not None else ():
            there = _as_plan(row)
            if all(there[k] == wanted[k] for k in there if k != "union_id"):
                line.skip(_("已登记，内容相同，跳过。"))
                return
            if _meet(there, wanted):
                line.errors.append(
                    _("与已登记的任期（{span}）重叠。", span=terms.span(row.from_on, row.to_on))
                )
                return
        for number, there in self.rows[wanted["username"]]:
            if _meet(there, wanted):
                line.errors.append(_("与第 {number} 行的任期重叠。", number=number))
                return
        self.rows[wanted["username"]].append((line.number, wanted))


def _as_plan(row: Any) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "unit_id": str(row.unit_id),
        "union_id": str(row.union_id),
        "term": row.term,
        "from_on": row.from_on.isoformat(),
        "to_on": row.to_on.isoformat() if row.to_on else "",
    }


def _meet(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Do two terms exclude each other? Days are ISO texts; no last day is for ever."""
    if other["kind"] not in terms.rivals(one["kind"]):
        return False
    place = "union_id" if one["kind"] in posts.DELEGATES else "unit_id"
    last = FOREVER.isoformat()
    return bool(
        one[place] == other[place]
        and one["from_on"] <= (other["to_on"] or last)
        and other["from_on"] <= (one["to_on"] or last)
    )


def plan_posts(session: Session, actor: Actor, lines: list[Line]) -> None:
    """Decide for every row of posts what it does; see `Line`."""
    units, known, held = _around(session, lines)
    for line in lines:
        member = _member(line, actor, known)
        unit = unit_for(line, actor, units)
        word = line.need("post", "职务")
        kind = posts.kinds().post(word) if word else None
        if word and kind is None:
            line.errors.append(_("没有“{word}”这个职务。", word=word[:20]))
        _plan(line, actor, held, kind.key if kind else "", unit, member)


def plan_delegates(session: Session, actor: Actor, lines: list[Line]) -> None:
    """Decide for every row of delegates what it does; people who are not registered are created, with a warning."""
    units, known, held = _around(session, lines)
    new: dict[str, str] = {}
    for line in lines:
        unit = unit_for(line, actor, units)
        username = line.take("username", words.username) or ""
        name = line.take("name", lambda v: words.line("name", v, 60)) or ""
        member = known.get(username)
        if username and member is None:
            if new.setdefault(username, name) != name:
                line.errors.append(_("同一用户名在文件中有不同的姓名。"))
        elif username:
            _same_person(line, actor, member, name)
        word = line.need("category", "代表类别")
        kind = _category(word)
        if word and not kind:
            line.errors.append(_("代表类别应为 正式、列席 或 特邀。"))
        line.need("term", "届次")
        _plan(line, actor, held, kind, unit, member, name)


def _around(session: Session, lines: list[Line]) -> tuple[dict[str, Any], dict[str, Any], Held]:
    units = units_by_code(session, (line.values.get("unit_code", "") for line in lines))
    known = members_by_username(
        session, (words.login_name(line.values.get("username", "")) for line in lines)
    )
    return units, known, Held(session, [row.id for row in known.values()])


def _member(line: Line, actor: Actor, known: dict[str, Any]) -> Any:
    username = line.need("username", "用户名")
    member = known.get(words.login_name(username))
    if username and (member is None or not may_import(actor, member.union_id)):
        line.errors.append(_("没有用户名为“{username}”的人。", username=username))
        return None
    if member is not None and not member.active:
        line.errors.append(_("此人已停用。"))
    return member


def _same_person(line: Line, actor: Actor, member: Any, name: str) -> None:
    if not may_import(actor, member.union_id):
        line.errors.append(_("这个用户名已有人使用。"))
    elif not member.active:
        line.errors.append(_("此人已停用。"))
    elif name and member.name != name:
        line.errors.append(_("这个用户名登记的姓名是“{name}”。", name=member.name))


def _category(word: str) -> str:
    text = word.removesuffix("代表")
    return (
        CATEGORIES.get(text)
        or CATEGORIES_EN.get(text.casefold())
        or (word if word in posts.DELEGATES else "")
    )


def _plan(
    line: Line, actor: Actor, held: Held, kind: str, unit: Any, member: Any, name: str = ""
) -> None:
    days = days_of(line)
    term = line.take("term", lambda v: words.line("term", v, 40, 0))
    if line.errors or days is None:
        return
    from_on, to_on = days
    line.do = "create"
    line.plan = {
        "kind": kind,
        "unit_id": str(unit.id),
        "union_id": str(unit.union_id),
        "unit": unit.name,
        "term": term,
        "from_on": from_on.isoformat(),
        "to_on": to_on.isoformat() if to_on else "",
        "username": words.login_name(line.values["username"]),
        "member": str(member.id) if member is not None else "",
        "name": name or (member.name if member is not None else ""),
    }
    held.clash(line, member)
    if line.do == "skip":
        return
    try:
        terms.must_fit(kind, unit.kind, term)
        members.must_manage_desk(
            actor, kind, member.id if member is not None else actor.id, unit.union_id
        )
        members.must_not_be_oneself(actor, member.id if member is not None else None)
    except (Invalid, Refused) as fault:
        line.errors.append(fault.message)
    if member is None and not line.errors:
        line.warnings.append(_("尚未登记此人，将一并登记（没有密码，不能登录）。"))


def write(session: Session, lines: list[Line]) -> list[records.Note]:
    """Write the new people and the posts of every row; gives the events."""
    todo = [line.plan for line in lines if line.do == "create"]
    people: dict[str, dict[str, Any]] = {}
    for plan in todo:
        if not plan["member"] and plan["username"] not in people:
            people[plan["username"]] = row_of(plan)
    if people:
        session.execute(insert(tables.member), list(people.values()))
    rows = [_row(plan, people) for plan in todo]
    if rows:
        session.execute(insert(tables.post), rows)
    notes: list[records.Note] = [
        (row["union_id"], "member_created", members.created(row)) for row in people.values()
    ]
    for plan, row in zip(todo, rows, strict=True):
        notes.append(
            (UUID(plan["union_id"]), "post_granted", terms.granted(row, plan["name"], plan["unit"]))
        )
    return notes


def _row(plan: dict[str, Any], people: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": tables.new_id(),
        "member_id": UUID(plan["member"]) if plan["member"] else people[plan["username"]]["id"],
        "kind": plan["kind"],
        "unit_id": UUID(plan["unit_id"]),
        "term": plan["term"],
        "from_on": date.fromisoformat(plan["from_on"]),
        "to_on": date.fromisoformat(plan["to_on"]) if plan["to_on"] else None,
    }
