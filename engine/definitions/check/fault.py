"""What a fault in a process folder looks like: where it is, what is wrong, what to write instead.
In the author's words.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.messages import Message, _


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

    @property
    def line(self) -> Message:
        """Place, fault and advice in one line."""
        place = " ".join(part for part in (self.file, self.element) if part)
        if not self.advice:
            return _("{place}：{what}", place=place, what=self.what)
        return _("{place}：{what} → {advice}", place=place, what=self.what, advice=self.advice)

    def __str__(self) -> str:
        return str(self.line)


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
