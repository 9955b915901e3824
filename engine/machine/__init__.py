"""Turns the handle of a diagram: (spec, state, act) -> Step; the only importer of SpiffWorkflow.

The machine calls nobody. An act is a generator: what a diagram needs on its way (a condition's
value, a decision, an action) it yields as a `Request`, the caller sends the answer, and the Step is
what it returns.

The machine keeps no business data. Its state is the list of elements that are alive and what joins
still need, written in our own few bytes (never SpiffWorkflow's serializer, whose migrations
evaluate text), so it does not grow with age.
"""

from engine.machine.acts import STEP_BUDGET, complete, fire, look, start
from engine.machine.again import again, beside, may_again, places
from engine.machine.diagram import Outside, parse
from engine.machine.shapes import Live, Need, Request, Run, Spec, State, Step, advance

__all__ = [
    "STEP_BUDGET",
    "Live",
    "Need",
    "Outside",
    "Request",
    "Run",
    "Spec",
    "State",
    "Step",
    "advance",
    "again",
    "beside",
    "complete",
    "fire",
    "look",
    "may_again",
    "parse",
    "places",
    "start",
]
