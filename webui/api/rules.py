"""The rulebook as it binds a union, the values that the union sets itself, and the calendar of
working days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_babel import lazy_gettext as _l
from marshmallow import Schema, fields

from engine import law
from engine.commands import rules
from engine.queries import calendars
from engine.queries import rule_changes as changing
from engine.queries import rules as reading
from webui.api import schemas
from webui.api.edge import Routes
from webui.api.schemas import Day, Id, Moment, OfUnion, Text, Whole
from webui.http.words import lang

if TYPE_CHECKING:
    from fractions import Fraction
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.calendars import Calendar
    from engine.queries.rules import Rule

routes = Routes("rules", "Numbers of law and of the union, and the calendar.")


class RuleLine(Schema):
    """A rule as it holds today; `words` is the whole sentence, empty where nothing is in force."""

    id = fields.String(required=True)
    subject = fields.String()
    title = fields.String()
    value = fields.String()
    words = fields.String()
    text = fields.String()
    cite = fields.String()
    level = fields.String()
    confidence = fields.String()
    valid_from = fields.Date(allow_none=True)
    valid_to = fields.Date(allow_none=True)
    own = fields.String()
    waiting = fields.Boolean()


class RuleEntry(Schema):
    """One source's entry of a rule; `here`: it counts for this union today, `wins`: its value is
    what holds.
    """

    value = fields.String()
    text = fields.String()
    cite = fields.String()
    level = fields.String()
    confidence = fields.String()
    jurisdiction = fields.String()
    valid_from = fields.Date(allow_none=True)
    valid_to = fields.Date(allow_none=True)
    note = fields.String()
    here = fields.Boolean()
    wins = fields.Boolean()


class Setting(Schema):
    """A union's own value."""

    id = fields.UUID(required=True)
    value = fields.String()
    valid_from = fields.Date()
    valid_to = fields.Date(allow_none=True)
    source = fields.String()
    state = schemas.Choice("proposed", "in_force", "refused")
    proposer = fields.String()
    approver = fields.String()
    created_at = Moment()
    decided_at = Moment(allow_none=True)
    mine = fields.Boolean()


class RuleShape(Schema):
    """A rule with all its sources and the union's own values."""

    line = fields.Nested(RuleLine, required=True)
    entries = fields.List(fields.Nested(RuleEntry))
    settings = fields.List(fields.Nested(Setting))
    unit = fields.String()
    unsettable = fields.String(
        metadata={"description": "Why the union cannot set it; empty when it can."}
    )
    may_propose = fields.Boolean()
    may_decide = fields.Boolean()


class Waiting(Schema):
    rule_id = fields.String()
    title = fields.String()
    setting = fields.Nested(Setting)


class Deviation(Schema):
    day = fields.Date()
    worked = fields.Boolean()


class Year(Schema):
    """A year of the calendar: what deviates from Monday to Friday."""

    year = fields.Integer(required=True)
    state = schemas.Choice("shipped", "loaded", "provisional")
    source = fields.String()
    by = fields.String()
    loaded_at = Moment(allow_none=True)
    days = fields.Method("deviations", metadata={"description": "Deviations."})

    def deviations(self, year: calendars.Year) -> list[dict[str, Any]]:
        return [{"day": day.isoformat(), "worked": worked} for day, worked in year.days]


class Vacation(Schema):
    id = fields.UUID(required=True)
    name = fields.String()
    from_on = fields.Date()
    to_on = fields.Date()


class CalendarShape(Schema):
    """What working days rest on; `provisional` counts the deadlines that wait for a notice."""

    years = fields.List(fields.Nested(Year), required=True)
    first_known = fields.Integer()
    vacations = fields.List(fields.Nested(Vacation))
    provisional = fields.Integer()
    may_load = fields.Boolean()
    may_close = fields.Boolean()


class Concerned(Schema):
    id = fields.UUID(required=True, metadata={"description": "The proposal that waits."})
    deadlines = fields.Integer(metadata={"description": "So many of their deadlines would move."})
    instances = fields.Integer(
        required=True, metadata={"description": "So many have deadlines that rest on the notice."}
    )


class Wanted(OfUnion):
    words = Text(100, load_default="")


class TwoDays(OfUnion):
    before = fields.Date(required=True)
    after = fields.Date(required=True)


class ChangeShape(Schema):
    """A rule on two days, each as one sentence with its source; "" where it did not hold."""

    id = fields.String(required=True)
    title = fields.String()
    before = fields.String()
    after = fields.String()


ChangePage = schemas.page("RuleChangePage", ChangeShape)


class Amount(fields.Field[Any]):
    """A whole number, or a share as the text "2/3"."""

    def __init__(self, most: int, about: str, **options: Any) -> None:
        said = _l("请填写整数，比例写成 2/3 这样的文字。")
        wrong = {**schemas.Sent.error_messages, "invalid": said}
        shape = {
            "type": ["integer", "string"],
            "minimum": 0,
            "maximum": most,
            "pattern": "^[0-9]{1,6}/[0-9]{1,6}$",
        }
        super().__init__(error_messages=wrong, metadata={**shape, "description": about}, **options)
        self.most = most

    def _deserialize(self, value: object, *_more: Any, **__: Any) -> int | Fraction:
        found = (
            law.fraction(value) if isinstance(value, str) else value if type(value) is int else None
        )
        if found is None or not 0 <= found <= self.most:
            raise self.make_error("invalid")
        return found


