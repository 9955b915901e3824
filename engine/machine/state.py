"""Saves and loads what is alive, in our own few bytes; never the library's serializer, whose
migrations evaluate text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task, TaskState

from engine.errors import ProcessFault
from engine.machine.diagram import Gather, workflow
from engine.machine.shapes import Spec, State
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = 1
ALIVE = TaskState.WAITING | TaskState.READY | TaskState.STARTED


# {"v": 1, "next": n, "flows": [[parent ref or 0, [[ref, parent ref, spec name, state, fired],
# ...]], ...]} The first task of a flow is its root. Predicted tasks are not kept: they follow from
# the spec.
def save(flow: BpmnWorkflow, refs: dict[Any, int], top: int) -> State:
    """The state to keep; new tasks get their refs from `top` on."""
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
                [
                    refs[task.id],
                    refs[parent.id] if parent is not None else 0,
                    task.task_spec.name,
                    task.state,
                    fired,
                ]
            )
        flows.append([0 if sub is flow else refs[sub.parent_task_id], rows])
    return {"v": FORMAT, "next": top, "flows": flows}


def _walk(task: Task, keep: set[Any]) -> Iterator[Any]:
    stack = [task]
    while stack:
        current = stack.pop()
        if current.id in keep:
            yield current
        stack.extend(reversed(current.children))


def _needed(sub: BpmnWorkflow) -> set[Any]:
    """The tasks that the rest of the run can still ask for; what lies between them is left out.

    All that is alive; what it hangs on, where that matters (a boundary event, an arrival at a
    gateway); and a task whose boundary events still wait, with these. So the state of an instance
    that went round two hundred times is as small as on its first day.
    """
    keep = {sub.task_tree.id}
    for task in sub.tasks.values():
        # a branch at its end while others go on: the last one to arrive needs nothing of it
        ended = str(task.task_spec.name).endswith(".EndJoin")
        if ended or not task.has_state(ALIVE):
            continue
        keep.add(task.id)
        if isinstance(task.task_spec, (BoundaryEvent, Gather)):
            keep.add(task.parent.id)
        above = task.parent
        while above is not None:
            if isinstance(above.task_spec, BoundaryEventSplit) and not _joined(above):
                keep.update(
                    [
                        above.id,
                        *(child.id for child in above.children if child.state >= TaskState.WAITING),
                    ]
                )
            above = above.parent
    return keep


def _joined(split: Task) -> bool:
    join = split.task_spec.name.removesuffix("Split") + "Join"
    return any(
        t.task_spec.name == join and t.state == TaskState.COMPLETED
        for c in split.children
        for t in c.children
    )


def load(spec: Spec, state: State) -> tuple[Any, dict[int, Any], int]:
    if state.get("v") != FORMAT:
        raise ProcessFault(_("保存的状态不是本版本写的，拒绝载入。"))
    flow = workflow(spec, loading=True)
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
    return flow, refs, int(state["next"])
