"""What is registered, as .xlsx in the shape of the imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, true

from engine.commands import people
from engine.commands.imports import columns, workbook
from engine.commands.people import records
from engine.db import tables
from engine.people import access, posts

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.commands.imports.workbook import Say
    from engine.db import Session
    from engine.people.organisation import Actor


def export(session: Session, actor: Actor, kind: str, say: Say = str) -> bytes:
    """What is there of the unions whose people the actor may see, in the shape of the import; put
    on record.

    Raises Refused, NotFound, Conflict when it is too large.
    """
    shape = columns.of(kind)
    unions = sorted(access.unions(actor, "see_people"), key=str)
    rows = _EXPORTS[kind](session, unions)
    cells = [[row.get(column.key) for column in shape] for row in rows]
    data = workbook.write(columns.kinds()[kind], shape, cells, say)  # nobody waits for it yet
    details = {"export_kind": kind, "rows": len(rows)}
    notes = [records.Note(union, "people_exported", details) for union in unions]
    records.record(session, actor, notes)
    return data


def exported(session: Session, actor: Actor, kind: str) -> tuple[list[UUID], int]:
    """Of which unions `export` tells, and how many rows. Raises Refused, NotFound."""
    columns.of(kind)
    unions = sorted(access.unions(actor, "see_people"), key=str)
    return unions, len(_EXPORTS[kind](session, unions))


def _units(session: Session, unions: list[UUID]) -> list[dict[str, Any]]:
    unit, above = tables.unit.c, tables.unit.alias("above")
    query = (
        select(tables.unit, above.c.code.label("parent_code"))
        .outerjoin(above, above.c.id == unit.parent_id)
        .where(unit.union_id.in_(unions), unit.active)
        .order_by(unit.id)
    )
    kinds = posts.kinds()
    known, owners, lines = kinds.units, kinds.owners, kinds.affiliations
    rows = [dict(row) for row in session.execute(query).mappings()]
    for row in rows:
        kind = known.get(row["kind"])
        row |= {
            "kind": kind.title if kind else row["kind"],
            "owner_type": owners[row["owner_type"]].zh if row["owner_type"] in owners else None,
            "affiliation": lines[row["affiliation"]].zh if row["affiliation"] in lines else None,
        }
    return rows


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
    return [dict(row) for row in session.execute(query).mappings()]


def _posts(session: Session, unions: list[UUID]) -> list[dict[str, Any]]:
    return _terms(session, unions, true())


def _terms(
    session: Session, unions: list[UUID], which: ColumnElement[bool]
) -> list[dict[str, Any]]:
    member, unit, post = tables.member.c, tables.unit.c, tables.post.c
    query = (
        select(tables.post, member.username, member.name, unit.code.label("unit_code"))
        .join(tables.member, member.id == post.member_id)
        .join(tables.unit, unit.id == post.unit_id)
        .where(unit.union_id.in_(unions), which)
        .order_by(post.from_on, post.id)
    )
    known, category = posts.kinds().posts, {p.key: p.category for p in posts.kinds().by_category}
    rows = [dict(row) for row in session.execute(query).mappings()]
    for row in rows:
        kind = known.get(row["kind"])
        row |= {
            "category": category.get(row["kind"]),
            "post": kind.title if kind else row["kind"],
        }
    return rows


_EXPORTS: dict[str, Callable[[Session, list[UUID]], list[dict[str, Any]]]] = {
    "units": _units,
    "people": _people,
    "posts": _posts,
    "delegates": lambda session, unions: _terms(
        session, unions, tables.post.c.kind.in_(people.by_category())
    ),
}
