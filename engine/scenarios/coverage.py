"""How much of a process its stories meet: its flows, boundary timers, gates and guards on both
sides, and the rows of its decision tables.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.definitions.check import Fault
from engine.messages import Listed, Message, _
from engine.scenarios.words import titled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.commands.traces import Trace
    from engine.definitions import Process
    from engine.definitions.diagram import Diagram, Flow

FILE = "process.bpmn"
START = "startEvent"


@dataclass(frozen=True)
class Part:
    """Of one kind of things what there is and what no story meets, in words."""

    title: Message
    total: int
    unmet: tuple[Message, ...]

    @property
    def met(self) -> int:
        return self.total - len(self.unmet)


def faults(process: Process, trace: Trace) -> Iterator[Fault]:
    """Each flow that no story meets, with the shortest way to it from a start."""
    for flow in _unmet_flows(process, trace):
        what = _("没有故事走过{flow}。", flow=_flow(process, flow))
        advice = _("请写一个这样走的故事：{way}。", way=_way(process, flow))
        yield Fault(FILE, flow.id, what, advice)


def parts(process: Process, trace: Trace) -> list[Part]:
    """What `yixing check --coverage` tells, kind by kind."""
    return [
        Part(
            _("连线"),
            len(process.diagram.flows),
            tuple(_flow(process, flow) for flow in _unmet_flows(process, trace)),
        ),
        _timers(process, trace),
        *_demands(process, trace),
        _rows(process, trace),
    ]


# --- flows and timers -----------------------------------------------------------------------------
def _unmet_flows(process: Process, trace: Trace) -> list[Flow]:
    flows = process.diagram.flows
    return [f for f in flows if (process.id, f.source, f.target) not in trace.flows]


def _flow(process: Process, flow: Flow) -> Message:
    source, target = titled(process, flow.source), titled(process, flow.target)
    if not flow.name:
        return _("从“{source}”到“{target}”的连线", source=source, target=target)
    named = {"name": flow.name, "source": source, "target": target}
    return _("从“{source}”到“{target}”的连线（{name}）", **named)


def _timers(process: Process, trace: Trace) -> Part:
    timers = [e for e in process.diagram.elements.values() if e.type == "boundaryEvent" and e.timer]
    silent = [e.id for e in timers if (process.id, e.id) not in trace.elements]
    return Part(_("边界定时"), len(timers), tuple(Listed([titled(process, e)]) for e in silent))


def _way(process: Process, flow: Flow) -> Message:
    """The elements that one passes from the start to the end of a flow, the fewest there are."""
    before = _before(process.diagram)
    way: list[str] = []
    at: str | None = flow.source
    while at is not None:
        way.append(at)
        at = before.get(at)
    elements = process.diagram.elements
    named = [e for e in reversed(way) if elements[e].name or elements[e].type == "userTask"]
    return Listed((titled(process, each) for each in [*named, flow.target]), " → ")


def _before(diagram: Diagram) -> dict[str, str | None]:
    """What comes before each element on the shortest way from a start; None before a start."""
    following = _following(diagram)
    starts = [e.id for e in diagram.elements.values() if e.type == START and not e.scope]
    found: dict[str, str | None] = dict.fromkeys(starts)
    ahead = deque(starts)
    while ahead:
        source = ahead.popleft()
        for target in following[source]:
            if target not in found and target in following:
                found[target] = source
                ahead.append(target)
    return found


def _following(diagram: Diagram) -> dict[str, list[str]]:
    """What may come after each element: by a flow, as an event on it, as the start inside it."""
    following: dict[str, list[str]] = {key: [] for key in diagram.elements}
    for element in diagram.elements.values():
        around = element.on or (element.scope if element.type == START else "")
        if around in following:
            following[around].append(element.id)
    for flow in diagram.flows:
        following[flow.source].append(flow.target)
    return following


# --- gates, guards and decisions ------------------------------------------------------------------
def _demands(process: Process, trace: Trace) -> Iterator[Part]:
    """Gates and guards: once held, and once not."""
    asked = [
        (
            rule.id,
            gate.holds,
            _("“{title}”：{text}", title=titled(process, rule.id), text=gate.text),
        )
        for rule in process.tasks.values()
        for gate in rule.gates
    ]
    asked += [("", guard.holds, Listed([guard.text])) for guard in process.guards]
    sides = ((True, _("关口（成立）")), (False, _("关口（被拒绝）")))
    for held, title in sides:
        unmet = [w for task, e, w in asked if (process.id, task, e, held) not in trace.demands]
        yield Part(title, len(asked), tuple(unmet))


def _rows(process: Process, trace: Trace) -> Part:
    rows = [(key, n) for key, t in process.decisions.items() for n in range(1, len(t.rules) + 1)]
    unmet = tuple(
        _("{table} 第 {row} 行", table=titled(process, table), row=row)
        for table, row in rows
        if (process.id, table, row) not in trace.rows
    )
    return Part(_("决策表的行"), len(rows), unmet)
