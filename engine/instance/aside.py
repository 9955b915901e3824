"""Who has stepped aside from a matter (回避), by their own word: a fact of the matter, which no
expression of a process can read or write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.instance.context import Context

ASIDE = "_aside"  # member id -> {"task", "at", "ground", "to"}; no element can have this name


def recorded(context: Context, member_id: UUID) -> Mapping[str, Any] | None:
    """From which task, when, why somebody stepped aside, and who has it; None: they did not."""
    found = context.facts.get(ASIDE)
    return found.get(str(member_id)) if isinstance(found, dict) else None


def stands_in(context: Context, member_id: UUID, element: str) -> bool:
    """Was a task given to this person because somebody stepped aside from it?"""
    found = context.facts.get(ASIDE)
    told = found.values() if isinstance(found, dict) else ()
    return any((each["task"], each["to"]) == (element, str(member_id)) for each in told)
