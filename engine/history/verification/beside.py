"""What the history tells of comments, and of what somebody was asked beside a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.history.verification.told import Remark

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Asked:
    """What somebody was asked beside the decision of a task, as the history tells it; the digest of
    the answer, when it came or was wanted no more, "" never.
    """

    seq: int
    what: str
    element: str
    task: str
    by: str
    to: str
    at: str
    digest: str
    answer: str = ""
    answered: str = ""
    withdrawn: str = ""


@dataclass
class Copied:
    """A matter that was sent to somebody for information, as the history tells it: at which task,
    by and to whom, when, the digest of the note; when it was read and taken back, "" never.
    """

    seq: int
    element: str
    by: str
    to: str
    at: str
    digest: str
    read: str = ""
    withdrawn: str = ""


REMARKS = ("comment_made", "comment_withdrawn")
COPIES = ("copied", "copy_read", "copy_withdrawn")
ASKS = ("asked", "ask_answered", "ask_withdrawn")


def ask(known: dict[str, Asked], seq: int, says: Mapping[str, Any]) -> None:
    """Somebody was asked, answered, or it was taken back."""
    if says["kind"] == "asked":
        about = (says["what"], says["task"], says["of"])
        who = (says["actor"]["id"], says["to"])
        known[says["id"]] = Asked(seq, *about, *who, at=says["at"], digest=says["digest"])
    elif says["kind"] == "ask_withdrawn":
        known[says["id"]].withdrawn = says["at"]
    else:
        known[says["id"]].answered = says["at"]
        known[says["id"]].answer = says["digest"]


def copy(known: dict[str, Copied], seq: int, says: Mapping[str, Any]) -> None:
    """It was sent to people, read, or taken back."""
    if says["kind"] == "copied":
        by, place = says["actor"]["id"], says.get("task", "")
        for key, to in says["copies"].items():
            known[key] = Copied(seq, place, by, to, at=says["at"], digest=says["digest"])
    elif says["kind"] == "copy_read":
        known[says["id"]].read = says["at"]
    else:
        known[says["id"]].withdrawn = says["at"]


def remark(known: dict[str, Remark], seq: int, says: Mapping[str, Any]) -> None:
    """A comment was made, or taken back."""
    if says["kind"] == "comment_made":
        known[says["id"]] = Remark.of(seq, says)
    else:
        known[says["id"]].withdrawn = says["at"]
