"""What a process demands of an act: its guards and gates, all that fail told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from engine.commands import traces
from engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.definitions.process import Gate, Guard
    from engine.instance.context import Context

Demand = TypeVar("Demand", "Gate", "Guard")


def unmet(
    context: Context,
    demands: Iterable[Demand],
    names: Mapping[str, Any] | None = None,
    task: str = "",
) -> list[Demand]:
    """Those that do not hold, in the order of the process. `task`: whose gates they are.

    One that cannot be judged, say because it compares what another finds missing, is passed over
    where another fails. Raises its EngineError where none does.
    """
    found: list[Demand] = []
    broken: EngineError | None = None
    for demand in demands:
        try:
            holds = context.value(demand.holds, names)
        except EngineError as fault:
            broken = broken or fault
            continue
        traces.judged(context.process.id, task, demand.holds, bool(holds))
        if not holds:
            found.append(demand)
    if broken and not found:
        raise broken
    return found
