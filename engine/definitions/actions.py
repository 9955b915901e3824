"""The actions that a service task may name: what each is told, and the facts it leaves behind. They
stand in engine/commands; this table is what a process folder is checked against.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# kinds of arguments: expression, table (name -> expression), names (of facts), document, rule,
# task, poll, book, round, text, fact (its name), series (fact -> how it is numbered)
Arguments = Mapping[str, str]


@dataclass(frozen=True)
class Declared:
    """An action as an author may write it. `leaves`: fact -> its keys, empty for a plain value.
    `again`: doing it once more leaves nothing twice.
    """

    needed: Arguments = field(default_factory=dict)
    possible: Arguments = field(default_factory=dict)
    leaves: Mapping[str, frozenset[str]] = field(default_factory=dict)
    again: bool = False


_NUMBERED = frozenset({"id", "number"})
_TO_OTHER = {"matter": "expression"}

ACTIONS: Mapping[str, Declared] = {
    "issue_document": Declared({"document": "document"}, {"set": "table", "numbers": "series"}),
    "set_fact": Declared({"set": "table"}, {"append": "table", "numbers": "series"}, again=True),
    "turn": Declared({"book": "book", "item": "expression"}, {"set": "table"}),
    "keep_round": Declared({"round": "round"}, {"also": "round", "set": "table"}),
    "hand_over": Declared({"to": "expression"}),
    "merge_into": Declared({"target": "expression"}, leaves={"merged_into": _NUMBERED}),
    "notify_merged": Declared(
        {}, {"message": "text", "facts": "names"}, {"lead": _NUMBERED, "origins": frozenset()}
    ),
    "extend": Declared({"task": "task", "rule": "rule"}),
    "remind": Declared({}, {"task": "task"}, again=True),
    "recount": Declared({"poll": "poll"}),
    "supersede": Declared({"vote": "expression", "reason": "expression"}),
    "strike": Declared({"meeting": "task", "members": "expression", "reason": "expression"}),
    "mark": Declared({"as": "fact"}, {"code": "expression"}),
    "end_post": Declared({"member": "expression", "post": "expression", "from": "expression"}),
    "archive": Declared(),
    "begin": Declared(
        {"process": "text", "kind": "text", "starter": "expression"}, {"with": "table"}
    ),
    "link": Declared({**_TO_OTHER, "kind": "text"}),
    "tell": Declared({**_TO_OTHER, "message": "text"}, {"with": "table"}),
}
ISSUED = frozenset({"number", "on"})  # what issuing a paper leaves under the action's name
MARKED = frozenset({"on", "code"})  # what `mark` leaves under the name it is given
LEFT_BEHIND: Mapping[str, frozenset[str]] = {
    fact: keys for declared in ACTIONS.values() for fact, keys in declared.leaves.items()
}
