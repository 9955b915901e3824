"""What the deadlines and numbers of a union depend on: the law, its own values, its vacations, the holiday notices."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import column, literal_column, text
from sqlalchemy.dialects.postgresql import JSONB

from engine import calendar, law, settings

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session


@lru_cache(maxsize=1)
def rulebook() -> law.Rulebook:
    """The law of this installation, read once."""
    return law.load(settings.load().processes / "law")


# one JSON array: the union's own values, its vacations, the loaded holiday notices, its city
_WHAT = """jsonb_build_array(
       (SELECT coalesce(jsonb_agg(jsonb_build_array(rule_id, value, per, valid_from, valid_to, source)), '[]')
          FROM setting WHERE unit_id = {union} AND state = 'in_force'),
       (SELECT coalesce(jsonb_agg(jsonb_build_array(from_on, to_on, name)), '[]') FROM vacation WHERE unit_id = {union}),
       (SELECT coalesce(jsonb_object_agg(year, days), '{{}}') FROM notice),
       (SELECT city FROM unit WHERE id = {union}))"""
_READ = text("SELECT " + _WHAT.format(union=":union")).columns(column("union_law", JSONB))
OF_INSTANCE = literal_column(_WHAT.format(union="instance.union_id"), JSONB).label("union_law")
"""For a statement that reads an instance: what `UnionLaw` takes."""


class CommonLaw:
    """What holds for every university of Zhejiang: the law and the defaults, and the holiday notices that are shipped."""

    def __init__(self) -> None:
        self.settings: list[law.Setting] = []
        self.calendar = calendar.Calendar()
        self.jurisdictions = law.ZHEJIANG

    def ruling(self, rule_id: str, on: date) -> law.Ruling:
        """The rule as it binds this union on the decisive date."""
        return rulebook().ruling(rule_id, on, self.jurisdictions, self.settings)


class UnionLaw(CommonLaw):
    """What a union's deadlines depend on: its own rule values, its vacations, the holiday notices, its city."""

    def __init__(self, read: list[Any]) -> None:
        """`read` is what OF_INSTANCE gives."""
        rows, vacations, notices, city = read
        day = date.fromisoformat
        self.settings = [
            law.Setting(r, law.exact(v, p), day(f), day(t) if t else None, s)
            for r, v, p, f, t, s in rows
        ]
        known = dict(calendar.shipped())
        for year, days in notices.items():
            known[int(year)] = {day(d): bool(w) for d, w in days.items()}
        self.calendar = calendar.Calendar(
            known, tuple((day(f), day(t), n) for f, t, n in vacations)
        )
        places = {"杭州": "CN-ZJ-HZ", "宁波": "CN-ZJ-NB"}
        self.jurisdictions = frozenset(
            {"CN", "CN-ZJ"} | {code for name, code in places.items() if name in (city or "")}
        )

    @classmethod
    def of(cls, session: Session, union_id: UUID) -> UnionLaw:
        """The law of a union, read by itself."""
        return cls(session.execute(_READ, {"union": union_id}).scalar_one())
