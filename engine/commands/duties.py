"""Notes in the history of an instance what it does for a duty of its union. The ledger of duties
is made of these events and of nothing else.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine import clock
from engine.errors import EngineError
from engine.history.duties import Mark

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from engine.commands.unit_of_work import UnitOfWork
    from engine.definitions.duties import DutyRule


def note(work: UnitOfWork, reached: Collection[str], body: Mapping[str, Any], end: str) -> None:
    """For each duty of its version that these elements are about. `body`: the command's event;
    `end`: how the instance ends with it, the end event or the state in which it is left; "": it
    goes on.
    """
    for rule in work.process.duties:
        launched = not rule.opens and body["kind"] == "instance_launched"
        by_hand = bool(end) and bool(work.row.get("closing"))
        mark = Mark.VOID if by_hand else _mark(rule, set(reached), launched, end)
        if mark is not None:
            _note(work, rule, mark)


def _mark(rule: DutyRule, reached: set[str], launched: bool, end: str) -> Mark | None:
    """What the elements come to; what is final goes before what is not."""
    if rule.breached & reached:
        return Mark.BREACHED
    if rule.undone & reached:
        return Mark.UNDONE
    if rule.done & reached:
        return Mark.DONE
    if end:
        return Mark.NONE if end in rule.none else Mark.CLOSED
    return Mark.OPEN if launched or rule.opens & reached else None


def _note(work: UnitOfWork, rule: DutyRule, mark: Mark) -> None:
    """By the facts as they are; an instance that is not about the duty notes nothing."""
    with work.aside():
        duty = rule.of or _value(work, rule.fact)
        if not duty or (rule.when and _value(work, rule.when) is not True):
            return
        on = _day(work, rule.on) if mark in (Mark.DONE, Mark.BREACHED) else None
        day = on or work.today.isoformat()
        due, until = _day(work, rule.due), _day(work, rule.until)
    work.log.add(
        "duty_noted",
        None,
        duty=duty,
        mark=mark.value,
        day=day,
        due=due,
        until=until,
        union=str(work.row["union_id"]),
        process=work.process.id,
        **({"elsewhere": True} if rule.fact else {}),
    )


def _value(work: UnitOfWork, expression: str) -> Any:
    """None where it cannot be told yet."""
    try:
        return work.value(expression)
    except EngineError:
        return None


def _day(work: UnitOfWork, expression: str) -> str | None:
    found = _value(work, expression) if expression else None
    if isinstance(found, datetime):
        return clock.day_of(found).isoformat()
    return str(found)[:10] if found else None
