"""What the deadlines and numbers of a union depend on: the law, its own values, its vacations, the
holiday notices.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import column, literal_column, text
from sqlalchemy.dialects.postgresql import JSONB

from engine import calendar, clock, law, settings
from engine.errors import ProcessFault
from engine.messages import _
from engine.people.ordering import Order

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from uuid import UUID

    from engine.calendar.moments import Due
    from engine.db import Session


def rulebook() -> law.Rulebook:
    """The law of this installation, read once."""
    return _rulebook(settings.processes())


@lru_cache(maxsize=4)
def _rulebook(processes: Path) -> law.Rulebook:
    return law.load(processes / "law")


RETENTION = "RET-CASE"  # the rule of how long confidential contents are kept
ORDER = "LIST-ORDER"  # the rule of how people stand in ballots, notices and papers
_ORDERS = (Order.STROKES, Order.PINYIN, Order.GIVEN)  # by the number that the rule gives
# one JSON array: the union's own values, its vacations, the loaded holiday notices, its city
_WHAT = """jsonb_build_array(
       (SELECT coalesce(jsonb_agg(jsonb_build_array(rule_id, value, per, valid_from, valid_to, source)), '[]')
          FROM setting WHERE unit_id = {union} AND state = 'in_force'),
       (SELECT coalesce(jsonb_agg(jsonb_build_array(from_on, to_on, name)), '[]') FROM vacation WHERE unit_id = {union}),
       (SELECT coalesce(jsonb_object_agg(year, days), '{{}}') FROM notice),
       (SELECT city FROM unit WHERE id = {union}))"""
_READ = text("SELECT " + _WHAT.format(union=":union")).columns(column("union_law", JSONB))


def read_by(union: str) -> str:
    """SQL for what `UnionLaw` takes of the union whose id this column holds."""
    return _WHAT.format(union=union)


OF_INSTANCE = literal_column(read_by("instance.union_id"), JSONB).label("union_law")
"""For a statement that reads an instance: what `UnionLaw` takes."""


class CommonLaw:
    """What holds for every union: the law and the defaults, and the holiday
    notices that are shipped.
    """

    def __init__(self) -> None:
        self.settings: list[law.Setting] = []
        self.calendar = calendar.Calendar()
        self.jurisdictions = rulebook().everywhere

    def ruling(self, rule_id: str, on: date) -> law.Ruling:
        """The rule as it binds this union on the decisive date.

        Errors: ProcessFault for a rule of silence that the union has not switched on.
        """
        found = rulebook().ruling(rule_id, on, self.jurisdictions, self.settings)
        if found.rule.silence and not rulebook().switched_on(rule_id, on, self.settings):
            raise ProcessFault(
                _("规则“{id}”默认关闭：本单位没有启用，不答复不视为同意。", id=rule_id),
                element=rule_id,
                advice=_("确需启用的，在“本单位规则”里登记它的期限，由两人办理。"),
            )
        return found

    def name_order(self, on: date) -> Order:
        """How people stand in ballots, notices and papers: by 姓氏笔画 where no rule says
        otherwise.
        """
        if ORDER not in rulebook().ids:  # an installation with rules of its own, older than this
            return Order.STROKES
        return _ORDERS[int(self.ruling(ORDER, on).value or 1) - 1]

    def retained_until(self, ended_at: datetime) -> Due:
        """The end of the time for which the contents of a confidential matter have to be kept."""
        ruling = self.ruling(RETENTION, clock.today())
        return self.calendar.add(ended_at, int(ruling.value or 0), ruling.unit)


class UnionLaw(CommonLaw):
    """What a union's deadlines depend on: its own rule values, its vacations, the holiday notices,
    its city.
    """

    def __init__(self, read: list[Any]) -> None:
        """`read` is what OF_INSTANCE gives."""
        rows, vacations, notices, city = read
        day = date.fromisoformat
        self.settings = [_setting(*row) for row in rows]
        closed = tuple((day(first), day(last), name) for first, last, name in vacations)
        self.calendar = calendar.Calendar(_holidays(notices), closed)
        self.jurisdictions = rulebook().jurisdictions(city or "")

    @classmethod
    def of(cls, session: Session, union_id: UUID) -> UnionLaw:
        """The law of a union, read by itself."""
        return cls(session.execute(_READ, {"union": union_id}).scalar_one())


def _setting(
    rule: str, value: int, per: int, valid_from: str, valid_to: str | None, source: str
) -> law.Setting:
    """A union's own value of a rule, its days from ISO texts."""
    until = date.fromisoformat(valid_to) if valid_to else None
    amount = law.exact(value, per)
    return law.Setting(rule, amount, date.fromisoformat(valid_from), until, source)


def _holidays(notices: Mapping[str, Mapping[str, bool]]) -> dict[int, calendar.Notice]:
    """The holiday notices by year: those that are shipped, and those that were loaded (by ISO
    day).
    """
    holidays: dict[int, calendar.Notice] = dict(calendar.shipped())
    for year, days in notices.items():
        holidays[int(year)] = {date.fromisoformat(day): bool(w) for day, w in days.items()}
    return holidays
