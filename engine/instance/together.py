"""Several tasks done by one act: which of them are opened first as a spot check, and what a task is
answered with where the act says nothing.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from engine.definitions.process import TaskRule

SPOT = 2  # so many are read before an act on all
MOST = 100  # by one act


def spot(member_id: UUID, chosen: Collection[UUID]) -> tuple[UUID, ...]:
    """Those of the chosen tasks that this person reads first: drawn by a digest, so that nobody
    chooses them, and the same ones when a page is opened again.
    """
    drawn = sorted(chosen, key=lambda task: hashlib.sha256(member_id.bytes + task.bytes).digest())
    return tuple(drawn[:SPOT])


def key_of(of: str) -> str:
    """The key of the draft in which a try at a kind is kept until all of it is done."""
    return f"together:{of}"


def begun(try_: Mapping[str, Any], chosen: Collection[UUID]) -> bool:
    """Are these among the tasks with which a kept try began? Then its spot check holds for them."""
    return bool(chosen) and {str(task) for task in chosen} <= set(try_.get("began", ()))


def prefilled(rule: TaskRule, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What earlier steps already said under the same names, so that nobody has to say it twice."""
    asked = rule.form.asked if rule.form else ()
    keys = {f.key for f in asked if f.kind != "filepicker" and not f.fact}
    found: dict[str, Any] = {}
    for name in rule.prefill:
        earlier = facts.get(name)
        if isinstance(earlier, dict):
            found.update({k: v for k, v in earlier.items() if k in keys})
    return found
