"""Turns the handle of a diagram: (spec, state, act) -> Step. Pure but for its host; the only
importer of SpiffWorkflow.

The machine keeps no business data. Its state is the list of elements that are alive and what joins
still need, written in our own few bytes (never SpiffWorkflow's serializer, whose migrations
evaluate text), so it does not grow with age.
"""

from engine.machine.acts import STEP_BUDGET, complete, fire, look, start
from engine.machine.diagram import Outside, parse
from engine.machine.shapes import Host, Live, Spec, State, Step

__all__ = [
    "STEP_BUDGET",
    "Host",
    "Live",
    "Outside",
    "Spec",
    "State",
    "Step",
    "complete",
    "fire",
    "look",
    "parse",
    "start",
]
