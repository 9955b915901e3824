"""What a version says of facts that there are several of: books and rounds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BookRule:
    """Several of a kind within one matter: the `facts` that each has of its own, and those of them
    that no paper shows (`apart`). See engine/instance/books.py.
    """

    key: str
    facts: tuple[str, ...]
    apart: tuple[str, ...]


@dataclass(frozen=True)
class RoundRule:
    """What is done anew: the dotted `facts` that each round keeps under its number. See
    engine/instance/rounds.py.
    """

    key: str
    facts: tuple[str, ...]
