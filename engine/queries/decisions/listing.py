"""The decision tables in force: the shared ones and those of the published processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import settings
from engine.definitions import decision_tables as sheets
from engine.definitions.store import in_force, process_of
from engine.errors import NotFound, ProcessFault
from engine.instance.union_law import UnionLaw
from engine.messages import CHINESE
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.db import Session
    from engine.decisions import DecisionTable
    from engine.definitions import Process
    from engine.definitions.decision_tables import Lexicon, Sheet
    from engine.messages import Language
    from engine.people.organisation import Actor


@dataclass(frozen=True)
class Use:
    """A published process that decides by a table."""

    hash: str
    title: str


@dataclass(frozen=True)
class Listed:
    """A table in the list. `shared`: it stands beside the processes; `uses`: the versions in force
    that decide by it.
    """

    id: str
    number: str
    title: str
    summary: str
    hit_policy: str
    rows: int
    shared: bool
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class Found:
    """A table with its words and its users."""

    table: DecisionTable
    sheet: Sheet
    lexicon: Lexicon
    shared: bool = False
    uses: tuple[Use, ...] = ()

    @property
    def place(self) -> tuple[int, str, bool, str]:
        """What the list is sorted by: D2 before D10, the shared before the others."""
        number = self.sheet.number
        digits = number[1:]
        return int(digits) if digits.isdigit() else 999, number, not self.shared, self.sheet.id


def listing(session: Session, actor: Actor, say: Language = CHINESE) -> tuple[Listed, ...]:
    """Every table in force by its number. Raises NotFound."""
    law_for(session, actor)
    in_order = sorted(_all(session, say).values(), key=lambda found: found.place)
    return tuple(in_list(each, say) for each in in_order)


def law_for(session: Session, actor: Actor) -> UnionLaw:
    """The law of this person's union. Raises NotFound when the rules are not theirs to see."""
    if not access.may(actor, "see_rules", actor.union_id):
        raise NotFound
    return UnionLaw.of(session, actor.union_id)


def find(session: Session, table_id: str, say: Language) -> Found:
    """One table by its id. Raises NotFound."""
    found = _all(session, say).get(table_id)
    if found is None:
        raise NotFound
    return found


def in_list(found: Found, say: Language) -> Listed:
    """A table as the list has it."""
    sheet, table = found.sheet, found.table
    return Listed(
        id=sheet.id,
        number=sheet.number,
        title=say(sheet.title),
        summary=say(sheet.summary),
        hit_policy=table.hit_policy,
        rows=len(table.rules),
        shared=found.shared,
        uses=found.uses,
    )


def _all(session: Session, say: Language) -> dict[str, Found]:
    lexicon, shared = sheets.known(settings.load().processes)
    uses: dict[str, list[Use]] = {}
    own: dict[str, DecisionTable] = {}
    for digest, process in _in_force(session):
        for key, table in process.decisions.items():
            table_id = key if shared.get(key) == table else f"{process.id}.{key}"
            own.setdefault(table_id, table)
            uses.setdefault(table_id, []).append(Use(digest, say(process.title)))
    return {
        key: Found(
            table, lexicon.sheet(key, table), lexicon, key in shared, tuple(uses.get(key, ()))
        )
        for key, table in {**own, **shared}.items()
    }


def _in_force(session: Session) -> Iterator[tuple[str, Process]]:
    """The version in force for all of each process; one that cannot be read is left out."""
    for _process_id, digest in sorted(in_force(session).common.items()):
        try:
            yield digest, process_of(session, digest)
        except ProcessFault:
            continue
