"""The four acts: start, complete a user task, fire a timer or message, look."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.defaults import (
    BoundaryEvent,
    EndEvent,
)
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.exceptions import SpiffWorkflowException
from SpiffWorkflow.task import Task, TaskState

from engine.errors import ProcessFault
from engine.machine.diagram import Outside, requests, workflow
from engine.machine.shapes import Live, Request, Run, Spec, State, Step
from engine.machine.state import ALIVE, load, save
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    Requests = Generator[Request, Any, None]

SPLIT = ".BoundaryEventSplit"  # what the library puts before a task with boundary events
STEP_BUDGET = 500  # engine steps in one command; more is a loop without a wait


def start(spec: Spec) -> Run:
    """Begin an instance and run it to its first waits."""
    return _advance(workflow(spec), {}, 1)


def complete(spec: Spec, state: State, ref: int) -> Run:
    """Finish the user task `ref` and run on. The caller holds the instance lock and its own row
    says that it is open.
    """
    flow, refs, top = load(spec, state)
    task = _find(refs, ref)
    if task.state != TaskState.READY or not task.task_spec.manual:
        raise ProcessFault(
            _("环节 {name} 不在办理中。", name=task.task_spec.name), element=task.task_spec.name
        )
    before = waiting_in(refs)
    return _advance(flow, {t.id: n for n, t in refs.items()}, top, before, task)


def fire(spec: Spec, state: State, ref: int) -> Run:
    """Let the timer or message `ref` happen and run on."""
    flow, refs, top = load(spec, state)
    task = _find(refs, ref)
    if task.state != TaskState.WAITING or not isinstance(
        getattr(task.task_spec, "event_definition", None), Outside
    ):
        raise ProcessFault(
            _("事件 {name} 不在等待中。", name=task.task_spec.name), element=task.task_spec.name
        )
    before = waiting_in(refs)
    task._set_internal_data(event_fired=True)
    task.task_spec._update(task)
    return _advance(flow, {t.id: n for n, t in refs.items()}, top, before)


def look(spec: Spec, state: State) -> tuple[Live, ...]:
    """What is alive in a saved state."""
    _, refs, _ = load(spec, state)
    return waiting_in(refs)


def waiting_in(refs: dict[int, Any]) -> tuple[Live, ...]:
    """What waits in a loaded run."""
    return tuple(_live({t.id: n for n, t in refs.items()}, refs.values()))


def _find(refs: dict[int, Any], ref: int) -> Any:
    if ref not in refs:
        raise ProcessFault(_("该环节已不存在。"))
    return refs[ref]


def _all(flow: BpmnWorkflow) -> Iterator[Task]:
    yield from flow.tasks.values()
    for sub in flow.subprocesses.values():
        yield from sub.tasks.values()


def _advance(
    flow: BpmnWorkflow,
    refs: dict[Any, int],
    top: int,
    before: tuple[Live, ...] = (),
    first: Task | None = None,
) -> Run:
    passed = _Passed()
    if first is not None:
        with _own_faults():
            yield from _pass(first)
            passed.note(first)
    return (yield from _onward(flow, refs, top, before, passed))


def advance_from(
    flow: BpmnWorkflow,
    refs: dict[Any, int],
    top: int,
    before: tuple[Live, ...],
    done: Iterable[str] = (),
) -> Run:
    """Run on from tokens that stand elsewhere now; `done`: the elements passed already."""
    return (yield from _onward(flow, refs, top, before, _Passed(list(done))))


def _onward(
    flow: BpmnWorkflow,
    refs: dict[Any, int],
    top: int,
    before: tuple[Live, ...],
    passed: _Passed,
) -> Run:
    with _own_faults():
        yield from _run(flow, passed)
    elements = tuple(passed.elements)
    if flow.is_completed():
        ends = [e for e in elements if isinstance(_spec_of(flow, e), EndEvent)]
        ended = ends[-1] if ends else ""
        return Step(None, (), elements, ended, before=before, taken=tuple(passed.taken))
    for task in _all(flow):
        if task.id not in refs and task.has_state(ALIVE):
            refs[task.id] = top
            top += 1
    live = tuple(_live(refs, _all(flow)))
    if not live:
        raise ProcessFault(
            _("流程停住了：没有待办、没有期限，也没有结束。"),
            advice=_("请检查流程图的分支与汇合。"),
        )
    kept = save(flow, refs, top)
    return Step(kept, live, elements, before=before, taken=tuple(passed.taken))


@dataclass
class _Passed:
    """The elements run through by one command, in order, and no more than the budget; the flows
    taken from them.
    """

    elements: list[str] = field(default_factory=list)
    taken: list[tuple[str, str]] = field(default_factory=list)

    def note(self, task: Task) -> None:
        element = getattr(task.task_spec, "bpmn_id", None)
        if element:
            self.elements.append(element)
        if len(self.elements) > STEP_BUDGET:
            endless = _("一次操作超过 {most} 步，流程图中可能有不停的循环。", most=STEP_BUDGET)
            raise ProcessFault(endless, element=element or "")
        self.follow(task)

    def follow(self, task: Task) -> None:
        """Note by which flows one went on from an element that is done."""
        source = getattr(task.task_spec, "bpmn_id", None)
        if source:
            after = (child.task_spec.name for child in task.children if child.has_state(ALIVE))
            self.taken += [(source, name.removesuffix(SPLIT)) for name in after]


@contextmanager
def _own_faults() -> Iterator[None]:
    """The library's exceptions become ours."""
    try:
        yield
    except SpiffWorkflowException as fault:
        element = getattr(getattr(fault, "task_spec", None), "name", "") or ""
        raise ProcessFault(str(fault), element=element) from fault


def _run(flow: BpmnWorkflow, passed: _Passed) -> Requests:
    """Run engine elements until only waits are left."""
    while True:
        moved = False
        for sub in [flow, *flow.subprocesses.values()]:
            if sub is not flow and sub.completed:
                continue
            for task in [t for t in list(sub.tasks.values()) if t.state == TaskState.READY]:
                if (
                    task.state == TaskState.READY
                    and task.id in sub.tasks
                    and not task.task_spec.manual
                ):
                    yield from _pass(task)
                    passed.note(task)
                    moved = True
        for key, sub in list(flow.subprocesses.items()):
            if sub.completed:
                parent = flow.get_task_from_id(key)
                if parent.state == TaskState.STARTED:
                    parent.task_spec._update(parent)
                    passed.follow(parent)
                    moved = True
        if not moved:
            return


def _pass(task: Task) -> Requests:
    yield from requests(task)
    task.task_spec._predict_hook(task)  # what follows must be there for the run to reach it
    task.run()


def _spec_of(flow: BpmnWorkflow, element: str) -> Any:
    for spec in (flow.spec, *flow.subprocess_specs.values()):
        if element in spec.task_specs:
            return spec.task_specs[element]
    return None


def _live(refs: dict[Any, int], tasks: Iterable[Task]) -> Iterator[Live]:
    for task in tasks:
        spec = task.task_spec
        outside = getattr(spec, "event_definition", None)
        if task.state == TaskState.READY and spec.manual:
            yield Live(refs[task.id], spec.bpmn_id, "task")
        elif task.state == TaskState.WAITING and isinstance(outside, Outside):
            on = ""
            if isinstance(spec, BoundaryEvent):
                on = task.parent.task_spec.name.removesuffix(SPLIT)
            yield Live(
                refs[task.id],
                spec.bpmn_id,
                outside.kind,
                text=outside.text,
                boundary=bool(on),
                on=on,
            )
