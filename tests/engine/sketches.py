"""Random diagrams, and what a saved instance must do as one that was never saved."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from SpiffWorkflow.task import TaskState

from engine import machine
from engine.definitions.diagram import parse_xml, read_diagram

if TYPE_CHECKING:
    from collections.abc import Callable


BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"


# --- drawing diagrams ------------------------------------------------------------------------------------------------
@dataclass
class Sketch:
    """A diagram being drawn: lines of XML and the messages they name."""

    lines: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    count: int = 0

    def fresh(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def flow(self, source: str, target: str, condition: str = "", key: str = "") -> None:
        inner = f"<conditionExpression>{condition}</conditionExpression>" if condition else ""
        key = key or self.fresh("flow")
        self.lines.append(
            f'<sequenceFlow id="{key}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>'
        )

    def node(self, tag: str, key: str, inner: str = "", **attributes: str) -> str:
        more = "".join(f' {name}="{value}"' for name, value in attributes.items())
        self.lines.append(f'<{tag} id="{key}"{more}>{inner}</{tag}>')
        return key

    def event(self, kind: str) -> str:
        """The inside of an event."""
        if kind == "timer":
            return f'<timerEventDefinition id="{self.fresh("d")}"><timeDate>moment</timeDate></timerEventDefinition>'
        name = self.fresh("message")
        self.messages.append(name)
        return f'<messageEventDefinition id="{self.fresh("d")}" messageRef="m_{name}"/>'

    def tree(self) -> Any:
        messages = "".join(f'<message id="m_{name}" name="{name}"/>' for name in self.messages)
        body = "\n".join(self.lines)
        text = (
            f'<definitions xmlns="{BPMN}" id="d" targetNamespace="urn:t">{messages}'
            f'<process id="p" isExecutable="true">{body}</process></definitions>'
        )
        return parse_xml(text.encode())

    def spec(self) -> machine.Spec:
        return machine.parse(self.tree(), "p")


def drive(run: machine.Run, host: Any) -> machine.Step:
    """The step that a run comes to when this host gives it what it needs, by methods of the needs' names."""
    answer = None
    while True:
        try:
            request = run.send(answer)
        except StopIteration as stopped:
            assert isinstance(stopped.value, machine.Step)
            return stopped.value
        answer = getattr(host, request.need)(request.name)


@dataclass
class Case:
    """An instance as the commands drive it: its state goes through JSON after every act, as through the database."""

    spec: machine.Spec
    host: Any
    step: machine.Step = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.keep(drive(machine.start(self.spec), self.host))

    def keep(self, step: machine.Step) -> None:
        self.step = step
        self.state = json.loads(json.dumps(step.state))
        if self.state is not None:
            assert sorted(map(repr, machine.look(self.spec, self.state))) == sorted(
                map(repr, step.live)
            )

    def ref(self, element: str) -> int:
        return next(live.ref for live in self.step.live if live.element == element)

    def complete(self, element: str) -> machine.Step:
        self.keep(drive(machine.complete(self.spec, self.state, self.ref(element)), self.host))
        return self.step

    def fire(self, element: str) -> machine.Step:
        self.keep(drive(machine.fire(self.spec, self.state, self.ref(element)), self.host))
        return self.step

    @property
    def open(self) -> list[str]:
        return sorted(live.element for live in self.step.live)


# --- the oracle: plain SpiffWorkflow, kept in memory, never saved -----------------------------------------------------
class Fate:
    """Both sides ask the same fate: what a gateway answers depends on the condition and the number of the act alone."""

    def __init__(self, seed: int) -> None:
        self.seed, self.act = seed, 0

    def evaluate(self, expression: str) -> bool:
        likely = 0.5 if "_" in expression else 0.75  # loops go round a few times
        return random.Random(f"{self.seed} {self.act} {expression}").random() < likely

    def decide(self, decision: str) -> None:
        pass

    perform = decide


