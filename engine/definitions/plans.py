"""What a process counts back from a day that is fixed first: the steps that come before it, each
with its last day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.definitions.words import Words

DAY = "planned_for"  # the day from which it is counted, as its expressions name it
KEPT = "plan"  # where an instance keeps the days; in its expressions the days of the steps above


@dataclass(frozen=True)
class PlanStep:
    """`last`: an expression giving its last day, or a moment in it; `when` it is a step at all,
    `done` that it was taken (empty: always; the day passes by itself). `chosen`: the fact with a
    day that somebody set for it; `instead`: what else one may do where it comes too late.
    """

    key: str
    title: Words
    last: str
    when: str
    done: str
    chosen: str
    instead: Words


@dataclass(frozen=True)
class Plan:
    """`of`: dotted facts, the first of which that says anything is the day from which all is
    counted, called `day`.
    """

    of: tuple[str, ...]
    title: Words
    day: Words
    steps: tuple[PlanStep, ...]


def plan_of(table: Mapping[str, Any] | None, words: Any) -> Plan | None:
    """The plan as process.toml writes it; `words` reads a text in both languages."""
    if table is None:
        return None
    steps = tuple(
        PlanStep(
            key=key,
            title=words(step, "title"),
            last=str(step["last"]),
            when=str(step.get("when", "")),
            done=str(step.get("done", "")),
            chosen=str(step.get("chosen", "")),
            instead=words(step, "instead"),
        )
        for key, step in table["steps"].items()
    )
    return Plan(tuple(table["of"]), words(table, "title"), words(table, "day"), steps)
