"""What a fault in a process folder looks like: where it is, what is wrong, what to write instead.
In the author's words.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.messages import Message, _

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Fault:
    """`file` inside the folder, `element` the id or the key concerned, `what` is wrong, `advice`:
    what to write.

    `what` and `advice` are messages, which an edge renders in the author's language.
    """

    file: str
    element: str
    what: str
    advice: str = ""
    # what this follows from, such as the fact that does not exist; "": it stands for itself
    root: str = field(default="", compare=False)

    @property
    def line(self) -> Message:
        """Place, fault and advice in one line."""
        place = " ".join(part for part in (self.file, self.element) if part)
        if not self.advice:
            return _("{place}：{what}", place=place, what=self.what)
        return _("{place}：{what} → {advice}", place=place, what=self.what, advice=self.advice)

    def __str__(self) -> str:
        return str(self.line)


def rooted(faults: Iterable[Fault]) -> list[Fault]:
    """The faults, each root once: the first place of it, and how many more there are."""
    found = list(faults)
    places = Counter(fault.root for fault in found)
    first: dict[str, Fault] = {}
    for fault in found:
        if fault.root:
            first.setdefault(fault.root, fault)
    return [
        _counted(fault, places[fault.root])
        for fault in found
        if not fault.root or first[fault.root] is fault
    ]


def _counted(fault: Fault, places: int) -> Fault:
    if not fault.root or places == 1:
        return fault
    what = _("{what}（另有 {n} 处同因）", what=fault.what, n=places - 1)
    return replace(fault, what=what)


def shown(value: object, most: int = 60) -> str:
    """A text from outside as it may stand in a message: one printable, short line. A message that
    is so stays one.
    """
    if isinstance(value, Exception) and value.args and isinstance(value.args[0], Message):
        value = value.args[0]
    if isinstance(value, Message) and len(value) <= most and value.isprintable():
        return value
    try:
        text = str(value)
    except (RecursionError, ValueError):  # nested too deep, or a number of thousands of digits
        return "…"
    plain = "".join(c if c.isprintable() else "?" for c in text[:most])
    return plain + ("…" if len(text) > most else "")
