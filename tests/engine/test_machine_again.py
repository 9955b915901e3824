"""Standing at an earlier task anew: what lies on its branch ends, what runs beside it stays, and the machine goes on as ever."""

from __future__ import annotations

from typing import Any

import pytest

from engine import machine
from engine.errors import ProcessFault
from tests.engine.sketches import Sketch

# start → a → fork → (b → c | d → [e in a subprocess → f] → g) → join → h → end; a reminder runs beside d, a limit ends c
BODY = """
<startEvent id="start"/><userTask id="a"/><parallelGateway id="fork"/><userTask id="b"/><userTask id="c"/>
<userTask id="d"/><subProcess id="inner"><startEvent id="is"/><userTask id="e"/><userTask id="f"/><endEvent id="ie"/>
  <sequenceFlow id="i1" sourceRef="is" targetRef="e"/><sequenceFlow id="i2" sourceRef="e" targetRef="f"/>
  <sequenceFlow id="i3" sourceRef="f" targetRef="ie"/></subProcess>
<userTask id="g"/><exclusiveGateway id="met"/><parallelGateway id="join"/><userTask id="h"/><endEvent id="end"/>
<boundaryEvent id="limit" attachedToRef="c"><timerEventDefinition><timeDate>t1</timeDate></timerEventDefinition></boundaryEvent>
<boundaryEvent id="late" attachedToRef="d" cancelActivity="false"><timerEventDefinition><timeDate>t2</timeDate></timerEventDefinition>
</boundaryEvent><userTask id="urge"/><endEvent id="urged"/>
<sequenceFlow id="s1" sourceRef="start" targetRef="a"/><sequenceFlow id="s2" sourceRef="a" targetRef="fork"/>
<sequenceFlow id="s3" sourceRef="fork" targetRef="b"/><sequenceFlow id="s4" sourceRef="fork" targetRef="d"/>
<sequenceFlow id="s5" sourceRef="b" targetRef="c"/><sequenceFlow id="s6" sourceRef="c" targetRef="met"/>
<sequenceFlow id="s15" sourceRef="met" targetRef="join"/>
<sequenceFlow id="s7" sourceRef="d" targetRef="inner"/><sequenceFlow id="s8" sourceRef="inner" targetRef="g"/>
<sequenceFlow id="s9" sourceRef="g" targetRef="join"/><sequenceFlow id="s10" sourceRef="join" targetRef="h"/>
<sequenceFlow id="s11" sourceRef="h" targetRef="end"/><sequenceFlow id="s12" sourceRef="limit" targetRef="met"/>
<sequenceFlow id="s13" sourceRef="late" targetRef="urge"/><sequenceFlow id="s14" sourceRef="urge" targetRef="urged"/>
"""


class Stand:
    """A run of the diagram, saved and loaded between any two acts."""

    def __init__(self, *done: str) -> None:
        self.spec = Sketch([BODY]).spec()
        self.step = self._step(machine.start(self.spec))
        for each in done:
            self.do(each)

    def _step(self, run: machine.Run) -> machine.Step:
        found = machine.advance(run)
        assert isinstance(found, machine.Step)
        self.step = found
        return found

    @property
    def state(self) -> Any:
        return self.step.state

    def ref(self, element: str) -> int:
        (ref,) = (
            live.ref for live in machine.look(self.spec, self.state) if live.element == element
        )
        return ref

    def do(self, element: str) -> machine.Step:
        timer = element in ("limit", "late")
        act = machine.fire if timer else machine.complete
        return self._step(act(self.spec, self.state, self.ref(element)))

    def again(self, element: str, done: str = "") -> machine.Step:
        ref = self.ref(done) if done else 0
        return self._step(machine.again(self.spec, self.state, element, ref))

    def places(self, element: str) -> set[str]:
        return set(machine.places(self.spec, self.state, self.ref(element)))

    @property
    def live(self) -> set[str]:
        return (
            {live.element for live in machine.look(self.spec, self.state)} if self.state else set()
        )

    def to_the_end(self) -> list[str]:
        done = []
        while self.state:
            element = min(live.element for live in self.step.live if live.kind == "task")
            done.append(element)
            self.do(element)
        return done


def test_on_the_same_branch_the_other_branch_goes_on() -> None:
    at = Stand("a", "b")
    assert at.live == {"c", "limit", "d", "late"}
    at.again("b")
    assert at.live == {"b", "d", "late"}
    assert at.to_the_end() == ["b", "c", "d", "e", "f", "g", "h"]


def test_before_the_fork_both_branches_end_with_their_timers() -> None:
    at = Stand("a", "b", "d")
    assert at.live == {"c", "limit", "e"}
    at.again("a")
    assert at.live == {"a"}
    assert at.to_the_end() == ["a", "b", "c", "d", "e", "f", "g", "h"]


def test_what_has_arrived_at_the_join_is_forgotten_when_all_begins_anew() -> None:
    at = Stand("a", "b", "c", "d")
    assert at.live == {"e"}
    at.again("a")
    assert at.live == {"a"}
    assert at.to_the_end() == ["a", "b", "c", "d", "e", "f", "g", "h"]


def test_one_half_that_has_arrived_can_be_done_again_alone() -> None:
    at = Stand("a", "b", "c")
    at.again("c")
    assert at.live == {"c", "limit", "d", "late"}
    assert at.to_the_end() == ["c", "d", "e", "f", "g", "h"]


def test_out_of_a_subprocess_and_within_it() -> None:
    at = Stand("a", "d", "e")
    assert at.live == {"b", "f"}
    at.again("e")
    assert at.live == {"b", "e"}
    at.do("e")
    at.again("d")
    assert at.live == {"b", "d", "late"}
    assert at.to_the_end() == ["b", "c", "d", "e", "f", "g", "h"]


def test_what_runs_beside_an_ended_task_ends_with_it() -> None:
    at = Stand("a", "late")
    assert at.live == {"b", "d", "urge"}
    at.again("a")
    assert at.live == {"a"}
    at = Stand("a", "late", "d")
    at.again("d")
    assert at.live == {"b", "d", "late"}
    assert at.to_the_end() == ["b", "c", "d", "e", "f", "g", "h"]


@pytest.mark.parametrize("target", ["b", "c", "d", "g", "e"])
def test_nobody_goes_back_into_branches_that_were_joined(target: str) -> None:
    at = Stand("a", "b", "c", "d", "e", "f", "g")
    assert at.live == {"h"}
    with pytest.raises(ProcessFault):
        at.again(target)
    assert at.places("h") == {"a", "h"}


def test_where_one_may_stand_instead() -> None:
    assert Stand("a").places("b") == {"a", "b", "c"}
    assert Stand("a", "d", "e").places("f") == {"a", "d", "e", "f", "g"}
    assert Stand("a", "late").places("urge") >= {"a", "d", "urge"}


def test_a_task_that_is_done_again_may_lead_straight_back() -> None:
    at = Stand("a", "d", "e", "f")
    at.again("d")
    step = at.again("g", done="d")
    assert step.passed == ("d",)
    assert at.live == {"b", "g"}
    assert at.to_the_end() == ["b", "c", "g", "h"]


def test_places_in_the_machine_are_never_given_twice() -> None:
    at = Stand("a")
    seen = {live.ref for live in at.step.live}
    for _turn in range(5):
        at.again("a")
        assert not seen & {live.ref for live in at.step.live}
        seen |= {live.ref for live in at.step.live}
        at.do("a")
        seen |= {live.ref for live in at.step.live}
    assert len(str(at.state)) < 600
