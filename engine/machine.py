"""Turns the handle of a diagram: (spec, state, act) -> Step. Pure but for its host; the only importer of SpiffWorkflow.

The machine keeps no business data. Its state is the list of elements that are alive and what joins still need, written in
our own few bytes (never SpiffWorkflow's serializer, whose migrations evaluate text), so it does not grow with age.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser, full_tag
from SpiffWorkflow.bpmn.parser.event_parsers import (
    BoundaryEventParser,
    EndEventParser,
    IntermediateCatchEventParser,
    StartEventParser,
)
from SpiffWorkflow.bpmn.parser.task_parsers import GatewayParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.script_engine.python_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.script_engine.python_environment import BasePythonScriptEngineEnvironment
from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.defaults import (
    BoundaryEvent,
    EndEvent,
    IntermediateCatchEvent,
    ParallelGateway,
    StartEvent,
)
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.exceptions import SpiffWorkflowException
from SpiffWorkflow.task import Task, TaskState

from engine.errors import EngineError, ProcessFault

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP_BUDGET = 500  # engine steps in one command; more is a loop without a wait
FORMAT = 1
ALIVE = TaskState.WAITING | TaskState.READY | TaskState.STARTED
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
    """An element that waits: a user task, a timer or a message. `parent` is the ref of the task a boundary event sits on."""

    ref: int
    element: str
    kind: str  # task | timer | message
    text: str = ""  # a timer's expression, a message's name
    boundary: bool = False
    on: str = ""  # the element that a boundary event sits on


@dataclass(frozen=True)
class Step:
    """What one act did. `state` is None when the instance has ended; `passed` are the elements run through, in order."""

    state: State | None
    live: tuple[Live, ...]
    passed: tuple[str, ...]
    ended: str = ""  # id of the end event that finished the instance


@dataclass(frozen=True)
class Spec:
    """A parsed diagram; immutable, kept per version."""

    process: Any
    subprocesses: dict[str, Any] = field(default_factory=dict)


# --- what a diagram may hold ---------------------------------------------------------------------------------------
class Outside(EventDefinition):  # type: ignore[misc]
    """An event that only the engine fires: a timer's moment or a person's message. The library's own clock never decides."""

    def __init__(self, kind: str, text: str, **kwargs: Any) -> None:
        super().__init__(name=text, **kwargs)
        self.kind, self.text = kind, text

    def has_fired(self, my_task: Any) -> bool:
        return bool(my_task._get_internal_data("event_fired", False))

    def catches(self, my_task: Any, event: Any) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


class _OutsideEvents:
    """Parser mix-in: timers and messages become `Outside`."""

    def parse_timer_event(self, event: Any) -> Outside:
        text = event.xpath("string(./*[local-name()='timeDate'])").strip()
        return Outside("timer", text)

    def parse_message_event(self, event: Any) -> Outside:
        name = self.process_parser.parser.messages.get(event.get("messageRef"), "")  # type: ignore[attr-defined]
        return Outside("message", name)


class _Catch(_OutsideEvents, IntermediateCatchEventParser):  # type: ignore[misc]
    pass


class _Boundary(_OutsideEvents, BoundaryEventParser):  # type: ignore[misc]
    pass


class _Start(_OutsideEvents, StartEventParser):  # type: ignore[misc]
    pass


class Action(BpmnSpecMixin):  # type: ignore[misc]
    """A service task: the name of a registered action, never source text."""

    def _run_hook(self, my_task: Any) -> bool:
        my_task.workflow.script_engine.environment.host.perform(self.bpmn_id)
        return True


class Decision(BpmnSpecMixin):  # type: ignore[misc]
    """A business rule task: the decision table of the same name."""

    def _run_hook(self, my_task: Any) -> bool:
        my_task.workflow.script_engine.environment.host.decide(self.bpmn_id)
        return True


