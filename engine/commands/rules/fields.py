"""What the commands on rules check of the fields they are given."""

from __future__ import annotations

from engine.commands.people import words
from engine.errors import Invalid

MOST_AHEAD = 366 * 5  # days
Faults = dict[str, list[str]]


def line(field: str, text: str, most: int, faults: Faults) -> str:
    """One cleaned line of text; what is wrong with it goes to `faults`."""
    try:
        return words.line(field, text, most, 2)
    except Invalid as fault:
        faults.update(fault.fields)
        return ""
