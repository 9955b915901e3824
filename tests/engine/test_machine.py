"""The machine: each element that a diagram may use, and a compact state that loses nothing against one never saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from engine import machine
from engine.errors import ProcessFault, Refused
from tests.drawn import some
from tests.engine.sketches import GIVEN, QUIET, Case, Sketch, agree, agree_at, drive

if TYPE_CHECKING:
    pass

GOLDEN = Path(__file__).parents[1] / "golden"


def written(body: str, *messages: str) -> machine.Spec:
    """The spec of a diagram written by hand."""
    return Sketch([body], list(messages)).spec()


class Host:
    """Answers conditions from a table, and notes what was decided and performed."""

    def __init__(self, **values: Any) -> None:
        self.values, self.done = values, []

    def evaluate(self, expression: str) -> Any:
        found = self.values[expression]
        return found() if callable(found) else found

    def decide(self, decision: str) -> None:
        self.done.append(f"decide {decision}")

    def perform(self, action: str) -> None:
        self.done.append(f"perform {action}")


ENDS = '<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="{}"/>'


# --- one element at a time -------------------------------------------------------------------------------------------
def test_a_diagram_without_waits_ends_at_once_and_says_where() -> None:
    case = Case(written(ENDS.format("over") + '<endEvent id="over"/>'), Host())
    assert (case.step.state, case.step.live, case.step.ended) == (None, (), "over")
    assert case.step.passed == ("start", "over")


def test_a_user_task_waits_until_it_is_completed() -> None:
    case = Case(
        written(
            ENDS.format("ask")
            + '<userTask id="ask"/><endEvent id="z"/><sequenceFlow id="b" sourceRef="ask" targetRef="z"/>'
        ),
        Host(),
    )
    assert case.step.live == (machine.Live(case.ref("ask"), "ask", "task"),)
    assert case.complete("ask").ended == "z"


def test_service_and_decision_call_the_host_by_name_in_order() -> None:
    body = ENDS.format("act") + (
        '<serviceTask id="act"/><businessRuleTask id="rule"/><endEvent id="z"/>'
        '<sequenceFlow id="b" sourceRef="act" targetRef="rule"/><sequenceFlow id="c" sourceRef="rule" targetRef="z"/>'
    )
    host = Host()
    assert Case(written(body), host).step.ended == "z"
    assert host.done == ["perform act", "decide rule"]


CHOICE = ENDS.format("gate") + (
    '<exclusiveGateway id="gate" default="other"/><userTask id="yes"/><userTask id="no"/><endEvent id="z"/>'
    '<sequenceFlow id="one" sourceRef="gate" targetRef="yes"><conditionExpression>fit</conditionExpression></sequenceFlow>'
    '<sequenceFlow id="other" sourceRef="gate" targetRef="no"/>'
    '<sequenceFlow id="y" sourceRef="yes" targetRef="z"/><sequenceFlow id="n" sourceRef="no" targetRef="z"/>'
)


@pytest.mark.parametrize(("fit", "open"), [(True, "yes"), (False, "no")])
def test_an_exclusive_gateway_asks_the_host_and_falls_back_to_its_default(
    fit: bool, open: str
) -> None:
    assert Case(written(CHOICE), Host(fit=fit)).open == [open]


def test_a_refusal_inside_a_condition_comes_out_as_itself() -> None:
    def refuse() -> None:
        raise Refused("不行")

    with pytest.raises(Refused, match="不行"):
        Case(written(CHOICE), Host(fit=refuse))


def test_a_fault_of_the_database_inside_a_condition_comes_out_as_itself() -> None:
    def broken() -> None:
        raise ConnectionError("gone")

    with pytest.raises(
        ConnectionError, match="gone"
    ):  # so that the whole command can be tried again
        Case(written(CHOICE), Host(fit=broken))


PARALLEL = ENDS.format("split") + (
    '<parallelGateway id="split"/><userTask id="left"/><userTask id="right"/><parallelGateway id="join"/><endEvent id="z"/>'
    '<sequenceFlow id="b" sourceRef="split" targetRef="left"/><sequenceFlow id="c" sourceRef="split" targetRef="right"/>'
    '<sequenceFlow id="d" sourceRef="left" targetRef="join"/><sequenceFlow id="e" sourceRef="right" targetRef="join"/>'
    '<sequenceFlow id="f" sourceRef="join" targetRef="z"/>'
)


@pytest.mark.parametrize("order", [("left", "right"), ("right", "left")])
def test_a_parallel_join_waits_for_both_in_either_order(order: tuple[str, str]) -> None:
    case = Case(written(PARALLEL), Host())
    assert case.open == ["left", "right"]
    case.complete(order[0])
    assert case.open == [order[1]]
    assert case.complete(order[1]).ended == "z"


def boundary(kind: str, interrupting: bool, target: str = "late") -> str:
    inner = (
        '<timerEventDefinition id="t"><timeDate>soon</timeDate></timerEventDefinition>'
        if kind == "timer"
        else '<messageEventDefinition id="t" messageRef="m_call"/>'
    )
    return ENDS.format("ask") + (
        f'<userTask id="ask"/><boundaryEvent id="edge" attachedToRef="ask" cancelActivity="{str(interrupting).lower()}">{inner}'
        f'</boundaryEvent><sequenceFlow id="b" sourceRef="edge" targetRef="{target}"/><userTask id="late"/><endEvent id="z"/>'
        '<endEvent id="y"/><sequenceFlow id="c" sourceRef="ask" targetRef="z"/><sequenceFlow id="d" sourceRef="late" targetRef="y"/>'
    )


@pytest.mark.parametrize("kind", ["timer", "message"])
def test_an_interrupting_boundary_event_takes_the_task_away(kind: str) -> None:
    case = Case(written(boundary(kind, True), "call"), Host())
    edge = next(live for live in case.step.live if live.element == "edge")
    assert (edge.kind, edge.on, edge.boundary, edge.text) == (
        kind,
        "ask",
        True,
        "soon" if kind == "timer" else "call",
    )
    case.fire("edge")
    assert case.open == ["late"]
    assert case.complete("late").ended == "y"


@pytest.mark.parametrize("kind", ["timer", "message"])
@pytest.mark.parametrize("last", ["ask", "late"])
def test_an_event_that_does_not_interrupt_leaves_the_task_open(kind: str, last: str) -> None:
    case = Case(written(boundary(kind, False), "call"), Host())
    case.fire("edge")
    assert "ask" in case.open
    assert "late" in case.open
    case.complete("late" if last == "ask" else "ask")
    assert case.step.state is not None
    assert case.complete(last).ended in ("y", "z")


@pytest.mark.parametrize("interrupting", [True, False])
def test_a_boundary_event_is_gone_when_its_task_is_done(interrupting: bool) -> None:
    case = Case(written(boundary("timer", interrupting)), Host())
    edge, state = case.ref("edge"), case.state
    case.complete("ask")
    assert case.step.state is None
    with pytest.raises(
        ProcessFault
    ):  # a state saved before, in which the task is still there, is not touched by that
        drive(machine.complete(case.spec, state, edge), case.host)


@pytest.mark.parametrize("kind", ["timer", "message"])
def test_a_catch_event_waits_to_be_fired(kind: str) -> None:
    inner = (
        Sketch().event(kind)
        if kind == "timer"
        else '<messageEventDefinition id="t" messageRef="m_call"/>'
    )
    body = ENDS.format("wait") + (
        f'<intermediateCatchEvent id="wait">{inner}</intermediateCatchEvent><endEvent id="z"/>'
        '<sequenceFlow id="b" sourceRef="wait" targetRef="z"/>'
    )
    case = Case(written(body, "call"), Host())
    (live,) = case.step.live
    assert (live.kind, live.boundary, live.on) == (kind, False, "")
    assert case.fire("wait").ended == "z"


TERMINATE = PARALLEL.replace(
    'targetRef="join"/><sequenceFlow id="e"', 'targetRef="stop"/><sequenceFlow id="e"'
) + ('<endEvent id="stop"><terminateEventDefinition id="t"/></endEvent>')


def test_a_terminate_end_ends_everything() -> None:
    case = Case(written(TERMINATE), Host())
    step = case.complete("left")
    assert (step.state, step.live, step.ended) == (None, (), "stop")


SUB = ENDS.format("sub") + (
    '<subProcess id="sub"><startEvent id="s1"/><sequenceFlow id="s2" sourceRef="s1" targetRef="inside"/><userTask id="inside"/>'
    '<sequenceFlow id="s3" sourceRef="inside" targetRef="s4"/><endEvent id="s4"/></subProcess>'
    '<boundaryEvent id="edge" attachedToRef="sub"><messageEventDefinition id="t" messageRef="m_call"/></boundaryEvent>'
    '<sequenceFlow id="b" sourceRef="sub" targetRef="after"/><sequenceFlow id="c" sourceRef="edge" targetRef="away"/>'
    '<userTask id="after"/><sequenceFlow id="e" sourceRef="after" targetRef="z"/><endEvent id="z"/><endEvent id="away"/>'
)


def test_an_embedded_subprocess_goes_on_outside_when_it_ends() -> None:
    case = Case(written(SUB, "call"), Host())
    assert case.open == ["edge", "inside"]
    case.complete("inside")
    assert case.open == ["after"]
    assert case.complete("after").ended == "z"


def test_an_event_on_a_subprocess_takes_all_of_it_away() -> None:
    case = Case(written(SUB, "call"), Host())
    edge = next(live for live in case.step.live if live.element == "edge")
    assert edge.on == "sub"
    assert case.fire("edge").ended == "away"


def test_the_first_end_of_a_subprocess_does_not_end_the_instance() -> None:
    terminate = SUB.replace(
        '<endEvent id="s4"/>', '<endEvent id="s4"><terminateEventDefinition id="u"/></endEvent>'
    )
    case = Case(written(terminate, "call"), Host())
    case.complete("inside")
    assert case.open == ["after"]


# --- refusals --------------------------------------------------------------------------------------------------------
def test_completing_what_is_not_open_is_a_fault() -> None:
    case = Case(written(boundary("timer", True)), Host())
    with pytest.raises(ProcessFault):
        drive(machine.complete(case.spec, case.state, case.ref("edge")), case.host)
    with pytest.raises(ProcessFault):
        drive(machine.fire(case.spec, case.state, case.ref("ask")), case.host)
    for ref in (0, -1, 999):
        with pytest.raises(ProcessFault):
            drive(machine.complete(case.spec, case.state, ref), case.host)
        with pytest.raises(ProcessFault):
            drive(machine.fire(case.spec, case.state, ref), case.host)


def test_what_was_completed_cannot_be_completed_again() -> None:
    case = Case(written(PARALLEL), Host())
    left = case.ref("left")
    case.complete("left")
    with pytest.raises(ProcessFault):
        drive(machine.complete(case.spec, case.state, left), case.host)


def test_every_ref_of_a_state_that_is_not_live_is_refused() -> None:
    case = Case(written(PARALLEL), Host())
    case.complete("left")
    live = {one.ref for one in case.step.live}
    for _, rows in case.state["flows"]:
        for row in rows:
            if row[0] not in live:
                with pytest.raises(ProcessFault):
                    drive(machine.complete(case.spec, case.state, row[0]), case.host)
                with pytest.raises(ProcessFault):
                    drive(machine.fire(case.spec, case.state, row[0]), case.host)


@pytest.mark.parametrize("version", [None, 0, 2, "1", "1.1", "__import__('os')"])
def test_a_state_of_another_format_is_refused(version: Any) -> None:
    case = Case(written(PARALLEL), Host())
    foreign = {**case.state, "v": version}
    if version is None:
        del foreign["v"]
    for act in (
        lambda: drive(machine.complete(case.spec, foreign, case.ref("left")), case.host),
        lambda: drive(machine.fire(case.spec, foreign, case.ref("left")), case.host),
        lambda: machine.look(case.spec, foreign),
    ):
        with pytest.raises(ProcessFault):
            act()


def test_a_fault_in_an_act_leaves_the_saved_state_as_it_was() -> None:
    body = ENDS.format("ask") + (
        '<userTask id="ask"/><exclusiveGateway id="gate" default="o"/><endEvent id="z"/><endEvent id="y"/>'
        '<sequenceFlow id="b" sourceRef="ask" targetRef="gate"/>'
        '<sequenceFlow id="c" sourceRef="gate" targetRef="z"><conditionExpression>fit</conditionExpression></sequenceFlow>'
        '<sequenceFlow id="o" sourceRef="gate" targetRef="y"/>'
    )

    def refuse() -> None:
        raise Refused

    host = Host(fit=refuse)
    case = Case(written(body), host)
    before = json.dumps(case.state)
    with pytest.raises(Refused):
        case.complete("ask")
    assert json.dumps(case.state) == before
    host.values["fit"] = True
    assert case.complete("ask").ended == "z"


CIRCLE = ENDS.format("merge") + (
    '<exclusiveGateway id="merge"/><serviceTask id="act"/><exclusiveGateway id="gate" default="back"/><endEvent id="z"/>'
    '<sequenceFlow id="b" sourceRef="merge" targetRef="act"/><sequenceFlow id="c" sourceRef="act" targetRef="gate"/>'
    '<sequenceFlow id="back" sourceRef="gate" targetRef="merge"/>'
    '<sequenceFlow id="o" sourceRef="gate" targetRef="z"><conditionExpression>fit</conditionExpression></sequenceFlow>'
)


def test_a_loop_without_a_wait_stops_at_the_step_budget() -> None:
    host = Host(fit=False)
    with pytest.raises(ProcessFault, match="500"):
        Case(written(CIRCLE), host)
    assert len(host.done) <= machine.STEP_BUDGET


def test_the_budget_may_be_used_up_but_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = written(ENDS.format("over") + '<endEvent id="over"/>')
    monkeypatch.setattr("engine.machine.acts.STEP_BUDGET", 2)
    assert drive(machine.start(spec), Host()).passed == ("start", "over")
    monkeypatch.setattr("engine.machine.acts.STEP_BUDGET", 1)
    with pytest.raises(ProcessFault, match="超过 1 步"):
        drive(machine.start(spec), Host())


def test_a_short_loop_without_a_wait_stays_below_the_budget() -> None:
    rounds = iter([False] * 20)
    host = Host(fit=lambda: next(rounds, True))
    assert Case(written(CIRCLE), host).step.ended == "z"


def test_a_script_in_a_diagram_never_runs(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    body = ENDS.format("s") + (
        f'<scriptTask id="s"><script>open("{mark}", "w")</script></scriptTask><endEvent id="z"/>'
        '<sequenceFlow id="b" sourceRef="s" targetRef="z"/>'
    )
    with pytest.raises(ProcessFault):
        Case(written(body), Host())
    assert not mark.exists()


# --- age -------------------------------------------------------------------------------------------------------------
ROUND = ENDS.format("merge") + (
    '<exclusiveGateway id="merge"/>'
    '<subProcess id="sub"><startEvent id="s1"/><sequenceFlow id="s2" sourceRef="s1" targetRef="inside"/><userTask id="inside"/>'
    '<sequenceFlow id="s3" sourceRef="inside" targetRef="s4"/><endEvent id="s4"/></subProcess>'
    '<boundaryEvent id="edge" attachedToRef="sub" cancelActivity="false">'
    '<timerEventDefinition id="t"><timeDate>soon</timeDate></timerEventDefinition></boundaryEvent>'
    '<sequenceFlow id="e1" sourceRef="edge" targetRef="nudge"/><serviceTask id="nudge"/><endEvent id="nudged"/>'
    '<sequenceFlow id="e2" sourceRef="nudge" targetRef="nudged"/>'
    '<parallelGateway id="split"/><userTask id="left"/><userTask id="right"/><parallelGateway id="join"/>'
    '<sequenceFlow id="b" sourceRef="merge" targetRef="sub"/><sequenceFlow id="c" sourceRef="sub" targetRef="split"/>'
    '<sequenceFlow id="d" sourceRef="split" targetRef="left"/><sequenceFlow id="f" sourceRef="split" targetRef="right"/>'
    '<sequenceFlow id="g" sourceRef="left" targetRef="join"/><sequenceFlow id="h" sourceRef="right" targetRef="join"/>'
    '<exclusiveGateway id="gate" default="out"/><sequenceFlow id="i" sourceRef="join" targetRef="gate"/>'
    '<sequenceFlow id="j" sourceRef="gate" targetRef="merge"><conditionExpression>again</conditionExpression></sequenceFlow>'
    '<sequenceFlow id="out" sourceRef="gate" targetRef="z"/><endEvent id="z"/>'
)


def test_the_state_stays_flat_over_two_hundred_rounds() -> None:
    host = Host(again=True)
    case = Case(written(ROUND), host)
    sizes = []
    for number in range(200):
        assert case.open == ["edge", "inside"]
        sizes.append(len(json.dumps(case.state)))
        if number % 3 == 0:
            case.fire("edge")
        case.complete("inside")
        for element in ("left", "right") if number % 2 else ("right", "left"):
            case.complete(element)
    assert max(sizes[2:]) <= max(sizes[:2]) + 60  # refs get longer, nothing else
    assert max(sizes) < 300
    host.values["again"] = False
    for element in ("inside", "left", "right"):
        case.complete(element)
    assert case.step.ended == "z"


SIDE = ROUND.replace('<serviceTask id="nudge"/>', '<userTask id="nudge"/>')


def test_a_side_way_left_open_in_the_first_round_changes_nothing_in_later_ones() -> None:
    """What arrived at the join in an earlier round is used up; the state does not grow below what is still open."""
    case = Case(written(SIDE), Host(again=True))
    case.fire("edge")
    sizes = []
    for number in range(200):
        rest = ["nudge"] if number == 0 else ["edge", "nudge"]
        assert case.open == sorted(["inside", *rest])
        sizes.append(len(json.dumps(case.state)))
        case.complete("inside")
        assert case.open == ["left", "nudge", "right"]
        case.complete("left" if number % 2 else "right")
        assert case.open == sorted(["nudge", "right" if number % 2 else "left"])
        case.complete("right" if number % 2 else "left")
    assert max(sizes[2:]) <= max(sizes[:2]) + 120


# --- golden states ---------------------------------------------------------------------------------------------------
def golden_state(name: str, body: str, *acts: tuple[str, str]) -> Case:
    """Drive a diagram to where a golden state stands."""
    case = Case(written(body, "call"), Host(again=True, fit=True))
    for verb, element in acts:
        getattr(case, verb)(element)
    return case


GOLDENS: dict[str, tuple[str, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...], str]] = {
    "parallel_half": (PARALLEL, (("complete", "left"),), (("complete", "right"),), "z"),
    "boundary_fired": (
        boundary("timer", False),
        (("fire", "edge"),),
        (("complete", "ask"), ("complete", "late")),
        "y",
    ),
    "boundary_waiting": (
        boundary("message", True),
        (),
        (("fire", "edge"), ("complete", "late")),
        "y",
    ),
    "subprocess_open": (SUB, (), (("complete", "inside"), ("complete", "after")), "z"),
    "third_round": (
        ROUND,
        (
            ("complete", "inside"),
            ("complete", "left"),
            ("complete", "right"),
            ("fire", "edge"),
            ("complete", "inside"),
            ("complete", "right"),
            ("complete", "left"),
            ("fire", "edge"),
            ("complete", "inside"),
            ("complete", "left"),
        ),
        (("complete", "right"),),
        "z",
    ),
}


@pytest.mark.parametrize("name", sorted(GOLDENS))
def test_a_state_written_by_an_earlier_release_still_loads_and_finishes(name: str) -> None:
    body, _before, after, end = GOLDENS[name]
    kept = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    case = Case.__new__(Case)
    case.spec, case.host = written(body, "call"), Host(again=False, fit=True)
    case.state = kept["state"]
    case.step = machine.Step(case.state, machine.look(case.spec, case.state), ())
    assert case.open == kept["open"]
    for verb, element in after:
        getattr(case, verb)(element)
    assert (case.step.state, case.step.ended) == (None, end)


@pytest.mark.parametrize("name", sorted(GOLDENS))
def test_the_state_of_today_is_the_golden_one(name: str) -> None:
    """When this fails, the format has changed: raise FORMAT and write how old states are read, then a new golden state."""
    body, before, _after, _end = GOLDENS[name]
    case = golden_state(name, body, *before)
    kept = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    assert case.open == kept["open"]
    assert case.state == kept["state"]


@settings(max_examples=120, deadline=None, suppress_health_check=QUIET)
@GIVEN
def test_a_saved_instance_opens_what_one_never_saved_opens(
    sketch: Sketch, seed: int, acts: list[int]
) -> None:
    agree(sketch, seed, acts)


@pytest.mark.parametrize("first", some(range(0, 400, 50), 3))
def test_large_instances_open_what_those_never_saved_open(first: int) -> None:
    for seed in range(first, first + 50):
        agree_at(seed)
