"""A token comes to stand somewhere else: what lies on its branch ends, and goes on from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, BoundaryEventSplit
from SpiffWorkflow.task import Task, TaskState

from engine.errors import ProcessFault
from engine.machine.acts import advance_from, waiting_in
from engine.machine.branches import branches, entry, leaves
from engine.machine.diagram import Gather
from engine.machine.state import ALIVE, load
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

    from engine.machine.shapes import Run, Spec, State


def again(spec: Spec, state: State, element: str, done: int = 0) -> Run:
    """Let the instance stand at a user task anew and run on from there; what is on its branch ends.
    `done`: the user task that is finished by that, and goes there instead of where its flow leads.

    Raises ProcessFault when nothing that is alive lies on the branch of the element.
    """
    flow, refs, top = load(spec, state)
    before = waiting_in(refs)
    sub = _level(flow, element)
    gone = _on_its_branch(sub, element) if sub is not None else []
    if sub is None or not gone or (done and refs.get(done) not in gone):
        raise ProcessFault(_("不能从这里回到环节 {name}。", name=element), element=element)
    passed = [refs[done].task_spec.bpmn_id] if done else []
    for task in gone:
        _remove(flow, sub, _whole(task))
    root = sub.task_tree
    Task(sub, sub.spec.task_specs[entry(sub.spec, element)], parent=root, state=TaskState.READY)
    kept = {each.id: ref for ref, each in refs.items()}
    return advance_from(flow, kept, top, before, passed)


def places(spec: Spec, state: State, ref: int) -> frozenset[str]:
    """The user tasks at which the instance may stand in place of the one that waits under `ref`."""
    flow, refs, _top = load(spec, state)
    found = set[str]()
    task = refs.get(ref)
    while task is not None:
        sub = task.workflow
        for name, other in sub.spec.task_specs.items():
            if other.manual and leaves(sub.spec, name, _branch(task)):
                found.add(name)
        task = None if sub is flow else flow.get_task_from_id(sub.parent_task_id)
    return frozenset(found)


def may_again(spec: Spec, state: State, element: str) -> bool:
    """Is there anything alive on the branch of this element, so that one can stand there anew?"""
    flow, _refs, _top = load(spec, state)
    sub = _level(flow, element)
    return sub is not None and bool(_on_its_branch(sub, element))


def beside(spec: Spec, one: str, other: str) -> bool:
    """Do two elements lie on one branch of one level, so that a token may go from each to the
    other?
    """
    for flow in (spec.process, *spec.subprocesses.values()):
        if one in flow.task_specs and other in flow.task_specs:
            known = branches(flow)
            own = known.get(entry(flow, one))
            return own is not None and own == known.get(entry(flow, other))
    return False


def _level(flow: BpmnWorkflow, element: str) -> Any:
    """The running level of the diagram to which an element belongs; None: it does not run."""
    levels = (each for each in (flow, *flow.subprocesses.values()) if not each.completed)
    return next((each for each in levels if element in each.spec.task_specs), None)


def _on_its_branch(sub: Any, element: str) -> list[Task]:
    alive = (task for task in sub.tasks.values() if task.has_state(ALIVE))
    tokens = (task for task in alive if not isinstance(task.task_spec, BoundaryEventJoin))
    return [task for task in tokens if leaves(sub.spec, element, _branch(task))]


def _branch(task: Task) -> Any:
    """The branch of a token; of one that has arrived at a gateway, that by which it came."""
    known = branches(task.workflow.spec)
    spec = task.task_spec
    if isinstance(spec, Gather) and task.state == TaskState.WAITING:
        came = task.parent.task_spec
        branch = known.get(came.name)
        forks = isinstance(came, Gather) and len(came.outputs) > 1
        return (*branch, (came.name, spec.name)) if forks and branch is not None else branch
    return known.get(spec.name)


def _whole(task: Task) -> Task:
    """A task with its boundary events, else the task itself."""
    split = task.parent
    return split if split is not None and isinstance(split.task_spec, BoundaryEventSplit) else task


def _remove(flow: BpmnWorkflow, sub: Any, task: Task) -> None:
    """Take a token away, with all that hangs below it and the levels that run in it."""
    if task.id not in sub.tasks:
        return
    for each in list(_below(task)):
        _end_level(flow, each.id)
    sub._remove_task(task.id)


def _end_level(flow: BpmnWorkflow, key: UUID) -> None:
    inner = flow.subprocesses.pop(key, None)
    for task in list(inner.tasks.values()) if inner is not None else ():
        _end_level(flow, task.id)


def _below(task: Task) -> Iterator[Task]:
    yield task
    for child in task.children:
        yield from _below(child)
