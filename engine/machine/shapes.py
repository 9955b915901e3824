"""What goes into the machine and what comes out of it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

State = dict[str, Any]


class Need(StrEnum):
    """What a diagram may need of the engine while it moves, and what is to be sent back."""

    EVALUATE = "evaluate"  # the value of a gateway's condition over the instance's facts
    DECIDE = "decide"  # nothing: the decision of a business rule task is among the facts now
    PERFORM = "perform"  # nothing: the action of a service task has been carried out


@dataclass(frozen=True)
class Request:
    """The machine stands still until this is answered. `name`: the condition, or the element."""

    need: Need
    name: str


@dataclass(frozen=True)
class Live:
    """An element that waits: a user task, a timer or a message. `parent` is the ref of the task a
    boundary event sits on.
    """

    ref: int
    element: str
    kind: str  # task | timer | message
    text: str = ""  # a timer's expression, a message's name
    boundary: bool = False
    on: str = ""  # the element that a boundary event sits on


@dataclass(frozen=True)
class Step:
    """What one act did: what waited before it, and what waits now. `state` is None when the
    instance has ended; `passed` are the elements run through, in order, `taken` the flows, each as
    (source, target).
    """

    state: State | None
    live: tuple[Live, ...]
    passed: tuple[str, ...]
    ended: str = ""  # id of the end event that finished the instance
    before: tuple[Live, ...] = ()
    taken: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Spec:
    """A parsed diagram; immutable, kept per version."""

    process: Any
    subprocesses: dict[str, Any] = field(default_factory=dict)


Run = Generator[Request, Any, Step]
"""A step under way: it asks one thing after another, goes on with the answers, and gives the Step at its end."""


def advance(run: Run, answer: object = None) -> Request | Step:
    """Let an act go on with what it was given: to the next thing that it needs, or to its end."""
    try:
        return run.send(answer)
    except StopIteration as stopped:
        return cast("Step", stopped.value)
