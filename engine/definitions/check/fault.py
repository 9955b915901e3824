"""What a fault in a process folder looks like: where it is, what is wrong, what to write instead. In the author's words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """`file` inside the folder, `element` the id or the key concerned, `what` is wrong, `advice`: what to write."""

    file: str
    element: str
    what: str
    advice: str = ""

    def __str__(self) -> str:
        place = " ".join(part for part in (self.file, self.element) if part)
        return f"{place}：{self.what}" + (f" → {self.advice}" if self.advice else "")


def shown(value: object, most: int = 60) -> str:
    """A text from outside as it may stand in a message: one printable, short line."""
    try:
        text = str(value)
    except (RecursionError, ValueError):  # nested too deep, or a number of thousands of digits
        return "…"
    plain = "".join(c if c.isprintable() else "?" for c in text[:most])
    return plain + ("…" if len(text) > most else "")
