"""Which union manages another and which only guides it: the decision table in
processes/organisation that its kind names, or somebody's ruling where that leaves it open.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from sqlalchemy import select

from engine import decisions, expressions, settings
from engine.commands.people import words
from engine.db import tables
from engine.errors import Invalid, ProcessFault
from engine.messages import Both, Listed, Message, _
from engine.people import posts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

    from engine.db import Session

Key = TypeVar("Key")


class Standing(NamedTuple):
    """What decides who manages a union, cleaned; empty: not known."""

    owner_type: str
    city: str
    affiliation: str = ""


@dataclass(frozen=True)
class Ruling:
    """The kinds of the managing and the guiding union (empty: none), and the article."""

    managing: str
    guiding: str
    because: str


class Above(NamedTuple):
    """The managing and the guiding union, and what decided it."""

    managing: UUID
    guiding: UUID | None
    because: str


@lru_cache(maxsize=2)
def _table(path: Path) -> decisions.DecisionTable:
    try:
        return decisions.parse(path.read_bytes())
    except FileNotFoundError:
        raise ProcessFault(_("缺少组织关系的决策表。"), file=path.name) from None


def owner(value: str) -> str:
    """The key of a kind of owner, from its key or Chinese name. Raises Invalid."""
    owners = posts.kinds().owners
    key = _key(owners, value)
    if key is None:
        listed = Listed(owners.values())
        raise Invalid({"owner_type": [_("举办者类型应为 {owners} 之一。", owners=listed)]})
    return key


def affiliation(value: str) -> str:
    """The key of a line of leadership, from its key or Chinese name; "" stays. Raises Invalid."""
    known = posts.kinds()
    key = _key(known.affiliations, value) if value.strip() else ""
    if key is None:
        listed = Listed(known.affiliations.values())
        wrong = _("{title}应为 {names} 之一。", title=known.affiliation, names=listed)
        raise Invalid({"affiliation": [wrong]})
    return key


def _key(known: Mapping[str, Both], value: str) -> str | None:
    text = value.strip()
    return next((key for key, title in known.items() if text in (key, title.zh)), None)


def ruling(kind: posts.UnitKind, standing: Standing) -> Ruling:
    """What the decision table of a kind of union says.

    Raises Invalid when it leaves the case open.
    """
    facts = {key: value or None for key, value in standing._asdict().items()}
    found = decisions.decide(_table_of(kind), facts, {})
    if not found["managing"]:
        open_ = _(
            "{because}已有裁定的，请写明上级和裁定机关、文号、日期。", because=found["because"]
        )
        raise Invalid({"owner_type": [open_]})
    return Ruling(str(found["managing"]), str(found["guiding"] or ""), str(found["because"]))


def ruled(kind: posts.UnitKind, managing: str, grounds: str) -> Ruling:
    """What somebody ruled whose word settles it, by `grounds`; the table still tells who guides a
    union that one of this kind manages.
    """
    table = _table_of(kind)
    results = [
        dict(zip((column.name for column in table.outputs), row.results, strict=True))
        for row in table.rules
    ]
    guiding = (_plain(row["guiding"]) for row in results if _plain(row["managing"]) == managing)
    because = _("由裁定确定：{ruling}", ruling=grounds)
    return Ruling(managing, next(guiding, ""), because)


def _table_of(kind: posts.UnitKind) -> decisions.DecisionTable:
    return _table(settings.processes() / "organisation" / f"{kind.superiors}.dmn")


def _plain(result: str) -> str:
    return str(expressions.evaluate(result, {}, {}) or "")


def pick(unions: Iterable[tuple[Key, str, str]], kind: str, city: str) -> Key:
    """The one union of a kind among (key, kind, city); one of a city must be of that city.

    Raises Invalid.
    """
    found = _fitting(unions, kind, city)
    if len(found) == 1:
        return found[0]
    known = posts.kinds().units[kind]
    wanted = city if known.city else None
    title: Both | Message = known.words
    if wanted is not None:
        title = _("{city}{title}", city=wanted, title=title)
    if found:
        wrong = _("登记了不止一个“{title}”，请写明上级。", title=title)
    else:
        wrong = _("还没有登记“{title}”，请先登记。", title=title)
    raise Invalid({"parent_id": [wrong]})


def _fitting(unions: Iterable[tuple[Key, str, str]], kind: str, city: str) -> list[Key]:
    wanted = city if posts.kinds().units[kind].city else None
    return [
        key for key, its_kind, its_city in unions if its_kind == kind and wanted in (None, its_city)
    ]


def settle(
    session: Session,
    kind: posts.UnitKind,
    standing: Standing,
    named: UUID | None = None,
    grounds: str = "",
) -> Above:
    """The unions above one of this kind: as the table says, or `named` by a ruling on `grounds`
    where the table leaves the case open or says another. Raises Invalid.
    """
    unions = _managing(session)
    found = settled(kind, standing, unions, named, grounds)
    guiding = pick(unions, found.ruling.guiding, "") if found.ruling.guiding else None
    return Above(found.above, guiding if guiding != found.above else None, found.ruling.because)


def managing(
    session: Session, kind: posts.UnitKind, owner_type: str, city: str, affiliated: str = ""
) -> tuple[UUID, UUID | None]:
    """(managing union, guiding union or None) for a union of this kind by the table alone.

    Raises Invalid.
    """
    standing = Standing(owner(owner_type), words.city(city), affiliation(affiliated))
    found = settle(session, kind, standing)
    return found.managing, found.guiding


@dataclass(frozen=True)
class Settled(Generic[Key]):
    """The managing union, and the ruling that made it so."""

    above: Key
    ruling: Ruling


def settled(
    kind: posts.UnitKind,
    standing: Standing,
    unions: Sequence[tuple[Key, str, str]],
    named: Key | None,
    grounds: str,
) -> Settled[Key]:
    """The table's union out of (key, kind, city), or the `named` one by a ruling. Raises
    Invalid.
    """
    if named is not None and grounds:
        above = next((each for key, each, _city in unions if key == named), "")
        return Settled(named, ruled(kind, above, grounds))
    decided = ruling(kind, standing)
    if named is None:
        return Settled(pick(unions, decided.managing, standing.city), decided)
    if named not in _fitting(unions, decided.managing, standing.city):
        wrong = _(
            "按规定应由“{title}”管理（{because}）；另有裁定的，请写明裁定机关、文号和日期。",
            title=posts.kinds().units[decided.managing].words,
            because=decided.because,
        )
        raise Invalid({"ruling": [wrong]})
    return Settled(named, decided)


def _managing(session: Session) -> list[tuple[UUID, str, str]]:
    """(id, kind, city) of the unions in use that may manage others."""
    unit = tables.unit.c
    rows = session.execute(
        select(unit.id, unit.kind, unit.city).where(
            unit.kind.in_(posts.kinds().managing), unit.active
        )
    )
    return [(row.id, row.kind, words.city(row.city)) for row in rows]