class Gather(ParallelGateway):  # type: ignore[misc]
    """A parallel gateway: goes on when something has arrived by each way in, and uses up one arrival of each.

    The library's own counts what an earlier round of a loop has used up already, and goes on too early.
    """

    def _update_hook(self, my_task: Any) -> bool:
        found = {my_task.parent.task_spec: my_task}
        for task in my_task.workflow.tasks.values():
            if task.task_spec is self and task.state == TaskState.WAITING:
                found.setdefault(task.parent.task_spec, task)
        if len(found) < len(set(self.inputs)):
            my_task._set_state(TaskState.WAITING)
            return False
        for task in found.values():
            if task is not my_task:
                my_task.workflow._remove_task(task.id)
        return True

    def _run_hook(self, my_task: Any) -> bool:
        return True


class _Parser(BpmnParser):  # type: ignore[misc]
    OVERRIDE_PARSER_CLASSES = {
        full_tag("serviceTask"): (TaskParser, Action),
        full_tag("businessRuleTask"): (TaskParser, Decision),
        full_tag("intermediateCatchEvent"): (_Catch, IntermediateCatchEvent),
        full_tag("boundaryEvent"): (_Boundary, BoundaryEvent),
        full_tag("startEvent"): (_Start, StartEvent),
        full_tag("parallelGateway"): (GatewayParser, Gather),
        full_tag("endEvent"): (EndEventParser, EndEvent),
    }


class _Environment(BasePythonScriptEngineEnvironment):  # type: ignore[misc]
    """Every expression of the library ends here, and from here in our own evaluator. `fault`: what the host raised."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self.host = host
        self.fault: Exception | None = None

    def evaluate(self, expression: str, context: Any, external_context: Any = None) -> Any:
        try:
            return self.host.evaluate(expression)
        except Exception as fault:  # the library would hide it behind its own
            self.fault = fault
            raise

    def execute(self, script: str, context: Any, external_context: Any = None) -> Any:
        raise ProcessFault("流程图中不得含有脚本。")

    def call_service(self, context: Any, **kwargs: Any) -> Any:
        raise ProcessFault("服务任务只能是登记过的动作。")


def parse(tree: Any, process_id: str) -> Spec:
    """The spec of a checked diagram (an lxml tree). Raises ProcessFault with the library's words when it is not sound."""
    parser = _Parser()
    try:
        parser.add_bpmn_xml(tree, "process.bpmn")
        process = parser.get_spec(process_id)
        return Spec(process, parser.get_subprocess_specs(process_id))
    except EngineError:
        raise
    except Exception as fault:  # the library raises many kinds
        raise ProcessFault(str(fault), file="process.bpmn") from fault


# --- acts ----------------------------------------------------------------------------------------------------------
def start(spec: Spec, host: Host) -> Step:
    """Begin an instance and run it to its first waits."""
    flow = _workflow(spec, host)
    flow_tasks: dict[Any, int] = {}
    return _advance(flow, flow_tasks, 1)


def complete(spec: Spec, state: State, ref: int, host: Host) -> Step:
    """Finish the user task `ref` and run on. The caller holds the instance lock and its own row says that it is open."""
    flow, refs, top = _load(spec, state, host)
    task = _find(refs, ref)
    if task.state != TaskState.READY or not task.task_spec.manual:
        raise ProcessFault(f"环节 {task.task_spec.name} 不在办理中。", element=task.task_spec.name)
    return _advance(flow, {t.id: n for n, t in refs.items()}, top, task)


def fire(spec: Spec, state: State, ref: int, host: Host) -> Step:
    """Let the timer or message `ref` happen and run on."""
    flow, refs, top = _load(spec, state, host)
    task = _find(refs, ref)
    if task.state != TaskState.WAITING or not isinstance(getattr(task.task_spec, "event_definition", None), Outside):
        raise ProcessFault(f"事件 {task.task_spec.name} 不在等待中。", element=task.task_spec.name)
    task._set_internal_data(event_fired=True)
    task.task_spec._update(task)
    return _advance(flow, {t.id: n for n, t in refs.items()}, top)