class NewSetting(schemas.Sent):
    union = Id(load_default=None)
    value = Amount(
        1_000_000,
        'A whole number; for a rule whose `unit` is `share` a fraction as text, e.g. "2/3".',
        required=True,
    )
    valid_from = Day(required=True)
    valid_to = Day(load_default=None, allow_none=True)
    source = Text(200, 2, required=True, metadata={"description": "The resolution that set it."})


class NewVacation(schemas.Sent):
    union = Id(load_default=None)
    name = Text(30, 1, required=True)
    from_on = Day(required=True)
    to_on = Day(required=True)


class NoticeDay(schemas.Sent):
    day = Day(required=True)
    what = schemas.Choice("休", "班", "holiday", "work", required=True)
    name = Text(40, load_default="")


class Notice(schemas.Sent):
    year = Whole(1900, 2199, required=True)
    days = fields.List(fields.Nested(NoticeDay), required=True)
    source = Text(200, 2, required=True)


RulePage = schemas.page("RulePage", RuleLine)
SettingPage = schemas.page("SettingPage", Waiting)


@routes.look("/rules", RulePage, query=Wanted)
def list_rules(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """Every rule in the order of the rulebook, as it binds a union today."""
    found = reading.rules(session, actor, given["union"] or actor.union_id, given["words"], lang())
    return {"items": found, "next": None}


@routes.look("/rules/changes", ChangePage, query=TwoDays)
def rule_changes(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """The rules that say something else on the second day than on the first."""
    union_id, (a, b) = given["union"] or actor.union_id, (given["before"], given["after"])
    return {"items": changing.changes(session, actor, union_id, a, b, lang=lang()), "next": None}


@routes.look("/rules/<rule_id>", RuleShape, query=OfUnion)
def get_rule(session: Session, actor: Actor, given: dict[str, Any], rule_id: str) -> Rule:
    """One rule with all its sources and the union's own values."""
    return reading.rule(session, actor, given["union"] or actor.union_id, rule_id, lang())


@routes.look("/settings", SettingPage, query=OfUnion)
def list_proposed_settings(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """The values that wait for a second person, oldest first."""
    found = reading.proposals(session, actor, given["union"] or actor.union_id, lang())
    return {
        "items": [dict(zip(("rule_id", "title", "setting"), each, strict=True)) for each in found],
        "next": None,
    }


@routes.act("/rules/<rule_id>/settings", schemas.Made, body=NewSetting, status=201)
def propose_setting(
    session: Session, actor: Actor, given: dict[str, Any], rule_id: str
) -> dict[str, UUID]:
    """Propose the union's own value for a rule; somebody else decides."""
    union_id = given["union"] or actor.union_id
    made = rules.propose_setting(
        session,
        actor,
        union_id,
        rule_id,
        value=given["value"],
        valid_from=given["valid_from"],
        source=given["source"],
        valid_to=given["valid_to"],
    )
    return {"id": made}


@routes.act("/settings/<uuid:setting_id>/approve", status=204)
def approve_setting(session: Session, actor: Actor, setting_id: UUID) -> None:
    """Put a proposed value in force, from tomorrow at the earliest."""
    rules.decide_setting(session, actor, setting_id, True)


@routes.act("/settings/<uuid:setting_id>/refuse", status=204)
def refuse_setting(session: Session, actor: Actor, setting_id: UUID) -> None:
    """Refuse a proposed value."""
    rules.decide_setting(session, actor, setting_id, False)


@routes.look("/calendar", CalendarShape, query=OfUnion)
def get_calendar(session: Session, actor: Actor, given: dict[str, Any]) -> Calendar:
    """The last, this and the next two years of working days, and the union's vacations."""
    return calendars.read(session, actor, given["union"] or actor.union_id)


@routes.act("/calendar/vacations", schemas.Made, body=NewVacation, status=201)
def add_vacation(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, UUID]:
    """Register a vacation of the union; it counts for deadlines computed from now on."""
    union_id = given["union"] or actor.union_id
    return {
        "id": rules.add_vacation(
            session,
            actor,
            union_id,
            name=given["name"],
            from_on=given["from_on"],
            to_on=given["to_on"],
        )
    }


@routes.act("/calendar/vacations/<uuid:vacation_id>", method="DELETE", status=204)
def remove_vacation(session: Session, actor: Actor, vacation_id: UUID) -> None:
    """Take a vacation out again; deadlines already computed stay."""
    rules.remove_vacation(session, actor, vacation_id)


@routes.act("/calendar/notices", Concerned, body=Notice)
def load_notice(session: Session, actor: Actor, given: dict[str, Any]) -> Any:
    """Propose the State Council's holiday notice of a year, for all unions; somebody else approves
    it.
    """
    rows = [(each["day"], each["what"], each["name"]) for each in given["days"]]
    return rules.propose_notice(session, actor, given["year"], rows, given["source"])
