"""Reads a checked diagram into the library's spec: only what a diagram may hold, every expression
ending in our evaluator.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

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
from SpiffWorkflow.bpmn.specs.defaults import (
    BoundaryEvent,
    EndEvent,
    ExclusiveGateway,
    IntermediateCatchEvent,
    ParallelGateway,
    StartEvent,
)
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task, TaskState

from engine.errors import EngineError, ProcessFault
from engine.machine.shapes import Need, Request, Spec
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Generator

    from lxml.etree import _Element
    from SpiffWorkflow.specs.base import TaskSpec


class Outside(EventDefinition):  # type: ignore[misc]
    """An event that only the engine fires: a timer's moment or a person's message. The library's
    own clock never decides.
    """

    def __init__(self, kind: str, text: str, **kwargs: Any) -> None:
        super().__init__(name=text, **kwargs)
        self.kind, self.text = kind, text

    def has_fired(self, my_task: Task) -> bool:
        return bool(my_task._get_internal_data("event_fired", False))

    def catches(self, my_task: Task, event: object) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


class _OutsideEvents:
    """Parser mix-in: timers and messages become `Outside`."""

    def parse_timer_event(self, event: _Element) -> Outside:
        text = str(event.xpath("string(./*[local-name()='timeDate'])")).strip()
        return Outside("timer", text)

    def parse_message_event(self, event: _Element) -> Outside:
        names = self.process_parser.parser.messages  # type: ignore[attr-defined]
        name = str(names.get(event.get("messageRef"), ""))
        return Outside("message", name)


class _Catch(_OutsideEvents, IntermediateCatchEventParser):  # type: ignore[misc]
    pass


class _Boundary(_OutsideEvents, BoundaryEventParser):  # type: ignore[misc]
    pass


class _Start(_OutsideEvents, StartEventParser):  # type: ignore[misc]
    pass


class Action(BpmnSpecMixin):  # type: ignore[misc]
    """A service task: the name of a registered action, never source text."""


class Decision(BpmnSpecMixin):  # type: ignore[misc]
    """A business rule task: the decision table of the same name."""


class Gather(ParallelGateway):  # type: ignore[misc]
    """A parallel gateway: goes on when something has arrived by each way in, and uses up one
    arrival of each.

    The library's own counts what an earlier round of a loop has used up already, and goes on too
    early.
    """

    def _update_hook(self, my_task: Task) -> bool:
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

    def _run_hook(self, my_task: Task) -> bool:
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
    """Every expression of the library ends here, where its value lies ready: it was asked for
    before the gateway runs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}

    def evaluate(self, expression: str, context: object, external_context: object = None) -> Any:
        return self.values[expression]

    def execute(self, script: str, context: object, external_context: object = None) -> Any:
        raise ProcessFault(_("流程图中不得含有脚本。"))

    def call_service(self, context: object, **kwargs: Any) -> Any:
        raise ProcessFault(_("服务任务只能是登记过的动作。"))


def parse(tree: _Element, process_id: str) -> Spec:
    """The spec of a checked diagram (an lxml element). Raises ProcessFault with the library's words
    when it is not sound.
    """
    parser = _Parser()
    try:
        parser.add_bpmn_xml(tree, "process.bpmn")
        made = Spec(parser.get_spec(process_id), parser.get_subprocess_specs(process_id))
    except EngineError:
        raise
    except Exception as fault:  # the library raises many kinds
        raise ProcessFault(str(fault), file="process.bpmn") from fault
    for flow in (made.process, *made.subprocesses.values()):
        for element in flow.task_specs.values():
            element._predict = partial(_foresee, element)
    return made


def _foresee(element: TaskSpec, task: Task, *_: Any, mask: int = TaskState.PREDICTED_MASK) -> None:
    """The next elements only: the library would draw the rest of the diagram at every step, and
    nobody looks at it.
    """
    if task.has_state(mask):
        element._predict_hook(task)


def workflow(spec: Spec, loading: bool = False) -> Any:
    """The library's run of a diagram; `loading`: without its start, for a saved state."""
    return BpmnWorkflow(
        spec.process,
        spec.subprocesses,
        script_engine=PythonScriptEngine(_Environment()),
        deserializing=loading,
    )


def requests(task: Task) -> Generator[Request, Any, None]:
    """What an element needs before it may run; a gateway's conditions one by one, until one
    holds.
    """
    spec = task.task_spec
    if isinstance(spec, Action):
        yield Request(Need.PERFORM, spec.bpmn_id)
    elif isinstance(spec, Decision):
        yield Request(Need.DECIDE, spec.bpmn_id)
    elif isinstance(spec, ExclusiveGateway):
        values = task.workflow.script_engine.environment.values = {}
        for condition in filter(None, (condition for condition, _ in spec.cond_task_specs)):
            expression = condition.args[0]
            values[expression] = yield Request(Need.EVALUATE, expression)
            if values[expression]:
                return
