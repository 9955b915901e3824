"""What changed in the rules of a union between two days: each rule whose words are others, is new,
or holds no more; the union's own values included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import NotFound, ProcessFault
from engine.instance.union_law import UnionLaw, rulebook
from engine.people import access
from engine.queries.wording import Piece, pieces

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor


@dataclass(frozen=True)
class Changed:
    """A rule that says something else on the second day. `before` and `after` are whole sentences
    with their source; "" where nothing held. `pieces`: from the one to the other.
    """

    id: str
    subject: str
    title: str
    before: str
    after: str

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The difference word by word, of a rule that held on both days."""
        return pieces(self.before, self.after) if self.before and self.after else ()


def changes(
    session: Session, actor: Actor, union_id: UUID, before: date, after: date, *, lang: str = "zh"
) -> tuple[Changed, ...]:
    """The rules that differ between two days, in the order of the rulebook. Raises NotFound for a
    foreign union.
    """
    if not access.may(actor, "see_rules", union_id):
        raise NotFound
    law = UnionLaw.of(session, union_id)
    found = (_changed(law, key, before, after, lang) for key in rulebook().ids)
    return tuple(each for each in found if each.before != each.after)


def _changed(law: UnionLaw, key: str, before: date, after: date, lang: str) -> Changed:
    head = rulebook().get(key)[0]
    title = head.title_en or head.title if lang.startswith("en") else head.title
    said = (_said(law, key, day, lang) for day in (before, after))
    return Changed(key, head.file.removesuffix(".toml"), title, *said)


def _said(law: UnionLaw, key: str, day: date, lang: str) -> str:
    """What a rule says on a day; "" where it does not hold."""
    try:
        return law.ruling(key, day).words(lang)
    except ProcessFault:
        return ""
