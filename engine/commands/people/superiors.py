"""Which union manages a university's union and which only guides it:
processes/organisation/managing_union.dmn says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select

from engine import decisions, settings
from engine.commands.people import words
from engine.db import tables
from engine.errors import Invalid, ProcessFault
from engine.messages import Both, Listed, Message, _
from engine.people import posts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from uuid import UUID

    from engine.db import Session

OWNERS = {  # who runs the university
    "ministry": _("部属"),
    "province": _("省属"),
    "city": _("市属"),
    "private": _("民办"),
    "independent": _("独立学院"),
    "industry": _("行业主管"),
}
Key = TypeVar("Key")


@dataclass(frozen=True)
class Ruling:
    """The kinds of the managing and the guiding union (empty: none), and the article."""

    managing: str
    guiding: str
    because: str


@lru_cache(maxsize=2)
def _table(path: Path) -> decisions.DecisionTable:
    try:
        return decisions.parse(path.read_bytes())
    except FileNotFoundError:
        raise ProcessFault(_("缺少组织关系的决策表。"), file=path.name) from None


def owner(value: str) -> str:
    """The key of a kind of owner, from its key or Chinese name. Raises Invalid."""
    text = value.strip()
    key = next((k for k, title in OWNERS.items() if text in (k, str(title))), None)
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
    """The one union of a kind among (key, kind, city); a municipal one must be of that city. Raises
    Invalid.
    """
    wanted = city if kind == "municipal_federation" else None
    found = [
        key for key, its_kind, its_city in unions if its_kind == kind and wanted in (None, its_city)
    ]
    if len(found) == 1:
        return found[0]
    title: Both | Message = posts.UNITS[kind].words
    if wanted is not None:
        title = _("{city}市总工会", city=wanted)
    if found:
        wrong = _("登记了不止一个“{title}”，请写明上级。", title=title)
    else:
        wrong = _("还没有登记“{title}”，请先登记。", title=title)
    raise Invalid({"parent_id": [wrong]})


def managing(session: Session, owner_type: str, city: str) -> tuple[UUID, UUID | None]:
    """(managing union, guiding union or None) for a university of this owner in this city. Raises
    Invalid.
    """
    decided = ruling(owner(owner_type), words.city(city))
    unit = tables.unit.c
    rows = session.execute(
        select(unit.id, unit.kind, unit.city).where(unit.kind.in_(posts.ABOVE), unit.active)
    )
    unions = [(row.id, row.kind, words.city(row.city)) for row in rows]
    guiding = pick(unions, decided.guiding, "") if decided.guiding else None
    return pick(unions, decided.managing, words.city(city)), guiding