class Oracle:
    """The library itself, driven by its own loop and foreseeing all that it likes to."""

    def __init__(self, spec: machine.Spec, host: Any) -> None:
        for flow in (spec.process, *spec.subprocesses.values()):
            for element in flow.task_specs.values():
                del element._predict  # ours; the library's own shows again
        self.flow = machine.diagram.workflow(spec)
        self.flow.script_engine.environment.evaluate = lambda text, *_, **__: host.evaluate(text)
        self.run()

    def run(self) -> None:
        for _ in range(50):
            self.flow.do_engine_steps()
            self.flow.refresh_waiting_tasks()
            if not self.flow.get_tasks(state=TaskState.READY, manual=False):
                return
        raise AssertionError("the library does not come to rest")

    def live(self) -> list[Any]:
        found = []
        for task in machine.acts._all(self.flow):
            outside = getattr(task.task_spec, "event_definition", None)
            if (task.state == TaskState.READY and task.task_spec.manual) or (
                task.state == TaskState.WAITING and isinstance(outside, machine.Outside)
            ):
                found.append(task)
        return found

    def act(self, task: Any) -> None:
        if task.state == TaskState.READY:
            task.run()
        else:
            task._set_internal_data(event_fired=True)
            task.task_spec._update(task)
        self.run()

    @property
    def over(self) -> bool:
        return bool(self.flow.is_completed())


@dataclass(eq=False)
class Token:
    """A place of the game that is alive: a wait, or a subprocess with all that is alive inside."""

    element: str
    scope: Token | None
    inside: list[Token] = field(default_factory=list)
    edges: list[str] = field(default_factory=list)  # boundary events that still wait
    arrived: Counter[tuple[str, str]] = field(
        default_factory=Counter
    )  # (join, flow): tokens before the joins inside


class Game:
    """The token game of the standard, played on the drawing alone: no library, no state to save."""

    def __init__(self, tree: Any, host: Any) -> None:
        self.host, self.diagram = host, read_diagram(tree)
        self.out: dict[str, list[Any]] = {}
        self.into: Counter[str] = Counter()
        for flow in self.diagram.flows:
            self.out.setdefault(flow.source, []).append(flow)
            self.into[flow.target] += 1
        self.root = Token("", None)
        self.begin(self.root)
        self.close(self.root)

    def begin(self, scope: Token) -> None:
        elements = self.diagram.elements.values()
        start = next(e.id for e in elements if e.type == "startEvent" and e.scope == scope.element)
        self.leave(start, scope)

    def leave(self, element: str, scope: Token) -> None:
        for flow in self.out.get(element, []):
            self.enter(flow, scope)

    def enter(self, flow: Any, scope: Token) -> None:
        element = self.diagram.elements[flow.target]
        if element.type in ("userTask", "intermediateCatchEvent", "subProcess"):
            token = Token(element.id, scope)
            token.edges = [e.id for e in self.diagram.elements.values() if e.on == element.id]
            scope.inside.append(token)
            if element.type == "subProcess":
                self.begin(token)
        elif element.type == "exclusiveGateway":
            self.enter(self.chosen(element), scope)
        elif element.type == "parallelGateway":
            scope.arrived[element.id, flow.id] += 1
            here = [key for key in scope.arrived if key[0] == element.id and scope.arrived[key]]
            if len(here) == self.into[element.id]:
                scope.arrived.subtract(here)
                self.leave(element.id, scope)
        elif element.type != "endEvent":
            self.leave(element.id, scope)

    def chosen(self, gate: Any) -> Any:
        ways = self.out[gate.id]
        for flow in ways:
            if flow.condition and self.host.evaluate(flow.condition):
                return flow
        return next(flow for flow in ways if flow.id == gate.default or len(ways) == 1)

    def close(self, scope: Token) -> None:
        """Subprocesses in which nothing is alive any more are done."""
        again = True
        while again:
            again = False
            for token in list(scope.inside):
                if self.diagram.elements[token.element].type == "subProcess":
                    self.close(token)
                    if not token.inside:
                        scope.inside.remove(token)
                        self.leave(token.element, scope)
                        again = True

    def live(self, scope: Token | None = None) -> list[tuple[str, Token]]:
        found: list[tuple[str, Token]] = []
        for token in (scope or self.root).inside:
            found += [(edge, token) for edge in token.edges]
            if self.diagram.elements[token.element].type == "subProcess":
                found += self.live(token)
            else:
                found.append((token.element, token))
        return found

    def act(self, element: str, token: Token) -> None:
        scope = token.scope
        assert scope is not None
        if element == token.element:
            scope.inside.remove(token)
        else:
            token.edges.remove(element)
            if self.diagram.elements[element].interrupting:
                scope.inside.remove(token)
        self.leave(element, scope)
        self.close(self.root)

    @property
    def over(self) -> bool:
        return not self.root.inside


