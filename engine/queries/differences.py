"""What changed between two versions of a process: its words and its files, line by line."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.definitions.store import process_of
from engine.errors import NotFound
from engine.queries.definitions import Version, one, outline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session
    from engine.people.organisation import Actor


CONTEXT = 3  # lines shown around a change
MOST_LINES = 4000


@dataclass(frozen=True)
class Change:
    """A line of a difference: `sign` is "+", "-", " " or "@" (a gap); numbers of the line in the
    old and new file.
    """

    sign: str
    old: int | None
    new: int | None
    text: str


@dataclass(frozen=True)
class FileChange:
    """A file that differs: `what` is added, removed or changed."""

    name: str
    what: str
    plus: int
    minus: int
    lines: tuple[Change, ...]
    cut: bool


@dataclass(frozen=True)
class Difference:
    old: Version
    new: Version
    outline: tuple[Change, ...]
    files: tuple[FileChange, ...]


def difference(session: Session, actor: Actor, old: str, new: str, lang: str = "zh") -> Difference:
    """What changed from one version to another of the same process. Raises NotFound."""
    before, after = one(session, actor, old, lang), one(session, actor, new, lang)
    if before.process_id != after.process_id:
        raise NotFound
    one_, other = process_of(session, old), process_of(session, new)
    names = sorted(set(one_.files) | set(other.files))
    changed = [
        _file(name, one_.files, other.files)
        for name in names
        if one_.files.get(name) != other.files.get(name)
    ]
    told = _compare(outline(one_), outline(other))
    return Difference(before, after, tuple(told), tuple(changed))


def _file(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> FileChange:
    what = "added" if name not in old else "removed" if name not in new else "changed"
    lines = _compare(old.get(name, ""), new.get(name, ""))
    plus, minus = sum(c.sign == "+" for c in lines), sum(c.sign == "-" for c in lines)
    return FileChange(
        name=name,
        what=what,
        plus=plus,
        minus=minus,
        lines=tuple(lines[:MOST_LINES]),
        cut=len(lines) > MOST_LINES,
    )


_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


def _compare(old: str, new: str) -> list[Change]:
    """The differing lines with a few around them, numbered."""
    found: list[Change] = []
    left = right = 0
    for text in list(
        difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=CONTEXT)
    )[2:]:
        if hunk := _HUNK.match(text):
            left, right = int(hunk[1]), int(hunk[2])
            if found:
                found.append(Change("@", None, None, ""))
        elif text.startswith("-"):
            found.append(Change("-", left, None, text[1:]))
            left += 1
        elif text.startswith("+"):
            found.append(Change("+", None, right, text[1:]))
            right += 1
        else:
            found.append(Change(" ", left, right, text[1:]))
            left, right = left + 1, right + 1
    return found
