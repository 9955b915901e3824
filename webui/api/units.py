"""Units and unions, and what happened in a union besides its matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import people
from engine.queries import history
from engine.queries import people as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.instances.shapes import EventPage
from webui.api.people import Changed
from webui.api.schemas import Both, Flag, Id, Log, OfUnion, Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.people import UnitNode, UnitTree


routes = Routes("units", "Units and unions.")


class Unit(Schema):
    """A unit; `members` counts its own active members, `parent_id` is empty for the union
    itself.
    """

    id = fields.UUID(required=True)
    parent_id = fields.UUID(allow_none=True)
    code = fields.String()
    kind = fields.String()
    title = Both()
    name = fields.String()
    name_en = fields.String()
    active = fields.Boolean()
    members = fields.Integer()


class UnitBranch(Schema):
    """A unit with what stands under it."""

    id = fields.UUID(required=True)
    code = fields.String()
    kind = fields.String()
    title = Both()
    name = fields.String()
    name_en = fields.String()
    active = fields.Boolean()
    members = fields.Integer()
    children = fields.List(fields.Nested(lambda: UnitBranch()))


class Tree(Schema):
    """A union's units, and which unions manage and guide it."""

    root = fields.Nested(UnitBranch, required=True)
    managing = fields.String()
    guiding = fields.String()
    owner_type = fields.String()
    affiliation = fields.String()
    city = fields.String()


class NewUnit(schemas.Sent):
    code = Text(32, 1, required=True)
    kind = Text(50, 1, required=True)
    name = Text(100, 1, required=True)
    parent_id = Id(load_default=None, allow_none=True)
    name_en = Text(200, load_default="")
    owner_type = Text(20, load_default="")
    affiliation = Text(20, load_default="")
    city = Text(50, load_default="")
    ruling = Text(200, load_default="")


class UnitChange(schemas.Sent):
    name = Text(100, 1)
    name_en = Text(200)
    parent_id = Id()
    owner_type = Text(20)
    affiliation = Text(20)
    city = Text(50)
    ruling = Text(200)
    active = Flag()


UnitPage = schemas.page(
    "UnitPage",
    Unit,
    managing=fields.String(),
    guiding=fields.String(),
    owner_type=fields.String(),
    affiliation=fields.String(),
    city=fields.String(),
)


@routes.look("/units", UnitPage, query=OfUnion)
def list_units(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """The units of a union, closed ones too, parents before what stands under them."""
    tree = reading.unit_tree(session, actor, given["union"] or actor.union_id)
    return {**vars(tree), "items": list(_flat(tree.root, None)), "next": None}


def _flat(node: UnitNode, parent_id: UUID | None) -> Iterator[Any]:
    yield _Unit(node, parent_id)
    for child in node.children:
        yield from _flat(child, node.id)


class _Unit:
    """A node of the tree with its parent."""

    def __init__(self, node: UnitNode, parent_id: UUID | None) -> None:
        self.__dict__.update(vars(node), parent_id=parent_id)


@routes.look("/units/tree", Tree, query=OfUnion)
def unit_tree(session: Session, actor: Actor, given: dict[str, Any]) -> UnitTree:
    """The same as a tree."""
    return reading.unit_tree(session, actor, given["union"] or actor.union_id)


@routes.act("/units", schemas.Made, body=NewUnit, status=201)
def create_unit(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, UUID]:
    """Enter a unit; where a decision table tells who manages it, the parent may be left out. A
    parent that the table does not give needs `ruling`: who ruled, number and day.
    """
    return {"id": people.create_unit(session, actor, **given)}


@routes.act("/units/<uuid:unit_id>", Changed, body=UnitChange, method="PATCH")
def change_unit(
    session: Session, actor: Actor, given: dict[str, Any], unit_id: UUID
) -> dict[str, bool]:
    """Change what is given."""
    return {"changed": people.change_unit(session, actor, unit_id, **given)}


@routes.look("/units/<uuid:unit_id>/history", EventPage, query=Log)
def union_history(
    session: Session, actor: Actor, given: dict[str, Any], unit_id: UUID
) -> dict[str, Any]:
    """What happened in a union besides its instances, newest first (secretary, auditor)."""
    found = history.union_log(session, actor, unit_id, schemas.which(given), given["limit"] + 1)
    shown = found[: given["limit"]]
    return {"items": shown, "next": shown[-1].seq if len(found) > len(shown) else None}
