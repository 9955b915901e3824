"""A function of the expression language, `twice(n)`: known to the checks, in processes and in trials of decision tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from tests.measure.ground import MOVER, SECRETARY
from tests.measure.patches.edit import Edit

if TYPE_CHECKING:
    from tests.measure.patches.place import Place

EDITS = (
    Edit(
        '        "twice": lambda n: 2 * int(n or 0),',
        after='        "rule": lambda rule: rule_value(',
    ),
    Edit(
        'declare("twice", _VALUE, gives=Gives.NUMBER, asks=_LAW)',
        after='declare("rule", Takes.NUMBER_RULE',
    ),
    Edit('passes = "twice(good) > roll"', instead='passes = "2*good > roll"', toy=True),
)


def check(place: Place) -> None:
    """The poll of the toy is decided by it."""
    from tests.measure.patches.place import LAUNCH, PASS

    rated = {"who": MOVER, "does": "respond", "task": "rate", "with": {"choice": "good"}}
    done = {"who": SECRETARY, "does": "complete", "task": "do", "with": {"note": "已修缮"}}
    place.play(LAUNCH, PASS, done, rated)
    with place.engine.connect() as connection:
        facts = connection.execute(text("SELECT facts FROM instance")).scalar_one()
    assert facts["rate"]["passed"] is True