def look(spec: Spec, state: State) -> tuple[Live, ...]:
    """What is alive in a saved state."""
    _, refs, _ = _load(spec, state, _Nobody())
    return tuple(_live({t.id: n for n, t in refs.items()}, refs.values()))


class _Nobody:
    def evaluate(self, expression: str) -> Any:
        raise ProcessFault("读取状态时不得求值。")

    decide = perform = evaluate


def _workflow(spec: Spec, host: Host, loading: bool = False) -> Any:
    return BpmnWorkflow(
        spec.process, spec.subprocesses, script_engine=PythonScriptEngine(_Environment(host)), deserializing=loading
    )


def _find(refs: dict[int, Any], ref: int) -> Any:
    if ref not in refs:
        raise ProcessFault("该环节已不存在。")
    return refs[ref]


def _all(flow: Any) -> Iterator[Any]:
    yield from flow.tasks.values()
    for sub in flow.subprocesses.values():
        yield from sub.tasks.values()


def _advance(flow: Any, refs: dict[Any, int], top: int, first: Any = None) -> Step:
    passed: list[str] = []

    def ran(task: Any) -> None:
        element = getattr(task.task_spec, "bpmn_id", None)
        if element:
            passed.append(element)
        if len(passed) > STEP_BUDGET:
            raise ProcessFault(f"一次操作超过 {STEP_BUDGET} 步,流程图中可能有不停的循环。", element=element or "")

    try:
        if first is not None:
            first.run()
            ran(first)
        _run(flow, ran)
    except EngineError:
        raise
    except SpiffWorkflowException as fault:
        own = flow.script_engine.environment.fault
        if own is not None:
            raise own from None
        raise ProcessFault(str(fault), element=getattr(getattr(fault, "task_spec", None), "name", "") or "") from fault
    if flow.is_completed():
        ends = [e for e in passed if isinstance(_spec_of(flow, e), EndEvent)]
        return Step(None, (), tuple(passed), ends[-1] if ends else "")
    for task in _all(flow):
        if task.id not in refs and task.has_state(ALIVE):
            top += 1
            refs[task.id] = top - 1
    live = tuple(_live(refs, _all(flow)))
    if not live:
        raise ProcessFault("流程停住了:没有待办、没有期限,也没有结束。", advice="请检查流程图的分支与汇合。")
    return Step(_save(flow, refs, top), live, tuple(passed))


def _run(flow: Any, ran: Any) -> None:
    """Run engine elements until only waits are left."""
    while True:
        moved = False
        for sub in [flow, *flow.subprocesses.values()]:
            if sub is not flow and sub.completed:
                continue
            for task in [t for t in list(sub.tasks.values()) if t.state == TaskState.READY]:
                if task.state == TaskState.READY and task.id in sub.tasks and not task.task_spec.manual:
                    task.run()
                    ran(task)
                    moved = True
        for key, sub in list(flow.subprocesses.items()):
            if sub.completed:
                parent = flow.get_task_from_id(key)
                if parent.state == TaskState.STARTED:
                    parent.task_spec._update(parent)
                    moved = True
        if not moved:
            return


def _spec_of(flow: Any, element: str) -> Any:
    for spec in (flow.spec, *flow.subprocess_specs.values()):
        if element in spec.task_specs:
            return spec.task_specs[element]
    return None


def _live(refs: dict[Any, int], tasks: Any) -> Iterator[Live]:
    for task in tasks:
        spec = task.task_spec
        outside = getattr(spec, "event_definition", None)
        if task.state == TaskState.READY and spec.manual:
            yield Live(refs[task.id], spec.bpmn_id, "task")
        elif task.state == TaskState.WAITING and isinstance(outside, Outside):
            on = ""
            if isinstance(spec, BoundaryEvent):
                on = task.parent.task_spec.name.removesuffix(".BoundaryEventSplit")
            yield Live(refs[task.id], spec.bpmn_id, outside.kind, outside.text, bool(on), on)


