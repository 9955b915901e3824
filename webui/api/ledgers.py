"""The ledger of duties, for programs: a union's year, its report, unions side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from engine import clock
from engine.documents.docx import MEDIA_TYPE
from engine.queries import ledger as reading
from engine.queries import ledger_report, ledger_words
from engine.queries.duty_cases import Came, Light, State
from webui.api import schemas
from webui.api.edge import Binary, Routes
from webui.api.schemas import Choice, InWords, Said, Whole
from webui.http.words import lang, said

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.ledger import Ledger

routes = Routes("ledgers", "How the duties of a union stand in a year, computed from the events.")
FORMS = {"pdf": "application/pdf", "docx": MEDIA_TYPE}


class Asked(schemas.Asked):
    year = Whole(1950, 2200, load_default=None, metadata={"description": "Without it this one."})


class AskedFor(Asked):
    format = Choice("json", *FORMS, load_default="json")


class UnionShape(Schema):
    id = fields.UUID(required=True)
    name = fields.String()


class DutyShape(Schema):
    """A duty of the catalogue. `level`, `confidence`: as of a rule of law."""

    key = fields.String(required=True)
    title = InWords()
    source = fields.Function(lambda duty: said(ledger_words.source(duty)))
    owner = InWords()
    period = InWords(attribute="period.title")
    level = fields.String()
    confidence = fields.String()


class SpanShape(Schema):
    first = fields.Date(required=True)
    last = fields.Date(required=True)


class CaseShape(Schema):
    """An instance and what it came to. `spare`: days between its being done and its last day."""

    id = fields.UUID(required=True, attribute="matter")
    came = Choice(*Came)
    day = fields.Date()
    due = fields.Date(allow_none=True)
    until = fields.Date(allow_none=True)
    spare = fields.Integer(allow_none=True)
    elsewhere = fields.Boolean(metadata={"description": "It enters what was done outside."})


class RowShape(Schema):
    """A duty in one period. `told`: the state in words; `cases`: those of instances that I may see,
    `untold`: how many more there are; `guarded`: confidential ones are left out.
    """

    duty = fields.Nested(DutyShape, required=True)
    state = Choice(*State, attribute="standing.state")
    light = Choice(*Light, attribute="standing.light")
    told = fields.Function(lambda row: said(ledger_words.told(row)))
    span = fields.Nested(SpanShape, attribute="standing.span", allow_none=True)
    spare = fields.Integer(attribute="standing.spare", allow_none=True)
    since = fields.Date(allow_none=True, metadata={"description": "Since when it is kept."})
    cases = fields.Function(lambda row: [CaseShape().dump(case) for case, _matter in row.told])
    untold = fields.Integer()
    guarded = fields.Boolean()


class LedgerShape(Schema):
    union = fields.Nested(UnionShape, required=True)
    year = fields.Integer(required=True)
    summary = Said()
    rows = fields.List(fields.Nested(RowShape))


class LedgerList(Schema):
    items = fields.List(fields.Nested(LedgerShape), required=True)


def _shown(told: Ledger) -> dict[str, Any]:
    summary = ledger_report.summary(told)
    return {"union": told.union, "year": told.year, "summary": summary, "rows": told.rows}


def _year(given: dict[str, Any]) -> int:
    return given["year"] or clock.today().year


@routes.look("/ledgers", LedgerList, query=Asked)
def side_by_side(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """The ledgers of all unions that I may read: mine, and those that mine manages."""
    found = reading.side_by_side(session, actor, _year(given))
    return {"items": list(map(_shown, found))}


@routes.look("/ledgers/<uuid:union_id>", LedgerShape, query=AskedFor)
def ledger(
    session: Session, actor: Actor, given: dict[str, Any], union_id: UUID
) -> dict[str, Any] | Binary:
    """The ledger of a union; its report as a file where `format` is pdf or docx."""
    told, form = reading.ledger(session, actor, union_id, _year(given)), given["format"]
    if form == "json":
        return _shown(told)
    made = ledger_report.report(told, form, said, lang())
    return Binary(FORMS[form], made, f"ledger-{told.year}.{form}")
