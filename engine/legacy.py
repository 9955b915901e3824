"""What old versions of processes, and old events, mean by a word that is declared today, or by
saying nothing.

A version is frozen and a history is kept for ever. What the first processes (motions of a congress)
found built in is read from here; nothing new relies on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OWNER = "launch.mover"  # process.toml without `owner`
WITHDRAWAL = (
    "withdraw"  # a message of this name ends an instance as withdrawn, if it says no `state`
)
URGED_A_DAY = 1  # how often a task is urged a day where no rule says it
REPLY = "lead_replied"  # what `notify_merged` sends, if it says no `message`


@dataclass(frozen=True)
class Action:
    """An action by its name of today, and arguments that its old name stood for."""

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)


ACTIONS: Mapping[str, Action] = {
    "take_over": Action("hand_over"),
    "add_to_report": Action("mark", {"as": "report"}),
}
PLACES = {"CN": "", "CN-ZJ": "", "CN-ZJ-HZ": "杭州", "CN-ZJ-NB": "宁波"}
"""Where rules of a folder hold that names no jurisdictions: in a city, or (without one) everywhere."""
FUNCTIONS = frozenset({"movers_of", "delegates"})  # of expressions: owners_of, holders
DELEGATES = "{}_delegate"  # the post that delegates("formal") means


def message_state(name: str, table: Mapping[str, Any]) -> str:
    """The state in which a message leaves an instance that it ends; "" where its process
    decides.
    """
    return str(table.get("state", "withdrawn" if name == WITHDRAWAL else ""))


def sent_state(says: Mapping[str, Any]) -> str:
    """The same of a message's event; older ones do not say it."""
    return message_state(str(says["message"]), says)


def action(table: Mapping[str, Any]) -> dict[str, Any]:
    """An action's table of process.toml, with the names of today."""
    old = ACTIONS.get(str(table.get("do")))
    return {**old.arguments, **table, "do": old.name} if old else dict(table)


def posts_meant(function: str, texts: Iterable[str | None]) -> list[str]:
    """The kinds of posts that the texts in a call mean: of delegates("formal") in the words of
    old.
    """
    words = [text for text in texts if text]
    return [DELEGATES.format(word) for word in words] if function == "delegates" else words
