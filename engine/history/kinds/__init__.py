"""Every kind of event once: its words, its mark, and what its body must hold.

A kind is stored for ever: none is ever renamed or taken out. To add one, write it beside its like
here and note it in a command; the timeline, the evidence pack, the stories and the verification
know it then. Holes of a sentence are filled from the body, with ids turned into names: see
`engine.queries.telling.Facts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.history.kinds.beside import BESIDE
from engine.history.kinds.installation import INSTALLATION
from engine.history.kinds.kind import Facts, Kind, Sentence
from engine.history.kinds.matters import MATTERS
from engine.history.kinds.people import PEOPLE
from engine.history.kinds.polls import POLLS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "MEETING_TELLS", "TELLS", "Facts", "Kind", "Sentence", "missing"]

# How much the events of a matter tell, as its first one says. 2: every change of a fact; 3: each
# timer and the exact end of each time limit, and who may read it; without the number, what the
# kinds of before told.
TELLS = 3
# The same of a meeting, as its call says. 2: each arrival and departure.
MEETING_TELLS = 2

KINDS: Mapping[str, Kind] = {
    each.key: each for each in (*MATTERS, *BESIDE, *POLLS, *PEOPLE, *INSTALLATION)
}


def missing(kind: str, body: Mapping[str, Any]) -> list[str]:
    """The keys that a body of this kind must hold and does not."""
    known = KINDS.get(kind)
    return sorted(known.needs - body.keys()) if known else []