class Pair:
    """An instance of ours beside the same one of the library and of the game, act by act; twins are matched as they open."""

    def __init__(self, sketch: Sketch, seed: int) -> None:
        self.fate = Fate(seed)
        self.ours, self.oracle = Case(sketch.spec(), self.fate), Oracle(sketch.spec(), self.fate)
        self.game = Game(sketch.tree(), self.fate)
        self.twins: dict[int, Any] = {}
        self.match()

    def match(self) -> None:
        ours = {live.ref: live.element for live in self.ours.step.live}
        theirs = {task.id: task for task in self.oracle.live()}
        assert Counter(ours.values()) == Counter(task.task_spec.bpmn_id for task in theirs.values())
        assert Counter(ours.values()) == Counter(element for element, _ in self.game.live())
        assert (self.ours.step.state is None) == self.oracle.over == self.game.over
        known = {ref: task for ref, task in self.twins.items() if ref in ours}
        assert {task.id for task in known.values()} <= set(theirs), (
            "another one of the same name was closed"
        )
        self.twins = known
        taken = {task.id for task in known.values()}
        fresh = [task for key, task in theirs.items() if key not in taken]
        for ref in sorted(set(ours) - set(known)):
            twin = next(task for task in fresh if task.task_spec.bpmn_id == ours[ref])
            fresh.remove(twin)
            self.twins[ref] = twin

    def act(self, number: int) -> bool:
        """One act chosen by a number; False when all is over."""
        if self.ours.step.state is None:
            return False
        self.fate.act += 1
        live = sorted(self.ours.step.live, key=lambda one: (one.element, one.ref))
        chosen = live[number % len(live)]
        work = machine.complete if chosen.kind == "task" else machine.fire
        same = [one.ref for one in live if one.element == chosen.element].index(chosen.ref)
        self.oracle.act(self.twins[chosen.ref])
        self.game.act(*[found for found in self.game.live() if found[0] == chosen.element][same])
        self.ours.keep(drive(work(self.ours.spec, self.ours.state, chosen.ref), self.fate))
        self.match()
        return True


