"""Faults of the way through a diagram: what is never reached, what never ends, what turns without
waiting for anybody.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING

from engine.definitions.check.diagram import FILE, called
from engine.definitions.check.fault import Fault, shown
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.definitions.diagram import Diagram, Element

MAX_AT_ONCE = 512  # ways through all parallel gateways of a diagram, one after another
WAITS = {"userTask", "intermediateCatchEvent", "boundaryEvent"}


def faults(diagram: Diagram) -> Iterator[Fault]:
    """All faults of all levels; a subprocess is a level of its own."""
    inner = [each.id for each in diagram.elements.values() if each.type == "subProcess"]
    levels = {scope: Level(diagram, scope) for scope in ["", *inner]}
    for level in levels.values():
        yield from level.starts()
        yield from level.unreachable()
        yield from level.dead_ends()
    yield from _endless(diagram, levels)
    yield from _crowded(diagram)


class Level:
    """The nodes of the main level or of one subprocess, and what follows each of them."""

    def __init__(self, diagram: Diagram, scope: str) -> None:
        self.scope = scope
        self.nodes: dict[str, Element] = {
            e.id: e for e in diagram.elements.values() if e.scope == scope
        }
        # what cannot be used is told elsewhere; the ways through it are ways all the same
        refused = (key for key, _kind in diagram.unknown if key)
        self.next: dict[str, list[str]] = {key: [] for key in (*self.nodes, *refused)}
        for flow in diagram.flows:
            if flow.source in self.next and flow.target in self.next:
                self.next[flow.source].append(flow.target)
        self.out = {key: bool(after) for key, after in self.next.items()}  # without boundary events
        for element in self.nodes.values():
            if element.type == "boundaryEvent" and element.on in self.nodes:
                self.next[element.on].append(element.id)

    def of(self, kind: str) -> list[str]:
        """The ids of the nodes of a kind."""
        return [e.id for e in self.nodes.values() if e.type == kind]

    def called(self) -> str:
        """This level in words."""
        return _("子流程 {scope} 里", scope=self.scope) if self.scope else _("流程里")

    def starts(self) -> Iterator[Fault]:
        """Exactly one start, at least one end."""
        scope, level, starts = shown(self.scope), self.called(), len(self.of("startEvent"))
        if starts != 1:
            what = _("{level}有 {starts} 个开始事件。", level=level, starts=starts)
            yield Fault(FILE, scope, what, _("应当恰好有一个。"))
        if not self.of("endEvent"):
            what = _("{level}没有结束事件。", level=level)
            yield Fault(FILE, scope, what, _("请画上结束事件。"))

    def unreachable(self) -> Iterator[Fault]:
        """Nodes that no way from the start leads to."""
        begins = self.of("startEvent")
        if not begins:
            return
        found = _reached(begins, self.next)
        for element in self.nodes.values():
            loose = element.type == "boundaryEvent" and element.on not in self.nodes
            if element.id not in found and not loose:
                what = _("“{name}”永远走不到。", name=called(element))
                yield Fault(FILE, element.id, what, _("请从前面的节点连一条线过来，或删去它。"))

    def dead_ends(self) -> Iterator[Fault]:
        """Nodes from which nothing leads to an end."""
        ends = self.of("endEvent")
        alive = _reached(ends, self._back()) | self.heard_to_the_end()
        for element in self.nodes.values():
            if element.type == "endEvent":
                continue
            name = called(element)
            if not self.out[element.id]:
                what = _("“{name}”之后没有路。", name=name)
                yield Fault(FILE, element.id, what, _("请连到下一个节点或结束事件。"))
            elif ends and element.id not in alive:
                what = _("从“{name}”走不到任何结束事件。", name=name)
                yield Fault(FILE, element.id, what, _("请给回路留一个出口。"))

    def heard_to_the_end(self) -> set[str]:
        """Circles beside the way through that listen for messages: an end that ends all of this
        level ends them, so that they need no way out of their own.
        """
        if not any(element.terminates for element in self.nodes.values()):
            return set()
        each = self.nodes.values()
        begun = [e.id for e in each if e.type == "boundaryEvent" and not e.interrupting]
        beside = _reached(begun, self.next) & set(self.nodes)
        listening = {
            key
            for key in beside
            if self.nodes[key].type == "intermediateCatchEvent" and self.nodes[key].message
        }
        return _reached(listening, self._back()) & beside

    def _back(self) -> dict[str, list[str]]:
        """What comes before each node. What happens beside a task does not lead it to its end."""
        beside = {
            key
            for key, element in self.nodes.items()
            if element.type == "boundaryEvent" and not element.interrupting
        }
        back: dict[str, list[str]] = {key: [] for key in self.next}
        for source, targets in self.next.items():
            for target in targets:
                if target not in beside:
                    back[target].append(source)
        return back

    def passes_at_once(self, waiting: set[str]) -> bool:
        """Can one get from the start to an end without waiting?"""
        remaining = {k: [t for t in after if t not in waiting] for k, after in self.next.items()}
        return bool(_reached(self.of("startEvent"), remaining) & set(self.of("endEvent")))


def _reached(start: Iterable[str], following: dict[str, list[str]]) -> set[str]:
    found = set(start)
    stack = list(found)
    while stack:
        for target in following.get(stack.pop(), ()):
            if target not in found:
                found.add(target)
                stack.append(target)
    return found


def _endless(diagram: Diagram, levels: dict[str, Level]) -> Iterator[Fault]:
    """Circles without a wait. A subprocess waits when no way through it is free of waits, so the
    innermost come first.
    """
    waiting = {e.id for e in diagram.elements.values() if e.type in WAITS}
    waiting |= {key for key, _kind in diagram.unknown}  # nobody knows what these would do
    for scope in reversed(list(levels)):
        level = levels[scope]
        turning = _on_circles(
            {
                k: [t for t in level.next[k] if t not in waiting]
                for k in level.nodes
                if k not in waiting
            }
        )
        if turning:
            names = Listed(called(level.nodes[key]) for key in sorted(turning)[:8])
            yield Fault(
                FILE,
                sorted(turning)[0],
                _("{names} 连成了不停的循环：中间没有人办，也不等时间。", names=names),
                _("请在回路里放一个用户任务或定时事件。"),
            )
        if scope and not level.passes_at_once(waiting):
            waiting.add(scope)


def _crowded(diagram: Diagram) -> Iterator[Fault]:
    """The work of a step doubles with each parallel gateway ahead."""
    gates = {e.id for e in diagram.elements.values() if e.type == "parallelGateway"}
    out = Counter(flow.source for flow in diagram.flows if flow.source in gates)
    if prod(out.values()) > MAX_AT_ONCE:
        yield Fault(
            FILE,
            min(gates),
            _("并行网关太多，各条路的组合太多。"),
            _("各并行网关出去的连线数相乘不能超过 {most}。", most=MAX_AT_ONCE),
        )


def _on_circles(following: dict[str, list[str]]) -> set[str]:
    """The nodes that are left when those without a way in, then those without a way on, are taken
    off one after another.
    """
    back: dict[str, list[str]] = {key: [] for key in following}
    for source, targets in following.items():
        for target in targets:
            back[target].append(source)
    return _peeled(_peeled(set(following), back, following), following, back)


def _peeled(left: set[str], toward: dict[str, list[str]], away: dict[str, list[str]]) -> set[str]:
    count = {key: sum(other in left for other in toward[key]) for key in left}
    stack = [key for key, number in count.items() if number == 0]
    while stack:
        gone = stack.pop()
        left.discard(gone)
        for other in away[gone]:
            if other in left:
                count[other] -= 1
                if count[other] == 0:
                    stack.append(other)
    return left
