"""Which union manages a university's union and which only guides it: processes/organisation/managing_union.dmn says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select

from engine import decisions, settings
from engine.commands.people import words
from engine.db import tables
from engine.errors import Invalid, ProcessFault
from engine.messages import Listed, _
from engine.people import posts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from uuid import UUID

    from engine.db import Session

OWNERS = {  # who runs the university
    "ministry": "部属",
    "province": "省属",
    "city": "市属",
    "private": "民办",
    "independent": "独立学院",
    "industry": "行业主管",
}
Key = TypeVar("Key")


@dataclass(frozen=True)
class Ruling:
    """The kinds of the managing and the guiding union (empty: none), and the article."""

    managing: str
    guiding: str
    because: str


@lru_cache(maxsize=2)
def _table(path: Path) -> decisions.Table:
    try:
        return decisions.parse(path.read_bytes())
    except FileNotFoundError:
        raise ProcessFault(_("缺少组织关系的决策表。"), file=path.name) from None


def owner(value: str) -> str:
    """The key of a kind of owner, from its key or Chinese name. Raises Invalid."""
    text = value.strip()
    key = next((k for k, title in OWNERS.items() if text in (k, title)), None)
    if key is None:
        raise Invalid(
            {"owner_type": [_("举办者类型应为 {owners} 之一。", owners=Listed(OWNERS.values()))]}
        )
    return key


def ruling(owner_type: str, city: str) -> Ruling:
    """What the decision table says. Raises Invalid when it leaves the case open."""
    table = _table(settings.load().processes / "organisation" / "managing_union.dmn")
    found = decisions.decide(table, {"owner_type": owner_type, "city": city}, {})
    if not found["managing"]:
        raise Invalid({"owner_type": [str(found["because"])]})
    return Ruling(str(found["managing"]), str(found["guiding"] or ""), str(found["because"]))


def pick(unions: Iterable[tuple[Key, str, str]], kind: str, city: str) -> Key:
    """The one union of a kind among (key, kind, city); a municipal one must be of that city. Raises Invalid."""
    local = kind == "municipal_federation"
    found = [
        key
        for key, its_kind, its_city in unions
        if its_kind == kind and (not local or its_city == city)
    ]
    if len(found) == 1:
        return found[0]
    title = (f"{city}市" if local else "") + posts.UNITS[kind].title.removeprefix(
        "市" if local else ""
    )
    why = (
        _("还没有登记“{title}”，请先登记。", title=title)
        if not found
        else _("登记了不止一个“{title}”，请写明上级。", title=title)
    )
    raise Invalid({"parent_id": [why]})


def managing(session: Session, owner_type: str, city: str) -> tuple[UUID, UUID | None]:
    """(managing union, guiding union or None) for a university of this owner in this city. Raises Invalid."""
    said = ruling(owner(owner_type), words.city(city))
    unit = tables.unit.c
    rows = session.execute(
        select(unit.id, unit.kind, unit.city).where(unit.kind.in_(posts.ABOVE), unit.active)
    )
    unions = [(row.id, row.kind, words.city(row.city)) for row in rows]
    guiding = pick(unions, said.guiding, "") if said.guiding else None
    return pick(unions, said.managing, words.city(city)), guiding
