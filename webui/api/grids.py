"""The table of a process, for programs: its columns, its lines, its saved filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.commands import views
from engine.queries import grid as reading
from engine.queries import instances as lists
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.instances.shapes import InstanceRow
from webui.api.schemas import Moment, Text
from webui.http.words import lang

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.grid import Grid

routes = Routes("grids", "The tables of processes: all matters of a filter, with their columns.")
ONE = "/grids/<process_id>"


class GridQuery(schemas.Asked):
    words = Text(100, load_default="", metadata={"description": "As in the search over matters."})
    state = schemas.Choice("", *lists.STATES, load_default="")
    column = Text(80, load_default="", metadata={"description": "Narrow by this column …"})
    value = Text(200, load_default="", metadata={"description": "… to what stands in it."})
    sort = Text(
        80, load_default="", metadata={"description": "A column; `-` before it: backwards."}
    )


class GridColumn(Schema):
    key = fields.String(required=True)
    title = fields.String()


class GridTask(Schema):
    id = fields.UUID(required=True)
    element = fields.String()
    title = fields.String()
    alike = fields.Boolean(metadata={"description": "May one act do several of it?"})


class GridLine(Schema):
    """An instance in the table; of a column that several things stand in, each by itself."""

    row = fields.Nested(InstanceRow, required=True)
    cells = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    due_at = Moment(allow_none=True)
    late = fields.Boolean()
    own = fields.List(fields.Nested(GridTask), metadata={"description": "What I may do in it."})


class GridShape(Schema):
    """The table of a process. `more`: it holds only the newest."""

    process_id = fields.String(required=True)
    title = fields.String()
    columns = fields.List(fields.Nested(GridColumn))
    lines = fields.List(fields.Nested(GridLine))
    more = fields.Boolean()


@routes.look(ONE, GridShape, query=GridQuery)
def get_grid(session: Session, actor: Actor, given: dict[str, Any], process_id: str) -> Grid:
    """All instances of a process that I may see, with the columns that it declares."""
    said = {given["column"]: given["value"]} if given["column"] else {}
    wanted = reading.Wanted(given["words"], given["state"], said=said, sort=given["sort"])
    return reading.grid(session, actor, process_id, wanted, lang())


class GridView(schemas.Sent):
    wanted = schemas.Answers(
        required=True,
        metadata={"description": "words, state, overdue, sort, `c.<column>`: texts."},
    )
    shared = fields.Boolean(load_default=False, metadata={"description": "For all of the union."})


class GridViewShape(Schema):
    name = fields.String(required=True)
    wanted = fields.Dict(keys=fields.String(), values=fields.String())
    mine = fields.Boolean()
    shared = fields.Boolean()
    owner = fields.String()


GridViewList = Schema.from_dict(
    {"items": fields.List(fields.Nested(GridViewShape), required=True)}, name="GridViewList"
)


@routes.look(f"{ONE}/views", GridViewList)
def list_grid_views(session: Session, actor: Actor, process_id: str) -> dict[str, Any]:
    """My saved filters of this table, and those that others of my union share."""
    reading.must_be(session, actor, process_id)
    return {"items": reading.views(session, actor, process_id)}


@routes.act(f"{ONE}/views/<name>", body=GridView, method="PUT", status=204)
def save_grid_view(
    session: Session, actor: Actor, given: dict[str, Any], process_id: str, name: str
) -> None:
    """Keep a filter of this table under a name; the office may share it."""
    reading.must_be(session, actor, process_id)
    wanted = {key: str(value) for key, value in given["wanted"].items()}
    place = reading.place(process_id)
    views.save(session, actor, name, wanted, place=place, shared=given["shared"])


@routes.act(f"{ONE}/views/<name>", method="DELETE", status=204)
def drop_grid_view(session: Session, actor: Actor, process_id: str, name: str) -> None:
    """Forget a saved filter of mine."""
    views.drop(session, actor, name, place=reading.place(process_id))
