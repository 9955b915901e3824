"""What goes into the machine and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

State = dict[str, Any]


class Host(Protocol):
    """What a diagram may ask of the engine while it moves."""

    def evaluate(self, expression: str) -> Any:
        """The value of a gateway condition over the instance's facts."""

    def decide(self, decision: str) -> None:
        """Take the decision of a business rule task and add it to the facts."""

    def perform(self, action: str) -> None:
        """Carry out the registered action of a service task."""


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
    instance has ended; `passed` are the elements run through, in order.
    """

    state: State | None
    live: tuple[Live, ...]
    passed: tuple[str, ...]
    ended: str = ""  # id of the end event that finished the instance
    before: tuple[Live, ...] = ()


@dataclass(frozen=True)
class Spec:
    """A parsed diagram; immutable, kept per version."""

    process: Any
    subprocesses: dict[str, Any] = field(default_factory=dict)
