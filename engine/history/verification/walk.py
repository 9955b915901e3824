"""A frozen diagram walked again: from what the events tell of a matter to where it stands.

The events tell which elements each act ran through. Conditions are not taken again, for the facts
have changed since; the walk looks for answers of the gateways that lead along the path told.
"""

from __future__ import annotations

import json
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from lxml import etree

from engine import machine
from engine.errors import ProcessFault
from engine.machine import Need, Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.machine import Live, Run, Spec, State, Step

MOST_TRIES = 512  # ways through the gateways of one act
_BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_PROCESS, _BOUNDARY = f"{_BPMN}process", f"{_BPMN}boundaryEvent"


class Act(NamedTuple):
    """What moved the machine. kind: start, task, straight, again, message or timer; key: the
    element, or the name of the message; passed: the elements run through; opened: those that wait
    then and did not before, sorted, but boundary events.
    """

    kind: str
    key: str
    passed: tuple[str, ...]
    opened: tuple[str, ...]
    to: str = ""  # of a task that leads straight back: where


class _Guide:
    """Answers the gateways as told; whatever is asked beyond is no."""

    def __init__(self, answers: list[bool]) -> None:
        self.answers, self.given = answers, list[bool]()

    def along(self, run: Run) -> Step:
        """Where the act ends when it is told so."""
        reached = machine.advance(run)
        while isinstance(reached, Request):
            reached = machine.advance(run, self.answer(reached))
        return reached

    def answer(self, request: Request) -> bool | None:
        """What the act is told. Decisions and actions left their traces in events of their own."""
        if request.need != Need.EVALUATE:
            return None
        asked = len(self.given)
        self.given.append(self.answers[asked] if asked < len(self.answers) else False)
        return self.given[-1]


class Walk:
    """The diagram of one version. What was walked once is remembered: matters go the same ways."""

    def __init__(self, bpmn: str) -> None:
        self._bpmn = bpmn
        self.after = lru_cache(maxsize=20_000)(self._after)
        self.live = lru_cache(maxsize=20_000)(self._live)

    @cached_property
    def _tree(self) -> Any:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
        return etree.fromstring(self._bpmn.encode(), parser)

    @cached_property
    def _spec(self) -> Spec:
        found = self._tree.find(f".//{_PROCESS}")
        return machine.parse(self._tree, "" if found is None else found.get("id", ""))

    def on_boundary(self, element: str) -> bool:
        """Does this element sit on another one?"""
        return element in self._boundaries

    @cached_property
    def _boundaries(self) -> frozenset[str]:
        return frozenset(each.get("id", "") for each in self._tree.iter(_BOUNDARY))

    def _after(self, state: str, act: Act) -> str | None:
        """The machine after an act, as canonical JSON ("" when it has ended); None when the act
        cannot lead along that path. `state` is the machine before, "" before the start.
        """
        for before in self._candidates(state, act):
            step = self._along(json.loads(state) if state else {}, before, act)
            if step is not None:
                return as_text(step.state)
        return None

    def _candidates(self, state: str, act: Act) -> list[int]:
        """The handles that the act may have had."""
        if act.kind in ("start", "again"):
            return [0]
        kind = "task" if act.kind == "straight" else act.kind
        waiting = (live for live in self._live(state) if live.kind == kind)
        names = (
            (live.text if act.kind == "message" else live.element, live.ref) for live in waiting
        )
        return [ref for name, ref in names if name == act.key]

    def _along(self, state: State, ref: int, act: Act) -> Step | None:
        for guide in _ways():
            try:
                step = self._do(state, ref, act, guide)
            except ProcessFault:
                continue
            if step.passed == act.passed and _opened(step) == act.opened:
                return step
        return None

    def _do(self, state: State, ref: int, act: Act, guide: _Guide) -> Step:
        if act.kind == "start":
            return guide.along(machine.start(self._spec))
        if act.kind in ("again", "straight"):
            return guide.along(machine.again(self._spec, state, act.to or act.key, done=ref))
        do = machine.complete if act.kind == "task" else machine.fire
        return guide.along(do(self._spec, state, ref))

    def _live(self, state: str) -> tuple[Live, ...]:
        """What waits in a state."""
        return machine.look(self._spec, json.loads(state)) if state else ()


def _opened(step: Step) -> tuple[str, ...]:
    before = {live.ref for live in step.before}
    new = (live for live in step.live if live.ref not in before and not live.boundary)
    return tuple(sorted(live.element for live in new))


def as_text(state: Mapping[str, Any] | None) -> str:
    """A machine as canonical JSON; "" of none."""
    return json.dumps(state, sort_keys=True, separators=(",", ":")) if state else ""


def _ways() -> Iterator[_Guide]:
    """All ways through the gateways, as far as they ask: no, no, no; no, no, yes; ..."""
    answers: list[bool] = []
    for _try in range(MOST_TRIES):
        guide = _Guide(answers)
        yield guide
        answers = guide.given
        while answers and answers[-1]:
            answers.pop()
        if not answers:
            return
        answers[-1] = True
