"""Conditions on which somebody agreed (附条件同意): facts of the matter, which no element can have
the name of, so that they are told by events, proved and erased with the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SET = "_provisos"
"""task id -> {"task", "by", "at", "for", "rows": [{"what", "due", "who"}]}; `for`: seats and persons
who carry them out."""
ACTS = "_proviso_acts"
""""<task id>:<row>:<act>" -> {"did", "by", "at", "text", "files"}, in the order of acting."""
REPORTED, MET, UNMET, OPEN = "reported", "met", "unmet", "open"


@dataclass(frozen=True)
class Act:
    """What somebody said of one: that it is carried out (reported), and that it is so (met) or not
    (unmet). `files`: {"id", "name", "sha256"}.
    """

    did: str
    by: str
    at: str
    text: str
    files: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class Proviso:
    """One condition: the `no`th (from 1) of a decision, set by a person at a moment; what is to be
    done, by which day, by whom as far as that is said.
    """

    task_id: str
    task: str
    no: int
    by: str
    at: str
    what: str
    due: date
    who: str
    acts: tuple[Act, ...]

    @property
    def state(self) -> str:
        """open, reported, met or unmet."""
        return self.acts[-1].did if self.acts else OPEN

    @property
    def stands(self) -> bool:
        """Is it still to be met?"""
        return self.state != MET

    def overdue(self, today: date) -> bool:
        """Is it still to be met, though its day has passed?"""
        return self.stands and today > self.due

    @property
    def reporter(self) -> str:
        """Who said last that it is carried out; ""."""
        return next((act.by for act in reversed(self.acts) if act.did == REPORTED), "")


def recorded(facts: Mapping[str, Any]) -> tuple[Proviso, ...]:
    """Those of a matter, in the order of their decisions."""
    told = facts.get(SET)
    sets = sorted(told.items(), key=lambda each: each[1]["at"]) if isinstance(told, dict) else ()
    acts = facts.get(ACTS)
    return tuple(
        _one(task_id, said, no, acts if isinstance(acts, dict) else {})
        for task_id, said in sets
        for no in range(1, len(said["rows"]) + 1)
    )


def _one(task_id: str, said: Mapping[str, Any], no: int, acts: Mapping[str, Any]) -> Proviso:
    row, prefix = said["rows"][no - 1], f"{task_id}:{no}:"
    mine = sorted(
        (int(key.removeprefix(prefix)), acts[key]) for key in acts if key.startswith(prefix)
    )
    return Proviso(
        task_id=task_id,
        task=said["task"],
        no=no,
        by=said["by"],
        at=said["at"],
        what=row["what"],
        due=date.fromisoformat(row["due"]),
        who=row.get("who", ""),
        acts=tuple(
            Act(a["did"], a["by"], a["at"], text=a["text"], files=tuple(a["files"]))
            for _no, a in mine
        ),
    )


def unmet(facts: Mapping[str, Any]) -> int:
    """How many of a matter are still to be met."""
    return sum(each.stands for each in recorded(facts))
