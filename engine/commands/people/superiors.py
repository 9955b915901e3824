"""Which union manages another and which only guides it: the decision table in
processes/organisation that its kind names.
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
    owners = posts.kinds().owners
    key = next((k for k, title in owners.items() if text in (k, title.zh)), None)
    if key is None:
        listed = Listed(owners.values())
        raise Invalid({"owner_type": [_("举办者类型应为 {owners} 之一。", owners=listed)]})
    return key


def ruling(kind: posts.UnitKind, owner_type: str, city: str) -> Ruling:
    """What the decision table of a kind of union says.

    Raises Invalid when it leaves the case open.
    """
    table = _table(settings.processes() / "organisation" / f"{kind.superiors}.dmn")
    found = decisions.decide(table, {"owner_type": owner_type, "city": city}, {})
    if not found["managing"]:
        raise Invalid({"owner_type": [str(found["because"])]})
    return Ruling(str(found["managing"]), str(found["guiding"] or ""), str(found["because"]))


def pick(unions: Iterable[tuple[Key, str, str]], kind: str, city: str) -> Key:
    """The one union of a kind among (key, kind, city); one of a city must be of that city.

    Raises Invalid.
    """
    known = posts.kinds().units[kind]
    wanted = city if known.city else None
    found = [
        key for key, its_kind, its_city in unions if its_kind == kind and wanted in (None, its_city)
    ]
    if len(found) == 1:
        return found[0]
    title: Both | Message = known.words
    if wanted is not None:
        title = _("{city}{title}", city=wanted, title=title)
    if found:
        wrong = _("登记了不止一个“{title}”，请写明上级。", title=title)
    else:
        wrong = _("还没有登记“{title}”，请先登记。", title=title)
    raise Invalid({"parent_id": [wrong]})


def managing(
    session: Session, kind: posts.UnitKind, owner_type: str, city: str
) -> tuple[UUID, UUID | None]:
    """(managing union, guiding union or None) for a union of this kind, owner and city.

    Raises Invalid.
    """
    decided = ruling(kind, owner(owner_type), words.city(city))
    unit = tables.unit.c
    rows = session.execute(
        select(unit.id, unit.kind, unit.city).where(
            unit.kind.in_(posts.kinds().managing), unit.active
        )
    )
    unions = [(row.id, row.kind, words.city(row.city)) for row in rows]
    guiding = pick(unions, decided.guiding, "") if decided.guiding else None
    return pick(unions, decided.managing, words.city(city)), guiding