# --- state ---------------------------------------------------------------------------------------------------------
# {"v": 1, "next": n, "flows": [[parent ref or 0, [[ref, parent ref, spec name, state, fired], ...]], ...]}
# The first task of a flow is its root. Predicted tasks are not kept: they follow from the spec.
def _save(flow: Any, refs: dict[Any, int], top: int) -> State:
    flows = []
    for sub in [flow, *[s for s in flow.subprocesses.values() if not s.completed]]:
        rows: list[list[Any]] = []
        keep = _needed(sub)
        for task in _walk(sub.task_tree, keep):
            if task.id not in refs:
                refs[task.id] = top
                top += 1
            parent = task.parent
            while parent is not None and parent.id not in keep:
                parent = parent.parent
            fired = 1 if task._get_internal_data("event_fired", False) else 0
            rows.append(
                [refs[task.id], refs[parent.id] if parent is not None else 0, task.task_spec.name, task.state, fired]
            )
        flows.append([0 if sub is flow else refs[sub.parent_task_id], rows])
    return {"v": FORMAT, "next": top, "flows": flows}


def _walk(task: Any, keep: set[Any]) -> Iterator[Any]:
    stack = [task]
    while stack:
        current = stack.pop()
        if current.id in keep:
            yield current
        stack.extend(reversed(current.children))


def _needed(sub: Any) -> set[Any]:
    """The tasks that the rest of the run can still ask for; what lies between them is left out.

    All that is alive; what it hangs on, where that matters (a boundary event, an arrival at a gateway); and a task whose
    boundary events still wait, with these. So the state of an instance that went round two hundred times is as small as
    on its first day.
    """
    keep = {sub.task_tree.id}
    for task in sub.tasks.values():
        if not task.has_state(ALIVE) or _at_the_end(task):
            continue
        keep.add(task.id)
        if isinstance(task.task_spec, (BoundaryEvent, Gather)):
            keep.add(task.parent.id)
        above = task.parent
        while above is not None:
            if isinstance(above.task_spec, BoundaryEventSplit) and not _joined(above):
                keep.update([above.id, *(child.id for child in above.children if child.state >= TaskState.WAITING)])
            above = above.parent
    return keep


def _at_the_end(task: Any) -> bool:
    """A branch that came to its end while others go on; the last one to arrive needs nothing of it."""
    return str(task.task_spec.name).endswith(".EndJoin")


def _joined(split: Any) -> bool:
    join = split.task_spec.name.removesuffix("Split") + "Join"
    return any(t.task_spec.name == join and t.state == TaskState.COMPLETED for c in split.children for t in c.children)


def _load(spec: Spec, state: State, host: Host) -> tuple[Any, dict[int, Any], int]:
    if state.get("v") != FORMAT:
        raise ProcessFault("保存的状态不是本版本写的,拒绝载入。")
    flow = _workflow(spec, host, loading=True)
    refs: dict[int, Any] = {}
    for owner, rows in state["flows"]:
        if owner:
            parent = refs[owner]
            sub = flow.create_subprocess(parent, parent.task_spec.spec)
            sub.tasks.clear()
            sub.completed_event.connect(parent.task_spec._on_subworkflow_completed, parent)
        else:
            sub = flow
        for ref, above, name, code, fired in rows:
            parent_task = refs[above] if above else None
            task = Task(sub, sub.spec.task_specs[name], parent=parent_task, state=code)
            if above == 0:
                sub.task_tree = task
            if fired:
                task._set_internal_data(event_fired=True)
            refs[ref] = task
    for task in list(refs.values()):
        if task.has_state(ALIVE) and not isinstance(task.task_spec, BoundaryEventSplit):
            task.task_spec._predict(task, mask=TaskState.NOT_FINISHED_MASK)
    return flow, refs, int(state["next"])
