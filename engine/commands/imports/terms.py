"""Rows of posts, of any and by category: checked against the terms that are there and against each
other, then written.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert, select

from engine.commands import proposals
from engine.commands.imports.lines import (
    Line,
    Namesakes,
    Registered,
    Units,
    days_of,
    may_import,
    members_of,
    unit_for,
)
from engine.commands.imports.members import created, row_of
from engine.commands.people import desks, granting, records, terms, words
from engine.db import rows, tables
from engine.db.progress import Tell, silent, told
from engine.errors import Invalid, Refused
from engine.instance import openings
from engine.instance.openings import Seat
from engine.messages import Both, Listed, _
from engine.people import posts, spelling

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

FOREVER = date.max.isoformat()


class Held:
    """The terms by person: those registered and those of the rows already looked at."""

    def __init__(self, session: Session, member_ids: list[UUID]) -> None:
        post, unit = tables.post.c, tables.unit.c
        query = (
            select(tables.post, unit.union_id)
            .join(tables.unit, unit.id == post.unit_id)
            .where(post.member_id.in_(member_ids))
            .order_by(post.id)
        )
        self.posts: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
        for *columns, union_id in session.execute(query):
            held = rows.Post(*columns)
            self.posts[held.member_id].append(_as_plan(held, union_id))
        self.rows: dict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)

    def clash(self, line: Line, member: Registered | None) -> None:
        """Skip a row that is there already; an error when its days meet those of another."""
        wanted = line.plan
        for there in self.posts[member.id] if member is not None else ():
            if _same(there, wanted):
                line.skip()
                return
            if _meet(there, wanted):
                span = terms.span(there["from_on"], there["to_on"])
                line.errors.append(_("与已登记的任期（{span}）重叠。", span=span))
                return
        others = self.rows[wanted["username"]]
        for number, there in others:
            if _meet(there, wanted):
                line.errors.append(_("与第 {number} 行的任期重叠。", number=number))
                return
        others.append((line.number, wanted))


def _as_plan(post: rows.Post, union_id: UUID) -> dict[str, Any]:
    return {
        "kind": post.kind,
        "unit_id": str(post.unit_id),
        "union_id": str(union_id),
        "term": post.term,
        "from_on": post.from_on.isoformat(),
        "to_on": post.to_on.isoformat() if post.to_on else "",
    }


def _same(there: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Is a term registered already, whichever way its 届次 is spelt?"""
    alike = spelling.term(there["term"]) == spelling.term(wanted["term"])
    return alike and all(there[k] == wanted[k] for k in there if k not in ("union_id", "term"))


