"""On which parallel branch each element of a diagram lies, and so where a token may stand
instead.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent

from engine.machine.diagram import Gather

if TYPE_CHECKING:
    from collections.abc import Iterator

    Flow = Any  # a BpmnProcessSpec: one level of a diagram

Branch = tuple[tuple[str, str], ...]
"""The forks that were taken and not joined yet, outermost first: (fork, first element behind it)."""


def entry(flow: Flow, element: str) -> str:
    """The name under which a token enters an element: with boundary events, before them."""
    split = f"{element}.BoundaryEventSplit"
    return split if split in flow.task_specs else element


@lru_cache(maxsize=256)
def branches(flow: Flow) -> dict[str, Branch | None]:
    """The branch of each element of a level, by name; None where two ways in disagree."""
    found: dict[str, Branch | None] = {flow.start.name: ()}
    waiting = [flow.start]
    while waiting:
        here = waiting.pop()
        for there in follows(here):
            branch = along(here, there, found[here.name])
            if there.name not in found:
                found[there.name] = branch
                waiting.append(there)
            elif found[there.name] not in (branch, None):
                found[there.name] = None
                waiting.append(there)
    return found


def follows(element: Any) -> Iterator[Any]:
    """The elements behind one, without the library's own joins."""
    return (each for each in element.outputs if not isinstance(each, BoundaryEventJoin))


def along(here: Any, there: Any, branch: Branch | None) -> Branch | None:
    """The branch that a token is on which goes from one element to the next."""
    if branch is None:
        return None
    beside = isinstance(there, BoundaryEvent) and not there.cancel_activity
    forks = isinstance(here, Gather) and len(here.outputs) > 1
    if forks or (beside and isinstance(here, BoundaryEventSplit)):
        branch = (*branch, (here.name, there.name))
    if isinstance(there, Gather) and len(set(there.inputs)) > 1:
        return branch[:-1]
    return branch


@lru_cache(maxsize=1024)
def behind(flow: Flow, element: str) -> frozenset[str]:
    """All elements to which one may lead, by name."""
    found, waiting = set[str](), [flow.task_specs[element]]
    while waiting:
        for there in follows(waiting.pop()):
            if there.name not in found:
                found.add(there.name)
                waiting.append(there)
    return frozenset(found)


def leaves(flow: Flow, element: str, branch: Branch | None) -> bool:
    """Does a token on this branch go when one comes to stand at the element anew? Of those on the
    element's own branch and on forks behind it; what runs beside it stays.
    """
    name = entry(flow, element)
    own = branches(flow).get(name)
    if own is None or branch is None or branch[: len(own)] != own:
        return False
    beyond = branch[len(own) :]
    return not beyond or beyond[0][0] in {name, *behind(flow, name)}
