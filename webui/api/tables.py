"""Decision tables: which are in force, each in words, and what a case would come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine.queries import decisions as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Day
from webui.http.words import reader_language

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.decisions import Outcome, Question, Shown

routes = Routes(
    "decision-tables", "Tables from facts to conclusions, with the article on each row."
)


class TableUse(Schema):
    """A version in force that decides by the table."""

    hash = fields.String(required=True)
    title = fields.String()


class TableRow(Schema):
    """A table in the list; `shared`: it belongs to no single process."""

    id = fields.String(required=True)
    number = fields.String()
    title = fields.String()
    summary = fields.String()
    hit_policy = schemas.Choice("UNIQUE", "FIRST")
    rows = fields.Integer()
    shared = fields.Boolean()
    uses = fields.List(fields.Nested(TableUse))


class TableColumn(Schema):
    label = fields.String()
    name = fields.String()
    expression = fields.String()
    computed = fields.Boolean()


class TableCell(Schema):
    """A cell in words and as it stands in the table; `any`: it does not matter."""

    words = fields.String()
    raw = fields.String()
    any = fields.Boolean()


class TableLine(Schema):
    """A row with its article and how sure we are of it (V, M, P or empty)."""

    number = fields.Integer()
    cells = fields.List(fields.Nested(TableCell))
    results = fields.List(fields.Nested(TableCell))
    because = fields.String()
    confidence = fields.String()
    otherwise = fields.Boolean()
    rules = fields.List(fields.String())


class TableQuestion(Schema):
    """A fact that an evaluation takes, by its key."""

    key = fields.String(required=True)
    label = fields.String()
    type = schemas.Choice("choice", "boolean", "number", "date", "string")
    choices = fields.Method("options", metadata={"description": "Code and words of each choice."})

    def options(self, question: Question) -> list[dict[str, str]]:
        return [{"value": code, "label": words} for code, words in question.choices]


class DecisionTable(Schema):
    """A table in words, with the union's numbers of that day."""

    listed = fields.Nested(TableRow, required=True)
    inputs = fields.List(fields.Nested(TableColumn))
    outputs = fields.List(fields.Nested(TableColumn))
    lines = fields.List(fields.Nested(TableLine))
    questions = fields.List(fields.Nested(TableQuestion))
    rules = fields.List(fields.String())
    on = fields.Date()


class TableResult(Schema):
    name = fields.String()
    label = fields.String()
    value = fields.Raw(allow_none=True)
    words = fields.String()


class TableGround(Schema):
    """A condition of the row that was met."""

    label = fields.String()
    value = fields.String()
    cell = fields.String()


class TableMiss(Schema):
    """Another row and the conditions that were not met."""

    row = fields.Integer()
    labels = fields.List(fields.String())


class Evaluated(Schema):
    """What a case comes to and why; nothing is stored."""

    table = fields.String(required=True)
    on = fields.Date()
    row = fields.Integer(required=True, metadata={"description": "0: none, the default."})
    rows = fields.List(fields.Integer(), metadata={"description": "All rows that count."})
    results = fields.List(fields.Nested(TableResult))
    because = fields.String()
    confidence = fields.String()
    grounds = fields.List(fields.Nested(TableGround))
    misses = fields.Method(
        "missed", metadata={"description": "Of each other row what did not fit."}
    )

    def missed(self, outcome: Outcome) -> list[dict[str, Any]]:
        return [{"row": row, "labels": list(labels)} for row, labels in outcome.misses]


class OnDay(schemas.Asked):
    on = Day(
        load_default=None, metadata={"description": "The day whose law is shown; today by default."}
    )


class Case(schemas.Sent):
    facts = fields.Dict(
        keys=schemas.Text(100, 1),
        values=fields.Raw(allow_none=True),
        required=True,
        metadata={
            "description": "A value for each key of `questions`; missing ones count as not given."
        },
    )
    on = Day(load_default=None, allow_none=True)


TablePage = schemas.page("TablePage", TableRow)


@routes.look("/decision-tables", TablePage)
def list_tables(session: Session, actor: Actor) -> dict[str, Any]:
    """Every table in force: shared ones and those of the published processes."""
    return {"items": reading.listing(session, actor, reader_language()), "next": None}


@routes.look("/decision-tables/<table_id>", DecisionTable, query=OnDay)
def get_table(session: Session, actor: Actor, given: dict[str, Any], table_id: str) -> Shown:
    """One table with its rows, and the facts that an evaluation takes."""
    return reading.shown(session, actor, table_id, given["on"], reader_language())


@routes.act("/decision-tables/<table_id>/evaluate", Evaluated, body=Case, keyed=False)
def evaluate(session: Session, actor: Actor, given: dict[str, Any], table_id: str) -> Outcome:
    """What a case comes to by a table, and by which row. Nothing is stored."""
    return reading.evaluate(
        session, actor, table_id, given["facts"], on=given["on"], say=reader_language()
    )