def _meet(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Do two terms exclude each other? Days are ISO texts; no last day is for ever."""
    place = "union_id" if one["kind"] in terms.by_category() else "unit_id"
    return bool(
        other["kind"] in terms.rivals(one["kind"])
        and one[place] == other[place]
        and one["from_on"] <= (other["to_on"] or FOREVER)
        and other["from_on"] <= (one["to_on"] or FOREVER)
    )


@dataclass(frozen=True)
class _Known:
    """What the rows of a file are held against: the units and people they name, the terms of
    these.
    """

    actor: Actor
    units: Units
    members: dict[str, Registered]
    namesakes: Namesakes
    terms: dict[str, str]  # as they are registered, by what they mean
    held: Held
    opened: Opened


class Opened:
    """Which posts open a confidential matter, each asked once; and which wait for a second person
    already.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[Seat, bool] = {}

    def by(self, kind: str, unit: rows.Unit) -> bool:
        """Does this post open one?"""
        seat = Seat.of(kind, unit)
        if seat not in self._known:
            self._known[seat] = openings.opens(self._session, seat)
        return self._known[seat]

    def waits(self, plan: dict[str, Any]) -> bool:
        """Is the post of a row proposed already?"""
        about = {"member": plan["member"], "post_kind": plan["kind"], "unit": plan["unit_id"]}
        subject = granting.subject_of(about)
        return proposals.waits(self._session, granting.POST, subject)


def _known(session: Session, actor: Actor, lines: list[Line]) -> _Known:
    units = Units(session, actor)
    members_, namesakes = members_of(session, lines), Namesakes(session, units)
    same = {words.login_name(line.values.get("same_as", "")) for line in lines}
    alike = [each for found in namesakes.found.values() for each in found if each.username in same]
    held = Held(session, [member.id for member in (*members_.values(), *alike)])
    terms = _terms(session, units)
    return _Known(actor, units, members_, namesakes, terms=terms, held=held, opened=Opened(session))


def _terms(session: Session, units: Units) -> dict[str, str]:
    """The terms registered in these unions, by what they mean, the newest spelling of each."""
    post, here = tables.post.c, [unit.id for unit in units.by_code.values()]
    query = select(post.term).where(post.unit_id.in_(here)).order_by(post.id)
    return {spelling.term(term): term for term in session.execute(query).scalars() if term}


@dataclass(frozen=True)
class _Wanted:
    """The post that a row gives, and whom; `member` is None for a person who is not registered
    yet.
    """

    kind: str
    unit: rows.Unit | None
    member: Registered | None
    name: str


def plan_posts(session: Session, actor: Actor, lines: list[Line], tell: Tell = silent) -> None:
    """Decide for every row of posts what it does; see `Line`."""
    known = _known(session, actor, lines)
    for line in told(lines, tell):
        member = _member(line, known)
        unit = unit_for(line, known.units)
        word = line.need("post")
        kind = posts.kinds().post(word) if word else None
        if word and kind is None:
            line.errors.append(_("没有“{word}”这个职务。", word=word[:20]))
        name = member.name if member else ""
        _plan(line, known, _Wanted(kind.key if kind else "", unit, member, name))


def plan_by_category(
    session: Session, actor: Actor, lines: list[Line], tell: Tell = silent
) -> None:
    """Decide for every row by category what it does; people who are not registered are created,
    with a warning.
    """
    known = _known(session, actor, lines)
    new: dict[str, str] = {}
    for line in told(lines, tell):
        unit = unit_for(line, known.units)
        member, name = _person(line, known, new)
        if member is None and unit is not None and not line.errors:
            member = known.namesakes.ask(line, unit.id, name)
        kind = _by_category(line)
        line.need("term")
        _plan(line, known, _Wanted(kind, unit, member, name))


def _person(line: Line, known: _Known, new: dict[str, str]) -> tuple[Registered | None, str]:
    """Who is entered; `new`: the names of those who are not registered, by user name."""
    username = line.take("username", words.username) or ""
    name = line.take("name", words.person) or ""
    member = known.members.get(username)
    if member is not None:
        _must_be_the_same(line, known.actor, member, name)
    elif username and new.setdefault(username, name) != name:
        line.errors.append(_("同一用户名在文件中有不同的姓名。"))
    return member, name


def _must_be_the_same(line: Line, actor: Actor, member: Registered, name: str) -> None:
    if not may_import(actor, member.union_id):
        line.errors.append(_("这个用户名已有人使用。"))
    elif not member.active:
        line.errors.append(_("此人已停用。"))
    elif name and spelling.words(member.name) != spelling.words(name):
        line.errors.append(_("这个用户名登记的姓名是“{name}”。", name=member.name))


def _member(line: Line, known: _Known) -> Registered | None:
    username = line.need("username")
    member = known.members.get(words.login_name(username))
    if username and (member is None or not may_import(known.actor, member.union_id)):
        line.errors.append(_("没有用户名为“{username}”的人。", username=username))
        return None
    if member is not None and not member.active:
        line.errors.append(_("此人已停用。"))
    return member


def _by_category(line: Line) -> str:
    """The post of a row's category."""
    word, kinds = line.need("category"), posts.kinds()
    text = word.removesuffix(kinds.categories.title.zh)
    for post in kinds.by_category:
        if text == post.category or text.casefold() == post.category_en or word == post.key:
            return post.key
    if word:
        wanted = Listed(Both(post.category, post.category_en) for post in kinds.by_category)
        line.errors.append(_("{kind}应为{wanted}。", kind=kinds.categories.kind, wanted=wanted))
    return ""


def _plan(line: Line, known: _Known, wanted: _Wanted) -> None:
    days, unit, member = days_of(line), wanted.unit, wanted.member
    term = line.take("term", words.term)
    if line.errors or days is None or unit is None:
        return
    from_on, to_on = days
    term = known.terms.get(term, term)
    if known.terms and term and term not in known.terms.values():
        line.warnings.append(_("“{term}”是新的届次，请核对不是已有届次的另一种写法。", term=term))
    line.do = "create"
    line.plan = {
        "kind": wanted.kind,
        "unit_id": str(unit.id),
        "union_id": str(unit.union_id),
        "unit": unit.name,
        "term": term,
        "from_on": from_on.isoformat(),
        "to_on": to_on.isoformat() if to_on else "",
        "username": member.username if member else words.login_name(line.values["username"]),
        "member": str(member.id) if member else "",
        "name": wanted.name,
    }
    known.held.clash(line, member)
    if line.do != "skip":
        _must_be_allowed(line, known.actor, unit, member)
    if line.do != "skip" and not line.errors and known.opened.by(wanted.kind, unit):
        _ask_a_second(line, known)


def _ask_a_second(line: Line, known: _Known) -> None:
    """The row opens a confidential matter: it will wait, or does already."""
    if known.opened.waits(line.plan):
        line.do = "skip"
        line.warnings.append(_("这个职务已登记，正待第二人确认，跳过。"))
        return
    line.plan["second"] = True
    line.warnings.append(_("这个职务能看到保密事项，导入后待第二人确认才生效。"))


def _must_be_allowed(line: Line, actor: Actor, unit: rows.Unit, member: Registered | None) -> None:
    """Errors where the unit has no such post or the actor may not give it."""
    kind, member_id = line.plan["kind"], member.id if member else None
    try:
        terms.must_fit(kind, unit.kind, line.plan["term"])
        desks.must_manage_desk(actor, kind, member_id or actor.id, unit.union_id)
        desks.must_not_be_oneself(actor, member_id)
    except (Invalid, Refused) as fault:
        line.errors.append(fault.message)
    if member is None and not line.errors:
        line.warnings.append(_("尚未登记此人，将一并登记（没有密码，不能登录）。"))


def write(session: Session, actor: Actor, lines: list[Line]) -> list[records.Note]:
    """Write the new people and the posts of every row, or propose those that open a confidential
    matter; gives the events.
    """
    plans = [line.plan for line in lines if line.do == "create"]
    people: dict[str, dict[str, Any]] = {}
    for plan in plans:
        if not plan["member"] and plan["username"] not in people:
            people[plan["username"]] = row_of(plan)
    if people:
        session.execute(insert(tables.member), list(people.values()))
    given = [(plan, _row(plan, people)) for plan in plans]
    if entered := [row for plan, row in given if not plan.get("second")]:
        session.execute(insert(tables.post), entered)
    return [
        *map(created, people.values()),
        *(_given(session, actor, plan, row) for plan, row in given),
    ]


def _given(
    session: Session, actor: Actor, plan: dict[str, Any], row: dict[str, Any]
) -> records.Note:
    details, union_id = terms.granted(row, plan["name"], plan["unit"]), UUID(plan["union_id"])
    if plan.get("second"):
        return granting.propose(session, actor, union_id, details)
    return records.Note(union_id, "post_granted", details)


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
