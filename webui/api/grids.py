"""The table of a process, for programs: its columns, its lines, its saved filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields
from marshmallow.validate import Length

from engine.commands import many, views
from engine.commands import operations as asking
from engine.documents import bound, volume
from engine.errors import Invalid
from engine.instance import together
from engine.messages import _
from engine.queries import board as boards
from engine.queries import booklet as volumes
from engine.queries import grid as reading
from engine.queries import indicators as measuring
from engine.queries import instances as lists
from engine.queries import operations
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.instances.shapes import InstanceRow
from webui.api.operations import ONE as OPERATION
from webui.api.operations import OperationShape
from webui.api.schemas import Moment, Text
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from engine.commands.together import CarryOut
    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.board import Board
    from engine.queries.grid import Grid
    from engine.queries.operations import Operation

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
    return reading.grid(session, actor, process_id, _wanted(given), lang())


def _wanted(given: dict[str, Any]) -> reading.Wanted:
    said = {given["column"]: given["value"]} if given["column"] else {}
    return reading.Wanted(given["words"], given["state"], said=said, sort=given["sort"])


# --- the board ------------------------------------------------------------------------------------
class BoardQuery(GridQuery):
    by = Text(80, load_default="", metadata={"description": "A column by which loads are told."})


class BoardHint(Schema):
    """What a column that is still empty mostly said in an earlier year: in `n` of `of` matters."""

    title = fields.String()
    said = fields.String()
    year = fields.Integer()
    n = fields.Integer()
    of = fields.Integer()


class BoardCard(Schema):
    """A matter at a stage; `days`: working days that it has been there."""

    row = fields.Nested(InstanceRow, attribute="line.row", required=True)
    who = fields.String()
    days = fields.Integer()
    late = fields.Boolean()
    hints = fields.List(fields.Nested(BoardHint))


class BoardStage(Schema):
    title = fields.String(required=True)
    median = fields.Integer(metadata={"description": "Of the working days of its cards."})
    cards = fields.List(fields.Nested(BoardCard))


class BoardLoad(Schema):
    who = fields.String(required=True)
    count = fields.Integer()
    late = fields.Integer()
    longest = fields.Integer(metadata={"description": "Working days."})


class BoardShape(Schema):
    """What runs, stage by stage; how much each unit or person has of it."""

    process_id = fields.String(required=True)
    title = fields.String()
    count = fields.Integer()
    stages = fields.List(fields.Nested(BoardStage))
    had = fields.List(fields.Nested(BoardLoad), attribute="loads", data_key="loads")
    by = fields.String()
    ways = fields.List(fields.String(), metadata={"description": "What `by` may be."})
    more = fields.Boolean()


@routes.look(f"{ONE}/board", BoardShape, query=BoardQuery)
def get_board(session: Session, actor: Actor, given: dict[str, Any], process_id: str) -> Board:
    """What runs of a process, stage by stage with its age."""
    return boards.board(session, actor, process_id, _wanted(given), by=given["by"], lang=lang())


# --- indicators -----------------------------------------------------------------------------------
class PeriodQuery(schemas.Asked):
    period = Text(40, load_default="", metadata={"description": "A key of `periods`."})


class IndicatorFigure(Schema):
    """`n` of `of` instances; of working days their sum, and of how many."""

    n = fields.Integer()
    of = fields.Integer()


class IndicatorMeasure(Schema):
    key = fields.String(required=True)
    title = fields.String()
    about = fields.String()
    in_days = fields.Boolean(metadata={"description": "Working days on average; else a share."})


class IndicatorGroup(Schema):
    """By the key of a measure: of this period, and of the one `before`."""

    title = fields.String(required=True)
    count = fields.Integer()
    figures = fields.Dict(keys=fields.String(), values=fields.Nested(IndicatorFigure))
    before = fields.Dict(keys=fields.String(), values=fields.Nested(IndicatorFigure))


class IndicatorTable(Schema):
    key = fields.String(required=True)
    title = fields.String()
    groups = fields.List(fields.Nested(IndicatorGroup))


class IndicatorPeriod(Schema):
    key = fields.String(required=True)
    title = fields.String(metadata={"description": "Empty of the one that has not ended."})


class IndicatorsShape(Schema):
    """The indicators of a period; each instance stands in that in which it began."""

    process_id = fields.String(required=True)
    title = fields.String()
    period = fields.Nested(IndicatorPeriod)
    before = fields.Nested(IndicatorPeriod, allow_none=True)
    periods = fields.List(fields.Nested(IndicatorPeriod))
    measures = fields.List(fields.Nested(IndicatorMeasure))
    total = fields.Nested(IndicatorGroup)
    tables = fields.List(fields.Nested(IndicatorTable))


@routes.look(f"{ONE}/indicators", IndicatorsShape, query=PeriodQuery)
def get_indicators(
    session: Session, actor: Actor, given: dict[str, Any], process_id: str
) -> measuring.Told:
    """Shares and working days of a process, in all and by columns; exact, as n of how many."""
    return measuring.indicators(session, actor, process_id, given["period"], lang())


# --- one act on many ------------------------------------------------------------------------------
class ActOnMany(schemas.Sent):
    instances = fields.List(fields.UUID(), required=True, validate=Length(min=1, max=together.MOST))
    reason = Text(500, load_default="", metadata={"description": "Of a verb of the desk."})
    answers = schemas.Answers(load_default=dict, metadata={"description": "Of a message."})
    trial = fields.Boolean(
        load_default=False, metadata={"description": "Say only what would be done."}
    )


class LeftAsItWas(Schema):
    id = fields.UUID(required=True)
    number = fields.String()
    code = fields.String()
    message = schemas.Said()


class ManyReport(Schema):
    """What came of it, each instance by itself."""

    done = fields.List(fields.UUID())
    failed = fields.List(fields.Nested(LeftAsItWas))


@routes.act(f"{ONE}/acts/<what>", ManyReport, body=ActOnMany, keyed=False, many=True)
def act_on_many(
    carry_out: CarryOut, actor: Actor, given: dict[str, Any], process_id: str, what: str
) -> many.Report:
    """Remind in many instances (`remind`), or send many of them a message of the process."""
    carry_out(lambda session: reading.must_be(session, actor, process_id))
    sent = {"reason": given["reason"]} if what in many.VERBS else given["answers"]
    act = many.act(what, sent)
    return many.run(carry_out, actor, act, given["instances"], trial=given["trial"])


class OfMany(schemas.Sent):
    """Which: these, or all of a filter."""

    instances = fields.List(fields.UUID(), load_default=list)
    filter = fields.Nested(
        GridQuery,
        load_default=None,
        metadata={"description": "In place of `instances`: all that this filter finds."},
    )


def _of_many(
    session: Session, actor: Actor, process_id: str, given: dict[str, Any], most: int
) -> list[UUID]:
    """Those that are named, else all of the filter. Raises Invalid."""
    ids, wanted = list(given["instances"]), given["filter"]
    if bool(ids) == (wanted is not None):
        raise Invalid({"instances": [_("写 instances 或者 filter，只能有一种。")]})
    if wanted is not None:
        found = reading.grid(session, actor, process_id, _wanted(wanted), lang())
        ids = [*(line.row.id for line in found.lines), *found.apart]
    if not 0 < len(ids) <= most:
        raise Invalid({"instances": [_("1 至 {most} 件，现为 {n} 件。", most=most, n=len(ids))]})
    return ids


class PapersOfMany(OfMany):
    kind = Text(80, required=True, metadata={"description": "Of document, as its template."})
    both_sides = fields.Boolean(
        load_default=False, metadata={"description": "Each begins on a sheet of its own."}
    )


@routes.act(
    f"{ONE}/papers", OperationShape, body=PapersOfMany, status=202, at=OPERATION, repeatable=True
)
def bind_papers(
    session: Session, actor: Actor, given: dict[str, Any], process_id: str
) -> Operation:
    """Bind the last paper of one kind of many instances into one PDF; a worker does it."""
    reading.must_be(session, actor, process_id)
    what = given["kind"], _of_many(session, actor, process_id, given, bound.MOST)
    wish = given["both_sides"]
    key = asking.ask_papers(session, actor, process_id, *what, both_sides=wish)
    return operations.one(session, actor, key)


class BookletOfMany(OfMany):
    session = Text(80, load_default="", metadata={"description": "What the cover says of it."})
    without = fields.List(
        Text(60),
        load_default=list,
        metadata={"description": "Parts that are left out, of those that may be."},
    )
    form = schemas.Choice(*volume.FORMS, load_default=volume.FORMS[0])


@routes.act(
    f"{ONE}/booklet", OperationShape, body=BookletOfMany, status=202, at=OPERATION, repeatable=True
)
def bind_booklet(
    session: Session, actor: Actor, given: dict[str, Any], process_id: str
) -> Operation:
    """Bind many instances into one volume, as the process declares it; a worker does it, and its
    `result` says what was left out, with why.
    """
    reading.must_be(session, actor, process_id)
    ids = _of_many(session, actor, process_id, given, volumes.MOST)
    offer = volumes.offered(session, actor, process_id, ids)
    volumes.must_hold(offer)
    wish = {key: given[key] for key in ("session", "without", "form")}
    what = offer.title, ids
    key = asking.ask_booklet(session, actor, process_id, *what, wish=wish)
    return operations.one(session, actor, key)


# --- views ----------------------------------------------------------------------------------------
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
