"""Faults of what a process waits for: a step that no moment limits, a step whose person nobody can
replace, a message that holds everything up.

What the engine does for every folder counts. A post is given to somebody else, who finds its work;
the office urges, hands over and ends what is open, and in a confidential matter whoever acts in it
by a post urges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import expressions, legacy
from engine.definitions.check.diagram import FILE, called
from engine.definitions.check.fault import Fault
from engine.errors import ProcessFault
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.diagram import Diagram, Element

_WHO = frozenset({"actor", "starter"})  # names in expressions that no fact changes
_PERSONAL = {"userTask", "intermediateCatchEvent"}


def faults(draft: Draft) -> Iterator[Fault]:
    """All faults of the steps of a folder that wait."""
    if draft.diagram is None or not draft.raw:
        return
    waits = _Waits(draft, draft.diagram)
    described = (
        set(draft.elements("userTask")) & draft.table("tasks").keys()
    )  # others are told already
    for element in draft.diagram.elements.values():
        if element.id in described - draft.polls:  # a poll has its end
            yield from _without_a_moment(waits, element)
            yield from _without_another(waits, element)
        elif element.type == "intermediateCatchEvent" and element.message:
            yield from _held_up(waits, element)


def _without_a_moment(waits: _Waits, element: Element) -> Iterator[Fault]:
    name = called(element)
    limited = waits.draft.table("tasks").get(element.id, {}).get("due")
    if limited and not waits.watched():
        what = _("“{name}”到期以后没有人督办：本件保密，没有一条泳道由职务担任。", name=name)
        yield Fault(FILE, element.id, what, _("请附上定时事件，写明到期以后怎样继续。"))
    elif not (limited or waits.timers_on(element) or waits.leaves_in_time(element)):
        what = _("“{name}”没有期限，一直没有人办也没有人知道。", name=name)
        advice = _(
            "请在 process.toml 写 due = 'due(\"规则编号\")'（没有规定的用 STEP-DAYS），或附上定时事件。"
        )
        yield Fault(FILE, element.id, what, advice)


def _without_another(waits: _Waits, element: Element) -> Iterator[Fault]:
    if not waits.persons(element):
        return
    roads = (waits.leaves_in_time, waits.ended_beside, waits.handed_over, waits.named_anew)
    if not any(road(element) for road in roads):
        what = _("“{name}”的办理人因病、离开或者应当回避时，没有人能接替。", name=called(element))
        advice = _(
            "请附上到期就往下走的定时事件，或写一项由职务提出的消息，另定 {facts}。",
            facts=", ".join(sorted(waits.persons(element))),
        )
        yield Fault(FILE, element.id, what, advice)


def _held_up(waits: _Waits, element: Element) -> Iterator[Fault]:
    if not waits.left_by_others(element):
        what = _("“{name}”的消息一直不来，这里就不会结束。", name=called(element))
        yield Fault(FILE, element.id, what, _("请另画一条到期或者由别的环节结束的路。"))


class _Waits:
    """A folder, asked what else leads on from a step that waits."""

    def __init__(self, draft: Draft, diagram: Diagram) -> None:
        self.draft, self.diagram = draft, diagram
        self.next: dict[str, list[str]] = {}
        for flow in diagram.flows:
            self.next.setdefault(flow.source, []).append(flow.target)

    def around(self, element: Element) -> Iterator[str]:
        """The scopes that an element stands in, the innermost first; the last one is ""."""
        scope = element.scope
        while scope:
            yield scope
            scope = self.diagram.elements[scope].scope if scope in self.diagram.elements else ""
        yield ""

    def timers_on(self, element: Element) -> list[Element]:
        """The timers that sit on it."""
        return [e for e in self.diagram.elements.values() if e.on == element.id and e.timer]

    def leaves_in_time(self, element: Element) -> bool:
        """Does a timer lead on without whoever has the step?"""
        places = {element.id, *self.around(element)}
        timers = [e for e in self.diagram.elements.values() if e.timer]
        return any(e.on in places and e.interrupting for e in timers if e.on) or any(
            e.scope in places and self._runs_beside(e) and self._ends_by_itself(e)
            for e in timers
            if not e.on
        )

    def ended_beside(self, element: Element) -> bool:
        """Does somebody end all of it by what a post does beside it, as whoever closes a
        meeting?
        """
        places = set(self.around(element))
        return any(
            e.type == "userTask" and e.scope in places and self.lane(e).get("post")
            for e in self.diagram.elements.values()
            if e.id != element.id and self._runs_beside(e) and self._ends_by_itself(e)
        )

    def _runs_beside(self, element: Element) -> bool:
        """Does it wait beside other steps, and not before or after them?"""
        before = [flow.source for flow in self.diagram.flows if flow.target == element.id]
        return any(self.draft.kind_of(key) == "parallelGateway" for key in before)

    def _ends_by_itself(self, element: Element) -> bool:
        """Does what waits here end all of its scope, with nobody in between?"""
        reached = self.reached(element.id, through_people=False)
        return any(self.diagram.elements[key].terminates for key in reached)

    def reached(self, start: str, *, through_people: bool = True) -> set[str]:
        """The elements of the same scope that follow one."""
        found, stack = {start}, [start]
        while stack:
            for target in self.next.get(stack.pop(), ()):
                element = self.diagram.elements.get(target)
                if element is None or target in found:
                    continue
                if through_people or element.type not in _PERSONAL or element.timer:
                    found.add(target)
                    stack.append(target)
        return found

    def left_by_others(self, element: Element) -> bool:
        """Is the scope of an element, or one around it, left by something else than it?"""
        places = set(self.around(element))
        return any(
            (bool(e.on) and e.on in places and e.interrupting)
            or (e.terminates and e.scope in places)
            for e in self.diagram.elements.values()
        )

    def lane(self, element: Element) -> dict[str, str]:
        """What process.toml says of the lane of an element."""
        found: dict[str, str] = self.draft.table("lanes").get(element.lane, {})
        return found

    @property
    def confidential(self) -> bool:
        """Do the desks know nothing of it?"""
        return bool(self.draft.raw.get("confidentiality") == "named")

    def watched(self) -> bool:
        """Is there somebody who urges when a step is late: the office, or a post of the matter?"""
        lanes = self.draft.table("lanes").values()
        return not self.confidential or any(lane.get("post") for lane in lanes)

    def persons(self, element: Element) -> set[str]:
        """The facts that name whose step it is; none where a post does it."""
        person = self.lane(element).get("person", "")
        try:
            return set(expressions.names_in(person)) - _WHO if person else set()
        except ProcessFault:
            return set()

    def handed_over(self, element: Element) -> bool:
        """Can the office give the step to somebody else, or end what its owner left?

        It hands over no room's step, and ends nothing that binds others.
        """
        if self.confidential:
            return False
        if self.lane(element).get("person") == self.draft.raw.get("owner", legacy.OWNER):
            binding = self.draft.raw.get("binding_after", ())
            return not any(element.id in self.reached(key) for key in binding)
        return not self.draft.table("tasks").get(element.id, {}).get("room")

    def named_anew(self, element: Element) -> bool:
        """Can a post say by a message, while the step waits, whose it is from now on?"""
        places = {element.id, *self.around(element)}
        wanted = self.persons(element)
        return any(
            self._by_a_post(e.message) and self._sets(self.reached(e.id), e.message, wanted)
            for e in self.diagram.elements.values()
            if e.message and (e.on or e.scope) in places
        )

    def _by_a_post(self, message: str) -> bool:
        lane = self.draft.table("messages").get(message, {}).get("lane", "")
        return bool(self.draft.table("lanes").get(lane, {}).get("post"))

    def _sets(self, elements: set[str], message: str, wanted: set[str]) -> bool:
        """Does one of the elements, or the message itself, say one of these facts anew?"""
        actions = self.draft.table("actions")
        said = {message, *elements}
        said.update(key for each in elements for key in actions.get(each, {}).get("set", ()))
        return any(fact == key or fact.startswith(f"{key}.") for fact in wanted for key in said)
