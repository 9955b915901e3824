"""What a process is measured by: shares and working days, told by expressions over the facts of its
instances, period by period.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.definitions.words import Words

NAMES = frozenset({"state", "outcome"})  # of the instance, beside its facts


@dataclass(frozen=True)
class Measure:
    """A share: of the instances for which `of` holds those for which `holds` does, too. Or, where
    `since` names a fact, the working days from its day to that of `until`, on average.
    """

    key: str
    title: Words
    about: Words
    of: str = ""
    holds: str = ""
    since: str = ""
    until: str = ""

    @property
    def in_days(self) -> bool:
        return bool(self.since)


@dataclass(frozen=True)
class Indicators:
    """`periods`: the process whose ended instances, for which `which` holds, each end a period;
    empty: years. `by`: the columns by which the measures are told apart.
    """

    periods: str
    which: str
    by: tuple[str, ...]
    measures: tuple[Measure, ...]


def indicators_of(table: Mapping[str, Any] | None, words: Any) -> Indicators | None:
    """The indicators as process.toml writes them; `words` reads a text in both languages."""
    if table is None:
        return None
    measures = tuple(
        Measure(
            key=key,
            title=words(told, "title"),
            about=words(told, "about"),
            **{name: str(told.get(name, "")) for name in ("of", "holds", "since", "until")},
        )
        for key, told in table["measures"].items()
    )
    periods, which = str(table.get("periods", "")), str(table.get("which", "true"))
    return Indicators(periods, which, tuple(table.get("by", ())), measures)
