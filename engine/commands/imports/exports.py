"""What is registered, as .xlsx in the shape of the imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.commands import people
from engine.commands.imports import columns, workbook
from engine.commands.people import records
from engine.db import tables
from engine.people import access, posts

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor


def export(session: Session, actor: Actor, kind: str) -> bytes:
    """What is there of the unions whose people the actor may see, in the shape of the import; put on record.

    Raises Refused, NotFound.
    """
    shape = columns.of(kind)
    unions = sorted(access.unions(actor, "see_people"), key=str)
    rows = _EXPORTS[kind](session, unions)
    details = {"export_kind": kind, "rows": len(rows)}
    records.record(session, actor, [(union, "people_exported", details) for union in unions])
    return workbook.write(
        columns.KINDS[kind], shape, [[row.get(c.key) for c in shape] for row in rows]
    )


def _units(session: Session, unions: list[UUID]) -> list[dict[str, Any]]:
    unit, above = tables.unit.c, tables.unit.alias("above")
    query = (
        select(tables.unit, above.c.code.label("parent_code"))
        .outerjoin(above, above.c.id == unit.parent_id)
        .where(unit.union_id.in_(unions), unit.active)
        .order_by(unit.id)
    )
    titles = _titles()
    found = [dict(row._mapping) for row in session.execute(query)]
    return [
        {
            **r,
            "kind": titles.get(r["kind"], r["kind"]),
            "owner_type": people.OWNERS.get(r["owner_type"]),
        }
        for r in found
    ]


def _titles() -> dict[str, str]:
    """Kinds of units by their Chinese titles."""
    return {key: kind.title for key, kind in posts.kinds().units.items()}


def _people(session: Session, unions: list[UUID]) -> list[dict[str, Any]]:
    member, unit = tables.member.c, tables.unit.c
    query = (
        select(
            member.username, member.name, unit.code.label("unit_code"), member.phone, member.email
        )
        .join(tables.unit, unit.id == member.unit_id)
        .where(member.union_id.in_(unions), member.active)
        .order_by(member.id)
    )
    return [dict(row._mapping) for row in session.execute(query)]


def _terms(session: Session, unions: list[UUID], delegates: bool) -> list[dict[str, Any]]:
    member, unit, post = tables.member.c, tables.unit.c, tables.post.c
    known = posts.kinds().posts
    query = (
        select(tables.post, member.username, member.name, unit.code.label("unit_code"))
        .join(tables.member, member.id == post.member_id)
        .join(tables.unit, unit.id == post.unit_id)
        .where(unit.union_id.in_(unions))
        .order_by(post.from_on, post.id)
    )
    if delegates:
        query = query.where(post.kind.in_(posts.DELEGATES))
    category = {kind: title for title, kind in columns.CATEGORIES.items()}
    rows = [dict(row._mapping) for row in session.execute(query)]
    return [
        {
            **r,
            "category": category.get(r["kind"]),
            "post": known[r["kind"]].title if r["kind"] in known else r["kind"],
        }
        for r in rows
    ]


_EXPORTS: dict[str, Callable[[Session, list[UUID]], list[dict[str, Any]]]] = {
    "units": _units,
    "people": _people,
    "posts": lambda session, unions: _terms(session, unions, False),
    "delegates": lambda session, unions: _terms(session, unions, True),
}