def drawn(pick: Callable[[list[Any]], Any], deepest: int) -> Sketch:
    """A random well-formed diagram: every split has its join, every loop a wait, every side way its end."""
    sketch = Sketch()

    def events(host: str, out: str, depth: int) -> str:
        """Boundary events on a task or subprocess; gives where the flow goes on."""
        merge = ""
        for _ in range(pick([0, 0, 0, 1, 1, 2])):
            interrupting, kind = pick([False, True]), pick(["timer", "message"])
            edge = sketch.node(
                "boundaryEvent",
                sketch.fresh("edge"),
                sketch.event(kind),
                attachedToRef=host,
                cancelActivity=str(interrupting).lower(),
            )
            last = edge
            if depth > 0 and pick([False, True]):
                first, last = block(depth - 1)
                sketch.flow(edge, first)
            if interrupting:
                if not merge:
                    merge = sketch.node("exclusiveGateway", sketch.fresh("merge"))
                    sketch.flow(out, merge)
                sketch.flow(last, merge)
            else:
                sketch.flow(last, sketch.node("endEvent", sketch.fresh("side")))
        return merge or out

    def task(depth: int) -> tuple[str, str]:
        key = sketch.node("userTask", sketch.fresh("task"))
        return key, events(key, key, depth)

    def catch(depth: int) -> tuple[str, str]:
        kind = pick(["timer", "message"])
        key = sketch.node("intermediateCatchEvent", sketch.fresh("catch"), sketch.event(kind))
        return key, key

    def action(depth: int) -> tuple[str, str]:
        key = sketch.node(pick(["serviceTask", "businessRuleTask"]), sketch.fresh("act"))
        return key, key

    def row(depth: int) -> tuple[str, str]:
        first, last = block(depth - 1)
        for _ in range(pick([1, 2])):
            begin, end = block(depth - 1)
            sketch.flow(last, begin)
            last = end
        return first, last

    def choice(depth: int) -> tuple[str, str]:
        split, merge, default = sketch.fresh("gate"), sketch.fresh("merge"), sketch.fresh("flow")
        sketch.node("exclusiveGateway", split, default=default)
        sketch.node("exclusiveGateway", merge)
        ways = pick([2, 3])
        for number in range(ways):
            condition = f"{split}_{number}" if number < ways - 1 else ""
            key = default if number == ways - 1 else ""
            if number == ways - 1 and pick([False, True]):
                sketch.flow(split, merge, condition, key)
                continue
            first, last = block(depth - 1)
            sketch.flow(split, first, condition, key)
            sketch.flow(last, merge)
        return split, merge

    def parallel(depth: int) -> tuple[str, str]:
        split = sketch.node("parallelGateway", sketch.fresh("split"))
        join = sketch.node("parallelGateway", sketch.fresh("join"))
        for _ in range(pick([2, 3])):
            first, last = block(depth - 1)
            sketch.flow(split, first)
            sketch.flow(last, join)
        return split, join

    def loop(depth: int) -> tuple[str, str]:
        merge, gate, default = sketch.fresh("merge"), sketch.fresh("gate"), sketch.fresh("flow")
        sketch.node("exclusiveGateway", merge)
        first, last = task(depth - 1)
        sketch.flow(merge, first)
        if pick([False, True]):
            begin, end = block(depth - 1)
            sketch.flow(last, begin)
            last = end
        sketch.node("exclusiveGateway", gate, default=default)
        sketch.flow(last, gate)
        sketch.flow(gate, merge, gate)
        after = sketch.node("serviceTask", sketch.fresh("act"))
        sketch.flow(gate, after, "", default)
        return merge, after

    def subprocess(depth: int) -> tuple[str, str]:
        key = sketch.fresh("sub")
        outside, sketch.lines = sketch.lines, []
        inside(depth - 1)
        within, sketch.lines = "".join(sketch.lines), outside
        sketch.node("subProcess", key, within)
        return key, events(key, key, depth - 1)

    def inside(depth: int) -> None:
        start = sketch.node("startEvent", sketch.fresh("start"))
        first, last = block(depth)
        sketch.flow(start, first)
        sketch.flow(last, sketch.node("endEvent", sketch.fresh("end")))

    def block(depth: int) -> tuple[str, str]:
        small, large = [task, task, catch, action], [row, row, choice, parallel, loop, subprocess]
        return pick(small if depth <= 0 or sketch.count > 80 else large)(depth)

    inside(pick([deepest - 1, deepest]))
    return sketch


@st.composite
def sketches(draw: st.DrawFn) -> Sketch:
    """A diagram that shrinks when it is found to be bad."""
    return drawn(lambda choices: draw(st.sampled_from(choices)), 3)


def agree(sketch: Sketch, seed: int, acts: list[int]) -> None:
    pair = Pair(sketch, seed)
    for number in acts:
        if not pair.act(number):
            return


QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


GIVEN = given(
    sketches(), st.integers(0, 2**32), st.lists(st.integers(0, 99), min_size=5, max_size=40)
)


def agree_at(seed: int) -> None:
    """The same on a larger diagram with more acts, drawn by a seed."""
    dice = random.Random(seed)
    agree(drawn(dice.choice, 4), seed, [dice.randrange(100) for _ in range(60)])
