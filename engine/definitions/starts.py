"""What the calendar starts (`[[starts]]`): on which days an instance of a process begins by
itself, in whose hands, with which answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.definitions.words import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.definitions.words import Words

YEAR = "year"  # the year that is looked at, four digits as text, as its expressions name it


@dataclass(frozen=True)
class StartRule:
    """`on`: an expression giving its day in a year (null: none); `when`: another, whether it
    starts on that day (empty: always); `by`: the post of the union whose holder has it in hand;
    `answers`: field of the launch form -> expression.
    """

    key: str
    title: Words
    on: str
    when: str
    by: str
    answers: Mapping[str, str]


def starts_of(tables: Iterable[Mapping[str, Any]]) -> tuple[StartRule, ...]:
    """The starts of a folder as process.toml writes them."""
    return tuple(map(_rule, tables))


def _rule(table: Mapping[str, Any]) -> StartRule:
    return StartRule(
        key=str(table["key"]),
        title=words_of(table, "title"),
        on=str(table["on"]),
        when=str(table.get("when", "")),
        by=str(table["by"]),
        answers={key: str(text) for key, text in table.get("with", {}).items()},
    )
